package decision

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/room/assembly/archive"
	"entrechat/internal/room/assembly/motion"
	"entrechat/internal/room/assembly/tally"
)

// replace has a node's logbook say that a version takes the place of one; its text never comes.
func (w *world) replace(n *node, id string) {
	w.t.Helper()
	_, err := n.Append(w.t.Context(), tally.TypeProposal, nil, 0, tally.ProposalBody{Proposal: strings.Repeat("7", 64), Charter: house, Replaces: id})
	w.must(err)
}

// An author that names a version whose text nobody has replaces nothing: the ballots are opened
// and counted.
func TestAVersionWithoutItsTextReplacesNothing(t *testing.T) {
	w := newWorld(t, 4, nil)
	id := w.propose(w.nodes[0], w.draft("One backup more"))
	w.replace(w.nodes[0], id)
	w.toBallots()
	if v := w.view(w.nodes[1], id); v.Result != "" || !v.Await {
		t.Errorf("it is %q, awaited %v", v.Result, v.Await)
	}
	for _, n := range w.nodes {
		w.vote(n, id, agree)
	}
	w.toCount()
	if v := w.alike(id, tally.Passed); v.Count.Turnout != 4 || v.Electorate[1].Status != tally.Open {
		t.Fatalf("%+v", v.Count)
	}
}

// What is exported counts to the same by tally.py, also where two lie that they saw a version
// whose text is not here.
func TestExportOfAReplacedVersion(t *testing.T) {
	w := newWorld(t, 4, nil)
	id := w.propose(w.nodes[0], w.draft("One backup more"))
	w.toBallots()
	w.replace(w.nodes[0], id)
	w.pass(7*day+time.Hour, 12*time.Hour) // into the grace
	for _, n := range w.nodes[2:] {
		_, err := n.Append(t.Context(), tally.TypeSeen, nil, 0, tally.SeenBody{Proposal: id, Phase: tally.PhaseCommit, Seen: []tally.Sighting{{Ordinal: 0, Index: int64(len(w.nodes[0].log) - 1)}}})
		w.must(err)
	}
	w.pass(5*day, 12*time.Hour)
	v := w.view(w.nodes[1], id)
	if v.Result != tally.Replaced {
		t.Fatalf("it is %s", v.Result)
	}
	dir := filepath.Join(t.TempDir(), "out")
	_, err := w.nodes[1].a.Export(t.Context(), id, dir)
	w.must(err)
	script, err := filepath.Abs("../../../../docs/spec/tally.py")
	w.must(err)
	out, err := exec.CommandContext(t.Context(), "python3", script, dir, filepath.Join(dir, "proposal-1.json")).CombinedOutput()
	if err != nil || !strings.HasPrefix(string(out), v.Count.Text) {
		t.Errorf("%v: %s\nwant\n%s", err, out, v.Count.Text)
	}
	if _, err := os.Stat(filepath.Join(dir, string(w.nodes[3].id)+".jsonl")); err != nil {
		t.Error(err)
	}
}

// Somebody changes its ballot in the last hour, and nobody hears of it in time: the one before is
// what counts, and is opened.
func TestTheBallotThatOthersSawIsOpened(t *testing.T) {
	w := newWorld(t, 4, nil)
	id := w.propose(w.nodes[0], w.draft("One backup more"))
	w.toBallots()
	for _, n := range w.nodes {
		w.vote(n, id, agree)
	}
	w.run()
	late := w.nodes[3]
	end := w.view(late, id).CommitUntil.Time()
	w.pass(end.Add(-30*time.Minute).Sub(w.at), 12*time.Hour)
	w.cut[late.id] = true
	w.vote(late, id, concern)
	w.pass(7*time.Hour, time.Hour) // the grace is over
	clear(w.cut)
	w.pass(5*day, 2*time.Hour)
	v := w.alike(id, tally.Passed)
	if l := v.Electorate[3]; l.Status != tally.Open || l.Choice.Stance != tally.Agree {
		t.Fatalf("%+v", l)
	}
}

