package decision

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

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
	_, err := w.nodes[1].Export(t.Context(), id, dir)
	w.must(err)
	script, err := filepath.Abs("../../../../docs/spec/tally.py")
	w.must(err)
	out, err := exec.CommandContext(t.Context(), "python3", script, dir, filepath.Join(dir, "proposal-1.json")).CombinedOutput() //nolint:gosec // our own files
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
