package closing

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/dbtest"
	"entrechat/internal/kit/wire"
	"entrechat/internal/room/succession/closing/choice"
	"entrechat/internal/room/succession/closing/paper"
	"entrechat/internal/room/succession/closing/stage"
	"entrechat/internal/room/succession/migrations"
	"entrechat/internal/room/succession/promise"
	"entrechat/internal/room/succession/recipe"
)

func each(t *testing.T, fn func(t *testing.T, w *world)) {
	t.Helper()
	dbtest.Each(t, "succession", migrations.Files, func(t *testing.T, d *db.DB) { fn(t, newWorld(t, d)) })
}

// code fails the test unless err has a key.
func (w *world) refused(err error, key string) {
	w.t.Helper()
	var e *core.Error
	if !errors.As(err, &e) || e.Key != key {
		w.t.Fatalf("%v, want %s", err, key)
	}
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) close(days int64) {
	w.t.Helper()
	_, err := w.nodes[a].Close(w.t.Context(), "mail", stage.DayOf(core.At(w.now)).Add(days))
	w.must(err)
}

// offer has a member offer to take a's mail.
func (w *world) offer(by core.MemberID) error {
	ctx := w.t.Context()
	o, err := w.nodes[by].Draft(ctx, a, "mail", Terms{Programs: []string{"dovecot"}, Costs: paper.Costs{Month: 1200, Currency: "EUR", Aside: 3}})
	if err != nil {
		return err
	}
	return w.nodes[by].Offer(ctx, o)
}

func deal(to core.MemberID) Deal {
	return Deal{To: to, KeepsDomain: true, Table: []recipe.Row{{What: "messages", Fate: recipe.Kept}, {What: "filters", Fate: recipe.Lost}}}
}

// accept has a sign the contract with a member.
func (w *world) accept(to core.MemberID) error {
	h, err := w.nodes[a].Contract(w.t.Context(), "mail", deal(to))
	if err != nil {
		return err
	}
	_, err = w.nodes[a].Accept(w.t.Context(), h)
	return err
}

// sign has b sign what it is shown.
func (w *world) sign() (paper.Handover, error) {
	_, waiting, err := w.nodes[b].Unsigned(w.t.Context(), a, "mail")
	if err != nil && core.CodeOf(err) != core.CodeNotFound {
		return waiting, err
	}
	return w.nodes[b].Sign(w.t.Context(), a, "mail", waiting.ID)
}

func TestWholeWay(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx, owner, adopter := t.Context(), w.nodes[a], w.nodes[b]
		_, err := owner.Close(ctx, "mail", stage.DayOf(core.At(w.now)).Add(89))
		w.refused(err, "succession.closing.too_early")
		_, err = owner.Close(ctx, "chess", "2027-12-24")
		w.refused(err, "succession.closing.no_service")
		w.close(90)
		w.is(stage.Closing)
		_, err = owner.Close(ctx, "mail", w.stands(a).LastDay.Add(-1))
		w.refused(err, "succession.closing.earlier")
		_, err = owner.Freeze(ctx, "mail")
		w.refused(err, "succession.closing.not_yet")
		w.must(w.offer(b))
		w.is(stage.Offered)
		w.must(w.accept(b))
		w.is(stage.Offered) // nothing is adopted before both signed
		_, err = w.sign()
		w.refused(err, "succession.closing.no_restore")
		adopter.restored = core.At(w.now.Add(-31 * 24 * 3600e9))
		_, err = w.sign()
		w.refused(err, "succession.closing.old_restore")
		adopter.restored = core.At(w.now)
		_, shown, err := adopter.Unsigned(ctx, a, "mail")
		w.must(err)
		w.now = w.now.Add(1e9)
		w.must(w.accept(b)) // another contract, after the first was shown
		_, err = adopter.Sign(ctx, a, "mail", shown.ID)
		w.refused(err, "succession.closing.other_contract")
		w.is(stage.Offered)
		_, err = w.sign()
		w.must(err)
		w.is(stage.Adopted)
		w.must(w.nodes[c].Fetch(ctx))
		for id, n := range w.nodes {
			h, ok, err := n.Adopter(ctx, w.stands(id))
			if err != nil || !ok || h.To != b {
				t.Errorf("%s: the adopter is %q %v %v", id, h.To, ok, err)
			}
		}
		w.later(90)
		_, err = owner.Freeze(ctx, "mail")
		w.must(err)
		_, err = owner.Withdraw(ctx, "mail")
		w.refused(err, "succession.closing.order")
		w.refused(adopter.Moved(ctx, a, "mail", paper.Moved{Kept: 2, Archived: 1, Lost: 1}), "succession.closing.counts")
		w.refused(w.nodes[c].Moved(ctx, a, "mail", paper.Moved{Kept: 1, Lost: 1}), "succession.closing.not_adopter")
		w.must(adopter.Moved(ctx, a, "mail", paper.Moved{Kept: 1, Lost: 1}))
		_, err = owner.Cut(ctx, "mail")
		w.must(err)
		w.is(stage.Kept)
		_, err = owner.Erase(ctx, "mail", []string{"files"})
		w.refused(err, "succession.closing.kept_until")
		w.later(30)
		_, err = owner.Erase(ctx, "mail", []string{"files", "database"})
		w.must(err)
		w.is(stage.Erased)
	})
}

