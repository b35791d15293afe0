package incident

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"entrechat/internal/core"
	"entrechat/internal/kit/console"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/jobs"
	"entrechat/internal/kit/logbook"
	"entrechat/internal/kit/peer"
	"entrechat/internal/kit/web"
	"entrechat/internal/kit/words"
	"entrechat/internal/room/watch/incident/availability"
	"entrechat/internal/room/watch/incident/maintenance"
	"entrechat/internal/room/watch/incident/note"
	"entrechat/internal/room/watch/incident/promise"
	"entrechat/internal/room/watch/verdict"
)

// PublisherNeeds is what a Publisher is made of. What may be nil says so in the needs of
// its parts.
type PublisherNeeds struct {
	DB    *db.DB // with the room's tables
	Book  Book
	Self  core.MemberID
	Calls note.Calls // may be nil
	// ServiceOf names the service of a target. CodeNotFound.
	ServiceOf func(ctx context.Context, owner core.MemberID, target string) (string, error)
	// History and Watched as in Needs; may be nil.
	History func(ctx context.Context, owner core.MemberID, target string, from, to core.Moment) ([]verdict.Interval, error)
	Watched func(ctx context.Context) ([]verdict.Key, error)
	// Services are the names of our own services; may be nil.
	Services func(ctx context.Context) ([]string, error)
	// VotersOf are the members that look at an owner's services: whom our entries are for
	// first, and who may hold another hoster's texts; may be nil.
	VotersOf func(ctx context.Context, owner core.MemberID) ([]core.MemberID, error)
	// Shown says whose pages this node shows; nil = everybody's.
	Shown func(ctx context.Context, owner core.MemberID) (bool, error)
	// TargetsOf are the targets that decide of a service, without those for diagnosis only;
	// nil = nothing is measured.
	TargetsOf func(ctx context.Context, owner core.MemberID, service string) ([]string, error)
	Lines     []LineSource
	// Tell and TellPlan are told what happens, at least once each; may be nil.
	Tell     func(ctx context.Context, e Event) error
	TellPlan func(ctx context.Context, p maintenance.Plan) error
	Zone     *time.Location // of what people type without one; nil = UTC
	Now      func() time.Time
	Log      *slog.Logger
}

// Publisher puts incidents, texts, maintenance and promises together for the room.
type Publisher struct {
	Incidents *Reporter
	Texts     *note.Texts
	Plans     *maintenance.Planner
	Promises  *promise.Promises
	n         PublisherNeeds
}

// NewPublisher makes it.
func NewPublisher(n PublisherNeeds) *Publisher {
	p := &Publisher{n: n}
	var voters func(ctx context.Context) ([]core.MemberID, error)
	if n.VotersOf != nil {
		voters = func(ctx context.Context) ([]core.MemberID, error) {
			all, err := n.VotersOf(ctx, n.Self)
			return all[:min(len(all), maxAudience)], err
		}
	}
	p.Texts = note.New(note.Needs{DB: n.DB, Self: n.Self, Calls: n.Calls, Sources: n.VotersOf, Shown: n.Shown, Now: n.Now, Log: n.Log})
	p.Plans = maintenance.New(maintenance.Needs{
		DB: n.DB, Book: n.Book, Self: n.Self, Texts: p.Texts, Voters: voters, Services: n.Services, Zone: n.Zone, Tell: n.TellPlan, Now: n.Now, Log: n.Log,
	})
	p.Promises = promise.New(promise.Needs{
		DB: n.DB, Book: n.Book, Self: n.Self, Plans: p.Plans, Services: n.Services, Intervals: p.Intervals, Zone: n.Zone, Now: n.Now, Log: n.Log,
	})
	p.Incidents = New(Needs{
		DB: n.DB, Book: n.Book, Self: n.Self, Texts: p.Texts, ServiceOf: n.ServiceOf, History: n.History, Watched: n.Watched, Services: n.Services, Voters: voters,
		Lines: append([]LineSource{p.planned}, n.Lines...), Tell: n.Tell, Now: n.Now, Log: n.Log,
	})
	return p
}

