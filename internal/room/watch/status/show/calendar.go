package show

import (
	"strings"
	"time"

	ical "github.com/arran4/golang-ical"

	"entrechat/internal/core"
	"entrechat/internal/room/watch/status"
)

// calendar writes RFC 5545: the maintenance that was announced.
func (s *Show) calendar(t teller) ([]byte, error) {
	c := ical.NewCalendar()
	c.SetProductId("-//entrechat//status//EN")
	c.SetMethod(ical.MethodPublish)
	c.SetName(line(t.T("watch.status.calendar_name", map[string]any{"Name": t.s.Name})))
	for _, m := range t.s.Maintenance {
		w, end := t.work(m), m.To
		if m.Ended != 0 && !m.Canceled {
			end = min(m.Ended, m.To)
		}
		e := c.AddEvent(m.ID + "@" + strings.ReplaceAll(string(t.s.Hoster), ":", "-"))
		e.SetDtStampTime(at(max(m.Said, 1)))
		e.SetStartAt(at(m.From))
		e.SetEndAt(at(max(end, m.From)))
		e.SetSummary(line(t.T("watch.status.feed_work", map[string]any{"What": w.What})))
		if m.Text != "" {
			e.SetDescription(lines(m.Text))
		}
		e.SetURL(s.n.URL + address(t.s.Hoster) + "#planned")
		if m.Canceled {
			e.SetStatus(ical.ObjectStatusCancelled)
		}
	}
	return []byte(c.Serialize(ical.WithNewLineWindows)), nil
}

func at(m core.Moment) time.Time { return m.Time().UTC() }

// line and lines make sure that no text ends its own line: the library escapes what it
// knows, and nothing else reaches it.
func line(text string) string { return status.Clean(text, 500, false) }

func lines(text string) string { return status.Clean(text, 4000, true) }
