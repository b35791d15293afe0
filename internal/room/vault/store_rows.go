package vault

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
)

// objectRow and placementRow are what never changes of a row, as the database gives it:
// after a flipped bit it may be no object at all.
type objectRow struct {
	object, repo, kind, name, sealedTo string
	size, sealed                       int64
}

type placementRow struct {
	object, member, root string
	idx, length          int64
}

func (o objectRow) sum() string {
	return rowSum("%q %q %q %q %q %d %d", o.object, o.repo, o.kind, o.name, o.sealedTo, o.size, o.sealed)
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
	return objectRow{o.ID.String(), o.Repo, string(o.File.Type), o.File.Name, o.SealedTo, o.Size, o.Sealed}.sum()
}

func sumOfPlacement(p Placement) string {
	return placementRow{p.Object.String(), string(p.Member), p.Root.String(), int64(p.Index), p.Length}.sum()
}

// oddRow is a row that is not what was written, or has no check sum yet.
type oddRow struct {
	table   string
	object  string
	idx     int64  // of a placement
	member  string // of a placement
	stored  string // check sum in the row; empty = written before there were any
	correct string
	was     objectRow // of an object: what the row says
	shelf   string    // of an object: its name on our disk; empty = only the members have it
	pending bool      // of an object: alive, and never off-site
}

// oddRows lists the rows whose check sum does not stand.
func (s store) oddRows(ctx context.Context) (odd []oddRow, err error) {
	note := func(row oddRow) {
		if row.stored != row.correct {
			odd = append(odd, row)
		}
	}
	if _, err = db.All(ctx, s.db, func(r db.Row) (none struct{}, err error) {
		var o objectRow
		row := oddRow{table: "vault_object"}
		if err := r.Scan(&o.object, &o.repo, &o.kind, &o.name, &o.sealedTo, &o.size, &o.sealed, &row.stored, &row.shelf, &row.pending); err != nil {
			return none, err
		}
		row.object, row.correct, row.was = o.object, o.sum(), o
		note(row)
		return none, nil
	}, `SELECT object, repo, kind, name, sealed_to, size, sealed, row_sum, file, safe_us = 0 AND buried_us = 0
		FROM vault_object`); err != nil {
		return nil, err
	}
	_, err = db.All(ctx, s.db, func(r db.Row) (none struct{}, err error) {
		var p placementRow
		row := oddRow{table: "vault_placement"}
		if err := r.Scan(&p.object, &p.member, &p.root, &p.idx, &p.length, &row.stored); err != nil {
			return none, err
		}
		row.object, row.member, row.idx, row.correct = p.object, p.member, p.idx, p.sum()
		note(row)
		return none, nil
	}, `SELECT object, member, root, idx, length, row_sum FROM vault_placement`)
	return odd, err
}

// fixRow gives a row its check sum, or takes out one that is not what was written:
// members have what it told.
func (s store) fixRow(ctx context.Context, q db.Querier, row oddRow) error {
	where := ` WHERE object = $1 AND row_sum = $2`
	places := []any{row.object, row.stored}
	if row.table == "vault_placement" {
		where += ` AND idx = $3 AND member = $4`
		places = append(places, row.idx, row.member)
	}
	statement := `DELETE FROM ` + row.table + where
	if row.stored == "" {
		statement = fmt.Sprintf(`UPDATE %s SET row_sum = $%d`, row.table, len(places)+1) + where
		places = append(places, row.correct)
	}
	n, err := db.Exec(ctx, q, statement, places...)
	if err == nil && n != 1 {
		err = core.Internal("db.broken", fmt.Errorf("%s has %d rows of %q", row.table, n, row.object))
	}
	return err
}

// rewriteRow gives an object's row back what it was. Returns CodeConflict when another
// row has its place.
func (s store) rewriteRow(ctx context.Context, q db.Querier, row oddRow, o objectRow) error {
	n, err := db.Exec(ctx, q, `UPDATE vault_object SET object = $3, repo = $4, kind = $5, name = $6, sealed_to = $7, size = $8, sealed = $9,
		row_sum = $10 WHERE object = $1 AND row_sum = $2`,
		row.object, row.stored, o.object, o.repo, o.kind, o.name, o.sealedTo, o.size, o.sealed, o.sum())
	switch {
	case db.IsDuplicate(err):
		err = core.Conflict("vault.name_taken", err)
	case err == nil && n != 1:
		err = core.Internal("db.broken", fmt.Errorf("vault_object has %d rows of %q", n, row.object))
	}
	return err
}

// unexplained lists objects that are out of their repository although neither a
// tombstone, nor a member's burial, nor another form of the same file says why, and
// that enough members hold.
func (s store) unexplained(ctx context.Context) ([]Object, error) {
	return db.All(ctx, s.db, scanObject, `SELECT `+objectColumns+` FROM vault_object
		WHERE buried_us <> 0 AND NOT EXISTS (SELECT 1 FROM vault_tombstone t WHERE t.object = vault_object.object)
		AND NOT EXISTS (SELECT 1 FROM vault_placement p WHERE p.object = vault_object.object AND p.grave_us <> 0)
		AND NOT EXISTS (SELECT 1 FROM vault_object a WHERE a.repo = vault_object.repo AND a.kind = vault_object.kind
			AND a.name = vault_object.name AND a.object <> vault_object.object)
		AND `+heldOf+` >= CASE WHEN k > 1 THEN k ELSE 1 END ORDER BY seq`)
}
