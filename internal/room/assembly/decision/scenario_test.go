package decision

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"testing"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/logbook"
	"entrechat/internal/kit/wire"
	"entrechat/internal/room/assembly/archive"
	"entrechat/internal/room/assembly/motion"
	"entrechat/internal/room/assembly/tally"
)

var (
	concern = tally.Choice{Stance: tally.Concern}
	harm    = Harm{Harm: "The disks are full", Whom: "hosters with one disk", Lift: "Only where there is room"}
)

// toBallots lets a proposal come to its ballots.
func (w *world) toBallots() { w.pass(7*day+time.Hour, 12*time.Hour) }

// toCount lets it be counted, from the first hour of the ballots on.
func (w *world) toCount() { w.pass(11*day, time.Hour) }

// Consent with an objection: a new version lifts it, and passes.
func TestANewVersionLiftsAnObjection(t *testing.T) {
	w := newWorld(t, 3, nil)
	a, b, c := w.nodes[0], w.nodes[1], w.nodes[2]
	first := w.propose(a, w.draft("One backup more"))
	_, err := b.Object(t.Context(), first, harm)
	w.must(err)
	w.run()
	if v := w.view(c, first); len(v.Objections) != 1 || v.Objections[0].Lift != harm.Lift || v.Objections[0].Lifted != 0 {
		t.Fatalf("%+v", v.Objections)
	}
	_, err = b.Object(t.Context(), first, harm)
	code(t, err, "decision.one_objection")
	w.pass(8*day, 12*time.Hour) // ballots have begun
	w.vote(c, first, agree)
	d := w.draft("")
	d.Replaces, d.Text = first[:12], "Only where there is room."
	second := w.propose(a, d)
	v := w.view(b, second)
	if v.Version != 2 || v.Title != "One backup more" || v.Phase != tally.PhaseTalk || v.Own.Objection == "" || len(v.Versions) != 2 || len(v.Objections) != 1 {
		t.Fatalf("%+v", v)
	}
	w.must(b.Lift(t.Context(), second))
	w.pass(time.Hour, time.Hour)
	for _, n := range w.nodes {
		_, err = n.Vote(t.Context(), first, agree, "")
		code(t, err, "decision.was_replaced")
		w.vote(n, second, agree)
	}
	w.pass(11*day, time.Hour)
	w.alike(second, tally.Passed)
	old := w.view(b, first)
	if old.Result != tally.Replaced || old.Electorate[2].Opened {
		t.Fatalf("the first is %s, opened %v", old.Result, old.Electorate[2].Opened)
	}
	all, err := c.List(t.Context(), 10)
	if err != nil || len(all) != 1 || all[0].ID != second {
		t.Fatalf("%+v, %v", all, err)
	}
	d = w.draft("")
	d.Replaces = second
	_, err = a.Propose(t.Context(), d)
	code(t, err, "decision.decided")
}

