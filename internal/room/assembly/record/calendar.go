package record

import (
	"strings"
	"time"
	"unicode/utf8"

	"entrechat/internal/core"
	"entrechat/internal/kit/web"
)

// CalendarType is the media type of a calendar.
const CalendarType = "text/calendar; charset=utf-8"

// folded is how many octets a line of a calendar has at most, without its end.
const folded = 75

// stampForm is a moment in UTC as a calendar writes it, dayForm a day.
const (
	stampForm = "20060102T150405Z"
	dayForm   = "20060102"
)

// Calendar are the deadlines of decisions as RFC 5545 wants them: the end of talk, of voting, the
// count, and the day of review of what was decided.
func (w *Writer) Calendar(s Site, list []Record, lang string, now core.Moment) []byte {
	p := w.printer(lang)
	c := &calendar{}
	c.raw("BEGIN", "VCALENDAR")
	c.raw("VERSION", "2.0")
	c.raw("PRODID", "-//entrechat//decisions//"+strings.ToUpper(p.Lang))
	c.raw("CALSCALE", "GREGORIAN")
	name := p.T("assembly.record.calendar_name", args{"Hoster": string(s.Self)})
	c.text("NAME", name)
	c.text("X-WR-CALNAME", name)
	c.raw("REFRESH-INTERVAL;VALUE=DURATION", "PT6H")
	for i := range list {
		r := &list[i]
		if r.Withdrawn || r.Replaced || r.Rival {
			continue
		}
		title := Clean(r.Title)
		says := func(key string) string { return p.T(key, args{"Title": title}) }
		if r.Kind == Lazy {
			c.event(r, "talk", says("assembly.record.until_lazy"))
		} else {
			c.event(r, "talk", says("assembly.record.until_talk"))
			c.event(r, "commit", says("assembly.record.until_commit"))
			c.event(r, "count", says("assembly.record.until_count"))
		}
		if count := r.counted(now); count == nil || severity(count.Result) == web.Fine {
			c.event(r, "review", says("assembly.record.until_review"))
		}
	}
	c.raw("END", "VCALENDAR")
	return []byte(c.String())
}

// calendar is what is being written.
type calendar struct{ strings.Builder }

// event is one deadline; one that the decision does not have is left out.
func (c *calendar) event(r *Record, which, says string) {
	start, form := "DTSTART", ""
	switch which {
	case "talk":
		form = utc(r.Times.TalkUntil)
	case "commit":
		form = utc(r.Times.CommitUntil)
	case "count":
		form = utc(r.Times.Due())
	case "review":
		day, err := time.Parse(time.DateOnly, r.Review)
		if err != nil {
			return
		}
		start, form = "DTSTART;VALUE=DATE", day.Format(dayForm)
	}
	stamp := utc(r.Times.Opened)
	if form == "" || stamp == "" {
		return
	}
	c.raw("BEGIN", "VEVENT")
	c.text("UID", Clean(r.ID)+"-"+which+"@"+string(r.By))
	c.raw("DTSTAMP", stamp)
	c.raw(start, form)
	c.text("SUMMARY", says)
	if r.Page != "" {
		c.text("DESCRIPTION", r.Page)
		c.raw("URL", Clean(r.Page))
	}
	c.raw("TRANSP", "TRANSPARENT")
	c.raw("END", "VEVENT")
}

// utc is a moment as a calendar writes it; empty where the year does not have four digits.
func utc(m core.Moment) string {
	if t := m.Time().UTC(); t.Year() >= 1 && t.Year() <= 9999 {
		return t.Format(stampForm)
	}
	return ""
}

// text writes a property whose value is a text.
//
// Source: RFC 5545, section 3.3.11
func (c *calendar) text(name, value string) {
	c.raw(name, strings.NewReplacer(`\`, `\\`, ";", `\;`, ",", `\,`, "\n", `\n`).Replace(scrub(value)))
}

// raw writes a line, folded: no part of it is longer than 75 octets, and no character is cut.
//
// Source: RFC 5545, section 3.1
func (c *calendar) raw(name, value string) {
	line, room := name+":"+value, folded
	for len(line) > room {
		cut := room
		for cut > 0 && !utf8.RuneStart(line[cut]) {
			cut--
		}
		c.WriteString(line[:cut] + "\r\n ")
		line, room = line[cut:], folded-1 // the space counts
	}
	c.WriteString(line + "\r\n")
}
