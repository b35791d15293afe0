package collective

import (
	"context"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/logbook"
	"entrechat/internal/room/trust/fact"
)

// recomputeAfter is when the admission to all collectives is computed anew even where
// nothing tells that it changed: a clock may have run backwards, or a damaged row been
// repaired.
const recomputeAfter = time.Minute

// mark changes with everything that admission depends on. It is read from the database,
// so that what another process does counts here at once.
type mark struct {
	facts  int64 // fact.Revision
	roster logbook.Roster
}

// computed is the admission to the collectives that admit us. The zero value is none.
type computed struct {
	mark  mark
	at    core.Moment // zero = never
	lists []admittedList
}

// admittedList is who one collective admits, and what they grant each other.
type admittedList struct {
	members map[core.MemberID]bool
	grants  []core.Grant
}

// good says whether the admission still holds.
func (c computed) good(m mark, now core.Moment) bool {
	return c.at != 0 && c.mark == m && now >= c.at && now < c.at.Add(recomputeAfter)
}

// Light lists the grants of every charter that both we and the member are
// admitted to.
func (s *Service) Light(ctx context.Context, who core.MemberID) ([]core.Grant, error) {
	lists, err := s.admissions(ctx)
	return light(lists, who), err
}

// Lights is Light for many members: what depends on none of them is asked once.
func (s *Service) Lights(ctx context.Context) (func(who core.MemberID) []core.Grant, error) {
	lists, err := s.admissions(ctx)
	return func(who core.MemberID) []core.Grant { return light(lists, who) }, err
}

func light(lists []admittedList, who core.MemberID) (out []core.Grant) {
	for _, a := range lists {
		if a.members[who] {
			out = append(out, a.grants...)
		}
	}
	return out
}

// admissions answers what was computed last, or computes it anew where something it
// depends on changed. One computes while others wait for it.
func (s *Service) admissions(ctx context.Context) ([]admittedList, error) {
	now := s.now()
	s.computing.Lock()
	defer s.computing.Unlock()
	// The mark is read before what it stands for: what changes meanwhile is computed by
	// whoever asks next.
	facts, err := fact.Revision(ctx, s.DB)
	if err != nil {
		return nil, err
	}
	roster, err := s.Book.Roster(ctx)
	if err != nil {
		return nil, err
	}
	m := mark{facts, roster}
	if !s.computed.good(m, now) {
		lists, err := s.compute(ctx)
		if err != nil {
			return nil, err
		}
		s.computed = computed{m, now, lists}
	}
	return s.computed.lists, nil
}

// compute reads everything and computes the admission to the collectives that admit us.
func (s *Service) compute(ctx context.Context) ([]admittedList, error) {
	list, err := s.List(ctx)
	if err != nil {
		return nil, err
	}
	var out []admittedList
	for _, c := range list {
		a := admittedList{map[core.MemberID]bool{}, c.Charter.Grants}
		for _, one := range c.Admissions() {
			a.members[one.Member] = one.Admitted
		}
		if a.members[s.self()] {
			out = append(out, a)
		}
	}
	return out, nil
}
