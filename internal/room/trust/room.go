package trust

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/time/rate"

	"entrechat/internal/core"
	"entrechat/internal/kit/fit"
)

// Words are the room's sentences, French and English.
//
//go:embed words/*.toml
var Words embed.FS

// Room is the service with what it hands to the house.
type Room struct{ *Service }

// New makes the room. Returns CodeInvalid when we could not be reached or proved
// with what it is given.
func New(n Needs) (*Room, error) {
	if err := errors.Join(n.Self.Check(), n.Card.Check()); err != nil {
		return nil, err
	}
	s := &Service{Needs: n, proofs: rate.NewLimiter(proofRate, proofBurst), proving: make(chan struct{}, maxProofs)}
	s.Tell, s.Introduced = s.tell, s.introduced
	s.Tasks = &Queue{DB: n.DB, Now: n.Now, Log: n.Log, Do: s.do}
	return &Room{s}, nil
}

// tell appends an entry to our logbook and takes it in here like everybody else
// does.
func (s *Service) tell(ctx context.Context, typ string, body any) error {
	if _, err := s.Book.Append(ctx, typ, nil, 0, body); err != nil {
		return err
	}
	return s.Book.Deliver(ctx, s.Readers())
}

// Fittings is what the house gets of this room.
func (r *Room) Fittings() fit.Fittings {
	return fit.Fittings{
		Name:    "trust",
		Web:     r.web,
		Peer:    slices.Concat(r.memberRoutes(), r.pactRoutes(), r.collectiveRoutes()),
		Jobs:    r.Jobs(),
		Readers: r.Readers(),
		Checks:  []fit.Check{{Name: "trust.check_waiting", Run: r.checkWaiting}},
	}
}

// stuckAfter is how long something may wait to be told before doctor speaks of
// it.
const stuckAfter = 24 * time.Hour

// checkWaiting finds what a member should have been told, above all what long ago.
func (s *Service) checkWaiting(ctx context.Context) (fit.Finding, error) {
	list, err := tasks(ctx, s.DB)
	if err != nil {
		return fit.Finding{}, err
	}
	var untold []string
	for _, t := range list {
		if s.now().Sub(t.Made) > stuckAfter {
			return fit.Finding{}, core.Unsure("trust.waiting_long", fmt.Errorf("%s for %s: %s", t.Kind, t.Peer, t.Error)).With("Member", t.Peer)
		}
		if t.Kind.tells() && !slices.Contains(untold, string(t.Peer)) {
			untold = append(untold, string(t.Peer))
		}
	}
	if len(untold) > 0 {
		slices.Sort(untold)
		return fit.Unknown("trust.on_the_way", args{"Members": strings.Join(untold, ", ")}), nil
	}
	all, err := members(ctx, s.DB)
	if err == nil && len(all) == 0 {
		return fit.Unknown("trust.nobody_yet", nil), nil
	}
	return fit.Finding{}, err
}
