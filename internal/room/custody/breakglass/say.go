package breakglass

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/seal"
	"entrechat/internal/room/custody/ask"
	"entrechat/internal/room/custody/collect"
)

const maxSignature = 4 << 10

func decodeWord(text []byte) (m wordMessage, err error) {
	if err := json.Unmarshal(text, &m); err != nil {
		return m, fmt.Errorf("a kept word: %w", err)
	}
	return m, nil
}

// Hear takes in a veto or a consent that came, and hands it on to fellow holders. Again it
// changes nothing. Returns CodeNotFound for an ask that did not come here, CodeDenied for who
// may not say it, CodeInvalid.
func (a objections) Hear(ctx context.Context, m wordMessage) error {
	w, id, err := a.read(m)
	if err != nil {
		return err
	}
	r, err := get(ctx, a.n.DB, id)
	if err != nil {
		return err
	}
	d, _, err := a.about(ctx, r.Ask)
	if err != nil && core.CodeOf(err) != core.CodeDenied {
		return err
	}
	s, err := a.check(ctx, m, w, r, d)
	if err != nil {
		return err
	}
	if s.document, err = json.Marshal(m); err != nil {
		return err
	}
	if err := a.keep(ctx, r, d, s); err != nil {
		return err
	}
	a.wake()
	return nil
}

func (a objections) keep(ctx context.Context, r row, d collect.Deal, s said) error {
	return a.n.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		c, err := readClock(ctx, q)
		if err != nil {
			return err
		}
		s.ask, s.ran, s.at = r.ID, c.Ran, a.now()
		fresh, err := putSaid(ctx, q, s)
		if err != nil || !fresh || !r.held {
			return err
		}
		return teller(a).spread(ctx, q, r, d, s)
	})
}

// read finds out which ask a word is about.
func (a objections) read(m wordMessage) (w ask.Word, id string, err error) {
	if m.Word != nil {
		if m.Ask != "" || m.Card != "" || m.Signature != "" {
			return w, "", ask.BadWord(errors.New("two words in one"))
		}
		w, err = ask.ReadWord(*m.Word)
		return w, w.Ask, err
	}
	if !ask.ValidID(m.Ask) || len(m.Card) > 100 || m.Card == "" || len(m.Signature) > maxSignature {
		return w, "", ask.BadWord(errors.New("no word"))
	}
	return w, m.Ask, nil
}

// check says who says a word, and how strong it is.
func (a objections) check(ctx context.Context, m wordMessage, w ask.Word, r row, d collect.Deal) (said, error) {
	if m.Word == nil {
		key, ok := d.Cards[m.Card]
		if !ok {
			return said{}, core.Denied("custody.breakglass.no_card", errors.New("no card of the deal"))
		}
		return said{kind: ask.Stop, who: m.Card, strength: ask.ByCard}, a.n.Card(key, ask.CardText(r.ID), m.Signature)
	}
	keys, err := a.n.Book.Keys(ctx, w.By)
	if err != nil {
		return said{}, err
	}
	var root core.RootKey
	if w.Kind == ask.Stop {
		if w.By != r.Owner {
			return said{}, core.Denied("custody.breakglass.not_owner", fmt.Errorf("a veto of %s", w.By))
		}
		owner, _, err := a.member(ctx, r.Owner)
		if err != nil {
			return said{}, err
		}
		root = owner.Root
	} else if !slices.Contains(d.Members, w.By) {
		return said{}, core.Denied("custody.breakglass.no_holder", fmt.Errorf("%s is no holder", w.By))
	}
	strength, err := w.Said(*m.Word, keys, root)
	who := string(w.By)
	if strength == ask.ByRoot {
		who = "root"
	}
	return said{kind: w.Kind, who: who, strength: strength}, err
}

// Object is a veto by this node's key: it begins the wait again, once. It goes to the holders
// by way of each that we can reach. root, when not nil, is the root key: that is final.
func (a objections) Object(ctx context.Context, id string, root seal.Signer) error {
	by := a.n.Signer
	if root != nil {
		by = root
	}
	return a.utter(ctx, id, ask.Stop, by)
}

// ObjectByCard hands a veto that a person signed to the holders.
func (a objections) ObjectByCard(ctx context.Context, id, card, signature string) error {
	return a.deliver(ctx, id, wordMessage{Ask: id, Card: card, Signature: signature})
}

// Agree says that this holder agrees to wait less, or overrules the veto of a person.
func (a objections) Agree(ctx context.Context, id string, kind ask.Kind) error {
	return a.utter(ctx, id, kind, a.n.Signer)
}

func (a objections) utter(ctx context.Context, id string, kind ask.Kind, by seal.Signer) error {
	env, err := ask.SignWord(ask.Word{Ask: id, Kind: kind, At: a.now()}, by)
	if err != nil {
		return err
	}
	return a.deliver(ctx, id, wordMessage{Word: &env})
}

// deliver takes a word in here, and has it handed to all holders.
func (a objections) deliver(ctx context.Context, id string, m wordMessage) error {
	r, err := get(ctx, a.n.DB, id)
	if err != nil {
		return err
	}
	if err := a.Hear(ctx, m); err != nil || r.held {
		return err // a holder hands it on itself
	}
	d, _, err := a.about(ctx, r.Ask)
	if err != nil {
		return err
	}
	words, err := allSaid(ctx, a.n.DB, id)
	if err != nil {
		return err
	}
	return a.n.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		for _, w := range words {
			if err := teller(a).spread(ctx, q, r, d, w); err != nil {
				return err
			}
		}
		return nil
	})
}

// Decline notes that a person here says no: our share stays here.
func (a objections) Decline(ctx context.Context, id string) error {
	r, err := get(ctx, a.n.DB, id)
	if err != nil {
		return err
	}
	if r.release != 0 {
		return core.Conflict("custody.breakglass.released", errors.New("it was released"))
	}
	return setDeclined(ctx, a.n.DB, id, a.now())
}
