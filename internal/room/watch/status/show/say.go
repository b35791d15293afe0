package show

import (
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/web"
	"entrechat/internal/kit/words"
	"entrechat/internal/room/watch/status"
	"entrechat/internal/room/watch/verdict"
)

// teller says in sentences how the services of one snapshot do.
type teller struct {
	voice
	s *status.Snapshot
	// ours: the snapshot is about this node's own hoster.
	ours bool
	// perspective ends the keys of sentences about its neighbours: "ours" or "theirs".
	perspective string
	// going is the maintenance that goes on, for services by name; "" = for all.
	going map[string]status.Maintenance
}

func newTeller(p *words.Printer, s *status.Snapshot, self core.MemberID, now core.Moment) teller {
	t := teller{voice: voice{p, zoneOf(s.Zone), now}, s: s, ours: s.Hoster == self, perspective: "theirs", going: map[string]status.Maintenance{}}
	if t.ours {
		t.perspective = "ours"
	}
	for _, m := range s.Maintenance {
		if !m.Going(now) {
			continue
		}
		if len(m.Services) == 0 {
			t.going[""] = m
		}
		for _, name := range m.Services {
			t.going[name] = m
		}
	}
	return t
}

// condition is how a service does for users: its state, but for one that is away while that
// was announced.
type condition string

const (
	works    condition = "up"
	partly   condition = "partial"
	away     condition = "down"
	nobody   condition = "unknown"
	repaired condition = "maint"
)

// severity is how a condition is coloured; a shape and words say the same.
func (c condition) severity() web.Severity {
	switch c {
	case works:
		return web.Fine
	case partly, repaired:
		return web.Warn
	case away:
		return web.Trouble
	case nobody:
	}
	return web.None
}

func (t teller) condition(s *status.Service) condition {
	_, announced := t.maintenance(s.Name)
	switch {
	case s.State == verdict.Up:
		return works
	case s.State == verdict.Unknown:
		return nobody
	case announced:
		return repaired
	case s.State == verdict.Partial:
		return partly
	}
	return away
}

func (t teller) maintenance(service string) (status.Maintenance, bool) {
	if m, ok := t.going[service]; ok {
		return m, true
	}
	m, ok := t.going[""]
	return m, ok
}

// overview is the state of a hoster: one sentence, and what calms or warns beside it.
type overview struct {
	Severity web.Severity
	Says     string // with its full stop
	Rest     string // how the others do; may be empty
}

// overview says the worst that is, about whom it is, since when and who saw it.
func (t teller) overview() overview {
	by := map[condition][]*status.Service{}
	for i := range t.s.Services {
		one := &t.s.Services[i]
		by[t.condition(one)] = append(by[t.condition(one)], one)
	}
	if len(t.s.Services) == 0 {
		return overview{web.None, t.T("watch.status.now_empty", nil), ""}
	}
	for _, c := range []condition{away, partly, nobody, repaired} {
		if concerned := by[c]; len(concerned) > 0 {
			return overview{c.severity(), t.trouble(c, concerned) + ".", t.rest(len(by[works]))}
		}
	}
	return overview{web.Fine, t.T("watch.status.now_up", nil) + t.weakly(by[works]) + ".", ""}
}

// trouble is a sentence, without its full stop, about services that are in one condition.
func (t teller) trouble(c condition, concerned []*status.Service) string {
	names, since, first := make([]string, len(concerned)), core.Moment(0), concerned[0]
	for i, s := range concerned {
		names[i] = s.Name
		if s.Since != 0 && (since == 0 || s.Since < since) {
			since = s.Since
		}
	}
	key := "watch.status.now_" + string(c)
	switch n := len(concerned); {
	case n == len(t.s.Services) && n > 1:
		key += "_all"
	case n > 2:
		key += "_many"
	}
	args := map[string]any{"Count": len(concerned), "Of": len(t.s.Services), "Names": t.list(names), "Since": t.since(since), "Begin": t.T("watch.status.begin_now", nil)}
	if since != 0 {
		args["Begin"] = t.T("watch.status.begin", map[string]any{"At": t.clock(since)})
	}
	if c == repaired {
		m, _ := t.maintenance(first.Name)
		args["Until"] = t.clock(m.To)
		return t.T(key, args)
	}
	says := t.T(key, args)
	if len(concerned) == 1 {
		return says + t.seen(first)
	}
	return says + t.weakly(concerned)
}

// rest says that the others work, so that nobody looks for them in vain.
func (t teller) rest(n int) string {
	if n == 0 {
		return ""
	}
	return t.T("watch.status.rest", map[string]any{"Count": n})
}

// weakly is ", seen from here only" when that is so for each of them.
func (t teller) weakly(all []*status.Service) string {
	for _, s := range all {
		if !s.Weak || !t.alone(s) {
			return ""
		}
	}
	return ", " + t.T("watch.status.seen_here", nil)
}

// alone: nobody but the node that serves this page looks.
func (t teller) alone(s *status.Service) bool {
	return s.Voters == 0 || s.Voters == 1 && !t.ours
}

// seen is by how many a failure is seen; empty where that says nothing.
func (t teller) seen(s *status.Service) string {
	args := map[string]any{"Failing": s.Failing, "Count": s.Voters}
	switch {
	case t.alone(s):
		return ", " + t.T("watch.status.seen_here", nil)
	case s.State == verdict.Unknown || s.Failing == 0:
		return ""
	}
	key := "watch.status.seen_" + t.perspective
	if s.Voters == 1 {
		key = "watch.status.seen_one_" + t.perspective
	}
	says := ", " + t.T(key, args)
	if s.Weak {
		says += " " + t.T("watch.status.not_sure", nil)
	}
	return says
}

// state is the short form beside a service's name, with who saw it where it is not sure.
func (t teller) state(s *status.Service) (says string, severity web.Severity) {
	c := t.condition(s)
	says = t.T("watch.status.is_"+string(c), nil)
	switch {
	case s.Weak && t.alone(s):
		says += ", " + t.T("watch.status.seen_here", nil)
	case s.Weak:
		says += ", " + t.T("watch.status.unsure", nil)
	}
	return says, c.severity()
}

// service is one sentence about one service.
func (t teller) service(s *status.Service) overview {
	c := t.condition(s)
	if c == works {
		says := t.T("watch.status.now_up_one", map[string]any{"Names": s.Name})
		return overview{web.Fine, says + t.weakly([]*status.Service{s}) + ".", ""}
	}
	one := t
	only := *t.s
	only.Services = []status.Service{*s}
	one.s = &only
	return overview{c.severity(), one.trouble(c, []*status.Service{s}) + ".", ""}
}

// old is how long ago a page's contents were true, when that is worth a banner.
func old(p *status.Posted, now core.Moment) (time.Duration, bool) {
	age := p.Aged(now)
	return age, age > status.Old
}
