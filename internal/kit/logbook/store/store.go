package store

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/logbook/format"
	"entrechat/internal/kit/seal"
)

// PageSize is how many rows are read at a time.
const PageSize = 256

// MemberRow is one member as stored.
type MemberRow struct {
	ID       core.MemberID
	URL      string
	Root     core.RootKey
	Doc      []byte // key set document, nil when none was met
	Version  int64
	Forked   core.Moment
	Followed core.Moment
}

const memberColumns = `id, url, root, keyset, version, forked_us, followed_us`

func scanMember(r db.Row) (MemberRow, error) {
	var m MemberRow
	var root string
	if err := r.Scan(&m.ID, &m.URL, &root, &m.Doc, &m.Version, &m.Forked, &m.Followed); err != nil {
		return m, err
	}
	if err := m.Root.UnmarshalText([]byte(root)); err != nil {
		m.Root = core.RootKey{} // damaged: no key set holds under it, and Repair finds it again
	}
	return m, nil
}

// KeySet reads the row's key set. The pinned root key is checked again: a row is
// bytes on a disk like any other. Returns CodeNotFound before the first was met.
func (m MemberRow) KeySet() (format.KeySet, error) {
	if len(m.Doc) == 0 {
		return format.KeySet{}, core.NotFound("logbook.no_keyset", fmt.Errorf("no key set of %s yet", m.ID)).With("Member", m.ID)
	}
	doc, err := seal.DecodeEnvelope(m.Doc)
	if err != nil {
		return format.KeySet{}, Damaged(string(m.ID), err)
	}
	keys, err := format.OpenKeySet(doc, m.ID, m.Root)
	if err != nil {
		return format.KeySet{}, Damaged(string(m.ID), err)
	}
	return keys, nil
}

// GetMember reads one member. Returns CodeNotFound.
func GetMember(ctx context.Context, q db.Querier, id core.MemberID) (MemberRow, error) {
	m, err := db.One(ctx, q, scanMember, `SELECT `+memberColumns+` FROM logbook_member WHERE id = $1`, string(id))
	if errors.Is(err, db.ErrNoRow) {
		return m, core.NotFound("logbook.unknown_member", fmt.Errorf("%s is not known", id)).With("Member", id)
	}
	return m, err
}

// AllMembers lists the members by name.
func AllMembers(ctx context.Context, q db.Querier) ([]MemberRow, error) {
	return db.All(ctx, q, scanMember, `SELECT `+memberColumns+` FROM logbook_member ORDER BY id`)
}

// KnownMembers are all members with the log of their last epoch, by name; their state is
// left to the clock.
func KnownMembers(ctx context.Context, q db.Querier) ([]Member, error) {
	return db.All(ctx, q, func(r db.Row) (m Member, err error) {
		var root string
		if err = r.Scan(&m.ID, &m.URL, &root, &m.Version, &m.Suspended, &m.Epoch, &m.Size, &m.Heard); err != nil {
			return m, err
		}
		if err := m.Root.UnmarshalText([]byte(root)); err != nil {
			m.Root = core.RootKey{} // damaged, as scanMember says
		}
		return m, nil
	}, `SELECT m.id, m.url, m.root, m.version, m.forked_us, l.epoch, l.base + l.size, l.heard_us
		FROM logbook_member m JOIN logbook_log l ON l.member = m.id
		WHERE NOT EXISTS (SELECT 1 FROM logbook_log n WHERE n.member = l.member AND n.epoch > l.epoch) ORDER BY m.id`)
}

// Roster is a summary of whom we follow, under which root keys, and who is suspended. While
// two are equal, none of it changed; that supposes a clock that does not run backwards.
type Roster struct {
	Followed      int64       // how many members
	LastFollowed  core.Moment // when the last of them was followed, zero = nobody
	Suspended     int64       // how many of them
	LastSuspended core.Moment // when the last of these was, zero = nobody
}

// RosterNow reads the summary from an index.
func RosterNow(ctx context.Context, q db.Querier) (Roster, error) {
	return db.One(ctx, q, func(r db.Row) (s Roster, err error) {
		return s, r.Scan(&s.Followed, &s.LastFollowed, &s.Suspended, &s.LastSuspended)
	}, `SELECT COUNT(*), COALESCE(MAX(followed_us), 0), COUNT(CASE WHEN forked_us > 0 THEN 1 END), COALESCE(MAX(forked_us), 0) FROM logbook_member`)
}

