package trust

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/fit"
	"entrechat/internal/kit/logbook"
	"entrechat/internal/kit/seal"
	"entrechat/internal/room/trust/collective"
	"entrechat/internal/room/trust/grant"
	"entrechat/internal/room/trust/member"
	"entrechat/internal/room/trust/pact"
	"entrechat/internal/room/trust/task"
)

// Words are the room's sentences, French and English.
//
//go:embed words/*.toml
var Words embed.FS

// Book is what this room needs of the logbooks.
type Book interface {
	member.Book
	pact.Book
	collective.Book
	Deliver(ctx context.Context, readers []logbook.Reader) error
}

// Needs is what the room is wired with. Everything but Card and Limits is required.
type Needs struct {
	DB     *db.DB
	Types  grant.Types // the promises this house knows, each from the room that uses it
	Signer seal.Signer
	Self   member.Address
	Card   pact.Card // defaults of what we say of ourselves in pacts
	// Limits are lines of what we say today that we cannot do; nil = none.
	Limits   func(ctx context.Context) ([]string, error)
	Book     Book
	Follower member.Follower
	Caller   member.Caller
	// Home is where the domain that an address names answers for itself, whatever else
	// the address says: https://DOMAIN.
	Home func(a member.Address) string
	Now  func() time.Time
	Log  *slog.Logger
}

// Room puts members, pacts and collectives together and answers what other rooms ask.
// It is safe for concurrent use and from several processes over one database.
type Room struct {
	Needs
	Members     *member.Service
	Pacts       *pact.Service
	Collectives *collective.Service
	// Tasks are told and fetched until it worked.
	Tasks *task.Queue

	following  sync.Mutex
	followed   int64 // the revision that was settled last
	followedAt time.Time
}

// New makes the room. Returns CodeInvalid when we could not be reached or proved
// with what it is given.
func New(n Needs) (*Room, error) {
	if err := errors.Join(n.Self.Check(), n.Card.Check()); err != nil {
		return nil, err
	}
	r := &Room{Needs: n}
	r.Tasks = &task.Queue{DB: n.DB, Now: n.Now, Log: n.Log, Do: r.do}
	r.Members = member.New(member.Needs{
		DB: n.DB, Signer: n.Signer, Self: n.Self, Book: n.Book, Follower: n.Follower, Caller: n.Caller, Home: n.Home, Now: n.Now,
		Tasks: r.Tasks, Tell: r.tell,
		Introduced: func(ctx context.Context) ([]core.MemberID, []member.Vouch, error) {
			return r.Collectives.Introduced(ctx)
		},
	})
	r.Pacts = pact.New(pact.Needs{
		DB: n.DB, Types: n.Types, Signer: n.Signer, Self: n.Self, Card: n.Card, Limits: n.Limits, Book: n.Book, Caller: n.Caller, Now: n.Now,
		Members: r.Members, Tasks: r.Tasks,
	})
	r.Collectives = collective.New(collective.Needs{
		DB: n.DB, Types: n.Types, Signer: n.Signer, Self: n.Self, Book: n.Book, Caller: n.Caller, Now: n.Now, Members: r.Members, Tell: r.tell,
	})
	return r, nil
}

func (r *Room) now() core.Moment { return core.At(r.Now()) }

func (r *Room) self() core.MemberID { return r.Self.Member }

// tell appends an entry to our logbook and takes it in here like everybody else
// does.
func (r *Room) tell(ctx context.Context, typ string, body any) error {
	if _, err := r.Book.Append(ctx, typ, nil, 0, body); err != nil {
		return err
	}
	return r.Book.Deliver(ctx, r.Readers())
}

// Fittings is what the house gets of this room.
func (r *Room) Fittings() fit.Fittings {
	return fit.Fittings{
		Name:    "trust",
		Web:     r.web,
		Peer:    slices.Concat(r.Members.Routes(), r.Pacts.Routes(), r.Collectives.Routes()),
		Jobs:    r.Jobs(),
		Readers: r.Readers(),
		Steps:   r.steps,
		Checks:  []fit.Check{{Name: "trust.check_waiting", Run: r.checkWaiting}},
		Entries: map[string]string{
			member.TypeVouch: "trust.entry.vouch", member.TypeUnvouch: "trust.entry.unvouch",
			collective.TypeCharter: "trust.entry.charter", collective.TypeJoin: "trust.entry.join", collective.TypeLeave: "trust.entry.leave",
			pact.TypePact: "trust.entry.pact", pact.TypePactEnd: "trust.entry.pact_end",
		},
	}
}

// stuckAfter is how long something may wait to be told before doctor speaks of
// it.
const stuckAfter = 24 * time.Hour

// checkWaiting finds what a member should have been told, above all what long ago.
func (r *Room) checkWaiting(ctx context.Context) (fit.Finding, error) {
	list, err := task.All(ctx, r.DB)
	if err != nil {
		return fit.Finding{}, err
	}
	var untold []string
	for _, t := range list {
		if r.now().Sub(t.Made) > stuckAfter {
			return fit.Finding{}, core.Unsure("trust.waiting_long", fmt.Errorf("%s for %s: %s", t.Kind, t.Peer, t.Error)).With("Member", t.Peer)
		}
		if t.Kind.Tells() && !slices.Contains(untold, string(t.Peer)) {
			untold = append(untold, string(t.Peer))
		}
	}
	if len(untold) > 0 {
		slices.Sort(untold)
		return fit.Unknown("trust.on_the_way", args{"Members": strings.Join(untold, ", ")}), nil
	}
	all, err := member.All(ctx, r.DB)
	if err == nil && len(all) == 0 {
		return fit.Unknown("trust.nobody_yet", nil), nil
	}
	return fit.Finding{}, err
}
