package move

import (
	"context"
	"crypto/rand"
	"errors"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/seal"
	"entrechat/internal/room/identity/audit"
	"entrechat/internal/room/identity/credential"
	"entrechat/internal/room/identity/home"
	"entrechat/internal/room/identity/move/legacy"
	"entrechat/internal/room/identity/person"
)

const (
	offerLife = time.Hour           // of a release that its person asked for
	listLife  = 30 * 24 * time.Hour // of those a hoster that closes signs
	page      = 20                  // people in one answer of the list
)

// The states of a release of ours.
const (
	open     = "open"
	moved    = "moved" // the new home has the person
	told     = "told"  // our logbook says so
	back     = "back"  // the person is here again
	backTold = "back_told"
)

// Offer is a release that its person takes to the new home. The zero value is none.
type Offer struct {
	To    core.MemberID
	Code  string // opens it there; empty in a list
	Until core.Moment
}

// Asked is who wants to move, and where to.
type Asked struct {
	Who  person.ID
	To   core.MemberID
	From audit.From
}

// departure is people of ours who go.
type departure struct{ *Moves }

// Offer signs a release for a person of ours, within an hour. An earlier one that the new
// home did not take ends. Returns CodeConflict "identity.person.not_ours" and
// "identity.move.has_role", CodeInvalid "identity.move.nowhere" for a member that is no home
// to us, or shut.
func (m *Moves) Offer(ctx context.Context, a Asked) (o Offer, err error) {
	d := departure{m}
	o = Offer{a.To, rand.Text(), m.now().Add(offerLife)}
	if err := d.destination(ctx, a.To); err != nil {
		return o, err
	}
	err = m.n.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		if err := d.offer(ctx, q, a.Who, o); err != nil {
			return err
		}
		return audit.Append(ctx, q, m.now(), audit.Event{Person: a.Who, By: a.Who, Kind: audit.MoveBegun, About: string(a.To), From: a.From})
	})
	return o, err
}

// destination refuses a member where nobody can move to.
func (m departure) destination(ctx context.Context, to core.MemberID) error {
	nowhere := func(err error) error { return core.Invalid("identity.move.nowhere", err).With("Member", string(to)) }
	if to == m.n.Self {
		return nowhere(errors.New("ourselves"))
	}
	found, err := m.n.Homes.Get(ctx, to)
	if core.CodeOf(err) == core.CodeNotFound || err == nil && found.Shut != 0 {
		return nowhere(errors.Join(err, errors.New("no home, or shut")))
	}
	return err
}

// offer signs and keeps a release.
func (m departure) offer(ctx context.Context, q db.Querier, who person.ID, o Offer) error {
	p, err := person.Get(ctx, q, who)
	if err != nil {
		return err
	}
	if p.Kind != person.Local || p.Status != person.Active {
		return core.Conflict("identity.person.not_ours", errors.New("no active account here"))
	}
	if len(p.Roles) > 0 {
		return core.Conflict("identity.move.has_role", errors.New("has a role"))
	}
	came, err := cameBy(ctx, q, who, MaxChain-1)
	if err != nil {
		return err
	}
	r := Release{Sub: string(who), To: o.To, Made: m.now(), Until: o.Until}
	if len(came) > 0 {
		r.Before = came[len(came)-1].ID
	}
	s, err := sign(r, m.n.Signer)
	if err != nil {
		return err
	}
	text, err := s.text()
	if err != nil {
		return err
	}
	code := ""
	if o.Code != "" {
		code = seal.TokenHash(o.Code)
	}
	if err := dropOpen(ctx, q, who); err != nil {
		return err
	}
	return insertOut(ctx, q, out{s.ID, who, o.To, open, code, text, o.Until})
}

