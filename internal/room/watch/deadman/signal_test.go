package deadman

import (
	"slices"
	"testing"
	"time"

	"github.com/adhocore/gronx"
	"pgregory.net/rapid"

	"entrechat/internal/core"
	"entrechat/internal/room/watch/target"
)

func at(t *testing.T, text string) core.Moment {
	t.Helper()
	when, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return core.At(when)
}

func signal(s target.Signal) target.Target {
	return target.Target{ID: "00112233445566aa", Owner: "chaton-a.test", Kind: target.Ping, Expect: target.Expect{Signal: &s}}
}

func TestJudge(t *testing.T) {
	hourly := target.Signal{Period: 3600, Grace: 600}
	const base = core.Moment(1_800_000_000_000_000)
	minute := func(n int64) core.Moment { return base.Add(time.Duration(n) * time.Minute) }
	for name, c := range map[string]struct {
		record Record
		now    core.Moment
		want   Standing
	}{
		"nothing yet":            {Record{}, base, Standing{State: Unheard}},
		"just now":               {Record{Last: base}, minute(1), Standing{State: Up, Due: minute(60), Deadline: minute(70)}},
		"a second before due":    {Record{Last: base}, minute(60) - 1, Standing{State: Up, Due: minute(60), Deadline: minute(70)}},
		"due":                    {Record{Last: base}, minute(60), Standing{State: Late, Due: minute(60), Deadline: minute(70)}},
		"the grace is over":      {Record{Last: base}, minute(70), Standing{State: Down, Due: minute(60), Deadline: minute(70)}},
		"it failed":              {Record{Last: base, Failed: minute(5)}, minute(6), Standing{State: Down, Failed: true}},
		"well again":             {Record{Last: minute(9), Failed: minute(5)}, minute(10), Standing{State: Up, Due: minute(69), Deadline: minute(79)}},
		"began, first time":      {Record{Started: base}, minute(5), Standing{State: Up, Running: true, Due: base, Deadline: minute(10)}},
		"began, never ended":     {Record{Started: base}, minute(10), Standing{State: Down, Running: true, Due: base, Deadline: minute(10)}},
		"running":                {Record{Last: base, Started: minute(60)}, minute(65), Standing{State: Up, Running: true, Due: minute(60), Deadline: minute(70)}},
		"running, hung":          {Record{Last: base, Started: minute(20)}, minute(31), Standing{State: Down, Running: true, Due: minute(20), Deadline: minute(30)}},
		"a start after a fail":   {Record{Last: base, Failed: minute(5), Started: minute(6)}, minute(7), Standing{State: Down, Failed: true, Running: true}},
		"success and fail alike": {Record{Last: base, Failed: base}, minute(1), Standing{State: Up, Due: minute(60), Deadline: minute(70)}},
	} {
		if got := Judge(signal(hourly), c.record, c.now); got != c.want {
			t.Errorf("%s: %+v", name, got)
		}
	}
	paused := signal(hourly)
	paused.Paused = true
	if got := Judge(paused, Record{Last: base}, minute(500)); got.State != Paused {
		t.Errorf("%+v", got)
	}
	// An expression that never comes is no reason to call anything silent.
	if got := Judge(signal(target.Signal{Cron: "0 0 30 2 *"}), Record{Last: base}, minute(1e6)); got.State != Up || got.Deadline != 0 {
		t.Errorf("%+v", got)
	}
}

// TestRecordOrder: pings that came by several ways, in any order and more than once, give
// one record.
func TestRecordOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pings := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Ping {
			return Ping{
				Kind: rapid.SampledFrom([]Kind{Success, Start, Fail, Log}).Draw(t, "kind"),
				At:   core.Moment(rapid.Int64Range(1, 20).Draw(t, "at")),
				Via:  rapid.SampledFrom([]core.MemberID{"a.test", "b.test"}).Draw(t, "via"),
				Code: rapid.IntRange(0, 3).Draw(t, "code"),
			}
		}), 0, 12).Draw(t, "pings")
		fold := func(all []Ping) (r Record) {
			for _, p := range all {
				r = r.With(p)
			}
			r.Ran = 0
			return r
		}
		want := fold(pings)
		if got := fold(append(rapid.Permutation(pings).Draw(t, "order"), pings...)); got != want {
			t.Fatalf("%+v, %+v", got, want)
		}
	})
}

