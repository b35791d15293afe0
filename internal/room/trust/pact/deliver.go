package pact

import (
	"context"
	"errors"
	"net/http"

	"entrechat/internal/core"
	"entrechat/internal/room/trust/task"
)

// delivery brings pacts to where they belong.
type delivery struct{ *Service }

// Do carries out a task about a pact.
func (s *Service) Do(ctx context.Context, t task.Task) error {
	switch t.Kind {
	case task.Offer, task.Answer:
		return delivery{s}.send(ctx, t)
	case task.Close:
		return s.Caller.JSON(ctx, t.Peer, http.MethodPost, PathPacts+"/"+t.Subject+"/close", struct{}{}, &struct{}{})
	case task.LogPact:
		return delivery{s}.logPact(ctx, t.Subject)
	case task.LogEnd:
		_, err := s.Book.Append(ctx, TypePactEnd, []core.MemberID{t.Peer}, 0, endBody{Pact: t.Subject})
		return err
	case task.GetPact:
		var answer Offer
		if err := s.Caller.JSON(ctx, t.Peer, http.MethodGet, PathPacts+"/"+t.Subject, nil, &answer); err != nil {
			return err
		}
		return s.reclaim(ctx, t.Subject, t.Peer, answer)
	case task.Hello, task.Follow, task.GetCharter: // no pacts
	}
	return errors.New("no task about a pact: " + string(t.Kind))
}

// send hands a pact over and takes in what the other party holds of it: the
// answer to a repeated proposal may already carry the second signature.
func (d delivery) send(ctx context.Context, t task.Task) error {
	row, err := byID(ctx, d.DB, t.Subject)
	if err != nil {
		return err
	}
	h, err := row.record()
	if err != nil {
		return err
	}
	if state := h.State(d.now()); state != Proposed && state != Active {
		return nil
	}
	var answer Offer
	err = d.Caller.JSON(ctx, t.Peer, http.MethodPost, PathPacts, row.Offer, &answer)
	if isClosed(err) {
		// Withdrawn there before our signature arrived: it ends here too.
		return d.ReceiveClose(ctx, t.Peer, t.Subject)
	}
	if err != nil {
		return err
	}
	if answer.Acceptance == nil {
		return nil
	}
	_, err = d.Receive(ctx, t.Peer, answer)
	return err
}

func isClosed(err error) bool { return task.HasKey(err, KeyClosed) }

// logPact notes a signed pact in our logbook: its hash, its grants, no text.
func (d delivery) logPact(ctx context.Context, id string) error {
	row, err := byID(ctx, d.DB, id)
	if err != nil {
		return err
	}
	h, err := row.record()
	if err != nil {
		return err
	}
	body := entryBody{Pact: id, NoticeDays: h.Pact.NoticeDays}
	for _, p := range []Party{h.Pact.Proposer, h.Pact.Accepter} {
		body.Between = append(body.Between, entryParty{p.Address, p.Grants})
	}
	_, err = d.Book.Append(ctx, TypePact, []core.MemberID{row.Peer}, 0, body)
	return err
}
