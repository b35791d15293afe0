package runbook

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"log/slog"
	"math/big"
	"strings"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
)

const maxSources = 10

// Service has the hoster's runbooks. All fields are required.
type Service struct {
	DB *db.DB
	// People are our own admins' cards: who may read, and who may have written.
	People func(ctx context.Context) ([]Person, error)
	// Cards are what members told after incidents; none where nobody told anything.
	Cards func(ctx context.Context) ([]Card, error)
	Now   func() time.Time
	Log   *slog.Logger
}

func (s *Service) now() core.Moment { return core.At(s.Now()) }

func newID() string { return strings.ToLower(rand.Text()) }

func idOf(source, path string) ID {
	h := sha256.Sum256([]byte(source + "\x00" + path))
	return ID(hex.EncodeToString(h[:8]))
}

func unknown(err error) error { return core.NotFound("custody.runbook.unknown", err) }

// Pulled is what a pull brought.
type Pulled struct {
	Runbooks int      `json:"runbooks"`
	Left     []string `json:"left_out"` // files that are too large, or no text
}

// Add takes over the runbooks of a repository, or pulls them anew where it is known.
// Returns what Pull does, CodeConflict "custody.runbook.many_sources" for one too many.
func (s *Service) Add(ctx context.Context, address string) (Pulled, error) {
	if err := CheckAddress(address); err != nil {
		return Pulled{}, err
	}
	sources, err := allSources(ctx, s.DB)
	if err != nil {
		return Pulled{}, err
	}
	one := Source{ID: newID(), Address: address, Added: s.now()}
	for _, known := range sources {
		if known.Address == address {
			return s.pull(ctx, known)
		}
	}
	if len(sources) >= maxSources {
		return Pulled{}, core.Conflict("custody.runbook.many_sources", errors.New("too many")).With("Limit", maxSources)
	}
	return s.pull(ctx, one)
}

// pull replaces what we have of a source.
func (s *Service) pull(ctx context.Context, one Source) (Pulled, error) {
	files, left, err := Pull(ctx, one.Address)
	if err != nil {
		return Pulled{}, err
	}
	out := Pulled{Left: left}
	all := make([]Runbook, 0, len(files))
	for _, f := range files {
		text, err := Parse(f.Text)
		if err != nil {
			out.Left = append(out.Left, f.Path)
			continue
		}
		title := text.Title
		if title == "" {
			title = f.Path
		}
		all = append(all, Runbook{ID: idOf(one.Address, f.Path), Source: one.ID, Path: f.Path, Title: title, Text: f.Text, Commit: f.Commit, Changed: f.Changed, Authors: f.Authors})
	}
	out.Runbooks = len(all)
	one.Pulled, one.Trouble = s.now(), ""
	err = s.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		if err := putSource(ctx, q, one); err != nil {
			return err
		}
		return putRunbooks(ctx, q, one.ID, all)
	})
	return out, err
}

// PullAll pulls every source; what could not be brought is noted and stays as it was.
func (s *Service) PullAll(ctx context.Context) error {
	sources, err := allSources(ctx, s.DB)
	if err != nil {
		return err
	}
	for _, one := range sources {
		_, err := s.pull(ctx, one)
		if err == nil {
			continue
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		one.Trouble = troubleOf(err)
		s.Log.Warn("runbooks not pulled", "source", one.ID, "code", core.CodeOf(err))
		if err := putSource(ctx, s.DB, one); err != nil {
			return err
		}
	}
	return nil
}

// troubleOf is the words key of an error, among those a pull has.
func troubleOf(err error) string {
	if e, ok := errors.AsType[*core.Error](err); ok && strings.HasPrefix(e.Key, "custody.runbook.") {
		return e.Key
	}
	return "custody.runbook.unreached"
}

// Sources are the repositories.
func (s *Service) Sources(ctx context.Context) ([]Source, error) { return allSources(ctx, s.DB) }

// Remove forgets a repository and its texts; what was rehearsed comes back with it. Returns
// CodeNotFound "custody.runbook.no_source".
func (s *Service) Remove(ctx context.Context, address string) error {
	sources, err := allSources(ctx, s.DB)
	if err != nil {
		return err
	}
	for _, one := range sources {
		if one.Address == address {
			return s.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
				_, err := dropSource(ctx, q, one.ID)
				return err
			})
		}
	}
	return core.NotFound("custody.runbook.no_source", errors.New("not one of ours")).With("Address", line(address, 100))
}