// A member that logs the id of another's objection as its own, and is read first, keeps nobody
// from fetching it.
func TestACopiedIDHidesNoObjection(t *testing.T) {
	w := newWorld(t, 5, nil)
	id := w.propose(w.nodes[0], w.draft("One backup more"))
	doc, err := w.nodes[4].Object(t.Context(), id, harm)
	w.must(err)
	_, err = w.nodes[0].Append(t.Context(), tally.TypeObjection, nil, 0, tally.WordBody{Proposal: id, Doc: doc})
	w.must(err)
	w.run()
	for _, n := range w.nodes {
		if v := w.view(n, id); len(v.Objections) != 1 || v.Objections[0].By != w.nodes[4].id {
			t.Errorf("%s has %+v", n.id, v.Objections)
		}
	}
	w.pass(19*day, 6*time.Hour)
	if v := w.view(w.nodes[1], id); len(v.Count.Standing) != 1 || v.Count.Standing[0] != w.nodes[4].id {
		t.Errorf("%+v", v.Count)
	}
}

// A text is taken back while another node fetches it: it is not kept there.
func TestATextIsTakenBackWhileItIsFetched(t *testing.T) {
	w := newWorld(t, 3, nil)
	id := w.propose(w.nodes[0], w.draft("One backup more"))
	doc, err := w.nodes[1].Say(t.Context(), id, "Call Ana Planted at home.")
	w.must(err)
	slow := w.nodes[2]
	slow.asked = func() {
		slow.asked = nil
		w.must(w.nodes[1].Withdraw(t.Context(), doc))
		slow.hear()
	}
	w.run()
	if p, err := archive.GetPaper(t.Context(), slow.db, doc); err == nil && !p.Gone {
		t.Error("it has the text still")
	}
}

// What a member's logbook can have others fetch, and try again for a year, is bounded.
func TestAFloodOfNames(t *testing.T) {
	w := newWorld(t, 3, nil)
	id := w.propose(w.nodes[0], w.draft("One backup more"))
	for i := range 210 {
		name := fmt.Sprintf("%064x", i+1)
		for _, e := range []struct {
			typ  string
			body any
		}{
			{tally.TypeProposal, tally.ProposalBody{Proposal: name, Charter: house}},
			{archive.TypeRemark, tally.WordBody{Proposal: name, Doc: fmt.Sprintf("%064x", i+1000)}}, // to nothing that is here
			{archive.TypeRemark, tally.WordBody{Proposal: id, Doc: fmt.Sprintf("%064x", i+2000)}},
			{tally.TypeObjection, tally.WordBody{Proposal: id, Doc: fmt.Sprintf("%064x", i+3000)}},
		} {
			_, err := w.nodes[1].Append(t.Context(), e.typ, nil, 0, e.body)
			w.must(err)
		}
	}
	n := w.nodes[2]
	n.hear()
	for kind, want := range map[string]int64{"proposal": 200, "remark": 100, "objection": 20} {
		got, err := db.One(t.Context(), n.db, db.Int64, `SELECT count(*) FROM assembly_decision_want WHERE kind = $1`, kind)
		if err != nil || got != want {
			t.Errorf("%d of %s are wanted, want %d, %v", got, kind, want, err)
		}
	}
	// The words of everybody else are fetched all the same.
	_, err := w.nodes[0].Object(t.Context(), id, harm)
	w.must(err)
	w.run()
	if v := w.view(n, id); len(v.Objections) != 1 {
		t.Errorf("%d objections", len(v.Objections))
	}
}

