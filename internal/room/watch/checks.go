package watch

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/fit"
	"entrechat/internal/room/watch/look"
	"entrechat/internal/room/watch/target"
)

// doctor answers what `doctor` asks of the room.
type doctor struct{ *Room }

// checks are what doctor asks.
func (r doctor) checks() []fit.Check {
	looks := fit.Use{Name: "watch.use", For: "watch.use_for", Begun: r.begun}
	return append(looks.Checks(append(r.Alerts.Checks(),
		fit.Check{Name: "watch.check_looks", Run: r.checkLooks}, fit.Check{Name: "watch.check_proof", Run: r.checkProof})...),
		fit.Check{Name: "watch.check_settings", Run: r.checkSettings})
}

// begun says whether something of ours is looked at, or somebody is to be told.
func (r doctor) begun(ctx context.Context) (bool, error) {
	own, err := r.list.Of(ctx, r.Signer.ID())
	if err != nil || len(own) > 0 {
		return true, err
	}
	_, told, err := r.Alerts.Plan(ctx, r.Signer.ID())
	return told, err
}

// checkSettings: the files that the [watch] section names could be read.
func (r doctor) checkSettings(context.Context) (fit.Finding, error) { return fit.Finding{}, r.Unread }

// proving are the targets whose owners' domains are to be proved here: those of members we
// look at, and our own, so that doctor can say what members will not believe.
func (r *Room) proving(ctx context.Context) ([]target.Target, error) {
	own, err := r.list.Of(ctx, r.Signer.ID())
	if err != nil {
		return nil, err
	}
	watched, err := r.watched(ctx)
	return append(slices.DeleteFunc(own, func(t target.Target) bool { return t.Local }), watched...), err
}

// checkProof: the members that promised to look believe that our targets are ours.
func (r doctor) checkProof(ctx context.Context) (fit.Finding, error) {
	lenders, err := r.circle.Lenders(ctx)
	if err != nil {
		return fit.Finding{}, err
	}
	own, err := r.list.Of(ctx, r.Signer.ID())
	own = slices.DeleteFunc(own, func(t target.Target) bool { return t.Local || t.Paused || !t.Kind.Called() })
	if err != nil || len(lenders) == 0 || len(own) == 0 {
		return fit.Unknown("watch.check_proof_none", nil), err
	}
	good, err := r.Prover.Allowed(ctx, own)
	if err != nil {
		return fit.Finding{}, err
	}
	var hosts []string
	for _, t := range own {
		proved := slices.ContainsFunc(good, func(g target.Target) bool { return g.ID == t.ID })
		if !proved && !slices.Contains(hosts, t.Host()) {
			hosts = append(hosts, t.Host())
		}
	}
	if len(hosts) == 0 {
		return fit.Finding{}, nil
	}
	home, err := r.Home(ctx, r.Signer.ID())
	if err != nil {
		return fit.Finding{}, err
	}
	return fit.Finding{}, core.Unsure("watch.check_proof_missing", fmt.Errorf("%d hosts", len(hosts))).
		With("Hosts", joined(hosts)).With("Name", core.DomainProof).With("Path", target.ProofPath).With("Line", home.Root.Proof())
}

// newestLook is how old the newest look at a target may be, in intervals, before doctor
// speaks of it.
const newestLook = 3

// looked is a target of ours with the newest look of ours at it.
type looked struct {
	target target.Target
	newest look.Result
	old    bool // it says nothing of how the target is now, or there was none
}

// looks are our targets that are not paused. Those that call us are never old.
func (r doctor) looks(ctx context.Context) ([]looked, error) {
	own, err := r.list.Of(ctx, r.Signer.ID())
	if err != nil {
		return nil, err
	}
	var all []looked
	for _, t := range own {
		if t.Paused {
			continue
		}
		newest, ok, err := r.Recorder.Latest(ctx, t.Owner, t.ID)
		if err != nil {
			return nil, err
		}
		old := !ok || core.At(r.Now()).Sub(newest.At) > newestLook*t.Every+time.Minute
		all = append(all, looked{t, newest, old && t.Kind.Called()})
	}
	return all, nil
}

// checkLooks: what is to be looked at was looked at lately, and answered.
func (r doctor) checkLooks(ctx context.Context) (fit.Finding, error) {
	if err := r.damaged(ctx); err != nil {
		return fit.Finding{}, err
	}
	all, err := r.looks(ctx)
	if err != nil {
		return fit.Finding{}, err
	}
	var failing, unseen []string
	count := 0
	for _, l := range all {
		if !l.target.Kind.Called() {
			continue
		}
		count++
		switch {
		case l.old:
			unseen = append(unseen, l.target.Service)
		case l.newest.Class.Failure() && l.target.Kind.Decides():
			failing = append(failing, l.target.Service)
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

// damaged names the targets that nobody looks at because their rows cannot be read.
func (r doctor) damaged(ctx context.Context) error {
	all, err := target.Damaged(ctx, r.DB)
	if err != nil || len(all) == 0 {
		return err
	}
	var names []string
	for _, t := range all {
		names = append(names, fmt.Sprintf("%s (%s, %s)", t.ID, t.Owner, t.Service))
	}
	return core.Unsure("watch.check_damaged", fmt.Errorf("%d targets", len(all))).With("Targets", joined(names))
}

func joined(names []string) string { return strings.Join(names, ", ") }
