package promise

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"entrechat/internal/core"
	"entrechat/internal/kit/wire"
	"entrechat/internal/room/watch/incident/availability"
	"entrechat/internal/room/watch/incident/maintenance"
	"entrechat/internal/room/watch/verdict"
)

func zone(t rapid.TB, name string) *time.Location {
	at, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func moment(t rapid.TB, s string) core.Moment {
	at, err := time.ParseInLocation("2006-01-02 15:04", s, zone(t, "Europe/Paris"))
	if err != nil {
		t.Fatal(err)
	}
	return core.At(at)
}

func TestDeadline(t *testing.T) {
	noon := Promise{Service: "pad", Zone: "Europe/Paris", Restore: &Restore{NightFrom: "22:00", NightTo: "08:00", NightBy: "12:00", Day: 4}}
	for began, want := range map[string]string{
		"2026-11-30 23:00": "2026-12-01 12:00", "2026-12-01 07:59": "2026-12-01 12:00", "2026-12-01 08:00": "2026-12-01 12:00",
		"2026-12-01 14:00": "2026-12-01 18:00", "2026-12-01 21:59": "2026-12-02 01:59", "2026-12-01 22:00": "2026-12-02 12:00",
		// The night in which the clocks change has noon as any other.
		"2026-03-28 23:30": "2026-03-29 12:00", "2026-10-24 23:30": "2026-10-25 12:00", "2026-10-25 02:30": "2026-10-25 12:00",
	} {
		if by, ok := noon.Deadline(moment(t, began)); !ok || by != moment(t, want) {
			t.Errorf("%s: %s, %v", began, by.Time(), ok)
		}
	}
	onlyNight := noon
	onlyNight.Restore = &Restore{NightFrom: "22:00", NightTo: "08:00", NightBy: "12:00"}
	if _, ok := onlyNight.Deadline(moment(t, "2026-12-01 14:00")); ok {
		t.Error("a promise for the night holds by day")
	}
	if _, ok := (Promise{Zone: "UTC"}).Deadline(1); ok {
		t.Error("no promise has a deadline")
	}
}

func TestCheck(t *testing.T) {
	away := func(n int64) *int64 { return &n }
	good := Promise{Service: "pad", Zone: "Europe/Paris", Away: away(480), Hours: &Hours{"mo-fr,su", "08:00", "24:00"}, Restore: &Restore{Day: 4}, Notice: 72, Maintenance: 240}
	if err := good.Check(); err != nil {
		t.Error(err)
	}
	for name, change := range map[string]func(p *Promise){
		"no service": func(p *Promise) { p.Service = "" }, "control": func(p *Promise) { p.Service = "pad\nx" }, "zone": func(p *Promise) { p.Zone = "Mars/Base" },
		"local": func(p *Promise) { p.Zone = "Local" }, "path": func(p *Promise) { p.Zone = "../../etc/passwd" }, "away": func(p *Promise) { p.Away = away(-1) },
		"away too much": func(p *Promise) { p.Away = away(1 << 40) }, "notice": func(p *Promise) { p.Notice = -1 }, "cap": func(p *Promise) { p.Maintenance = 1 << 40 },
		"days": func(p *Promise) { p.Hours.Days = "mo-xx" }, "no days": func(p *Promise) { p.Hours.Days = "" }, "backwards": func(p *Promise) { p.Hours.To = "07:00" },
		"clock": func(p *Promise) { p.Hours.From = "8:00" }, "night by": func(p *Promise) { p.Restore = &Restore{NightFrom: "22:00", NightTo: "08:00", NightBy: "25:00"} },
		"half a night": func(p *Promise) { p.Restore = &Restore{NightBy: "12:00"} }, "nothing": func(p *Promise) { p.Restore = &Restore{} },
	} {
		bad := good
		hours := *good.Hours
		bad.Hours = &hours
		change(&bad)
		if core.CodeOf(bad.Check()) != core.CodeInvalid {
			t.Errorf("%s: %v", name, bad.Check())
		}
	}
}

// year is a whole year of one service: up, but for what is said.
func year(t *testing.T, off ...availability.Interval) Measured {
	from, to := moment(t, "2026-01-01 00:00"), moment(t, "2027-01-01 00:00")
	m := Measured{Service: "pad", From: from, To: to, At: zone(t, "Europe/Paris"), Now: to}
	at := from
	for _, i := range off {
		m.Intervals = append(m.Intervals, availability.Interval{From: at, To: i.From, State: verdict.Up}, i)
		at = i.To
	}
	m.Intervals = append(m.Intervals, availability.Interval{From: at, State: verdict.Up})
	return m
}

func (m Month) words() string { return string(m.Outcome) }

func TestMonthsAreHeldAgainstTheirPromise(t *testing.T) {
	hour := func(s string, hours int, state verdict.State) availability.Interval {
		return availability.Interval{From: moment(t, s), To: moment(t, s).Add(time.Duration(hours) * time.Hour), State: state}
	}
	m := year(t,
		hour("2026-01-10 10:00", 20, verdict.Down),    // nothing was promised yet
		hour("2026-02-10 10:00", 8, verdict.Down),     // just kept
		hour("2026-03-10 10:00", 9, verdict.Down),     // missed
		hour("2026-04-10 10:00", 7, verdict.Down),     //
		hour("2026-04-11 10:00", 2, verdict.Unknown),  // nobody knows
		hour("2026-05-10 10:00", 30, verdict.Partial), // partial is not away
		hour("2026-06-10 10:00", 5, verdict.Down),     // planned, in time, 3 h more than the cap
		hour("2026-07-10 10:00", 9, verdict.Down),     // planned too late
		hour("2026-08-10 10:00", 9, verdict.Down),     // and the promise is loosened meanwhile
	)
	away, more := int64(480), int64(6000)
	p := Promise{Service: "pad", Zone: "Europe/Paris", Away: &away, Notice: 72, Maintenance: 120}
	loose := p
	loose.Away = &more
	m.Promises = []Said{{p, moment(t, "2026-01-15 00:00")}, {loose, moment(t, "2026-08-10 12:00")}}
	plan := func(start, announced string, hours int) maintenance.Plan {
		return maintenance.Plan{Start: moment(t, start), End: moment(t, start).Add(time.Duration(hours) * time.Hour), Announced: moment(t, announced)}
	}
	m.Plans = []maintenance.Plan{plan("2026-06-10 10:00", "2026-06-01 10:00", 5), plan("2026-07-10 10:00", "2026-07-09 10:00", 9)}
	f := Measure(m)
	var got []string
	for _, month := range f.Months {
		got = append(got, month.words())
	}
	want := []string{"", "kept", "missed", "unsure", "kept", "kept", "missed", "missed", "kept", "kept", "kept", "kept"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if f.Kept != 7 || f.Judged != 10 || f.Unsure != 1 || f.Months[5].Away != 3*time.Hour || f.Months[5].Left != 5*time.Hour {
		t.Errorf("%+v", f)
	}
	// A month that runs is not kept yet; what was missed stays so.
	m.Now = moment(t, "2026-03-20 00:00")
	if f = Measure(m); len(f.Months) != 3 || f.Months[2].Outcome != Missed || f.Kept != 1 {
		t.Errorf("%+v", f.Months)
	}
	m.Now = moment(t, "2026-02-20 00:00")
	if f = Measure(m); f.Months[1].Outcome != Running || f.Months[1].Left != 0 {
		t.Errorf("%+v", f.Months)
	}
}

func TestServiceHours(t *testing.T) {
	m := year(t, availability.Interval{From: moment(t, "2026-03-27 19:00"), To: moment(t, "2026-03-30 09:00"), State: verdict.Down}) // Friday to Monday
	away := int64(120)
	m.Promises = []Said{{Promise{Service: "pad", Zone: "Europe/Paris", Away: &away, Hours: &Hours{"mo-fr", "08:00", "20:00"}}, 1}}
	if f := Measure(m); f.Months[2].Away != 2*time.Hour || f.Months[2].Outcome != Kept {
		t.Errorf("%+v", f.Months[2])
	}
	// A night of one hour more or less: hours of the clock are counted, not of the day.
	p := Promise{Zone: "Europe/Paris", Hours: &Hours{"su", "00:00", "24:00"}}
	for day, want := range map[string]time.Duration{"2026-03-29 00:00": 23 * time.Hour, "2026-10-25 00:00": 25 * time.Hour} {
		spans := p.spans(moment(t, day), moment(t, day).Add(48*time.Hour), m.At)
		if len(spans) != 1 || spans[0].To.Sub(spans[0].From) != want {
			t.Errorf("%s: %v", day, spans)
		}
	}
}

func TestRestores(t *testing.T) {
	span := func(from, to string) availability.Interval {
		return availability.Interval{From: moment(t, from), To: moment(t, to), State: verdict.Down}
	}
	m := year(t, span("2026-02-10 10:00", "2026-02-10 12:00"), span("2026-02-10 23:00", "2026-02-11 11:59"), span("2026-02-12 23:00", "2026-02-13 12:01"),
		span("2026-03-01 10:00", "2026-03-01 15:00"), span("2026-12-31 23:00", "2027-01-01 00:00"))
	m.Intervals = m.Intervals[:len(m.Intervals)-1] // the last is not over
	m.Promises = []Said{{Promise{Service: "pad", Zone: "Europe/Paris", Restore: &Restore{"22:00", "08:00", "12:00", 4}}, 1}}
	m.Plans = []maintenance.Plan{{Start: moment(t, "2026-03-01 10:00"), End: moment(t, "2026-03-01 16:00"), Announced: 1}}
	want := Restores{Count: 3, Open: 1, P50: 12*time.Hour + 59*time.Minute, P90: 13*time.Hour + time.Minute, Kept: 2, Judged: 3}
	if diff := cmp.Diff(want, Measure(m).Restores); diff != "" {
		t.Error(diff)
	}
}

// Whatever happened: days and months are the whole; away is within down and maintenance;
// what is unknown never makes a month kept.
func TestFiguresHoldTogether(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		at := zone(t, rapid.SampledFrom([]string{"Europe/Paris", "UTC", "America/Havana", "Australia/Lord_Howe"}).Draw(t, "zone"))
		from := core.Moment(rapid.Int64Range(1_780_000_000, 1_800_000_000).Draw(t, "from") * 1_000_000)
		to := from.Add(time.Duration(rapid.IntRange(1, 150).Draw(t, "days")) * 24 * time.Hour)
		m := Measured{Service: "pad", From: from, To: to, At: at, Now: to.Add(time.Duration(rapid.IntRange(-2000, 2000).Draw(t, "now")) * time.Hour)}
		states := []verdict.State{verdict.Up, verdict.Down, verdict.Partial, verdict.Unknown}
		for place := from.Add(-24 * time.Hour); place < to; {
			next := place.Add(time.Duration(rapid.IntRange(1, 400).Draw(t, "hours")) * time.Hour)
			m.Intervals = append(m.Intervals, availability.Interval{From: place, To: next, State: rapid.SampledFrom(states).Draw(t, "state")})
			place = next
		}
		for range rapid.IntRange(0, 3).Draw(t, "plans") {
			start := from.Add(time.Duration(rapid.IntRange(-100, 2000).Draw(t, "start")) * time.Hour)
			m.Plans = append(m.Plans, maintenance.Plan{Start: start, End: start.Add(50 * time.Hour), Announced: start.Add(-time.Duration(rapid.IntRange(-9, 90).Draw(t, "notice")) * time.Hour)})
		}
		away := rapid.Int64Range(0, 40_000).Draw(t, "away")
		p := Promise{Service: "pad", Zone: at.String(), Away: &away, Notice: rapid.Int64Range(0, 90).Draw(t, "notice_h"), Maintenance: rapid.Int64Range(0, 3000).Draw(t, "cap")}
		if rapid.Bool().Draw(t, "hours") {
			p.Hours = &Hours{"mo-we,sa", "08:00", "20:00"}
		}
		m.Promises = []Said{{p, from.Add(time.Duration(rapid.IntRange(-90, 60).Draw(t, "said")) * 24 * time.Hour)}}
		f := Measure(m)
		var days, months availability.Sum
		add := func(s *availability.Sum, more availability.Sum) {
			s.Up, s.Partial, s.Down, s.Maintenance, s.Unknown = s.Up+more.Up, s.Partial+more.Partial, s.Down+more.Down, s.Maintenance+more.Maintenance, s.Unknown+more.Unknown
		}
		for _, d := range f.Days {
			add(&days, d.Sum)
		}
		for _, month := range f.Months {
			add(&months, month.Sum)
			if month.Away > month.Sum.Down+month.Sum.Maintenance || month.Left > month.Budget {
				t.Fatalf("%+v", month)
			}
		}
		if days != f.Sum || months != f.Sum || f.Sum.Total() != f.To.Sub(f.From) {
			t.Fatalf("%+v, days %+v, months %+v", f.Sum, days, months)
		}
		// Where less is known, fewer months are kept, and less is up.
		blind := m
		blind.Intervals = nil
		for _, i := range m.Intervals {
			if i.State == verdict.Up && rapid.Bool().Draw(t, "blind") {
				i.State = verdict.Unknown
			}
			blind.Intervals = append(blind.Intervals, i)
		}
		if less := Measure(blind); less.Sum.Up > f.Sum.Up || less.Kept > f.Kept {
			t.Fatalf("kept %d and up %v, with more known %d and %v", less.Kept, less.Sum.Up, f.Kept, f.Sum.Up)
		}
	})
}

