package gather

import (
	"context"
	"slices"
	"strings"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/room/watch/incident"
	"entrechat/internal/room/watch/incident/note"
	"entrechat/internal/room/watch/status"
	"entrechat/internal/room/watch/verdict"
)

// Incidents are those of the last 90 days, and older ones with a postmortem.
func (g *Gatherer) Incidents(ctx context.Context, who core.MemberID, now core.Moment) ([]status.Incident, error) {
	recent, err := g.n.Said.Incidents.Incidents(ctx, who, now.Add(-shownDays), maxStories)
	if err != nil {
		return nil, err
	}
	learned, err := g.n.Said.Incidents.Learned(ctx, who, maxLessons)
	if err != nil {
		return nil, err
	}
	ids := make([]string, 0, len(recent)+len(learned))
	for _, i := range recent {
		ids = append(ids, i.ID)
	}
	for _, story := range learned {
		if !slices.Contains(ids, story.ID) {
			ids = append(ids, story.ID)
		}
	}
	var out []status.Incident
	for _, id := range ids {
		story, err := g.n.Said.Incidents.Incident(ctx, id)
		if core.CodeOf(err) == core.CodeNotFound {
			continue // taken back meanwhile
		}
		if err != nil {
			return nil, err
		}
		if story.Owner == who {
			out = append(out, tell(story))
		}
	}
	return out, nil
}

// tell is a story as everybody reads it.
func tell(s incident.Story) status.Incident {
	i := status.Incident{
		ID: s.ID, Services: s.Services, Whole: s.Scope == incident.Hoster || len(s.Services) == 0,
		Weak: s.Weak, Unstable: s.Unstable, Opened: s.Opened, Closed: s.Closed, State: verdict.Unknown,
	}
	if s.Scope == incident.Manual {
		i.State = verdict.Up // a person opened it: no verdict says anything
	}
	for _, line := range s.Lines {
		switch line.Kind {
		case incident.LineDown:
			i.State = verdict.Down
		case incident.LinePartial:
			if i.State != verdict.Down {
				i.State = verdict.Partial
			}
		default:
		}
		if kind, ok := noteKind(line.Kind); ok {
			n := status.Note{At: line.At, Kind: kind}
			if line.Text != nil {
				n.Text, n.Withdrawn = textOf(*line.Text)
			}
			i.Notes = append(i.Notes, n)
			continue
		}
		if kind, ok := lineKind(line.Kind); ok {
			l := status.Line{At: line.At, Kind: kind, Service: line.Service, Count: line.Failing, Of: line.Voters}
			switch kind {
			case status.LineUp:
				l.Count, l.Of = 0, 0 // who still says that it fails, when it is back, helps nobody
			case status.LineTold:
				l.Count, l.Of = max(line.Count, 1), 0
			default:
			}
			i.Timeline = append(i.Timeline, l)
		}
	}
	if s.Postmortem != nil {
		i.Lesson = lesson(s)
	}
	return i
}

func noteKind(k incident.LineKind) (status.NoteKind, bool) {
	switch k {
	case incident.LineOpen:
		return status.NoteOpen, true
	case incident.LineUpdate:
		return status.NoteUpdate, true
	case incident.LineCorrection:
		return status.NoteCorrection, true
	case incident.LineClose:
		return status.NoteClose, true
	default:
		return "", false
	}
}

func lineKind(k incident.LineKind) (status.LineKind, bool) {
	switch k {
	case incident.LineDown:
		return status.LineDown, true
	case incident.LinePartial:
		return status.LinePartial, true
	case incident.LineUnknown:
		return status.LineUnknown, true
	case incident.LineUp:
		return status.LineUp, true
	case incident.LinePlan:
		return status.LineMaintenance, true
	case incident.LineAlert:
		return status.LineTold, true
	case incident.LineAck:
		return status.LineAcknowledged, true
	default: // looks and votes are for admins; the rest are people's words
		return "", false
	}
}

// textOf is a text where it is here, and whether it was taken down.
func textOf(t note.Text) (text string, withdrawn bool) {
	if t.State == note.Held {
		return t.Text, false
	}
	return "", t.State == note.Withdrawn
}

func lesson(s incident.Story) *status.Postmortem {
	p := s.Postmortem
	d := p.Depends
	var depended []string
	for _, one := range []string{d.Programs, d.Companies, d.People, d.Power, d.Network} {
		if one != "" {
			depended = append(depended, one)
		}
	}
	return &status.Postmortem{
		At: s.Told, Happened: p.What, Whom: p.Whom, Depended: strings.Join(depended, "\n"), Without: p.Without, Change: p.Change, Answer: strings.TrimPrefix(p.Answer, "mailto:"),
	}
}

// Maintenance is what is planned, goes on, or was in the last 90 days.
func (g *Gatherer) Maintenance(ctx context.Context, who core.MemberID, now core.Moment) ([]status.Maintenance, error) {
	plans, err := g.n.Said.Plans.Maintenance(ctx, who, now.Add(-shownDays), now.Add(ahead*24*time.Hour))
	if err != nil {
		return nil, err
	}
	var out []status.Maintenance
	for _, p := range plans {
		if p.Owner != who {
			continue
		}
		m := status.Maintenance{ID: p.ID, Services: p.Services, Said: p.Announced, From: p.Start, To: p.End, Ended: p.Closed, Canceled: p.Cancelled}
		if p.Text != nil {
			m.Text, _ = textOf(*p.Text)
		}
		out = append(out, m)
	}
	// The newest are kept where there are too many.
	return out[max(len(out)-50, 0):], nil
}
