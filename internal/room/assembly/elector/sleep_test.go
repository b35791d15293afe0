package elector

import (
	"strings"
	"testing"
)

func TestSleeps(t *testing.T) {
	const n, u, o = Nothing, Unopened, Opened
	for _, c := range []struct {
		took []Took // empty = not in that electorate
		want bool
	}{
		{nil, false},
		{[]Took{n, n}, false},
		{[]Took{n, n, n}, true},
		{[]Took{o, n, n, n}, true},
		{[]Took{n, o, n, n}, false},
		{[]Took{n, n, n, o}, false}, // it woke
		{[]Took{n, n, n, u}, false}, // a commit wakes, once
		{[]Took{n, n, n, u, u}, true},
		{[]Took{u}, false},
		{[]Took{u, u}, true},
		{[]Took{u, o, u}, false},
		{[]Took{u, u, o}, false},
		{[]Took{u, n}, false},
		{[]Took{n, u, n, n}, false},
		{[]Took{n, "", n, "", n}, true},
		{[]Took{u, "", u}, true},
		{[]Took{"", "", ""}, false},
	} {
		var earlier []Part
		for _, took := range c.took {
			p := Part{id("b"): Opened}
			if took != "" {
				p[id("a")] = took
			}
			earlier = append(earlier, p)
		}
		if got := Sleeps(id("a"), earlier); got != c.want {
			t.Errorf("%v: %v", c.took, got)
		}
		if Sleeps(id("b"), earlier) || Sleeps(id("c"), earlier) {
			t.Errorf("%v: another sleeps", c.took)
		}
	}
}

func TestElectorateNamesSleepers(t *testing.T) {
	w := found(2, "ab")
	w.join(200, "c") // not admitted
	var says []string
	for _, e := range w.draw().Electorate([]Part{{id("b"): Unopened}, {id("b"): Unopened}}) {
		word := name(e.Member)
		if e.Sleeping {
			word += " sleeps"
		}
		if e.Root != rootOf(e.Member) {
			t.Errorf("%s under %s", e.Member, e.Root)
		}
		says = append(says, word)
	}
	if got := strings.Join(says, ", "); got != "a, b sleeps" {
		t.Error(got)
	}
}
