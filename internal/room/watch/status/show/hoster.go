package show

import (
	"html/template"
	"net/http"
	"net/url"
	"strings"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/web"
	"entrechat/internal/kit/words"
	"entrechat/internal/room/watch/status"
)

// hosterView is the page of one hoster: its state first, in one sentence.
type hosterView struct {
	Name     string
	Now      overview
	Silent   string // its own node is missed; empty = it is not
	By       string // who serves the page, where that is not the hoster itself
	Current  []incidentLine
	Services []serviceCard
	Planned  []workLine
	Past     []incidentLine
	LeftOut  bool
	Links    links
	Zone     string
	Counted  bool // there are days to explain
}

// links lead on from a hoster's page.
type links struct{ Mail, Feed, Calendar, JSON, Badge, Learned, Others string }

// serviceCard is one service on its hoster's page.
type serviceCard struct {
	Name, Page string
	State      string
	Severity   web.Severity
	Since      string
	Bars       template.HTML
	Promise    string // empty = none was made
	Usual      string // how quickly it answers; may be empty
}

// incidentLine is an incident in a list.
type incidentLine struct {
	Title, Page, When string
	Severity          web.Severity
	Last              string // the newest words of a person; may be empty
	LastAt            core.Moment
	Lesson            bool
}

// workLine is maintenance in a list.
type workLine struct {
	What, When, Text string
	Going            bool
}

// maxPast is how many incidents that are over a hoster's page lists.
const maxPast = 10

func (s *Show) hosterView(r *http.Request, p *words.Printer) (string, hosterView, error) {
	posted, t, err := s.telling(r, p)
	if err != nil {
		return "", hosterView{}, err
	}
	v := hosterView{
		Name: t.s.Name, Now: t.overview(), LeftOut: len(t.s.LeftOut) > 0, Zone: t.zone.String(),
		Links: links{
			Feed: address(t.s.Hoster, feedFile), Calendar: address(t.s.Hoster, calendarFile), JSON: address(t.s.Hoster, jsonFile),
			Badge: address(t.s.Hoster, badgeFile), Learned: Path + "/learned", Others: Path + "/hosters",
		},
	}
	if s.n.Subscribe != "" {
		v.Links.Mail = s.n.Subscribe + "?" + url.Values{"hoster": {string(t.s.Hoster)}}.Encode()
	}
	if !t.ours {
		v.By = string(s.n.Board.Self())
	}
	if t.s.Silent {
		v.Silent = t.T("watch.status.silent", map[string]any{"Name": t.s.Name, "Since": t.since(t.s.Heard)})
	}
	if len(s.n.Board.All()) < 2 {
		v.Links.Others = ""
	}
	for i := range t.s.Services {
		v.Services = append(v.Services, t.card(&t.s.Services[i]))
		v.Counted = v.Counted || len(t.s.Services[i].Days) > 0
	}
	for i := range t.s.Incidents {
		switch one := &t.s.Incidents[i]; {
		case one.Closed == 0:
			v.Current = append(v.Current, t.incidentLine(one))
		case len(v.Past) < maxPast:
			v.Past = append(v.Past, t.incidentLine(one))
		}
	}
	for _, m := range t.s.Maintenance {
		if end := m.To; !m.Canceled && end > t.now && (m.Ended == 0 || m.Ended > t.now) {
			v.Planned = append(v.Planned, t.work(m))
		}
	}
	return t.T("watch.status.title", map[string]any{"Name": posted.Name}), v, nil
}

func (t teller) card(s *status.Service) serviceCard {
	c := serviceCard{Name: s.Name, Page: address(t.s.Hoster, "services", s.ID), Bars: t.bars(s, false)}
	c.State, c.Severity = t.state(s)
	if t.condition(s) != works {
		c.Since = strings.TrimSpace(t.since(s.Since))
	}
	if p := s.Promise; p != nil {
		c.Promise = t.promise(p)
	}
	if ms, ok := usual(s.Latency); ok && t.condition(s) == works {
		c.Usual = t.T("watch.status.usual", map[string]any{"Time": t.latency(ms)})
	}
	return c
}

// promise is a promise beside what was measured, in one line.
func (t teller) promise(p *status.Promise) string {
	what := strings.Join(t.says(p), ", ")
	if p.Away > 0 {
		what = t.T("watch.status.promised_away", map[string]any{"Hours": t.hours(p.Away)})
	}
	if what == "" {
		return ""
	}
	return t.T("watch.status.promised", map[string]any{"What": what, "Kept": t.kept(p)})
}

// says is a promise in the reader's language or, where it is not said in it, in another.
func (t teller) says(p *status.Promise) []string {
	if all := p.Says[t.Lang]; len(all) > 0 {
		return all
	}
	return p.Says[words.French]
}

func (t teller) incidentLine(i *status.Incident) incidentLine {
	l := incidentLine{Title: t.incidentTitle(i), Page: address(t.s.Hoster, "incidents", i.ID), When: t.incidentWhen(i), Severity: web.None, Lesson: i.Lesson != nil}
	if i.Closed == 0 {
		l.Severity = severityOf(i)
	}
	for _, n := range i.Notes {
		if !n.Withdrawn && n.Text != "" && n.At >= l.LastAt {
			l.Last, l.LastAt = n.Text, n.At
		}
	}
	return l
}

func (t teller) work(m status.Maintenance) workLine {
	l := workLine{When: t.T("watch.status.from_to", map[string]any{"From": t.clock(m.From), "To": t.end(m.From, m.To)}), Text: m.Text, Going: m.Going(t.now)}
	l.What = t.list(m.Services)
	if len(m.Services) == 0 {
		l.What = t.T("watch.status.all_services", nil)
	}
	return l
}

// hostersView is the list of those we look at.
type hostersView struct{ Hosters []hosterLine }

type hosterLine struct {
	Name, Page string
	Origin     core.MemberID
	Now        overview
	Old        bool
	Age        time.Duration
}

func (s *Show) hostersView(_ *http.Request, p *words.Printer) (string, hostersView, error) {
	var v hostersView
	now := s.n.Board.Clock()
	for _, posted := range s.n.Board.All() {
		t := newTeller(p, &posted.Snapshot, s.n.Board.Self(), now)
		line := hosterLine{Name: t.s.Name, Page: address(t.s.Hoster), Origin: t.s.Hoster, Now: t.overview()}
		line.Age, line.Old = old(posted, now)
		v.Hosters = append(v.Hosters, line)
	}
	return p.T("watch.status.hosters_title", nil), v, nil
}