// Three versions are blocked, a facilitator is drawn, and three quarters decide the last round.
func TestTheWayOut(t *testing.T) {
	w := newWorld(t, 4, nil)
	a, b := w.nodes[0], w.nodes[1]
	id := w.propose(a, w.draft("One backup more"))
	_, err := b.Object(t.Context(), id, harm)
	w.must(err)
	for version := range 3 {
		w.pass(7*day+time.Hour, 12*time.Hour)
		for _, n := range w.nodes {
			c := agree
			if n == b {
				c = tally.Choice{Stance: tally.Object}
			}
			w.vote(n, id, c)
		}
		w.pass(11*day, time.Hour)
		v := w.alike(id, tally.Blocked)
		if !slices.Equal(v.Count.Standing, []core.MemberID{b.id}) || (v.Count.Facilitator != "") != (version == 2) || v.Count.Facilitator == a.id || v.Count.Facilitator == b.id {
			t.Fatalf("version %d: %+v", version+1, v.Count)
		}
		d := w.draft("")
		d.Replaces, d.Fallback, d.Talk = id, version == 2, 7*day
		if version == 2 {
			_, err := a.Propose(t.Context(), d)
			code(t, err, "motion.fallback_early")
			w.pass(14*day, day)
			if v := w.view(a, id); !v.Can.Fallback || v.Can.Revise {
				t.Fatalf("%+v", v.Can)
			}
		}
		id = w.propose(a, d)
	}
	w.pass(7*day+time.Hour, 12*time.Hour)
	for _, n := range w.nodes {
		c := agree
		if n == b {
			c = tally.Choice{Stance: tally.Object}
		}
		w.vote(n, id, c)
	}
	w.pass(11*day, time.Hour)
	if v := w.alike(id, tally.Passed); !slices.Equal(v.Count.Free, []core.MemberID{b.id}) {
		t.Fatalf("%+v", v.Count)
	}
	for _, n := range w.nodes {
		want := "passed"
		if n == b {
			want = "unbound"
		}
		if _, standing, err := a.Mandate(t.Context(), id, n.id); standing != want || err != nil {
			t.Errorf("for %s it is %s, %v", n.id, standing, err)
		}
	}
}

// The database is lost: the words open the ballot again; without them it counts for the quorum.
func TestALostDatabase(t *testing.T) {
	w := newWorld(t, 3, nil)
	id := w.propose(w.nodes[0], w.draft("One backup more"))
	w.toBallots()
	for _, n := range w.nodes {
		w.vote(n, id, concern)
	}
	w.pass(day, 12*time.Hour)
	for _, n := range w.nodes[:2] {
		n.lose()
	}
	w.run()
	a := w.nodes[0]
	if v := w.view(a, id); v.Title != "One backup more" || v.Own.Choice.Stance != "" || v.Await {
		t.Fatalf("%+v", v)
	}
	other, err := w.nodes[1].seed.RecoveryIdentity()
	w.must(err)
	if opened, shut, err := a.Recover(t.Context(), other); opened != 0 || shut != 1 || err != nil {
		t.Fatalf("%d opened with other words, %d not, %v", opened, shut, err)
	}
	words, err := a.seed.RecoveryIdentity()
	w.must(err)
	if opened, shut, err := a.Recover(t.Context(), words); opened != 1 || shut != 0 || err != nil {
		t.Fatalf("%d opened, %d not, %v", opened, shut, err)
	}
	w.toCount()
	v := w.alike(id, tally.Passed)
	if v.Count.Turnout != 3 || v.Electorate[0].Choice.Stance != tally.Concern || v.Electorate[1].Status != tally.Unopened || v.Electorate[2].Status != tally.Open {
		t.Fatalf("%+v", v.Electorate)
	}
	if a.said(tally.TypeBallot) != 1 || a.said(tally.TypeOpening) != 1 {
		t.Errorf("%d ballots, %d openings", a.said(tally.TypeBallot), a.said(tally.TypeOpening))
	}
}

// Two of 7 are cut off while ballots are cast, and come back within the grace, or after it: all
// end with one count. With 26 nodes: long_test.go.
func TestAPartition(t *testing.T) {
	for name, c := range map[string]struct {
		back    time.Duration // after the end of the ballots
		turnout int
	}{"within the grace": {2 * time.Hour, 7}, "after the grace": {8 * time.Hour, 5}} {
		t.Run(name, func(t *testing.T) { partition(t, 7, 5, c.back, c.turnout) })
	}
}

