package warning

import (
	"context"
	"encoding/hex"
	"slices"
	"strconv"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/room/watch/alert/delivery"
	"entrechat/internal/room/watch/look"
	"entrechat/internal/room/watch/target"
)

const day = 24 * time.Hour

// stages are how long before the end of a certificate people are told, the last one first,
// and which part of a short life that is at most: a certificate of six days is renewed
// every few days, and must not be warned of all its life.
func stages() [2]struct{ left, part time.Duration } {
	return [2]struct{ left, part time.Duration }{{3 * day, 10}, {14 * day, 3}}
}

// Stage is the warning that is due of a certificate: 3 or 14, for the days before its end,
// or 0 for none. One that has ended is told as an outage; it stays at its last stage.
func Stage(starts, ends, now core.Moment) int {
	for _, s := range stages() {
		if ends.Sub(now) <= min(s.left, ends.Sub(starts)/s.part) {
			return int(s.left / day)
		}
	}
	return 0
}

// shown is a certificate, and the services that show it.
type shown struct {
	starts, ends core.Moment
	services     []string
}

// prefix begins the name of each notice of a certificate.
const prefix = "cert-"

// nameOf is the notice of a certificate at a stage.
func nameOf(leaf [32]byte, stage int) string {
	return prefix + hex.EncodeToString(leaf[:8]) + "-" + strconv.Itoa(stage)
}

// certificates are the notices that are due of what our targets show.
func certificates(all map[[32]byte]*shown, now core.Moment) map[string]delivery.Notice {
	due := map[string]delivery.Notice{}
	for leaf, c := range all {
		stage := Stage(c.starts, c.ends, now)
		if stage == 0 {
			continue
		}
		slices.Sort(c.services)
		due[nameOf(leaf, stage)] = delivery.Notice{
			Incident: nameOf(leaf, stage), Kind: delivery.Certificate, Services: slices.Compact(c.services), At: now, Ends: c.ends,
		}
	}
	return due
}

// Found takes in a look of ours: what it saw of a certificate, and that a target was looked
// at. It does not wait.
func (w *Warnings) Found(t target.Target, r look.Result) {
	if t.Owner != w.n.Self || !t.Kind.Called() {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	before := w.last[t.ID]
	if r.Leaf == ([32]byte{}) && (r.Class.Failure() || r.Class == look.Unfit) {
		r = before // one that fails shows what it showed before
	}
	w.last[t.ID] = r
	if r.Leaf != before.Leaf {
		select {
		case w.wake <- struct{}{}:
		default:
		}
	}
}

// often is how often certificates are thought of that nobody changed.
const often = time.Minute

// wait is one run of the job: as soon as another certificate was seen, or a minute passed.
func (w *Warnings) wait(ctx context.Context) error {
	again := time.NewTimer(often)
	defer again.Stop()
	select {
	case <-ctx.Done():
		return nil
	case <-again.C:
	case <-w.wake:
	}
	return w.Certificates(ctx)
}

// Certificates has our people told of certificates of ours that end soon, and ends what was
// said of those that are shown no more.
func (w *Warnings) Certificates(ctx context.Context) error {
	own, err := w.n.Targets.Of(ctx, w.n.Self)
	if err != nil {
		return err
	}
	lasting, err := w.n.Lasting(ctx, delivery.Certificate)
	if err != nil {
		return err
	}
	now := core.At(w.n.Now())
	seen, all := w.seen(own)
	due := certificates(seen, now)
	for _, s := range lasting {
		if s.Owner != w.n.Self {
			continue
		}
		_, stands := due[s.Incident]
		delete(due, s.Incident)
		// What was not looked at since we began may show it still.
		if stands || !all {
			continue
		}
		if err := w.n.Alerts.Absorb(ctx, s.Owner, s.Incident, now); err != nil {
			return err
		}
	}
	for _, n := range due {
		if n.Ends <= now {
			continue // its looks fail, and that is told
		}
		n.Owner = w.n.Self
		if err := w.n.Alerts.Tell(ctx, n); err != nil {
			return err
		}
	}
	return nil
}

// seen answers which certificates our targets show, and whether each of them was looked at
// since we began.
func (w *Warnings) seen(own []target.Target) (seen map[[32]byte]*shown, all bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	seen, all = map[[32]byte]*shown{}, true
	last := map[string]look.Result{}
	for _, t := range own {
		if t.Paused || !t.Kind.Called() {
			continue
		}
		r, looked := w.last[t.ID]
		if !looked {
			all = false
			continue
		}
		last[t.ID] = r
		if r.Leaf == ([32]byte{}) || r.Starts == 0 {
			continue
		}
		if seen[r.Leaf] == nil {
			seen[r.Leaf] = &shown{starts: r.Starts, ends: r.Ends}
		}
		seen[r.Leaf].services = append(seen[r.Leaf].services, t.Service)
	}
	w.last = last
	return seen, all
}
