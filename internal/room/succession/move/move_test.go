package move_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/dbtest"
	"entrechat/internal/room/succession/migrations"
	"entrechat/internal/room/succession/move"
	"entrechat/internal/room/succession/recipe"
)

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// rack is a recipe of a test: units with a number each, which are copied from one map to another.
type rack struct {
	mu       sync.Mutex
	old, new map[string]int
	frozen   bool
	calls    []string // "copy alice"
	// before is asked before each call of a step; its error breaks it off.
	before func(ctx context.Context, call string) error
}

func (*rack) About() recipe.About {
	return recipe.About{Name: "rack", Tried: recipe.Against, Versions: "none"}
}

func (s *rack) Read(text []byte) (recipe.Move, error) {
	var set struct {
		recipe.Sides

		Secret string `toml:"secret"`
	}
	return s, recipe.ReadSettings(text, &set)
}

func (*rack) Table() []recipe.Row {
	return []recipe.Row{{What: "a", Fate: recipe.Kept}, {What: "b", Fate: recipe.Archived}, {What: "c", Fate: recipe.Lost}}
}

func (s *rack) Units(context.Context) (all []string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for u := range s.old {
		all = append(all, u)
	}
	slices.Sort(all)
	return all, nil
}

func (s *rack) call(name string, do func(unit string)) func(context.Context, recipe.Work) error {
	return func(ctx context.Context, w recipe.Work) error {
		call := strings.TrimSpace(name + " " + w.Unit)
		if s.before != nil {
			if err := s.before(ctx, call); err != nil {
				return err
			}
		}
		w.Say(1, 2)
		s.mu.Lock()
		defer s.mu.Unlock()
		s.calls = append(s.calls, call)
		do(w.Unit)
		return os.WriteFile(filepath.Join(w.Dir, "note"), nil, 0o600)
	}
}

func (s *rack) Steps() []recipe.Step {
	nothing := func(string) {}
	take := func(u string) { s.new[u] = s.old[u] }
	return []recipe.Step{
		{Name: "look", Phase: recipe.Preflight, Do: s.call("look", nothing)},
		{Name: "copy", Phase: recipe.Copy, Each: true, Do: s.call("copy", take), Undo: s.call("uncopy", func(u string) { delete(s.new, u) })},
		{Name: "freeze", Phase: recipe.Freeze, Do: s.call("freeze", func(string) { s.frozen = true }), Undo: s.call("thaw", func(string) { s.frozen = false })},
		{Name: "last", Phase: recipe.Last, Each: true, Do: s.call("last", take)},
		{Name: "login", Phase: recipe.Login, Do: s.call("login", nothing)},
		{Name: "cut", Phase: recipe.Cut, Do: s.call("cut", nothing)},
		{Name: "after", Phase: recipe.After, Do: s.call("after", nothing)},
	}
}

func (s *rack) Count(_ context.Context, unit string) ([]recipe.Count, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return []recipe.Count{{What: "files", Of: "x", From: int64(s.old[unit]), To: int64(s.new[unit])}}, nil
}

// world is a service with a rack of three units and its settings.
type world struct {
	*move.Service
	t    *testing.T
	d    *db.DB
	dir  string
	rack *rack
	file string

	domain error // what is to be done about wiki.chaton-a.test
}

// Ready knows the domain of the settings alone.
func (w *world) Ready(_ context.Context, name string) error {
	if name != "wiki.chaton-a.test" {
		return errors.New("another name")
	}
	return w.domain
}

func newWorld(t *testing.T, d *db.DB) *world {
	t.Helper()
	w := &world{t: t, d: d, dir: t.TempDir(), rack: &rack{old: map[string]int{"alice": 1, "bob": 2, "zoé": 3}, new: map[string]int{}}}
	w.Service = move.New(move.Needs{DB: d, Dir: w.dir, Recipes: []recipe.Recipe{w.rack}, Domains: w, Now: time.Now})
	w.file = w.settings("a", "[from]\nhost = 'old'\n")
	return w
}

func (w *world) settings(name, more string) string {
	w.t.Helper()
	file := filepath.Join(w.dir, name+".toml")
	ok(w.t, os.WriteFile(file, []byte("recipe = 'rack'\ndomains = ['wiki.chaton-a.test']\nsecret = 'planted-secret'\n"+more), 0o600))
	return file
}

func quiet(string, string, int64, int64) {}

// code is the sentence of an error.
func code(err error) string {
	if e, good := errors.AsType[*core.Error](err); good {
		return e.Key
	}
	return fmt.Sprint(err)
}

func each(t *testing.T, fn func(t *testing.T, w *world)) {
	dbtest.Each(t, "succession", migrations.Files, func(t *testing.T, d *db.DB) { fn(t, newWorld(t, d)) })
}

