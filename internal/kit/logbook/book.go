package logbook

import (
	"context"
	"embed"
	"io/fs"
	"log/slog"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/logbook/author"
	"entrechat/internal/kit/logbook/format"
	"entrechat/internal/kit/logbook/guard"
	"entrechat/internal/kit/logbook/members"
	"entrechat/internal/kit/logbook/mirror"
	"entrechat/internal/kit/logbook/recovery"
	"entrechat/internal/kit/logbook/repair"
	"entrechat/internal/kit/logbook/serve"
	"entrechat/internal/kit/logbook/store"
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

// Needs is what a book is made of.
type Needs struct {
	DB     *db.DB // migrated
	Signer seal.Signer
	// Calls may come later by Connect: a peer.Client wants the book as its keyring.
	Calls mirror.Calls
	Now   func() time.Time
	Log   *slog.Logger
	// Room returns CodeFull while the database's disk has no room for what others
	// write; nil = it always has. Our own entries are not asked for.
	Room func() error
	// Tuning changes the exchange's pace; zero is the design's.
	Tuning mirror.Tuning
}

// Book is every log this node holds, its own and its mirrors: the front that rooms
// and commands use. Safe for concurrent use, and beside other processes on the same
// database.
type Book struct {
	// Guard says whether our own log may be written.
	Guard *guard.Guard
	// Repair compares what is on the disk with what was signed.
	Repair *repair.Repairer
	// Recovery brings our own log back and gives it new keys.
	Recovery *recovery.Recovery

	st       *store.Store
	reg      *members.Registry
	author   *author.Author
	parts    mirror.Parts
	server   *serve.Server
	delivery *delivery
	tuning   mirror.Tuning
}

// New makes a book on migrated tables.
func New(n Needs) *Book {
	t := n.Tuning.OrDefault()
	st := store.New(n.DB, n.Signer, n.Now, n.Log)
	reg := members.New(st)
	author := author.New(st, reg)
	parts := mirror.New(mirror.Needs{Store: st, Members: reg, Author: author, Calls: n.Calls, Room: n.Room, Tuning: t})
	repair := repair.New(st, reg, author, parts)
	guard := guard.New(guard.Needs{Store: st, Members: reg, Author: author, Parts: parts, Repair: repair, Answer: t.Answer})
	b := &Book{
		Guard: guard, Repair: repair, Recovery: recovery.New(st, reg, author, parts, guard),
		st: st, reg: reg, author: author, parts: parts, tuning: t,
		server: serve.New(serve.Needs{Store: st, Members: reg, Parts: parts, Instance: guard.Instance(), NoForward: t.NoForward}),
	}
	b.delivery = &delivery{st: st, reg: reg, done: map[string]int64{}, append: func(ctx context.Context, typ string, body any) error {
		_, err := b.Append(ctx, typ, nil, 0, body)
		return err
	}}
	return b
}

// Connect gives the book the client it exchanges with. Call it before the jobs
// run.
func (b *Book) Connect(calls mirror.Calls) { b.parts.Remote.Connect(calls) }

// Init opens our own log with its first key set as entry 0. Returns CodeConflict
// when there is one already, CodeInvalid or CodeDenied for a key set that is not
// ours.
func (b *Book) Init(ctx context.Context, doc seal.Envelope, root core.RootKey) error {
	return b.author.Init(ctx, doc, root)
}

// Publish makes a newer key set of ours known: a moved URL, another online key. It
// must name the key this node signs with. Returns CodeConflict for a version that
// is not newer, and the codes of Append.
func (b *Book) Publish(ctx context.Context, doc seal.Envelope) error {
	return b.Guard.Change(ctx, func(ctx context.Context, q db.Querier) error { return b.author.PublishTx(ctx, q, doc) })
}

// Append adds an entry to our own log: typ is "entrechat/<kind>/<version>", aud
// whom it concerns (empty: everybody), exp when it ends (zero: never). It is on
// the disk and signed when Append returns.
//
// Returns CodeUnsure (logbook.catching_up) until our mirrors were asked how far
// they hold this log, CodeConflict when two histories of it are about,
// CodeInternal when what is on the disk does not match what we signed, CodeInvalid
// for an entry others would not read, CodeFull.
func (b *Book) Append(ctx context.Context, typ string, aud []core.MemberID, exp core.Moment, body any) (format.Entry, error) {
	var e format.Entry
	err := b.Guard.Change(ctx, func(ctx context.Context, q db.Querier) (err error) {
		e, err = b.author.AppendTx(ctx, q, format.Entry{Log: b.st.Self(), Typ: typ, Iat: b.st.Now(), Exp: exp, Aud: aud}, body)
		return err
	})
	if err != nil {
		return format.Entry{}, err
	}
	return e, nil
}

// Resign signs our head again with the present time, so that others see we live.
// Codes as for Append.
func (b *Book) Resign(ctx context.Context) error { return b.Guard.Change(ctx, b.author.ResignTx) }

// Follow starts mirroring a member's log under a pinned root key. Its online keys
// come with the exchange, from the member or anybody who mirrors it. Following
// again changes the address while no key set tells a better one. Returns
// CodeConflict when the member is known under another root key, CodeInvalid.
func (b *Book) Follow(ctx context.Context, id core.MemberID, url string, root core.RootKey) error {
	return b.reg.Follow(ctx, id, url, root)
}

// Unfollow forgets a member and everything read from it; proofs against it stay, and
// suspend it again when it is followed again.
// Returns CodeInvalid for ourselves. Unknown members are no error.
func (b *Book) Unfollow(ctx context.Context, id core.MemberID) error { return b.reg.Unfollow(ctx, id) }

// Learn takes a newer key set of a member we know, wherever it came from: the root
// key's signature is what counts. An older or equal one changes nothing. Returns
// CodeNotFound, CodeDenied, CodeInvalid.
func (b *Book) Learn(ctx context.Context, id core.MemberID, doc seal.Envelope) error {
	return b.reg.Learn(ctx, id, doc)
}

// Pardon lifts a suspension: people have talked, and decide to go on with the
// history we hold. The proofs stay. Returns CodeNotFound when there is nothing to
// pardon.
func (b *Book) Pardon(ctx context.Context, id core.MemberID) error { return b.reg.Pardon(ctx, id) }

// Forks lists the proofs we keep, oldest first.
func (b *Book) Forks(ctx context.Context) ([]members.Evidence, error) { return b.reg.Forks(ctx) }
