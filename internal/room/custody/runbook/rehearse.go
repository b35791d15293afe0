package runbook

import (
	"context"
	"errors"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
)

// Beginning is what a rehearsal begins with.
type Beginning struct {
	Reader   string // id or name of a card
	LedBy    string // the same; empty = nobody
	Scenario string // what is played: "ns1 is gone"; may be empty
}

// Begin begins a rehearsal, or goes on with the one this reader has open. Returns
// CodeNotFound for a runbook or a person there is not, CodeDenied
// "custody.runbook.is_author" for who wrote a part of it.
func (s *Service) Begin(ctx context.Context, id ID, b Beginning) (Rehearsal, error) {
	people, err := s.People(ctx)
	if err != nil {
		return Rehearsal{}, err
	}
	reader, err := findPerson(people, b.Reader)
	if err != nil {
		return Rehearsal{}, err
	}
	var led Person
	if b.LedBy != "" {
		if led, err = findPerson(people, b.LedBy); err != nil {
			return Rehearsal{}, err
		}
	}
	var out Rehearsal
	err = s.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		r, err := getRunbook(ctx, q, id)
		if err != nil {
			return err
		}
		if r.Wrote(reader) {
			return core.Denied("custody.runbook.is_author", errors.New("the reader wrote it")).With("Person", reader.Name)
		}
		running, err := openRehearsals(ctx, q)
		if err != nil {
			return err
		}
		for _, h := range running {
			if h.Runbook == id && h.Reader == reader.ID {
				out, err = withSteps(ctx, q, h)
				return err
			}
		}
		out = Rehearsal{
			ID: newID(), Runbook: id, Commit: r.Commit, Text: r.Text, Reader: reader.ID, LedBy: led.ID,
			Scenario: line(b.Scenario, maxDefect), Outcome: Open, Started: s.now(),
		}
		return putRehearsal(ctx, q, out)
	})
	return out, err
}

// findPerson finds a card by its id, or by its name where only one has it.
func findPerson(people []Person, typed string) (found Person, err error) {
	n := 0
	for _, p := range people {
		if p.ID == typed {
			return p, nil
		}
		if p.Name == typed && typed != "" {
			found, n = p, n+1
		}
	}
	if n != 1 {
		return Person{}, core.NotFound("custody.runbook.no_person", errors.New("not one card of that name"))
	}
	return found, nil
}

// Rehearsal is one by its id. Returns CodeNotFound.
func (s *Service) Rehearsal(ctx context.Context, id string) (Rehearsal, error) {
	return getRehearsal(ctx, s.DB, id)
}

// Note says how a step went: defect is what stopped the reader, empty for nothing. A step
// that was noted before stays as it was. Returns CodeNotFound, CodeConflict
// "custody.runbook.over" for a rehearsal that is over and "custody.runbook.other_step" for
// a step that is not the one to be read now.
func (s *Service) Note(ctx context.Context, id string, number int, defect string) (out Rehearsal, err error) {
	err = s.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		if out, err = running(ctx, q, id); err != nil {
			return err
		}
		if number >= 0 && number < len(out.Done) {
			return nil // sent twice
		}
		text, err := Parse(out.Text)
		if err != nil {
			return err
		}
		step, ok := out.next(text)
		if !ok || number != len(out.Done) {
			return core.Conflict("custody.runbook.other_step", errors.New("not the step to be read now"))
		}
		d := Done{Heading: step.Heading, Defect: line(defect, maxDefect), At: s.now()}
		if _, err := putStep(ctx, q, id, number, d); err != nil {
			return err
		}
		out.Done = append(out.Done, d)
		return nil
	})
	return out, err
}

// Finish ends a rehearsal: reached says whether the reader came to the end state. Returns
// CodeNotFound, CodeConflict "custody.runbook.over" or "custody.runbook.not_through".
func (s *Service) Finish(ctx context.Context, id string, reached bool) (out Rehearsal, err error) {
	err = s.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		if out, err = running(ctx, q, id); err != nil {
			return err
		}
		text, err := Parse(out.Text)
		if err != nil {
			return err
		}
		if out, err = out.end(text, reached, s.now()); err != nil {
			return err
		}
		return putRehearsal(ctx, q, out)
	})
	return out, err
}

// GiveUp ends a rehearsal before its last step: the text did not get the reader to the end.
// Returns CodeNotFound, CodeConflict "custody.runbook.over".
func (s *Service) GiveUp(ctx context.Context, id string) (out Rehearsal, err error) {
	err = s.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		if out, err = running(ctx, q, id); err != nil {
			return err
		}
		out.Outcome, out.Ended, out.Text = Missed, max(s.now(), out.Started), ""
		return putRehearsal(ctx, q, out)
	})
	return out, err
}

func running(ctx context.Context, q db.Querier, id string) (Rehearsal, error) {
	h, err := getRehearsal(ctx, q, id)
	if err == nil && h.Outcome != Open {
		return h, core.Conflict("custody.runbook.over", errors.New("it is over"))
	}
	return h, err
}

// Tidy drops rehearsals that nobody went on with for a week.
func (s *Service) Tidy(ctx context.Context) error {
	all, err := openRehearsals(ctx, s.DB)
	if err != nil {
		return err
	}
	for _, h := range all {
		if s.now().Sub(h.Started) <= longest {
			continue
		}
		h.Outcome, h.Ended, h.Text = Dropped, s.now(), ""
		if err := putRehearsal(ctx, s.DB, h); err != nil {
			return err
		}
	}
	return nil
}
