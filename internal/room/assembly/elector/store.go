package elector

import (
	"context"
	"errors"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
)

// row is a tie as it is kept.
type row struct {
	Tie
	hash string
}

const columns = `log, idx, hash, at_us, kind, member, root, charter`

func scan(r db.Row) (t row, err error) {
	var root string
	if err := r.Scan(&t.Log, &t.Index, &t.hash, &t.At, &t.Kind, &t.Member, &root, &t.Charter); err != nil {
		return t, err
	}
	if root != "" {
		t.Root, err = core.ParseRootKey(root)
	}
	return t, err
}

// put keeps a tie where it changes what stands of its logbook under its root key.
func put(ctx context.Context, q db.Querier, t row, root core.RootKey) error {
	if err := putLog(ctx, q, t.Log, root); err != nil {
		return err
	}
	was, err := db.One(ctx, q, db.Text, `SELECT hash FROM assembly_tie WHERE log = $1 AND idx = $2`, string(t.Log), t.Index)
	if err == nil && was == t.hash {
		return nil
	}
	if err == nil {
		err = takeBack(ctx, q, t.Log, t.Index)
	}
	if err != nil && !errors.Is(err, db.ErrNoRow) {
		return err
	}
	if idle, err := idle(ctx, q, t.Tie); err != nil || idle {
		return err
	}
	kept, err := db.All(ctx, q, scan, `SELECT `+columns+` FROM assembly_tie WHERE log = $1 AND idx < $2 ORDER BY idx`, string(t.Log), t.Index)
	if err != nil {
		return err
	}
	var stands standing
	for _, k := range kept {
		stands.apply(k.Tie)
	}
	if !stands.apply(t.Tie) {
		return nil
	}
	_, err = db.Exec(ctx, q, `INSERT INTO assembly_tie (`+columns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (log, idx) DO NOTHING`,
		string(t.Log), t.Index, t.hash, int64(t.At), string(t.Kind), string(t.Member), keyText(t.Root), t.Charter)
	return err
}

// idle sees without reading all of a logbook's ties that one more changes nothing: so most do in
// a logbook that never stops.
func idle(ctx context.Context, q db.Querier, t Tie) (bool, error) {
	if n, err := db.One(ctx, q, db.Int64, `SELECT COUNT(*) FROM assembly_tie WHERE log = $1 AND idx < $2`, string(t.Log), t.Index); err != nil || n >= MaxTies && !t.takesBack() {
		return true, err
	}
	last, err := db.One(ctx, q, scan, `SELECT `+columns+` FROM assembly_tie WHERE log = $1 AND member = $2 AND charter = $3 AND idx < $4 ORDER BY idx DESC LIMIT 1`,
		string(t.Log), string(t.Member), t.Charter, t.Index)
	if errors.Is(err, db.ErrNoRow) {
		return t.takesBack(), nil
	}
	return err == nil && last.Kind == t.Kind && last.Root == t.Root, err
}

// keyText is a root key as a column has it: empty for none.
func keyText(k core.RootKey) string {
	if k.IsZero() {
		return ""
	}
	return k.String()
}

// putLog notes under which root key a logbook is read. What was read under another one goes.
func putLog(ctx context.Context, q db.Querier, log core.MemberID, root core.RootKey) error {
	was, err := db.One(ctx, q, db.Text, `SELECT root FROM assembly_tie_log WHERE log = $1`, string(log))
	if err == nil && was == root.String() {
		return nil
	}
	if err == nil {
		err = takeBack(ctx, q, log, 0)
	}
	if err != nil && !errors.Is(err, db.ErrNoRow) {
		return err
	}
	_, err = db.Exec(ctx, q, `INSERT INTO assembly_tie_log (log, root) VALUES ($1, $2) ON CONFLICT (log) DO UPDATE SET root = excluded.root`, string(log), root.String())
	return err
}

// takeBack drops what a logbook said from an index on.
func takeBack(ctx context.Context, q db.Querier, log core.MemberID, index int64) error {
	_, err := db.Exec(ctx, q, `DELETE FROM assembly_tie WHERE log = $1 AND idx >= $2`, string(log), index)
	return err
}

// ties are those of every logbook that follows a charter or ever did, with the root key it was
// read under.
func ties(ctx context.Context, q db.Querier, charter string) ([]Tie, map[core.MemberID]core.RootKey, error) {
	type log struct {
		id   core.MemberID
		root core.RootKey
	}
	logs, err := db.All(ctx, q, func(r db.Row) (l log, err error) {
		var root string
		if err := r.Scan(&l.id, &root); err != nil {
			return l, err
		}
		l.root, err = core.ParseRootKey(root)
		return l, err
	}, `SELECT log, root FROM assembly_tie_log WHERE log IN (SELECT log FROM assembly_tie WHERE charter = $1) ORDER BY log`, charter)
	if err != nil {
		return nil, nil, err
	}
	roots := map[core.MemberID]core.RootKey{}
	for _, l := range logs {
		roots[l.id] = l.root
	}
	rows, err := db.All(ctx, q, scan, `SELECT `+columns+` FROM assembly_tie
		WHERE log IN (SELECT log FROM assembly_tie WHERE charter = $1) AND charter IN ('', $1) ORDER BY log, idx`, charter)
	out := make([]Tie, 0, len(rows))
	for _, r := range rows {
		out = append(out, r.Tie)
	}
	return out, roots, err
}
