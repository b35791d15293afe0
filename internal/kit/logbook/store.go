package logbook

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/seal"
)

// row is one log as stored.
type row struct {
	Origin    core.MemberID
	URL       string
	Root      core.RootKey
	Doc       []byte // key set document, nil when not met
	Version   int64
	Tree      tlog.Tree
	Note      []byte
	Signed    core.Moment
	Seq       int64
	Suspended core.Moment
}

const rowColumns = `origin, url, root, keyset, version, size, tree, head, signed_us, seq, suspended_us`

func scanRow(r db.Row) (row, error) {
	var l row
	var root string
	var tree []byte
	err := r.Scan(&l.Origin, &l.URL, &root, &l.Doc, &l.Version, &l.Tree.N, &tree, &l.Note, &l.Signed, &l.Seq, &l.Suspended)
	if err != nil {
		return l, err
	}
	copy(l.Tree.Hash[:], tree)
	return l, l.Root.UnmarshalText([]byte(root))
}

// keySet reads the row's key set; the pinned root key is checked again, because a
// row is bytes on a disk like any other.
func (l row) keySet() (KeySet, error) {
	if l.Doc == nil {
		return KeySet{}, core.NotFound("logbook.no_keyset", fmt.Errorf("no key set of %s yet", l.Origin)).With("Member", l.Origin)
	}
	doc, err := seal.DecodeEnvelope(l.Doc)
	if err != nil {
		return KeySet{}, err
	}
	return OpenKeySet(doc, l.Origin, l.Root)
}

func getRow(ctx context.Context, q db.Querier, id core.MemberID) (row, error) {
	l, err := db.One(ctx, q, scanRow, `SELECT `+rowColumns+` FROM logbook_log WHERE origin = $1`, string(id))
	if errors.Is(err, db.ErrNoRow) {
		return l, core.NotFound("logbook.unknown_member", fmt.Errorf("%s is not known", id)).With("Member", id)
	}
	return l, err
}

// rowByHash finds a log by the hash that mirror paths name it with.
func rowByHash(ctx context.Context, q db.Querier, hash string) (row, error) {
	l, err := db.One(ctx, q, scanRow, `SELECT `+rowColumns+` FROM logbook_log WHERE name_hash = $1`, hash)
	if errors.Is(err, db.ErrNoRow) {
		return l, core.NotFound("logbook.unknown_member", fmt.Errorf("no mirror %.64q", hash)).With("Member", hash)
	}
	return l, err
}

func lastSeq(ctx context.Context, q db.Querier) (int64, error) {
	return db.One(ctx, q, db.Int64, `SELECT COALESCE(MAX(seq), 0) FROM logbook_log`)
}

func allRows(ctx context.Context, q db.Querier, after int64) ([]row, error) {
	return db.All(ctx, q, scanRow, `SELECT `+rowColumns+` FROM logbook_log WHERE seq > $1 ORDER BY seq`, after)
}

func insertRow(ctx context.Context, q db.Querier, l row) error {
	root, err := l.Root.MarshalText()
	if err != nil {
		return err
	}
	seq, err := nextSeq(ctx, q)
	if err != nil {
		return err
	}
	_, err = db.Exec(ctx, q, `INSERT INTO logbook_log (name_hash, `+rowColumns+`) VALUES ($12,$1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11)`,
		string(l.Origin), l.URL, string(root), l.Doc, l.Version, l.Tree.N, l.Tree.Hash[:], l.Note, int64(l.Signed), seq, int64(l.Suspended), l.Origin.Hash())
	return err
}

// updateRow stores what changes as a log grows, under a new seq.
func updateRow(ctx context.Context, q db.Querier, l row) error {
	seq, err := nextSeq(ctx, q)
	if err != nil {
		return err
	}
	_, err = db.Exec(ctx, q, `UPDATE logbook_log SET url=$2, keyset=$3, version=$4, size=$5, tree=$6, head=$7, signed_us=$8, seq=$9,
		suspended_us=$10 WHERE origin=$1`,
		string(l.Origin), l.URL, l.Doc, l.Version, l.Tree.N, l.Tree.Hash[:], l.Note, int64(l.Signed), seq, int64(l.Suspended))
	return err
}

