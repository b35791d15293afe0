package decision

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/logbook"
	"entrechat/internal/room/assembly/archive"
	"entrechat/internal/room/assembly/tally"
)

// Two admins have to agree: a vote waits for the second, and nothing is in the logbook before.
func TestFourEyes(t *testing.T) {
	w := newWorld(t, 3, nil)
	n := w.nodes[1]
	n.eyes = true
	n.start()
	id := w.propose(w.nodes[0], w.draft("One backup more"))
	w.toBallots()
	_, err := n.Vote(t.Context(), id, agree, " ")
	code(t, err, "decision.who")
	code(t, n.Approve(t.Context(), id, "bob"), "decision.none_waits")
	waits, err := n.Vote(t.Context(), id, agree, "ana")
	if err != nil || !waits || n.said(tally.TypeBallot) != 0 {
		t.Fatalf("%v, %v", waits, err)
	}
	if v := w.view(n, id); v.Own.WaitsBy != "ana" || v.Own.Cast || !v.Can.Approve || !v.Await {
		t.Fatalf("%+v %+v", v.Own, v.Can)
	}
	code(t, n.Approve(t.Context(), id, "Ana "), "decision.same_eyes")
	w.must(n.Approve(t.Context(), id, "bob"))
	code(t, n.Approve(t.Context(), id, "bob"), "decision.none_waits")
	if n.said(tally.TypeBallot) != 1 {
		t.Fatalf("%d ballots", n.said(tally.TypeBallot))
	}
	// The next one is not approved before the end: it is not cast, and the first one counts.
	_, err = n.Vote(t.Context(), id, concern, "ana")
	w.must(err)
	for _, o := range []*node{w.nodes[0], w.nodes[2]} {
		w.vote(o, id, agree)
	}
	w.toCount()
	if v := w.alike(id, tally.Passed); v.Electorate[1].Choice.Stance != tally.Agree {
		t.Fatalf("%+v", v.Electorate)
	}
	code(t, n.Approve(t.Context(), id, "bob"), "decision.vote_over")
}

// A node is killed right after its logbook took an entry, each time: nothing is said twice.
func TestKilledBehindTheLogbook(t *testing.T) {
	w := newWorld(t, 3, nil)
	n := w.nodes[0]
	n.dies = true
	if _, err := n.Propose(t.Context(), w.draft("One backup more")); err == nil {
		t.Fatal("it lived")
	}
	n.start()
	w.run()
	all, err := n.List(t.Context(), 10)
	if err != nil || len(all) != 1 || n.said(tally.TypeProposal) != 1 {
		t.Fatalf("%+v, %v", all, err)
	}
	id := all[0].ID
	w.toBallots()
	n.dies = true
	if _, err := n.Vote(t.Context(), id, agree, ""); err == nil {
		t.Fatal("it lived")
	}
	n.start()
	w.vote(n, id, agree)
	for _, o := range w.nodes[1:] {
		w.vote(o, id, agree)
	}
	// Witnessing, opening and the outcome: each entry kills it once.
	for end := w.at.Add(12 * day); w.at.Before(end); w.at = w.at.Add(time.Hour) {
		n.dies = true
		n.hear()
		_, _ = n.a.Fetch(t.Context())
		_, _ = n.Turn(t.Context())
		n.dies = false
		n.start()
		w.run()
	}
	w.alike(id, tally.Passed)
	for typ, want := range map[string]int{tally.TypeBallot: 1, tally.TypeOpening: 1, tally.TypeOutcome: 1, tally.TypeSeen: 2} {
		if got := n.said(typ); got != want {
			t.Errorf("%s stands %d times", typ, got)
		}
	}
}

// Admins are told when a proposal opens, when ballots begin, and on the last day where ours is
// missing; who proposed is not told of its own.
func TestMails(t *testing.T) {
	w := newWorld(t, 3, nil)
	id := w.propose(w.nodes[0], w.draft("One backup more"))
	w.toBallots()
	w.vote(w.nodes[1], id, agree)
	w.toCount()
	for i, want := range []string{"commit last_day", "open commit", "open commit last_day"} {
		if got := strings.Join(w.nodes[i].mails, " "); got != want {
			t.Errorf("%d got %q, want %q", i, got, want)
		}
	}
}

// What doctor says: nothing while there is nothing, what waits, the last day, another count.
func TestChecks(t *testing.T) {
	w := newWorld(t, 3, nil)
	n := w.nodes[0]
	says := func(check int, well, trouble string) {
		t.Helper()
		found, err := n.Checks()[check].Run(t.Context())
		var key string
		if e, ok := errors.AsType[*core.Error](err); ok {
			key = e.Key
		}
		if found.Key != well && found.Key != "assembly.decision."+well || key != trouble && key != "assembly.decision."+trouble {
			t.Fatalf("%+v, %v, want %q %q", found, err, well, trouble)
		}
	}
	says(0, "", "")
	says(1, "", "")
	id := w.propose(w.nodes[1], w.draft("One backup more"))
	says(0, "", "")
	w.toBallots()
	says(0, "waiting", "")
	w.pass(6*day, day)
	says(0, "", "last_day")
	for _, o := range w.nodes {
		w.vote(o, id, agree)
	}
	w.run()
	says(0, "", "")
	n.key++
	n.start()
	says(0, "", "lost")
	n.key--
	n.start()
	w.toCount()
	says(1, "counted_alike", "")
	// Another member says another count; its node shows the text of what it logged.
	liar := w.nodes[2]
	e := logbook.Entry{Log: liar.id, Index: 99, Typ: tally.TypeOutcome, Iat: core.At(w.at), Body: []byte(`{"proposal":"` + id + `","result":"blocked","tally":"` + strings.Repeat("0", 64) + `"}`)}
	w.must(n.Readers()[0].Truncated(t.Context(), liar.id, 0))
	w.must(n.Readers()[0].Read(t.Context(), e))
	says(1, "", "other_count")
	if m, err := n.Metrics(t.Context()); err != nil || m[2].Value != 1 {
		t.Errorf("%+v, %v", m, err)
	}
}

