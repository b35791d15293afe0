package silence

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"entrechat/internal/core"
)

var noon = core.At(time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC))

const lost core.MemberID = "chaton-a.test"

// sights are six members of whom one was heard last some days ago; the five others a moment ago.
func sights(heard, down time.Duration, watchers, networks int) []Sight {
	out := []Sight{{Member: lost, Heard: noon.Add(-heard), Watchers: watchers, Networks: networks}}
	if down != 0 {
		out[0].Down = noon.Add(-down)
	}
	for i := range 5 {
		out = append(out, Sight{Member: core.MemberID(fmt.Sprintf("chaton-%c.test", 'b'+i)), Heard: noon.Add(-time.Duration(i) * time.Minute)})
	}
	return out
}

func TestJudge(t *testing.T) {
	unheard := func(n int) func([]Sight) []Sight {
		return func(all []Sight) []Sight {
			for i := range n {
				all[i+1].Heard = noon.Add(-9 * day)
			}
			return all
		}
	}
	same := func(all []Sight) []Sight { return all }
	for name, c := range map[string]struct {
		sights []Sight
		change func([]Sight) []Sight
		now    core.Moment
		cut    bool
		want   State
		days   int
	}{
		"heard":                                  {sights(6*day, 6*day, 5, 4), same, noon, false, Well, 0},
		"a week, and seen down":                  {sights(7*day+time.Hour, 7*day+time.Hour, 3, 2), same, noon, false, Silent, 7},
		"20 days":                                {sights(20*day+time.Hour, 20*day+time.Hour, 5, 4), same, noon, false, Silent, 20},
		"not heard, and its services run":        {sights(30*day, 0, 0, 0), same, noon, false, Quiet, 0},
		"two watchers":                           {sights(30*day, 30*day, 2, 2), same, noon, false, Quiet, 0},
		"three on one network":                   {sights(30*day, 30*day, 3, 1), same, noon, false, Quiet, 0},
		"services fell yesterday":                {sights(30*day, day, 5, 4), same, noon, false, Quiet, 0},
		"days count from the later":              {sights(30*day, 8*day+time.Hour, 5, 4), same, noon, false, Silent, 8},
		"never heard":                            {sights(0, 30*day, 5, 4), func(all []Sight) []Sight { all[0].Heard = 0; return all }, noon, false, Quiet, 0},
		"watch says that we are cut off":         {sights(30*day, 30*day, 5, 4), same, noon, true, OwnLine, 0},
		"a third and no more":                    {sights(31*day, 31*day, 5, 4), unheard(1), noon, false, Silent, 30},
		"more than a third":                      {sights(30*day, 30*day, 5, 4), unheard(2), noon, false, OwnLine, 0},
		"our clock leapt by 60 days":             {sights(time.Hour, time.Hour, 5, 4), same, noon.Add(60 * day), false, OwnLine, 0},
		"our clock leapt by a year":              {sights(time.Hour, time.Hour, 5, 4), same, noon.Add(365 * day), false, OwnLine, 0},
		"our clock is 6 days ahead":              {sights(5*day, 5*day, 5, 4), same, noon.Add(6 * day), false, Quiet, 0},
		"nobody else bears the time out":         {sights(30*day, 30*day, 5, 4)[:2], same, noon, false, OwnLine, 0},
		"long dead members are not our own line": {append(sights(31*day, 31*day, 5, 4), Sight{Member: "old.test", Heard: noon.Add(-300 * day)}, Sight{Member: "older.test", Heard: noon.Add(-400 * day)}), same, noon, false, Silent, 30},
	} {
		t.Run(name, func(t *testing.T) {
			got := Judge(c.change(c.sights), c.now, c.cut)[0]
			if got.State != c.want || got.Days != c.days {
				t.Errorf("%s, %d days; want %s, %d", got.State, got.Days, c.want, c.days)
			}
		})
	}
}

