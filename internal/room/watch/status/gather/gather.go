package gather

import (
	"cmp"
	"context"
	"slices"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/words"
	"entrechat/internal/room/watch/incident"
	"entrechat/internal/room/watch/incident/availability"
	"entrechat/internal/room/watch/incident/maintenance"
	"entrechat/internal/room/watch/incident/promise"
	"entrechat/internal/room/watch/look"
	"entrechat/internal/room/watch/record"
	"entrechat/internal/room/watch/software"
	"entrechat/internal/room/watch/status"
	"entrechat/internal/room/watch/target"
	"entrechat/internal/room/watch/verdict"
)

// Verdicts is what members conclude together; quorum.Engine is one.
type Verdicts interface {
	State(owner core.MemberID, id string) verdict.Verdict
	Voters(owner core.MemberID, id string) verdict.Assignment
	Intervals(ctx context.Context, owner core.MemberID, id string, from, to core.Moment) ([]verdict.Interval, error)
}

// Looks is what our own looks found; record.Recorder is one.
type Looks interface {
	Latest(ctx context.Context, owner core.MemberID, id string) (look.Result, bool, error)
	Hours(ctx context.Context, owner core.MemberID, id string, from, to core.Moment) ([]record.Sum, error)
	Days(ctx context.Context, owner core.MemberID, id string, from, to core.Moment) ([]record.Sum, error)
}

// Needs is what is gathered from; all of it is required.
type Needs struct {
	// Hosters are those whose pages this node has, ourselves first. Voters may be left
	// zero: it is then the most that any of its targets has.
	Hosters func(ctx context.Context) ([]status.Hoster, error)
	// Targets are those of one hoster.
	Targets  func(ctx context.Context, owner core.MemberID) ([]target.Target, error)
	Verdicts Verdicts
	Looks    Looks
	// Behind are the targets of a hoster whose program is older than what is held to be
	// safe, as far as everybody may know.
	Behind func(ctx context.Context, owner core.MemberID, now core.Moment) ([]software.Running, error)
	Said   *incident.Publisher
	Words  *words.Catalogue
}

// Gatherer is a status.Source.
type Gatherer struct{ n Needs }

// New makes one.
func New(n Needs) *Gatherer { return &Gatherer{n} }

const (
	shownDays   = status.MaxDays * 24 * time.Hour
	shownMonths = 13 // of a promise; the one that runs is the last
	maxStories  = 30 // incidents whose timeline is told
	maxLessons  = 20 // postmortems
	ahead       = 90 // days of planned maintenance
)

// Hosters are those whose pages this node has.
func (g *Gatherer) Hosters(ctx context.Context) ([]status.Hoster, error) {
	all, err := g.n.Hosters(ctx)
	if err != nil {
		return nil, err
	}
	for i := range all {
		h := &all[i]
		targets, err := g.public(ctx, h.ID)
		if err != nil {
			return nil, err
		}
		for _, t := range targets {
			h.Voters = max(h.Voters, len(g.n.Verdicts.Voters(t.Owner, t.ID).Seats))
		}
	}
	return all, nil
}

// public are the targets of a hoster that everybody may read of and that decide.
func (g *Gatherer) public(ctx context.Context, owner core.MemberID) ([]target.Target, error) {
	all, err := g.n.Targets(ctx, owner)
	return slices.DeleteFunc(slices.Clone(all), func(t target.Target) bool {
		return t.Owner != owner || t.Local || t.Paused || !t.Kind.Decides()
	}), err
}

