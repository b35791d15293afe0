package watch

import (
	"context"
	"fmt"
	"strings"

	"entrechat/internal/core"
	"entrechat/internal/room/watch/alert/delivery"
	"entrechat/internal/room/watch/deadman"
	"entrechat/internal/room/watch/exposition"
	"entrechat/internal/room/watch/look"
	"entrechat/internal/room/watch/target"
)

// receiver takes alerts of other programs, as Alertmanager tells them.
type receiver struct{ *Room }

// Found takes an alert that names one of our local targets as a look at it. Returns
// CodeNotFound when there is no such target.
func (r receiver) Found(ctx context.Context, name string, result look.Result) error {
	t, err := r.Targets.Own(ctx, name)
	if err != nil {
		return err
	}
	if !t.Local {
		return core.NotFound("watch.target.unknown", fmt.Errorf("%.100q is not local", name)).With("Value", name)
	}
	r.found(ctx, t, result)
	return nil
}

// Notice tells our admins, once for each ID until it is over.
func (r receiver) Notice(ctx context.Context, a exposition.Alert) error {
	id := noticeOf(a)
	if !a.Firing {
		return refusal(r.Alerts.Resolve(ctx, r.Signer.ID(), id, a.Until))
	}
	service := a.Service
	if service == "" {
		service = a.Name
	}
	return refusal(r.Alerts.Tell(ctx, delivery.Notice{
		Owner: r.Signer.ID(), Incident: id, Kind: delivery.Down, Services: []string{strings.TrimSpace(service)}, At: a.Since,
	}))
}

// noticeOf names the notice of an alert, in at most 64 bytes.
func noticeOf(a exposition.Alert) string { return "alertmanager-" + a.ID }

// samples are the newest looks from here, for /metrics.
func (r *Room) samples(ctx context.Context) ([]exposition.Sample, error) {
	all, err := r.targets(ctx)
	if err != nil {
		return nil, err
	}
	var out []exposition.Sample
	for _, t := range all {
		newest, ok, err := r.Recorder.Latest(ctx, t.Owner, t.ID)
		if err != nil {
			return nil, err
		}
		if ok {
			out = append(out, exposition.Sample{Target: t, Vantage: r.Signer.ID(), Result: newest})
		}
	}
	return out, nil
}

// freshVersions judges anew what services run: a table may have changed.
func (r *Room) freshVersions(ctx context.Context) error {
	all, err := r.targets(ctx)
	if err != nil {
		return err
	}
	there := map[string]bool{}
	for _, t := range all {
		there[string(t.Owner)+" "+t.ID] = true
	}
	return r.Versions.Again(ctx, func(owner core.MemberID, id string) bool { return there[string(owner)+" "+id] })
}

// issue gives a new ping target its token, which is shown once.
func issue(t target.Target) (target.Target, string, error) {
	if t.Kind != target.Ping || t.Address != "" {
		return t, "", nil
	}
	return deadman.Issue(t)
}
