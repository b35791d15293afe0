package tally_test

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"entrechat/internal/core"
	"entrechat/internal/room/assembly/tally"
)

// grading is a case of testdata/judgment.txt.
type grading struct {
	name    string
	ballots [][]int
	medians []int
	order   [][]int // the equal ones together
}

func gradings(t *testing.T) []grading {
	t.Helper()
	data, err := os.ReadFile("testdata/judgment.txt")
	if err != nil {
		t.Fatal(err)
	}
	var all []grading
	for block := range strings.SplitSeq(string(data), "\n\n") {
		if strings.HasPrefix(block, "#") {
			continue
		}
		var g grading
		for said := range strings.Lines(block) {
			said = strings.TrimSpace(said)
			switch {
			case strings.HasPrefix(said, "medians "):
				g.medians = numbers(t, said[8:], " ")
			case strings.HasPrefix(said, "order "):
				for equal := range strings.SplitSeq(said[6:], " ") {
					g.order = append(g.order, numbers(t, equal, "="))
				}
			case strings.Trim(said, "0123456789 ") == "" && said != "":
				g.ballots = append(g.ballots, numbers(t, said, " "))
			default:
				g.name += said
			}
		}
		all = append(all, g)
	}
	return all
}

func numbers(t *testing.T, text, between string) []int {
	t.Helper()
	var all []int
	for one := range strings.SplitSeq(text, between) {
		n, err := strconv.Atoi(one)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, n)
	}
	return all
}

func TestMajorityJudgment(t *testing.T) {
	all := gradings(t)
	if len(all) != 13 {
		t.Fatalf("%d cases in testdata/judgment.txt", len(all))
	}
	for _, g := range all {
		t.Run(g.name, func(t *testing.T) {
			e := hold(ask(tally.KindPoll, 7, len(g.medians)))
			for i, ballot := range g.ballots {
				e.vote(member(i), gives(ballot...))
			}
			got := e.count()
			if !slices.Equal(got.Medians, g.medians) {
				t.Errorf("medians %v, want %v", got.Medians, g.medians)
			}
			place := 0
			for _, equal := range g.order {
				have := slices.Sorted(slices.Values(got.Order[place : place+len(equal)]))
				if !slices.Equal(have, equal) {
					t.Errorf("order %v, want %v", got.Order, g.order)
				}
				place += len(equal)
			}
		})
	}
}

// The quorum of every size to a hundred, as testdata/quorum.txt says by hand.
func TestQuorum(t *testing.T) {
	data, err := os.ReadFile("testdata/quorum.txt")
	if err != nil {
		t.Fatal(err)
	}
	next := 1
	for said := range strings.Lines(string(data)) {
		var from, to, want int
		if _, err := fmt.Sscanf(said, "%d-%d %d", &from, &to, &want); err != nil {
			continue
		}
		if from != next {
			t.Fatalf("%d follows %d", from, next-1)
		}
		for ; next <= to; next++ {
			if got := tally.Quorum(next); got != want {
				t.Errorf("%d members: %d, want %d", next, got, want)
			}
		}
	}
	if next != 101 {
		t.Error("the table ends before", next)
	}
}

// Fifteen votes of twenty-six co-operatives, counted by hand on Loomio (gist of chrisroos, cited
// in the founding reports): one reached half of the members, eleven have the quorum of 8.
func TestTheCoTechSeries(t *testing.T) {
	met, half := 0, 0
	for round, turnout := range []int{13, 8, 12, 6, 8, 12, 9, 12, 9, 12, 10, 11, 2, 1, 2} {
		q := ask(tally.KindConsent, 26, 0)
		q.Opened -= core.Moment(round)
		got := hold(q).ballots(strings.Repeat("a", turnout)).count()
		if got.N != 26 || got.Quorum != 8 || got.Turnout != turnout {
			t.Fatal(got.Text)
		}
		if want := map[bool]tally.Result{true: tally.Passed, false: tally.NoQuorum}[turnout >= 8]; got.Result != want {
			t.Errorf("%d of 26: %s", turnout, got.Result)
		}
		if got.Result == tally.Passed {
			met++
		}
		if 2*got.Turnout >= got.N {
			half++
		}
	}
	if met != 11 || half != 1 {
		t.Errorf("%d have a quorum, %d half of the members", met, half)
	}
}
