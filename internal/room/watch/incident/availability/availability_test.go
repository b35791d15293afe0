package availability

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"entrechat/internal/core"
	"entrechat/internal/room/watch/verdict"
)

const minute = core.Moment(60_000_000)

func TestParts(t *testing.T) {
	down := func(from, to core.Moment) Interval { return Interval{from * minute, to * minute, verdict.Down} }
	up := func(from, to core.Moment) Interval { return Interval{from * minute, to * minute, verdict.Up} }
	for name, c := range map[string]struct {
		in      []Interval
		windows []Window
		want    Sum
	}{
		"nothing known":   {want: Sum{Unknown: 100 * time.Minute}},
		"all well":        {in: []Interval{up(-50, 0)}, want: Sum{Up: 100 * time.Minute}},
		"down for a time": {in: []Interval{up(-5, 10), down(10, 40), up(40, 0)}, want: Sum{Up: 70 * time.Minute, Down: 30 * time.Minute}},
		"a gap is not up": {in: []Interval{up(-5, 10), up(40, 0)}, want: Sum{Up: 70 * time.Minute, Unknown: 30 * time.Minute}},
		"announced before": {
			in: []Interval{up(-5, 10), down(10, 40), up(40, 0)}, windows: []Window{{10 * minute, 30 * minute, 5 * minute}},
			want: Sum{Up: 70 * time.Minute, Down: 10 * time.Minute, Maintenance: 20 * time.Minute},
		},
		"announced after it began": {
			in: []Interval{up(-5, 10), down(10, 40), up(40, 0)}, windows: []Window{{10 * minute, 30 * minute, 11 * minute}},
			want: Sum{Up: 70 * time.Minute, Down: 30 * time.Minute},
		},
		"announced after a partial failure began": {
			in:      []Interval{up(-5, 10), {10 * minute, 20 * minute, verdict.Partial}, down(20, 40), up(40, 0)},
			windows: []Window{{20 * minute, 40 * minute, 15 * minute}},
			want:    Sum{Up: 70 * time.Minute, Down: 20 * time.Minute, Partial: 10 * time.Minute},
		},
		"began before the period, announced in between": {
			in: []Interval{down(-60, 40), up(40, 0)}, windows: []Window{{0, 40 * minute, -30 * minute}},
			want: Sum{Up: 60 * time.Minute, Down: 40 * time.Minute},
		},
		"up in a maintenance is up": {in: []Interval{up(-5, 0)}, windows: []Window{{0, 50 * minute, -5 * minute}}, want: Sum{Up: 100 * time.Minute}},
		"never announced":           {in: []Interval{down(10, 0)}, windows: []Window{{10 * minute, 50 * minute, 0}}, want: Sum{Down: 90 * time.Minute, Unknown: 10 * time.Minute}},
	} {
		if diff := cmp.Diff(c.want, Of(Parts(c.in, c.windows, 0, 100*minute))); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

var states = []verdict.State{verdict.Up, verdict.Down, verdict.Partial, verdict.Unknown}

func drawIntervals(t *rapid.T, name string) (out []Interval) {
	for range rapid.IntRange(0, 12).Draw(t, name) {
		from := core.Moment(rapid.Int64Range(-500, 1500).Draw(t, "from"))
		i := Interval{from, from + core.Moment(rapid.Int64Range(-2, 400).Draw(t, "long")), rapid.SampledFrom(states).Draw(t, "state")}
		if rapid.IntRange(0, 9).Draw(t, "open") == 0 {
			i.To = 0
		}
		out = append(out, i)
	}
	return out
}

func drawWindows(t *rapid.T) (out []Window) {
	for range rapid.IntRange(0, 4).Draw(t, "windows") {
		from := core.Moment(rapid.Int64Range(-100, 1200).Draw(t, "from"))
		out = append(out, Window{from, from + core.Moment(rapid.Int64Range(-2, 300).Draw(t, "long")), core.Moment(rapid.Int64Range(-600, 1200).Draw(t, "said"))})
	}
	return out
}

func TestPartsAreTheWhole(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in, windows := drawIntervals(t, "n"), drawWindows(t)
		parts := Parts(in, windows, 0, 1000)
		at := core.Moment(0)
		for _, p := range parts {
			if p.From != at || p.To <= p.From {
				t.Fatalf("a gap or an overlap: %+v", parts)
			}
			at = p.To
		}
		if at != 1000 || Of(parts).Total() != core.Moment(1000).Sub(0) {
			t.Fatalf("%+v is not the whole", parts)
		}
		// Without its maintenance the same time is down or partial, never up; what nobody
		// says anything of is never up.
		bare, with := Of(Parts(in, nil, 0, 1000)), Of(parts)
		if bare.Up != with.Up || bare.Unknown != with.Unknown || bare.Down+bare.Partial != with.Down+with.Partial+with.Maintenance {
			t.Fatalf("%+v, without maintenance %+v", with, bare)
		}
		var said time.Duration
		for _, i := range in {
			if i.State == verdict.Up && (i.To == 0 || i.To > i.From) {
				end := i.To
				if end == 0 {
					end = 1000
				}
				said += max(0, min(end, 1000).Sub(max(i.From, 0)))
			}
		}
		if with.Up > said {
			t.Fatalf("up for %v, intervals say %v", with.Up, said)
		}
	})
}