// Services are those of a hoster, by name.
func (g *Gatherer) Services(ctx context.Context, who status.Hoster, now core.Moment) (out []status.Service, basis core.Moment, err error) {
	targets, err := g.public(ctx, who.ID)
	if err != nil {
		return nil, 0, err
	}
	plans, err := g.n.Said.Plans.Plans(ctx, who.ID, now.Add(-(shownMonths+1)*31*24*time.Hour), now)
	if err != nil {
		return nil, 0, err
	}
	behind, err := g.n.Behind(ctx, who.ID, now)
	if err != nil {
		return nil, 0, err
	}
	by := map[string][]target.Target{}
	for _, t := range targets {
		by[t.Service] = append(by[t.Service], t)
	}
	for name, its := range by {
		m := measuring{Gatherer: g, who: who, now: now, targets: its, plans: plans, behind: behind}
		one, newest, err := m.service(ctx, name)
		if err != nil {
			return nil, 0, err
		}
		out, basis = append(out, one), max(basis, newest)
	}
	slices.SortFunc(out, func(a, b status.Service) int { return cmp.Compare(a.Name, b.Name) })
	return out, basis, nil
}

// measuring is the measuring of one service.
type measuring struct {
	*Gatherer
	who     status.Hoster
	now     core.Moment
	targets []target.Target
	plans   []maintenance.Plan
	behind  []software.Running
}

func (m measuring) service(ctx context.Context, name string) (s status.Service, basis core.Moment, err error) {
	s = status.Service{Name: name}
	if basis, err = m.state(ctx, &s); err != nil {
		return s, 0, err
	}
	from := core.At(m.now.Time().AddDate(0, -shownMonths, 0))
	rows := make([][]availability.Interval, 0, len(m.targets))
	for _, t := range m.targets {
		row, err := m.n.Verdicts.Intervals(ctx, t.Owner, t.ID, max(from, t.Made), m.now)
		if err != nil {
			return s, 0, err
		}
		rows = append(rows, availability.FromVerdicts(row))
	}
	from = max(from, m.first())
	all := availability.Combine(rows, from, m.now)
	s.Days = m.days(name, all, from)
	if s.Latency, err = m.latency(ctx); err != nil {
		return s, 0, err
	}
	figures, err := m.n.Said.Promises.Figures(ctx, m.who.ID, name, availability.Span{From: from, To: m.now}, all)
	if err != nil {
		return s, 0, err
	}
	r := figures.Restores
	s.Restore = status.Restore{Count: r.Count, P50: int64(r.P50.Seconds()), P90: int64(r.P90.Seconds())}
	s.Promise, s.Behind = m.promise(figures), m.old()
	return s, basis, nil
}

// old is the program of the service that has been too old for longest; nil where none is.
func (m measuring) old() (out *status.Behind) {
	for _, r := range m.behind {
		mine := slices.ContainsFunc(m.targets, func(t target.Target) bool { return t.ID == r.Target })
		if mine && (out == nil || r.Behind < out.Since) {
			out = &status.Behind{Software: r.Software, Version: r.Version, Since: r.Behind}
		}
	}
	return out
}

// first is when the oldest target of the service was made.
func (m measuring) first() core.Moment {
	first := m.now
	for _, t := range m.targets {
		first = min(first, t.Made)
	}
	return first
}

// state is that of the worst target. The newest look or verdict of any is the basis.
func (m measuring) state(ctx context.Context, s *status.Service) (basis core.Moment, err error) {
	for i, t := range m.targets {
		v := m.n.Verdicts.State(t.Owner, t.ID)
		newest, ok, err := m.n.Looks.Latest(ctx, t.Owner, t.ID)
		if err != nil {
			return 0, err
		}
		if ok {
			basis = max(basis, newest.At)
		}
		basis = max(basis, v.Since)
		if i > 0 && status.Worst(s.State, v.State) == s.State {
			continue
		}
		s.State, s.Weak, s.Since, s.Failing = v.State, v.Weak, v.Since, v.Failing
		s.Voters = max(v.Voters, len(m.n.Verdicts.Voters(t.Owner, t.ID).Seats))
	}
	return basis, nil
}

