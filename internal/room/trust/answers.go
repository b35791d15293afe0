package trust

import (
	"context"
	"errors"
	"slices"

	"entrechat/internal/core"
	"entrechat/internal/kit/logbook"
	"entrechat/internal/room/trust/allowance"
	"entrechat/internal/room/trust/member"
	"entrechat/internal/room/trust/pact"
	"entrechat/internal/room/trust/task"
)

// May says what we grant a member now. A ReadOnly allowance lets it fetch its
// own data back and nothing else. Returns CodeDenied for nothing at all.
func (r *Room) May(ctx context.Context, who core.MemberID, kind core.GrantKind) (core.Allowance, error) {
	p, err := r.standpoint(ctx, who, kind)
	if err != nil {
		return core.Allowance{}, err
	}
	return p.Allow(kind, r.now())
}

// MayEach answers May about several members at once, for as many questions as about one. Who
// is granted nothing at all is left out.
func (r *Room) MayEach(ctx context.Context, ids []core.MemberID, kind core.GrantKind) (map[core.MemberID]core.Allowance, error) {
	all, err := r.standpoints(ctx, kind)
	if err != nil {
		return nil, err
	}
	out := make(map[core.MemberID]core.Allowance, len(ids))
	for _, id := range ids {
		switch a, err := all[id].Allow(kind, r.now()); core.CodeOf(err) {
		case "":
			out[id] = a
		case core.CodeDenied:
		default:
			return nil, err
		}
	}
	return out, nil
}

// Lenders lists who grants us something now, sorted by member. Members that are
// suspended or refused and pacts under notice are left out: nothing new goes
// there.
func (r *Room) Lenders(ctx context.Context, kind core.GrantKind) ([]core.Lender, error) {
	list, err := r.partners(ctx, kind)
	if err != nil {
		return nil, err
	}
	all, err := r.standpoints(ctx, kind)
	if err != nil {
		return nil, err
	}
	var out []core.Lender
	for _, m := range list {
		if m.Standing == member.Asked || m.Refused {
			continue
		}
		if lender, ok := r.lender(m, all[m.ID()], kind); ok {
			out = append(out, lender)
		}
	}
	return out, nil
}