func TestCombineIsTheWorst(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := drawIntervals(t, "a"), drawIntervals(t, "b")
		sum := Of(Parts(Combine([][]Interval{a, b}, 0, 1000), nil, 0, 1000))
		one, other := Of(Parts(a, nil, 0, 1000)), Of(Parts(b, nil, 0, 1000))
		if sum.Total() != core.Moment(1000).Sub(0) || sum.Up > min(one.Up, other.Up) || sum.Down < max(one.Down, other.Down) {
			t.Fatalf("%+v of %+v and %+v", sum, one, other)
		}
		if alone := Of(Parts(Combine([][]Interval{a}, 0, 1000), nil, 0, 1000)); alone != one {
			t.Fatalf("one target alone: %+v, %+v", alone, one)
		}
	})
}

func TestCalendar(t *testing.T) {
	paris, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		t.Fatal(err)
	}
	moment := func(s string) core.Moment {
		at, err := time.ParseInLocation("2006-01-02", s, paris)
		if err != nil {
			t.Fatal(err)
		}
		return core.At(at)
	}
	for day, hours := range map[string]time.Duration{"2026-03-29": 23, "2026-10-25": 25, "2026-06-01": 24} {
		end := core.At(moment(day).Time().In(paris).AddDate(0, 0, 1))
		if all := Days(moment(day), end, paris); len(all) != 1 || all[0].To.Sub(all[0].From) != hours*time.Hour {
			t.Errorf("%s: %v", day, all)
		}
	}
	lengths := map[int]time.Duration{0: 31 * 24, 1: 28 * 24, 2: 31*24 - 1, 3: 30 * 24, 9: 31*24 + 1, 11: 31 * 24}
	months := Months(moment("2026-01-01"), moment("2027-01-01"), paris)
	if len(months) != 12 {
		t.Fatalf("%d months", len(months))
	}
	for n, want := range lengths {
		if got := months[n].To.Sub(months[n].From); got != want*time.Hour {
			t.Errorf("month %d: %v", n+1, got)
		}
	}
	if leap := Months(moment("2028-02-01"), moment("2028-03-01"), paris); leap[0].To.Sub(leap[0].From) != 29*24*time.Hour {
		t.Errorf("February 2028: %v", leap)
	}
}

func TestCalendarIsTheWhole(t *testing.T) {
	zones := []string{"Europe/Paris", "UTC", "America/Sao_Paulo", "Asia/Kathmandu", "Africa/Casablanca", "America/Havana", "Pacific/Apia", "Australia/Lord_Howe"}
	rapid.Check(t, func(t *rapid.T) {
		at, err := time.LoadLocation(rapid.SampledFrom(zones).Draw(t, "zone"))
		if err != nil {
			t.Fatal(err)
		}
		from := core.Moment(rapid.Int64Range(1_200_000_000, 2_000_000_000).Draw(t, "from") * 1_000_000)
		to := from.Add(time.Duration(rapid.Int64Range(1, 400*24*3600).Draw(t, "long")) * time.Second)
		parts := Parts([]Interval{{from.Add(time.Hour), 0, verdict.Up}}, nil, from, to)
		for _, spans := range [][]Span{Days(from, to, at), Months(from, to, at)} {
			place := from
			for _, s := range spans {
				if s.From != place || s.To <= s.From {
					t.Fatalf("a gap: %v", spans)
				}
				place = s.To
			}
			if place != to || Of(Cut(parts, spans)) != Of(parts) {
				t.Fatal("the spans are not the whole")
			}
		}
	})
}

func TestOutages(t *testing.T) {
	in := []Interval{
		{0, 10 * minute, verdict.Up},
		{10 * minute, 20 * minute, verdict.Down},
		{20 * minute, 25 * minute, verdict.Unknown},
		{25 * minute, 30 * minute, verdict.Partial},
		{30 * minute, 40 * minute, verdict.Up},
		{40 * minute, 50 * minute, verdict.Partial},
		{50 * minute, 60 * minute, verdict.Up},
		{60 * minute, 70 * minute, verdict.Down},
		{70 * minute, 80 * minute, verdict.Up},
		{80 * minute, 0, verdict.Down},
	}
	windows := []Window{{60 * minute, 75 * minute, 1}}
	want := []Outage{{From: 10 * minute, To: 30 * minute}, {From: 60 * minute, To: 70 * minute, Planned: true}, {From: 80 * minute}}
	if diff := cmp.Diff(want, Outages(in, windows, 0, 100*minute)); diff != "" {
		t.Error(diff)
	}
}

func TestPercentile(t *testing.T) {
	all := []time.Duration{5, 1, 4, 2, 3, 6, 7, 8, 9, 10}
	if p50, p90, none := Percentile(all, 0.5), Percentile(all, 0.9), Percentile(nil, 0.5); p50 != 5 || p90 != 9 || none != 0 {
		t.Error(p50, p90, none)
	}
}