// From plan to cut: each verb has its place, and the counts decide.
func TestAMove(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx, s := t.Context(), w.rack
		plan, err := w.Plan(ctx, w.file, quiet)
		ok(t, err)
		if len(plan.Units) != 3 || plan.Tried != recipe.Against || !plan.Frozen || len(s.new) != 0 {
			t.Errorf("%+v", plan)
		}
		if all, err := w.List(ctx); err != nil || len(all) != 0 {
			t.Errorf("a plan is kept: %v %v", all, err)
		}
		m, err := w.Start(ctx, w.file, 2, quiet)
		ok(t, err)
		for name, do := range map[string]func(context.Context, string, int, move.Say) (move.Move, error){"finish": w.Finish, "cut": w.Cut} {
			if _, err := do(ctx, m.ID, 1, quiet); code(err) != "succession.move.not_now" {
				t.Errorf("%s while it copies: %v", name, err)
			}
		}
		s.old["bob"], s.old["new"] = 7, 1 // while the service lives
		again, err := w.Start(ctx, w.file, 2, quiet)
		ok(t, err)
		if again.ID != m.ID || s.new["bob"] != 7 {
			t.Errorf("%+v, %v", again, s.new)
		}
		_, err = w.Freeze(ctx, m.ID, 2, quiet)
		ok(t, err)
		s.before = func(_ context.Context, call string) error {
			if call == "last bob" {
				return errors.New("passed over")
			}
			return nil
		}
		s.old["bob"] = 8
		if _, err := w.Finish(ctx, m.ID, 2, quiet); err == nil {
			t.Error("a broken last pass is finished")
		}
		// A step that says it did it, and did not.
		s.before = nil
		lying := move.New(move.Needs{DB: w.d, Dir: w.dir, Recipes: []recipe.Recipe{liar{s}}, Domains: w, Now: time.Now})
		if got, err := lying.Finish(ctx, m.ID, 2, quiet); code(err) != "succession.move.unequal" || got.State != move.Frozen {
			t.Errorf("%v %v", got.State, err)
		}
		if _, err := w.Cut(ctx, m.ID, 1, quiet); code(err) != "succession.move.not_now" {
			t.Errorf("cut with unequal counts: %v", err)
		}
		if _, _, lost, equal, err := w.Result(ctx, m.ID); err != nil || equal || lost != 2 {
			t.Errorf("%d lost, %v %v", lost, equal, err)
		}
		got, err := w.Finish(ctx, m.ID, 2, quiet)
		ok(t, err)
		if got.State != move.Ready || s.new["bob"] != 8 {
			t.Errorf("%+v %v", got, s.new)
		}
		if kept, archived, lost, equal, err := w.Result(ctx, m.ID); err != nil || kept != 1 || archived != 1 || lost != 1 || !equal {
			t.Errorf("%d %d %d %v %v", kept, archived, lost, equal, err)
		}
		w.domain = core.Conflict("x", errors.New("TTL"))
		if got, err := w.Cut(ctx, m.ID, 1, quiet); code(err) != "x" || got.State != move.Ready {
			t.Errorf("cut while the domain is not ready: %v %v", got.State, err)
		}
		w.domain = nil
		got, err = w.Cut(ctx, m.ID, 1, quiet)
		ok(t, err)
		if _, err := w.Undo(ctx, m.ID, 1, quiet); got.State != move.Done || code(err) != "succession.move.not_now" {
			t.Errorf("undo after the cut: %v %v", got.State, err)
		}
		w.noSecret()
		ok(t, os.Chmod(w.file, 0o644))
		if _, _, _, equal, err := w.Result(ctx, m.ID); code(err) != "succession.move.readable" || equal {
			t.Errorf("a result without settings: %v", err)
		}
		ok(t, os.Chmod(w.file, 0o600))
		if next, err := w.Start(ctx, w.file, 1, quiet); err != nil || next.ID == m.ID {
			t.Errorf("a new move after the cut: %v", err)
		}
	})
}

// liar says of the last pass that it did it.
type liar struct{ *rack }

func (l liar) Read(text []byte) (recipe.Move, error) {
	_, err := l.rack.Read(text)
	return l, err
}

func (l liar) Steps() []recipe.Step {
	all := l.rack.Steps()
	for i := range all {
		if all[i].Phase == recipe.Last {
			all[i].Do = func(context.Context, recipe.Work) error { return nil }
		}
	}
	return all
}

