package contact

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"entrechat/internal/kit/wire"
)

func in(t testing.TB, zone, at string) time.Time {
	t.Helper()
	loc, err := time.LoadLocation(zone)
	if err != nil {
		t.Fatal(err)
	}
	at, offset, fixed := strings.Cut(at, " ")
	if fixed { // an hour that there is twice is named by its offset
		loc = time.FixedZone(offset, map[string]int{"CEST": 7200, "CET": 3600}[offset])
	}
	out, err := time.ParseInLocation(layout, at, loc)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestQuietHours: both changes of the clocks in Paris, 2026-03-29 (02:00 becomes 03:00)
// and 2026-10-25 (03:00 becomes 02:00).
func TestQuietHours(t *testing.T) {
	usual := Quiet{From: "22:00", To: "07:00"}
	for _, c := range []struct {
		quiet   Quiet
		now     string
		ends    string // empty = not within
		lasting time.Duration
	}{
		{usual, "2026-11-30T21:59", "", 0},
		{usual, "2026-11-30T22:00", "2026-12-01T07:00", 9 * time.Hour},
		{usual, "2026-12-01T06:59", "2026-12-01T07:00", time.Minute},
		{usual, "2026-12-01T07:00", "", 0},
		{usual, "2026-03-28T22:00", "2026-03-29T07:00", 8 * time.Hour},
		{usual, "2026-10-24T22:00", "2026-10-25T07:00", 10 * time.Hour},
		{usual, "2026-10-25T02:30 CEST", "2026-10-25T07:00", 5*time.Hour + 30*time.Minute},
		{usual, "2026-10-25T02:30 CET", "2026-10-25T07:00", 4*time.Hour + 30*time.Minute},
		{Quiet{From: "13:00", To: "14:00"}, "2026-11-30T13:30", "2026-11-30T14:00", 30 * time.Minute},
		{Quiet{From: "13:00", To: "14:00"}, "2026-11-30T14:30", "", 0},
		{Quiet{}, "2026-11-30T03:00", "", 0},
	} {
		now := in(t, "Europe/Paris", c.now)
		loc, _ := time.LoadLocation("Europe/Paris")
		end, quiet := c.quiet.end(now, loc)
		if quiet != (c.ends != "") {
			t.Errorf("%v at %s: %v", c.quiet, c.now, quiet)
			continue
		}
		if quiet && (!end.Equal(in(t, "Europe/Paris", c.ends)) || end.Sub(now) != c.lasting) {
			t.Errorf("%v at %s: ends %s, in %s", c.quiet, c.now, end, end.Sub(now))
		}
	}
}

func TestLevels(t *testing.T) {
	sleeps := Person{Zone: "Europe/Paris", Quiet: Quiet{From: "22:00", To: "07:00"}}
	wakes := sleeps
	wakes.Quiet.Wake = true
	never := Person{Zone: "Europe/Paris"}
	midnight, noon := "2026-11-30T23:59", "2026-11-30T12:00"
	for _, c := range []struct {
		who   Person
		level Level
		weak  bool
		now   string
		due   string
		held  bool
	}{
		{wakes, Page, false, midnight, midnight, false},
		{wakes, Page, true, midnight, "2026-12-01T07:00", true},
		{wakes, Notify, false, midnight, "2026-12-01T07:00", true},
		{sleeps, Page, false, midnight, "2026-12-01T07:00", true},
		{sleeps, Page, true, noon, noon, false},
		{never, Notify, true, midnight, midnight, false},
		{never, Page, false, midnight, midnight, false},
		{never, Page, true, midnight, "2026-12-01T07:00", true},
		{never, Digest, false, noon, "2026-12-01T09:00", true},
		{sleeps, Digest, false, midnight, "2026-12-01T07:00", true},
	} {
		due, held := c.who.At(c.level, c.weak, in(t, "Europe/Paris", c.now))
		if !due.Equal(in(t, "Europe/Paris", c.due)) || held != c.held {
			t.Errorf("%v %s weak=%v at %s: %s %v", c.who.Quiet, c.level, c.weak, c.now, due, held)
		}
	}
}

func clock(r *rapid.T, name string) Clock {
	return Clock(fmt.Sprintf("%02d:%02d", rapid.IntRange(0, 23).Draw(r, name+"h"), rapid.IntRange(0, 59).Draw(r, name+"m")))
}

var zones = []string{"Europe/Paris", "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca", "Asia/Kathmandu", "Pacific/Apia", "America/Sao_Paulo", "UTC"}

// TestQuietProperties: whatever the zone and the day, what is held is delivered at one
// later instant at which the hours are over, and every instant before is within them.
func TestQuietProperties(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		name := rapid.SampledFrom(zones).Draw(r, "zone")
		loc, err := time.LoadLocation(name)
		if err != nil {
			r.Fatal(err)
		}
		q := Quiet{From: clock(r, "from"), To: clock(r, "to")}
		if q.check() != nil {
			return
		}
		now := time.Unix(rapid.Int64Range(1_700_000_000, 1_900_000_000).Draw(r, "now"), 0)
		end, quiet := q.end(now, loc)
		if !quiet {
			return
		}
		if !end.After(now) || end.Sub(now) > 26*time.Hour {
			r.Fatalf("%v at %s ends %s", q, now, end)
		}
		between := now.Add(time.Duration(rapid.Int64Range(0, int64(end.Sub(now))-1).Draw(r, "between")))
		other, still := q.end(between, loc)
		if !still || !other.Equal(end) {
			r.Fatalf("%v at %s ends %s, at %s %v %s", q, now, end, between, still, other)
		}
		if next, again := q.end(end, loc); again && next.Sub(end) < time.Hour && q.length() < 22*60 {
			r.Fatalf("%v: a second night of %s", q, next.Sub(end))
		}
	})
}