// On the review day pages ask; kept is what two say and nobody contradicts.
func TestReview(t *testing.T) {
	w := newWorld(t, 3, nil)
	id := w.propose(w.nodes[0], w.draft("One backup more"))
	w.toBallots()
	for _, n := range w.nodes {
		w.vote(n, id, agree)
	}
	w.toCount()
	code(t, w.nodes[0].Review(t.Context(), id, Keep), "decision.not_review_day")
	code(t, w.nodes[0].Review(t.Context(), id, "yes"), "decision.bad_word")
	stands := func(want Standing) {
		t.Helper()
		w.run()
		for _, n := range w.nodes {
			if v := w.view(n, id); v.Standing != want {
				t.Fatalf("%s: %q, want %q", n.id, v.Standing, want)
			}
		}
	}
	stands("")
	w.at = w.at.Add(400 * day)
	stands(ReviewDue)
	w.must(w.nodes[0].Review(t.Context(), id, Keep))
	stands(ReviewDue)
	w.must(w.nodes[1].Review(t.Context(), id, Keep))
	stands(Kept)
	w.must(w.nodes[2].Review(t.Context(), id, Drop))
	stands(Contested)
	w.at = w.at.Add(time.Minute)
	w.must(w.nodes[2].Review(t.Context(), id, Keep))
	stands(Kept)
}

// A key was revoked: its entries are taken back, and the ballot with them.
func TestEntriesAreTakenBack(t *testing.T) {
	w := newWorld(t, 4, nil)
	id := w.propose(w.nodes[0], w.draft("One backup more"))
	w.toBallots()
	for _, n := range w.nodes {
		w.vote(n, id, agree)
	}
	w.run()
	thief := w.nodes[3]
	thief.log = thief.log[:0]
	for _, n := range w.nodes {
		w.must(n.Readers()[0].Truncated(t.Context(), thief.id, 0))
		n.read[thief.id] = 0
	}
	w.toCount()
	v := w.view(w.nodes[0], id)
	if v.Result != tally.Passed || v.Electorate[3].Status == tally.Open || v.Count.Turnout != 3 {
		t.Fatalf("%+v %+v", v.Count, v.Electorate)
	}
}

// Strangers: a proposal of who is not admitted, words of who does not decide, a flood.
func TestStrangers(t *testing.T) {
	w := newWorld(t, 3, nil)
	n := w.nodes[0]
	id := w.propose(n, w.draft("One backup more"))
	heard := func(log core.MemberID, index int64, typ, body string) {
		t.Helper()
		w.must(n.Readers()[0].Read(t.Context(), logbook.Entry{Log: log, Index: index, Typ: typ, Iat: core.At(w.at), Body: []byte(body)}))
	}
	other := strings.Repeat("c", 64)
	heard("stranger.test", 0, tally.TypeProposal, `{"proposal":"`+other+`","charter":"`+house+`","replaces":""}`)
	heard("stranger.test", 1, archive.TypeRemark, `{"proposal":"`+id+`","doc":"`+strings.Repeat("d", 64)+`"}`)
	heard("stranger.test", 2, archive.TypeWithdrawn, `{"doc":"`+id+`"}`)
	for i, body := range []string{`{}`, `[]`, `{"proposal":5}`, `{"proposal":"x","doc":"y"}`} {
		for k, typ := range n.Readers()[0].Types {
			heard("stranger.test", int64(100+10*i+k), typ, body)
		}
	}
	w.run()
	v := w.view(n, id)
	if v.Removed || len(v.Remarks) != 0 {
		t.Fatalf("%+v", v)
	}
	if _, err := archive.Proposal(t.Context(), n.db, other); core.CodeOf(err) != core.CodeNotFound {
		t.Errorf("fetched: %v", err)
	}
	if _, err := w.nodes[1].Say(t.Context(), id, "yes"); err != nil {
		t.Error(err)
	}
	w.run()
	all, err := n.List(t.Context(), 10)
	if err != nil || len(all) != 1 || !slices.ContainsFunc(w.view(n, id).Remarks, func(r RemarkView) bool { return r.Text == "yes" }) {
		t.Fatalf("%+v, %v", all, err)
	}
}

// Whatever an entry says, it is read or passed over.
func FuzzEntry(f *testing.F) {
	w := newWorld(f, 2, nil)
	n := w.nodes[0]
	id := w.propose(n, w.draft("One backup more"))
	types := n.Readers()[0].Types
	for i := range types {
		f.Add(uint8(i), `{"proposal":"`+id+`","doc":"`+id+`","charter":"`+house+`","replaces":"","word":"keep","result":"passed","tally":"x","commit":"y","origin":"chaton-b.test","phase":"commit","seen":[[0,1]],"opening":"YQ=="}`)
	}
	index := int64(1000)
	f.Fuzz(func(t *testing.T, kind uint8, body string) {
		index++
		w.t = t
		w.must(n.Readers()[0].Read(t.Context(), logbook.Entry{Log: "chaton-b.test", Index: index, Typ: types[int(kind)%len(types)], Iat: core.At(w.at), Body: []byte(body)}))
		if _, err := n.Turn(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.view(n, id)
	})
}