// noSecret looks for what the settings hold in all that is kept.
func (w *world) noSecret() {
	w.t.Helper()
	for _, table := range []string{"succession_move", "succession_move_step", "succession_move_count", "succession_move_claim"} {
		rows, err := w.d.QueryContext(w.t.Context(), "SELECT * FROM "+table)
		ok(w.t, err)
		columns, err := rows.Columns()
		ok(w.t, err)
		for rows.Next() {
			values := make([]any, len(columns))
			for i := range values {
				values[i] = new(any)
			}
			ok(w.t, rows.Scan(values...))
			for _, v := range values {
				if strings.Contains(fmt.Sprintf("%s", *v.(*any)), "planted") {
					w.t.Errorf("%s holds a secret", table)
				}
			}
		}
		ok(w.t, rows.Err())
		ok(w.t, rows.Close())
	}
}

// Broken off before any call of any step, a move goes on, and is undone whole.
func TestEachCallBreaks(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t, "succession", migrations.Files))
	ctx, s := t.Context(), w.rack
	whole := func() (move.Move, error) {
		m, err := w.Start(ctx, w.file, 1, quiet)
		if err == nil {
			m, err = w.Freeze(ctx, m.ID, 1, quiet)
		}
		if err == nil {
			m, err = w.Finish(ctx, m.ID, 1, quiet)
		}
		return m, err
	}
	for broken := range 10 {
		n := 0
		s.before = func(context.Context, string) error {
			n++
			if n == broken+1 {
				return errors.New("planted: of a person")
			}
			return nil
		}
		if _, err := whole(); err == nil && n > broken {
			t.Fatalf("call %d broke and nobody says so", broken)
		}
		s.before = nil
		all, err := w.List(ctx)
		ok(t, err)
		m := all[len(all)-1]
		if broken%2 == 0 {
			// Go on where it was.
			for range 3 {
				switch m.State {
				case move.Copying:
					m, err = w.Start(ctx, w.file, 2, quiet)
					if err == nil {
						m, err = w.Freeze(ctx, m.ID, 2, quiet)
					}
				case move.Frozen:
					m, err = w.Finish(ctx, m.ID, 2, quiet)
				default:
				}
				ok(t, err)
			}
			if m.State != move.Ready {
				t.Fatalf("after call %d broke it is %s", broken, m.State)
			}
		}
		w.noSecret()
		undone := 0
		s.before = func(context.Context, string) error {
			undone++
			if undone == 2 {
				return errors.New("in the undoing")
			}
			return nil
		}
		if m, err = w.Undo(ctx, m.ID, 1, quiet); err != nil {
			if _, err := w.Start(ctx, w.file, 1, quiet); code(err) != "succession.move.not_now" {
				t.Errorf("start in the undoing: %v", err)
			}
			s.before = nil
			m, err = w.Undo(ctx, m.ID, 1, quiet)
		}
		ok(t, err)
		s.before = nil
		if m.State != move.Undone || len(s.new) != 0 || s.frozen {
			t.Fatalf("after call %d: %s, %v, frozen %v", broken, m.State, s.new, s.frozen)
		}
		if left, err := os.ReadDir(filepath.Join(w.dir, "moves", m.ID)); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("left: %v %v", left, err)
		}
	}
}

// One unit that fails does not stop the others, and nothing is frozen before all were copied once.
func TestOneUnitFails(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx, s := t.Context(), w.rack
		s.before = func(_ context.Context, call string) error {
			if call == "copy alice" || call == "copy bob" {
				return core.Full("succession.recipe.full", errors.New("full"))
			}
			return nil
		}
		m, err := w.Start(ctx, w.file, 1, quiet)
		if core.CodeOf(err) != core.CodeFull || s.new["zoé"] != 3 || !strings.Contains(err.Error(), "1 more") {
			t.Errorf("%v, %v", err, s.new)
		}
		s.before = nil
		if _, err := w.Freeze(ctx, m.ID, 1, quiet); code(err) != "succession.move.not_copied" || s.frozen {
			t.Errorf("%v", err)
		}
		v, err := w.Show(ctx, m.ID)
		ok(t, err)
		if !slices.ContainsFunc(v.Steps, func(p move.Progress) bool {
			return p.Unit == "alice" && p.State == "begun" && p.Error == "succession.recipe.full"
		}) {
			t.Errorf("%+v", v.Steps)
		}
		if _, err = w.Start(ctx, w.file, 1, quiet); err != nil {
			t.Error(err)
		}
		_, err = w.Freeze(ctx, m.ID, 1, quiet)
		ok(t, err)
	})
}

