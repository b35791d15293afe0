//go:build long

package decision

import (
	"testing"
	"time"

	"entrechat/internal/room/assembly/tally"
)

// Ten of 26 are cut off while ballots are cast, and come back within the grace, or after it: they
// were witnesses enough for one another, and all end with one count.
func TestAPartitionOf26(t *testing.T) {
	for name, back := range map[string]time.Duration{"within the grace": 2 * time.Hour, "after the grace": 8 * time.Hour} {
		t.Run(name, func(t *testing.T) { partition(t, 26, 16, back, 26) })
	}
}

// The series of CoTech: votes of each of 15 proposals among 26; eleven have their quorum of 8.
func TestTheSeriesOfCoTech(t *testing.T) {
	w := newWorld(t, 26, nil)
	passed := 0
	for i, voters := range []int{13, 8, 12, 6, 8, 12, 9, 12, 9, 12, 10, 11, 2, 1, 2} {
		id := w.propose(w.nodes[i], w.draft("Proposal "+string(rune('A'+i))))
		w.pass(7*day+time.Hour, 4*day)
		for k := range voters {
			w.vote(w.nodes[(i+k)%26], id, agree)
		}
		end := w.view(w.nodes[0], id).CommitUntil.Time()
		w.pass(end.Sub(w.at), 4*day)
		w.pass(7*time.Hour, 210*time.Minute)
		w.pass(3*day-7*time.Hour, 2*day)
		w.pass(7*time.Hour, 210*time.Minute)
		v := w.view(w.nodes[25], id)
		if v.Count == nil || v.Count.Turnout != voters {
			t.Fatalf("%d: %+v", i, v.Count)
		}
		sleepers := 0
		for _, e := range v.Electorate {
			if e.Sleeping {
				sleepers++
			}
		}
		if sleepers == 0 && (v.Count.N != 26 || v.Count.Quorum != 8) {
			t.Fatalf("%d: %+v", i, v.Count)
		}
		if voters >= 8 != (tally.Quorum(26) <= voters) {
			t.Fatal("the quorum of 26 is 8")
		}
		if voters >= 8 {
			passed++
		}
	}
	if passed != 11 {
		t.Errorf("%d of 15 pass", passed)
	}
}
