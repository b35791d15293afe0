package breakglass

import (
	"context"
	"crypto/ed25519"
	"log/slog"
	"sync"
	"time"

	"filippo.io/age"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/jobs"
	"entrechat/internal/kit/logbook"
	"entrechat/internal/kit/seal"
	"entrechat/internal/room/custody/ask"
	"entrechat/internal/room/custody/collect"
	"entrechat/internal/room/custody/heir"
	"entrechat/internal/room/custody/mandate"
	"entrechat/internal/room/custody/share"
)

// Deals knows deals: those of others that we keep shares of, and our own.
type Deals interface {
	// Held is a deal of somebody that we keep a share of, Own one of ours: with its id alone where
	// nothing but our logbook is left of it. Both return CodeNotFound.
	Held(ctx context.Context, id share.ID) (collect.Deal, error)
	Own(ctx context.Context, id share.ID) (collect.Deal, error)
	// Share opens the share we keep.
	Share(ctx context.Context, id share.ID) (share.Share, error)
	// Contacts say whom of the owner's to call back; empty = the owner wrote nothing.
	Contacts(ctx context.Context, id share.ID) (string, error)
	// Burn ends a deal whose box was opened; it says whether it went on until now.
	Burn(ctx context.Context, q db.Querier, id share.ID, at core.Moment) (bool, error)
}

// Boxes finds deals and their boxes.
type Boxes interface {
	// Standing is our own deal of a scope that counts.
	Standing(ctx context.Context, scope string) (collect.Deal, error)
	// HeldOf lists the deals of a member that we keep shares of and that go on, the newest first.
	HeldOf(ctx context.Context, owner core.MemberID) ([]collect.Deal, error)
	// Sealed is the newest sealed box of a deal; it opens with what shares give.
	Sealed(ctx context.Context, id share.ID) ([]byte, error)
	// Holds says what our own box holds, one line each; nil where nobody said.
	Holds(ctx context.Context, id share.ID) ([]string, error)
	// Read reads a deal's document, and says nothing about who signed it.
	Read(env seal.Envelope) (collect.Deal, error)
}

// Book is what asks need of the logbooks.
type Book interface {
	Append(ctx context.Context, typ string, aud []core.MemberID, exp core.Moment, body any) (logbook.Entry, error)
	Keys(ctx context.Context, id core.MemberID) ([]ed25519.PublicKey, error)
	Entries(ctx context.Context, id core.MemberID, from int64, limit int) ([]logbook.Entry, error)
	Roster
}

// Roster is who is known, and where.
type Roster interface {
	Known(ctx context.Context) ([]logbook.Member, error)
	URL(ctx context.Context, id core.MemberID) (string, error)
}

// Peer calls other members; peer.Client is one.
type Peer interface {
	JSON(ctx context.Context, to core.MemberID, method, path string, in, out any) error
}

// Mailer carries mails by the hoster's own server.
type Mailer interface {
	// CanMail says whether the node has a mail server.
	CanMail() bool
	// Mail sends one. Its title is one line.
	Mail(ctx context.Context, to, title, text string) error
}

// Says says sentences in the node's language, for mails.
type Says interface {
	T(key string, args map[string]any) string
}

// Needs is what asks are made of; all of it is required.
type Needs struct {
	DB     *db.DB
	Signer seal.Signer
	Book   Book
	Peer   Peer
	Deals  Deals
	Boxes  Boxes
	Box    seal.Box // seals what opens our own asks
	Lock   string   // file that one process at a time locks to write into the logbook
	// Mailer is who carries mails; false while nobody does.
	Mailer func() (Mailer, bool)
	// Mails are the addresses of our own people, to be told of an ask about our boxes.
	Mails func(ctx context.Context) ([]string, error)
	// Card says whether an armoured signature is by a person's key over these bytes.
	Card func(key string, message []byte, signature string) error
	// Unseal opens a sealed box.
	Unseal func(with age.Identity, deal share.ID, sealed []byte) ([]byte, error)
	// Least is LeastWait, but for a network of tests.
	Least func(scope string) time.Duration
	// Alive is ask.Alive, but for a network of tests.
	Alive time.Duration
	Say   Says
	// Decisions knows what collectives decided; false while nobody does.
	Decisions func() (mandate.Decisions, bool)
	// Successors knows who was named to take services over; false while nobody does.
	Successors func() (heir.Successors, bool)
	Now        func() time.Time
	// Ran is how long this process has been running: a leap of the clock is not in it.
	Ran func() time.Duration
	Log *slog.Logger
}