// length is that of a usual night, in minutes.
func (q Quiet) length() int {
	fh, fm, _ := q.From.parse()
	th, tm, _ := q.To.parse()
	return (th*60 + tm - fh*60 - fm + 24*60) % (24 * 60)
}

// TestRotaNeverEmptyAcrossClockChanges: three people take turns of a week; at every minute of
// the nights in which the clocks change exactly one is on call.
func TestRotaNeverEmptyAcrossClockChanges(t *testing.T) {
	people := map[string]bool{"ana": true, "bob": true, "zoe": true}
	rota := Rota{Zone: "Europe/Paris"}
	for i, who := range []string{"ana", "bob", "zoe"} {
		rota.Shifts = append(rota.Shifts, Shift{
			Person: who, Start: fmt.Sprintf("2026-03-%02dT02:30", 2+7*i), Minutes: 7 * 24 * 60, Rule: "FREQ=WEEKLY;INTERVAL=3",
		})
	}
	if err := rota.check(people); err != nil {
		t.Fatal(err)
	}
	for _, day := range []string{"2026-03-28T20:00", "2026-03-29T20:00", "2026-10-24T20:00", "2026-10-25T20:00", "2027-03-28T01:00"} {
		for at, n := in(t, "Europe/Paris", day), 0; n < 12*60; n++ {
			if got := rota.Occurrences(at, at.Add(time.Second)); len(got) != 1 {
				t.Fatalf("%s: %d on call: %+v", at, len(got), got)
			}
			at = at.Add(time.Minute)
		}
	}
}

func TestRotaProperties(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		name := rapid.SampledFrom(zones).Draw(r, "zone")
		n := rapid.IntRange(1, 5).Draw(r, "people")
		rota, loc := Rota{Zone: name}, zone(name)
		start := time.Date(2026, 1, 5, rapid.IntRange(0, 23).Draw(r, "hour"), rapid.IntRange(0, 59).Draw(r, "minute"), 0, 0, time.UTC)
		for i := range n {
			rota.Shifts = append(rota.Shifts, Shift{
				Person: fmt.Sprint(i), Start: start.AddDate(0, 0, i).Format(layout), Minutes: 24 * 60, Rule: fmt.Sprintf("FREQ=DAILY;INTERVAL=%d", n),
			})
		}
		at := time.Unix(rapid.Int64Range(1_770_000_000, 1_900_000_000).Draw(r, "now"), 0).In(loc)
		// The day a zone skips (Apia once did, not since) is left out.
		if got := rota.Occurrences(at, at.Add(time.Second)); len(got) != 1 {
			r.Fatalf("%s: %+v", at, got)
		}
	})
}

func TestRecipients(t *testing.T) {
	p := Plan{People: []Person{{ID: "ana"}, {ID: "bob"}, {ID: "zoe"}}}
	at := in(t, "UTC", "2026-11-30T10:00")
	if got := p.Recipients(OnCall, at); !slices.Equal(got, []string{"ana", "bob", "zoe"}) {
		t.Errorf("without a rota %v", got)
	}
	p.Rota.Shifts = []Shift{
		{Person: "bob", Start: "2026-11-30T09:00", Minutes: 600, Rule: "FREQ=DAILY"},
		{Person: "zoe", Start: "2026-11-30T09:00", Minutes: 600, Rule: "FREQ=DAILY", Second: true},
	}
	for step, want := range map[Step][]string{OnCall: {"bob"}, Second: {"zoe"}, Team: {"ana"}} {
		if got := p.Recipients(step, at); !slices.Equal(got, want) {
			t.Errorf("step %d: %v, want %v", step, got, want)
		}
	}
	if got := p.Recipients(OnCall, at.Add(12*time.Hour)); len(got) != 3 {
		t.Errorf("in a gap of the rota %v", got)
	}
}