// TestNobodyIsSilentTooSoon: whatever is seen, whoever is silent was not heard for a week, by time
// that two other members bear out, enough watchers see it down, and not too many are unheard.
func TestNobodyIsSilentTooSoon(t *testing.T) {
	silent := 0
	rapid.Check(t, func(t *rapid.T) {
		ago := rapid.Map(rapid.SampledFrom([]int64{-3, 0, 100, 167, 168, 169, 300, 1000}), func(h int64) core.Moment { return noon.Add(-time.Duration(h) * time.Hour) })
		all := make([]Sight, rapid.SampledFrom([]int{1, 3, 4, 6, 9}).Draw(t, "members"))
		n := len(all)
		for i := range all {
			all[i] = Sight{Member: core.MemberID(fmt.Sprintf("m%d.test", i)), Heard: noon.Add(-time.Duration(i) * time.Hour)}
			if rapid.SampledFrom([]bool{true, false, false}).Draw(t, "odd") {
				all[i].Heard, all[i].Down = ago.Draw(t, "heard"), ago.Draw(t, "down")
				all[i].Watchers, all[i].Networks = rapid.SampledFrom([]int{2, 3, 5}).Draw(t, "watchers"), rapid.SampledFrom([]int{1, 2, 4}).Draw(t, "networks")
			}
		}
		if rapid.Bool().Draw(t, "one is lost") {
			all[0] = Sight{Member: "m0.test", Heard: noon.Add(-300 * time.Hour), Down: noon.Add(-250 * time.Hour), Watchers: 3, Networks: 2}
		}
		now := noon
		if rapid.Bool().Draw(t, "leaps") {
			now = noon.Add(time.Duration(rapid.SampledFrom([]int64{-100, 24, 200, 1000}).Draw(t, "leap")) * time.Hour)
		}
		found := Judge(all, now, false)
		missing := 0
		for _, s := range all {
			if now.Sub(s.Heard) >= Unheard {
				missing++
			}
		}
		for i, f := range found {
			if f.State != Silent {
				continue
			}
			silent++
			s, later := all[i], 0
			for j, o := range all {
				if j != i && o.Heard.Sub(max(s.Heard, s.Down)) >= Unheard {
					later++
				}
			}
			if later < 2 || s.Watchers < 3 || s.Networks < 2 || s.Down == 0 || now.Sub(s.Heard) < Unheard || 3*missing > n || f.Days < 7 {
				t.Fatalf("%+v is silent among %+v at %d", f, all, now)
			}
			// One head of it, and it is well.
			all[i].Heard = now.Add(-time.Hour)
			if again := Judge(all, now, false)[i]; again.State != Well {
				t.Fatalf("heard again: %+v", again)
			}
			return
		}
	})
	if silent == 0 {
		t.Error("nobody was ever silent: this test looked at nothing")
	}
}

func TestMayAsk(t *testing.T) {
	f := Finding{Member: lost, State: Silent, Heard: noon.Add(-22 * day), Since: noon.Add(-22 * day), Days: 22}
	calls := []Call{{Member: lost, At: noon.Add(-day), By: "Ana"}}
	for want, c := range map[string]struct {
		f       Finding
		calls   []Call
		settled core.Moment
	}{
		"":                                  {f, calls, noon},
		"succession.silence.well":           {Finding{State: Well}, calls, noon},
		"succession.silence.line":           {Finding{State: OwnLine}, calls, noon},
		"succession.silence.quiet":          {Finding{State: Quiet, Watchers: 2, Networks: 2}, calls, noon},
		"succession.silence.early":          {Finding{State: Silent, Days: 20}, calls, noon},
		"succession.silence.unsettled":      {f, calls, noon.Add(time.Hour)},
		"succession.silence.nobody_called":  {f, []Call{{At: noon.Add(-23 * day), By: "Ana"}}, noon}, // in the silence before
		"succession.silence.was_reached":    {f, append(calls, Call{At: noon, By: "Bo", Reached: true}), noon},
		"succession.silence.nobody_called ": {f, nil, noon},
	} {
		if got := keyOf(mayAsk(c.f, c.calls, c.settled, noon)); got != trimmed(want) {
			t.Errorf("%q, not %q", got, want)
		}
	}
}
