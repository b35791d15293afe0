package move

import (
	"context"
	"errors"
	"slices"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/room/identity/audit"
	"entrechat/internal/room/identity/home"
	"entrechat/internal/room/identity/move/legacy"
)

// Arrival is a person whom a home signed in now, and how they came to it.
type Arrival struct {
	Home   core.MemberID
	Sub    string
	Handle string
	Moves  []string // releases, the oldest first
	From   audit.From
}

// following is visitors whose home changed.
type following struct{ *Moves }

// Follow makes a visitor of an old home the visitor of the one that signed them in now, when
// their releases say so. Who is no visitor of an old home is left alone: Admit makes them a
// new one. Returns CodeInvalid "identity.move.bad"; CodeDenied "identity.move.refused" for
// releases that do not hold, "identity.move.gone" for who is at home elsewhere already,
// "identity.move.lost" for a visitor here of whose way the home has lost a part;
// CodeUnsure "identity.move.not_heard" while the old home's logbook does not say it here.
func (m *Moves) Follow(ctx context.Context, a Arrival) error {
	f := following{m}
	here, known, err := home.Find(ctx, m.n.DB, a.Home, a.Sub)
	if err != nil || known && here.State == home.Active {
		return err
	}
	if back, err := f.back(ctx, a, here); err != nil || back || len(a.Moves) == 0 {
		return err
	}
	moves, err := f.readable(ctx, a)
	if err != nil || len(moves) == 0 {
		return err
	}
	chain, err := ReadChain(moves, a.Home)
	if err != nil {
		return err
	}
	was, rest, err := f.whose(ctx, chain)
	if err != nil || was.Person == "" {
		return err
	}
	if rest == nil {
		return f.refused(ctx, a, was, core.Denied("identity.move.gone", errors.New("is at home elsewhere")))
	}
	for _, s := range rest.straight() {
		if err := f.holds(ctx, s); err != nil {
			return f.refused(ctx, a, was, err)
		}
	}
	return f.repoint(ctx, a, was, rest)
}

// whose finds the visitor that a chain is of, at the newest of its homes where the visitor
// is still, and the releases from there on. Nil releases: the visitor is at none of them any
// more. Nobody: no home of the chain ever brought them here.
func (m following) whose(ctx context.Context, chain Chain) (was home.Visitor, rest Chain, err error) {
	for i, s := range slices.Backward(chain) {
		v, known, err := home.Find(ctx, m.n.DB, s.Home, s.Sub)
		if err != nil {
			return was, nil, err
		}
		if known && v.State == home.Active {
			return v, chain[i:], nil
		}
		if known && was.Person == "" {
			was = v
		}
	}
	return was, nil, nil
}

// holds says whether a release counts here: its home says so in the logbook that we hold,
// said it while we let its people in, did not take it back, is not shut, and both homes
// signed with keys that are or were theirs.
func (m following) holds(ctx context.Context, s Signed) error {
	refuse := func(err error) error {
		return core.Denied("identity.move.refused", err).With("Member", string(s.Home))
	}
	found, err := m.n.Homes.Get(ctx, s.Home)
	switch {
	case core.CodeOf(err) == core.CodeNotFound:
		return refuse(err)
	case err != nil:
		return err
	case found.Shut != 0:
		return refuse(errors.New("shut"))
	}
	keys := Keys{}
	for _, id := range []core.MemberID{s.Home, s.To} {
		if keys[id], err = m.keys(ctx, id, true); err != nil && core.CodeOf(err) != core.CodeNotFound {
			return err
		}
	}
	if err := s.signedBy(keys, s.Home, s.To); err != nil {
		return refuse(err)
	}
	if s.Under != nil {
		return m.passed(ctx, s)
	}
	said, err := saidOf(ctx, m.n.DB, s.Home, s.ID)
	switch {
	case err != nil:
		return err
	case said.back >= 0:
		return refuse(errors.New("taken back"))
	case said.moved < 0:
		return core.Unsure("identity.move.not_heard", errors.New("not in the logbook")).With("Member", string(s.Home))
	case !said.let:
		return refuse(errors.New("said while its people were not let in"))
	}
	return nil
}

// repoint makes the visitor one of the new home, once.
func (m following) repoint(ctx context.Context, a Arrival, was home.Visitor, rest Chain) error {
	now := m.now()
	err := m.n.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		if here, known, err := home.Find(ctx, q, a.Home, a.Sub); err != nil || known && here.State == home.Active {
			return err // by another request, meanwhile
		}
		if err := m.use(ctx, q, a, was, rest); err != nil {
			return err
		}
		if err := home.Repoint(ctx, q, was, home.Visitor{Home: a.Home, Sub: a.Sub, Handle: a.Handle}, now); err != nil {
			return err
		}
		return audit.Append(ctx, q, now, audit.Event{Person: was.Person, By: was.Person, Kind: audit.Moved, About: string(a.Home), From: a.From})
	})
	switch core.CodeOf(err) {
	case core.CodeDenied, core.CodeConflict, core.CodeInvalid:
		return m.refused(ctx, a, was, err)
	default:
		return err
	}
}

// use notes that releases were used here. Returns CodeDenied for one that counts and was before.
func (m following) use(ctx context.Context, q db.Querier, a Arrival, was home.Visitor, rest Chain) error {
	now, counts := m.now(), map[string]bool{}
	for _, s := range rest.straight() {
		counts[s.ID] = true
	}
	for _, s := range rest {
		first, err := take(ctx, q, taken{s.ID, was.Person, a.Home, now})
		if err != nil {
			return err
		}
		if !first && counts[s.ID] {
			return core.Denied("identity.move.refused", errors.New("used before")).With("Member", string(s.Home))
		}
	}
	if s := rest[len(rest)-1]; s.Under != nil {
		return legacy.PutMoved(ctx, q, legacy.Moved{ID: s.ID, Home: s.Home, Heir: a.Home, Sub: s.Sub, HeirSub: a.Sub, Person: was.Person}, now)
	}
	return nil
}

// refused writes a refusal where the visitor sees it, and is the answer. What may hold in a
// minute is not written.
func (m following) refused(ctx context.Context, a Arrival, who home.Visitor, why error) error {
	switch core.CodeOf(why) {
	case core.CodeDenied, core.CodeConflict, core.CodeInvalid:
	default:
		return why
	}
	log := audit.Log{DB: m.n.DB, Now: m.n.Now}
	return errors.Join(why, log.Append(ctx, audit.Event{Person: who.Person, Kind: audit.MoveRefused, About: string(a.Home), From: a.From}))
}