func TestSignUpsEnd(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx, n := t.Context(), w.nodes[a]
		closing := func(service string) bool {
			t.Helper()
			_, ok, err := n.Closing(ctx, service)
			w.must(err)
			return ok
		}
		if closing("mail") || closing("accounts") {
			t.Fatal("nothing closes yet")
		}
		w.close(90)
		if !closing("mail") || closing("accounts") || closing("wiki") {
			t.Fatal("mail alone closes")
		}
		_, err := n.Close(ctx, "wiki", "2027-06-01")
		w.must(err)
		if day, ok, err := n.Closing(ctx, "accounts"); err != nil || !ok || day != "2027-06-01" {
			t.Fatalf("all services close: so do the accounts: %q %v %v", day, ok, err)
		}
		_, err = n.Withdraw(ctx, "wiki")
		w.must(err)
		if closing("accounts") {
			t.Fatal("one goes on")
		}
		_, err = n.Close(ctx, promise.Accounts, "2027-06-01")
		w.must(err)
		if !closing("accounts") {
			t.Fatal("the accounts close")
		}
	})
}

func TestOffersThatAreNone(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		w.refused(w.offer(b), "succession.closing.not_closing")
		w.close(90)
		w.must(w.nodes[a].promises.Name(ctx, promise.Naming{Service: "mail", Backups: []string{"mail"}, Successors: []core.MemberID{b}}))
		w.refused(w.offer(c), "succession.closing.not_successor")
		w.nodes[b].free = 1<<30 + 1<<28 // 1.25 times
		w.refused(w.offer(b), "succession.closing.no_room")
		w.nodes[b].free = 1 << 31
		w.must(w.offer(b))
		// Ten others name b: the disk has promised enough.
		for i := range mostPromised {
			text, err := wire.Encode(promise.Naming{Service: fmt.Sprint("s", i), Backups: []string{}, Successors: []core.MemberID{b}})
			w.must(err)
			w.log(ctx, c, promise.TypeNaming, text, core.At(w.now))
		}
		w.refused(w.offer(b), "succession.closing.eleventh")
		// The owner asks again: a member that lies to itself is refused there.
		o := paper.Offer{Document: paper.Document{V: 1, Owner: a, Service: "mail"}, By: b, Salt: paper.NewSalt(), Programs: []string{}, Free: 1, Costs: paper.Costs{Due: []paper.Due{}}, Said: 1}
		w.refused(w.nodes[b].Offer(ctx, o), "succession.closing.no_room")
		o.Free, o.Already = 1<<40, 10
		w.refused(w.nodes[b].Offer(ctx, o), "succession.closing.eleventh")
	})
}

