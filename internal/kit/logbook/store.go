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

// pageSize is how many rows are read at a time.
const pageSize = 256

// memberRow is one member as stored.
type memberRow struct {
	id       core.MemberID
	url      string
	root     core.RootKey
	doc      []byte // key set document, nil when none was met
	version  int64
	forked   core.Moment
	followed core.Moment
}

const memberColumns = `id, url, root, keyset, version, forked_us, followed_us`

func scanMember(r db.Row) (memberRow, error) {
	var m memberRow
	var root string
	if err := r.Scan(&m.id, &m.url, &root, &m.doc, &m.version, &m.forked, &m.followed); err != nil {
		return m, err
	}
	if err := m.root.UnmarshalText([]byte(root)); err != nil {
		m.root = core.RootKey{} // damaged: no key set holds under it, and Repair finds it again
	}
	return m, nil
}

// keySet reads the row's key set. The pinned root key is checked again: a row is
// bytes on a disk like any other. Returns CodeNotFound before the first was met.
func (m memberRow) keySet() (KeySet, error) {
	if len(m.doc) == 0 {
		return KeySet{}, core.NotFound("logbook.no_keyset", fmt.Errorf("no key set of %s yet", m.id)).With("Member", m.id)
	}
	doc, err := seal.DecodeEnvelope(m.doc)
	if err != nil {
		return KeySet{}, damaged(string(m.id), err)
	}
	keys, err := OpenKeySet(doc, m.id, m.root)
	if err != nil {
		return KeySet{}, damaged(string(m.id), err)
	}
	return keys, nil
}

func getMember(ctx context.Context, q db.Querier, id core.MemberID) (memberRow, error) {
	m, err := db.One(ctx, q, scanMember, `SELECT `+memberColumns+` FROM logbook_member WHERE id = $1`, string(id))
	if errors.Is(err, db.ErrNoRow) {
		return m, core.NotFound("logbook.unknown_member", fmt.Errorf("%s is not known", id)).With("Member", id)
	}
	return m, err
}

func allMembers(ctx context.Context, q db.Querier) ([]memberRow, error) {
	return db.All(ctx, q, scanMember, `SELECT `+memberColumns+` FROM logbook_member ORDER BY id`)
}