// Nothing is moved twice at once: neither by another move, nor by another process in the same.
func TestNotTwiceAtOnce(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx, s := t.Context(), w.rack
		m, err := w.Start(ctx, w.file, 1, quiet)
		ok(t, err)
		same := w.settings("b", "[from]\nhost = 'old'\n")
		if _, err := w.Start(ctx, same, 1, quiet); code(err) != "succession.move.taken" {
			t.Errorf("another move of the same: %v", err)
		}
		if _, err := w.Start(ctx, w.settings("c", "[from]\nhost = 'other'\n"), 1, quiet); err != nil {
			t.Errorf("another source: %v", err)
		}
		inside, leave := make(chan struct{}), make(chan struct{})
		var once sync.Once
		s.before = func(context.Context, string) error {
			once.Do(func() { close(inside); <-leave })
			return nil
		}
		done := make(chan error, 1)
		go func() {
			_, err := w.Start(ctx, w.file, 1, quiet)
			done <- err
		}()
		<-inside
		if _, err := w.Undo(ctx, m.ID, 1, quiet); code(err) != "succession.move.busy" {
			t.Errorf("two processes in one move: %v", err)
		}
		close(leave)
		ok(t, <-done)
		s.before = nil
		_, err = w.Undo(ctx, m.ID, 1, quiet)
		ok(t, err)
		if _, err := w.Start(ctx, same, 1, quiet); err != nil {
			t.Errorf("after the other was undone: %v", err)
		}
	})
}

// The settings of a move stay what they were, but by a new copy, and are for nobody else to read.
// TestNothingIsEqual: a source that lost all, and the copy that followed it, have equal counts.
func TestNothingIsEqual(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t, "succession", migrations.Files))
	ctx := t.Context()
	m, err := w.Start(ctx, w.file, 1, quiet)
	ok(t, err)
	_, err = w.Freeze(ctx, m.ID, 1, quiet)
	ok(t, err)
	w.rack.old = map[string]int{"alice": 0, "bob": 0, "zoé": 0}
	if got, err := w.Finish(ctx, m.ID, 1, quiet); code(err) != "succession.move.unequal" || got.State != move.Frozen {
		t.Errorf("%v %v", got.State, err)
	}
	w.rack.old["bob"] = 2 // an empty unit beside others is one
	_, err = w.Finish(ctx, m.ID, 1, quiet)
	ok(t, err)
}

func TestSettingsOfAMove(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t, "succession", migrations.Files))
	ctx := t.Context()
	m, err := w.Start(ctx, w.file, 1, quiet)
	ok(t, err)
	w.settings("a", "# another remark\n[from]\nhost = 'old'\n")
	if _, err := w.Freeze(ctx, m.ID, 1, quiet); code(err) != "succession.move.changed" {
		t.Errorf("%v", err)
	}
	_, err = w.Start(ctx, w.file, 1, quiet)
	ok(t, err)
	w.settings("a", "[from]\nhost = 'elsewhere'\n")
	if _, err := w.Start(ctx, w.file, 1, quiet); code(err) != "succession.move.elsewhere" {
		t.Errorf("%v", err)
	}
	w.settings("a", "# another remark\n[from]\nhost = 'old'\n")
	_, err = w.Freeze(ctx, m.ID, 1, quiet)
	ok(t, err)
	_, err = w.Finish(ctx, m.ID, 1, quiet)
	ok(t, err)
	w.settings("a", "# what came after the counts\n[from]\nhost = 'old'\n")
	if _, err := w.Start(ctx, w.file, 1, quiet); code(err) != "succession.move.not_now" {
		t.Errorf("%v", err)
	}
	if got, err := w.Cut(ctx, m.ID, 1, quiet); code(err) != "succession.move.changed" || got.State != move.Ready {
		t.Errorf("cut with settings that came after the counts: %v %v", got.State, err)
	}
	ok(t, os.Chmod(w.file, 0o640))
	if _, err := w.Start(ctx, w.file, 1, quiet); code(err) != "succession.move.readable" {
		t.Errorf("%v", err)
	}
	for text, want := range map[string]string{"recipe = 'none'\n": "succession.move.no_recipe", "recipe = 'rack'\nmore = 1\n": "succession.recipe.settings", "x": "succession.recipe.settings"} {
		ok(t, os.WriteFile(filepath.Join(w.dir, "d"), []byte(text), 0o600))
		if _, err := w.Plan(ctx, filepath.Join(w.dir, "d"), quiet); code(err) != want {
			t.Errorf("%q: %v", text, err)
		}
	}
	if _, err := w.Plan(ctx, filepath.Join(w.dir, "none"), quiet); code(err) != "succession.move.no_file" {
		t.Error(err)
	}
	w.rack.old = map[string]int{}
	if _, err := w.Plan(ctx, w.settings("e", ""), quiet); code(err) != "succession.move.nothing" {
		t.Error(err)
	}
}
