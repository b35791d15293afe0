package custody

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"log/slog"
	"path/filepath"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/obs"
	"entrechat/internal/kit/peer"
	"entrechat/internal/kit/seal"
	"entrechat/internal/room/custody/ask"
	"entrechat/internal/room/custody/box"
	"entrechat/internal/room/custody/breakglass"
	"entrechat/internal/room/custody/collect"
	"entrechat/internal/room/custody/deal"
	"entrechat/internal/room/custody/person"
	"entrechat/internal/room/custody/rehearsal"
	"entrechat/internal/room/custody/rescue"
	"entrechat/internal/room/custody/share"
)

// newAsks wires how a box is opened.
func (r *Room) newAsks() *breakglass.Asks {
	began, known, alive := r.Now(), dealt{r}, ask.Alive
	if r.Private {
		alive = 0
	}
	return breakglass.New(breakglass.Needs{
		DB: r.DB, Signer: r.Signer, Book: r.Book, Peer: r.Peer, Deals: known, Boxes: known, Box: r.Box, Lock: filepath.Join(r.Dir, "custody.lock"), Mailer: r.Mailer, Mails: r.mails,
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
		Alive: alive, Say: speaker{r}, Decisions: r.Decisions, Successors: r.Successors, Now: r.Now, Ran: func() time.Duration { return r.Now().Sub(began) }, Log: r.Log,
	})
}

// speaker says things in the node's language.
type speaker struct{ room *Room }

// T is a sentence.
func (s speaker) T(key string, args map[string]any) string {
	return s.room.Words.Printer(s.room.Lang).T(key, args)
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

// Own is a deal of ours; of one from before a recovery the id alone, as our logbook has it.
func (d dealt) Own(ctx context.Context, id share.ID) (collect.Deal, error) {
	o, err := d.Deals.Deal(ctx, id)
	if core.CodeOf(err) == core.CodeNotFound {
		said, also := d.Deals.Said(ctx, id)
		if also != nil || said {
			return collect.Deal{ID: id, Owner: d.Signer.ID()}, also
		}
	}
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
		case h.Damaged:
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

// rescueNeeds is what a rescue is made of: calls by a key that nobody knows.
func rescueNeeds(now func() time.Time) func(private bool, log *slog.Logger) rescue.Needs {
	return func(private bool, log *slog.Logger) rescue.Needs {
		var seed [ed25519.SeedSize]byte
		_, _ = rand.Read(seed[:]) // never fails: crypto/rand
		key := ed25519.NewKeyFromSeed(seed[:])
		return rescue.Needs{
			Line: func(at rescue.Addresses) rescue.Line {
				return peer.NewClient(peer.Needs{Signer: seal.NewSigner("nobody.invalid", key), Keyring: at, Private: private, Now: now, Log: log})
			},
			Read: func(env seal.Envelope) (collect.Deal, error) { return dealt{}.Read(env) }, Unseal: box.Open, Now: now,
		}
	}
}

// newRehearsals wires the yearly rehearsal.
func (r *Room) newRehearsals() *rehearsal.Rehearsals {
	return &rehearsal.Rehearsals{DB: r.DB, Dealer: dealt{r}, Asks: r.Asks, Now: r.Now}
}

// Dummy deals a content to the members and persons that hold a scope; paper is not printed again.
func (d dealt) Dummy(ctx context.Context, scope string, content []byte) (id share.ID, k, n int64, err error) {
	s, err := box.ParseScope(scope)
	if err != nil {
		return "", 0, 0, err
	}
	own, err := d.Deals.Standing(ctx, s)
	if err != nil {
		return "", 0, 0, err
	}
	w := deal.Wish{Scope: box.Rehearsal, Content: content, Alone: true}
	for _, h := range own.Holders {
		if h.Member != "" {
			w.To = append(w.To, string(h.Member))
		} else if _, err := d.Persons.Find(ctx, h.Person); err == nil {
			w.To = append(w.To, h.Person)
		}
	}
	w.K = max(min(int(own.K), len(w.To)-1), share.MinK)
	id, err = d.Deals.Make(ctx, w)
	return id, int64(w.K), int64(len(w.To)), err
}

func (d dealt) Stands(ctx context.Context, id share.ID) (bool, error) {
	own, err := d.Deals.Deal(ctx, id)
	return own.State == deal.Standing, err
}

func (d dealt) Scopes(ctx context.Context) ([]string, error) {
	all, err := d.Deals.All(ctx)
	out := []string{}
	for _, o := range all {
		if o.State == deal.Standing && o.Scope != box.Rehearsal {
			out = append(out, string(o.Scope))
		}
	}
	return out, err
}

// metrics are the numbers of proofs and of asks.
func (r *Room) metrics(ctx context.Context) ([]obs.Metric, error) {
	proofs, err := r.Proofs.Metrics(ctx)
	if err != nil {
		return proofs, err
	}
	asks, err := r.Asks.Metrics(ctx)
	return append(proofs, asks...), err
}
