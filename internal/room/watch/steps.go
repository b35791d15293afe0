package watch

import (
	"context"
	"slices"

	"entrechat/internal/kit/fit"
	"entrechat/internal/room/watch/alert"
	"entrechat/internal/room/watch/alert/contact"
	"entrechat/internal/room/watch/subscribe"
)

// steps are saying what is looked at, and who is told when it fails.
func (r *Room) steps(ctx context.Context) ([]fit.Step, error) {
	own, err := r.list.Of(ctx, r.Signer.ID())
	if err != nil {
		return nil, err
	}
	plan, _, err := r.Alerts.Plan(ctx, r.Signer.ID())
	reached := slices.ContainsFunc(plan.People, func(p contact.Person) bool { return len(p.Channels) > 0 })
	return []fit.Step{
		{Order: 44, Key: "watch.step_target", Why: "watch.step_target_why", Path: targetsPath, Done: len(own) > 0},
		{Order: 46, Key: "watch.step_told", Why: "watch.step_told_why", Path: alert.Path, Done: reached, Check: "watch.alert.check_people"},
	}, err
}

// subscribePage is where people ask for news by mail; empty while no mail server is set.
func (r *Room) subscribePage() string {
	if r.Channels.SMTP.Host == "" {
		return ""
	}
	return subscribe.PathAsk
}
