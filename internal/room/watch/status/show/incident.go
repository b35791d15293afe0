package show

import (
	"cmp"
	"errors"
	"net/http"
	"net/mail"
	"net/url"
	"slices"
	"strings"

	"entrechat/internal/core"
	"entrechat/internal/kit/web"
	"entrechat/internal/kit/words"
	"entrechat/internal/room/watch/status"
	"entrechat/internal/room/watch/verdict"
)

// incidentView is the page of one incident.
type incidentView struct {
	Title, Hoster, Back, When string
	Severity                  web.Severity
	State                     string
	Weak                      bool
	Happened                  []happening
	Lesson                    *lesson
	Zone                      string
}

// happening is one moment of an incident: what the machine saw, or what a person wrote.
type happening struct {
	At        core.Moment
	Clock     string
	Says      string
	Text      string // of a person
	Withdrawn bool
}

// lesson is a postmortem.
type lesson struct {
	Day       string
	Parts     []fact
	Answer    string // address to answer at, as text
	Link      string // the same as a link; empty where it is none
	Withdrawn bool
}

func (s *Show) incidentView(r *http.Request, p *words.Printer) (string, incidentView, error) {
	_, t, err := s.telling(r, p)
	if err != nil {
		return "", incidentView{}, err
	}
	one, ok := t.s.Incident(r.PathValue("incident"))
	if !ok {
		return "", incidentView{}, core.NotFound("watch.status.no_incident", errors.New("no such incident"))
	}
	v := incidentView{
		Title: t.incidentTitle(one), Hoster: t.s.Name, Back: address(t.s.Hoster), When: t.incidentWhen(one),
		Severity: web.Fine, State: t.T("watch.status.over", nil), Weak: one.Weak, Happened: t.happened(one), Zone: t.zone.String(),
	}
	if one.Closed == 0 {
		v.Severity, v.State = severityOf(one), t.T("watch.status.goes_on", nil)
	}
	if one.Lesson != nil {
		l := t.lesson(one.Lesson)
		v.Lesson = &l
	}
	return v.Title, v, nil
}

func severityOf(i *status.Incident) web.Severity {
	switch i.State {
	case verdict.Down:
		return web.Trouble
	case verdict.Partial:
		return web.Warn
	case verdict.Up, verdict.Unknown:
	}
	return web.None
}

// incidentTitle says what an incident was, and of what.
func (t teller) incidentTitle(i *status.Incident) string {
	what := t.list(i.Services)
	if i.Whole || len(i.Services) == 0 {
		what = t.T("watch.status.all_services", nil)
	} else if len(i.Services) > 3 {
		what = t.T("watch.status.some_services", map[string]any{"Count": len(i.Services)})
	}
	key := "watch.status.incident_" + string(cmp.Or(i.State, "unknown"))
	if i.Unstable {
		key = "watch.status.incident_unstable"
	}
	return t.T(key, map[string]any{"What": what})
}

func (t teller) incidentWhen(i *status.Incident) string {
	if i.Closed == 0 {
		return t.T("watch.status.went_on", map[string]any{"From": t.clock(i.Opened), "Hours": t.hours(int64(t.now.Sub(i.Opened).Seconds()))})
	}
	return t.T("watch.status.lasted", map[string]any{"From": t.clock(i.Opened), "To": t.end(i.Opened, i.Closed), "Hours": t.hours(int64(i.Closed.Sub(i.Opened).Seconds()))})
}

// happened are the machine's lines and people's notes, oldest first.
func (t teller) happened(i *status.Incident) []happening {
	out := make([]happening, 0, len(i.Timeline)+len(i.Notes))
	for _, l := range i.Timeline {
		what := l.Service
		if what == "" {
			what = t.T("watch.status.the_services", nil)
		}
		says := t.T("watch.status.line_"+string(l.Kind), map[string]any{"What": what, "Count": l.Count, "Of": l.Of})
		if l.Of > 0 && l.Kind != status.LineTold {
			says += ", " + t.T("watch.status.line_of", map[string]any{"Count": l.Count, "Of": l.Of})
		}
		out = append(out, happening{At: l.At, Clock: t.clock(l.At), Says: says})
	}
	for _, n := range i.Notes {
		out = append(out, happening{At: n.At, Clock: t.clock(n.At), Says: t.T("watch.status.note_"+string(n.Kind), map[string]any{"Name": t.s.Name}), Text: n.Text, Withdrawn: n.Withdrawn})
	}
	slices.SortStableFunc(out, func(a, b happening) int { return cmp.Compare(a.At, b.At) })
	return out
}

func (t teller) lesson(p *status.Postmortem) lesson {
	l := lesson{Day: t.day(p.At.Time().In(t.zone)), Answer: p.Answer, Link: answerLink(p.Answer), Withdrawn: p.Withdrawn}
	for _, part := range []struct{ name, text string }{
		{"happened", p.Happened}, {"whom", p.Whom}, {"depended", p.Depended}, {"without", p.Without}, {"change", p.Change},
	} {
		if part.text != "" {
			l.Parts = append(l.Parts, fact{t.T("watch.status.lesson_"+part.name, nil), part.text})
		}
	}
	return l
}

// answerLink makes a link of an address to answer at: a web page, or a mailbox. Anything
// else stays text.
func answerLink(text string) string {
	if strings.ContainsAny(text, " \t<>\"") {
		return ""
	}
	u, err := url.Parse(text)
	switch {
	case err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && u.User == nil:
		return u.String()
	case err == nil && u.Scheme == "mailto":
		text = u.Opaque
	}
	if a, err := mail.ParseAddress(text); err == nil && a.Address == text && a.Name == "" {
		return (&url.URL{Scheme: "mailto", Opaque: url.PathEscape(text)}).String()
	}
	return ""
}

// learnedView is what hosters learned, newest first.
type learnedView struct{ Lessons []lessonLine }

type lessonLine struct {
	Title, Page, Hoster, Day, Begin string
	at                              core.Moment
}

const (
	maxLessons = 100
	maxBegin   = 280 // runes of what happened, in a list
)

func (s *Show) learnedView(_ *http.Request, p *words.Printer) (string, learnedView, error) {
	var v learnedView
	now := s.n.Board.Clock()
	for _, posted := range s.n.Board.All() {
		t := newTeller(p, &posted.Snapshot, s.n.Board.Self(), now)
		for i := range t.s.Incidents {
			one := &t.s.Incidents[i]
			if one.Lesson == nil || one.Lesson.Withdrawn {
				continue
			}
			v.Lessons = append(v.Lessons, lessonLine{
				Title: t.incidentTitle(one), Page: address(t.s.Hoster, "incidents", one.ID), Hoster: t.s.Name,
				Day: t.day(one.Lesson.At.Time().In(t.zone)), Begin: begin(cmp.Or(one.Lesson.Happened, one.Lesson.Change)), at: one.Lesson.At,
			})
		}
	}
	slices.SortStableFunc(v.Lessons, func(a, b lessonLine) int { return cmp.Compare(b.at, a.at) })
	v.Lessons = v.Lessons[:min(len(v.Lessons), maxLessons)]
	return p.T("watch.status.learned_title", nil), v, nil
}

// begin is the beginning of a text.
func begin(text string) string {
	runes := []rune(text)
	if len(runes) <= maxBegin {
		return text
	}
	return strings.TrimRight(string(runes[:maxBegin-1]), " \n.,") + "…"
}
