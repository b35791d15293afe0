package trust

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/jobs"
)

// Bounds of one round of the retry job.
const (
	tasksPerRound = 50
	taskTimeout   = 20 * time.Second
)

// Jobs is the room's periodic work.
func (s *Service) Jobs() []jobs.Job {
	return []jobs.Job{
		{Name: "trust-deliver", Every: 15 * time.Second, Jitter: 5 * time.Second, Run: s.RunTasks},
		{Name: "trust-follow", Every: time.Minute, Jitter: 15 * time.Second, Run: s.Settle},
		{Name: "trust-tidy", Every: day, Jitter: time.Hour, Run: s.tidy},
	}
}

// tidy forgets proposals that came to nothing half a year ago, and old
// invitations and requests.
func (s *Service) tidy(ctx context.Context) error {
	now := s.now()
	_, invites := dropInvites(ctx, s.DB, now)
	asked := dropAsked(ctx, s.DB, now.Add(-askedLife))
	return errors.Join(invites, asked, dropStale(ctx, s.DB, now.Add(-180*day)))
}

// RunTasks tells and fetches what is due: hellos, proposals, acceptances, ends,
// entries for the logbook. Each is tried until it worked. Members are told side by
// side: one that is slow or silent does not stop the others.
func (s *Service) RunTasks(ctx context.Context) error {
	due, err := dueTasks(ctx, s.DB, s.now(), tasksPerRound)
	if err != nil {
		return err
	}
	byPeer := map[core.MemberID][]task{}
	for _, t := range due {
		byPeer[t.Peer] = append(byPeer[t.Peer], t)
	}
	problems := make(chan error, len(byPeer))
	for _, list := range byPeer {
		go func() { problems <- s.tryAll(ctx, list) }()
	}
	for range byPeer {
		err = errors.Join(err, <-problems)
	}
	return errors.Join(err, ctx.Err())
}

// tryAll runs tasks with one member, one after the other. What is left when one took
// all of its time waits for the next round.
func (s *Service) tryAll(ctx context.Context, list []task) error {
	turn, cancel := context.WithTimeout(ctx, taskTimeout)
	defer cancel()
	for _, t := range list {
		if turn.Err() != nil {
			return nil
		}
		if err := s.try(ctx, t); err != nil {
			return err
		}
	}
	return nil
}

// attempt tries one task now, for the person who waits for it; what fails stays
// with the retry job.
func (s *Service) attempt(ctx context.Context, kind taskKind, subject string) {
	list, err := tasks(ctx, s.DB)
	for _, t := range list {
		if t.Kind == kind && t.Subject == subject && err == nil {
			err = s.try(ctx, t)
		}
	}
	if err != nil {
		s.Log.LogAttrs(ctx, slog.LevelWarn, "task kept for later", slog.String("kind", string(kind)), slog.Any("err", err))
	}
}

// try runs a task nobody else is running, then forgets it or puts it off. It
// returns only errors of our own database.
func (s *Service) try(ctx context.Context, t task) error {
	now := s.now()
	if free, err := claimTask(ctx, s.DB, t, now, now.Add(taskLease)); err != nil || !free {
		return err
	}
	run, cancel := context.WithTimeout(ctx, taskTimeout)
	defer cancel()
	err := s.do(run, t)
	if err == nil || s.over(t, err) {
		return dropTask(ctx, s.DB, t)
	}
	s.Log.LogAttrs(ctx, slog.LevelInfo, "task put off", slog.String("kind", string(t.Kind)),
		slog.String("peer", string(t.Peer)), slog.Int64("tries", t.Tries+1), slog.Any("err", err))
	return postponeTask(context.WithoutCancel(ctx), s.DB, t.failed(err, s.now()))
}

// over says that trying again cannot help.
func (s *Service) over(t task, err error) bool {
	gone := core.CodeOf(err) == core.CodeNotFound
	switch t.Kind {
	case taskClose:
		if gone {
			return true // the other party never had it, or forgot it
		}
	case taskOffer, taskAnswer, taskHello, taskFollow, taskLogPact, taskLogEnd, taskGetPact, taskGetCharter:
	}
	return s.now() > t.Made.Add(taskLife)
}

// do carries one task out.
func (s *Service) do(ctx context.Context, t task) error {
	switch t.Kind {
	case taskHello:
		return s.greet(ctx, t.Peer)
	case taskFollow:
		return s.follow(ctx, t.Peer)
	case taskOffer, taskAnswer:
		return s.send(ctx, t)
	case taskClose:
		return s.Caller.JSON(ctx, t.Peer, http.MethodPost, pathPacts+"/"+t.Subject+"/close", struct{}{}, &struct{}{})
	case taskLogPact:
		return s.logPact(ctx, t.Subject)
	case taskLogEnd:
		_, err := s.Book.Append(ctx, typePactEnd, []core.MemberID{t.Peer}, 0, pactEndBody{Pact: t.Subject})
		return err
	case taskGetPact:
		var answer Offer
		if err := s.Caller.JSON(ctx, t.Peer, http.MethodGet, pathPacts+"/"+t.Subject, nil, &answer); err != nil {
			return err
		}
		return s.reclaim(ctx, t.Subject, t.Peer, answer)
	case taskGetCharter:
		return s.fetchCharter(ctx, t.Subject)
	}
	return errors.New("unknown task " + string(t.Kind))
}

// send hands a pact over and takes in what the other party holds of it: the
// answer to a repeated proposal may already carry the second signature.
func (s *Service) send(ctx context.Context, t task) error {
	row, err := pactByID(ctx, s.DB, t.Subject)
	if err != nil {
		return err
	}
	h, err := row.held()
	if err != nil {
		return err
	}
	if state := h.State(s.now()); state != Proposed && state != Active {
		return nil
	}
	var answer Offer
	err = s.Caller.JSON(ctx, t.Peer, http.MethodPost, pathPacts, row.Offer, &answer)
	if isClosed(err) {
		// Withdrawn there before our signature arrived: it ends here too.
		return s.ReceiveClose(ctx, t.Peer, t.Subject)
	}
	if err != nil {
		return err
	}
	if answer.Acceptance == nil {
		return nil
	}
	_, err = s.Receive(ctx, t.Peer, answer)
	return err
}

func isClosed(err error) bool { return hasKey(err, keyClosed) }

func hasKey(err error, key string) bool {
	var e *core.Error
	return errors.As(err, &e) && e.Key == key
}

// logPact notes a signed pact in our logbook: its hash, its grants, no text.
func (s *Service) logPact(ctx context.Context, id string) error {
	row, err := pactByID(ctx, s.DB, id)
	if err != nil {
		return err
	}
	h, err := row.held()
	if err != nil {
		return err
	}
	body := pactBody{Pact: id, NoticeDays: h.Pact.NoticeDays}
	for _, p := range []Party{h.Pact.Proposer, h.Pact.Accepter} {
		body.Between = append(body.Between, pactParty{p.Address, p.Grants})
	}
	_, err = s.Book.Append(ctx, typePact, []core.MemberID{row.Peer}, 0, body)
	return err
}
