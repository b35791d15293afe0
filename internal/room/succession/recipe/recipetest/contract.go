package recipetest

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"entrechat/internal/room/succession/recipe"
)

// World is a source and a target for one recipe, ready to move.
type World struct {
	Recipe   recipe.Recipe
	Settings []byte
	// Source and Target tell all that matters of a side as text: equal texts are equal states. What
	// differs from one run to the next, such as times, is not in them.
	Source, Target func(t *testing.T) string
	// Plant makes the target look as after a program that said it succeeded and imported nothing:
	// the right folders and accounts, no data.
	Plant func(t *testing.T)
	// Breaks is after how many commands of each step it is broken off, one run for each; 0 = 3.
	Breaks int
}

// Contract runs what every recipe must pass, each part in a world of its own: counts are equal after
// the last pass; done again it changes nothing; each step, broken off at its first commands, is done by
// running it again, by another process; undone after any step, whole or half, both sides are as
// before; "success with nothing imported" is seen by the counts.
func Contract(t *testing.T, fresh func(t *testing.T) World) {
	t.Helper()
	t.Run("again", func(t *testing.T) { begin(t, fresh(t)).again() })
	t.Run("broken off", func(t *testing.T) { begin(t, fresh(t)).broken() })
	t.Run("undone", func(t *testing.T) { begin(t, fresh(t)).undone() })
	t.Run("nothing imported", func(t *testing.T) { begin(t, fresh(t)).nothing() })
}

type run struct {
	World

	t     *testing.T
	dir   string
	units []string
	steps int // before the cut
	last  int // the first step after the comparing
}

// begin lists the units; what the world's own test said of names must hold.
func begin(t *testing.T, w World) *run {
	t.Helper()
	r := &run{World: w, t: t, dir: t.TempDir()}
	m := r.move()
	units, err := m.Units(t.Context())
	if err != nil {
		t.Fatalf("units: %v", err)
	}
	if len(units) == 0 || !slices.IsSorted(units) || len(slices.Compact(slices.Clone(units))) != len(units) {
		t.Fatalf("units are not sorted, each once: %q", units)
	}
	names := map[string]bool{}
	at := 0
	for _, s := range m.Steps() {
		now := slices.Index(recipe.Phases(), s.Phase)
		if now < at || names[s.Name] {
			t.Fatalf("step %s of phase %s: phases are in order and names unique", s.Name, s.Phase)
		}
		at, names[s.Name] = now, true
		if now < slices.Index(recipe.Phases(), recipe.Cut) {
			r.steps++
		}
		if now <= slices.Index(recipe.Phases(), recipe.Compare) {
			r.last++
		}
	}
	if len(m.Table()) == 0 {
		t.Fatal("no table")
	}
	r.units = units
	return r
}

// move is what another process would read from the same settings.
func (r *run) move() recipe.Move {
	r.t.Helper()
	m, err := r.Recipe.Read(r.Settings)
	if err != nil {
		r.t.Fatalf("settings: %v", err)
	}
	return m
}

// each does one step for all its units; the first error.
func (r *run) each(ctx context.Context, at int, pick func(recipe.Step) func(context.Context, recipe.Work) error) error {
	r.t.Helper()
	s := r.move().Steps()[at]
	do := pick(s)
	if do == nil {
		return nil
	}
	units := []string{""}
	if s.Each {
		units = r.units
	}
	for _, unit := range units {
		if err := do(ctx, recipe.Work{Unit: unit, Dir: r.dir, Say: func(int64, int64) {}}); err != nil {
			return err
		}
	}
	return nil
}

func doing(s recipe.Step) func(context.Context, recipe.Work) error   { return s.Do }
func undoing(s recipe.Step) func(context.Context, recipe.Work) error { return s.Undo }

// does does a step, which must succeed.
func (r *run) does(at int) {
	r.t.Helper()
	if err := r.each(r.t.Context(), at, doing); err != nil {
		r.t.Fatalf("step %s: %v", r.move().Steps()[at].Name, err)
	}
}