func TestRuleRefused(t *testing.T) {
	for _, rule := range []string{
		"FREQ=SECONDLY", "FREQ=MINUTELY", "FREQ=HOURLY", "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "FREQ=DAILY;BYSECOND=1", "FREQ=WEEKLY;BYDAY=+5MO",
		"FREQ=DAILY;INTERVAL=-1", "FREQ=DAILY;INTERVAL=401", "FREQ=DAILY;COUNT=-1", "nonsense", "FREQ=DAILY\nDTSTART:1", strings.Repeat("FREQ=DAILY;", 30),
	} {
		if _, err := (Shift{Start: "2026-11-30T09:00", Minutes: 60, Rule: rule}).rule(time.UTC); err == nil {
			t.Errorf("%q was taken", rule)
		}
	}
}

func TestBelow(t *testing.T) {
	domains := []string{"chaton-a.test", "127.0.0.1:7101"}
	for address, want := range map[string]bool{
		"ana@chaton-a.test": true, "ana@mail.CHATON-A.test": true, "ana@notchaton-a.test": false, "ana@chaton-a.test.evil.test": false,
	} {
		if got := (Channel{Kind: Mail, Address: address}).Below(domains); got != want {
			t.Errorf("%s: %v", address, got)
		}
	}
	if !(Channel{Kind: Ntfy, Address: "https://ntfy.chaton-a.test:8443/x"}).Below(domains) {
		t.Error("ntfy below the domain")
	}
}

func TestCheckRefuses(t *testing.T) {
	good := Plan{Owner: "chaton-a.test", At: 1, People: []Person{{ID: "ana", Name: "Ana", Lang: "fr", Zone: "Europe/Paris"}}}
	if err := good.Check(); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*Plan){
		"owner": func(p *Plan) { p.Owner = "" }, "time": func(p *Plan) { p.At = 0 }, "id": func(p *Plan) { p.People[0].ID = "a b" },
		"name": func(p *Plan) { p.People[0].Name = "a\nb" }, "lang": func(p *Plan) { p.People[0].Lang = "de" },
		"zone": func(p *Plan) { p.People[0].Zone = "../../etc/passwd" }, "local": func(p *Plan) { p.People[0].Zone = "Local" },
		"quiet": func(p *Plan) { p.People[0].Quiet.From = "25:00" }, "twice": func(p *Plan) { p.People = append(p.People, p.People[0]) },
		"shift":   func(p *Plan) { p.Rota.Shifts = []Shift{{Person: "eve", Start: "2026-11-30T09:00", Minutes: 1}} },
		"service": func(p *Plan) { p.Services = []Service{{Name: "Pad", Level: "loud"}} },
		"address": func(p *Plan) {
			p.People[0].Channels = []Channel{{ID: "m", Kind: Mail, Address: "a@b.test\r\nBcc: e@e.test"}}
		},
		"token": func(p *Plan) {
			p.People[0].Channels = []Channel{{ID: "m", Kind: Webhook, Address: "https://a.test", Token: "a\r\nX: y"}}
		},
	} {
		p := good
		p.People = slices.Clone(good.People)
		change(&p)
		if p.Check() == nil {
			t.Errorf("%s was taken", name)
		}
	}
}

// FuzzPlan: whatever a member sends, a plan that is taken can be asked everything, fast.
func FuzzPlan(f *testing.F) {
	f.Add([]byte(`{"owner":"chaton-a.test","at_us":1,"people":[{"id":"ana","name":"Ana","lang":"fr","zone":"Europe/Paris","quiet":{"from":"22:00","to":"07:00"},
		"channels":[{"id":"m","kind":"mail","address":"ana@b.test"}]}],"rota":{"zone":"UTC","shifts":[{"person":"ana","start":"2026-11-30T09:00","minutes":60,"rule":"FREQ=DAILY"}]}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var p Plan
		if len(data) > MaxBytes || wire.Decode(data, &p) != nil || p.Check() != nil {
			return
		}
		now := time.Unix(1_796_000_000, 0)
		begun := time.Now()
		for _, s := range []Step{OnCall, Second, Team} {
			p.Recipients(s, now)
		}
		for _, person := range p.People {
			if due, _ := person.At(Digest, true, now); due.Before(now) {
				t.Errorf("due %s", due)
			}
			for _, c := range person.Channels {
				c.Below([]string{"chaton-a.test"})
			}
		}
		if time.Since(begun) > 5*time.Second {
			t.Errorf("took %s", time.Since(begun))
		}
	})
}

func FuzzClean(f *testing.F) {
	f.Add("a\r\nb\u202ec\xff")
	f.Fuzz(func(t *testing.T, s string) {
		got := Clean(s)
		if strings.ContainsAny(got, "\r\n\t\x00\u202e\u2028") || got != Clean(got) {
			t.Errorf("%q", got)
		}
		if n := len([]rune(Short(s, 20))); n > 20 {
			t.Errorf("%d characters", n)
		}
	})
}
