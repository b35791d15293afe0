package member

import (
	"context"
	"slices"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/logbook"
	"entrechat/internal/room/trust/fact"
	"entrechat/internal/room/trust/task"
)

// The entries about members. None holds a name, a contact or a text of people.
//
// spec: docs/spec/trust.md#entries
const (
	TypeVouch   = "entrechat/vouch/1"
	TypeUnvouch = "entrechat/unvouch/1"
)

// unvouchBody takes a vouch back. A vouch itself is an Address.
type unvouchBody struct {
	Member core.MemberID `json:"member"`
}

// ReadVouch counts a vouch unless the logbook has given all it has; every node
// decides the same, because it depends on the order in that logbook alone.
func (s *Service) ReadVouch(ctx context.Context, q db.Querier, e logbook.Entry) error {
	var a Address
	if !fact.Read(e, &a) || !a.Usable() || a.Member == e.Log {
		return nil
	}
	given, err := VouchesBy(ctx, q, e.Log)
	if err != nil {
		return err
	}
	again := slices.ContainsFunc(given, func(v Vouch) bool { return v.For.Member == a.Member })
	if !again && len(given) >= MaxVouches {
		return nil
	}
	if err := PutVouch(ctx, q, Vouch{By: e.Log, For: a, Since: e.Iat}, e.Index); err != nil || e.Log != s.self() {
		return err
	}
	return s.Recall(ctx, q, a)
}

// ReadUnvouch takes a vouch back.
func ReadUnvouch(ctx context.Context, q db.Querier, e logbook.Entry) error {
	var b unvouchBody
	if !fact.Read(e, &b) {
		return nil
	}
	return DropVouch(ctx, q, e.Log, b.Member)
}

// Recall brings a member back that our own logbook speaks of: after a total
// loss the logbook is all that is left of our decisions.
func (s *Service) Recall(ctx context.Context, q db.Querier, a Address) error {
	m, err := s.pinned(ctx, q, a)
	if err != nil {
		return unlessConflict(err)
	}
	if m.Standing == Added {
		return nil
	}
	m = Member{Address: a, Standing: Added, Refused: m.Refused, Since: s.now()}
	if err := Put(ctx, q, m); err != nil {
		return err
	}
	return task.Put(ctx, q, task.Task{Kind: task.Follow, Subject: string(a.Member), Peer: a.Member, Made: s.now()})
}

// unlessConflict passes over that a later decision of ours pinned the origin
// otherwise.
func unlessConflict(err error) error {
	if core.CodeOf(err) == core.CodeConflict {
		return nil
	}
	return err
}
