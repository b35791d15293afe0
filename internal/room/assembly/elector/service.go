package elector

import (
	"context"
	"errors"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/logbook"
)

// Book is what electorates need of the logbooks.
type Book interface {
	Member(ctx context.Context, id core.MemberID) (logbook.Member, error)
	Known(ctx context.Context) ([]logbook.Member, error)
	Deliver(ctx context.Context, readers []logbook.Reader) error
}

// Needs is what the service is wired with.
type Needs struct {
	DB   *db.DB
	Book Book
	// Collectives finds the room that knows charters; false = there is none.
	Collectives func() (Collectives, bool)
}

// Service keeps ties and draws electorates from them. It is safe for concurrent use.
type Service struct{ n Needs }

// New makes the service.
func New(n Needs) *Service { return &Service{n} }

// Society is a collective by its id, or the unique beginning of one. Returns what
// Collectives.Society does, and CodeNotFound where no room knows charters.
func (s *Service) Society(ctx context.Context, charter string) (Society, error) {
	collectives, ok := s.n.Collectives()
	if !ok {
		return Society{}, core.NotFound("assembly.elector.no_collectives", errors.New("no room knows charters"))
	}
	return collectives.Society(ctx, charter)
}

// Followed lists the charters that we follow and that are here, by id.
func (s *Service) Followed(ctx context.Context) ([]Charter, error) {
	collectives, ok := s.n.Collectives()
	if !ok {
		return nil, nil
	}
	return collectives.Followed(ctx)
}

// Draw says who decides about a proposal of a collective that opens at a moment, by the logbooks
// held here. charter is the id, or the unique beginning of one. Codes as for Society.
func (s *Service) Draw(ctx context.Context, charter string, at core.Moment) (Drawn, error) {
	h, err := s.hear(ctx, charter)
	if err != nil {
		return Drawn{}, err
	}
	return Draw(h.society, h.ties, h.heads, at), nil
}

// Recheck draws an electorate of another node anew, from the same heads. Codes as for Society.
func (s *Service) Recheck(ctx context.Context, p Named) (Check, error) {
	h, err := s.hear(ctx, p.Charter)
	if err != nil {
		return Check{}, err
	}
	sizes := map[core.MemberID]int64{}
	for _, own := range h.heads {
		sizes[own.Member] = own.Size
	}
	var c Check
	for _, head := range p.Heads {
		if sizes[head.Member] < head.Size {
			c.Behind = append(c.Behind, head.Member)
		}
	}
	if len(c.Behind) > 0 {
		return c, nil
	}
	return Compare(p.Electorate, Draw(h.society, h.ties, p.Heads, p.At), Draw(h.society, until(h.ties, p.At+1), h.heads, p.At)), nil
}

// Named is an electorate as a proposal names it.
type Named struct {
	Charter    string
	At         core.Moment // opened_us
	Electorate []Elector
	Heads      []Head
}

// heard is what is known here of a collective.
type heard struct {
	society Society
	ties    []Tie
	heads   []Head
}

// hear gathers it. The sizes are read before the entries below them are taken in, so that nothing
// below a head is left out.
func (s *Service) hear(ctx context.Context, charter string) (h heard, err error) {
	if h.society, err = s.Society(ctx, charter); err != nil {
		return h, err
	}
	known, err := s.n.Book.Known(ctx)
	if err != nil {
		return h, err
	}
	if err := s.n.Book.Deliver(ctx, s.Readers()); err != nil {
		return h, err
	}
	all, roots, err := ties(ctx, s.n.DB, h.society.Charter.ID)
	if err != nil {
		return h, err
	}
	h.ties = all
	for _, m := range known {
		if root, of := roots[m.ID]; of && root == m.Root {
			h.heads = append(h.heads, Head{m.ID, m.Size})
		}
	}
	return h, nil
}
