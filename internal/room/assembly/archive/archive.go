package archive

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/logbook"
	"entrechat/internal/room/assembly/elector"
)

// Book is what is needed of the logbooks.
type Book interface {
	Append(ctx context.Context, typ string, aud []core.MemberID, exp core.Moment, body any) (logbook.Entry, error)
	Entries(ctx context.Context, id core.MemberID, from int64, limit int) ([]logbook.Entry, error)
	Member(ctx context.Context, id core.MemberID) (logbook.Member, error)
}

// Peer calls other members; peer.Client is one.
type Peer interface {
	JSON(ctx context.Context, to core.MemberID, method, path string, in, out any) error
}

// Electors says who may propose in a collective.
type Electors interface {
	// Draw draws up who decides about a proposal that opens at a moment. charter is an id or the
	// unique beginning of one. Returns CodeNotFound, CodeInvalid.
	Draw(ctx context.Context, charter string, at core.Moment) (elector.Drawn, error)
	// Followed lists the charters that we follow and that are here.
	Followed(ctx context.Context) ([]elector.Charter, error)
}

// Needs is what the archive is made of; all of it is required.
type Needs struct {
	DB       *db.DB
	Self     core.MemberID
	Book     Book
	Peer     Peer
	Electors Electors
	Lock     string // file that one process at a time locks to write into the logbook
	Now      func() time.Time
	Log      *slog.Logger
}

// Archive is what logbooks and documents say of decisions. Safe for concurrent use, and beside
// other processes on the same database.
type Archive struct {
	Needs

	// Turned and Wanted get a value when something is new: for who works, and for who fetches.
	Turned, Wanted chan struct{}

	mu     sync.Mutex
	counts map[string]Counted // by proposal
}

// New makes it.
func New(n Needs) *Archive {
	return &Archive{Needs: n, Turned: make(chan struct{}, 1), Wanted: make(chan struct{}, 1), counts: map[string]Counted{}}
}

func (a *Archive) now() core.Moment { return core.At(a.Now()) }

// Wake has who works and who fetches look at once.
func (a *Archive) Wake() {
	for _, c := range []chan struct{}{a.Turned, a.Wanted} {
		select {
		case c <- struct{}{}:
		default:
		}
	}
}

// Size is how many entries our logbook has.
func (a *Archive) Size(ctx context.Context) (int64, error) {
	me, err := a.Book.Member(ctx, a.Self)
	return me.Size, err
}