// Leaving lists who promised us something and is no lender any more: the notice of the last
// such pact runs or is over, or the member is suspended or refused. Whose pact may still
// come back after a recovery is left out.
func (r *Room) Leaving(ctx context.Context, kind core.GrantKind) ([]core.Leaver, error) {
	list, err := r.partners(ctx, kind)
	if err != nil {
		return nil, err
	}
	coming, err := r.Coming(ctx)
	if err != nil {
		return nil, err
	}
	var out []core.Leaver
	for _, m := range list {
		p, err := r.standpoint(ctx, m.ID(), kind)
		if err != nil {
			return nil, err
		}
		sound := p.Known && !p.Barred
		p.Who = r.self() // seen from the other side
		_, promised := p.Active(kind, r.now())
		until := p.Left(kind)
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

// partners are the members that could have promised us something of a kind, by name: those
// we have a pact with, or had, and for what charters grant all of them.
func (r *Room) partners(ctx context.Context, kind core.GrantKind) ([]member.Member, error) {
	list, err := member.All(ctx, r.DB)
	if err != nil || r.Types.Light(kind) {
		return list, err
	}
	pacts, err := r.Pacts.List(ctx)
	with := map[core.MemberID]bool{}
	for _, h := range pacts {
		_, theirs := h.Side(r.self())
		with[theirs.Member] = true
	}
	return slices.DeleteFunc(list, func(m member.Member) bool { return !with[m.ID()] }), err
}

// Coming lists the members that have the text of a pact of ours that did not come
// back to us yet, each once: after a recovery our logbook only names them.
func (r *Room) Coming(ctx context.Context) ([]core.MemberID, error) {
	all, err := task.All(ctx, r.DB)
	var out []core.MemberID
	for _, t := range all {
		if t.Kind == task.GetPact {
			out = append(out, t.Peer)
		}
	}
	slices.Sort(out)
	return slices.Compact(out), err
}

// Awaited lists whose signature is still missing for a grant to us, each once: the
// members that have not answered our proposal, and those whose proposal we have not
// answered.
func (r *Room) Awaited(ctx context.Context, kind core.GrantKind) (theirs, ours []core.MemberID, err error) {
	all, err := r.Pacts.List(ctx)
	for _, h := range all {
		mine, other := h.Side(r.self())
		if _, promised := other.Promise(kind); !promised || h.State(r.now()) != pact.Proposed {
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

func (r *Room) lender(m member.Member, p allowance.Standpoint, kind core.GrantKind) (core.Lender, bool) {
	if !p.Known || p.Barred {
		return core.Lender{}, false
	}
	heard := p.Heard
	p.Who = r.self() // seen from the other side
	g, ok := p.Active(kind, r.now())
	if !ok {
		return core.Lender{}, false
	}
	// The newest pact in force says where its disks stand.
	var card pact.Card
	if i := slices.IndexFunc(p.Pacts, func(h pact.Record) bool { return h.State(r.now()) == pact.Active }); i >= 0 {
		card = p.Pacts[i].CardOf(m.ID())
	}
	l := card.Lender(m.ID(), g)
	l.Heard = heard
	return l, true
}

// standpoint gathers what the answer depends on.
func (r *Room) standpoint(ctx context.Context, who core.MemberID, kind core.GrantKind) (allowance.Standpoint, error) {
	p := allowance.Standpoint{Who: who, Types: r.Types}
	m, err := member.Find(ctx, r.DB, who)
	if core.CodeOf(err) == core.CodeNotFound || m.Standing == member.Asked {
		return p, nil
	}
	if err != nil {
		return p, err
	}
	log, err := r.Book.Member(ctx, who)
	if core.CodeOf(err) == core.CodeNotFound {
		return p, nil
	}
	if err != nil {
		return p, err
	}
	pacts, err := r.Pacts.With(ctx, who)
	if err != nil {
		return p, err
	}
	p = r.stands(p, m, log, pacts)
	if r.Types.Light(kind) {
		p.Light, err = r.Collectives.Light(ctx, who)
	}
	return p, err
}

// standpoints gathers it for all members at once.
func (r *Room) standpoints(ctx context.Context, kind core.GrantKind) (map[core.MemberID]allowance.Standpoint, error) {
	list, err := member.All(ctx, r.DB)
	if err != nil {
		return nil, err
	}
	known, err := r.Book.Known(ctx)
	if err != nil {
		return nil, err
	}
	logs := make(map[core.MemberID]logbook.Member, len(known))
	for _, log := range known {
		logs[log.ID] = log
	}
	every, err := r.Pacts.List(ctx)
	if err != nil {
		return nil, err
	}
	pacts := map[core.MemberID][]pact.Record{}
	for _, h := range every {
		_, theirs := h.Side(r.self())
		pacts[theirs.Member] = append(pacts[theirs.Member], h)
	}
	light := func(core.MemberID) []core.Grant { return nil }
	if r.Types.Light(kind) {
		if light, err = r.Collectives.Lights(ctx); err != nil {
			return nil, err
		}
	}
	out := make(map[core.MemberID]allowance.Standpoint, len(list))
	for _, m := range list {
		p := allowance.Standpoint{Who: m.ID(), Types: r.Types}
		if log, followed := logs[m.ID()]; followed && m.Standing != member.Asked {
			p = r.stands(p, m, log, pacts[m.ID()])
			p.Light = light(m.ID())
		}
		out[m.ID()] = p
	}
	return out, nil
}

// stands is a standpoint with what the logbook and the pacts of a member say of it.
func (r *Room) stands(p allowance.Standpoint, m member.Member, log logbook.Member, pacts []pact.Record) allowance.Standpoint {
	p.Known = log.Root == m.Root
	p.Barred = m.Refused || log.State == logbook.Suspended
	p.Heard = log.Heard
	for _, h := range pacts {
		if _, theirs := h.Side(r.self()); theirs.Root == m.Root {
			p.Pacts = append(p.Pacts, h)
		}
	}
	return p
}

// Contact is the role address that a member wrote into a pact in force with us; empty = it wrote
// none. Returns CodeNotFound without a pact.
func (r *Room) Contact(ctx context.Context, id core.MemberID) (string, error) {
	all, err := r.Pacts.With(ctx, id)
	if err != nil {
		return "", err
	}
	for _, h := range all {
		if s := h.State(r.now()); s == pact.Active || s == pact.Ending {
			return h.CardOf(id).Contact, nil
		}
	}
	return "", core.NotFound("trust.unknown_pact", errors.New("no pact in force")).With("ID", string(id))
}