// knownMembers are all members with the log of their last epoch, by name; their state is
// left to the clock.
func knownMembers(ctx context.Context, q db.Querier) ([]Member, error) {
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

func putMember(ctx context.Context, q db.Querier, m memberRow) error {
	_, err := db.Exec(ctx, q, `INSERT INTO logbook_member (`+memberColumns+`) VALUES ($1,$2,$3,$4,$5,$6,$7)
		ON CONFLICT (id) DO UPDATE SET url=excluded.url, keyset=excluded.keyset, version=excluded.version, forked_us=excluded.forked_us`,
		string(m.id), m.url, m.root.String(), m.doc, m.version, int64(m.forked), int64(m.followed))
	return err
}

// logRow is one log as stored.
type logRow struct {
	origin string
	member core.MemberID
	epoch  int64
	base   int64
	tree   tlog.Tree
	note   []byte // head, nil when none counts
	signed core.Moment
	heard  core.Moment
	cosig  string
	bytes  int64
	seq    int64
}

func (l logRow) view() logView {
	return logView{tree: l.tree, signed: l.signed, attested: l.note != nil}
}

func (l logRow) head() head {
	return head{origin: l.origin, tree: l.tree, note: l.note, signed: l.signed}
}

const logColumns = `origin, member, epoch, base, size, tree, head, signed_us, heard_us, cosignature, bytes, seq`

func scanLog(r db.Row) (logRow, error) {
	var l logRow
	var root []byte
	err := r.Scan(&l.origin, &l.member, &l.epoch, &l.base, &l.tree.N, &root, &l.note, &l.signed, &l.heard, &l.cosig, &l.bytes, &l.seq)
	if err != nil {
		return l, err
	}
	if len(root) != tlog.HashSize {
		return l, damaged(l.origin, fmt.Errorf("stored root has %d bytes", len(root)))
	}
	l.tree.Hash = tlog.Hash(root)
	if len(l.note) == 0 {
		l.note = nil
	}
	return l, nil
}

// emptyLog is a log nothing is known of yet.
func emptyLog(id core.MemberID, epoch, base int64) logRow {
	root, _ := tlog.TreeHash(0, nil) // reads nothing
	return logRow{origin: LogOrigin(id, epoch), member: id, epoch: epoch, base: base, tree: tlog.Tree{Hash: root}}
}

// getLog reads one epoch of a member. Returns CodeNotFound.
func getLog(ctx context.Context, q db.Querier, id core.MemberID, epoch int64) (logRow, error) {
	l, err := db.One(ctx, q, scanLog, `SELECT `+logColumns+` FROM logbook_log WHERE member = $1 AND epoch = $2`, string(id), epoch)
	if errors.Is(err, db.ErrNoRow) {
		return l, core.NotFound("logbook.unknown_member", fmt.Errorf("no log %d of %s", epoch, id)).With("Member", id)
	}
	return l, err
}

// currentLog is the log of a member that goes on.
func currentLog(ctx context.Context, q db.Querier, id core.MemberID) (logRow, error) {
	l, err := db.One(ctx, q, scanLog, `SELECT `+logColumns+` FROM logbook_log WHERE member = $1 ORDER BY epoch DESC LIMIT 1`, string(id))
	if errors.Is(err, db.ErrNoRow) {
		return l, core.NotFound("logbook.unknown_member", fmt.Errorf("no log of %s", id)).With("Member", id)
	}
	return l, err
}

// logByHash finds a log by the hash that mirror paths name it with.
func logByHash(ctx context.Context, q db.Querier, hash string) (logRow, error) {
	l, err := db.One(ctx, q, scanLog, `SELECT `+logColumns+` FROM logbook_log WHERE name_hash = $1`, hash)
	if errors.Is(err, db.ErrNoRow) {
		return l, core.NotFound("logbook.unknown_member", fmt.Errorf("no mirror %.64q", hash)).With("Member", hash)
	}
	return l, err
}

// logsAfter lists logs changed after a seq, oldest change first.
func logsAfter(ctx context.Context, q db.Querier, seq int64, limit int) ([]logRow, error) {
	return db.All(ctx, q, scanLog, `SELECT `+logColumns+` FROM logbook_log WHERE seq > $1 ORDER BY seq LIMIT $2`, seq, limit)
}

func logsOf(ctx context.Context, q db.Querier, id core.MemberID) ([]logRow, error) {
	return db.All(ctx, q, scanLog, `SELECT `+logColumns+` FROM logbook_log WHERE member = $1 ORDER BY epoch`, string(id))
}

func lastSeq(ctx context.Context, q db.Querier) (int64, error) {
	return db.One(ctx, q, db.Int64, `SELECT COALESCE(MAX(seq), 0) FROM logbook_log`)
}

// versionsAfter are the key set versions of members whose logs changed after a seq.
func versionsAfter(ctx context.Context, q db.Querier, seq int64) (map[core.MemberID]int64, error) {
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

// putLog stores a log under a new seq, so that whoever follows seq sees it.
func putLog(ctx context.Context, q db.Querier, l logRow) error {
	seq, err := lastSeq(ctx, q)
	if err != nil {
		return err
	}
	_, err = db.Exec(ctx, q, `INSERT INTO logbook_log (`+logColumns+`, name_hash) VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13)
		ON CONFLICT (origin) DO UPDATE SET size=excluded.size, tree=excluded.tree, head=excluded.head, signed_us=excluded.signed_us,
		heard_us=excluded.heard_us, cosignature=excluded.cosignature, bytes=excluded.bytes, seq=excluded.seq`,
		l.origin, string(l.member), l.epoch, l.base, l.tree.N, l.tree.Hash[:], l.note, int64(l.signed), int64(l.heard), l.cosig,
		l.bytes, seq+1, core.MemberID(l.origin).Hash())
	return err
}

// forget drops everything held of a member.
func forget(ctx context.Context, q db.Querier, id core.MemberID) error {
	logs, err := logsOf(ctx, q, id)
	if err != nil {
		return err
	}
	for _, l := range logs {
		for _, table := range []string{"entry", "tile", "quarantine", "cosignature"} {
			if _, err := db.Exec(ctx, q, `DELETE FROM logbook_`+table+` WHERE log = $1`, l.origin); err != nil {
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

func damaged(origin string, err error) error {
	return core.Internal(damageKey, fmt.Errorf("log %s: %w", origin, err)).With("Log", origin)
}

// Member is a member's log as others may see it.
type Member struct {
	ID      core.MemberID
	URL     string
	Root    core.RootKey
	Size    int64       // entries held of its whole history
	Heard   core.Moment // when it last showed signs of life, zero = never
	State   State
	Version int64 // of its key set, 0 = none met yet
	Epoch   int64
	// Suspended is when a fork was proved that people have not pardoned; zero =
	// never.
	Suspended core.Moment
}
