package tally_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"entrechat/internal/core"
	"entrechat/internal/room/assembly/tally"
)

// thrown are dice that rapid throws.
func thrown(t *rapid.T) dice {
	return func(n int) int { return rapid.IntRange(0, n-1).Draw(t, "dice") }
}

// The order in which entries come changes nothing, nor does one that comes twice.
func TestOrderChangesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := draw(seeded(rapid.Uint64().Draw(t, "election")))
		want, entries := e.count(), e.entries()
		again := rapid.Permutation(entries).Draw(t, "order")
		again = append(again, again[:len(again)/3]...)
		if got := tally.Count(e.q, again); !reflect.DeepEqual(got, want) {
			t.Fatalf("%s\n%s", got.Text, want.Text)
		}
	})
}

// One more witness never takes a member out of the turnout, and one ballot that is the only
// one of its member is never counted less.
func TestAWitnessTakesNothingAway(t *testing.T) {
	rank := map[tally.Status]int{tally.Void: 0, tally.None: 0, tally.Unopened: 1, tally.Bad: 1, tally.Open: 1}
	rapid.Check(t, func(t *rapid.T) {
		e := draw(seeded(rapid.Uint64().Draw(t, "election")))
		before, d := e.count(), thrown(t)
		of := e.q.Electorate[d(len(e.q.Electorate))].ID
		phase := pick(d, tally.PhaseCommit, tally.PhaseReveal)
		e.see(e.q.Electorate[d(len(e.q.Electorate))].ID, &e.q, phase, of, int64(d(6)), int64(d(6)), int64(d(6)))
		after := e.count()
		if after.Turnout < before.Turnout {
			t.Fatalf("turnout %d became %d", before.Turnout, after.Turnout)
		}
		for i, was := range before.Lines {
			is := after.Lines[i]
			if rank[is.Status] < rank[was.Status] {
				t.Fatalf("%s of %s became %s", was.Status, was.Member, is.Status)
			}
			if was.Index == is.Index && was.Status == tally.Open && is.Status != tally.Open {
				t.Fatalf("an open ballot of %s became %s", was.Member, is.Status)
			}
		}
	})
}

// What comes late changes nothing that is hashed, whoever says to have seen it.
func TestLateChangesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := draw(seeded(rapid.Uint64().Draw(t, "election")))
		before, d := e.count(), thrown(t)
		for range 1 + d(5) {
			who := e.q.Electorate[d(len(e.q.Electorate))].ID
			q := &e.q
			if len(q.Earlier) > 0 && d.oneIn(2) {
				q = &q.Earlier[d(len(q.Earlier))]
			}
			opening, commit := e.seal(who, says(tally.Agree))
			end, p, after := q.End(q.WordPhase()), q.WordPhase(), core.Moment(1+d(int(20*day)))
			var i int64
			switch d(7) {
			case 0:
				i = e.write(who, tally.TypeBallot, end+after, tally.BallotBody{Proposal: q.ID, Commit: commit})
			case 1:
				p = tally.PhaseReveal
				i = e.write(who, tally.TypeOpening, q.RevealUntil+after, tally.OpeningBody{Proposal: q.ID, Opening: opening})
			case 2:
				i = e.write(who, tally.TypeObjection, end+after, tally.WordBody{Proposal: q.ID, Doc: doc(who)})
			case 3:
				i = e.write(who, tally.TypeLifted, end+after, tally.WordBody{Proposal: q.ID, Doc: doc(who)})
			case 4:
				i = e.write(who, tally.TypeProposal, end+after, tally.ProposalBody{Proposal: doc("new"), Replaces: q.ID})
			case 5: // who has seen it all, too late
				for _, m := range q.Electorate {
					e.write(who, tally.TypeSeen, q.End(p).Add(q.Grace)+after, tally.SeenBody{
						Proposal: q.ID, Phase: p, Seen: []tally.Sighting{{Ordinal: int64(q.Ordinal(m.ID))}, {Ordinal: int64(q.Ordinal(m.ID)), Index: 1}},
					})
				}
				continue
			case 6:
				for _, m := range e.q.Electorate {
					e.write(m.ID, "entrechat/fork/1", e.q.Due()+after, fmt.Sprintf(`{"origin":%q}`, who))
				}
				continue
			}
			for _, m := range q.Electorate {
				e.see(m.ID, q, p, who, i)
			}
		}
		if after := e.count(); after.Text != before.Text || after.Hash != before.Hash || after.Facilitator != before.Facilitator {
			t.Fatalf("%s\n%s", before.Text, after.Text)
		}
	})
}

