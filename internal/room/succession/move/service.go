package move

import (
	"context"
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/disk"
	"entrechat/internal/room/succession/recipe"
)

// Needs is what moves are made of; all of it is required.
type Needs struct {
	DB      *db.DB
	Dir     string // a folder of ours
	Recipes []recipe.Recipe
	Domains Domains
	Now     func() time.Time
}

// Domains says whether a domain that a service needs lets it move. Returns CodeConflict with what is to
// be done first, CodeUnsure where that cannot be read.
type Domains interface {
	Ready(ctx context.Context, name string) error
}

// Service runs moves. Safe for concurrent use, and for several processes.
type Service struct{ n Needs }

// New makes it.
func New(n Needs) *Service { return &Service{n} }

// Say tells how far a step is; total 0 = unknown.
type Say func(step, unit string, done, total int64)

// Plan is what a move would do.
type Plan struct {
	Recipe string       `json:"recipe"`
	Tried  recipe.Tried `json:"tried"`
	With   string       `json:"with"` // versions
	Units  []string     `json:"units"`
	Steps  []string     `json:"steps"`
	Bytes  int64        `json:"bytes"` // about; 0 = unknown
	Table  []recipe.Row `json:"table"`
	Frozen bool         `json:"freezes"` // whether the source is made read-only
}

// Plan asks both sides and changes nothing. Returns what the recipe's look does.
func (s *Service) Plan(ctx context.Context, file string, say Say) (Plan, error) {
	r, err := s.read(file)
	if err != nil {
		return Plan{}, err
	}
	about := r.recipe.About()
	p := Plan{Recipe: about.Name, Tried: about.Tried, With: about.Versions, Table: r.move.Table()}
	if p.Units, err = units(ctx, r.move); err != nil {
		return p, err
	}
	dir, err := os.MkdirTemp("", "entrechat-plan-")
	if err != nil {
		return p, err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // it is empty, or as good as
	for _, step := range r.move.Steps() {
		p.Steps = append(p.Steps, step.Name)
		p.Frozen = p.Frozen || step.Phase == recipe.Freeze
		if step.Phase != recipe.Preflight {
			continue
		}
		for _, unit := range of(step, p.Units) {
			work := recipe.Work{Unit: unit, Dir: dir, Say: func(done, total int64) {
				if done == 0 {
					p.Bytes += total
				}
				say(step.Name, unit, done, total)
			}}
			if err := step.Do(ctx, work); err != nil {
				return p, err
			}
		}
	}
	return p, nil
}

// units are what is moved; a source without any is an error.
func units(ctx context.Context, m recipe.Move) ([]string, error) {
	all, err := m.Units(ctx)
	if err == nil && len(all) == 0 {
		err = core.NotFound("succession.move.nothing", errors.New("no unit at the source"))
	}
	return all, err
}

// of are the units that a step is done for.
func of(step recipe.Step, units []string) []string {
	if step.Each {
		return units
	}
	return []string{""}
}

// Start begins the move of a file of settings, or goes on with it: it looks and copies, again each
// time. Returns CodeConflict "succession.move.taken" where another move has one of its units,
// "succession.move.elsewhere" where the settings now name another source or target.
func (s *Service) Start(ctx context.Context, file string, parallel int, say Say) (Move, error) {
	r, err := s.read(file)
	if err != nil {
		return Move{}, err
	}
	found, err := units(ctx, r.move)
	if err != nil {
		return Move{}, err
	}
	var m Move
	err = s.n.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		if m, err = open(ctx, q, r.file); err != nil {
			return err
		}
		now := core.At(s.n.Now())
		claims := r.claims(found)
		if m.ID == "" {
			m = Move{ID: strings.ToLower(rand.Text()[:8]), Recipe: r.recipe.About().Name, File: r.file, State: Copying, Begun: now}
		} else if err := resumes(ctx, q, m, claims); err != nil {
			return err
		}
		m.Changed, m.sum = now, r.sum
		if err := claim(ctx, q, m.ID, claims); err != nil {
			return err
		}
		return begin(ctx, q, m)
	})
	if err != nil {
		return m, err
	}
	return s.alone(ctx, m.ID, start, func(j *job) error {
		j.units = found
		return j.phases(ctx, parallel, say, recipe.Preflight, recipe.Copy)
	})
}

