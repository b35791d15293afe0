//go:build linux && long

package network

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"entrechat/internal/app/lab"
)

// TestNetwork tells one story after another in one world; each has an owner of its own.
func TestNetwork(t *testing.T) {
	w := newWorld(t)
	w.befriend(t)
	a, b, c, d := w.nodes[0], w.nodes[1], w.nodes[2], w.nodes[3]
	busy := w.serves(t, a, "Pad", 1, 8080, "")
	gone := w.serves(t, b, "Wiki", 2, 8080, "")
	torn := w.serves(t, c, "Cloud", 3, 8080, "")
	killed := w.serves(t, d, "Mail", 4, 8080, "")
	root, _ := w.roots.Load(c.Name)
	path := w.serves(t, c, "Blog", alone, 80, fmt.Sprintf("entrechat=%s", root))
	for _, n := range []*lab.Node{a, b, c, d} {
		w.awaken(t, n)
	}
	var many []*service
	for i, mode := range faults() {
		many = append(many, w.serves(t, w.nodes[5], fmt.Sprintf("Service %d %s", i, mode), 6, 8081+i, ""))
	}
	for _, s := range append([]*service{busy, gone, torn, killed, path}, many...) {
		w.eventually(t, "voters of "+s.name, time.Minute, func() (bool, string) {
			v := w.show(t, s.owner, s)
			return len(v.Vote) == count-1, v.String()
		})
		w.stands(t, s, "up", 2*time.Minute, w.lookers(t, s)...)
	}
	// These touch no link between hosters.
	t.Run("apart", func(t *testing.T) {
		t.Run("answers 503", func(t *testing.T) { t.Parallel(); w.answers503(t, busy) })
		t.Run("one path", func(t *testing.T) { t.Parallel(); w.onePath(t, path) })
		t.Run("killed", func(t *testing.T) { t.Parallel(); w.killed(t, killed) })
		t.Run("faults", func(t *testing.T) { t.Parallel(); w.detects(t, many) })
	})
	t.Run("owner cut off", func(t *testing.T) { w.cutOff(t, gone) })
	t.Run("torn", func(t *testing.T) { w.torn(t, torn) })
	t.Run("mails", func(t *testing.T) {
		for s, want := range map[*service]int{busy: 1, gone: 1, killed: 1, torn: 0, path: 0} {
			down, back := w.letters(t, s.owner, "Down: "+s.name), w.letters(t, s.owner, "Back: "+s.name)
			if len(down) != want || len(back) != want || w.mentions(s) != 2*want {
				t.Errorf("%s of %s: want %d mails of each, got %v", s.name, s.owner.Name, want, w.letters(t, s.owner, ""))
			}
		}
	})
}

// answers503: voters agree, every member says the same, and so when it is well again.
func (w *world) answers503(t *testing.T, s *service) {
	s.behave(t, lab.Busy)
	w.stands(t, s, "down", 40*time.Second, w.nodes[5])
	w.stands(t, s, "down", 20*time.Second, w.nodes...)
	first := w.show(t, w.nodes[5], s)
	for _, n := range []*lab.Node{s.owner, w.nodes[1], w.nodes[6]} {
		v := w.show(t, n, s)
		if v.Since != first.Since || v.Failing != first.Failing || v.Voters != first.Voters || v.Weak || !slices.Equal(v.Vote, first.Vote) {
			t.Errorf("%s says %v, %s says %v", w.nodes[5].Name, first, n.Name, v)
		}
	}
	w.mailed(t, s.owner, "Down: Pad", 20*time.Second)
	s.behave(t, lab.Well)
	w.stands(t, s, "up", 40*time.Second, w.nodes...)
	w.mailed(t, s.owner, "Back: Pad", 20*time.Second)
}

// onePath: a voter that alone does not reach a target convinces nobody.
func (w *world) onePath(t *testing.T, s *service) {
	// One that no other story kills meanwhile.
	sees := slices.DeleteFunc(w.lookers(t, s), func(n *lab.Node) bool { return n == w.nodes[3] || n == w.nodes[4] || n == s.owner })
	blind := sees[0]
	cut(t, at(slices.Index(w.nodes, blind)+1), at(alone))
	w.eventually(t, "seen failing by the blind one", 40*time.Second, func() (bool, string) {
		v := w.show(t, blind, s)
		return v.Newest != nil && v.Newest.Class != "", v.String()
	})
	w.during(t, 25*time.Second, func() {
		for _, n := range append(sees, s.owner) {
			// Who is blind may find too few to tell it better; it never says down.
			if v := w.show(t, n, s); v.State != "up" && (n != blind || v.State == "down") {
				t.Errorf("%s says %v", n.Name, v)
			}
		}
	})
	mend(t)
}

// faults are ways of a service to fail.
func faults() []lab.Mode {
	return []lab.Mode{lab.Busy, lab.Hanging, lab.Reset, lab.Lying, lab.Busy, lab.Lying, lab.Reset, lab.Hanging}
}