func TestRunTime(t *testing.T) {
	r := Record{}.With(Ping{Kind: Start, At: 1e6}).With(Ping{Kind: Success, At: 6e6})
	if r.Ran != 5*time.Second {
		t.Error(r.Ran)
	}
	if r = r.With(Ping{Kind: Success, At: 9e6}); r.Ran != 5*time.Second {
		t.Error("a success without its start has no run time", r.Ran)
	}
	if r = r.With(Ping{Kind: Start, At: 10e6}).With(Ping{Kind: Fail, At: 12e6, Code: 3}); r.Ran != 2*time.Second || r.Code != 3 {
		t.Error(r)
	}
}

// TestCronOverClockChanges: Europe/Paris in spring (2 h to 3 h is skipped) and in autumn
// (2 h to 3 h comes twice). What ran as cron runs it is never silent, and a night that is
// left out is noticed.
func TestCronOverClockChanges(t *testing.T) {
	for name, c := range map[string]struct{ cron, after, want string }{
		"before the spring night":     {"30 2 * * *", "2027-03-27T02:30:05+01:00", "2027-03-28T03:30:00+02:00"},
		"ran at three instead":        {"30 2 * * *", "2027-03-28T03:00:05+02:00", "2027-03-29T02:30:00+02:00"},
		"outside the skipped hour":    {"30 4 * * *", "2027-03-27T04:30:05+01:00", "2027-03-28T04:30:00+02:00"},
		"before the autumn night":     {"30 2 * * *", "2026-10-24T02:30:05+02:00", "2026-10-25T02:30:00+02:00"},
		"ran in the first hour":       {"30 2 * * *", "2026-10-25T02:30:05+02:00", "2026-10-26T02:30:00+01:00"},
		"began in the first hour":     {"30 2 * * *", "2026-10-25T02:10:00+01:00", "2026-10-26T02:30:00+01:00"},
		"ended in the second hour":    {"30 2 * * *", "2026-10-25T02:50:00+01:00", "2026-10-26T02:30:00+01:00"},
		"midnight, spring":            {"0 0 * * *", "2027-03-28T00:00:05+01:00", "2027-03-29T00:00:00+02:00"},
		"every hour, spring":          {"0 * * * *", "2027-03-28T01:00:05+01:00", "2027-03-28T03:00:00+02:00"},
		"every hour, autumn":          {"0 * * * *", "2026-10-25T02:00:05+02:00", "2026-10-25T02:00:00+01:00"},
		"every quarter, autumn":       {"*/15 * * * *", "2026-10-25T02:45:05+02:00", "2026-10-25T02:00:00+01:00"},
		"every second hour, autumn":   {"0 */2 * * *", "2026-10-25T00:00:05+02:00", "2026-10-25T02:00:00+02:00"},
		"Mondays, over the change":    {"15 5 * * 1", "2026-10-19T05:15:05+02:00", "2026-10-26T05:15:00+01:00"},
		"the last day of a month":     {"0 6 31 * *", "2026-08-31T06:00:05+02:00", "2026-10-31T06:00:00+01:00"},
		"the 29th of February":        {"0 6 29 2 *", "2026-08-31T06:00:05+02:00", "2028-02-29T06:00:00+01:00"},
		"a list of hours, first of 2": {"0 1,2 * * *", "2026-10-25T01:00:05+02:00", "2026-10-25T02:00:00+02:00"},
	} {
		paris, err := time.LoadLocation("Europe/Paris")
		if err != nil {
			t.Fatal(err)
		}
		got, err := NextTick(c.cron, at(t, c.after).Time().In(paris))
		if err != nil || got.Format(time.RFC3339) != c.want {
			t.Errorf("%s: %s, %v", name, got.Format(time.RFC3339), err)
		}
	}
}

