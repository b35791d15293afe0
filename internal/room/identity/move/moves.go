package move

import (
	"context"
	"crypto/ed25519"
	"embed"
	"log/slog"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/jobs"
	"entrechat/internal/kit/logbook"
	"entrechat/internal/kit/seal"
	"entrechat/internal/room/identity/home"
	"entrechat/internal/room/identity/move/legacy"
	"entrechat/internal/room/identity/person"
	"entrechat/internal/room/identity/session"
)

// Words are this folder's sentences, French and English.
//
//go:embed words/*.toml
var Words embed.FS

// Needs is what moves are made of; all of it is required.
type Needs struct {
	DB   *db.DB
	Self core.MemberID
	URL  string // our node's public address, without a slash at its end
	// Book is our logbook, and knows members' keys.
	Book     Book
	Signer   seal.Signer
	Calls    Calls
	Homes    *home.Homes
	Sessions *session.Sessions
	// SignUp: anybody may have an account here.
	SignUp bool
	// Out ends what a person is signed in to, in the transaction of what it follows.
	Out func(ctx context.Context, q db.Querier, who person.ID) error
	// Forget removes what lies here of a person beside the account: links, mails on their way,
	// consents. It runs in the transaction by which they leave.
	Forget func(ctx context.Context, q db.Querier, p person.Person) error
	// Invite draws the address where a person chooses how to sign in, once.
	Invite func(ctx context.Context, q db.Querier, who person.ID, now core.Moment) (address string, err error)
	// Ways says whether a person has any way to sign in here.
	Ways func(ctx context.Context, who person.ID) (bool, error)
	// Newcomers refuses new accounts: we close.
	Newcomers func(ctx context.Context) error
	// Adopter is to whom alone a list may be signed over; empty = anybody. Returns CodeConflict
	// where we close and nobody takes our accounts over.
	Adopter func(ctx context.Context) (core.MemberID, error)
	// Secrets carries what people sign in with.
	Secrets legacy.Secrets
	// Successions and Custodians are other rooms; false where there is none.
	Successions func() (legacy.Successions, bool)
	Custodians  func() (legacy.Custodians, bool)
	Now         func() time.Time
	Log         *slog.Logger
}

// Book is what moves need of the logbooks.
type Book interface {
	Append(ctx context.Context, typ string, aud []core.MemberID, exp core.Moment, body any) (logbook.Entry, error)
	// KeySet is a member's newest. Returns CodeNotFound for a stranger.
	KeySet(ctx context.Context, id core.MemberID) (logbook.KeySet, seal.Envelope, error)
	// Member says when a member showed signs of life. Returns CodeNotFound for a stranger.
	Member(ctx context.Context, id core.MemberID) (logbook.Member, error)
}

// Moves lets people go to other homes, takes them in, and follows those who moved. Safe for
// concurrent use.
type Moves struct {
	n     Needs
	doors doors // homes that people come from
}

// New makes it. Newcomers and Adopter may be nil: we do not close.
func New(n Needs) *Moves {
	if n.Newcomers == nil {
		n.Newcomers = func(context.Context) error { return nil }
	}
	if n.Adopter == nil {
		n.Adopter = func(context.Context) (core.MemberID, error) { return "", nil }
	}
	return &Moves{n: n}
}

// Jobs go on with moves on which the other hoster, or our logbook, did not answer.
func (m *Moves) Jobs() []jobs.Job {
	return []jobs.Job{
		{Name: "identity-move", Every: 5 * time.Minute, Jitter: time.Minute, Run: m.Resume},
		{Name: "identity-legacy", Every: 5 * time.Minute, Jitter: time.Minute, Run: m.Bequeath},
	}
}

func (m *Moves) now() core.Moment { return core.At(m.n.Now()) }

// keys are a member's keys: those that are good now, or all that ever were. A logged release
// is as old as its entry, so a key that was given up since still counts for it.
func (m *Moves) keys(ctx context.Context, id core.MemberID, ever bool) ([]ed25519.PublicKey, error) {
	set, _, err := m.n.Book.KeySet(ctx, id)
	if err != nil || !ever {
		return set.Good(), err
	}
	all := make([]ed25519.PublicKey, 0, len(set.Keys))
	for _, k := range set.Keys {
		all = append(all, k.Public())
	}
	return all, nil
}