// PutMember stores a member; its root key and when it was followed never change by it.
func PutMember(ctx context.Context, q db.Querier, m MemberRow) error {
	_, err := db.Exec(ctx, q, `INSERT INTO logbook_member (`+memberColumns+`) VALUES ($1,$2,$3,$4,$5,$6,$7)
		ON CONFLICT (id) DO UPDATE SET url=excluded.url, keyset=excluded.keyset, version=excluded.version, forked_us=excluded.forked_us`,
		string(m.ID), m.URL, m.Root.String(), m.Doc, m.Version, int64(m.Forked), int64(m.Followed))
	return err
}

// LogRow is one log as stored.
type LogRow struct {
	Origin string
	Member core.MemberID
	Epoch  int64
	Base   int64
	Tree   tlog.Tree
	Note   []byte // head, nil when none counts
	Signed core.Moment
	Heard  core.Moment
	Cosig  string
	Bytes  int64
	Seq    int64
}

// View is what the row says is here of the log.
func (l LogRow) View() format.LogView {
	return format.LogView{Tree: l.Tree, Signed: l.Signed, Attested: l.Note != nil}
}

// Head is the newest head that counts; its note is nil when none does.
func (l LogRow) Head() format.Head {
	return format.Head{Origin: l.Origin, Tree: l.Tree, Note: l.Note, Signed: l.Signed}
}

const logColumns = `origin, member, epoch, base, size, tree, head, signed_us, heard_us, cosignature, bytes, seq`

func scanLog(r db.Row) (LogRow, error) {
	var l LogRow
	var root []byte
	err := r.Scan(&l.Origin, &l.Member, &l.Epoch, &l.Base, &l.Tree.N, &root, &l.Note, &l.Signed, &l.Heard, &l.Cosig, &l.Bytes, &l.Seq)
	if err != nil {
		return l, err
	}
	if len(root) != tlog.HashSize {
		return l, Damaged(l.Origin, fmt.Errorf("stored root has %d bytes", len(root)))
	}
	l.Tree.Hash = tlog.Hash(root)
	if len(l.Note) == 0 {
		l.Note = nil
	}
	return l, nil
}

// EmptyLog is a log nothing is known of yet.
func EmptyLog(id core.MemberID, epoch, base int64) LogRow {
	root, _ := tlog.TreeHash(0, nil) // reads nothing
	return LogRow{Origin: format.LogOrigin(id, epoch), Member: id, Epoch: epoch, Base: base, Tree: tlog.Tree{Hash: root}}
}

// GetLog reads one epoch of a member. Returns CodeNotFound.
func GetLog(ctx context.Context, q db.Querier, id core.MemberID, epoch int64) (LogRow, error) {
	l, err := db.One(ctx, q, scanLog, `SELECT `+logColumns+` FROM logbook_log WHERE member = $1 AND epoch = $2`, string(id), epoch)
	if errors.Is(err, db.ErrNoRow) {
		return l, core.NotFound("logbook.unknown_member", fmt.Errorf("no log %d of %s", epoch, id)).With("Member", id)
	}
	return l, err
}

// CurrentLog is the log of a member that goes on.
func CurrentLog(ctx context.Context, q db.Querier, id core.MemberID) (LogRow, error) {
	l, err := db.One(ctx, q, scanLog, `SELECT `+logColumns+` FROM logbook_log WHERE member = $1 ORDER BY epoch DESC LIMIT 1`, string(id))
	if errors.Is(err, db.ErrNoRow) {
		return l, core.NotFound("logbook.unknown_member", fmt.Errorf("no log of %s", id)).With("Member", id)
	}
	return l, err
}

// LogByHash finds a log by the hash that mirror paths name it with.
func LogByHash(ctx context.Context, q db.Querier, hash string) (LogRow, error) {
	l, err := db.One(ctx, q, scanLog, `SELECT `+logColumns+` FROM logbook_log WHERE name_hash = $1`, hash)
	if errors.Is(err, db.ErrNoRow) {
		return l, core.NotFound("logbook.unknown_member", fmt.Errorf("no mirror %.64q", hash)).With("Member", hash)
	}
	return l, err
}

