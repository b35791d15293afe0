package record

import (
	"encoding/xml"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"entrechat/internal/core"
)

// property is one line of a calendar, unfolded.
type property struct{ name, value string }

var (
	propertyLine = regexp.MustCompile(`^([A-Z-]+)((?:;[A-Z-]+=[A-Za-z0-9-]+)*):(.*)$`)
	moment       = regexp.MustCompile(`^\d{8}T\d{6}Z$`)
)

// unfold undoes the folding of RFC 5545 and refuses what it forbids: a bare CR or LF, a line above
// 75 octets, a character that is cut, a control character.
func unfold(text string) (lines []string, err error) {
	if !strings.HasSuffix(text, "\r\n") {
		return nil, errors.New("the last line has no end")
	}
	for line := range strings.SplitSeq(strings.TrimSuffix(text, "\r\n"), "\r\n") {
		if len(line) > 75 || !utf8.ValidString(line) || strings.ContainsFunc(line, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }) {
			return nil, fmt.Errorf("line of %d octets: %q", len(line), line)
		}
		if rest, folded := strings.CutPrefix(line, " "); folded && len(lines) > 0 {
			lines[len(lines)-1] += rest
			continue
		}
		lines = append(lines, line)
	}
	return lines, nil
}

// textValue undoes the escapes of a text, and refuses one that is not escaped.
func textValue(value string) (string, error) {
	var out strings.Builder
	for i := 0; i < len(value); i++ {
		switch c := value[i]; {
		case c == '\\' && i+1 < len(value) && strings.IndexByte(`\;,nN`, value[i+1]) >= 0:
			i++
			if value[i] == 'n' || value[i] == 'N' {
				out.WriteByte('\n')
			} else {
				out.WriteByte(value[i])
			}
		case c == '\\' || c == ';' || c == ',':
			return "", fmt.Errorf("%q is not escaped in %q", c, value)
		default:
			out.WriteByte(c)
		}
	}
	return out.String(), nil
}

// parseCalendar reads a calendar as strictly as RFC 5545 says: one VCALENDAR with VERSION and
// PRODID, of events that each have one UID, DTSTAMP and DTSTART.
func parseCalendar(text string) (events []map[string]string, err error) {
	lines, err := unfold(text)
	if err != nil {
		return nil, err
	}
	var props []property
	for _, line := range lines {
		m := propertyLine.FindStringSubmatch(line)
		if m == nil {
			return nil, fmt.Errorf("no property: %q", line)
		}
		props = append(props, property{m[1] + m[2], m[3]})
	}
	n := len(props)
	if n < 4 || props[0] != (property{"BEGIN", "VCALENDAR"}) || props[1] != (property{"VERSION", "2.0"}) || props[2].name != "PRODID" || props[n-1] != (property{"END", "VCALENDAR"}) {
		return nil, errors.New("no calendar")
	}
	var event map[string]string
	for _, p := range props[1 : n-1] {
		switch {
		case p == property{"BEGIN", "VEVENT"} && event == nil:
			event = map[string]string{}
		case p == property{"END", "VEVENT"} && event != nil:
			if err := whole(event); err != nil {
				return nil, err
			}
			events, event = append(events, event), nil
		case p.name == "BEGIN" || p.name == "END":
			return nil, fmt.Errorf("%v out of place", p)
		case event != nil:
			if _, twice := event[p.name]; twice {
				return nil, fmt.Errorf("%s twice", p.name)
			}
			if slices.Contains([]string{"UID", "SUMMARY", "DESCRIPTION"}, p.name) {
				if p.value, err = textValue(p.value); err != nil {
					return nil, err
				}
			}
			event[p.name] = p.value
		}
	}
	return events, nil
}

func whole(event map[string]string) error {
	for name := range event {
		if !slices.Contains([]string{"UID", "DTSTAMP", "DTSTART", "DTSTART;VALUE=DATE", "SUMMARY", "DESCRIPTION", "URL", "TRANSP"}, name) {
			return fmt.Errorf("unexpected %s", name)
		}
	}
	if event["UID"] == "" || !moment.MatchString(event["DTSTAMP"]) {
		return fmt.Errorf("an event without name or stamp: %v", event)
	}
	if _, err := time.Parse("20060102", event["DTSTART;VALUE=DATE"]); err != nil && !moment.MatchString(event["DTSTART"]) {
		return fmt.Errorf("an event without a start: %v", event)
	}
	return nil
}

