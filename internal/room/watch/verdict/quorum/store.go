package quorum

import (
	"context"
	"errors"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
)

// The kinds of rows.
const (
	kindRoster  = "roster"  // owner, leaf hash: what an owner said
	kindDuty    = "duty"    // member, leaf hash: what a member said
	kindProof   = "proof"   // owner, nonce: a certificate with its votes
	kindEvent   = "event"   // owner, nonce: what a certificate says, without its votes
	kindPending = "pending" // owner, nonce and logbook: a certificate that cannot be checked yet
	kindOutbox  = "outbox"  // owner, nonce: a certificate of ours that is in no logbook yet
	kindTold    = "told"    // owner, target: the verdict the others of this node know
	kindGrey    = "grey"    // owner, target and begin: a time nobody could establish; no owner = all targets
	kindCut     = "cut"     // ourselves, "cut": since when we are cut off; there is none while we are not
	kindVoted   = "voted"   // accuser, nonce and round: a call that we answered
)

// row is one fact. Its body is JSON.
type row struct {
	Kind  string
	Owner core.MemberID
	ID    string
	At    core.Moment
	Log   core.MemberID // whose logbook it came from; empty = it is our own
	Index int64         // its place there
	Body  []byte
	gone  bool // to be taken away
}

// ledger is where the facts are stored: a database, but in long simulations.
type ledger interface {
	// Put writes rows, all or none; one that is there is replaced.
	Put(ctx context.Context, rows ...row) error
	// First writes a row and says whether it was not there.
	First(ctx context.Context, r row) (bool, error)
	// Load reads the rows of a kind from a moment on, the oldest first.
	Load(ctx context.Context, kind string, since core.Moment) ([]row, error)
	// Forget drops rows of a kind before a moment, or those a logbook said from a place on.
	Forget(ctx context.Context, r row) error
}

// store is the ledger in the database.
type store struct{ db *db.DB }

const columns = `kind, owner, id, at_us, log, idx, body`

// Put implements ledger.
func (s store) Put(ctx context.Context, rows ...row) error {
	return s.db.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		for _, r := range rows {
			if _, err := db.Exec(ctx, q, `DELETE FROM watch_fact WHERE kind = $1 AND owner = $2 AND id = $3`, r.Kind, string(r.Owner), r.ID); err != nil {
				return err
			}
			if r.gone {
				continue
			}
			if err := insert(ctx, q, r); err != nil {
				return err
			}
		}
		return nil
	})
}

func insert(ctx context.Context, q db.Querier, r row) error {
	_, err := db.Exec(ctx, q, `INSERT INTO watch_fact (`+columns+`) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		r.Kind, string(r.Owner), r.ID, int64(r.At), string(r.Log), r.Index, string(r.Body))
	return err
}

// First implements ledger.
func (s store) First(ctx context.Context, r row) (first bool, err error) {
	err = s.db.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		_, err := db.One(ctx, q, db.Text, `SELECT id FROM watch_fact WHERE kind = $1 AND owner = $2 AND id = $3`, r.Kind, string(r.Owner), r.ID)
		if first = errors.Is(err, db.ErrNoRow); !first {
			return err
		}
		return insert(ctx, q, r)
	})
	return first, err
}

// Load implements ledger.
func (s store) Load(ctx context.Context, kind string, since core.Moment) ([]row, error) {
	return db.All(ctx, s.db, scan, `SELECT `+columns+` FROM watch_fact WHERE kind = $1 AND at_us >= $2 ORDER BY at_us, id`, kind, int64(since))
}

// Forget implements ledger.
func (s store) Forget(ctx context.Context, r row) error {
	if r.Log != "" {
		_, err := db.Exec(ctx, s.db, `DELETE FROM watch_fact WHERE log = $1 AND idx >= $2`, string(r.Log), r.Index)
		return err
	}
	_, err := db.Exec(ctx, s.db, `DELETE FROM watch_fact WHERE kind = $1 AND at_us < $2`, r.Kind, int64(r.At))
	return err
}

func scan(s db.Row) (r row, err error) {
	var owner, log, body string
	var at int64
	err = s.Scan(&r.Kind, &owner, &r.ID, &at, &log, &r.Index, &body)
	r.Owner, r.Log, r.At, r.Body = core.MemberID(owner), core.MemberID(log), core.Moment(at), []byte(body)
	return r, err
}
