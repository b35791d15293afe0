package ask

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"entrechat/internal/core"
)

// machine is a holder's machine: what really passed, and what its clock on the wall says.
type machine struct {
	Clock
	really core.Moment
	off    time.Duration // of the wall
}

func (m *machine) wall() core.Moment { return m.really.Add(m.off) }

// runs lets it run, ticking each minute; others sign heads all the time.
func (m *machine) runs(d time.Duration, heads bool) {
	for d > 0 {
		step := min(d, time.Minute)
		m.really, d = m.really.Add(step), d-step
		heard := core.Moment(0)
		if heads {
			heard = m.really.Add(-time.Minute)
		}
		m.Clock = m.Tick(m.wall(), step, heard)
	}
}

func (m *machine) sleeps(d time.Duration) {
	m.really = m.really.Add(d)
	m.Clock = m.Begin(m.wall())
}

func newMachine() *machine {
	m := &machine{really: made}
	m.Clock = m.Begin(m.wall())
	return m
}

func TestClockCounts(t *testing.T) {
	for name, c := range map[string]struct {
		do       func(m *machine)
		ran      time.Duration
		doubtful bool
	}{
		"it runs":                         {func(m *machine) { m.runs(3*hour, true) }, 3 * hour, false},
		"it runs alone":                   {func(m *machine) { m.runs(3*hour, false) }, 3 * hour, false},
		"off for 10 h, heads bear it out": {func(m *machine) { m.runs(hour, true); m.sleeps(10 * hour); m.runs(hour, true) }, 11 * hour, false},
		"off for 10 h, nobody heard":      {func(m *machine) { m.runs(hour, true); m.sleeps(10 * hour); m.runs(hour, false) }, 2 * hour, true},
		"a year ahead while it runs":      {func(m *machine) { m.runs(hour, true); m.off = 365 * day; m.runs(hour, true) }, 2 * hour, true},
		"a year ahead while it is off":    {func(m *machine) { m.runs(hour, true); m.off = 365 * day; m.sleeps(2 * hour); m.runs(hour, true) }, 3 * hour, true},
		"a year back":                     {func(m *machine) { m.runs(hour, true); m.off = -365 * day; m.runs(hour, true) }, 2 * hour, true},
		"a year back and forth, off": {func(m *machine) {
			m.runs(hour, true)
			m.off = -365 * day
			m.runs(hour, true)
			m.sleeps(0)
			m.off = 0
			m.sleeps(0)
			m.runs(hour, true)
		}, 3 * hour, false},
		"a clock that was a year back from the start": {func(m *machine) {
			m.off = -365 * day
			m.Clock = Clock{}.Begin(m.wall())
			m.runs(hour, true)
			m.off = 0
			m.sleeps(0)
			m.runs(hour, true)
		}, 2 * hour, false},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMachine()
			c.do(m)
			if m.Ran != c.ran || m.Doubtful() != c.doubtful {
				t.Errorf("counted %v, doubtful %v (owed %v); want %v, %v", m.Ran, m.Doubtful(), m.Owed, c.ran, c.doubtful)
			}
		})
	}
}

// TestClockNeverAhead: whatever the wall says, and whenever the machine is off, no more is
// counted than really passed.
func TestClockNeverAhead(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := newMachine()
		m.off = time.Duration(rapid.IntRange(-400*24*60, 400*24*60).Draw(t, "off")) * time.Minute
		m.Clock = Clock{}.Begin(m.wall())
		start := m.really
		for range rapid.IntRange(1, 12).Draw(t, "events") {
			d := time.Duration(rapid.IntRange(0, 30*60).Draw(t, "minutes")) * time.Minute
			switch rapid.IntRange(0, 4).Draw(t, "what") {
			case 0:
				m.runs(d, false)
			case 1:
				m.runs(d, true)
			case 2:
				m.sleeps(d)
			case 3:
				m.off = time.Duration(rapid.IntRange(-400*24*60, 400*24*60).Draw(t, "off")) * time.Minute
			case 4:
				m.off = 0
			}
		}
		if passed := m.really.Sub(start); m.Ran > passed {
			t.Fatalf("counted %v of %v", m.Ran, passed)
		}
	})
}

func TestBorneOut(t *testing.T) {
	for _, c := range []struct {
		heads []core.Moment
		want  core.Moment
	}{{nil, 0}, {[]core.Moment{9}, 0}, {[]core.Moment{9, 5}, 5}, {[]core.Moment{5, 9, 7, 1}, 7}, {[]core.Moment{9, 9}, 9}} {
		if got := BorneOut(c.heads); got != c.want {
			t.Errorf("%v: %d, want %d", c.heads, got, c.want)
		}
	}
}
