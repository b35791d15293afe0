package deal

import (
	"context"
	"crypto/ed25519"
	"log/slog"
	"time"

	"filippo.io/age"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/jobs"
	"entrechat/internal/kit/logbook"
	"entrechat/internal/kit/seal"
	"entrechat/internal/room/custody/recipient"
)

// Book is what deals need of the logbooks.
type Book interface {
	Append(ctx context.Context, typ string, aud []core.MemberID, exp core.Moment, body any) (logbook.Entry, error)
	Keys(ctx context.Context, id core.MemberID) ([]ed25519.PublicKey, error)
	Member(ctx context.Context, id core.MemberID) (logbook.Member, error)
	Entries(ctx context.Context, id core.MemberID, from int64, limit int) ([]logbook.Entry, error)
}

// Trust answers who may entrust us shares, and who keeps ours.
type Trust interface {
	May(ctx context.Context, who core.MemberID, kind core.GrantKind) (core.Allowance, error)
	Lenders(ctx context.Context, kind core.GrantKind) ([]core.Lender, error)
}

// Peer calls other members; peer.Client is one.
type Peer interface {
	JSON(ctx context.Context, to core.MemberID, method, path string, in, out any) error
}

// Admin is a person of ours who may hold a share.
type Admin struct {
	ID        string
	Place     string // what the person is lost together with
	Recipient age.Recipient
}

// People knows our own persons.
type People interface {
	// Admin finds a person by what somebody typed. Returns CodeNotFound.
	Admin(ctx context.Context, typed string) (Admin, error)
	// Cards are the keys of all who are here.
	Cards(ctx context.Context) ([]Card, error)
	// Contacts says whom a holder calls back; empty = nobody wrote it.
	Contacts(ctx context.Context) ([]byte, error)
}

// Pointers makes what a box about the data of a backup holds.
type Pointers interface {
	// Pointer is the secret that opens one backup of ours. Returns CodeNotFound.
	Pointer(ctx context.Context, backup string) ([]byte, error)
}

// Needs is what deals are made of; all of it is required.
type Needs struct {
	DB         *db.DB
	Signer     seal.Signer
	Kind       core.GrantKind // the promise by which members hold shares
	Book       Book
	Trust      Trust
	Peer       Peer
	People     People
	Recipients *recipient.Recipients
	// Pointers answers who makes the secret that opens one backup; false while nobody does.
	Pointers func() (Pointers, bool)
	Box      seal.Box // seals shares that are to be printed, until they are
	// LeastWait is the shortest wait of a deal that we make, or keep a share of: a day, but in a
	// network of tests.
	LeastWait time.Duration
	Now       func() time.Time
	Log       *slog.Logger
}

// Deals are our own. Safe for concurrent use.
type Deals struct{ n Needs }

// New makes it.
func New(n Needs) *Deals { return &Deals{n: n} }

// Keeper keeps the shares that members entrust to us. Safe for concurrent use.
type Keeper struct{ n Needs }

// NewKeeper makes it.
func NewKeeper(n Needs) *Keeper { return &Keeper{n: n} }

func (n Needs) now() core.Moment { return core.At(n.Now()) }

func (n Needs) self() core.MemberID { return n.Signer.ID() }

// Jobs bring shares and boxes to their holders until these have acknowledged.
func (d *Deals) Jobs() []jobs.Job {
	return []jobs.Job{{Name: "custody-deal", Every: 2 * time.Minute, Jitter: 30 * time.Second, Run: d.Run}}
}

func keysOf(who core.MemberID, keys []ed25519.PublicKey) map[core.MemberID][]ed25519.PublicKey {
	return map[core.MemberID][]ed25519.PublicKey{who: keys}
}