func TestCalendar(t *testing.T) {
	w := New(catalogue(t))
	r := example(Consent)
	r.Title = strings.Repeat("Héberger; partager, décider\\ ", 6)
	site := Site{Self: "chaton-a.test"}
	events, err := parseCalendar(string(w.Calendar(site, []Record{r}, "fr", opened)))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range events {
		got = append(got, e["UID"][64:]+" "+e["DTSTART"]+e["DTSTART;VALUE=DATE"]+" "+e["DTSTAMP"])
		if !strings.HasSuffix(e["SUMMARY"], Clean(r.Title)) || e["URL"] != r.Page {
			t.Errorf("%v", e)
		}
	}
	want := []string{
		"-talk@chaton-a.test 20261207T090000Z 20261130T090000Z", "-commit@chaton-a.test 20261214T090000Z 20261130T090000Z",
		"-count@chaton-a.test 20261217T150000Z 20261130T090000Z", "-review@chaton-a.test 20271130 20261130T090000Z",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	// What was not decided is not looked at again; what was replaced or taken back has no deadline.
	for name, c := range map[string]struct {
		change func(*Record)
		want   int
	}{
		"blocked":    {func(r *Record) { r.Count.Result = Blocked }, 3},
		"replaced":   {func(r *Record) { r.Replaced = true }, 0},
		"a rival":    {func(r *Record) { r.Rival = true }, 0},
		"taken back": {func(r *Record) { r.Withdrawn = true }, 0},
		"no review":  {func(r *Record) { r.Review = "" }, 3},
		"lazy":       {func(r *Record) { *r = example(Lazy) }, 2},
	} {
		r := example(Consent)
		c.change(&r)
		events, err := parseCalendar(string(w.Calendar(site, []Record{r}, "en", r.Times.Due()+1)))
		if err != nil || len(events) != c.want {
			t.Errorf("%s: %d events, %v", name, len(events), err)
		}
	}
}

// TestTheParserIsStrict: the parser of this test refuses what a calendar may not hold.
func TestTheParserIsStrict(t *testing.T) {
	r := example(Consent)
	good := string(New(catalogue(t)).Calendar(Site{Self: "a.test"}, []Record{r}, "fr", opened))
	if _, err := parseCalendar(good); err != nil {
		t.Fatal(err)
	}
	for name, bad := range map[string]string{
		"bare line ends": strings.ReplaceAll(good, "\r\n", "\n"),
		"too long":       strings.ReplaceAll(good, "\r\n ", ""),
		"no escape":      strings.Replace(good, "SUMMARY:", "SUMMARY:a;b", 1),
		"two starts":     strings.Replace(good, "TRANSP:TRANSPARENT", "DTSTART:20260101T000000Z", 1),
		"local time":     strings.Replace(good, "00Z", "00", 1),
		"not closed":     strings.Replace(good, "END:VEVENT\r\n", "", 1),
	} {
		if _, err := parseCalendar(bad); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
}

// feed is what the tests read of one.
type feed struct {
	Lang    string `xml:"http://www.w3.org/XML/1998/namespace lang,attr"`
	Updated string `xml:"updated"`
	Entries []struct {
		ID      string `xml:"id"`
		Title   string `xml:"title"`
		Content string `xml:"content"`
	} `xml:"entry"`
}

func TestAtom(t *testing.T) {
	w := New(catalogue(t))
	r := example(Consent)
	site := Site{Self: "chaton-a.test", Page: "https://chaton-a.test/decisions", Feed: "https://chaton-a.test/decisions/feed.atom"}
	read := func(now core.Moment) (f feed) {
		data, err := w.Atom(site, []Record{r}, "fr", now)
		if err != nil {
			t.Fatal(err)
		}
		if err := xml.Unmarshal(data, &f); err != nil {
			t.Fatal(err)
		}
		return f
	}
	f := read(r.Times.CommitUntil)
	if f.Lang != "fr" || f.Updated != "2026-12-07T09:00:00Z" || len(f.Entries) != 1 || !strings.Contains(f.Entries[0].Title, "Vote en cours") || f.Entries[0].ID != r.Page {
		t.Errorf("%+v", f)
	}
	f = read(r.Times.Due() + 1)
	if f.Updated != "2026-12-17T15:00:00Z" || !strings.Contains(f.Entries[0].Content, "Adoptée") {
		t.Errorf("%+v", f)
	}
	data, err := w.Atom(site, nil, "en", opened)
	if err != nil || !strings.Contains(string(data), "<updated>1970-01-01T00:00:00Z</updated>") {
		t.Errorf("%s %v", data, err)
	}
}
