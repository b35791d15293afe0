package breakglass

import (
	"bytes"
	"context"
	"errors"
	"io"
	"sync"
	"testing"
	"time"

	"filippo.io/age"

	"entrechat/internal/core"
	"entrechat/internal/kit/dbtest"
	"entrechat/internal/kit/seal"
	"entrechat/internal/room/custody/ask"
	"entrechat/internal/room/custody/migrations"
	"entrechat/internal/room/custody/share"
)

func unseal(with age.Identity, deal string, sealed []byte) ([]byte, error) {
	r, err := age.Decrypt(bytes.NewReader(sealed), with)
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	first, content, _ := bytes.Cut(text, []byte("\n"))
	if string(first) != deal {
		return nil, errors.New("another deal's")
	}
	return content, nil
}

// got is a deliver that keeps what it is given.
type got struct{ text string }

func (g *got) deliver(content []byte) error { g.text = string(content); return nil }

// TestOpening: A asks, everybody who has to know is told, 14 days pass, three of five let their
// shares go, and the box opens once.
func TestOpening(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		s := w.opens()
		b := w.node("b")
		if len(b.mails) != 2 || b.mails[0] != "ana@chaton-a.test" {
			t.Errorf("mails %v", b.mails)
		}
		if got := w.state("b", s.ID); got != ask.Waiting {
			t.Fatalf("%s", got)
		}
		if found, err := b.checkAsks(ctx); err != nil || found.Key != "custody.breakglass.waits" || found.Unknown {
			t.Errorf("doctor of a holder while the time runs: %+v, %v", found, err)
		}
		if err := b.Release(ctx, s.ID, false); code(err) != "custody.breakglass.not_ready_waiting" {
			t.Errorf("released at once: %v", err)
		}
		w.passes(14*day - time.Hour)
		if got := w.state("c", s.ID); got != ask.Waiting {
			t.Errorf("%s an hour before", got)
		}
		w.passes(time.Hour)
		if _, err := b.checkAsks(ctx); code(err) != "custody.breakglass.to_decide" {
			t.Errorf("doctor of a holder who has to decide: %v", err)
		}
		var out got
		for i, letter := range []string{"b", "c", "d"} {
			c, err := w.node("a").Collect(ctx, s.ID, nil, out.deliver)
			if err != nil || c.Have != i || c.Opened {
				t.Fatalf("%d: %+v, %v", i, c, err)
			}
			w.must(w.node(letter).Release(ctx, s.ID, false))
			w.must(w.node(letter).Release(ctx, s.ID, false)) // again changes nothing
		}
		c, err := w.node("a").Collect(ctx, s.ID, nil, out.deliver)
		if err != nil || !c.Opened || out.text != w.content {
			t.Fatalf("%+v, %v", c, err)
		}
		if _, err := w.node("a").Collect(ctx, s.ID, nil, out.deliver); code(err) != "custody.breakglass.opened" {
			t.Errorf("opened twice: %v", err)
		}
		w.work()
		if r, o := w.entries(TypeRelease), w.entries(TypeOpened); r != 3 || o != 1 {
			t.Errorf("%d releases, %d openings in logbooks", r, o)
		}
		for _, n := range w.nodes {
			if n.burnt == 0 {
				t.Errorf("%s: the deal is not burnt", n.id)
			}
		}
		if got := w.state("e", s.ID); got != ask.Refused {
			t.Errorf("the fourth holder: %s", got)
		}
		w.rotates()
	})
}

// rotates: what the box held has to be changed within 14 days.
func (w *world) rotates() {
	w.t.Helper()
	ctx, a := w.t.Context(), w.node("a")
	all, err := a.Rotations(ctx)
	if err != nil || len(all) != 2 || all[0].Says != "the words" {
		w.t.Fatalf("%+v, %v", all, err)
	}
	w.must(a.Rotated(ctx, w.deal.ID, 1))
	if due, late, err := a.Due(ctx); err != nil || due != 1 || late != 0 {
		w.t.Errorf("%d due, %d late, %v", due, late, err)
	}
	w.really = w.really.Add(15 * day)
	if due, late, err := a.Due(ctx); err != nil || due != 1 || late != 1 {
		w.t.Errorf("%d due, %d late, %v", due, late, err)
	}
	if err := a.Rotated(ctx, w.deal.ID, 9); core.CodeOf(err) != core.CodeNotFound {
		w.t.Errorf("a line that is not there: %v", err)
	}
}

