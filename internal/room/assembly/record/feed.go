package record

import (
	"encoding/xml"
	"time"

	"entrechat/internal/core"
)

// AtomType is the media type of a feed.
const AtomType = "application/atom+xml"

// Site is where decisions are shown.
type Site struct {
	Self core.MemberID // whose node it is
	Page string        // address of the list
	Feed string        // address of the feed itself
}

// AtomLink is a link of a feed; an empty Rel is "alternate".
type AtomLink struct {
	Rel  string `xml:"rel,attr,omitempty"`
	Href string `xml:"href,attr"`
}

// AtomEntry is one piece of news.
type AtomEntry struct {
	ID      string   `xml:"id"`
	Title   string   `xml:"title"`
	Updated string   `xml:"updated"`
	Link    AtomLink `xml:"link"`
	Content string   `xml:"content"` // plain text
}

// AtomFeed is a feed as RFC 4287 wants it; times are RFC 3339.
type AtomFeed struct {
	XMLName xml.Name    `xml:"http://www.w3.org/2005/Atom feed"`
	Lang    string      `xml:"http://www.w3.org/XML/1998/namespace lang,attr"`
	ID      string      `xml:"id"`
	Title   string      `xml:"title"`
	Updated string      `xml:"updated"`
	Author  string      `xml:"author>name"`
	Links   []AtomLink  `xml:"link"`
	Entries []AtomEntry `xml:"entry"`
}

// Atom is the feed of decisions, in the order given: what each is about, and where it stands.
func (w *Writer) Atom(s Site, list []Record, lang string, now core.Moment) ([]byte, error) {
	p := w.printer(lang)
	f := AtomFeed{
		Lang: p.Lang, ID: s.Page, Title: p.T("assembly.record.feed_title", args{"Hoster": string(s.Self)}), Author: string(s.Self), Updated: onDay(0),
		Links: []AtomLink{{Href: s.Page}, {Rel: "self", Href: s.Feed + "?lang=" + p.Lang}},
	}
	var last core.Moment
	for i := range list {
		r := &list[i]
		title := Clean(r.Title)
		if r.Withdrawn {
			title = p.T("assembly.record.withdrawn_title", nil)
		}
		at := r.changed(now)
		last = max(last, at)
		f.Entries = append(f.Entries, AtomEntry{
			ID: r.Page, Title: title + " (" + r.State(p, now).Says + ")", Updated: onDay(at), Link: AtomLink{Href: r.Page}, Content: r.Line(p, now),
		})
	}
	if last != 0 {
		f.Updated = onDay(last)
	}
	data, err := xml.MarshalIndent(f, "", " ")
	return append([]byte(xml.Header), data...), err
}

// changed is when the decision last went into another phase.
func (r *Record) changed(now core.Moment) core.Moment {
	t := r.Times
	switch t.Phase(now) {
	case Talk:
		return t.Opened
	case Commit:
		return t.TalkUntil
	case Reveal:
		return t.CommitUntil
	case Counted:
	}
	return t.Due()
}

// onDay is a moment as RFC 3339 writes it.
func onDay(m core.Moment) string {
	if m == 0 {
		return time.Unix(0, 0).UTC().Format(time.RFC3339)
	}
	return m.Time().UTC().Truncate(time.Second).Format(time.RFC3339)
}