// TestForgedHandover: a contract that one side never signed, or that another member claims.
func TestForgedHandover(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		w.close(90)
		w.must(w.offer(b))
		w.must(w.offer(c))
		h := paper.Handover{
			Document: paper.Document{V: 1, Owner: a, Service: "mail"}, To: c, Salt: paper.NewSalt(), Pack: packID, Day: "2027-03-01", Table: deal(c).Table,
			ControllerFrom: "2027-03-01", EraseBy: "2027-04-01", TextFR: "x", TextEN: "x",
		}
		env, _, err := paper.Sign(paper.TypeHandover, h, w.nodes[c].signer)
		w.must(err)
		if err := w.post(c, a, pathHandover, handoverIn{env}); core.CodeOf(err) != core.CodeDenied {
			t.Fatalf("the owner never signed: %v", err)
		}
		if err := w.post(c, b, pathHandover, handoverIn{env}); core.CodeOf(err) != core.CodeDenied {
			t.Fatalf("between others: %v", err)
		}
		// Signed with b; c logs the same id, and says so first.
		w.must(w.accept(b))
		_, waiting, err := w.nodes[b].Unsigned(ctx, a, "mail")
		w.must(err)
		_, err = w.nodes[c].Append(ctx, paper.TypeHandoverSaid, nil, 0, paper.HandoverSaid{Handover: waiting.ID})
		w.must(err)
		w.nodes[b].restored = core.At(w.now)
		_, err = w.sign()
		w.must(err)
		w.must(w.nodes[c].Fetch(ctx))
		for id, n := range w.nodes {
			if h, ok, err := n.Adopter(ctx, w.stands(id)); err != nil || !ok || h.To != b {
				t.Errorf("%s takes %q for the adopter (%v, %v)", id, h.To, ok, err)
			}
		}
		// Another document under the same id is refused by whoever fetches it.
		other := newWorld(t, dbtest.SQLite(t, "succession", migrations.Files))
		if err := other.nodes[c].keepHandover(ctx, strings.Repeat("0", 64), env); err == nil {
			t.Error("a document of another id was kept")
		}
	})
}

// TestTwoLiars: an owner that moves the day earlier, goes back and skips, and one that has the
// owner's key for a while.
func TestTwoLiars(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		w.close(90)
		day := w.stands(a).LastDay
		for _, lie := range []stage.Say{
			{Service: "mail", LastDay: day.Add(-30), Stage: stage.Closing},
			{Service: "mail", LastDay: day, Stage: stage.Frozen},
			{Service: "mail", LastDay: day, Stage: stage.Adopted, Handover: packID},
			{Service: "mail", LastDay: day, Stage: stage.Erased},
			{Service: "mail", LastDay: "2026-11-31", Stage: stage.Closing},
		} {
			text, err := wire.Encode(lie)
			w.must(err)
			w.log(ctx, a, stage.Type, text, core.At(w.now))
			w.log(ctx, a, stage.Type, text, 1)
		}
		w.is(stage.Closing)
		if got := w.stands(c); got.LastDay != day || len(got.Steps) != 1 {
			t.Fatalf("lies counted: %+v", got)
		}
		// The thief of a's online key announces the end of the wiki and withdraws that of the mail;
		// the root key gives the online key up from there on.
		from := w.next[a]
		for _, lie := range []stage.Say{{Service: "wiki", LastDay: "2027-06-01", Stage: stage.Closing}, {Service: "mail", LastDay: day, Stage: stage.Withdrawn}} {
			text, err := wire.Encode(lie)
			w.must(err)
			w.log(ctx, a, stage.Type, text, core.At(w.now))
		}
		w.is(stage.Withdrawn)
		w.revoke(from)
		w.is(stage.Closing)
		for id, n := range w.nodes {
			if st, err := n.One(ctx, a, "wiki"); err != nil || st.Open() {
				t.Errorf("%s: the false closing stands: %+v %v", id, st, err)
			}
		}
	})
}

// TestKilledWhileSigning: at every entry that the two write, and at every message between them.
func TestKilledWhileSigning(t *testing.T) {
	for _, at := range []struct {
		who core.MemberID
		typ string
	}{{b, paper.TypeHandoverSaid}, {a, paper.TypeHandoverSaid}, {a, stage.Type}, {a, "line"}} {
		t.Run(string(at.who)+" "+at.typ, func(t *testing.T) {
			w := newWorld(t, dbtest.SQLite(t, "succession", migrations.Files))
			ctx := t.Context()
			w.close(90)
			w.must(w.offer(b))
			w.must(w.accept(b))
			w.nodes[b].restored = core.At(w.now)
			w.nodes[at.who].killed = func(typ string) error {
				if typ == at.typ {
					return errors.New("killed")
				}
				return nil
			}
			w.deaf[a] = at.typ == "line"
			if _, err := w.sign(); err == nil {
				t.Fatal("was not killed")
			}
			w.nodes[at.who].killed, w.deaf[a] = nil, false
			_, err := w.sign()
			w.must(err)
			w.is(stage.Adopted)
			said := 0
			for _, m := range []core.MemberID{a, b} {
				namers, err := w.nodes[c].papers.Namers(ctx, w.stands(c).Handover)
				w.must(err)
				if slices.Contains(namers, m) {
					said++
				}
			}
			if w.must(w.nodes[c].Fetch(ctx)); said != 2 {
				t.Errorf("%d sides logged it", said)
			}
		})
	}
}