// began is how long before a period an outage may have begun that lasts into it: what was
// announced since does not excuse it.
const began = 30 * day

// Intervals are what was concluded of a service, from before a period to its end: the worst
// of its targets counts.
func (p *Publisher) Intervals(ctx context.Context, owner core.MemberID, service string, from, to core.Moment) ([]availability.Interval, error) {
	if p.n.TargetsOf == nil || p.n.History == nil {
		return nil, nil
	}
	targets, err := p.n.TargetsOf(ctx, owner, service)
	if err != nil {
		return nil, err
	}
	from = max(0, from.Add(-began))
	all := make([][]availability.Interval, 0, len(targets))
	for _, id := range targets {
		history, err := p.n.History(ctx, owner, id, from, to)
		if err != nil {
			return nil, err
		}
		all = append(all, availability.FromVerdicts(history))
	}
	return availability.Combine(all, from, to), nil
}

// Figures is what was measured of a service, beside what its owner promised.
func (p *Publisher) Figures(ctx context.Context, owner core.MemberID, service string, from, to core.Moment) (promise.Figures, error) {
	intervals, err := p.Intervals(ctx, owner, service, from, to)
	if err != nil {
		return promise.Figures{}, err
	}
	return p.Promises.Figures(ctx, owner, service, availability.Span{From: from, To: to}, intervals)
}

// maxAudience bounds how many members one entry of ours names.
const maxAudience = 16

// planned are the maintenances that touch an incident.
func (p *Publisher) planned(ctx context.Context, i Incident) (out []Line, err error) {
	end := i.Closed
	if i.Open() {
		end = p.Incidents.now()
	}
	plans, err := p.Plans.Plans(ctx, i.Owner, i.Opened, end)
	for _, plan := range plans {
		about := len(i.Services) == 0 || slices.ContainsFunc(i.Services, plan.About)
		if about && !plan.Cancelled && plan.Until() > i.Opened {
			out = append(out, Line{At: plan.Start, Kind: LinePlan, Entry: plan.ID})
		}
	}
	return out, err
}

// Excused says whether a maintenance ran at some time of an incident that lasts, about any of
// its services.
func (p *Publisher) Excused(ctx context.Context, i Incident) (bool, error) {
	plans, err := p.planned(ctx, i)
	return len(plans) > 0, err
}

// Readers hear what members say.
func (p *Publisher) Readers() []logbook.Reader {
	return slices.Concat(p.Incidents.Readers(), p.Plans.Readers(), p.Promises.Readers())
}

// Jobs fetch texts and tell what waits.
func (p *Publisher) Jobs() []jobs.Job {
	return slices.Concat(p.Incidents.Jobs(), p.Plans.Jobs(), p.Texts.Jobs())
}

// Routes answer members.
func (p *Publisher) Routes() []peer.Route { return p.Texts.Routes() }

// Pages are the admin's pages, with their lines of the menu.
func (p *Publisher) Pages(site *web.Site) web.Pages {
	return web.Pages{
		Routes: slices.Concat(p.Incidents.Pages(site), p.Plans.Pages(site), p.Promises.Pages(site)),
		Menu:   slices.Concat(Menu(), maintenance.Menu(), promise.Menu()),
	}
}

// Entries are the kinds of entries that are written here, with the words key of each.
func Entries() map[string]string {
	return map[string]string{
		TypeNote: "watch.incident.entry", maintenance.TypeMaintenance: "watch.maintenance.entry", promise.TypePromise: "watch.promise.entry",
	}
}

// Commands are incident, maintenance and promise; p says what they are for.
func Commands(p *words.Printer, open console.Opener[*Publisher]) []*cobra.Command {
	return []*cobra.Command{
		Command(p, console.Part(open, func(all *Publisher) *Reporter { return all.Incidents })),
		maintenance.Command(p, console.Part(open, func(all *Publisher) *maintenance.Planner { return all.Plans })),
		promise.Command(p, console.Part(open, func(all *Publisher) *promise.Promises { return all.Promises })),
	}
}
