package breakglass

import (
	"context"
	"errors"
	"strings"
	"testing"

	"entrechat/internal/core"
	"entrechat/internal/kit/words"
	"entrechat/internal/room/custody/ask"
	"entrechat/internal/room/custody/heir"
	"entrechat/internal/room/custody/share"
)

// successors is what the room succession of every node knows: who was named for what box, and
// whether it can tell that the owner is silent.
type successors struct {
	named map[core.MemberID]string
	blind bool
}

func (s *successors) MayAsk(_ context.Context, owner, member core.MemberID, scope string) (known bool, err error) {
	if owner != hosterA || s.named[member] != scope {
		return false, core.Denied("test.not_named", errors.New("not named"))
	}
	return !s.blind, nil
}

// silentWorld is a world whose A is silent, with a box of a backup; G is no holder, and was named.
func silentWorld(t *testing.T) (w *world, g *node) {
	t.Helper()
	w = newWorld(t, nil)
	w.deal.Scope = "data:mail"
	w.heirs = &successors{named: map[core.MemberID]string{"chaton-g.test": "data:mail"}}
	g = w.join("chaton-g.test")
	w.node("a").unheard, w.down[hosterA] = true, true
	return w, g
}

func (w *world) asksSilent(by *node) ask.Signed {
	w.t.Helper()
	s, err := by.Open(w.t.Context(), Wish{Scope: "data:mail", Of: hosterA, Reason: ask.SilentOwner, Purpose: "nobody answers"})
	w.must(err)
	w.work()
	return s
}

// TestSuccessorOpens: a member that is no holder asks as successor of a silent owner; people at the
// holders read what is known, and let their shares go.
func TestSuccessorOpens(t *testing.T) {
	w, g := silentWorld(t)
	s := w.asksSilent(g)
	for _, letter := range []string{"b", "c", "d", "e", "f"} {
		v, err := w.node(letter).View(t.Context(), s.ID)
		if err != nil || v.State != ask.Waiting || v.Heir != heir.Known {
			t.Fatalf("at %s: %+v, %v", letter, v.Status, err)
		}
	}
	w.heirs.blind = true
	if v, err := w.node("b").View(t.Context(), s.ID); err != nil || v.Heir != heir.Unknown || v.State != ask.Waiting {
		t.Errorf("where it is not known, people decide: %+v, %v", v.Heir, err)
	}
	w.passes(14 * day)
	for _, letter := range []string{"b", "c", "d"} {
		w.must(w.node(letter).Release(t.Context(), s.ID, false))
	}
	var out got
	c, err := g.Collect(t.Context(), s.ID, nil, out.deliver)
	if err != nil || !c.Opened || out.text != w.content {
		t.Fatalf("%+v, %v", c, err)
	}
	w.work()
	if got := w.state("e", s.ID); got != ask.Refused {
		t.Errorf("a holder once the deal is burnt: %s", got)
	}
}

// TestOwnerLearnsOfPaper: a successor opened the box with a share on paper, of which no logbook says
// anything; the owner who comes back reads all the same what it has to change.
func TestOwnerLearnsOfPaper(t *testing.T) {
	w, g := silentWorld(t)
	s := w.asksSilent(g)
	w.passes(14 * day)
	for _, letter := range []string{"b", "c"} {
		w.must(w.node(letter).Release(t.Context(), s.ID, false))
	}
	var out got
	if c, err := g.Collect(t.Context(), s.ID, []share.Share{w.node("d").share}, out.deliver); err != nil || !c.Opened {
		t.Fatalf("%+v, %v", c, err)
	}
	a := w.node("a")
	a.unheard, w.down[hosterA] = false, false
	w.passes(2 * day)
	if todo, err := a.Rotations(t.Context()); err != nil || len(todo) == 0 {
		t.Errorf("what A has to change: %v, %v", todo, err)
	}
}

// TestSuccessorAsksNothingElse: who was not named, or not for that box, or for another reason, or
// where nobody knows successors, is refused.
func TestSuccessorAsksNothingElse(t *testing.T) {
	w, g := silentWorld(t)
	x := w.join("chaton-x.test")
	take := func(by *node, change func(*ask.Ask)) error {
		a := anAsk(t, w.deal.ID)
		a.Scope, a.Reason, a.Asker = "data:mail", ask.SilentOwner, by.id
		change(&a)
		s, err := ask.Sign(a, by.signer)
		w.must(err)
		_, err = w.node("b").Take(t.Context(), s.Document)
		return err
	}
	same := func(*ask.Ask) {}
	if err := take(x, same); code(err) != "test.not_named" {
		t.Errorf("somebody else: %v", err)
	}
	for _, r := range []ask.Reason{ask.Incident, ask.Handover, ask.LostOwn} {
		if err := take(g, func(a *ask.Ask) { a.Reason = r }); code(err) != "custody.breakglass.no_asker" {
			t.Errorf("%s: %v", r, err)
		}
	}
	for _, scope := range []string{"root", "domain", "assets"} {
		w.deal.Scope, w.heirs.named[g.id] = scope, scope // even if it were named for it
		if err := take(g, func(a *ask.Ask) { a.Scope = scope }); code(err) != "custody.breakglass.no_asker" {
			t.Errorf("%s: %v", scope, err)
		}
	}
	w.deal.Scope, w.heirs.named[g.id] = "data:mail", "data:mail"
	was := w.heirs
	w.heirs = nil
	if err := take(g, same); code(err) != "custody.breakglass.no_asker" {
		t.Errorf("without the room succession: %v", err)
	}
	w.heirs = was
	w.node("a").unheard = false
	if err := take(g, same); code(err) != "custody.breakglass.alive" {
		t.Errorf("the owner is heard: %v", err)
	}
	w.node("a").unheard = true
	if err := take(g, same); err != nil {
		t.Errorf("named for it: %v", err)
	}
}

