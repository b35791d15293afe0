package move

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/wire"
	"entrechat/internal/room/identity/audit"
	"entrechat/internal/room/identity/move/legacy"
	"entrechat/internal/room/identity/person"
)

// MaxLeft bounds a legacy.Left, in bytes.
const MaxLeft = 64 << 20

// Inheritance is what came of taking over the people of a dead home.
type Inheritance struct {
	People []Welcome
	Mailed int // were told by mail
	// Failed says why somebody did not come; each error names them.
	Failed []error
}

// readLeft reads what a home left to a successor. Returns CodeInvalid.
func readLeft(text []byte, owner, to core.MemberID) (e legacy.Left, err error) {
	if len(text) > MaxLeft {
		return e, bad(fmt.Errorf("%d bytes", len(text)))
	}
	if err := wire.Decode(text, &e); err != nil {
		return e, err
	}
	if e.V != 1 || e.Home != owner || e.To != to || int64(len(e.People)) > legacy.MaxLeaves {
		return e, core.Invalid("identity.move.other_estate", fmt.Errorf("version %d, of %.80q to %.80q", e.V, e.Home, e.To)).With("Member", string(owner))
	}
	return e, nil
}

// Inherit makes the accounts of the people that a dead home left to us, text being a legacy.Left, and
// says so in our logbook. The same again goes on where it stopped. Returns CodeInvalid for what is
// no legacy.Left of this home to us; CodeDenied "identity.move.not_settled", "identity.move.alive" for a
// home that gave a sign of life since we asked, "identity.move.not_left" where its logbook does not
// say that it left these; CodeConflict "identity.move.other_heir" where another successor was
// first; what Custodians do.
// spec: docs/spec/identity.md#a-home-that-died
func (m *Moves) Inherit(ctx context.Context, owner core.MemberID, text []byte) (out Inheritance, err error) {
	i := heiring{m, coming{m}}
	if err := m.n.Newcomers(ctx); err != nil {
		return out, err
	}
	left, err := readLeft(text, owner, m.n.Self)
	if err != nil {
		return out, err
	}
	e, err := i.estates().Of(ctx, owner, m.n.Self, "")
	if err != nil {
		return out, err
	}
	if err := i.estates().First(ctx, owner); err != nil {
		return out, err
	}
	people, err := i.heirs(ctx, owner, left)
	if err != nil {
		return out, err
	}
	var took []string
	for _, h := range people {
		came, err := i.take(ctx, owner, h)
		if err != nil {
			out.Failed = append(out.Failed, fmt.Errorf("%s: %w", h.Handle, err))
			continue
		}
		took, out.People = append(took, h.last().ID), append(out.People, came)
	}
	if err := i.say(ctx, e, took); err != nil {
		return out, err
	}
	return out, nil
}

// heiring is people of a dead home who come.
type heiring struct {
	*Moves
	c coming
}

// comingHeir is one of them.
type comingHeir struct {
	legacy.Heir
	chain Chain
}

func (h comingHeir) last() Signed { return h.chain[len(h.chain)-1] }

// heirs are the people of an estate, checked: each release is the home's, to us, and all of them
// stand under one root of the home's logbook, which did not take them back since.
func (m heiring) heirs(ctx context.Context, owner core.MemberID, left legacy.Left) ([]comingHeir, error) {
	all, ids := make([]comingHeir, 0, len(left.People)), make([]string, 0, len(left.People))
	keys, err := m.keys(ctx, owner, true)
	if err != nil {
		return nil, err
	}
	for _, h := range left.People {
		s, err := readBequest(h.Legacy)
		if err == nil {
			err = s.signedBy(Keys{owner: keys}, owner)
		}
		if err == nil && (s.Home != owner || s.To != m.n.Self) {
			err = legacy.Refuse(owner, errors.New("a release of another"))
		}
		if err != nil {
			return nil, err
		}
		all, ids = append(all, comingHeir{h, Chain{s}}), append(ids, s.ID)
	}
	t, err := legacy.NewTree(ids)
	if err != nil {
		return nil, err
	}
	top, err := t.Root()
	if err != nil {
		return nil, err
	}
	said, err := legacy.RootsOf(ctx, m.n.DB, owner, m.n.Self)
	if err != nil {
		return nil, err
	}
	if len(ids) > 0 && !slices.ContainsFunc(said, func(r legacy.Root) bool { return r.Hash == top && r.Size == t.Size() }) {
		return nil, core.Denied("identity.move.not_left", errors.New("under no root")).With("Member", string(owner))
	}
	return m.placed(ctx, owner, all, t)
}

