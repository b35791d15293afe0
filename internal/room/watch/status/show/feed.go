package show

import (
	"cmp"
	"slices"
	"strings"

	"entrechat/internal/core"
	"entrechat/internal/kit/atom"
	"entrechat/internal/room/watch/status"
)

const inFeed = 50

// item is one piece of news: an incident, a postmortem, maintenance.
type item struct {
	ID, URL, Title, Text string
	At, Updated          core.Moment
}

// feed writes RFC 4287: incidents, what was learned of them, and maintenance.
func (s *Show) feed(t teller) ([]byte, error) {
	home := s.n.URL + address(t.s.Hoster)
	f := atom.Feed{
		Lang: t.Lang, Title: t.T("watch.status.feed_title", map[string]any{"Name": t.s.Name}), Author: t.s.Name,
		Home: home, Self: home + "/" + feedFile + "?lang=" + t.Lang,
	}
	for _, i := range s.news(t) {
		f.Entries = append(f.Entries, atom.Entry{ID: i.ID, URL: i.URL, Title: i.Title, Text: i.Text, Published: max(i.At, 1).Time(), Updated: max(i.Updated, 1).Time()})
	}
	if len(f.Entries) == 0 {
		f.Updated = t.s.Made.Time()
	}
	return f.Encode()
}

// news are the newest items, by their last change. What will happen is news from when it
// was said.
func (s *Show) news(t teller) []item {
	var out []item
	base := s.n.URL + address(t.s.Hoster)
	for i := range t.s.Incidents {
		one := &t.s.Incidents[i]
		url := base + "/incidents/" + one.ID
		out = append(out, item{ID: url, URL: url, Title: t.incidentTitle(one), Text: t.incidentText(one), At: one.Opened, Updated: changed(one)})
		if l := one.Lesson; l != nil && !l.Withdrawn {
			title := t.T("watch.status.feed_lesson", map[string]any{"What": t.incidentTitle(one)})
			out = append(out, item{ID: url + "#learned", URL: url + "#learned", Title: title, Text: t.lessonText(l), At: l.At, Updated: l.At})
		}
	}
	for _, m := range t.s.Maintenance {
		w := t.work(m)
		key, updated := "watch.status.feed_planned", m.Said
		switch {
		case m.Canceled:
			key, updated = "watch.status.feed_canceled", max(m.Said, m.Ended)
		case m.Ended != 0:
			key, updated = "watch.status.feed_ended", m.Ended
		}
		title := t.T(key, map[string]any{"What": w.What, "When": w.When})
		out = append(out, item{ID: base + "#work-" + m.ID, URL: base + "#planned", Title: title, Text: m.Text, At: m.Said, Updated: updated})
	}
	slices.SortStableFunc(out, func(a, b item) int { return cmp.Compare(b.Updated, a.Updated) })
	return out[:min(len(out), inFeed)]
}

// changed is when something about an incident was new last.
func changed(i *status.Incident) core.Moment {
	at := max(i.Opened, i.Closed)
	for _, n := range i.Notes {
		at = max(at, n.At)
	}
	return at
}

func (t teller) incidentText(i *status.Incident) string {
	lines := []string{t.incidentWhen(i)}
	for _, h := range t.happened(i) {
		lines = append(lines, h.Clock+" – "+h.Says)
		if h.Text != "" {
			lines = append(lines, h.Text)
		}
	}
	return strings.Join(lines, "\n")
}

func (t teller) lessonText(p *status.Postmortem) string {
	var lines []string
	for _, part := range t.lesson(p).Parts {
		lines = append(lines, part.Name, part.Value, "")
	}
	if p.Answer != "" {
		lines = append(lines, t.T("watch.status.answer", nil)+" "+p.Answer)
	}
	return strings.Join(lines, "\n")
}
