package watch

import (
	"context"
	"slices"
	"time"

	"golang.org/x/time/rate"

	"entrechat/internal/core"
	"entrechat/internal/kit/jobs"
	"entrechat/internal/kit/obs"
	"entrechat/internal/room/watch/alert"
	"entrechat/internal/room/watch/alert/channel"
	"entrechat/internal/room/watch/alert/delivery"
	"entrechat/internal/room/watch/deadman"
	"entrechat/internal/room/watch/exposition"
	"entrechat/internal/room/watch/freshness"
	"entrechat/internal/room/watch/look"
	"entrechat/internal/room/watch/record"
	"entrechat/internal/room/watch/schedule"
	"entrechat/internal/room/watch/software"
	"entrechat/internal/room/watch/subscribe"
	"entrechat/internal/room/watch/target"
	"entrechat/internal/room/watch/verdict"
	"entrechat/internal/room/watch/verdict/quorum"
	"entrechat/internal/room/watch/warning"
)

// assignEvery is how soon a target that was added, changed or taken away counts.
const assignEvery = 5 * time.Second

// equip makes what looks, what keeps the looks, and what concludes from them.
func (r *Room) equip(ctx context.Context) (err error) {
	r.circle = &circle{Room: r, places: map[core.MemberID]place{}, duties: map[core.MemberID]duty{}}
	r.scheduler = schedule.New(schedule.Needs{
		Self: r.Signer.ID(), Look: r.look, Found: r.found, Now: r.Now, Log: r.Log,
	})
	if r.Recorder, err = record.New(ctx, record.Needs{DB: r.DB, Fit: r.scheduler.Fit, Now: r.Now, Log: r.Log}); err != nil {
		return err
	}
	r.Verdicts = quorum.New(quorum.Needs{
		DB: r.DB, Signer: r.Signer, Book: r.Book, Looks: r.scheduler, Members: r.circle, Calls: quorum.Client{Sender: r.Peer},
		Targets: r.targets, Changed: r.changed, Isolated: r.cutOff, Unproved: r.circle.unproved, Now: r.Now, Log: r.Log,
	})
	r.publish()
	r.Alerts = alert.New(alert.Needs{
		DB: r.DB, Signer: r.Signer, Calls: r.Peer, Watch: r.circle, Channels: r.Channels, Words: r.Words, URL: r.URL, Now: r.Now, Log: r.Log,
	})
	r.Subscribers = subscribe.New(subscribe.Needs{
		DB: r.DB, Signer: r.Signer, Hosters: teller{r}, Sender: channel.New(r.Channels), Words: r.Words, URL: r.URL, Topics: r.Topics, Now: r.Now, Log: r.Log,
	})
	r.Pings = deadman.New(deadman.Needs{
		DB: r.DB, Self: r.Signer.ID(), Circle: hearing{r.circle}, Members: r.Tellers, Found: r.found, Now: r.Now, Log: r.Log,
	})
	r.Versions = software.New(software.Needs{
		DB: r.DB, Book: r.Book, Self: r.Signer.ID(), Curator: r.Curator, Own: r.Safe, Told: r.behind, Now: r.Now,
	})
	r.Handover = Handover{r.Signer.ID(), r.list, r.Versions}
	r.age = freshness.Looker{Stored: r.Stored, Self: r.Signer.ID(), Now: r.Now, Log: r.Log}
	r.Warnings = warning.New(warning.Needs{
		Targets: r.list, Self: r.Signer.ID(), Alerts: r.Alerts, Age: r.age.Age, Now: r.Now,
		Lasting: func(ctx context.Context, kind delivery.Kind) ([]delivery.Standing, error) {
			return delivery.Lasting(ctx, r.DB, kind)
		},
	})
	r.Board = r.board()
	r.onDemand = &onDemand{Room: r, rates: map[core.MemberID]*rate.Limiter{}, seen: map[string]map[core.MemberID]nowAnswer{}}
	return nil
}

// look looks at a target, or judges what was heard of it.
func (r *Room) look(ctx context.Context, t target.Target) look.Result {
	switch t.Kind {
	case target.Ping:
		return r.Pings.Look(ctx, t)
	case target.Backup:
		return r.age.Look(ctx, t)
	default:
		return r.looker.Look(ctx, t)
	}
}

