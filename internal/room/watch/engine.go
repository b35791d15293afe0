package watch

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/fit"
	"entrechat/internal/kit/jobs"
	"entrechat/internal/kit/obs"
	"entrechat/internal/room/watch/look"
	"entrechat/internal/room/watch/record"
	"entrechat/internal/room/watch/schedule"
	"entrechat/internal/room/watch/target"
	"entrechat/internal/room/watch/verdict"
	"entrechat/internal/room/watch/verdict/quorum"
)

// assignEvery is how soon a target that was added, changed or taken away counts.
const assignEvery = 5 * time.Second

// equip makes what looks, what keeps the looks, and what concludes from them.
func (r *Room) equip(ctx context.Context) (err error) {
	r.circle = &circle{Room: r, places: map[core.MemberID]place{}}
	r.scheduler = schedule.New(schedule.Needs{
		Self: r.Signer.ID(), Look: r.looker.Look, Found: r.found, Now: r.Now, Log: r.Log,
	})
	if r.Recorder, err = record.New(ctx, record.Needs{DB: r.DB, Fit: r.scheduler.Fit, Now: r.Now, Log: r.Log}); err != nil {
		return err
	}
	r.Verdicts = quorum.New(quorum.Needs{
		DB: r.DB, Signer: r.Signer, Book: r.Book, Looks: r.scheduler, Members: r.circle, Calls: quorum.Client{Sender: r.Peer},
		Targets: r.targets, Changed: r.changed, Now: r.Now, Log: r.Log,
	})
	return r.Verdicts.Start(ctx)
}

// found takes in what one of our routine looks found.
func (r *Room) found(ctx context.Context, t target.Target, result look.Result) {
	r.Recorder.Add(t.Owner, t.ID, result)
	r.Verdicts.Found(ctx, t, result)
}

// changed takes in what was concluded.
func (r *Room) changed(_ context.Context, before, after verdict.Verdict) error {
	r.Log.Info("a verdict changed", "owner", after.Owner, "target", after.Target, "from", before.State, "to", after.State, "weak", after.Weak)
	return nil
}

// assign has the scheduler look at what is ours to look at now.
func (r *Room) assign(ctx context.Context) error {
	items, err := r.Verdicts.Assigned(ctx)
	if err != nil {
		return err
	}
	r.scheduler.Set(items)
	return nil
}

// looking are the jobs that look and keep what was found.
func (r *Room) looking() []jobs.Job {
	return append(
		slices.Concat(r.Recorder.Jobs(), r.Verdicts.Jobs()),
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
	return append(all, kept...), err
}

// newestLook is how old the newest look at a target may be, in intervals, before doctor
// speaks of it.
const newestLook = 3

// checkLooks: what is to be looked at was looked at lately, and answered.
func (r *Room) checkLooks(ctx context.Context) (fit.Finding, error) {
	own, err := target.Of(ctx, r.DB, r.Signer.ID())
	if err != nil {
		return fit.Finding{}, err
	}
	var failing, unseen []string
	count := 0
	for _, t := range own {
		if t.Paused || !t.Kind.Called() {
			continue
		}
		count++
		newest, ok, err := r.Recorder.Latest(ctx, t.Owner, t.ID)
		switch {
		case err != nil:
			return fit.Finding{}, err
		case !ok || core.At(r.Now()).Sub(newest.At) > newestLook*t.Every+time.Minute:
			unseen = append(unseen, t.Service)
		case newest.Class.Failure() && t.Kind != target.ICMP:
			failing = append(failing, t.Service)
		}
	}
	switch {
	case count == 0:
		return fit.Unknown("watch.check_none", nil), nil
	case len(failing) > 0:
		return fit.Finding{}, core.Unsure("watch.check_failing", fmt.Errorf("%d of %d fail", len(failing), count)).With("Services", joined(failing))
	case len(unseen) > 0:
		return fit.Unknown("watch.check_unseen", map[string]any{"Services": joined(unseen)}), nil
	default:
		return fit.Well("watch.check_well", map[string]any{"Count": count}), nil
	}
}

func joined(names []string) string { return strings.Join(names, ", ") }