// TestCronAgainstMinutes compares with a walk over all minutes, in zones with changes of
// an hour, of half an hour, and at midnight.
func TestCronAgainstMinutes(t *testing.T) {
	zones := []string{"UTC", "Europe/Paris", "America/New_York", "Australia/Lord_Howe", "America/Asuncion", "Asia/Kolkata"}
	crons := []string{"30 2 * * *", "0 * * * *", "*/20 * * * *", "15 0 * * *", "45 1,2,3 * * 0", "0 3 1 * *", "10 2 * * 6,0"}
	rapid.Check(t, func(t *rapid.T) {
		zone, err := time.LoadLocation(rapid.SampledFrom(zones).Draw(t, "zone"))
		if err != nil {
			t.Fatal(err)
		}
		cron := rapid.SampledFrom(crons).Draw(t, "cron")
		after := time.Unix(rapid.Int64Range(1_760_000_000, 1_810_000_000).Draw(t, "after"), 0).In(zone)
		got, err := NextTick(cron, after)
		if err != nil || !got.After(after) {
			t.Fatalf("%s after %s: %s, %v", cron, after, got, err)
		}
		// No minute between is due, unless the clocks showed it before.
		g := gronx.New()
		for m := after.Truncate(time.Minute).Add(time.Minute); m.Before(got) && m.Before(after.Add(72*time.Hour)); m = m.Add(time.Minute) {
			due, err := g.IsDue(cron, m)
			if _, back := turnedBack(m); err == nil && due && back == 0 {
				// The second pass was counted with the first.
				if _, back := turnedBack(after); back == 0 {
					t.Fatalf("%s after %s: %s is due before %s", cron, after, m, got)
				}
			}
		}
	})
}

func TestBadCron(t *testing.T) {
	for _, cron := range []string{"", "* * * *", "* * * * * *", "61 * * * *", "@daily", "a b c d e", "0 0 31 2 *", "0 0 * * 9", "0-99999999 * * * *", "*/0 * * * *"} {
		began := time.Now()
		if _, err := NextTick(cron, time.Unix(1_800_000_000, 0).UTC()); core.CodeOf(err) != core.CodeInvalid {
			t.Errorf("%q: %v", cron, err)
		}
		if time.Since(began) > time.Second {
			t.Errorf("%q took %s", cron, time.Since(began))
		}
	}
}

func TestIssue(t *testing.T) {
	issued, token, err := Issue(signal(target.Signal{Cron: "30 2 * * *", Zone: "Europe/Paris"}))
	issued.Service, issued.Every = "x", time.Minute
	if err != nil || len(token) != tokenLength || issued.Address != Hash(token) || issued.Check() != nil {
		t.Errorf("%+v, %v, %v", issued, err, issued.Check())
	}
	if URL("https://bo.test/", token) != "https://bo.test/ping/"+token {
		t.Error(URL("https://bo.test/", token))
	}
	if _, again, _ := Issue(signal(target.Signal{Period: 60})); again == token {
		t.Error("twice the same token")
	}
	if _, _, err := Issue(signal(target.Signal{Cron: "0 0 31 2 *"})); core.CodeOf(err) != core.CodeInvalid {
		t.Error(err)
	}
}

func FuzzCron(f *testing.F) {
	for _, cron := range []string{"30 2 * * *", "*/5 1-3,7 1 */2 MON", "0 0 L * *", "0 0 1W * 5#2", "1,2,3-9/2 ? * * ?"} {
		f.Add(cron, int64(1_800_000_000))
	}
	zone, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, cron string, after int64) {
		if len(cron) > 100 || after < 0 || after > 4e9 {
			return
		}
		began := time.Now()
		when := time.Unix(after, 0).In(zone)
		got, err := NextTick(cron, when)
		if err == nil && !got.After(when) {
			t.Fatalf("%q after %s: %s", cron, when, got)
		}
		if d := time.Since(began); d > 2*time.Second {
			t.Fatalf("%q took %s", cron, d)
		}
	})
}

func TestTidy(t *testing.T) {
	if got := tidy("  a\tb\x1b[31m\u202e\xff c\r"); got != "a b[31m c" {
		t.Errorf("%q", got)
	}
	long := tidy(string(slices.Repeat([]rune("é"), 500)))
	if len(long) > maxLine || len(long) < maxLine-3 {
		t.Error(len(long))
	}
}