// days are the last ones, by the calendar of the hoster's users.
func (m measuring) days(name string, all []availability.Interval, from core.Moment) (out []status.Day) {
	zone, err := time.LoadLocation(m.who.Zone)
	if err != nil {
		zone = time.UTC
	}
	y, mo, d := m.now.Add(-shownDays).Time().In(zone).Date()
	from = max(from, core.At(time.Date(y, mo, d+1, 0, 0, 0, 0, zone)))
	var windows []availability.Window
	for _, p := range m.plans {
		if !p.Cancelled && p.About(name) {
			windows = append(windows, availability.Window{From: p.Start, To: p.Until(), Announced: p.Announced})
		}
	}
	parts := availability.Parts(all, windows, from, m.now)
	for _, day := range availability.Days(from, m.now, zone) {
		sum := availability.Of(availability.Cut(parts, []availability.Span{day}))
		out = append(out, status.Day{Date: day.From.Time().In(zone).Format(time.DateOnly), Parts: partsOf(sum)})
	}
	return out
}

func partsOf(s availability.Sum) status.Parts {
	whole := func(d time.Duration) int64 { return int64(d.Round(time.Second) / time.Second) }
	return status.Parts{Up: whole(s.Up), Partial: whole(s.Partial), Down: whole(s.Down), Maint: whole(s.Maintenance), Unknown: whole(s.Unknown)}
}

// promise is what is promised now, and how it was kept; nil where nothing is.
func (m measuring) promise(f promise.Figures) *status.Promise {
	if f.Promise == nil || f.Promise.End {
		return nil
	}
	p := &status.Promise{Says: map[string][]string{}, Restored: f.Restores.Kept, Outages: f.Restores.Judged}
	for _, lang := range []string{words.French, words.English} {
		p.Says[lang] = f.Promise.Says(m.n.Words.Printer(lang))
	}
	if away := f.Promise.Away; away != nil {
		p.Away = *away * 60
	}
	zone, err := time.LoadLocation(f.Zone)
	if err != nil {
		zone = time.UTC
	}
	for _, month := range f.Months {
		kept := status.Unsure
		switch month.Outcome {
		case promise.None:
			continue
		case promise.Kept:
			kept = status.Kept
		case promise.Missed:
			kept = status.Missed
		case promise.Running:
			kept = status.Running
		case promise.Unsure:
		}
		p.Months = append(p.Months, status.Month{Month: month.From.Time().In(zone).Format("2006-01"), Kept: kept, Parts: partsOf(month.Sum)})
		p.AwayNow = int64(month.Away.Seconds())
	}
	return p
}

// latency is what our own looks took: of several targets the slowest counts.
func (m measuring) latency(ctx context.Context) (*status.Latency, error) {
	hour, day := core.Moment(time.Hour/time.Microsecond), core.Moment(24*time.Hour/time.Microsecond)
	hours := row(m.now/hour*hour-23*hour, time.Hour, 24)
	days := row(m.now/day*day-29*day, 24*time.Hour, 30)
	known := false
	for _, t := range m.targets {
		short, err := m.n.Looks.Hours(ctx, t.Owner, t.ID, hours.From, m.now)
		if err != nil {
			return nil, err
		}
		long, err := m.n.Looks.Days(ctx, t.Owner, t.ID, days.From, m.now)
		if err != nil {
			return nil, err
		}
		known = fill(&hours, short) || known
		known = fill(&days, long) || known
	}
	if !known {
		return nil, nil
	}
	return &status.Latency{Day: hours, Month: days}, nil
}

func row(from core.Moment, step time.Duration, n int) status.Series {
	return status.Series{From: from, Step: int64(step.Seconds()), P50: slices.Repeat([]int64{-1}, n), P95: slices.Repeat([]int64{-1}, n)}
}

// fill puts sums into their steps; it says whether there was one.
func fill(s *status.Series, sums []record.Sum) (some bool) {
	for _, sum := range sums {
		i := int64(sum.From.Sub(s.From)/time.Second) / s.Step
		if i < 0 || i >= int64(len(s.P50)) || sum.P50 == 0 {
			continue
		}
		s.P50[i], s.P95[i] = max(s.P50[i], sum.P50.Milliseconds()), max(s.P95[i], sum.P95.Milliseconds())
		some = true
	}
	return some
}