// View is a runbook with what it is worth.
type View struct {
	Runbook
	State  State
	Last   *Rehearsal // the last with a result; nil = none
	Reader string     // name of its reader; empty = nobody who is still here
}

// List is every runbook, by path.
func (s *Service) List(ctx context.Context) ([]View, error) {
	all, err := allRunbooks(ctx, s.DB)
	if err != nil {
		return nil, err
	}
	names, err := s.names(ctx)
	if err != nil {
		return nil, err
	}
	out := make([]View, 0, len(all))
	for _, r := range all {
		v, err := s.view(ctx, r, names)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, nil
}

func (s *Service) names(ctx context.Context) (map[string]string, error) {
	people, err := s.People(ctx)
	names := make(map[string]string, len(people))
	for _, p := range people {
		names[p.ID] = p.Name
	}
	return names, err
}

func (s *Service) view(ctx context.Context, r Runbook, names map[string]string) (View, error) {
	v := View{Runbook: r}
	last, err := rehearsalsOf(ctx, s.DB, r.ID, 1)
	if err == nil && len(last) > 0 {
		v.Last, v.Reader = &last[0], names[last[0].Reader]
	}
	v.State = Judge(r.Commit, v.Last, s.now())
	return v, err
}

// Get is a runbook by its id. Returns CodeNotFound.
func (s *Service) Get(ctx context.Context, id ID) (View, error) {
	r, err := getRunbook(ctx, s.DB, id)
	if err != nil {
		return View{}, err
	}
	names, err := s.names(ctx)
	if err != nil {
		return View{}, err
	}
	return s.view(ctx, r, names)
}

// Find is a runbook by its name, its path, or the last part of it where only one has it.
// Returns CodeNotFound "custody.runbook.unknown", CodeConflict "custody.runbook.several".
func (s *Service) Find(ctx context.Context, name string) (View, error) {
	all, err := s.List(ctx)
	if err != nil {
		return View{}, err
	}
	name = strings.TrimSuffix(name, ".md")
	var found []View
	for _, v := range all {
		if v.Name() == name || string(v.ID) == name {
			found = append(found, v)
		}
	}
	for _, v := range all {
		if len(found) == 0 && strings.HasSuffix("/"+v.Name(), "/"+name) {
			found = append(found, v)
		}
	}
	switch len(found) {
	case 0:
		return View{}, unknown(errors.New("no runbook of that name"))
	case 1:
		return found[0], nil
	}
	return View{}, core.Conflict("custody.runbook.several", errors.New("several of that name"))
}

// History are the last rehearsals of a runbook with a result, the newest first.
func (s *Service) History(ctx context.Context, id ID) ([]Rehearsal, error) {
	return rehearsalsOf(ctx, s.DB, id, 20)
}

// Count says how many runbooks there are, and how many are rehearsed.
func (s *Service) Count(ctx context.Context) (rehearsed, total int, err error) {
	all, err := s.List(ctx)
	for _, v := range all {
		if v.State == Rehearsed {
			rehearsed++
		}
	}
	return rehearsed, len(all), err
}

// Draw picks a card at random. Returns CodeNotFound "custody.runbook.no_cards" while no
// member told of an incident.
func (s *Service) Draw(ctx context.Context) (Card, error) {
	cards, err := s.Cards(ctx)
	if err != nil {
		return Card{}, err
	}
	card, ok := draw(cards, func(n int) int {
		i, _ := rand.Int(rand.Reader, big.NewInt(int64(n))) // never fails: crypto/rand
		return int(i.Int64())
	})
	if !ok {
		return Card{}, core.NotFound("custody.runbook.no_cards", errors.New("no postmortem"))
	}
	return card, nil
}

// Played keeps that a role play was played. Returns what NewDrill does.
func (s *Service) Played(ctx context.Context, minutes int64, defects []string) (Drill, error) {
	d, err := NewDrill(minutes, defects, s.now())
	if err != nil {
		return d, err
	}
	return d, putDrill(ctx, s.DB, newID(), d)
}

// Drills are those played last, the newest first.
func (s *Service) Drills(ctx context.Context) ([]Drill, error) { return lastDrills(ctx, s.DB, 20) }