// TestFalseShare: a holder hands out a share that is none; it is named, and another one's opens.
func TestFalseShare(t *testing.T) {
	w := newWorld(t, nil)
	ctx, s := t.Context(), w.opens()
	w.passes(14 * day)
	other, err := share.New()
	w.must(err)
	forged, _, err := other.Split(w.deal.ID, 3, 5)
	w.must(err)
	w.node("d").share = forged[2]
	for _, letter := range []string{"b", "c", "d"} {
		w.must(w.node(letter).Release(ctx, s.ID, false))
	}
	var out got
	c, err := w.node("a").Collect(ctx, s.ID, nil, out.deliver)
	if err != nil || c.Have != 2 || c.Opened || c.From[2].Member != "chaton-d.test" || c.From[2].Bad != "custody.collect.share_false" {
		t.Fatalf("%+v, %v", c, err)
	}
	w.must(w.node("e").Release(ctx, s.ID, false))
	if c, err = w.node("a").Collect(ctx, s.ID, nil, out.deliver); err != nil || !c.Opened || out.text != w.content {
		t.Fatalf("%+v, %v", c, err)
	}
}

// TestPaperCounts: a share typed from paper is one of k.
func TestPaperCounts(t *testing.T) {
	w := newWorld(t, nil)
	ctx, s := t.Context(), w.opens()
	w.passes(14 * day)
	w.must(w.node("b").Release(ctx, s.ID, false))
	w.must(w.node("c").Release(ctx, s.ID, false))
	var out got
	paper := []share.Share{w.node("f").share, w.node("b").share}
	if c, err := w.node("a").Collect(ctx, s.ID, paper, out.deliver); err != nil || !c.Opened || out.text != w.content {
		t.Fatalf("%+v, %v", c, err)
	}
}

// TestVetoesTravel: vetoes reach every holder, and are as strong as their keys.
func TestVetoesTravel(t *testing.T) {
	w := newWorld(t, nil)
	ctx, s := t.Context(), w.opens()
	w.passes(10 * day)
	w.must(w.node("a").Object(ctx, s.ID, nil))
	w.work()
	w.passes(4 * day)
	if got := w.state("d", s.ID); got != ask.Waiting {
		t.Errorf("after a veto by the online key: %s", got)
	}
	w.must(w.node("a").Object(ctx, s.ID, nil)) // the second one changes nothing
	w.passes(10 * day)
	if got := w.state("d", s.ID); got != ask.Ready {
		t.Errorf("after the second wait: %s", got)
	}
	w.must(w.node("c").ObjectByCard(ctx, s.ID, "ana", "key of ana"+string(ask.CardText(s.ID))))
	w.work()
	if got := w.state("f", s.ID); got != ask.Vetoed {
		t.Errorf("after a person's veto: %s", got)
	}
	if err := w.node("c").ObjectByCard(ctx, s.ID, "ana", "forged"); core.CodeOf(err) != core.CodeDenied {
		t.Errorf("a forged veto: %v", err)
	}
	for _, letter := range []string{"b", "c", "d", "e"} {
		w.must(w.node(letter).Agree(ctx, s.ID, ask.Overrule))
	}
	w.passes(14 * day)
	if got := w.state("f", s.ID); got != ask.Ready {
		t.Errorf("overruled by four: %s", got)
	}
	w.must(w.node("a").Object(ctx, s.ID, seal.NewSigner(hosterA, w.seed.RootKey())))
	w.work()
	for _, letter := range []string{"b", "c", "d", "e", "f"} {
		if got := w.state(letter, s.ID); got != ask.Vetoed {
			t.Errorf("%s after the words' veto: %s", letter, got)
		}
	}
	if err := w.node("b").Release(ctx, s.ID, true); code(err) != "custody.breakglass.not_ready_vetoed" {
		t.Errorf("released all the same: %v", err)
	}
}

