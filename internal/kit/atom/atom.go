// Package atom writes news feeds that any reader takes.
//
// Source: RFC 4287.
package atom

import (
	"encoding/xml"
	"time"
)

// Type is the media type of a feed.
const Type = "application/atom+xml"

// Feed is a feed in one language.
type Feed struct {
	ID            string // never changes; empty = Self
	Lang          string // "fr"
	Title, Author string
	Home, Self    string    // addresses: of the page that it tells of, of the feed itself
	Updated       time.Time // zero = as its first entry
	Entries       []Entry   // the newest first
}

// Entry is one piece of news.
type Entry struct {
	ID        string // never changes; empty = URL
	URL       string
	Title     string
	Text      string    // plain; empty = none
	Published time.Time // zero = is not said
	Updated   time.Time
}

type link struct {
	Rel  string `xml:"rel,attr,omitempty"`
	Href string `xml:"href,attr"`
}

type entry struct {
	ID        string `xml:"id"`
	Title     string `xml:"title"`
	Updated   string `xml:"updated"`
	Published string `xml:"published,omitempty"`
	Link      link   `xml:"link"`
	Content   string `xml:"content,omitempty"`
}

type document struct {
	XMLName xml.Name `xml:"http://www.w3.org/2005/Atom feed"`
	Lang    string   `xml:"xml:lang,attr"`
	ID      string   `xml:"id"`
	Title   string   `xml:"title"`
	Updated string   `xml:"updated"`
	Author  string   `xml:"author>name"`
	Links   []link   `xml:"link"`
	Entries []entry  `xml:"entry"`
}

// Encode makes the document, in UTF-8. Times are said to the second.
func (f Feed) Encode() ([]byte, error) {
	if f.ID == "" {
		f.ID = f.Self
	}
	if f.Updated.IsZero() && len(f.Entries) > 0 {
		f.Updated = f.Entries[0].Updated
	}
	d := document{Lang: f.Lang, ID: f.ID, Title: f.Title, Updated: moment(f.Updated), Author: f.Author, Links: []link{{"self", f.Self}, {"alternate", f.Home}}}
	for _, e := range f.Entries {
		if e.ID == "" {
			e.ID = e.URL
		}
		one := entry{ID: e.ID, Title: e.Title, Updated: moment(e.Updated), Link: link{Href: e.URL}, Content: e.Text}
		if !e.Published.IsZero() {
			one.Published = moment(e.Published)
		}
		d.Entries = append(d.Entries, one)
	}
	data, err := xml.MarshalIndent(d, "", " ")
	return append([]byte(xml.Header), data...), err
}

// moment is a time as RFC 3339 has it; what is not known is 1970.
func moment(t time.Time) string {
	if t.IsZero() {
		t = time.Unix(0, 0)
	}
	return t.UTC().Format(time.RFC3339)
}