// placed shows where each stands, and leaves out whom the home took back, or who chose otherwise.
func (m heiring) placed(ctx context.Context, owner core.MemberID, all []comingHeir, t legacy.Tree) (good []comingHeir, err error) {
	for _, h := range all {
		s := h.last()
		said, err := saidOf(ctx, m.n.DB, owner, s.ID)
		if err != nil {
			return nil, err
		}
		if said.back >= 0 || h.Choice != string(person.HandOver) { // chose otherwise as the pack was made
			continue
		}
		if *s.Under, err = t.Under(s.ID); err != nil {
			return nil, err
		}
		if err := s.Document.AddSignature(m.n.Signer); err != nil {
			return nil, err
		}
		text, err := s.text()
		if err != nil {
			return nil, err
		}
		if h.chain, err = ReadChain(append(slices.Clone(h.Earlier), text), m.n.Self); err != nil {
			return nil, err
		}
		good = append(good, h)
	}
	return good, nil
}

// take makes the account of one, under the next name that is free, with what they sign in with.
func (m heiring) take(ctx context.Context, owner core.MemberID, h comingHeir) (out Welcome, err error) {
	for _, tail := range tails() {
		err = m.n.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
			out, err = m.account(ctx, q, owner, h, tail)
			return err
		})
		if !nameTaken(err) {
			break
		}
	}
	return out, err
}

// account is take in one transaction.
func (m heiring) account(ctx context.Context, q db.Querier, owner core.MemberID, h comingHeir, tail string) (out Welcome, err error) {
	in, known, err := inOf(ctx, q, h.last().ID)
	if err != nil {
		return out, err
	}
	if !known {
		if in, err = m.settle(ctx, q, owner, h, tail); err != nil {
			return out, err
		}
		if err := m.c.give(ctx, q, in, audit.From{}); err != nil {
			return out, err
		}
		if err := m.n.Secrets.Bring(ctx, q, in.person, h.Password, h.TOTP); err != nil {
			return out, err
		}
	}
	p, err := person.Get(ctx, q, in.person)
	if err != nil {
		return out, err
	}
	out.Handle = p.Handle
	if has, err := m.n.Secrets.Has(ctx, q, in.person); err != nil || has {
		return out, err
	}
	out.Address, err = m.n.Invite(ctx, q, in.person, m.now())
	return out, err
}

// settle finds or makes the account, and keeps how they came. Who came from there before, as after
// an owner who came back and died again, has their account.
func (m heiring) settle(ctx context.Context, q db.Querier, owner core.MemberID, h comingHeir, tail string) (in arrived, err error) {
	s := h.last()
	text, err := s.text()
	if err != nil {
		return in, err
	}
	in = arrived{id: s.ID, home: owner, sub: s.Sub, state: asked, document: text, until: s.Until}
	before, err := cameFrom(ctx, q, owner, s.Sub)
	if err != nil {
		return in, err
	}
	if before != "" {
		in.way, in.person = wayOwn, before
	} else {
		c := newcomer{Comer{passage{Handle: h.Handle, Name: h.Name, Lang: h.Lang, Choice: h.Choice}, h.chain}, true}
		if err := m.c.settle(ctx, q, &in, Wish{From: owner, Handle: h.Handle + tail}, c); err != nil {
			return in, err
		}
	}
	return in, putChain(ctx, q, in, h.chain[:len(h.chain)-1])
}

// say writes into our logbook which releases we took up, each once.
func (m heiring) say(ctx context.Context, e legacy.Estate, took []string) error {
	var unsaid []string
	for _, id := range took {
		if _, said, err := legacy.TakenOf(ctx, m.n.DB, m.n.Self, id); err != nil {
			return err
		} else if !said {
			unsaid = append(unsaid, id)
		}
	}
	for some := range slices.Chunk(unsaid, maxIDs) {
		entry, err := m.n.Book.Append(ctx, legacy.TypeInherit, nil, 0, legacy.TakenUp{Home: e.Home, Ask: e.Ask, Moved: some})
		if err == nil {
			err = m.heardInherit(ctx, entry)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