func TestLong(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0\u00a0s", 42 * time.Second: "42\u00a0s", 12 * time.Minute: "12\u00a0min", 192 * time.Minute: "3,2\u00a0h", 3 * time.Hour: "3\u00a0h",
		9*time.Hour + 58*time.Minute: "10\u00a0h", 45*time.Hour + 20*time.Minute: "45\u00a0h", 719 * time.Hour: "720\u00a0h", 59*time.Minute + 50*time.Second: "1\u00a0h", 8760 * time.Hour: "8800\u00a0h",
	} {
		if got := Long("fr", d); got != want {
			t.Errorf("%v: %s", d, got)
		}
	}
}

func TestFiguresAsJSON(t *testing.T) {
	text, err := json.Marshal(Measure(year(t)))
	if err != nil {
		t.Fatal(err)
	}
	var back struct {
		Days []struct {
			From int64            `json:"from_us"`
			Sum  map[string]int64 `json:"sum"`
		} `json:"days"`
	}
	if err := json.Unmarshal(text, &back); err != nil || len(back.Days) != 365 || back.Days[0].From == 0 || back.Days[87].Sum["up_s"] != 23*3600 {
		t.Errorf("%v, %.300s", err, text)
	}
}

func FuzzPromise(f *testing.F) {
	f.Add([]byte(`{"service":"pad","away_min":480,"hours":{"days":"mo-fr,su","from":"08:00","to":"20:00"},"restore":{"night_from":"22:00","night_to":"08:00","night_by":"12:00","day_h":4},"notice_h":72,"zone":"Europe/Paris"}`), int64(1_780_000_000_000_000))
	f.Add([]byte(`{"service":"pad","zone":"Pacific/Apia","restore":{"day_h":1}}`), int64(0))
	f.Fuzz(func(t *testing.T, body []byte, at int64) {
		var p Promise
		if wire.Peek(body, &p) != nil || p.Check() != nil {
			return
		}
		began := core.Moment(at % 4_000_000_000_000_000)
		if by, ok := p.Deadline(began); ok && (by <= began || by > began.Add(31*24*time.Hour)) {
			t.Errorf("%+v: a fault at %v is over by %v", p, began, by)
		}
		zone, err := time.LoadLocation(p.Zone)
		if err != nil {
			t.Fatal(err)
		}
		place := began
		for _, s := range p.spans(began, began.Add(40*24*time.Hour), zone) {
			if s.From < place || s.To <= s.From {
				t.Errorf("%+v: %v", p, s)
			}
			place = s.To
		}
		again, err := p.Typed().Promise(p.Service)
		if err != nil || again.Check() != nil {
			t.Errorf("%+v is written as %+v: %v", p, p.Typed(), err)
		}
	})
}
