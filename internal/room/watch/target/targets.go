package target

import (
	"context"
	"fmt"
	"strings"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/jobs"
	"entrechat/internal/kit/logbook"
	"entrechat/internal/kit/wire"
)

// Book is the logbook as we write into it.
type Book interface {
	Append(ctx context.Context, typ string, aud []core.MemberID, exp core.Moment, body any) (logbook.Entry, error)
}

// Needs is what the targets are made of; all of it is required.
type Needs struct {
	DB   *db.DB // with the room's migrations applied
	Book Book
	Self core.MemberID
	Now  func() time.Time
}

// Targets are our own and what members published of theirs. Safe for concurrent use.
type Targets struct{ Needs }

// New makes them.
func New(n Needs) *Targets { return &Targets{n} }

// Add takes a new target of ours and publishes it, unless it is local. ID, Owner and Made
// are set here; Every is UsualEvery when it is zero. Returns CodeInvalid, CodeConflict for
// one that is there already, CodeFull for more than MaxTargets.
func (s *Targets) Add(ctx context.Context, t Target) (Target, error) {
	t = s.Draft(t)
	if err := t.Check(); err != nil {
		return t, err
	}
	err := s.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		all, err := Of(ctx, q, s.Self)
		if err != nil {
			return err
		}
		for _, other := range all {
			if other.Kind == t.Kind && other.same() == t.same() && other.Expect.Record == t.Expect.Record && t.Kind.Called() {
				return core.Conflict("watch.target.twice", fmt.Errorf("%s is target %s", t.Address, other.ID)).With("Value", t.Address).With("ID", other.ID)
			}
		}
		if err := full(ctx, q, s.Self); err != nil {
			return err
		}
		return put(ctx, q, t, unpublished)
	})
	if err != nil {
		return t, err
	}
	return t, s.Publish(ctx)
}

// Draft is a new target of ours that is not stored: with an ID, an Owner, and what a person
// left out.
func (s *Targets) Draft(t Target) Target {
	t.ID, t.Owner, t.Made = NewID(), s.Self, core.At(s.Now())
	if t.Every == 0 {
		t.Every = UsualEvery
	}
	return t
}

// full returns CodeFull where a hoster has as many targets as it may, those that are gone
// among them: each leaves its history.
func full(ctx context.Context, q db.Querier, owner core.MemberID) error {
	n, err := count(ctx, q, owner)
	if err == nil && n >= MaxTargets {
		return core.Full("watch.target.full", fmt.Errorf("%s has %d", owner, n)).With("Count", n)
	}
	return err
}

// Change puts something else in the place of a target of ours, whose ID, Owner and Made
// stay. Returns CodeNotFound, CodeInvalid, CodeConflict for a damaged one.
func (s *Targets) Change(ctx context.Context, id string, change func(*Target)) (Target, error) {
	var t Target
	err := s.DB.Tx(ctx, func(ctx context.Context, q db.Querier) (err error) {
		was, err := s.own(ctx, q, id)
		if err == nil {
			err = was.readable()
		}
		if err != nil {
			return err
		}
		t = was
		change(&t)
		t.ID, t.Owner, t.Made = was.ID, was.Owner, was.Made
		// What members were told cannot be untold: a target that was public ends first.
		if t.Local = was.Local; t.Check() != nil {
			return t.Check()
		}
		return put(ctx, q, t, unpublished)
	})
	if err != nil {
		return t, err
	}
	return t, s.Publish(ctx)
}

// Remove ends a target of ours, named as for Own, a damaged one too; what was measured
// stays. Returns CodeNotFound, CodeConflict when several fit.
func (s *Targets) Remove(ctx context.Context, word string) (Target, error) {
	var t Target
	err := s.DB.Tx(ctx, func(ctx context.Context, q db.Querier) (err error) {
		if t, err = s.own(ctx, q, word); err != nil {
			return err
		}
		return end(ctx, q, s.Self, t.ID, unpublished)
	})
	if err != nil {
		return t, err
	}
	return t, s.Publish(ctx)
}

