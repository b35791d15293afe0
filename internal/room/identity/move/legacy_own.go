package move

import (
	"context"
	"errors"
	"slices"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/seal"
	"entrechat/internal/kit/wire"
	"entrechat/internal/room/identity/move/legacy"
	"entrechat/internal/room/identity/person"
)

// will is what we leave to the successors of our accounts.
type will struct{ *Moves }

// Bequeath signs, for each successor of our accounts, releases of everybody who chose to be handed
// over, ends those of who did not or left, and says so in our logbook: by a Merkle root for each
// successor, and by the names of those that count no more.
// spec: docs/spec/identity.md#a-home-that-died
func (m *Moves) Bequeath(ctx context.Context) error {
	w := will{m}
	var to []core.MemberID
	if rooms, ok := m.n.Successions(); ok {
		named, err := rooms.Successors(ctx, m.n.Self, legacy.Accounts)
		if err != nil {
			return err
		}
		to = named
	}
	before, err := legacy.Heirs(ctx, m.n.DB)
	if err != nil {
		return err
	}
	for _, heir := range slices.Compact(slices.Sorted(slices.Values(append(before, to...)))) {
		if heir == m.n.Self {
			continue
		}
		if err := w.sign(ctx, heir, slices.Contains(to, heir)); err != nil {
			return err
		}
	}
	if err := m.Tell(ctx); err != nil { // first who is let go no more
		return err
	}
	for _, heir := range to {
		if err := w.say(ctx, heir); err != nil {
			return err
		}
	}
	return nil
}

// sign makes the releases to one successor those of who is to be handed over; none where it is no
// successor any more.
func (m will) sign(ctx context.Context, heir core.MemberID, named bool) error {
	var people []person.ID
	var err error
	if named {
		if people, err = handedOver(ctx, m.n.DB); err != nil {
			return err
		}
	}
	has, err := legacy.WilledTo(ctx, m.n.DB, heir)
	if err != nil {
		return err
	}
	missing := map[person.ID]bool{}
	for _, who := range people {
		missing[who] = true
	}
	for _, w := range has {
		if missing[w.Person] {
			delete(missing, w.Person)
		} else if err := legacy.End(ctx, m.n.DB, w.ID); err != nil {
			return err
		}
	}
	for _, who := range people {
		if !missing[who] {
			continue
		}
		err := m.n.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error { return m.add(ctx, q, who, heir) })
		if err != nil && core.CodeOf(err) != core.CodeConflict && !isDamaged(err) { // doctor names them
			return err
		}
	}
	return nil
}

// add signs the release of one person.
func (m will) add(ctx context.Context, q db.Querier, who person.ID, heir core.MemberID) error {
	came, err := cameBy(ctx, q, who, MaxChain-1)
	if err != nil {
		return err
	}
	r := Release{Sub: string(who), To: heir, Made: m.now()}
	if len(came) > 0 {
		r.Before = came[len(came)-1].ID
	}
	s, err := bequeath(r, m.n.Signer)
	if err != nil {
		return err
	}
	text, err := s.Document.Encode()
	if err != nil {
		return err
	}
	return legacy.Will(ctx, q, legacy.Willed{ID: s.ID, Person: who, To: heir, Document: string(text)})
}

// say writes the root of one successor's releases into our logbook, unless it is there.
func (m will) say(ctx context.Context, heir core.MemberID) error {
	has, err := legacy.WilledTo(ctx, m.n.DB, heir)
	if err != nil {
		return err
	}
	t, err := legacy.NewTree(names(has))
	if err != nil {
		return err
	}
	top, err := t.Root()
	if err != nil {
		return err
	}
	said, err := legacy.RootsOf(ctx, m.n.DB, m.n.Self, heir)
	if err != nil || len(said) > 0 && said[0].Hash == top || len(said) == 0 && t.Size() == 0 {
		return err
	}
	e, err := m.n.Book.Append(ctx, legacy.Type, nil, 0, legacy.Said{To: heir, Root: top, Count: t.Size()})
	if err != nil {
		return err
	}
	return m.heardRoot(ctx, e) // what says it twice is no harm; the next round sees it
}

func names(all []legacy.Willed) []string {
	out := make([]string, 0, len(all))
	for _, w := range all {
		out = append(out, w.ID)
	}
	return out
}

// AccountsPack is legacy.Left for a successor, as it stands in our logbook now, as JSON. Returns
// CodeDenied "identity.move.no_successor" for a member that we do not name for our accounts.
func (m *Moves) AccountsPack(ctx context.Context, to core.MemberID) ([]byte, error) {
	rooms, ok := m.n.Successions()
	var named []core.MemberID
	if ok {
		var err error
		if named, err = rooms.Successors(ctx, m.n.Self, legacy.Accounts); err != nil {
			return nil, err
		}
	}
	if !slices.Contains(named, to) {
		return nil, core.Denied("identity.move.no_successor", errors.New("not named")).With("Member", string(to))
	}
	if err := m.Bequeath(ctx); err != nil {
		return nil, err
	}
	e := legacy.Left{V: 1, Home: m.n.Self, To: to, People: []legacy.Heir{}}
	err := m.n.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		all, err := legacy.WilledTo(ctx, q, to)
		for _, w := range all {
			h, err := will{m}.heir(ctx, q, w)
			if err != nil {
				return err
			}
			e.People = append(e.People, h)
			if s, err := readBequest(h.Legacy); err == nil {
				e.Made = max(e.Made, s.Made) // the same again is the same text
			}
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return wire.Encode(e)
}

func (m will) heir(ctx context.Context, q db.Querier, w legacy.Willed) (h legacy.Heir, err error) {
	p, err := person.Get(ctx, q, w.Person)
	if err != nil {
		return h, err
	}
	h = legacy.Heir{Handle: p.Handle, Name: p.Name, Mail: p.Mail, Lang: p.Lang, Choice: string(p.Choice)}
	if h.Legacy, err = seal.DecodeEnvelope([]byte(w.Document)); err != nil {
		return h, err
	}
	if h.Earlier, err = cameTexts(ctx, q, w.Person, MaxChain-1); err != nil {
		return h, err
	}
	h.Password, h.TOTP, err = m.n.Secrets.Carry(ctx, q, w.Person)
	return h, err
}