func TestLongestPactIsTheNotice(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		pact := func(id string, days int) {
			w.log(ctx, a, typePact, fmt.Appendf(nil, `{"pact":%q,"between":[],"notice_days":%d}`, id, days), core.At(w.now))
		}
		pact(packID, 200)
		_, err := w.nodes[a].Close(ctx, "mail", stage.DayOf(core.At(w.now)).Add(199))
		w.refused(err, "succession.closing.too_early")
		w.log(ctx, a, typePactEnd, fmt.Appendf(nil, `{"pact":%q}`, packID), core.At(w.now))
		w.close(90)
		pact(strings.Repeat("1", 64), 300) // later: it does not reach back
		w.is(stage.Closing)
	})
}

func TestNoticeForUsers(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx, owner := t.Context(), w.nodes[a]
		w.close(90)
		_, err := owner.Tell(ctx, "mail", "Écrivez à ana@chaton-a.test", "Write to us")
		w.refused(err, "wording.mail")
		_, err = owner.Tell(ctx, "mail", "Nous arrêtons.", "")
		w.refused(err, "succession.paper.bad")
		_, err = owner.Tell(ctx, "mail", "Nous arrêtons, faute de bras.", "We stop, for want of hands.")
		w.must(err)
		w.must(w.nodes[b].Fetch(ctx))
		w.deaf[a] = true
		w.must(w.nodes[c].Fetch(ctx)) // of b, which kept it
		for _, id := range []core.MemberID{b, c} {
			n, ok, err := w.nodes[id].Notice(ctx, a, "mail")
			if err != nil || !ok || n.Text("fr") != "Nous arrêtons, faute de bras." || n.Text("en") != "We stop, for want of hands." {
				t.Errorf("%s: %+v %v %v", id, n, ok, err)
			}
		}
		w.deaf[a] = false
		w.must(owner.Untell(ctx, "mail"))
		if _, ok, err := w.nodes[c].Notice(ctx, a, "mail"); err != nil || ok {
			t.Errorf("taken back, and shown: %v %v", ok, err)
		}
		// What an owner signs past its own check is kept here, and shown to nobody.
		bad := paper.Notice{Document: paper.Document{V: 1, Owner: a, Service: "mail"}, Made: 1, TextFR: "C'est une erreur humaine.", TextEN: "Fine."}
		env, id, err := paper.Sign(paper.TypeNotice, bad, owner.signer)
		w.must(err)
		w.must(w.nodes[b].keepNotice(ctx, id, env))
		if _, err := w.nodes[b].papers.Notice(ctx, id); core.CodeOf(err) != core.CodeNotFound {
			t.Errorf("refused wording is shown: %v", err)
		}
	})
}

