package show

import (
	"errors"
	"html/template"
	"net/http"
	"slices"

	"entrechat/internal/core"
	"entrechat/internal/kit/words"
	"entrechat/internal/room/watch/status"
)

// serviceView is the page of one service: its state, what was promised, what was measured.
type serviceView struct {
	Name, Hoster, Back string
	Now                overview
	Bars               template.HTML
	Facts              []fact
	Promised           []string
	Keeping            []fact
	Calendar           template.HTML
	Day, Month         template.HTML
	Incidents          []incidentLine
	Badge              string
	Zone               string
}

// fact is a line of a list of terms.
type fact struct{ Name, Value string }

func (s *Show) serviceView(r *http.Request, p *words.Printer) (string, serviceView, error) {
	_, t, err := s.telling(r, p)
	if err != nil {
		return "", serviceView{}, err
	}
	one, ok := t.s.Service(r.PathValue("service"))
	if !ok {
		return "", serviceView{}, core.NotFound("watch.status.no_service", errors.New("no such service"))
	}
	v := serviceView{
		Name: one.Name, Hoster: t.s.Name, Back: address(t.s.Hoster), Now: t.service(one),
		Bars: t.bars(one, true), Facts: append(t.facts(one), t.behind(one.Behind)...), Zone: t.zone.String(),
		Badge: address(t.s.Hoster, "services", one.ID, badgeFile),
	}
	if l := one.Latency; l != nil {
		v.Day, v.Month = t.curve("watch.status.curve_day", l.Day), t.curve("watch.status.curve_month", l.Month)
	}
	if one.Promise != nil {
		v.Promised, v.Keeping, v.Calendar = t.says(one.Promise), t.promised(one.Promise), t.calendar(one.Promise)
	}
	for i := range t.s.Incidents {
		if x := &t.s.Incidents[i]; len(v.Incidents) < maxPast && (x.Whole || slices.Contains(x.Services, one.Name)) {
			v.Incidents = append(v.Incidents, t.incidentLine(x))
		}
	}
	return t.T("watch.status.service_title", map[string]any{"Service": one.Name, "Name": t.s.Name}), v, nil
}

// facts are what was measured, with and without what was announced.
func (t teller) facts(s *status.Service) (out []fact) {
	var all status.Parts
	for _, d := range s.Days {
		all = all.Add(d.Parts)
	}
	if all.Total() == 0 {
		return nil
	}
	add := func(key string, value string) { out = append(out, fact{t.T(key, nil), value}) }
	add("watch.status.fact_down", t.hours(all.Down))
	add("watch.status.fact_with", t.hours(all.Down+all.Maint))
	if all.Partial > 0 {
		add("watch.status.fact_partial", t.hours(all.Partial))
	}
	add("watch.status.fact_unknown", t.hours(all.Unknown))
	if n := s.Restore.Count; n > 0 {
		args := map[string]any{"Count": n, "Half": t.hours(s.Restore.P50), "Most": t.hours(s.Restore.P90)}
		key := "watch.status.restored_in"
		if n == 1 {
			key = "watch.status.restored_once"
		}
		add("watch.status.fact_restore", t.T(key, args))
	}
	return out
}

// behind is that its program is too old, where that is public.
func (t teller) behind(b *status.Behind) []fact {
	if b == nil {
		return nil
	}
	args := map[string]any{"Software": b.Software, "Version": b.Version, "Since": t.day(b.Since.Time().In(t.zone))}
	return []fact{{t.T("watch.status.fact_behind", nil), t.T("watch.status.behind", args)}}
}

// promised is how a promise is kept, beside what it says.
func (t teller) promised(p *status.Promise) (out []fact) {
	add := func(key string, value string) { out = append(out, fact{t.T(key, nil), value}) }
	if p.Away > 0 {
		add("watch.status.promise_now", t.T("watch.status.away_of", map[string]any{"Now": t.hours(p.AwayNow), "Hours": t.hours(p.Away)}))
	}
	if p.Outages > 0 {
		add("watch.status.promise_restored", t.T("watch.status.restored_of", map[string]any{"Kept": p.Restored, "Count": p.Outages}))
	}
	return out
}
