// Package freshness says whose words a listing holds, and how old they are. It judges
// nobody: what was said long ago, or by somebody who is silent since, is unknown.
//
// Sources: docs/spec/directory.md#age.
package freshness

import (
	"context"
	"slices"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/logbook"
	"entrechat/internal/kit/words"
	"entrechat/internal/room/directory/catalogue"
)

// Book is the logbook as it is asked for how members stand.
type Book interface {
	Members(ctx context.Context, ids []core.MemberID) ([]logbook.Member, error)
}

// Age is whose words a listing holds, and how old they are.
type Age struct {
	Source     catalogue.Source
	Said       core.Moment // 0 = not known
	Heard      core.Moment
	Silent     bool // the author was not heard for long: his words may be old
	Old        bool // said too long ago to say how things stand
	Suspended  bool // two histories of its logbook are about
	Unverified bool
}

// Heard is when each member among the authors was last heard, by anybody we hear.
func Heard(ctx context.Context, book Book, authors ...catalogue.Author) (map[string]logbook.Member, error) {
	var ids []core.MemberID
	for _, a := range authors {
		if id := core.MemberID(a.Key); a.Source == catalogue.FromLog && !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	known, err := book.Members(ctx, ids)
	out := make(map[string]logbook.Member, len(known))
	for _, m := range known {
		out[string(m.ID)] = m
	}
	return out, err
}

// Authors are those of services and of their hosters.
func Authors(all []catalogue.Found) []catalogue.Author {
	out := make([]catalogue.Author, 0, 2*len(all))
	for _, f := range all {
		out = append(out, f.Service.Author, f.Hoster.Author)
	}
	return out
}

// Silent says that a member gave no sign of life for two days or more.
func Silent(s logbook.State) bool { return s == logbook.NotHeard || s == logbook.Stale }

// silentFile is how long a file may not be reachable before its author counts as
// silent; it is asked for every day.
const silentFile = 7 * 24 * time.Hour

// Of is how old the words of an author are.
func Of(a catalogue.Author, heard map[string]logbook.Member, now core.Moment) Age {
	out := Age{Source: a.Source, Said: a.Said, Heard: a.Heard, Old: a.Old(now)}
	out.Silent = a.Source == catalogue.FromFile && now > a.Heard.Add(silentFile)
	if m, ok := heard[a.Key]; ok && a.Source == catalogue.FromLog {
		out.Heard = max(out.Heard, m.Heard)
		out.Silent, out.Suspended = Silent(m.State), m.State == logbook.Suspended
	}
	return out
}

// Unknown says since when nobody knows how things stand; empty while the words are
// new and their author is heard.
func (a Age) Unknown(p *words.Printer) string {
	since := a.Said
	switch {
	case a.Silent || a.Suspended:
		since = a.Heard
	case !a.Old:
		return ""
	}
	if since == 0 {
		return p.T("directory.level.unknown", nil)
	}
	return p.T("directory.level.unknown_since", map[string]any{"Day": p.Day(since)})
}
