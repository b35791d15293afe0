package custody

import (
	"context"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/seal"
	"entrechat/internal/room/custody/ask"
	"entrechat/internal/room/custody/box"
	"entrechat/internal/room/custody/breakglass"
	"entrechat/internal/room/custody/collect"
	"entrechat/internal/room/custody/deal"
	"entrechat/internal/room/custody/person"
	"entrechat/internal/room/custody/share"
)

// newAsks wires how a box is opened.
func (r *Room) newAsks() *breakglass.Asks {
	began := r.Now()
	known := dealt{r}
	return breakglass.New(breakglass.Needs{
		DB: r.DB, Signer: r.Signer, Book: r.Book, Peer: r.Peer, Deals: known, Boxes: known, Box: r.Box, Mailer: r.Mailer, Mails: r.mails,
		Card: func(key string, message []byte, signature string) error {
			return person.Card{Key: key}.Verify(message, signature)
		},
		Unseal: box.Open,
		Least: func(scope string) time.Duration {
			if r.Private {
				return 0
			}
			return ask.LeastWait(scope)
		},
		Say: r.Words.Printer(r.Lang), Now: r.Now, Ran: func() time.Duration { return r.Now().Sub(began) }, Log: r.Log,
	})
}

// mails are the addresses of our own people.
func (r *Room) mails(ctx context.Context) ([]string, error) {
	all, err := r.Persons.All(ctx)
	out := []string{}
	for _, c := range all {
		if c.Mail != "" {
			out = append(out, c.Mail)
		}
	}
	return out, err
}

// dealt are deals as asks know them.
type dealt struct{ *Room }

func dealOf(s deal.Signed, ended core.Moment) collect.Deal {
	d := collect.Deal{
		ID: s.ID, Owner: s.Owner, Scope: string(s.Scope), K: int(s.K), Wait: s.Wait(), Commitments: s.Commitments, Cards: map[string]string{},
		Ended: ended, Document: s.Document,
	}
	for _, h := range s.Holders {
		if h.Member != "" {
			d.Members = append(d.Members, h.Member)
		}
	}
	for _, c := range s.Cards {
		d.Cards[c.ID] = c.Key
	}
	return d
}

func (d dealt) Held(ctx context.Context, id share.ID) (collect.Deal, error) {
	h, err := d.Keeper.Get(ctx, id)
	return dealOf(h.Signed, h.Ended), err
}

func (d dealt) Own(ctx context.Context, id share.ID) (collect.Deal, error) {
	o, err := d.Deals.Deal(ctx, id)
	return dealOf(o.Signed, o.Ended), err
}

func (d dealt) Share(ctx context.Context, id share.ID) (share.Share, error) {
	return d.Keeper.Share(ctx, id)
}

func (d dealt) Contacts(ctx context.Context, id share.ID) (string, error) {
	h, err := d.Keeper.Get(ctx, id)
	if err != nil {
		return "", err
	}
	text, err := d.Keeper.Contacts(h)
	return string(text), err
}

func (d dealt) Burn(ctx context.Context, q db.Querier, id share.ID, at core.Moment) (bool, error) {
	return d.Deals.Burn(ctx, q, id, at)
}

func (d dealt) Standing(ctx context.Context, scope string) (collect.Deal, error) {
	s, err := box.ParseScope(scope)
	if err != nil {
		return collect.Deal{}, err
	}
	o, err := d.Deals.Standing(ctx, s)
	return dealOf(o.Signed, o.Ended), err
}

func (d dealt) HeldOf(ctx context.Context, owner core.MemberID) ([]collect.Deal, error) {
	all, err := d.Keeper.Of(ctx, owner)
	var stand, pending []collect.Deal
	for _, h := range all {
		switch {
		case h.Ended != 0:
		case h.State == deal.Standing:
			stand = append(stand, dealOf(h.Signed, 0))
		default:
			pending = append(pending, dealOf(h.Signed, 0))
		}
	}
	return append(stand, pending...), err
}

func (d dealt) Sealed(ctx context.Context, id share.ID) ([]byte, error) {
	k, err := d.Deals.Box(ctx, id)
	return k.Sealed, err
}

func (d dealt) Holds(ctx context.Context, id share.ID) ([]string, error) {
	k, err := d.Deals.Box(ctx, id)
	return k.Holds, err
}

func (dealt) Read(env seal.Envelope) (collect.Deal, error) {
	s, err := deal.Read(env)
	return dealOf(s, 0), err
}
