package trust

import (
	"context"
	"slices"

	"entrechat/internal/core"
	"entrechat/internal/kit/logbook"
)

// May says what we grant a member now. A ReadOnly allowance lets it fetch its
// own data back and nothing else. Returns CodeDenied for nothing at all.
func (s *Service) May(ctx context.Context, who core.MemberID, kind core.GrantKind) (core.Allowance, error) {
	p, err := s.standpoint(ctx, who, kind)
	if err != nil {
		return core.Allowance{}, err
	}
	return p.Allow(kind, s.now())
}

// Lenders lists who grants us something now, sorted by member. Members that are
// suspended or refused and pacts under notice are left out: nothing new goes
// there.
func (s *Service) Lenders(ctx context.Context, kind core.GrantKind) ([]core.Lender, error) {
	list, err := members(ctx, s.DB)
	if err != nil {
		return nil, err
	}
	var out []core.Lender
	for _, m := range list {
		if m.Standing == Asked || m.Refused {
			continue
		}
		lender, ok, err := s.lender(ctx, m, kind)
		if err != nil {
			return nil, err
		}
		if ok {
			out = append(out, lender)
		}
	}
	return out, nil
}

// Leaving lists who promised us something and is no lender any more: the notice of the last
// such pact runs or is over, or the member is suspended or refused. Whose pact may still
// come back after a recovery is left out.
func (s *Service) Leaving(ctx context.Context, kind core.GrantKind) ([]core.Leaver, error) {
	list, err := members(ctx, s.DB)
	if err != nil {
		return nil, err
	}
	coming, err := s.Coming(ctx)
	if err != nil {
		return nil, err
	}
	var out []core.Leaver
	for _, m := range list {
		p, err := s.standpoint(ctx, m.ID(), kind)
		if err != nil {
			return nil, err
		}
		sound := p.Known && !p.Barred
		p.Who = s.self() // seen from the other side
		_, promised := p.active(kind, s.now())
		until := p.left(kind)
		switch {
		case slices.Contains(coming, m.ID()), promised && sound, !promised && until == 0:
		case promised:
			out = append(out, core.Leaver{ID: m.ID()})
		default:
			out = append(out, core.Leaver{ID: m.ID(), Until: until})
		}
	}
	return out, nil
}

// Coming lists the members that have the text of a pact of ours that did not come
// back to us yet, each once: after a recovery our logbook only names them.
func (s *Service) Coming(ctx context.Context) ([]core.MemberID, error) {
	all, err := tasks(ctx, s.DB)
	var out []core.MemberID
	for _, t := range all {
		if t.Kind == taskGetPact {
			out = append(out, t.Peer)
		}
	}
	slices.Sort(out)
	return slices.Compact(out), err
}

// Awaited lists whose signature is still missing for a grant to us, each once: the
// members that have not answered our proposal, and those whose proposal we have not
// answered.
func (s *Service) Awaited(ctx context.Context, kind core.GrantKind) (theirs, ours []core.MemberID, err error) {
	all, err := s.Pacts(ctx)
	for _, h := range all {
		mine, other := h.Side(s.self())
		if _, promised := other.promise(kind); !promised || h.State(s.now()) != Proposed {
			continue
		}
		if h.Pact.Accepter.Member == mine.Member {
			ours = append(ours, other.Member)
		} else {
			theirs = append(theirs, other.Member)
		}
	}
	slices.Sort(theirs)
	slices.Sort(ours)
	return slices.Compact(theirs), slices.Compact(ours), err
}

func (s *Service) lender(ctx context.Context, m Member, kind core.GrantKind) (core.Lender, bool, error) {
	p, err := s.standpoint(ctx, m.ID(), kind)
	if err != nil || !p.Known || p.Barred {
		return core.Lender{}, false, err
	}
	heard := p.heard
	p.Who = s.self() // seen from the other side
	g, ok := p.active(kind, s.now())
	if !ok {
		return core.Lender{}, false, nil
	}
	// The newest pact in force says where its disks stand.
	var card Card
	if i := slices.IndexFunc(p.Pacts, func(h Held) bool { return h.State(s.now()) == Active }); i >= 0 {
		card = p.Pacts[i].CardOf(m.ID())
	}
	l := card.lender(m.ID(), g)
	l.Heard = heard
	return l, true, nil
}

// standpoint gathers what the answer depends on.
func (s *Service) standpoint(ctx context.Context, who core.MemberID, kind core.GrantKind) (Standpoint, error) {
	p := Standpoint{Who: who}
	m, err := member(ctx, s.DB, who)
	if core.CodeOf(err) == core.CodeNotFound || m.Standing == Asked {
		return p, nil
	}
	if err != nil {
		return p, err
	}
	log, err := s.Book.Member(ctx, who)
	if core.CodeOf(err) == core.CodeNotFound {
		return p, nil
	}
	if err != nil {
		return p, err
	}
	p.Known = log.Root == m.Root
	p.Barred = m.Refused || log.State == logbook.Suspended
	p.heard = log.Heard
	all, err := s.held(ctx, who)
	if err != nil {
		return p, err
	}
	for _, h := range all {
		if _, theirs := h.Side(s.self()); theirs.Root == m.Root {
			p.Pacts = append(p.Pacts, h)
		}
	}
	if kind.Light() {
		p.Light, err = s.light(ctx, who)
	}
	return p, err
}

// light lists the grants of every charter that both we and the member are
// admitted to.
func (s *Service) light(ctx context.Context, who core.MemberID) ([]core.Grant, error) {
	list, err := s.Collectives(ctx)
	if err != nil {
		return nil, err
	}
	var out []core.Grant
	for _, c := range list {
		both := 0
		for _, a := range c.Admissions() {
			if a.Admitted && (a.Member == who || a.Member == s.self()) {
				both++
			}
		}
		if both == 2 {
			out = append(out, c.Charter.Grants...)
		}
	}
	return out, nil
}