// List signs releases to a member for all our people who chose to be handed over when we
// close, for thirty days. Who has a role, or is on the way by their own wish, is left out;
// who is signed over to this member already stays so. While our accounts end, to who takes them
// over alone. Returns how many are, what Offer and Adopter do, and CodeDenied
// "identity.move.not_adopter".
func (m *Moves) List(ctx context.Context, to core.MemberID) (n int, err error) {
	d := departure{m}
	adopter, err := m.n.Adopter(ctx)
	if err == nil && adopter != "" && adopter != to {
		err = core.Denied("identity.move.not_adopter", errors.New("another takes them over")).With("Member", string(to)).With("Adopter", string(adopter))
	}
	if err == nil {
		err = d.destination(ctx, to)
	}
	if err != nil {
		return 0, err
	}
	people, err := handedOver(ctx, m.n.DB)
	if err != nil {
		return 0, err
	}
	until := m.now().Add(listLife)
	for _, who := range people {
		err := m.n.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
			own, err := waits(ctx, q, who, to, m.now())
			if err != nil || own {
				return err
			}
			if err := d.offer(ctx, q, who, Offer{To: to, Until: until}); err != nil {
				return err
			}
			return audit.Append(ctx, q, m.now(), audit.Event{Person: who, Kind: audit.MoveBegun, About: string(to)})
		})
		if err != nil && core.CodeOf(err) != core.CodeConflict && !isDamaged(err) { // doctor names them
			return 0, err
		}
	}
	return listed(ctx, m.n.DB, to, m.now())
}

// depart takes the new home's word that it has a person: the account here ends, and the
// person is a visitor from there, for our services too. Once more changes nothing.
func (m departure) depart(ctx context.Context, from core.MemberID, d done) error {
	s, err := Read(d.Document)
	if err != nil {
		return err
	}
	keys := Keys{}
	for _, id := range []core.MemberID{m.n.Self, from} {
		if keys[id], err = m.keys(ctx, id, false); err != nil {
			return err
		}
	}
	if err := s.signedBy(keys, m.n.Self, from); err != nil {
		return err
	}
	now := m.now()
	return m.n.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		o, err := outOf(ctx, q, s.ID, from)
		if err != nil {
			return err
		}
		place := home.Visitor{Home: from, Sub: d.Sub, Person: o.person, Handle: d.Handle}
		if o.state != open {
			return again(ctx, q, place)
		}
		if o.until < now {
			return core.Denied("identity.move.ended", errors.New("too late"))
		}
		if _, err := person.VisitorHandle(d.Handle, from); err != nil {
			return err
		}
		p, err := person.Depart(ctx, q, o.person)
		if err != nil {
			return err
		}
		if err := errors.Join(home.Place(ctx, q, place, now), credential.Forget(ctx, q, o.person), m.n.Out(ctx, q, o.person), m.n.Forget(ctx, q, p)); err != nil {
			return err
		}
		if err := putOut(ctx, q, s.ID, moved, d.Document); err != nil {
			return err
		}
		return audit.Append(ctx, q, now, audit.Event{Person: o.person, Kind: audit.Moved, About: string(from)})
	})
}

// again is the answer to who says once more that it has a person.
func again(ctx context.Context, q db.Querier, place home.Visitor) error {
	v, known, err := home.Find(ctx, q, place.Home, place.Sub)
	if err == nil && (!known || v.Person != place.Person) {
		err = core.Conflict("identity.move.gone", errors.New("as somebody else"))
	}
	return err
}

// Tell writes in our logbook which releases count, and which no longer.
func (m *Moves) Tell(ctx context.Context) error {
	for {
		body, err := untold(ctx, m.n.DB, maxIDs)
		if err != nil {
			return err
		}
		ended, err := legacy.Ended(ctx, m.n.DB, maxIDs-len(body.Moved)-len(body.Back))
		if err != nil {
			return err
		}
		if body.Back = append(body.Back, ended...); len(body.Moved)+len(body.Back) == 0 {
			return nil
		}
		if _, err := m.n.Book.Append(ctx, TypeEntry, nil, 0, body); err != nil {
			return err
		}
		err = m.n.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
			return errors.Join(wasTold(ctx, q, body), legacy.Forget(ctx, q, ended))
		})
		if err != nil {
			return err
		}
	}
}
