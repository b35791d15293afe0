package debate

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"strings"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/logbook"
	"entrechat/internal/room/assembly/debate/document"
)

// typeOpened is the entry by which a hoster says that it opened a box.
// spec: docs/spec/custody.md#ask
const typeOpened = "entrechat/custody-opened/1"

// lookBack is how old what calls for a debate may be: a node that is new to debates does not
// begin with those of years.
const lookBack = 30 * day

// outage is an incident of ours that is over, as the watch tells it.
type outage struct {
	id          string
	services    []string
	from, until core.Moment
	down        time.Duration
}

func (s *base) outages(ctx context.Context, since core.Moment) (all []outage, err error) {
	watch, ok := s.n.Incidents()
	if !ok {
		return nil, nil
	}
	err = watch.Outages(ctx, since, func(id string, services []string, from, until core.Moment, down time.Duration) {
		all = append(all, outage{id, services, from, until, down})
	})
	return all, err
}

// Propose makes drafts of outages that call for a debate, with nothing but what was measured.
func (s *Service) Propose(ctx context.Context) error {
	all, err := s.outages(ctx, s.now().Add(-lookBack))
	for _, o := range all {
		if err != nil {
			return err
		}
		if !Called(o.down) {
			continue
		}
		var known bool
		if known, err = hasOrigin(ctx, s.n.DB, originOf(o)); err == nil && !known {
			d := Debate{ID: rand.Text(), Reason: document.Downtime, State: Draft, Texts: Texts{Lang: s.n.Lang}, Made: s.now()}
			_, err = insert(ctx, s.n.DB, s.measured(ctx, d, o))
		}
	}
	return err
}

func originOf(o outage) string { return "incident " + o.id }

// measured is a draft with what the watch knows of an incident. A postmortem that was told
// already is where people go on from.
func (s *Service) measured(ctx context.Context, d Debate, o outage) Debate {
	p := s.n.Words.Printer(d.Lang)
	d.origin, d.Incident, d.From, d.Until, d.Down = originOf(o), o.id, o.from, o.until, o.down
	services := strings.Join(o.services, ", ")
	if services == "" {
		services = p.T("assembly.debate.all_services", nil)
	}
	args := map[string]any{"Services": services, "From": p.Date(o.from), "Until": p.Date(o.until), "Minutes": int64(o.down / time.Minute)}
	if d.Title == "" {
		d.Title = firstOf(p.T("assembly.debate.title_outage", args), document.MaxTitle)
	}
	if told, err := s.told(ctx, o.id); err == nil && told.What != "" {
		d.Story = told
		return d
	}
	d.Story.What = p.T("assembly.debate.measured", args)
	if o.down == 0 {
		d.Story.What = p.T("assembly.debate.from_until", args)
	}
	return d
}

// firstOf is a line of at most most characters.
func firstOf(text string, most int) string {
	if r := []rune(text); len(r) > most {
		return string(r[:most-1]) + "…"
	}
	return text
}

// boxOpened proposes a debate where we opened a box.
func (s *Service) boxOpened(ctx context.Context, e logbook.Entry) error {
	if e.Log != s.self() || e.Iat < s.now().Add(-lookBack) {
		return nil
	}
	p := s.n.Words.Printer(s.n.Lang)
	d := Debate{
		ID: rand.Text(), origin: "custody " + hex.EncodeToString(e.Hash[:]), Reason: document.Custody, State: Draft, From: e.Iat, Until: e.Iat, Made: s.now(),
		Texts: Texts{Lang: s.n.Lang, Title: p.T("assembly.debate.title_custody", nil)},
	}
	d.Story.What = p.T("assembly.debate.custody_opened", map[string]any{"At": p.Date(e.Iat)})
	_, err := insert(ctx, s.n.DB, d)
	return err
}
