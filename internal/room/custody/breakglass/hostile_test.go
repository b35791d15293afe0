package breakglass

import (
	"encoding/json"
	"strings"
	"testing"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/logbook"
	"entrechat/internal/kit/seal"
	"entrechat/internal/kit/wire"
	"entrechat/internal/kit/words"
	"entrechat/internal/room/custody/ask"
	"entrechat/internal/room/custody/collect"
)

// asksAt has a member ask for A's box, and brings that to nodes.
func (w *world) asksAt(by core.MemberID, signer seal.Signer, at ...*node) ask.Signed {
	w.t.Helper()
	a := anAsk(w.t, w.deal.ID)
	a.Asker = by
	s, err := ask.Sign(a, signer)
	w.must(err)
	for _, n := range at {
		_, err := n.Take(w.t.Context(), s.Document)
		w.must(err)
	}
	return s
}

// says has a logbook say something of an ask, at each of these nodes.
func (w *world) says(log core.MemberID, index int64, typ, id string, at ...*node) {
	w.t.Helper()
	text, err := json.Marshal(entryBody{id})
	w.must(err)
	for _, n := range at {
		w.must(n.heard(w.t.Context(), logbook.Entry{Log: log, Index: index, Typ: typ, Iat: core.At(w.really), Body: text}))
	}
}

// TestOneHolderEndsNothing: a holder asks and says at once that it opened the box. Nobody let a
// share go: the other holders keep theirs.
func TestOneHolderEndsNothing(t *testing.T) {
	w := newWorld(t, nil)
	b, c, d := w.node("b"), w.node("c"), w.node("d")
	s := w.asksAt(b.id, b.signer, c, d)
	w.says(b.id, 0, TypeRelease, s.ID, c, d)
	w.says(b.id, 1, TypeOpened, s.ID, c, d)
	if c.burnt != 0 || d.burnt != 0 {
		t.Fatal("one holder alone ended the deal at the others")
	}
	w.says(c.id, 0, TypeRelease, s.ID, c, d)
	if d.burnt != 0 {
		t.Error("two of three")
	}
	w.says("chaton-e.test", 0, TypeRelease, s.ID, c, d)
	if c.burnt == 0 || d.burnt == 0 {
		t.Error("three let their shares go, and the asker opened it: it goes on")
	}
}

// TestStrangersEndNothing: what logbooks say counts where holders write it, or who may ask.
func TestStrangersEndNothing(t *testing.T) {
	w := newWorld(t, nil)
	a := w.node("a")
	s := signDomain(t, anAsk(t, w.deal.ID))
	_, err := a.Take(t.Context(), s.Document)
	w.must(err)
	for i, log := range []core.MemberID{"x.test", "y.test", "z.test"} {
		w.says(log, int64(i), TypeRelease, s.ID, a)
	}
	if a.burnt != 0 || len(a.log) != 0 {
		t.Errorf("three strangers ended our deal; our logbook says %d things of it", len(a.log))
	}
	x := newSigner(t, "x.test")
	w.nodes["x.test"] = &node{w: w, id: "x.test", signer: x}
	s = w.asksAt("x.test", x, a)
	w.says("x.test", 9, TypeOpened, s.ID, a)
	if a.burnt != 0 {
		t.Error("a stranger says that it opened our box")
	}
}

// TestStrangersFillNothing: asks about deals that never were ours are not kept, nor mailed to anybody.
func TestStrangersFillNothing(t *testing.T) {
	w := newWorld(t, nil)
	a := w.node("a")
	for range 3 {
		if _, err := a.Take(t.Context(), signDomain(t, anAsk(t, aDeal(t))).Document); code(err) != "custody.breakglass.not_held" {
			t.Fatalf("an ask about no deal: %v", err)
		}
	}
}

// TestNonceOfAnother: who sees an ask uses its nonce for one of their own, and is faster.
func TestNonceOfAnother(t *testing.T) {
	w := newWorld(t, nil)
	b := w.node("b")
	first := signDomain(t, anAsk(t, w.deal.ID))
	thief := newSigner(t, hosterA)
	copied := signDomain(t, anAsk(t, w.deal.ID)).Ask
	copied.Key, copied.Nonce = keyText(thief), first.Nonce
	payload, err := wire.Encode(copied)
	w.must(err)
	env, err := seal.SignDoc(ask.Type, payload, thief)
	w.must(err)
	if _, err := b.Take(t.Context(), env); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Take(t.Context(), first.Document); err != nil {
		t.Errorf("the ask whose nonce was copied: %v", err)
	}
}