func nextSeq(ctx context.Context, q db.Querier) (int64, error) {
	n, err := lastSeq(ctx, q)
	return n + 1, err
}

// hashes reads stored tree hashes of one log within a transaction.
func hashes(ctx context.Context, q db.Querier, id core.MemberID) tlog.HashReaderFunc {
	return func(indexes []int64) ([]tlog.Hash, error) {
		out := make([]tlog.Hash, len(indexes))
		for i, index := range indexes {
			h, err := db.One(ctx, q, scanHash, `SELECT hash FROM logbook_hash WHERE origin = $1 AND idx = $2`, string(id), index)
			if err != nil {
				return nil, fmt.Errorf("hash %d of %s: %w", index, id, err)
			}
			out[i] = h
		}
		return out, nil
	}
}

func scanHash(r db.Row) (tlog.Hash, error) {
	var h tlog.Hash
	var b []byte
	if err := r.Scan(&b); err != nil {
		return h, err
	}
	if len(b) != len(h) {
		return h, fmt.Errorf("stored hash has %d bytes", len(b))
	}
	copy(h[:], b)
	return h, nil
}

// putEntry stores leaf number index and the tree hashes it completes.
func putEntry(ctx context.Context, q db.Querier, id core.MemberID, index int64, e stored) error {
	added, err := tlog.StoredHashesForRecordHash(index, tlog.RecordHash(e.data), hashes(ctx, q, id))
	if err != nil {
		return fmt.Errorf("hash entry %d of %s: %w", index, id, err)
	}
	at := tlog.StoredHashIndex(0, index)
	for i, h := range added {
		if _, err := db.Exec(ctx, q, `INSERT INTO logbook_hash (origin, idx, hash) VALUES ($1,$2,$3)`, string(id), at+int64(i), h[:]); err != nil {
			return err
		}
	}
	_, err = db.Exec(ctx, q, `INSERT INTO logbook_entry (origin, idx, typ, data, received_us) VALUES ($1,$2,$3,$4,$5)`,
		string(id), index, e.typ, e.data, int64(e.received))
	return err
}

// stored is an entry's bytes with what we noted about them.
type stored struct {
	index    int64
	typ      string
	data     []byte
	received core.Moment
}

func getEntries(ctx context.Context, q db.Querier, id core.MemberID, from int64, limit int) ([]stored, error) {
	return db.All(ctx, q, func(r db.Row) (s stored, err error) {
		err = r.Scan(&s.index, &s.typ, &s.data, &s.received)
		return s, err
	}, `SELECT idx, typ, data, received_us FROM logbook_entry WHERE origin = $1 AND idx >= $2 ORDER BY idx LIMIT $3`,
		string(id), from, limit)
}

// cutBack moves entries from size on into quarantine: they were signed under a
// key that its owner revoked from there.
func cutBack(ctx context.Context, q db.Querier, id core.MemberID, size int64, now core.Moment) error {
	for _, statement := range []string{
		`INSERT INTO logbook_quarantine (origin, idx, data, moved_us) SELECT origin, idx, data, $3 FROM logbook_entry WHERE origin=$1 AND idx >= $2`,
		`DELETE FROM logbook_entry WHERE origin=$1 AND idx >= $2 AND $3 > 0`,
		`UPDATE logbook_cursor SET next=$2 WHERE origin=$1 AND next > $2 AND $3 > 0`,
	} {
		if _, err := db.Exec(ctx, q, statement, string(id), size, int64(now)); err != nil {
			return err
		}
	}
	_, err := db.Exec(ctx, q, `DELETE FROM logbook_hash WHERE origin=$1 AND idx >= $2`, string(id), tlog.StoredHashIndex(0, size))
	return err
}