// partition has those from the first one on cut off.
func partition(t *testing.T, count, first int, back time.Duration, turnout int) {
	w := newWorld(t, count, nil)
	id := w.propose(w.nodes[0], w.draft("One backup more"))
	w.toBallots()
	for _, n := range w.nodes[first:] {
		w.cut[n.id] = true
	}
	for i, n := range w.nodes {
		choice := agree
		if i%5 == 0 {
			choice = concern
		}
		w.vote(n, id, choice)
	}
	end := w.view(w.nodes[0], id).CommitUntil.Time()
	w.pass(end.Sub(w.at), 2*day)
	w.pass(back, 30*time.Minute)
	clear(w.cut)
	w.pass(4*day+8*time.Hour, 2*time.Hour)
	if v := w.alike(id, tally.Passed); v.Count.Turnout != turnout {
		t.Fatalf("%+v", v.Count)
	}
}

// A forked logbook with two ballots is void everywhere.
func TestAForkedLogbook(t *testing.T) {
	w := newWorld(t, 4, nil)
	id := w.propose(w.nodes[0], w.draft("One backup more"))
	w.toBallots()
	for _, n := range w.nodes {
		w.vote(n, id, agree)
	}
	for _, n := range w.nodes[:2] {
		_, err := n.Append(t.Context(), "entrechat/fork/1", nil, 0, map[string]any{"origin": w.nodes[3].id, "proof": "long"})
		w.must(err)
	}
	w.toCount()
	v := w.alike(id, tally.Passed)
	if l := v.Electorate[3]; l.Status != tally.Void || l.Reason != tally.Forked || v.Count.Turnout != 3 {
		t.Fatalf("%+v", v.Electorate)
	}
}

// A late ballot, one replayed from another proposal, and a copied commit are refused, each with
// its reason.
func TestBallotsThatAreRefused(t *testing.T) {
	w := newWorld(t, 5, nil)
	before := w.propose(w.nodes[0], w.draft("Before"))
	w.toBallots()
	w.vote(w.nodes[2], before, agree)
	w.toCount()
	id := w.propose(w.nodes[0], w.draft("One backup more"))
	w.toBallots()
	w.vote(w.nodes[0], id, agree)
	w.vote(w.nodes[4], id, agree)
	w.run()
	last := func(n *node, typ string) (e logbook.Entry) {
		for _, one := range n.log {
			if one.Typ == typ {
				e = one
			}
		}
		return e
	}
	say := func(n *node, typ string, body any) {
		t.Helper()
		_, err := n.Append(t.Context(), typ, nil, 0, body)
		w.must(err)
	}
	// 1 copies the ballot of 0, 2 plays its ballot of the proposal before again.
	var copied, replayed tally.BallotBody
	w.must(wire.Decode(last(w.nodes[0], tally.TypeBallot).Body, &copied))
	w.must(wire.Decode(last(w.nodes[2], tally.TypeBallot).Body, &replayed))
	replayed.Proposal = id
	say(w.nodes[1], tally.TypeBallot, copied)
	say(w.nodes[2], tally.TypeBallot, replayed)
	end := w.view(w.nodes[0], id).CommitUntil.Time()
	w.pass(end.Sub(w.at)+time.Minute, day)
	// 3 votes a minute too late, by hand; its node does not let it.
	_, err := w.nodes[3].Vote(t.Context(), id, agree, "")
	code(t, err, "decision.vote_over")
	b, err := motion.Vote(id, w.nodes[3].id, agree, nil)
	w.must(err)
	say(w.nodes[3], tally.TypeBallot, tally.BallotBody{Proposal: id, Commit: b.Commit})
	w.pass(8*time.Hour, time.Hour)
	var opened, old tally.OpeningBody
	w.must(wire.Decode(last(w.nodes[0], tally.TypeOpening).Body, &opened))
	w.must(wire.Decode(last(w.nodes[2], tally.TypeOpening).Body, &old))
	old.Proposal = id
	say(w.nodes[1], tally.TypeOpening, opened)
	say(w.nodes[2], tally.TypeOpening, old)
	say(w.nodes[3], tally.TypeOpening, tally.OpeningBody{Proposal: id, Opening: b.Opening})
	w.pass(4*day, time.Hour)
	v := w.alike(id, tally.Passed)
	for i, want := range []tally.Reason{"", tally.OtherMember, tally.OtherProposal, tally.Late, ""} {
		if got := v.Electorate[i].Reason; got != want {
			t.Errorf("%s: %q, want %q", v.Electorate[i].Member, got, want)
		}
	}
}