// TestChoiceOnTheLastDay: changed on the last day, the root proves it, and a forged count is noticed.
func TestChoiceOnTheLastDay(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx, owner := t.Context(), w.nodes[a]
		for i := range 7 {
			owner.people = append(owner.people, [5]string{fmt.Sprint("p", i), "h", "", "fr", "archive"})
		}
		w.close(90)
		w.must(owner.Choices.Set(ctx, "mail", "p3", choice.Handover))
		w.must(owner.CountChoices(ctx))
		before := w.next[a]
		w.must(owner.CountChoices(ctx))
		if w.next[a] != before {
			t.Error("the same count was said again")
		}
		slip, err := owner.Choices.SlipOf(ctx, a, "mail", "p3")
		w.must(err)
		said, err := w.nodes[c].CheckSlip(ctx, slip)
		w.must(err)
		if said.Handover != 1 || said.Archive != 6 || slip.Leaf.Choice != choice.Handover {
			t.Fatalf("counted %+v, slip %+v", said, slip)
		}
		w.later(90)
		w.must(owner.Choices.Set(ctx, "mail", "p3", choice.Erase))
		_, err = owner.Freeze(ctx, "mail")
		w.must(err)
		last, err := owner.Choices.SlipOf(ctx, a, "mail", "p3")
		w.must(err)
		if said, err = w.nodes[c].CheckSlip(ctx, last); err != nil || said.Erase != 1 || last.Leaf.Choice != choice.Erase {
			t.Fatalf("the last choice: %+v %v", said, err)
		}
		if _, err := w.nodes[c].CheckSlip(ctx, slip); core.CodeOf(err) != core.CodeDenied {
			t.Errorf("the choice of before is still in: %v", err)
		}
		// Somebody is added to the count, with the root as it was.
		_, err = owner.Append(ctx, paper.TypeChoices, nil, 0, paper.Choices{Service: "mail", Handover: 1, Archive: said.Archive, Erase: 1, Root: said.Root})
		w.must(err)
		if _, err := w.nodes[c].CheckSlip(ctx, last); core.CodeOf(err) != core.CodeDenied {
			t.Errorf("a forged count was not noticed: %v", err)
		}
	})
}

func TestWaves(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx, owner := t.Context(), w.nodes[a]
		owner.people = [][5]string{{"p1", "ana", "ana@x.test", "fr", ""}, {"p2", "bo", "bo@x.test", "en", ""}, {"p3", "no mail", "", "fr", ""}}
		got := func(want ...string) {
			t.Helper()
			w.must(owner.SendWaves(ctx))
			w.must(owner.SendWaves(ctx))
			for i, m := range owner.mails {
				owner.mails[i] = strings.ReplaceAll(m, "\u00a0", " ")
			}
			if !slices.Equal(owner.mails, want) {
				t.Fatalf("mails %q, want %q", owner.mails, want)
			}
			owner.mails = nil
		}
		got()
		w.close(90)
		owner.broken = core.Unsure("x.y", errors.New("down"))
		got()
		owner.broken = nil
		w.now = w.now.Add(3 * 60e9)
		got("ana@x.test: chaton-a.test : le service mail s'arrête le 30/01/2027", "bo@x.test: chaton-a.test: the service mail ends on 2027-01-30")
		w.later(31) // 59 days are left
		got("ana@x.test: chaton-a.test : plus que 60 jours pour mail", "bo@x.test: chaton-a.test: 60 days left for mail")
		w.later(58) // the node was away: one mail, not two
		got("ana@x.test: chaton-a.test : plus que 1 jour pour mail", "bo@x.test: chaton-a.test: 1 day left for mail")
		owner.people = owner.people[:1]
		_, err := owner.Withdraw(ctx, "mail")
		w.must(err)
		got("ana@x.test: chaton-a.test : mail continue")
	})
}

// TestKilledInTheMiddleOfAWave: nobody is written to twice, wherever the node dies.
func TestKilledInTheMiddleOfAWave(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		owner := w.nodes[a]
		for i := range 30 {
			owner.people = append(owner.people, [5]string{fmt.Sprint("p", i), "h", fmt.Sprintf("p%d@x.test", i), "fr", ""})
		}
		w.close(90)
		for i := range 40 {
			ctx, end := context.WithCancel(t.Context())
			n := 0
			owner.onMail = func() {
				if n++; n < 2 {
					return
				}
				if end(); i%2 == 0 {
					panic("killed, with the mail gone out and nothing noted of it")
				}
			}
			func() {
				defer func() { _ = recover() }()
				_ = owner.SendWaves(ctx)
			}()
			end()
		}
		seen := map[string]int{}
		for _, m := range owner.mails {
			seen[m]++
		}
		if len(seen) != 30 {
			t.Errorf("%d of 30 were written to", len(seen))
		}
		for m, n := range seen {
			if n > 1 {
				t.Errorf("%s: %d times", m, n)
			}
		}
		counts, err := owner.Waves.Of(t.Context(), "mail")
		w.must(err)
		if len(counts) != 1 || counts[0].Sent+counts[0].Unsure != 30 || counts[0].Unsure == 0 || !counts[0].Done {
			t.Errorf("counts %+v", counts)
		}
	})
}
