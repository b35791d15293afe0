package watch

import (
	"context"
	"errors"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/room/watch/incident"
	"entrechat/internal/room/watch/incident/note"
)

// Stories answers other rooms what was measured of incidents, and what was told of them.
type Stories struct{ publisher *incident.Publisher }

// Outages tells our own incidents that are over and were open at some time since a moment, the
// newest first: services, from when until when, and how long in it at least one of them was
// down, apart from announced maintenance; 0 where nobody measured it.
func (s Stories) Outages(ctx context.Context, since core.Moment, take func(id string, services []string, from, until core.Moment, down time.Duration)) error {
	all, err := s.publisher.Ended(ctx, since)
	for _, i := range all {
		take(i.ID, i.Services, i.Opened, i.Closed, i.Down)
	}
	return err
}

// Postmortem is the newest one of an incident, by the names of its texts, and its language.
// Returns CodeNotFound while none is here, or none any more.
func (s Stories) Postmortem(ctx context.Context, id string) (texts map[string]string, lang string, err error) {
	story, err := s.publisher.Incidents.Incident(ctx, id)
	if err == nil && story.Postmortem == nil {
		err = core.NotFound("watch.incident.no_note", errors.New("no postmortem"))
	}
	if err != nil {
		return nil, "", err
	}
	return textsOf(*story.Postmortem), story.Lang, nil
}

// PublishPostmortem tells one of an incident of ours. Codes as for incident.Reporter.Say.
func (s Stories) PublishPostmortem(ctx context.Context, id, lang string, texts map[string]string) error {
	p := new(note.Postmortem)
	for name, text := range texts {
		p.Set(name, text)
	}
	_, err := s.publisher.Incidents.Say(ctx, id, incident.KindPostmortem, note.Document{Lang: lang, Postmortem: p})
	return err
}

// EachPostmortem tells what members, and we, told after incidents, the newest first.
func (s Stories) EachPostmortem(ctx context.Context, take func(owner core.MemberID, id string, opened core.Moment, texts map[string]string)) error {
	const newest = 200
	stories, err := s.publisher.Incidents.Learned(ctx, "", newest)
	for _, one := range stories {
		take(one.Owner, one.ID, one.Opened, textsOf(*one.Postmortem))
	}
	return err
}

func textsOf(p note.Postmortem) map[string]string {
	out := map[string]string{}
	for _, name := range note.Fields() {
		if text := p.Get(name); text != "" {
			out[name] = text
		}
	}
	return out
}
