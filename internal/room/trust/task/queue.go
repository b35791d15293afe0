package task

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
)

// Bounds of one round of the retry job.
const (
	perRound = 50
	timeout  = 20 * time.Second
)

// Queue tries what is to be told or fetched until it worked. Every field is
// required. It is safe for concurrent use and from several processes over one
// database.
type Queue struct {
	DB  *db.DB
	Now func() time.Time
	Log *slog.Logger
	// Do carries one task out; an error puts it off.
	Do func(ctx context.Context, t Task) error
}

func (q *Queue) now() core.Moment { return core.At(q.Now()) }

// Run tells and fetches what is due: hellos, proposals, acceptances, ends,
// entries for the logbook. Each is tried until it worked. Members are told side by
// side: one that is slow or silent does not stop the others.
func (q *Queue) Run(ctx context.Context) error {
	due, err := due(ctx, q.DB, q.now(), perRound)
	if err != nil {
		return err
	}
	byPeer := map[core.MemberID][]Task{}
	for _, t := range due {
		byPeer[t.Peer] = append(byPeer[t.Peer], t)
	}
	problems := make(chan error, len(byPeer))
	for _, list := range byPeer {
		go func() { problems <- q.tryAll(ctx, list) }()
	}
	for range byPeer {
		err = errors.Join(err, <-problems)
	}
	return errors.Join(err, ctx.Err())
}

// tryAll runs tasks with one member, one after the other. What is left when one took
// all of its time waits for the next round.
func (q *Queue) tryAll(ctx context.Context, list []Task) error {
	turn, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	for _, t := range list {
		if turn.Err() != nil {
			return nil
		}
		if err := q.try(ctx, t); err != nil {
			return err
		}
	}
	return nil
}

// Attempt tries one task now, for the person who waits for it; what fails stays
// with the retry job.
func (q *Queue) Attempt(ctx context.Context, kind Kind, subject string) {
	list, err := All(ctx, q.DB)
	for _, t := range list {
		if t.Kind == kind && t.Subject == subject && err == nil {
			err = q.try(ctx, t)
		}
	}
	if err != nil {
		q.Log.LogAttrs(ctx, slog.LevelWarn, "task kept for later", slog.String("kind", string(kind)), slog.Any("err", err))
	}
}

// try runs a task nobody else is running, then forgets it or puts it off. It
// returns only errors of our own database.
func (q *Queue) try(ctx context.Context, t Task) error {
	now := q.now()
	if free, err := claim(ctx, q.DB, t, now, now.Add(lease)); err != nil || !free {
		return err
	}
	run, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	err := q.Do(run, t)
	if err == nil || q.over(t, err) {
		return Drop(ctx, q.DB, t)
	}
	q.Log.LogAttrs(ctx, slog.LevelInfo, "task put off", slog.String("kind", string(t.Kind)),
		slog.String("peer", string(t.Peer)), slog.Int64("tries", t.Tries+1), slog.Any("err", err))
	return postpone(context.WithoutCancel(ctx), q.DB, t.failed(err, q.now()))
}

// over says that trying again cannot help.
func (q *Queue) over(t Task, err error) bool {
	gone := core.CodeOf(err) == core.CodeNotFound
	switch t.Kind {
	case Close:
		if gone {
			return true // the other party never had it, or forgot it
		}
	case Offer, Answer, Hello, Follow, LogPact, LogEnd, GetPact, GetCharter:
	}
	return q.now() > t.Made.Add(life)
}
