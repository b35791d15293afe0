package record

import (
	"entrechat/internal/core"
	"entrechat/internal/kit/atom"
)

// Site is where decisions are shown.
type Site struct {
	Self core.MemberID // whose node it is
	Page string        // address of the list
	Feed string        // address of the feed itself
}

// Atom is the feed of decisions, in the order given: what each is about, and where it stands.
func (w *Writer) Atom(s Site, list []Record, lang string, now core.Moment) ([]byte, error) {
	p := w.printer(lang)
	f := atom.Feed{
		ID: s.Page, Lang: p.Lang, Title: p.T("assembly.record.feed_title", args{"Hoster": string(s.Self)}), Author: string(s.Self), Home: s.Page, Self: s.Feed + "?lang=" + p.Lang,
	}
	for i := range list {
		r := &list[i]
		title := Clean(r.Title)
		if r.Withdrawn {
			title = p.T("assembly.record.withdrawn_title", nil)
		}
		at := r.changed(now)
		f.Entries = append(f.Entries, atom.Entry{URL: r.Page, Title: title + " (" + r.State(p, now).Says + ")", Updated: at.Time(), Text: r.Line(p, now)})
		if at.Time().After(f.Updated) {
			f.Updated = at.Time()
		}
	}
	return f.Encode()
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