// TestWordsStopWhatWasNotFetched: the root key says no after a release, before the share was fetched.
func TestWordsStopWhatWasNotFetched(t *testing.T) {
	w := newWorld(t, nil)
	ctx, s := t.Context(), w.opens()
	w.passes(14 * day)
	b := w.node("b")
	w.must(b.Release(ctx, s.ID, false))
	w.must(w.node("a").Object(ctx, s.ID, seal.NewSigner(hosterA, w.seed.RootKey())))
	w.work()
	h, err := b.Hand(ctx, s.ID)
	if err != nil || h.Share != "" || h.Box != "" || h.State != ask.Vetoed || h.Why != ask.WhyRoot {
		t.Errorf("handed out against the words: %s %s, %v", h.State, h.Why, err)
	}
}

// TestDealOfAnotherUnderTheID: a deal was forgotten, and another member's has its id now. The ask
// about the old one is over, and all others are shown.
func TestDealOfAnotherUnderTheID(t *testing.T) {
	w := newWorld(t, nil)
	s := w.opens()
	w.deal.Owner = "chaton-z.test"
	all, err := w.node("b").Views(t.Context())
	if err != nil || len(all) != 1 || all[0].ID != s.ID || all[0].State != ask.Refused {
		t.Errorf("%+v, %v", all, err)
	}
}

// TestDamagedAsk: a disk damages one ask. All others are shown, told and let go as if it were not there.
func TestDamagedAsk(t *testing.T) {
	w := newWorld(t, nil)
	ctx, b := t.Context(), w.node("b")
	bad := signDomain(t, anAsk(t, w.deal.ID))
	_, err := b.Take(ctx, bad.Document)
	w.must(err)
	_, err = db.Exec(ctx, b.db, `UPDATE custody_ask SET document = $1`, []byte("{"))
	w.must(err)
	s := w.opens()
	w.passes(14 * day)
	all, err := b.Views(ctx)
	if err != nil || len(all) != 1 || all[0].ID != s.ID {
		t.Fatalf("%d asks, %v", len(all), err)
	}
	w.must(b.Release(ctx, s.ID, false))
	if _, err := b.View(ctx, bad.ID); core.CodeOf(err) != core.CodeInvalid {
		t.Errorf("the damaged one: %v", err)
	}
	if h, err := b.Hand(ctx, s.ID); err != nil || h.Share == "" {
		t.Errorf("not handed out: %v", err)
	}
}

// TestEveryStateHasWords: people read why nothing goes on, in both languages.
func TestEveryStateHasWords(t *testing.T) {
	cat, err := words.New(words.Words, Words)
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, nil)
	b := w.node("b")
	w.node("a").unheard = true
	a := anAsk(t, w.deal.ID)
	a.Reason, a.Asker = ask.SilentOwner, "chaton-c.test"
	s, err := ask.Sign(a, w.node("c").signer)
	w.must(err)
	_, err = b.Take(t.Context(), s.Document)
	w.must(err)
	w.node("a").unheard = false
	alive, err := b.View(t.Context(), s.ID)
	if err != nil || alive.State != ask.Refused {
		t.Fatalf("%s, %v", alive.State, err)
	}
	for _, status := range []collect.Status{
		alive.Status,
		{State: ask.Refused, Why: ask.WhyBurnt},
		{State: ask.Refused, Why: ask.WhySuspended},
		{State: ask.Refused, Why: ask.WhyDeclined},
		{State: ask.Refused, Why: ask.WhyNoHeir},
		{State: ask.Vetoed, Why: ask.WhyRoot},
		{State: ask.Vetoed, Why: ask.WhyCard},
		{State: ask.Ready, Why: ask.WhySooner},
		{State: ask.Waiting, Why: ask.WhyOverruled},
		{State: ask.Received},
		{State: ask.Expired},
		{State: ask.Released},
		{State: ask.Opened},
	} {
		for _, lang := range []string{"fr", "en"} {
			if text := stateText(cat.Printer(lang), status); strings.Contains(text, "⟦") {
				t.Errorf("%s %s: %s", status.State, status.Why, text)
			}
		}
	}
}