// Own finds a target of ours by its ID, its beginning, its address, or the name of its
// service when that has one target. Returns CodeNotFound, CodeConflict when several fit or
// it is damaged.
func (s *Targets) Own(ctx context.Context, word string) (Target, error) {
	t, err := s.own(ctx, s.DB, word)
	if err != nil {
		return t, err
	}
	return t, t.readable()
}

// readable refuses a damaged target: whoever looks at it would not know what to expect.
func (t Target) readable() error {
	if t.Damaged {
		return core.Conflict("watch.target.damaged", fmt.Errorf("target %s", t.ID)).With("ID", t.ID)
	}
	return nil
}

// own is Own; damaged targets are found as well, so that they can be removed.

func (s *Targets) own(ctx context.Context, q db.Querier, word string) (Target, error) {
	all, err := stored(ctx, q, s.Self)
	if err != nil {
		return Target{}, err
	}
	var found []Target
	for _, t := range all {
		typed := t
		typed.Address = word
		switch {
		case t.ID == word:
			return t, nil
		case len(word) >= 4 && strings.HasPrefix(t.ID, word), word != "" && t.same() == typed.same(), strings.EqualFold(t.Service, word):
			found = append(found, t)
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return Target{}, core.NotFound("watch.target.unknown", fmt.Errorf("no target %.100q", word)).With("Value", word)
	default:
		var ids []string
		for _, t := range found {
			ids = append(ids, t.ID)
		}
		return Target{}, core.Conflict("watch.target.several", fmt.Errorf("%d targets", len(found))).With("Value", word).With("IDs", strings.Join(ids, ", "))
	}
}

// Publish tells the members what our logbook does not say yet. What cannot be said now,
// because the logbook must not be written yet, is said later by the job.
func (s *Targets) Publish(ctx context.Context) error {
	err := s.publish(ctx)
	if code := core.CodeOf(err); code == core.CodeUnsure || code == core.CodeConflict {
		return nil
	}
	return err
}

func (s *Targets) publish(ctx context.Context) error {
	tell, gones, err := waiting(ctx, s.DB, s.Self)
	if err != nil {
		return err
	}
	for _, t := range tell {
		e, err := s.Book.Append(ctx, TypeTarget, nil, 0, t.body())
		if err != nil {
			return err
		}
		if err := published(ctx, s.DB, t, e.Index); err != nil {
			return err
		}
	}
	for _, id := range gones {
		e, err := s.Book.Append(ctx, TypeGone, nil, 0, gone{id})
		if err != nil {
			return err
		}
		if err := ended(ctx, s.DB, s.Self, id, e.Index); err != nil {
			return err
		}
	}
	return nil
}

// Jobs publish what could not be said at once.
func (s *Targets) Jobs() []jobs.Job {
	return []jobs.Job{{Name: "watch-publish", Every: time.Minute, Jitter: 10 * time.Second, Run: s.publish}}
}

// Readers take in what members say of their targets.
func (s *Targets) Readers() []logbook.Reader {
	return []logbook.Reader{{
		Name: "watch-target", Types: []string{TypeTarget, TypeGone}, Read: s.read,
		Truncated: func(ctx context.Context, log core.MemberID, index int64) error {
			if log == s.Self {
				return retell(ctx, s.DB, log, index)
			}
			return forget(ctx, s.DB, log, index)
		},
	}}
}

// read takes one entry in. What makes no sense is skipped: it must not stop the rest of
// that logbook.
func (s *Targets) read(ctx context.Context, e logbook.Entry) error {
	if e.Typ == TypeGone {
		var g gone
		if wire.Peek(e.Body, &g) != nil {
			return nil //nolint:nilerr // a stranger's mistake
		}
		return s.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
			return end(ctx, q, e.Log, g.ID, e.Index)
		})
	}
	t, err := parse(e)
	if err != nil {
		return nil //nolint:nilerr // as above
	}
	return s.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		_, err := Find(ctx, q, t.Owner, t.ID)
		if core.CodeOf(err) == core.CodeNotFound {
			err = full(ctx, q, t.Owner)
		}
		if core.CodeOf(err) == core.CodeFull {
			return nil // more than a hoster may have
		}
		if err != nil {
			return err
		}
		return put(ctx, q, t, e.Index)
	})
}
