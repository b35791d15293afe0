package delivery

import (
	"context"
	"strings"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/words"
	"entrechat/internal/room/watch/alert/channel"
	"entrechat/internal/room/watch/alert/contact"
)

type args = map[string]any

// compose writes the message about one notice, or about several in one summary.
func (q *Queue) compose(ctx context.Context, p contact.Person, list []task) channel.Message {
	say := sayer{q.n.Words.Printer(p.Lang), p}
	first := list[0]
	m := channel.Message{
		Key: first.Key + "/" + p.ID + "/" + first.Step, Kind: string(first.Kind), Owner: first.Owner, Services: first.Services,
		At: first.At, Over: first.over, Lang: p.Lang, Link: first.Link,
	}
	if len(list) > 1 || first.over != 0 && !first.Kind.ends() {
		m.Kind, m.Link = "digest", ""
		m.Title, m.Text = say.summary(list)
		return m
	}
	m.Title = say.title(first.record)
	lines := []string{say.what(first.record)}
	if first.Kind.outage() && first.over == 0 {
		for _, key := range q.n.Sees(ctx, first.Owner, first.Incident) {
			lines = append(lines, say.p.T("watch.alert.sees", args{"Class": say.p.T(key, nil)}))
		}
	}
	if first.Weak {
		lines = append(lines, say.p.T("watch.alert.weak", nil))
	}
	if first.word != "" {
		lines = append(lines, say.p.T("watch.alert.says_told", args{"Member": string(first.word)}))
	}
	if first.acked != 0 && !first.Kind.ends() {
		lines = append(lines, say.p.T("watch.alert.acked", args{"Person": first.ackedBy}))
	}
	if first.over == 0 && first.acked == 0 && (first.Level == contact.Page || first.Kind == Test) {
		m.Urgent = first.Level == contact.Page
		if first.Link != "" {
			lines = append(lines, say.p.T("watch.alert.see", args{"Link": first.Link}))
		}
		m.Link = q.n.Link(first.Key, p.ID)
		key := "watch.alert.ack_here"
		if first.Kind == Test {
			key = "watch.alert.confirm_here"
		}
		lines = append(lines, say.p.T(key, nil))
	}
	m.Text = strings.Join(lines, "\n")
	return m
}

// sayer writes to one person.
type sayer struct {
	p      *words.Printer
	person contact.Person
}

// when is a moment on the person's clock.
func (s sayer) when(m core.Moment) string {
	loc, err := contact.Zone(s.person.Zone)
	if err != nil {
		loc = time.UTC
	}
	layout := "2 Jan 15:04 MST"
	if s.person.Lang == words.French {
		layout = "02/01 15:04 MST"
	}
	return m.Time().In(loc).Format(layout)
}

// services names them; nothing is said of which when there are too many.
func (s sayer) services(r record) string {
	if len(r.Services) == 0 {
		return string(r.Owner)
	}
	if len(r.Services) > 5 {
		return s.p.T("watch.alert.services", args{"Count": len(r.Services), "Hoster": string(r.Owner)})
	}
	names := make([]string, 0, len(r.Services))
	for _, name := range r.Services {
		names = append(names, contact.Short(name, 60))
	}
	return strings.Join(names, ", ") + " (" + string(r.Owner) + ")"
}

func (s sayer) title(r record) string {
	return s.p.T("watch.alert.title_"+string(r.Kind), args{"Services": s.services(r)})
}

func (s sayer) what(r record) string {
	places := args{"Services": s.services(r), "At": s.when(r.At)}
	if r.Ends != 0 {
		places["Ends"] = s.when(r.Ends)
	}
	if r.Kind.ends() {
		places["Over"] = s.when(r.over)
		places["Lasted"] = s.p.Span(max(r.over.Sub(r.At), time.Second).Round(time.Second))
	}
	return s.p.T("watch.alert.text_"+string(r.Kind), places)
}

// summary is one message about what came, and in part went.
func (s sayer) summary(list []task) (title, text string) {
	lines := make([]string, 0, len(list))
	for _, t := range list {
		line := "- " + s.title(t.record)
		if t.over != 0 {
			line += s.p.T("watch.alert.from_to", args{"From": s.when(t.At), "To": s.when(t.over)})
		} else {
			line += s.p.T("watch.alert.since", args{"From": s.when(t.At)})
		}
		lines = append(lines, line)
	}
	return s.p.T("watch.alert.digest", args{"Count": len(list), "Hoster": string(list[0].Owner)}), strings.Join(lines, "\n")
}