// Who does not vote three times sleeps: the quorum falls, and its first ballot wakes it.
func TestASleepingMember(t *testing.T) {
	w := newWorld(t, 10, nil)
	vote := func(title string, voters []*node) View {
		t.Helper()
		id := w.propose(w.nodes[0], w.draft(title))
		w.toBallots()
		for _, n := range voters {
			w.vote(n, id, agree)
		}
		w.toCount()
		return w.alike(id, tally.Passed)
	}
	for _, title := range []string{"One", "Two", "Three"} {
		if v := vote(title, w.nodes[:5]); v.Count.N != 10 || v.Count.Quorum != 5 {
			t.Fatalf("%+v", v.Count)
		}
	}
	v := vote("Four", w.nodes[:6]) // the sixth wakes
	if v.Count.N != 5 || v.Count.Quorum != 4 || !v.Electorate[9].Sleeping || v.Electorate[5].Status != tally.Open {
		t.Fatalf("%+v", v.Count)
	}
	if v := vote("Five", w.nodes[:5]); v.Count.N != 6 || v.Electorate[5].Sleeping {
		t.Fatalf("%+v", v.Count)
	}
}

// A remark is taken back: its text is gone on all nodes, the digest stays, the count is the same.
func TestErasure(t *testing.T) {
	w := newWorld(t, 3, nil)
	id := w.propose(w.nodes[0], w.draft("Ana planted this"))
	doc, err := w.nodes[1].Say(t.Context(), id, "Call Ana Planted at home.")
	w.must(err)
	w.toBallots()
	for _, n := range w.nodes {
		w.vote(n, id, agree)
	}
	w.toCount()
	before := w.alike(id, tally.Passed)
	w.must(w.nodes[1].Withdraw(t.Context(), doc[:10]))
	w.must(w.nodes[0].Withdraw(t.Context(), id))
	w.run()
	for _, n := range w.nodes {
		v := w.view(n, id)
		if len(v.Remarks) != 1 || !v.Remarks[0].Removed || v.Remarks[0].Text != "" || !v.Removed || v.Title != "" || v.Text != "" {
			t.Errorf("%s: %+v", n.id, v)
		}
		if _, gone, err := n.a.Document(t.Context(), doc); err != nil || !gone {
			t.Errorf("%s still has it, %v", n.id, err)
		}
		if v.Tally != before.Tally {
			t.Errorf("%s counts %s, before %s", n.id, v.Tally, before.Tally)
		}
	}
	code(t, w.nodes[2].Withdraw(t.Context(), doc), "decision.unknown")
	for _, n := range w.nodes { // nothing that a person wrote is in a logbook
		for _, e := range n.log {
			if strings.Contains(string(e.Body), "lanted") {
				t.Errorf("%s: %s", n.id, e.Body)
			}
		}
	}
	// Who comes later finds the frame gone, and no text.
	late := w.nodes[2]
	late.lose()
	w.run()
	if _, err := archive.GetPaper(t.Context(), late.db, doc); core.CodeOf(err) != core.CodeNotFound {
		t.Errorf("fetched again: %v", err)
	}
}

// Nobody tells from a commit what it says, and the salt keeps two equal texts apart.
func TestSalted(t *testing.T) {
	w := newWorld(t, 2, nil)
	id := w.propose(w.nodes[0], w.draft("One backup more"))
	one, err := w.nodes[0].Say(t.Context(), id, "yes")
	w.must(err)
	two, err := w.nodes[0].Say(t.Context(), id, "yes")
	w.must(err)
	sum := sha256.Sum256([]byte("yes"))
	if one == two || one == hex.EncodeToString(sum[:]) {
		t.Error("guessable")
	}
}
