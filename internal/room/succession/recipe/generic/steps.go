package generic

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"entrechat/internal/core"
	"entrechat/internal/kit/disk"
	"entrechat/internal/room/succession/recipe"
)

// move is one program on its way.
type move struct {
	settings

	from, to recipe.Side
}

// part is one thing that is copied whole.
type part interface {
	// bytes is about how much it is at the source.
	bytes(ctx context.Context) (int64, error)
	// empty says whether nothing is at the target.
	empty(ctx context.Context) (bool, error)
	// copy makes the target the same; last: nothing changes at the source any more.
	copy(ctx context.Context, last bool, say func(done, total int64)) error
	count(ctx context.Context) ([]recipe.Count, error)
	// remove makes the target empty again.
	remove(ctx context.Context) error
}

func (m *move) parts() (all []part) {
	for _, p := range m.Folder {
		all = append(all, folder{p, m.from, m.to})
	}
	for _, p := range m.File {
		all = append(all, file{p, m.from, m.to})
	}
	for _, d := range m.Database {
		switch d.Kind {
		case "postgresql":
			all = append(all, postgres{d, m.from, m.to})
		case "mariadb":
			all = append(all, mariadb{d, m.from, m.to})
		default:
			all = append(all, sqlite{d, m.from, m.to})
		}
	}
	return all
}

// Table says what becomes of the parts.
func (m *move) Table() []recipe.Row {
	var rows []recipe.Row
	for what, there := range map[string]bool{"files": len(m.Folder)+len(m.File) > 0, "databases": len(m.Database) > 0} {
		if there {
			rows = append(rows, recipe.Row{What: "succession.recipe.generic." + what, Fate: recipe.Kept})
		}
	}
	if len(m.Database) > 0 {
		rows = append(rows, recipe.Row{What: "succession.recipe.generic.roles", Fate: recipe.Lost, Why: "succession.recipe.generic.roles_why"})
	}
	return append(rows, recipe.Row{What: "succession.recipe.generic.unnamed", Fate: recipe.Lost, Why: "succession.recipe.generic.unnamed_why"})
}

// Scope is each target.
func (m *move) Scope() (all []string) {
	host := m.To.Host
	for _, p := range slices.Concat(m.Folder, m.File) {
		all = append(all, host+" "+p.To)
	}
	for _, d := range m.Database {
		all = append(all, strings.Join([]string{host, d.Kind, d.To.Host, strconv.Itoa(d.To.Port), d.To.Database, d.To.File}, " "))
	}
	return all
}

// Units is the whole.
func (*move) Units(context.Context) ([]string, error) { return []string{""}, nil }

// Steps are the commands that are set, around the copy.
func (m *move) Steps() []recipe.Step {
	steps := []recipe.Step{
		{Name: "look", Phase: recipe.Preflight, Do: m.look},
		{Name: "copy", Phase: recipe.Copy, Do: m.pass(false), Undo: m.remove},
	}
	if len(m.Freeze) > 0 && m.from.Lives() {
		steps = append(steps, recipe.Step{Name: "freeze", Phase: recipe.Freeze, Do: m.command(m.from, m.Freeze), Undo: m.command(m.from, m.Thaw)})
	}
	steps = append(steps, recipe.Step{Name: "last", Phase: recipe.Last, Do: m.pass(true)})
	for _, c := range []struct {
		name  string
		phase recipe.Phase
		words []string
	}{{"login", recipe.Login, m.Login}, {"deliver", recipe.Deliver, m.Deliver}, {"start", recipe.Cut, m.Start}} {
		if len(c.words) > 0 {
			steps = append(steps, recipe.Step{Name: c.name, Phase: c.phase, Do: m.command(m.to, c.words)})
		}
	}
	return steps
}

func (*move) command(s recipe.Side, words []string) func(context.Context, recipe.Work) error {
	return func(ctx context.Context, _ recipe.Work) error { return s.Run(ctx, recipe.Command{Args: words}) }
}

// ours is the note in the move's folder that what is at the target is ours.
func ours(w recipe.Work) string { return filepath.Join(w.Dir, "ours") }

// look asks both sides, and changes nothing.
func (m *move) look(ctx context.Context, w recipe.Work) error {
	var total int64
	for _, p := range m.parts() {
		n, err := p.bytes(ctx)
		if err != nil {
			return err
		}
		total += n
	}
	w.Say(0, total)
	for _, p := range m.Folder {
		if err := recipe.Room(ctx, m.to, p.To, total); err != nil {
			return err
		}
	}
	return m.free(ctx, w)
}

// free refuses a target in which something is that we did not bring.
func (m *move) free(ctx context.Context, w recipe.Work) error {
	if _, err := os.Stat(ours(w)); err == nil {
		return nil
	}
	for _, p := range m.parts() {
		empty, err := p.empty(ctx)
		if err != nil {
			return err
		}
		if !empty {
			return core.Conflict("succession.recipe.taken", errors.New("the target is not empty")).With("Side", m.to.Name())
		}
	}
	return nil
}

func (m *move) pass(last bool) func(context.Context, recipe.Work) error {
	return func(ctx context.Context, w recipe.Work) error {
		if err := m.free(ctx, w); err != nil {
			return err
		}
		if err := disk.Replace(ours(w), nil); err != nil {
			return err
		}
		for _, p := range m.parts() {
			if err := p.copy(ctx, last, w.Say); err != nil {
				return err
			}
		}
		return nil
	}
}

// remove takes away what we brought.
func (m *move) remove(ctx context.Context, w recipe.Work) error {
	if _, err := os.Stat(ours(w)); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, p := range m.parts() {
		if err := p.remove(ctx); err != nil {
			return err
		}
	}
	return os.Remove(ours(w))
}

// Count counts each part on both sides.
func (m *move) Count(ctx context.Context, _ string) (all []recipe.Count, err error) {
	for _, p := range m.parts() {
		counts, err := p.count(ctx)
		if err != nil {
			return nil, err
		}
		all = append(all, counts...)
	}
	return all, nil
}
