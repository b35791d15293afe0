package logbook

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"embed"
	"encoding/hex"
	"io/fs"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/peer"
	"entrechat/internal/kit/seal"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Migrations are the kit's tables, for db.Migrate under the name "logbook".
func Migrations() fs.FS { return migrations }

// Words are this kit's sentences.
//
//go:embed words/*.toml
var Words embed.FS

// Calls is what the exchange needs of other members; peer.Client is one.
type Calls interface {
	// Get is a public, bounded GET that may answer 304 to an etag.
	Get(ctx context.Context, address, etag string, limit int64) (*http.Response, error)
	// Do is a signed request: a member that knows us by it does not take us for a
	// stranger.
	Do(ctx context.Context, to core.MemberID, r peer.Request) (*http.Response, error)
	// JSON is a signed request whose body the signature covers.
	JSON(ctx context.Context, to core.MemberID, method, path string, in, out any) error
}

// Needs is what a book is made of.
type Needs struct {
	DB     *db.DB // migrated
	Signer seal.Signer
	// Calls may come later by Connect: a peer.Client wants the book as its keyring.
	Calls Calls
	Now   func() time.Time
	Log   *slog.Logger
	// Room returns CodeFull while the database's disk has no room for what others
	// write; nil = it always has. Our own entries are not asked for.
	Room func() error
	// Tuning changes the exchange's pace; zero is the design's.
	Tuning Tuning
}

// Book is every log this node holds, its own and its mirrors. Safe for concurrent
// use, and beside other processes on the same database.
type Book struct {
	n     Needs
	calls Calls
	// instance names this process and nothing else: it is drawn at its start and
	// kept in memory, so that a copy of the data, or of the whole machine's disk,
	// cannot answer for it.
	instance string

	hints chan core.MemberID // members that told us they have news

	pulls, pushes errands // work with members that goes on

	mu      sync.Mutex
	changed chan struct{} // closed when a log of this process changed, for long polls
	guarded core.Moment   // when the guard was last renewed, zero = not passed
	// What was done already, to spare asking the database: readers that were told
	// everything up to a change, and the change after which everybody was posted to.
	told   map[string]int64
	posted int64
	postAt core.Moment // look again then all the same
	// Members whose logs were found damaged, with when to look again, and when all
	// logs were last compared with what was signed; zero = not yet.
	suspects   map[core.MemberID]core.Moment
	refused    map[string]refusal // logs that have no room here, by origin
	checkedAll core.Moment
	begun      atomic.Bool                   // a job exchanged with neighbours
	hurried    map[core.MemberID]core.Moment // when a member's call last ended our wait for it
}

// New makes a book on migrated tables.
func New(n Needs) *Book {
	var id [16]byte
	_, _ = rand.Read(id[:]) // never fails since Go 1.24
	last := n.Tuning.orDefault().Wait
	return &Book{
		pulls: errands{wait: last}, pushes: errands{wait: last},
		n: n, calls: n.Calls, instance: hex.EncodeToString(id[:]),
		hints: make(chan core.MemberID, 16), changed: make(chan struct{}), told: map[string]int64{},
		suspects: map[core.MemberID]core.Moment{}, refused: map[string]refusal{},
		hurried: map[core.MemberID]core.Moment{},
	}
}

// Connect gives the book the client it exchanges with. Call it before the jobs
// run.
func (b *Book) Connect(calls Calls) { b.calls = calls }

func (b *Book) self() core.MemberID { return b.n.Signer.ID() }

func (b *Book) now() core.Moment { return core.At(b.n.Now()) }

// wake tells waiting long polls of this process that something changed.
func (b *Book) wake() {
	b.mu.Lock()
	defer b.mu.Unlock()
	close(b.changed)
	b.changed = make(chan struct{})
}

func (b *Book) changes() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.changed
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

func (b *Book) member(m memberRow, l logRow) Member {
	return Member{
		ID: m.id, URL: m.url, Root: m.root, Size: l.base + l.tree.N, Heard: l.heard, Version: m.version, Epoch: l.epoch,
		State: stateOf(l.heard, m.forked != 0, b.now()), Suspended: m.forked,
	}
}

// Member is one member whose log we hold or wait for. Returns CodeNotFound.
func (b *Book) Member(ctx context.Context, id core.MemberID) (Member, error) {
	m, err := getMember(ctx, b.n.DB, id)
	if err != nil {
		return Member{}, err
	}
	l, err := currentLog(ctx, b.n.DB, id)
	if err != nil {
		return Member{}, err
	}
	return b.member(m, l), nil
}

// Known lists all members whose logs we hold or wait for, ourselves among them,
// by name.
func (b *Book) Known(ctx context.Context) ([]Member, error) {
	all, err := knownMembers(ctx, b.n.DB)
	now := b.now()
	for i := range all {
		all[i].State = stateOf(all[i].Heard, all[i].Suspended != 0, now)
	}
	return all, err
}

// Members are those of some members that are known, in no order: Known for a page that
// names a few.
func (b *Book) Members(ctx context.Context, ids []core.MemberID) ([]Member, error) {
	out := make([]Member, 0, len(ids))
	for _, id := range ids {
		switch m, err := b.Member(ctx, id); core.CodeOf(err) {
		case "":
			out = append(out, m)
		case core.CodeNotFound:
		default:
			return nil, err
		}
	}
	return out, nil
}

// Keys are the keys a member signs requests and documents with now. Returns
// CodeNotFound for a stranger, or while no key set of it has come.
func (b *Book) Keys(ctx context.Context, id core.MemberID) ([]ed25519.PublicKey, error) {
	keys, _, err := b.KeySet(ctx, id)
	return keys.Good(), err
}

// KeySet is a member's newest key set with its document. Codes as for Keys.
func (b *Book) KeySet(ctx context.Context, id core.MemberID) (KeySet, seal.Envelope, error) {
	m, err := getMember(ctx, b.n.DB, id)
	if err != nil {
		return KeySet{}, seal.Envelope{}, err
	}
	keys, err := m.keySet()
	if err != nil {
		return KeySet{}, seal.Envelope{}, err
	}
	doc, err := seal.DecodeEnvelope(m.doc)
	return keys, doc, err
}

// URL is where a member says it is. Returns CodeNotFound.
func (b *Book) URL(ctx context.Context, id core.MemberID) (string, error) {
	m, err := getMember(ctx, b.n.DB, id)
	return m.url, err
}

var (
	_ peer.Keyring = (*Book)(nil)
	_ Calls        = (*peer.Client)(nil)
)