// cutOff takes in that we find ourselves cut off, or no longer; our own people are told.
func (r *Room) cutOff(ctx context.Context, isolated bool, since core.Moment) {
	id, self := "isolated", r.Signer.ID()
	var err error
	if isolated {
		err = r.Alerts.Tell(ctx, delivery.Notice{Owner: self, Incident: id, Kind: delivery.Isolated, At: since})
	} else {
		err = r.Alerts.Resolve(ctx, self, id, core.At(r.Now()))
	}
	if err != nil {
		r.Log.Warn("that we are cut off could not be told", "error", err)
	}
}

// hearing answers whom a ping concerns.
type hearing struct{ *circle }

// Targets are the ping targets we hear for.
func (h hearing) Targets(ctx context.Context) ([]target.Target, error) {
	all, err := h.targets(ctx)
	return slices.DeleteFunc(all, func(t target.Target) bool { return t.Kind != target.Ping }), err
}

// Circle are the owner of a target and its voters, without us.
func (h hearing) Circle(_ context.Context, owner core.MemberID, id string) ([]core.MemberID, error) {
	seats := h.Verdicts.Voters(owner, id).Seats
	all := append(make([]core.MemberID, 0, len(seats)+1), owner)
	for _, seat := range seats {
		all = append(all, seat.Member)
	}
	return slices.DeleteFunc(all, func(m core.MemberID) bool { return m == h.Signer.ID() }), nil
}

// Alive says whether a member's node gave a sign lately.
func (h hearing) Alive(ctx context.Context, m core.MemberID) bool {
	heard, err := h.Heard(ctx, m)
	return err == nil && core.At(h.Now()).Sub(heard) < silentFor
}

// behind has our own people told that something runs which has known holes.
func (r *Room) behind(ctx context.Context, v software.Running, _ software.Judgement) {
	err := r.Alerts.Tell(ctx, delivery.Notice{
		Owner: r.Signer.ID(), Incident: "version-" + v.Target, Kind: delivery.Version, Services: []string{v.Service}, At: v.Behind,
	})
	if err != nil {
		r.Log.Warn("an old version could not be told", "target", v.Target, "error", err)
	}
}

// found takes in what one of our routine looks found.
func (r *Room) found(ctx context.Context, t target.Target, result look.Result) {
	r.Recorder.Add(t.Owner, t.ID, result)
	r.Verdicts.Found(ctx, t, result)
	r.Warnings.Found(t, result)
	if result.Version != "" {
		if err := r.Versions.Found(ctx, t, result); err != nil {
			r.Log.Warn("what a service runs could not be noted", "target", t.ID, "error", err)
		}
	}
}

// assign has the scheduler look at what is ours to look at now.
func (r *Room) assign(ctx context.Context) error {
	items, err := r.Verdicts.Assigned(ctx)
	if err != nil {
		return err
	}
	r.scheduler.Set(items)
	return r.circle.notePromises(ctx)
}

// looking are the jobs that look and keep what was found.
func (r *Room) looking() []jobs.Job {
	return append(
		slices.Concat(r.Recorder.Jobs(), r.Verdicts.Jobs(), r.Publisher.Jobs(), r.Alerts.Jobs(), r.Subscribers.Jobs(), r.Pings.Jobs(), r.Warnings.Jobs()),
		r.Board.Job(),
		jobs.Job{Name: "watch-meet", Every: 5 * time.Second, Jitter: time.Second, Run: r.circle.meet},
		jobs.Job{Name: "watch-news", Run: r.showNews},
		jobs.Job{Name: "watch-versions", Every: time.Hour, Jitter: 5 * time.Minute, Run: r.freshVersions},
		jobs.Job{Name: "watch-assign", Every: assignEvery, Run: r.assign},
		jobs.Job{Name: "watch-look", Run: r.scheduler.Run},
		jobs.Job{Name: "watch-record", Run: r.Recorder.Run},
	)
}

// metrics are the room's numbers.
func (r *Room) metrics(ctx context.Context) ([]obs.Metric, error) {
	all, err := r.scheduler.Metrics(ctx)
	if err != nil {
		return nil, err
	}
	kept, err := r.Recorder.Metrics(ctx)
	if err != nil {
		return nil, err
	}
	seen, err := r.samples(ctx)
	verdicts := make([]verdict.Verdict, 0, len(seen))
	services := map[string]string{}
	for _, s := range seen {
		verdicts = append(verdicts, r.Verdicts.State(s.Target.Owner, s.Target.ID))
		services[string(s.Target.Owner)+" "+s.Target.ID] = s.Target.Service
	}
	name := func(owner core.MemberID, id string) string { return services[string(owner)+" "+id] }
	return slices.Concat(all, kept, exposition.Metrics(seen), exposition.Verdicts(verdicts, name)), err
}
