package pact

import (
	"context"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/logbook"
	"entrechat/internal/room/trust/document"
	"entrechat/internal/room/trust/fact"
	"entrechat/internal/room/trust/member"
	"entrechat/internal/room/trust/task"
)

// The entries about pacts. None holds a text of people.
//
// spec: docs/spec/trust.md#entries
const (
	TypePact    = "entrechat/pact/1"
	TypePactEnd = "entrechat/pact-end/1"
)

// entryBody is what the public learns of a pact.
type entryBody struct {
	Pact       string       `json:"pact"` // id
	Between    []entryParty `json:"between"`
	NoticeDays int64        `json:"notice_days"`
}

type entryParty struct {
	member.Address
	Grants []core.Grant `json:"grants"`
}

// endBody says that a pact was ended.
type endBody struct {
	Pact string `json:"pact"`
}

// ReadPact only matters for our own logbook: a pact it names and we do not hold
// was lost, and the other party still has it.
func (s *Service) ReadPact(ctx context.Context, q db.Querier, e logbook.Entry) error {
	var b entryBody
	if e.Log != s.self() || !fact.Read(e, &b) || !document.IDForm.MatchString(b.Pact) {
		return nil
	}
	if _, err := byID(ctx, q, b.Pact); core.CodeOf(err) != core.CodeNotFound {
		return err
	}
	for _, p := range b.Between {
		if p.Member == s.self() || !p.Usable() {
			continue
		}
		if err := s.Members.Recall(ctx, q, p.Address); err != nil {
			return err
		}
		return task.Put(ctx, q, task.Task{Kind: task.GetPact, Subject: b.Pact, Peer: p.Member, Made: s.now()})
	}
	return nil
}

// ReadEnd closes a pact its party says it ended. For a pact of ours that we
// lost, the end is kept so that fetching the text cannot revive it.
func (s *Service) ReadEnd(ctx context.Context, q db.Querier, e logbook.Entry) error {
	var b endBody
	if !fact.Read(e, &b) || !document.IDForm.MatchString(b.Pact) {
		return nil
	}
	row, err := byID(ctx, q, b.Pact)
	if core.CodeOf(err) == core.CodeNotFound {
		if e.Log != s.self() {
			return nil
		}
		return put(ctx, q, stored{ID: b.Pact, Made: e.Iat, Closed: e.Iat, ClosedBy: e.Log})
	}
	if err != nil || row.Closed != 0 || (e.Log != row.Peer && e.Log != s.self()) {
		return err
	}
	row.Closed, row.ClosedBy = s.now(), e.Log
	return s.putClosed(ctx, q, row)
}