// forge makes a proposal by hand; nobody hears of it, and nobody can fetch it.
func (w *world) forge(n *node, change func(*motion.Proposal)) (motion.Proposal, motion.Document) {
	w.t.Helper()
	now := core.At(w.at)
	drawn, err := n.Draw(w.t.Context(), house, now)
	w.must(err)
	p := motion.Proposal{
		Charter: house, Kind: tally.KindConsent, Lang: "fr", Title: "By hand", Text: "We do it.", Version: 1, Opened: now, TalkUntil: now.Add(7 * day),
		CommitUntil: now.Add(14 * day), RevealUntil: now.Add(17 * day), GraceUS: tally.GraceLeast.Microseconds(), Review: w.at.Add(400 * day).Format(time.DateOnly),
		Electorate: drawn.Electorate(nil), Heads: drawn.Heads,
	}
	change(&p)
	p, d, err := motion.Propose(p, n.signer)
	w.must(err)
	return p, d
}

// say has a node's logbook name a forged proposal; serve has the node give it to whoever asks.
func (w *world) say(n *node, p motion.Proposal, d motion.Document) {
	w.t.Helper()
	_, err := n.Append(w.t.Context(), tally.TypeProposal, nil, 0, tally.ProposalBody{Proposal: d.ID, Charter: p.Charter, Replaces: p.Replaces})
	w.must(err)
}

func (w *world) serve(n *node, d motion.Document) {
	w.t.Helper()
	w.must(archive.PutPaper(w.t.Context(), n.db, archive.Paper{ID: d.ID, Kind: archive.KindProposal, Author: n.id, Proposal: d.ID, Envelope: d.Envelope, Kept: core.At(w.at)}))
}

// Its author sees that a proposal is lost, and shows one that it had open before: the one that was
// voted on counts all the same.
func TestAnOlderProposalIsShownTooLate(t *testing.T) {
	w := newWorld(t, 4, nil)
	p, d := w.forge(w.nodes[0], func(*motion.Proposal) {})
	w.at = w.at.Add(time.Minute)
	w.say(w.nodes[0], p, d)
	id := w.propose(w.nodes[0], w.draft("One backup more"))
	w.toBallots()
	for _, n := range w.nodes {
		w.vote(n, id, agree)
	}
	w.pass(7*day+8*time.Hour, 2*time.Hour) // ballots are being opened
	w.serve(w.nodes[0], d)
	w.pass(day, 2*time.Hour)
	if v := w.view(w.nodes[1], d.ID); v.Title != "By hand" {
		t.Fatalf("%+v", v.Summary)
	}
	w.pass(3*day, 2*time.Hour)
	for _, n := range w.nodes[1:] {
		if v := w.view(n, id); v.Rival != "" || v.Result != tally.Passed || v.Alike < 3 {
			t.Errorf("%s: rival %q, %s, %d alike", n.id, v.Rival, v.Result, v.Alike)
		}
	}
}

// One member opens more than ten at once. One of them counts, and the others may propose still.
func TestOneMemberFillsTheTen(t *testing.T) {
	w := newWorld(t, 3, nil)
	for i := range 11 {
		p, d := w.forge(w.nodes[1], func(p *motion.Proposal) { p.Opened += core.Moment(i) })
		w.at = w.at.Add(time.Minute)
		w.say(w.nodes[1], p, d)
		w.serve(w.nodes[1], d)
	}
	w.run()
	if n, err := db.One(t.Context(), w.nodes[0].db, db.Int64, `SELECT count(*) FROM assembly_decision_proposal`); n != 11 || err != nil {
		t.Fatalf("%d are here, %v", n, err)
	}
	_, err := w.nodes[0].Propose(t.Context(), w.draft("One backup more"))
	w.must(err)
}

