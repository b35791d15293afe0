package incident

import (
	"strings"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/words"
	"entrechat/internal/room/watch/incident/note"
	"entrechat/internal/room/watch/incident/promise"
)

type args = map[string]any

// Title says an incident in one short sentence. The names in it are foreign: pages escape
// them.
func Title(p *words.Printer, i Incident) string {
	names := strings.Join(i.Services, ", ")
	switch {
	case i.Scope == Manual && names == "":
		return p.T("watch.incident.title_team", nil)
	case i.Scope == Manual:
		return p.T("watch.incident.title_manual", args{"Services": names})
	case i.Scope == Hoster:
		return p.T("watch.incident.title_hoster", args{"Count": len(i.Services), "Services": names})
	case i.Unstable:
		return p.T("watch.incident.title_unstable", args{"Services": names})
	}
	return p.T("watch.incident.title_service", args{"Services": names})
}

// Standing says how an incident is now: open since when, or how long it lasted.
func Standing(p *words.Printer, i Incident, now core.Moment) string {
	long := promise.Long(p.Lang, i.Lasted(now))
	if !i.Open() {
		return p.T("watch.incident.was_closed", args{"Long": long})
	}
	if len(i.Down) == 0 && i.Scope != Manual {
		return p.T("watch.incident.is_unsure", args{"Long": long})
	}
	return p.T("watch.incident.is_open", args{"Long": long})
}

// Says is the sentence of a line without the text somebody wrote; TextOf is that.
func (l Line) Says(p *words.Printer) string {
	a := args{"Service": l.Service, "Failing": l.Failing, "Voters": l.Voters, "Who": l.Who, "Count": l.Count}
	key := "watch.incident.line_" + string(l.Kind)
	if l.Kind == LineDown || l.Kind == LinePartial {
		switch {
		case l.Alone:
			key += "_alone"
		case l.Voters == 0:
			key += "_plain"
		}
	}
	if (l.Kind == LineAlert || l.Kind == LineAck) && l.Who == "" {
		key += "_nameless"
	}
	text := p.T(key, a)
	if l.Weak && !l.Alone {
		text += " " + p.T("watch.incident.weak", nil)
	}
	return text
}

// TextOf is what somebody wrote, or a sentence that says why it is not here; empty for a
// line without a text. It is plain text of a stranger.
func (l Line) TextOf(p *words.Printer) string {
	switch {
	case l.Text == nil:
		return ""
	case l.Text.State == note.Held:
		return l.Text.Text
	case l.Text.State == note.Withdrawn:
		return p.T("watch.incident.text_withdrawn", nil)
	case l.Text.State == note.Broken:
		return p.T("watch.incident.text_broken", nil)
	}
	return p.T("watch.incident.text_wanted", nil)
}

// Clock says a moment with its seconds, in UTC.
func Clock(m core.Moment) string { return m.Time().Format(time.DateTime) }