// resumes refuses where a move copies no more, before its settings are taken anew: what was counted
// with others is not cut with these.
func resumes(ctx context.Context, q db.Querier, m Move, claims []string) error {
	if err := may(start, m.State); err != nil {
		return err
	}
	return stays(ctx, q, m, claims)
}

// stays refuses settings that name another place than before: what was copied there would be
// forgotten.
func stays(ctx context.Context, q db.Querier, m Move, claims []string) error {
	had, err := claimed(ctx, q, m.ID)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(claims, func(c string) bool { return had[c] }) {
		return core.Conflict("succession.move.elsewhere", errors.New("another source or target")).With("ID", m.ID)
	}
	return nil
}

// Freeze makes the source read-only. Everything must have been copied once.
func (s *Service) Freeze(ctx context.Context, id string, parallel int, say Say) (Move, error) {
	return s.alone(ctx, id, freeze, func(j *job) error {
		if err := j.copied(ctx); err != nil {
			return err
		}
		if err := j.phases(ctx, parallel, say, recipe.Freeze); err != nil {
			return err
		}
		return s.become(ctx, j, Frozen)
	})
}

// Finish copies what is left, counts both sides, and tries a sign-in and a delivery. Returns
// CodeConflict "succession.move.unequal" where a count differs.
func (s *Service) Finish(ctx context.Context, id string, parallel int, say Say) (Move, error) {
	return s.alone(ctx, id, finish, func(j *job) error {
		if err := s.become(ctx, j, Frozen); err != nil {
			return err
		}
		if err := forgetCounts(ctx, s.n.DB, id); err != nil {
			return err
		}
		if err := j.phases(ctx, parallel, say, recipe.Last, recipe.Compare); err != nil {
			return err
		}
		all, err := j.count(ctx, parallel, say)
		if err != nil {
			return err
		}
		if !Equal(all) {
			return core.Conflict("succession.move.unequal", errors.New("counts differ")).With("ID", id).With("N", len(Different(all, recipe.Count.Key)))
		}
		if err := j.phases(ctx, parallel, say, recipe.Login, recipe.Deliver); err != nil {
			return err
		}
		return s.become(ctx, j, Ready)
	})
}

// Cut makes the target the service, once the domains in the settings are ready. It is not undone;
// broken off, it goes on when run again.
func (s *Service) Cut(ctx context.Context, id string, parallel int, say Say) (Move, error) {
	return s.alone(ctx, id, cut, func(j *job) error {
		all, err := counted(ctx, s.n.DB, id)
		if err != nil {
			return err
		}
		if !Equal(all) {
			return core.Conflict("succession.move.unequal", errors.New("counts differ")).With("ID", id).With("N", len(Different(all, recipe.Count.Key)))
		}
		if err := s.reachable(ctx, j); err != nil {
			return err
		}
		if j.State != Done {
			if err := s.become(ctx, j, Cutting); err != nil {
				return err
			}
		}
		if err := j.phases(ctx, parallel, say, recipe.Cut, recipe.After); err != nil {
			return err
		}
		if err := release(ctx, s.n.DB, id); err != nil {
			return err
		}
		return s.become(ctx, j, Done)
	})
}

// reachable returns an error while a domain in the settings is not ready for a cut. One that began goes
// on.
func (s *Service) reachable(ctx context.Context, j *job) error {
	if j.State != Ready {
		return nil
	}
	for _, name := range j.read.domains {
		if err := s.n.Domains.Ready(ctx, name); err != nil {
			return err
		}
	}
	return nil
}

