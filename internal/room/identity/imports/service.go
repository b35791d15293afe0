package imports

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/room/identity/audit"
	"entrechat/internal/room/identity/credential"
	"entrechat/internal/room/identity/person"
)

// DefaultSource is the source of who has one directory.
const DefaultSource = "directory"

// perTx is how many people come in one transaction.
const perTx = 500

// Service imports people; all of it is required.
type Service struct {
	DB  *db.DB
	Now func() time.Time
}

// Plan says what an import of records would do; nothing is changed. source names the
// directory they come from; empty = DefaultSource. Returns CodeInvalid
// "identity.imports.source" for a name that is no handle.
func (s *Service) Plan(ctx context.Context, source string, records []Record) (Plan, error) {
	source, err := parseSource(source)
	if err != nil {
		return Plan{}, err
	}
	steps, err := plan(ctx, store{s.DB, source}, records, map[string]int{})
	p := Plan{Source: source, Steps: steps, DryRun: true}
	p.sum()
	return p, err
}

func parseSource(text string) (string, error) {
	text = strings.ToLower(strings.TrimSpace(text))
	if text == "" {
		return DefaultSource, nil
	}
	if len(text) > 40 || strings.Trim(text, "abcdefghijklmnopqrstuvwxyz0123456789.-_") != "" {
		return "", core.Invalid("identity.imports.source", errors.New("not a name")).With("Source", short(text))
	}
	return text, nil
}

// Apply makes the accounts of the records, five hundred in one transaction. Done twice it
// makes nobody twice: who came is known again. What it returns says what was done; after an
// error, the transactions before it stand.
func (s *Service) Apply(ctx context.Context, source string, records []Record) (Plan, error) {
	source, err := parseSource(source)
	if err != nil {
		return Plan{}, err
	}
	done := Plan{Source: source}
	// Each part is planned anew in its transaction: nobody comes between.
	seen := map[string]int{}
	for part := range slices.Chunk(records, perTx) {
		var steps []Step
		err := s.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
			at := store{q, source}
			var err error
			if steps, err = plan(ctx, at, part, seen); err != nil {
				return err
			}
			for _, step := range steps {
				if err := s.make(ctx, at, step); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			done.sum()
			return done, err
		}
		for _, step := range steps {
			seen[strings.ToLower(step.UID)] = step.Line
		}
		done.Steps = append(done.Steps, steps...)
	}
	done.sum()
	return done, nil
}

// make makes the account of one step, where there is one to make.
func (s *Service) make(ctx context.Context, at store, step Step) error {
	if step.Fate != New && step.Fate != Renamed {
		return nil
	}
	var password credential.Hashed
	if step.hash != "" {
		var err error
		if password, err = credential.Foreign(step.hash); err != nil {
			return err
		}
	}
	n := person.New{Handle: step.Handle, Name: step.Name, Lang: step.lang, Mail: step.Mail, Status: step.Status}
	return s.create(ctx, at, strings.ToLower(step.UID), n, password)
}

// create makes an account that is known again by what its directory calls it; the zero
// password is none.
func (s *Service) create(ctx context.Context, at store, name string, n person.New, password credential.Hashed) error {
	now := core.At(s.Now())
	p, err := person.Create(ctx, at.q, n, now)
	if err != nil {
		return err
	}
	if password != (credential.Hashed{}) {
		if err := credential.Put(ctx, at.q, p.ID, password, now); err != nil {
			return err
		}
	}
	if err := at.put(ctx, name, p.ID, now); err != nil {
		return err
	}
	return audit.Append(ctx, at.q, now, audit.Event{Person: p.ID, Kind: audit.Imported})
}

// Adopt makes the account of somebody whom a living directory has just let in, once: they are
// known again by name, which the directory never gives to a second person. An address that
// somebody here has is left out. Returns CodeConflict "identity.imports.no_handle" where no
// handle can be made of the user name.
func (s *Service) Adopt(ctx context.Context, source, name string, r Record, password credential.Hashed) error {
	return s.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		at := store{q, source}
		if who, err := at.imported(ctx, name); err != nil || who != "" {
			return err
		}
		n := person.New{Name: cut(tidy(r.Name)), Lang: r.Lang}
		var err error
		n.Handle, err = propose(r.UID, func(handle string) (bool, error) {
			taken, err := at.taken(ctx, handle)
			return !taken, err
		})
		if err == nil && n.Handle == "" {
			err = core.Conflict("identity.imports.no_handle", errors.New("no handle"))
		}
		if err != nil {
			return err
		}
		if address, ok := addressOf(r.Mail); ok {
			owner, err := at.mailOf(ctx, address)
			if err != nil {
				return err
			}
			if owner == "" {
				n.Mail = address
			}
		}
		return s.create(ctx, at, name, n, password)
	})
}
