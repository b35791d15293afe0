package decision

import (
	"errors"
	"testing"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/dbtest"
	"entrechat/internal/room/assembly/archive"
	"entrechat/internal/room/assembly/migrations"
	"entrechat/internal/room/assembly/tally"
)

var agree = tally.Choice{Stance: tally.Agree}

// The thinnest path, in the usual times: proposed, read, voted, opened, witnessed, counted alike.
func TestConsent(t *testing.T) {
	dbtest.Each(t, "assembly", migrations.Files, func(t *testing.T, d *db.DB) {
		w := newWorld(t, 3, d)
		id := w.propose(w.nodes[1], w.draft("One backup more"))
		if v := w.view(w.nodes[0], id); v.Title != "One backup more" || v.Phase != tally.PhaseTalk || !v.Can.Object || v.Can.Vote || v.Hurried {
			t.Fatalf("%+v", v)
		}
		w.pass(7*day+time.Hour, 12*time.Hour)
		if v := w.view(w.nodes[0], id); !v.Await || !v.Can.Vote {
			t.Fatalf("%+v", v.Summary)
		}
		for _, n := range w.nodes {
			w.vote(n, id, agree)
			w.vote(n, id, agree) // again changes nothing
		}
		w.pass(13*time.Hour, time.Hour)
		if v := w.view(w.nodes[0], id); v.Await || v.Sealed != 3 || v.Own.Choice.Stance != tally.Agree || v.Electorate[1].Choice.Stance != "" {
			t.Fatalf("%+v", v)
		}
		w.pass(11*day, time.Hour)
		v := w.alike(id, tally.Passed)
		if v.Count.Turnout != 3 || v.Electorate[2].Choice.Stance != tally.Agree {
			t.Fatalf("%+v", v.Count)
		}
		for _, n := range w.nodes {
			if n.said(tally.TypeBallot) != 1 || n.said(tally.TypeOpening) != 1 || n.said(tally.TypeOutcome) != 1 || n.said(tally.TypeSeen) != 2 {
				t.Errorf("%s: %d ballots, %d openings, %d outcomes, %d seen", n.id, n.said(tally.TypeBallot), n.said(tally.TypeOpening), n.said(tally.TypeOutcome), n.said(tally.TypeSeen))
			}
			left, _, err := archive.Unsettled(t.Context(), n.db)
			if err != nil || len(left) != 0 {
				t.Errorf("%s: %d left to do, %v", n.id, len(left), err)
			}
		}
	})
}

// A logbook that cannot be written: what was said is kept, and written once later.
func TestTheLogbookIsCatchingUp(t *testing.T) {
	w := newWorld(t, 3, nil)
	n := w.nodes[0]
	n.closed = core.Unsure("logbook.catching_up", errors.New("not yet"))
	_, err := n.Propose(t.Context(), w.draft("Later"))
	code(t, err, "decision.kept")
	w.run()
	if len(n.log) != 0 {
		t.Fatal("written all the same")
	}
	n.closed = nil
	w.run()
	if n.said(tally.TypeProposal) != 1 {
		t.Fatalf("%d proposals", n.said(tally.TypeProposal))
	}
	_, err = n.Propose(t.Context(), w.draft("Another"))
	code(t, err, "decision.one_open")
}