// Undo takes back what was begun, the last first.
func (s *Service) Undo(ctx context.Context, id string, parallel int, say Say) (Move, error) {
	return s.alone(ctx, id, undo, func(j *job) error {
		if err := s.become(ctx, j, Undoing); err != nil {
			return err
		}
		if err := j.undo(ctx, parallel, say); err != nil {
			return err
		}
		if err := os.RemoveAll(j.dir); err != nil {
			return err
		}
		if err := release(ctx, s.n.DB, id); err != nil {
			return err
		}
		return s.become(ctx, j, Undone)
	})
}

func (s *Service) become(ctx context.Context, j *job, state State) error {
	j.State, j.Changed = state, core.At(s.n.Now())
	return become(ctx, s.n.DB, j.ID, state, j.Changed)
}

// patience is how long a command waits for another in the same move.
const patience = 2 * time.Second

// alone does one verb of a move, alone in it. Returns CodeConflict "succession.move.busy" while another
// process is in it, "succession.move.changed" where the settings are not those that it copied with.
func (s *Service) alone(ctx context.Context, id string, v verb, do func(*job) error) (m Move, err error) {
	if m, err = one(ctx, s.n.DB, id); err != nil {
		return m, err
	}
	dir := filepath.Join(s.n.Dir, "moves", id)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return m, err
	}
	wait, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	inside := false
	err = disk.Alone(wait, dir+".lock", func() error {
		inside = true
		if m, err = one(ctx, s.n.DB, id); err != nil {
			return err
		}
		if err := may(v, m.State); err != nil {
			return err
		}
		r, err := s.read(m.File)
		if err != nil {
			return err
		}
		if r.sum != m.sum {
			return core.Conflict("succession.move.changed", errors.New("other settings")).With("Path", m.File)
		}
		j := &job{Move: m, s: s, read: r, dir: dir}
		err = do(j)
		m = j.Move
		return err
	})
	if !inside && errors.Is(err, context.DeadlineExceeded) {
		return m, core.Conflict("succession.move.busy", err).With("ID", id)
	}
	return m, err
}

// View is a move with its journal.
type View struct {
	Move

	Table   []recipe.Row `json:"table"`
	Freezes bool         `json:"freezes"` // whether it makes the source read-only
	Steps   []Progress   `json:"steps"`
	Counted []Counted    `json:"counted"`
	Equal   bool         `json:"equal"`
}

// Show is a move as the journal has it. The table is empty where the settings are gone.
func (s *Service) Show(ctx context.Context, id string) (v View, err error) {
	if v.Move, err = one(ctx, s.n.DB, id); err != nil {
		return v, err
	}
	if r, err := s.read(v.File); err == nil {
		v.Table = r.move.Table()
		v.Freezes = slices.ContainsFunc(r.move.Steps(), func(s recipe.Step) bool { return s.Phase == recipe.Freeze })
	}
	if v.Steps, err = progress(ctx, s.n.DB, id); err != nil {
		return v, err
	}
	v.Counted, err = counted(ctx, s.n.DB, id)
	v.Equal = Equal(v.Counted)
	return v, err
}

// List is all moves.
func (s *Service) List(ctx context.Context) ([]Move, error) { return all(ctx, s.n.DB) }

// Result says what became of the data, as numbers of rows of the table, and whether all counts were
// equal: nothing is kept where they were not. The settings are read for the table: what Show and
// reading them return.
func (s *Service) Result(ctx context.Context, id string) (kept, archived, lost int, equal bool, err error) {
	v, err := s.Show(ctx, id)
	if err != nil {
		return 0, 0, 0, false, err
	}
	if _, err := s.read(v.File); err != nil {
		return 0, 0, 0, false, err
	}
	for _, row := range v.Table {
		switch {
		case row.Fate == recipe.Archived:
			archived++
		case row.Fate == recipe.Kept && v.Equal:
			kept++
		default:
			lost++
		}
	}
	return kept, archived, lost, v.Equal, nil
}