// TestWordsOfOthers: who may not say something says it in vain.
func TestWordsOfOthers(t *testing.T) {
	w := newWorld(t, nil)
	ctx, s := t.Context(), w.opens()
	b := w.node("b")
	for name, by := range map[string]seal.Signer{"a holder vetoes": w.node("c").signer, "a stranger": newSigner(t, "x.test"), "a forged owner": newSigner(t, hosterA)} {
		env, err := ask.SignWord(ask.Word{Ask: s.ID, Kind: ask.Stop, At: made}, by)
		w.must(err)
		if err := b.Hear(ctx, wordMessage{Word: &env}); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	for _, kind := range []ask.Kind{ask.Sooner, ask.Overrule} {
		env, err := ask.SignWord(ask.Word{Ask: s.ID, Kind: kind, At: made}, w.node("a").signer)
		w.must(err)
		if err := b.Hear(ctx, wordMessage{Word: &env}); code(err) != "custody.breakglass.no_holder" {
			t.Errorf("the owner as a holder: %v", err)
		}
	}
	if got := w.state("b", s.ID); got != ask.Waiting {
		t.Errorf("%s", got)
	}
}

// TestSooner: four of five agree, but never under a day for the words.
func TestSooner(t *testing.T) {
	w := newWorld(t, nil)
	ctx, s := t.Context(), w.opens()
	for _, letter := range []string{"b", "c", "d", "e"} {
		w.must(w.node(letter).Agree(ctx, s.ID, ask.Sooner))
	}
	w.passes(23 * time.Hour)
	if got := w.state("f", s.ID); got != ask.Waiting {
		t.Errorf("%s after 23 h", got)
	}
	w.passes(time.Hour)
	if got := w.state("f", s.ID); got != ask.Ready {
		t.Errorf("%s after a day", got)
	}
}

// TestBaitAndSwitch: after two releases the asker changes the recipient. For the third holder it
// is another ask, and the same nonce is refused.
func TestBaitAndSwitch(t *testing.T) {
	w := newWorld(t, nil)
	ctx, s := t.Context(), w.opens()
	w.passes(14 * day)
	w.must(w.node("b").Release(ctx, s.ID, false))
	w.must(w.node("c").Release(ctx, s.ID, false))
	thief, err := age.GenerateX25519Identity()
	w.must(err)
	changed := s.Ask
	changed.Recipient = thief.Recipient().String()
	second, err := ask.Sign(changed, w.node("a").signer) // with a nonce of its own
	w.must(err)
	if _, err := w.node("d").Take(ctx, second.Document); err != nil {
		t.Fatal(err)
	}
	w.work()
	if err := w.node("d").Release(ctx, second.ID, true); code(err) != "custody.breakglass.not_ready_waiting" {
		t.Errorf("the changed ask: %v", err)
	}
	payload := bytes.Replace(must(s.Document.Unverified()), []byte(s.Recipient), []byte(changed.Recipient), 1)
	third, err := seal.SignDoc(ask.Type, payload, w.node("a").signer)
	w.must(err)
	if _, err := w.node("d").Take(ctx, third); code(err) != "custody.breakglass.switched" {
		t.Errorf("the same nonce: %v", err)
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// TestWhoMayNotAsk: strangers, suspended ones, and for a silent owner that is not silent.
func TestWhoMayNotAsk(t *testing.T) {
	w := newWorld(t, nil)
	ctx := t.Context()
	asks := func(change func(*ask.Ask), by seal.Signer) error {
		a := anAsk(t, w.deal.ID)
		change(&a)
		s, err := ask.Sign(a, by)
		w.must(err)
		_, err = w.node("c").Take(ctx, s.Document)
		return err
	}
	if err := asks(func(*ask.Ask) {}, w.node("b").signer); err != nil {
		t.Errorf("a holder: %v", err)
	}
	for want, err := range map[string]error{
		"custody.breakglass.alive":    asks(func(a *ask.Ask) { a.Reason = ask.SilentOwner }, w.node("b").signer),
		"test":                        asks(func(a *ask.Ask) { a.Asker = "x.test" }, newSigner(t, "x.test")),
		"custody.breakglass.not_held": asks(func(a *ask.Ask) { a.Deal = aDeal(t) }, w.node("b").signer),
		"custody.ask.bad":             asks(func(a *ask.Ask) { a.Scope = "serve" }, w.node("b").signer),
		"custody.ask.expired":         asks(func(a *ask.Ask) { a.Made, a.Expires = made.Add(-9*day), made.Add(-day) }, w.node("b").signer),
	} {
		if code(err) != want {
			t.Errorf("%s: %v", want, err)
		}
	}
	w.node("a").unheard = true
	if err := asks(func(a *ask.Ask) { a.Reason = ask.SilentOwner }, w.node("b").signer); err != nil {
		t.Errorf("a silent owner: %v", err)
	}
}

// TestKilledAtRelease: the logbook was written, and the node died before it knew: nothing stands
// there twice, and the share is handed out only then.
func TestKilledAtRelease(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t, "custody", migrations.Files))
	ctx, s := t.Context(), w.opens()
	w.passes(14 * day)
	b := w.node("b")
	b.dies = true
	if err := b.Release(ctx, s.ID, false); err == nil {
		t.Fatal("it did not die")
	}
	if h, err := b.Hand(ctx, s.ID); err != nil || h.Share != "" {
		t.Errorf("handed out before it is known to be in the logbook: %v", err)
	}
	b.start()
	w.work()
	if n := w.entries(TypeRelease); n != 1 {
		t.Errorf("%d entries", n)
	}
	if h, err := b.Hand(ctx, s.ID); err != nil || h.Share == "" {
		t.Errorf("not handed out: %v", err)
	}
	// The same for the asker, when the box was opened.
	w.must(w.node("c").Release(ctx, s.ID, false))
	w.must(w.node("d").Release(ctx, s.ID, false))
	a := w.node("a")
	a.dies = true
	var out got
	if _, err := a.Collect(ctx, s.ID, nil, out.deliver); err == nil || out.text != w.content {
		t.Fatalf("%v", err)
	}
	a.start()
	w.work()
	if n := w.entries(TypeOpened); n != 1 {
		t.Errorf("%d entries of an opening", n)
	}
}

// TestNewsTravelAtOnce: whoever has to know of an ask, or of a veto, hears of it when it comes, not
// at the next round.
func TestNewsTravelAtOnce(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t, "custody", migrations.Files))
	b := w.node("b")
	runs := func() {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), tryEvery/3)
		defer cancel()
		for _, j := range b.Jobs() {
			if j.Name == "custody-ask" {
				w.must(j.Run(ctx))
			}
		}
	}
	runs() // as each does at its start
	s := signDomain(t, anAsk(t, w.deal.ID))
	if _, err := b.Take(t.Context(), s.Document); err != nil {
		t.Fatal(err)
	}
	runs()
	if got := w.state("c", s.ID); got != ask.Received && got != ask.Waiting {
		t.Errorf("at a fellow holder it is %q", got)
	}
	w.must(b.Hear(t.Context(), wordMessage{Ask: s.ID, Card: "ana", Signature: "key of ana" + string(ask.CardText(s.ID))}))
	runs()
	if heard, err := allSaid(t.Context(), w.node("c").db, s.ID); err != nil || len(heard) != 1 {
		t.Errorf("a fellow holder heard %d vetoes, %v", len(heard), err)
	}
}