// Who a member is does not matter: the same ballots of others make the same result.
func TestNamesDoNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		letters := rapid.StringOfN(rapid.SampledFrom([]rune("aaacsoqluzZ.")), 1, 9, -1).Draw(t, "ballots")
		other := string(rapid.Permutation([]rune(letters)).Draw(t, "others"))
		fallback := rapid.Bool().Draw(t, "fallback")
		count := func(letters string) (tally.Tally, string) {
			q := asleep(ask(tally.KindConsent, len(letters), 0), letters)
			q.Fallback = fallback
			e := hold(q)
			e.ballots(letters)
			got := e.count()
			var lines []string
			for _, l := range got.Lines {
				lines = append(lines, fmt.Sprint(l.Status, l.Choice.Stance, l.Reason))
			}
			slices.Sort(lines)
			return got, fmt.Sprint(got.Result, got.N, got.Quorum, got.Turnout, len(got.Standing), len(got.Free), lines)
		}
		a, one := count(letters)
		b, two := count(other)
		if one != two {
			t.Fatalf("%s\n%s", a.Text, b.Text)
		}
	})
	rapid.Check(t, func(t *rapid.T) {
		grades := rapid.SliceOfN(rapid.SliceOfN(rapid.IntRange(0, tally.MaxGrade), 3, 3), 1, 8).Draw(t, "grades")
		count := func(grades [][]int) tally.Tally {
			e := hold(ask(tally.KindPoll, len(grades), 3))
			for i, g := range grades {
				e.vote(member(i), gives(g...))
			}
			return e.count()
		}
		a, b := count(grades), count(rapid.Permutation(grades).Draw(t, "others"))
		if !slices.Equal(a.Medians, b.Medians) || a.Medians[a.Order[0]] != b.Medians[b.Order[0]] || !slices.IsSortedFunc(a.Order, func(x, y int) int { return a.Medians[y] - a.Medians[x] }) {
			t.Fatal(a.Medians, b.Medians, a.Order, b.Order)
		}
		// Options that differ anywhere keep their order: the lot is for equal ones.
		column := func(o int) string {
			var all []string
			for _, g := range grades {
				all = append(all, fmt.Sprint(g[o]))
			}
			slices.Sort(all)
			return strings.Join(all, " ")
		}
		for i := range a.Order {
			if x, y := a.Order[i], b.Order[i]; x != y && column(x) != column(y) {
				t.Fatal(a.Order, b.Order, grades)
			}
		}
	})
}

// A better grade never puts an option further behind.
func TestABetterGradeHelps(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		grades := rapid.SliceOfN(rapid.SliceOfN(rapid.IntRange(0, tally.MaxGrade), 2, 2), 1, 8).Draw(t, "grades")
		first := func() (best, median int) {
			e := hold(ask(tally.KindPoll, len(grades), 2))
			for i, g := range grades {
				e.vote(member(i), gives(g...))
			}
			got := e.count()
			return got.Order[0], got.Medians[0]
		}
		was, median := first()
		who := rapid.IntRange(0, len(grades)-1).Draw(t, "who")
		if grades[who][0] == tally.MaxGrade {
			return
		}
		equal := func() bool {
			a, b := []int{}, []int{}
			for _, g := range grades {
				a, b = append(a, g[0]), append(b, g[1])
			}
			slices.Sort(a)
			slices.Sort(b)
			return slices.Equal(a, b)
		}
		lot := equal()
		grades[who][0]++
		is, higher := first()
		if higher < median || was == 0 && is != 0 && !lot && !equal() {
			t.Fatal(grades, was, is, median, higher)
		}
	})
}