// detects: however a service fails, its voters say so soon.
func (w *world) detects(t *testing.T, all []*service) {
	type fault struct {
		since time.Time
		took  time.Duration
	}
	seen := map[*service]*fault{}
	for i, s := range all {
		s.behave(t, faults()[i])
		seen[s] = &fault{since: time.Now()}
		w.pause(every * 13 / 100) // so that they fall into different places of the rhythm
	}
	w.eventually(t, "all faults seen", 60*time.Second, func() (bool, string) {
		left := ""
		now := w.list(t, w.nodes[0])
		for s, f := range seen {
			switch {
			case f.took != 0:
			case s.of(now).State == "down":
				f.took = time.Since(f.since)
			default:
				left += s.of(now).String() + "\n"
			}
		}
		return left == "", left
	})
	var took []time.Duration
	for s, f := range seen {
		took = append(took, f.took)
		t.Logf("%s: down after %.1f s", s.name, f.took.Seconds())
		s.behave(t, lab.Well)
	}
	slices.Sort(took)
	t.Logf("%d faults at %s: p50 %.1f s, p95 %.1f s", len(took), every, took[len(took)/2].Seconds(), took[len(took)*95/100].Seconds())
}

// during looks again and again, for a while.
func (w *world) during(t *testing.T, long time.Duration, look func()) {
	t.Helper()
	for end := time.Now().Add(long); time.Now().Before(end) && !t.Failed(); w.pause(2 * time.Second) {
		look()
	}
}

// killed: the owner's node and a voter's die while its service is down.
func (w *world) killed(t *testing.T, s *service) {
	voter, witness := w.nodes[4], w.nodes[5]
	s.behave(t, lab.Reset)
	w.stands(t, s, "down", 40*time.Second, witness, s.owner)
	w.mailed(t, s.owner, "Down: Mail", 40*time.Second)
	before := w.show(t, witness, s)
	s.owner.Kill()
	voter.Kill()
	w.pause(5 * time.Second)
	w.each(t, []*lab.Node{s.owner, voter}, func(n *lab.Node) error { return n.Up(w.ctx) })
	for _, n := range []*lab.Node{s.owner, voter, witness} {
		if v := w.show(t, n, s); v.State != "down" || v.Since != before.Since {
			t.Errorf("%s says %v after the kill, %v before", n.Name, v, before)
		}
	}
	s.behave(t, lab.Well)
	w.stands(t, s, "up", 40*time.Second, w.nodes...)
	w.mailed(t, s.owner, "Back: Mail", 40*time.Second)
	// The time that was lost is no other for who was away in it.
	truth, ok := w.away(t, witness, s)
	for _, n := range []*lab.Node{s.owner, voter} {
		if away, has := w.away(t, n, s); !ok || !has || (away-truth).Abs() > 2*time.Second {
			t.Errorf("%s counts %s, %s counts %s", n.Name, away, witness.Name, truth)
		}
	}
}

// away is how long a service was down in its last incident, as a node counts it.
func (w *world) away(t *testing.T, n *lab.Node, s *service) (time.Duration, bool) {
	t.Helper()
	var all []struct {
		Services []string `json:"services"`
		Opened   int64    `json:"opened_us"`
		Closed   int64    `json:"closed_us"`
	}
	must(t, n.RunJSON(w.ctx, &all, "incident", "list", "--member", s.owner.Name))
	for _, i := range all {
		if slices.Contains(i.Services, s.name) && i.Closed != 0 {
			return time.Duration(i.Closed-i.Opened) * time.Microsecond, true
		}
	}
	return 0, false
}

// cutOff: the owner's node and its service reach nobody.
func (w *world) cutOff(t *testing.T, s *service) {
	for place := range count {
		if w.nodes[place] != s.owner {
			cut(t, at(2), at(place+1))
		}
	}
	cut(t, at(2), mailHost)
	begun := time.Now()
	voters := w.others(s.owner)
	w.stands(t, s, "down", 60*time.Second, voters...)
	l := w.mailed(t, s.owner, "Down", 60*time.Second)
	t.Logf("mail %.1f s after the cut, by %s", l.at.Sub(begun).Seconds(), l.from)
	w.page(t, voters[0], s, "down", 90*time.Second)
	t.Logf("on the page %.1f s after the cut", time.Since(begun).Seconds())
	if took := time.Since(begun); took > 90*time.Second {
		t.Errorf("on the page of a voter only after %s", took)
	}
	mend(t)
	w.stands(t, s, "up", 90*time.Second, w.nodes...)
	w.mailed(t, s.owner, "Back", 60*time.Second)
}

// torn: half of the voters reach neither the target nor the other half.
func (w *world) torn(t *testing.T, s *service) {
	for _, far := range []int{5, 6, 7} {
		for near := range 4 {
			cut(t, at(far), at(near+1))
		}
		cut(t, at(far), at(alone))
		cut(t, at(far), mailHost)
	}
	near, far := w.nodes[:4], w.nodes[4:]
	never := func() {
		for _, n := range w.nodes {
			if v := w.show(t, n, s); v.State == "down" {
				t.Errorf("%s says %v", n.Name, v)
			}
		}
	}
	w.eventually(t, "unknown to the far half", 60*time.Second, func() (bool, string) {
		never()
		for _, n := range far {
			if v := w.show(t, n, s); v.State != "unknown" {
				return false, n.Name + " says " + v.String()
			}
		}
		return true, ""
	})
	w.during(t, 10*time.Second, never)
	w.page(t, far[0], s, "", 30*time.Second)
	for _, n := range near {
		if v := w.show(t, n, s); v.State != "up" && v.State != "unknown" {
			t.Errorf("%s says %v", n.Name, v)
		}
	}
	mend(t)
	w.stands(t, s, "up", 100*time.Second, w.lookers(t, s)...)
}