// TestNobodyTookIt: a content that could not be written is not lost: the ask goes on.
func TestNobodyTookIt(t *testing.T) {
	w := newWorld(t, nil)
	ctx, s := t.Context(), w.opens()
	w.passes(14 * day)
	for _, letter := range []string{"b", "c", "d"} {
		w.must(w.node(letter).Release(ctx, s.ID, false))
	}
	full := errors.New("disk full")
	if _, err := w.node("a").Collect(ctx, s.ID, nil, func([]byte) error { return full }); !errors.Is(err, full) {
		t.Fatal(err)
	}
	var out got
	if c, err := w.node("a").Collect(ctx, s.ID, nil, out.deliver); err != nil || !c.Opened {
		t.Errorf("%+v, %v", c, err)
	}
}

// TestClockLeaps: a holder's clock leaps by a year: nothing is ready before 14 days really
// passed, and then a person has to look at the clock.
func TestClockLeaps(t *testing.T) {
	for _, leap := range []time.Duration{-365 * day, 30 * day, 365 * day} {
		w := newWorld(t, nil)
		ctx := t.Context()
		s := w.opens()
		b := w.node("b")
		w.passes(day)
		b.off = leap
		w.passes(12 * day)
		if leap < 90*day {
			if got := w.state("b", s.ID); got != ask.Waiting {
				t.Errorf("%v: %s after 13 days", leap, got)
			}
		}
		w.passes(day)
		err := b.Release(ctx, s.ID, false)
		switch {
		case leap > 90*day:
			if code(err) != "custody.breakglass.not_ready_expired" {
				t.Errorf("%v: %v", leap, err)
			}
		case code(err) != "custody.breakglass.clock":
			t.Errorf("%v: %v", leap, err)
		default:
			w.must(b.Release(ctx, s.ID, true))
		}
	}
}

// TestTooMany: strangers that say they are the owner do not use up what members may.
func TestTooMany(t *testing.T) {
	w := newWorld(t, nil)
	ctx, b := t.Context(), w.node("b")
	domain := func() error {
		a := anAsk(t, w.deal.ID)
		a.Made, a.Expires = core.At(w.really.Add(-time.Hour)), core.At(w.really.Add(time.Minute))
		_, err := b.Take(ctx, signDomain(t, a).Document)
		return err
	}
	for range perStranger {
		w.must(domain())
	}
	w.really = w.really.Add(time.Hour) // they are over, and count all the same
	if err := domain(); code(err) != "custody.breakglass.too_many" {
		t.Errorf("one more: %v", err)
	}
	s := w.opens()
	if got := w.state("b", s.ID); got != ask.Waiting {
		t.Errorf("the owner's own: %s", got)
	}
}

// TestTwoProcesses: the command line and the running node write what was released at once, and
// it stands in the logbook once.
func TestTwoProcesses(t *testing.T) {
	w := newWorld(t, nil)
	ctx, s := t.Context(), w.opens()
	w.passes(14 * day)
	b := w.node("b")
	b.dies = true
	if err := b.Release(ctx, s.ID, false); err == nil {
		t.Fatal("it did not die")
	}
	b.log = b.log[:len(b.log)-1] // it died just before
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			if err := b.finish(ctx); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if n := w.entries(TypeRelease); n != 1 {
		t.Errorf("%d entries", n)
	}
}