// LogsAfter lists logs changed after a seq, oldest change first.
func LogsAfter(ctx context.Context, q db.Querier, seq int64, limit int) ([]LogRow, error) {
	return db.All(ctx, q, scanLog, `SELECT `+logColumns+` FROM logbook_log WHERE seq > $1 ORDER BY seq LIMIT $2`, seq, limit)
}

// LogsOf lists a member's logs, the oldest epoch first.
func LogsOf(ctx context.Context, q db.Querier, id core.MemberID) ([]LogRow, error) {
	return db.All(ctx, q, scanLog, `SELECT `+logColumns+` FROM logbook_log WHERE member = $1 ORDER BY epoch`, string(id))
}

// LastSeq is the number of the last change of any log, 0 = none.
func LastSeq(ctx context.Context, q db.Querier) (int64, error) {
	return db.One(ctx, q, db.Int64, `SELECT COALESCE(MAX(seq), 0) FROM logbook_log`)
}

// VersionsAfter are the key set versions of members whose logs changed after a seq.
func VersionsAfter(ctx context.Context, q db.Querier, seq int64) (map[core.MemberID]int64, error) {
	out := map[core.MemberID]int64{}
	_, err := db.All(ctx, q, func(r db.Row) (struct{}, error) {
		var id core.MemberID
		var version int64
		err := r.Scan(&id, &version)
		out[id] = version
		return struct{}{}, err
	}, `SELECT id, version FROM logbook_member WHERE id IN (SELECT member FROM logbook_log WHERE seq > $1)`, seq)
	return out, err
}

// PutLog stores a log under a new seq, so that whoever follows seq sees it.
func PutLog(ctx context.Context, q db.Querier, l LogRow) error {
	seq, err := LastSeq(ctx, q)
	if err != nil {
		return err
	}
	_, err = db.Exec(ctx, q, `INSERT INTO logbook_log (`+logColumns+`, name_hash) VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13)
		ON CONFLICT (origin) DO UPDATE SET size=excluded.size, tree=excluded.tree, head=excluded.head, signed_us=excluded.signed_us,
		heard_us=excluded.heard_us, cosignature=excluded.cosignature, bytes=excluded.bytes, seq=excluded.seq`,
		l.Origin, string(l.Member), l.Epoch, l.Base, l.Tree.N, l.Tree.Hash[:], l.Note, int64(l.Signed), int64(l.Heard), l.Cosig,
		l.Bytes, seq+1, core.MemberID(l.Origin).Hash())
	return err
}

// Forget drops everything held of a member.
func Forget(ctx context.Context, q db.Querier, id core.MemberID) error {
	logs, err := LogsOf(ctx, q, id)
	if err != nil {
		return err
	}
	for _, l := range logs {
		for _, table := range []string{"entry", "tile", "quarantine", "cosignature"} {
			if _, err := db.Exec(ctx, q, `DELETE FROM logbook_`+table+` WHERE log = $1`, l.Origin); err != nil {
				return err
			}
		}
	}
	for _, statement := range []string{
		`DELETE FROM logbook_log WHERE member = $1`, `DELETE FROM logbook_cursor WHERE member = $1`,
		`DELETE FROM logbook_contact WHERE member = $1`, `DELETE FROM logbook_member WHERE id = $1`,
	} {
		if _, err := db.Exec(ctx, q, statement, string(id)); err != nil {
			return err
		}
	}
	return nil
}

// damageKey names the sentence for bytes on this disk that are not those signed.
const damageKey = "logbook.damaged"

// Damaged is the error for bytes on this disk that are not those that were signed
// (CodeInternal, logbook.damaged).
func Damaged(origin string, err error) error {
	return core.Internal(damageKey, fmt.Errorf("log %s: %w", origin, err)).With("Log", origin)
}

// Member is a member's log as others may see it.
type Member struct {
	ID      core.MemberID
	URL     string
	Root    core.RootKey
	Size    int64       // entries held of its whole history
	Heard   core.Moment // when it last showed signs of life, zero = never
	State   format.State
	Version int64 // of its key set, 0 = none met yet
	Epoch   int64
	// Suspended is when a fork was proved that people have not pardoned; zero =
	// never.
	Suspended core.Moment
}
