package trust

import (
	"context"
	"errors"
	"net/http"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/jobs"
)

// Jobs is the room's periodic work.
func (s *Service) Jobs() []jobs.Job {
	return []jobs.Job{
		{Name: "trust-deliver", Every: 15 * time.Second, Jitter: 5 * time.Second, Run: s.Tasks.Run},
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
