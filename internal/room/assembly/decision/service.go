package decision

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"filippo.io/age"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/logbook"
	"entrechat/internal/kit/seal"
	"entrechat/internal/room/assembly/archive"
	"entrechat/internal/room/assembly/elector"
)

// Book is what decisions need of the logbooks.
type Book interface {
	archive.Book
	Resign(ctx context.Context) error
}

// Electors says who decides in a collective; elector.Service is one.
type Electors interface {
	archive.Electors
	// Recheck draws the electorate of another node's proposal anew, from the same heads.
	Recheck(ctx context.Context, p elector.Named) (elector.Check, error)
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

// Needs is what decisions are made of; all of it is required.
type Needs struct {
	DB       *db.DB
	Signer   seal.Signer
	Book     Book
	Peer     archive.Peer
	Electors Electors
	Box      seal.Box // seals our own votes in the database
	Lock     string   // file that one process at a time locks to write into the logbook
	// Recovery is what only the 24 words open. Returns CodeNotFound on a node without words.
	Recovery func() (*age.X25519Recipient, error)
	// FourEyes: a vote waits for a second admin.
	FourEyes bool
	URL      string // where browsers reach this node, without a slash at its end
	Lang     string // of what is written here: fr, en
	// Mailer is who carries mails; false while nobody does.
	Mailer func() (Mailer, bool)
	// Mails are the addresses of our admins.
	Mails func(ctx context.Context) ([]string, error)
	Say   Says
	Now   func() time.Time
	Log   *slog.Logger
}

// Service is the decisions of our collectives. Safe for concurrent use, and beside other
// processes on the same database.
type Service struct {
	*base
	proposer
	speaker
	voter
	reviewer
	viewer
	turner
}

// base has what all parts use.
type base struct {
	n Needs
	a *archive.Archive

	mu       sync.Mutex
	resigned map[string]bool // proposals for which our head was signed anew
	said     map[string]bool // proposals of which the log says that they are damaged
}

// The parts: who proposes, speaks, votes, reviews, what people see, and what the
// node does by itself.
type (
	proposer struct{ *base }
	speaker  struct{ *base }
	voter    struct{ *base }
	reviewer struct{ *base }
	viewer   struct{ *base }
	turner   struct{ *base }
)

// New makes it.
func New(n Needs) *Service {
	b := &base{n: n, resigned: map[string]bool{}, said: map[string]bool{}, a: archive.New(archive.Needs{
		DB: n.DB, Self: n.Signer.ID(), Book: n.Book, Peer: n.Peer, Electors: n.Electors, Lock: n.Lock, Now: n.Now, Log: n.Log,
	})}
	return &Service{b, proposer{b}, speaker{b}, voter{b}, reviewer{b}, viewer{b}, turner{b}}
}

func (b *base) now() core.Moment { return core.At(b.n.Now()) }

func (b *base) self() core.MemberID { return b.n.Signer.ID() }

// Readers take in what logbooks say of decisions.
func (b *base) Readers() []logbook.Reader { return b.a.Readers() }