// breaks does a step and kills it soon after its n-th command began.
func (r *run) breaks(at, n int, after time.Duration) {
	r.t.Helper()
	ctx, cancel := context.WithCancel(r.t.Context())
	defer cancel()
	ctx = recipe.Traced(ctx, func(string, []string) {
		if n--; n < 0 {
			if after == 0 {
				cancel()
			} else {
				time.AfterFunc(after, cancel)
			}
		}
	})
	if err := r.each(ctx, at, doing); err != nil && ctx.Err() == nil {
		r.t.Fatalf("step %s: %v", r.move().Steps()[at].Name, err)
	}
}

// whole does all steps, each some times; counts are taken before the first step that signs in.
func (r *run) whole(times int) {
	r.t.Helper()
	for at := range r.steps {
		if at == r.last {
			r.wantEqual()
		}
		for range times {
			r.does(at)
		}
	}
	if r.last == r.steps {
		r.wantEqual()
	}
}

// equal counts all units: the counts that differ, and how much was counted.
func (r *run) equal() (wrong []recipe.Count, much int64) {
	r.t.Helper()
	for _, unit := range r.units {
		counts, err := r.move().Count(r.t.Context(), unit)
		if err != nil {
			r.t.Fatalf("count %q: %v", unit, err)
		}
		for _, c := range counts {
			much += c.From
			if !c.Equal() {
				wrong = append(wrong, c)
			}
		}
	}
	return wrong, much
}

func (r *run) wantEqual() {
	r.t.Helper()
	if wrong, much := r.equal(); len(wrong) > 0 || much == 0 {
		r.t.Fatalf("counted %d, different: %+v", much, wrong)
	}
}

func (r *run) again() {
	r.whole(1)
	source, target := r.Source(r.t), r.Target(r.t)
	r.whole(2)
	same(r.t, "the source after doing all again", source, r.Source(r.t))
	same(r.t, "the target after doing all again", target, r.Target(r.t))
}

func (r *run) broken() {
	source, target := r.Source(r.t), r.Target(r.t)
	for at := range r.steps {
		if at == r.last {
			r.wantEqual()
		}
		for n := range max(r.Breaks, 3) {
			r.breaks(at, n, time.Duration(n)*4*time.Millisecond)
		}
		r.does(at)
	}
	r.undo(r.steps - 1)
	same(r.t, "the source after undoing", source, r.Source(r.t))
	same(r.t, "the target after undoing", target, r.Target(r.t))
}

func (r *run) undo(from int) {
	r.t.Helper()
	for at := from; at >= 0; at-- {
		if err := r.each(r.t.Context(), at, undoing); err != nil {
			r.t.Fatalf("undo of %s: %v", r.move().Steps()[at].Name, err)
		}
	}
}

func (r *run) undone() {
	source, target := r.Source(r.t), r.Target(r.t)
	for last := range r.steps {
		for _, half := range []bool{true, false} {
			for at := range last {
				r.does(at)
			}
			if half {
				r.breaks(last, last%2, 3*time.Millisecond)
			} else {
				r.does(last)
			}
			r.undo(last)
			name := r.move().Steps()[last].Name
			same(r.t, "the source undone after "+name, source, r.Source(r.t))
			same(r.t, "the target undone after "+name, target, r.Target(r.t))
		}
	}
}

func (r *run) nothing() {
	for at := range r.last {
		r.does(at)
	}
	r.wantEqual()
	r.Plant(r.t)
	if wrong, _ := r.equal(); len(wrong) == 0 {
		r.t.Fatal("nothing was imported, and the counts are equal")
	}
}

func same(t *testing.T, what, want, got string) {
	t.Helper()
	if want == got {
		return
	}
	a, b := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range max(len(a), len(b)) {
		if i >= len(a) || i >= len(b) || a[i] != b[i] {
			t.Fatalf("%s is not the same from line %d on:\n%.400s\n---\n%.400s", what, i+1, strings.Join(a[min(i, len(a)):], "\n"), strings.Join(b[min(i, len(b)):], "\n"))
		}
	}
}
