package move

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"entrechat/internal/core"
	"entrechat/internal/room/succession/recipe"
)

// job is one process in a move.
type job struct {
	Move

	s     *Service
	read  read
	dir   string
	units []string // nil = not asked yet
}

// all are the units: those at the source now, and those that were there before.
func (j *job) all(ctx context.Context) ([]string, error) {
	if j.units != nil {
		return j.units, nil
	}
	now, err := units(ctx, j.read.move)
	if err != nil {
		return nil, err
	}
	before, err := progress(ctx, j.s.n.DB, j.ID)
	if err != nil {
		return nil, err
	}
	each := map[string]bool{}
	for _, step := range j.read.move.Steps() {
		each[step.Name] = step.Each
	}
	for _, p := range before {
		if each[p.Step] {
			now = append(now, p.Unit)
		}
	}
	slices.Sort(now)
	j.units = slices.Compact(now)
	return j.units, nil
}

// phases does all steps of some phases, in order.
func (j *job) phases(ctx context.Context, parallel int, say Say, phases ...recipe.Phase) error {
	all, err := j.all(ctx)
	if err != nil {
		return err
	}
	for _, step := range j.read.move.Steps() {
		if !slices.Contains(phases, step.Phase) {
			continue
		}
		if err := several(ctx, of(step, all), parallel, func(ctx context.Context, unit string) error {
			return j.do(ctx, step, unit, say)
		}); err != nil {
			return err
		}
	}
	return nil
}

// several does something for each unit, some at once. One that fails does not stop the others; the
// first error is answered, with how many failed.
func several(ctx context.Context, units []string, parallel int, do func(ctx context.Context, unit string) error) error {
	var mu sync.Mutex
	var first error
	failed := 0
	g := errgroup.Group{}
	g.SetLimit(max(parallel, 1))
	for _, unit := range units {
		if ctx.Err() != nil {
			break
		}
		g.Go(func() error {
			err := do(ctx, unit)
			if err == nil {
				return nil
			}
			mu.Lock()
			defer mu.Unlock()
			failed++
			if first == nil {
				first = err
			}
			return nil
		})
	}
	_ = g.Wait() // the errors are above
	if first != nil && failed > 1 {
		return &many{error: first, failed: failed}
	}
	return errors.Join(first, ctx.Err())
}

// many is the first of several errors.
type many struct {
	error

	failed int
}

func (m *many) Error() string { return fmt.Sprintf("%v (and %d more)", m.error, m.failed-1) }

func (m *many) Unwrap() error { return m.error }

// do does one step of one unit, with the journal around it.
func (j *job) do(ctx context.Context, step recipe.Step, unit string, say Say) error {
	p := Progress{Step: step.Name, Unit: unit, At: core.At(j.s.n.Now())}
	if err := enter(ctx, j.s.n.DB, j.ID, p); err != nil {
		return err
	}
	p.State = "begun"
	say(step.Name, unit, 0, 0)
	err := step.Do(ctx, j.work(ctx, &p, say))
	p.At = core.At(j.s.n.Now())
	if err == nil {
		p.State = "done"
	} else {
		p.Error = key(err)
	}
	return errors.Join(err, leave(context.WithoutCancel(ctx), j.s.n.DB, j.ID, p))
}

// key names an error's sentence: what a program said may name people, and is not kept.
func key(err error) string {
	if e, ok := errors.AsType[*core.Error](err); ok {
		return e.Key
	}
	return "succession.move.broke"
}

// often is how often progress is noted, at most.
const often = 2 * time.Second

// work is what a step gets; it tells a person at once and the journal now and then.
func (j *job) work(ctx context.Context, p *Progress, say Say) recipe.Work {
	var mu sync.Mutex
	var noted time.Time
	return recipe.Work{Unit: p.Unit, Dir: j.dir, Say: func(done, total int64) {
		mu.Lock()
		defer mu.Unlock()
		p.Done, p.Total = done, total
		say(p.Step, p.Unit, done, total)
		if now := j.s.n.Now(); now.Sub(noted) >= often {
			noted = now
			_ = leave(ctx, j.s.n.DB, j.ID, *p) // the step's end is noted all the same
		}
	}}
}

// copied refuses where something was not copied once, whole.
func (j *job) copied(ctx context.Context) error {
	all, err := j.all(ctx)
	if err != nil {
		return err
	}
	before, err := progress(ctx, j.s.n.DB, j.ID)
	if err != nil {
		return err
	}
	for _, step := range j.read.move.Steps() {
		if step.Phase != recipe.Copy {
			continue
		}
		for _, unit := range of(step, all) {
			if !slices.ContainsFunc(before, func(p Progress) bool { return p.Step == step.Name && p.Unit == unit && p.State == "done" }) {
				return core.Conflict("succession.move.not_copied", errors.New("not copied once")).With("Path", j.File)
			}
		}
	}
	return nil
}

// count counts each unit on both sides.
func (j *job) count(ctx context.Context, parallel int, say Say) ([]Counted, error) {
	all, err := j.all(ctx)
	if err != nil {
		return nil, err
	}
	out := make([]Counted, len(all))
	err = several(ctx, all, parallel, func(ctx context.Context, unit string) error {
		say("count", unit, 0, 0)
		counts, err := j.read.move.Count(ctx, unit)
		if err != nil {
			return err
		}
		out[slices.Index(all, unit)] = Counted{unit, counts}
		return keepCounts(ctx, j.s.n.DB, j.ID, Counted{unit, counts})
	})
	return out, err
}

// undo takes back all that the journal says was begun, the last step first.
func (j *job) undo(ctx context.Context, parallel int, say Say) error {
	before, err := progress(ctx, j.s.n.DB, j.ID)
	if err != nil {
		return err
	}
	for _, step := range slices.Backward(j.read.move.Steps()) {
		var units []string
		for _, p := range before {
			if p.Step == step.Name && p.State != "undone" {
				units = append(units, p.Unit)
			}
		}
		if err := several(ctx, units, parallel, func(ctx context.Context, unit string) error {
			p := Progress{Step: step.Name, Unit: unit, State: "begun"}
			if step.Undo != nil {
				if err := step.Undo(ctx, j.work(ctx, &p, say)); err != nil {
					return err
				}
			}
			p.State, p.At = "undone", core.At(j.s.n.Now())
			return leave(ctx, j.s.n.DB, j.ID, p)
		}); err != nil {
			return err
		}
	}
	return nil
}