// Asks takes asks in, counts their waits, and lets shares go when a person says so. Safe for
// concurrent use.
type Asks struct {
	*base
	objections
	opener
	ledger
	screen
}

// base has what all parts use.
type base struct {
	n    Needs
	news chan struct{} // an ask or a word came, of which others have to be told

	mu    sync.Mutex
	begun bool          // the first tick was
	last  time.Duration // Ran at the tick before
}

// The parts: who is told, who objects, what we open ourselves, what logbooks say, what people
// see.
type (
	teller     struct{ *base }
	objections struct{ *base }
	opener     struct{ *base }
	ledger     struct{ *base }
	screen     struct{ *base }
)

// New makes it.
func New(n Needs) *Asks {
	b := &base{n: n, news: make(chan struct{}, 1)}
	b.wake() // what was left undone is done at the start
	return &Asks{b, objections{b}, opener{b}, ledger{b}, screen{b}}
}

func (a *base) now() core.Moment { return core.At(a.n.Now()) }

func (a *base) self() core.MemberID { return a.n.Signer.ID() }

const (
	tick = time.Minute
	// tryEvery is how often those are tried who did not answer.
	tryEvery = 15 * time.Second
	// kept is how long an ask that is over is kept: what came once is not taken again.
	kept = 2 * 365 * 24 * time.Hour
)

// Jobs count the time, tell who has to know, and finish what a crash left.
func (a *base) Jobs() []jobs.Job {
	return []jobs.Job{
		{Name: "custody-clock", Every: tick, Run: a.Tick},
		{Name: "custody-ask", Run: a.runOnNews},
		{Name: "custody-ask-tidy", Every: 24 * time.Hour, Jitter: time.Hour, Later: true, Run: func(ctx context.Context) error {
			return a.n.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error { return forget(ctx, q, a.now().Add(-kept)) })
		}},
	}
}

// wake has the running node work at once: nobody should wait to hear of an ask, or of a veto.
func (a *base) wake() {
	select {
	case a.news <- struct{}{}:
	default: // it will
	}
}

// runOnNews is Run once something came, or it is time to try again.
func (a *base) runOnNews(ctx context.Context) error {
	later := time.NewTimer(tryEvery)
	defer later.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-a.news:
	case <-later.C:
	}
	return a.Run(ctx)
}

// Run tells who has to know, and writes into the logbook what was decided.
func (a *base) Run(ctx context.Context) error {
	if err := (teller{a}).notify(ctx); err != nil {
		return err
	}
	if err := a.finish(ctx); err != nil {
		return err
	}
	if err := (ledger{a}).settleAll(ctx); err != nil {
		return err
	}
	return opener{a}.finishOpened(ctx)
}

// Tick counts the time since the tick before. The running node alone calls it.
func (a *base) Tick(ctx context.Context) error {
	heads, err := a.heads(ctx)
	if err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	now, ran := a.now(), a.n.Ran()
	err = a.n.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		c, err := readClock(ctx, q)
		if err != nil {
			return err
		}
		if !a.begun {
			return writeClock(ctx, q, c.Begin(now))
		}
		return writeClock(ctx, q, c.Tick(now, ran-a.last, ask.BorneOut(heads)))
	})
	if err == nil {
		a.begun, a.last = true, ran
	}
	return err
}

// heads are the times of other members' newest signed heads.
func (a *base) heads(ctx context.Context) ([]core.Moment, error) {
	known, err := a.n.Book.Known(ctx)
	out := make([]core.Moment, 0, len(known))
	for _, m := range known {
		if m.ID != a.self() && m.Suspended == 0 {
			out = append(out, m.Heard)
		}
	}
	return out, err
}

// Clock is what was counted so far.
func (a *base) Clock(ctx context.Context) (ask.Clock, error) { return readClock(ctx, a.n.DB) }

// member is what we know of a member; false = a stranger.
func (a *base) member(ctx context.Context, id core.MemberID) (logbook.Member, bool, error) {
	known, err := a.n.Book.Known(ctx)
	for _, m := range known {
		if m.ID == id {
			return m, true, err
		}
	}
	return logbook.Member{}, false, err
}