// Its author puts two versions in one place, with other electorates: the first of them stands.
func TestTwoVersionsInOnePlace(t *testing.T) {
	w := newWorld(t, 4, nil)
	first, d := w.forge(w.nodes[0], func(*motion.Proposal) {})
	w.say(w.nodes[0], first, d)
	w.serve(w.nodes[0], d)
	w.run()
	w.at = w.at.Add(time.Hour)
	var docs []motion.Document
	for i := range 3 {
		p, next := w.forge(w.nodes[0], func(p *motion.Proposal) {
			p.Version, p.Replaces, p.Opened = 2, d.ID, p.Opened+core.Moment(i)
			p.Electorate = p.Electorate[:4-i]
		})
		w.at = w.at.Add(time.Second)
		w.say(w.nodes[0], p, next)
		w.serve(w.nodes[0], next)
		docs = append(docs, next)
	}
	w.run()
	w.toBallots()
	for _, n := range w.nodes[1:] {
		_, err := n.Vote(t.Context(), docs[2].ID, agree, "")
		code(t, err, "decision.was_replaced")
		w.vote(n, docs[0].ID, agree)
	}
	w.toCount()
	for _, n := range w.nodes[1:] {
		for i, one := range docs {
			v := w.view(n, one.ID)
			if (v.Rival == "") != (i == 0) || len(v.Electorate) != 4-i {
				t.Errorf("%s: version %d has rival %q, %d electors", n.id, i, v.Rival, len(v.Electorate))
			}
		}
		if v := w.view(n, docs[0].ID); v.Result != tally.Passed || v.Count.Turnout != 3 {
			t.Errorf("%s: %s, turnout %d", n.id, v.Result, v.Count.Turnout)
		}
	}
}

// What is kept of one proposal is damaged: everything else goes on.
func TestADamagedProposalStopsNoOther(t *testing.T) {
	w := newWorld(t, 3, nil)
	bad := w.propose(w.nodes[1], w.draft("Bad"))
	id := w.propose(w.nodes[0], w.draft("One backup more"))
	n := w.nodes[0]
	_, err := db.Exec(t.Context(), n.db, `UPDATE assembly_decision_proposal SET frame = $2 WHERE id = $1`, bad, []byte("{"))
	w.must(err)
	n.start()
	all, err := n.List(t.Context(), 10)
	if err != nil || len(all) != 1 || all[0].ID != id {
		t.Errorf("%d listed, %v", len(all), err)
	}
	w.toBallots()
	for _, n := range w.nodes {
		w.vote(n, id, agree)
	}
	w.toCount()
	w.alike(id, tally.Passed)
	text := w.propose(w.nodes[2], w.draft("Text"))
	_, err = db.Exec(t.Context(), n.db, `UPDATE assembly_decision_document SET envelope = $2 WHERE id = $1`, text, []byte("{"))
	w.must(err)
	all, err = n.List(t.Context(), 10)
	if err != nil || len(all) != 1 || all[0].ID != id {
		t.Errorf("%d listed, %v", len(all), err)
	}
}

// A proposal that was dated back, with everybody else said to sleep: pages of the others say so.
func TestAProposalThatLiesOfItsTimesAndOfWhoSleeps(t *testing.T) {
	w := newWorld(t, 4, nil)
	p, d := w.forge(w.nodes[0], func(p *motion.Proposal) {
		p.Opened, p.TalkUntil = p.Opened.Add(-7*day), p.Opened+1
		p.CommitUntil, p.RevealUntil = p.TalkUntil.Add(7*day), p.TalkUntil.Add(11*day)
		for i := range p.Electorate {
			p.Electorate[i].Sleeping = i > 0
		}
	})
	w.say(w.nodes[0], p, d)
	w.serve(w.nodes[0], d)
	honest := w.propose(w.nodes[1], w.draft("One backup more"))
	keys := func(id string) (out []string) {
		for _, one := range w.view(w.nodes[2], id).Warnings {
			out = append(out, one.Key)
		}
		return out
	}
	if got := keys(d.ID); !slices.Equal(got, []string{"assembly.decision.came_late", "assembly.decision.not_asleep"}) {
		t.Errorf("warned of %v", got)
	}
	if got := keys(honest); len(got) != 0 {
		t.Errorf("warned of %v", got)
	}
}
