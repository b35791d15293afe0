package catalogue

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/room/vault/rest"
)

// ObjectRow and placementRow are what never changes of a row, as the database gives it:
// after a flipped bit it may be no object at all.
type ObjectRow struct {
	Object, Repo, kind, Name, sealedTo string
	Size, Sealed                       int64
}

type placementRow struct {
	object, member, root string
	idx, length          int64
}

func (o ObjectRow) sum() string {
	return rowSum("%q %q %q %q %q %d %d", o.Object, o.Repo, o.kind, o.Name, o.sealedTo, o.Size, o.Sealed)
}

func (p placementRow) sum() string {
	return rowSum("%q %q %q %d %d", p.object, p.member, p.root, p.idx, p.length)
}

// rowSum is a check sum: the first 8 bytes of a SHA-256. It keeps away accidents, not
// people.
func rowSum(format string, places ...any) string {
	sum := sha256.Sum256(fmt.Appendf(nil, format, places...))
	return hex.EncodeToString(sum[:8])
}

func sumOfObject(o Object) string {
	return ObjectRow{o.ID.String(), o.Repo, string(o.File.Type), o.File.Name, o.SealedTo, o.Size, o.Sealed}.sum()
}

func sumOfPlacement(p Placement) string {
	return placementRow{p.Object.String(), string(p.Member), p.Root.String(), int64(p.Index), p.Length}.sum()
}

// OddRow is a row that is not what was written, or has no check sum yet.
type OddRow struct {
	Table   string
	Object  string
	idx     int64  // of a placement
	member  string // of a placement
	Stored  string // check sum in the row; empty = written before there were any
	correct string
	Was     ObjectRow // of an object: what the row says
	Local   string    // of an object: its name on our disk; empty = only the members have it
	Pending bool      // of an object: alive, and never off-site
}

// Original finds the row that was written, given what its file says: the one with the
// row's check sum. Where the check sum itself changed, all the rest must stand.
func (row OddRow) Original(o ObjectRow, repos []Repo) (ObjectRow, bool) {
	recipients := append(make([]string, 0, len(repos)+2), row.Was.sealedTo, "")
	for _, repo := range repos {
		recipients = append(recipients, repo.Recipient)
	}
	for _, repo := range repos {
		for _, kind := range append(rest.Types(), rest.Config, Meta) {
			for _, to := range recipients {
				is := o
				is.Repo, is.kind, is.sealedTo = repo.Name, string(kind), to
				if kind == rest.Config {
					is.Name = ""
				}
				if is.sum() == row.Stored || is == row.Was {
					return is, true
				}
			}
		}
	}
	return o, false
}

// Odd lists the rows whose check sum does not stand.
func (s Rows) Odd(ctx context.Context) (odd []OddRow, err error) {
	note := func(row OddRow) {
		if row.Stored != row.correct {
			odd = append(odd, row)
		}
	}
	if _, err = db.All(ctx, s.db, func(r db.Row) (none struct{}, err error) {
		var o ObjectRow
		row := OddRow{Table: "vault_object"}
		if err := r.Scan(&o.Object, &o.Repo, &o.kind, &o.Name, &o.sealedTo, &o.Size, &o.Sealed, &row.Stored, &row.Local, &row.Pending); err != nil {
			return none, err
		}
		row.Object, row.correct, row.Was = o.Object, o.sum(), o
		note(row)
		return none, nil
	}, `SELECT object, repo, kind, name, sealed_to, size, sealed, row_sum, file, safe_us = 0 AND deleted_us = 0
		FROM vault_object`); err != nil {
		return nil, err
	}
	_, err = db.All(ctx, s.db, func(r db.Row) (none struct{}, err error) {
		var p placementRow
		row := OddRow{Table: "vault_placement"}
		if err := r.Scan(&p.object, &p.member, &p.root, &p.idx, &p.length, &row.Stored); err != nil {
			return none, err
		}
		row.Object, row.member, row.idx, row.correct = p.object, p.member, p.idx, p.sum()
		note(row)
		return none, nil
	}, `SELECT object, member, root, idx, length, row_sum FROM vault_placement`)
	return odd, err
}

// Fix gives a row its check sum, or takes out one that is not what was written:
// members have what it told.
func (s Rows) Fix(ctx context.Context, q db.Querier, row OddRow) error {
	where := ` WHERE object = $1 AND row_sum = $2`
	places := []any{row.Object, row.Stored}
	if row.Table == "vault_placement" {
		where += ` AND idx = $3 AND member = $4`
		places = append(places, row.idx, row.member)
	}
	statement := `DELETE FROM ` + row.Table + where
	if row.Stored == "" {
		statement = fmt.Sprintf(`UPDATE %s SET row_sum = $%d`, row.Table, len(places)+1) + where
		places = append(places, row.correct)
	}
	n, err := db.Exec(ctx, q, statement, places...)
	if err == nil && n != 1 {
		err = core.Internal("db.broken", fmt.Errorf("%s has %d rows of %q", row.Table, n, row.Object))
	}
	return err
}

// Rewrite gives an object's row back what it was. Returns CodeConflict when another
// row has its place.
func (s Rows) Rewrite(ctx context.Context, q db.Querier, row OddRow, o ObjectRow) error {
	n, err := db.Exec(ctx, q, `UPDATE vault_object SET object = $3, repo = $4, kind = $5, name = $6, sealed_to = $7, size = $8, sealed = $9,
		row_sum = $10 WHERE object = $1 AND row_sum = $2`,
		row.Object, row.Stored, o.Object, o.Repo, o.kind, o.Name, o.sealedTo, o.Size, o.Sealed, o.sum())
	switch {
	case db.IsDuplicate(err):
		err = core.Conflict("vault.name_taken", err)
	case err == nil && n != 1:
		err = core.Internal("db.broken", fmt.Errorf("vault_object has %d rows of %q", n, row.Object))
	}
	return err
}