// TestOwnerComesBack: a head, a word or a card of the owner ends the ask, while it waits, and when
// shares were let go and not fetched.
func TestOwnerComesBack(t *testing.T) {
	for name, comes := range map[string]func(w *world, s ask.Signed){
		"a head": func(w *world, _ ask.Signed) { w.node("a").unheard = false },
		"a head and a new deal": func(w *world, _ ask.Signed) {
			w.node("a").unheard = false
			for _, n := range w.nodes {
				n.burnt = core.At(w.really)
			}
		},
		"a card": func(w *world, s ask.Signed) {
			w.deal.Cards = map[string]string{"ana": "key of ana"}
			for _, letter := range []string{"b", "c", "d", "e", "f"} {
				w.must(w.node(letter).Hear(w.t.Context(), wordMessage{Ask: s.ID, Card: "ana", Signature: "key of ana" + string(ask.CardText(s.ID))}))
			}
		},
		"its node": func(w *world, s ask.Signed) {
			env, err := ask.SignWord(ask.Word{Ask: s.ID, Kind: ask.Stop, At: core.At(w.really)}, w.node("a").signer)
			w.must(err)
			for _, letter := range []string{"b", "c", "d", "e", "f"} {
				w.must(w.node(letter).Hear(w.t.Context(), wordMessage{Word: &env}))
			}
		},
		"its key was given up": func(w *world, _ ask.Signed) { w.heirs.named = nil },
	} {
		t.Run(name, func(t *testing.T) {
			w, g := silentWorld(t)
			s := w.asksSilent(g)
			w.passes(14 * day)
			for _, letter := range []string{"b", "c", "d"} {
				w.must(w.node(letter).Release(t.Context(), s.ID, false))
			}
			if h, err := w.node("b").Hand(t.Context(), s.ID); err != nil || h.Share == "" {
				t.Fatalf("released: %v", err)
			}
			comes(w, s)
			for _, letter := range []string{"b", "c", "d", "e"} {
				if got := w.state(letter, s.ID); got != ask.Refused {
					t.Errorf("at %s: %s", letter, got)
				}
				h, err := w.node(letter).Hand(t.Context(), s.ID)
				if err != nil || h.Share != "" || h.Box != "" || h.Deal != nil || len(h.Holders) != 0 {
					t.Errorf("%s hands out: %+v, %v", letter, h, err)
				}
			}
			if err := w.node("e").Release(t.Context(), s.ID, false); code(err) != "custody.breakglass.not_ready_refused" {
				t.Errorf("released after it: %v", err)
			}
			var out got
			if c, _ := g.Collect(t.Context(), s.ID, nil, out.deliver); c.Opened || out.text != "" {
				t.Errorf("opened: %+v", c)
			}
		})
	}
}

// TestAskerHearsTheOwner: who asked and hears the owner again fetches nothing more, though holders
// would still hand it out.
func TestAskerHearsTheOwner(t *testing.T) {
	w, g := silentWorld(t)
	s := w.asksSilent(g)
	w.passes(14 * day)
	for _, letter := range []string{"b", "c", "d"} {
		w.must(w.node(letter).Release(t.Context(), s.ID, false))
	}
	g.hears = true
	var out got
	if _, err := g.Collect(t.Context(), s.ID, nil, out.deliver); code(err) != "custody.breakglass.alive" {
		t.Errorf("%v", err)
	}
}

// TestVoice: an objection of the owner's is when it was heard last; a holder's consent is not.
func TestVoice(t *testing.T) {
	w, g := silentWorld(t)
	s := w.asksSilent(g)
	b := w.node("b")
	w.must(b.Agree(t.Context(), s.ID, ask.Sooner))
	if at, err := heir.Voice(t.Context(), b.db, hosterA); err != nil || at != 0 {
		t.Errorf("a holder's word: %v, %v", at, err)
	}
	w.must(b.Hear(t.Context(), wordMessage{Ask: s.ID, Card: "ana", Signature: "key of ana" + string(ask.CardText(s.ID))}))
	if at, err := heir.Voice(t.Context(), b.db, hosterA); err != nil || at != core.At(w.really) {
		t.Errorf("a card: %v, %v", at, err)
	}
	if at, err := heir.Voice(t.Context(), b.db, "chaton-c.test"); err != nil || at != 0 {
		t.Errorf("of another: %v, %v", at, err)
	}
}

// TestSuccessorHasWords on the page and the command line.
func TestSuccessorHasWords(t *testing.T) {
	cat, err := words.New(heir.Words)
	if err != nil {
		t.Fatal(err)
	}
	w, g := silentWorld(t)
	s := w.asksSilent(g)
	for _, blind := range []bool{false, true} {
		w.heirs.blind = blind
		v, err := w.node("b").View(t.Context(), s.ID)
		w.must(err)
		for _, lang := range []string{"fr", "en"} {
			text := cat.Printer(lang).T(v.Heir.Key(), nil)
			if strings.Contains(text, "⟦") {
				t.Error(text)
			}
			w.office("b", lang).sees(Path+"/"+s.ID, strings.ReplaceAll(text, "'", "&#39;"))
			w.office("b", lang).sees(Path+"/"+s.ID+"/release", strings.ReplaceAll(text, "'", "&#39;"))
		}
	}
}
