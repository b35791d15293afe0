package trust

import (
	"context"
	"encoding/hex"
	"slices"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/logbook"
	"entrechat/internal/kit/wire"
)

// The entries about members. None holds a name, a contact or a text of people.
//
// spec: docs/spec/trust.md#entries
const (
	typeVouch   = "entrechat/vouch/1"
	typeUnvouch = "entrechat/unvouch/1"
)

// The entries about collectives.
//
// spec: docs/spec/trust.md#entries
const (
	typeCharter = "entrechat/charter/1"
	typeJoin    = "entrechat/join/1"
	typeLeave   = "entrechat/leave/1"
)

// The entries about pacts. None holds a text of people.
//
// spec: docs/spec/trust.md#entries
const (
	typePact    = "entrechat/pact/1"
	typePactEnd = "entrechat/pact-end/1"
)

// maxJoins is how many collectives one logbook can follow at once.
const maxJoins = 20

// unvouchBody takes a vouch back. A vouch itself is an Address.
type unvouchBody struct {
	Member core.MemberID `json:"member"`
}

// charterBody says that the writer founded a collective and what its members
// give one another.
type charterBody struct {
	Charter string       `json:"charter"` // id
	Admit   int64        `json:"admit_vouches"`
	Grants  []core.Grant `json:"grants"`
}

// joinBody follows a charter, or stops following it.
type joinBody struct {
	Charter string `json:"charter"`
}

// pactBody is what the public learns of a pact.
type pactBody struct {
	Pact       string      `json:"pact"` // id
	Between    []pactParty `json:"between"`
	NoticeDays int64       `json:"notice_days"`
}

type pactParty struct {
	Address
	Grants []core.Grant `json:"grants"`
}

// pactEndBody says that a pact was ended.
type pactEndBody struct {
	Pact string `json:"pact"`
}

// Readers take in what logbooks say about trust.
func (s *Service) Readers() []logbook.Reader {
	return []logbook.Reader{{
		Name:  "trust",
		Types: []string{logbook.TypKeySet, typeVouch, typeUnvouch, typeCharter, typeJoin, typeLeave, typePact, typePactEnd},
		Read:  s.read,
	}}
}

// read takes one entry in. What a stranger wrote wrongly is skipped: it must
// not stop the rest of its logbook.
func (s *Service) read(ctx context.Context, e logbook.Entry) error {
	return s.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		at := place{e.Log, e.Index, hex.EncodeToString(e.Hash[:])}
		if e.Typ == logbook.TypKeySet {
			// After a key was revoked the new key set stands where the entries of
			// the revoked key were cut off.
			return rewind(ctx, q, at)
		}
		if fresh, err := notice(ctx, q, at); err != nil || !fresh {
			return err
		}
		switch e.Typ {
		case typeVouch:
			return s.readVouch(ctx, q, e)
		case typeUnvouch:
			return readUnvouch(ctx, q, e)
		case typeCharter, typeJoin:
			return s.readJoin(ctx, q, e)
		case typeLeave:
			return readLeave(ctx, q, e)
		case typePact:
			return s.readPact(ctx, q, e)
		case typePactEnd:
			return s.readPactEnd(ctx, q, e)
		}
		return nil
	})
}

// readBody reads what an entry says and tells whether it can be read.
func readBody(e logbook.Entry, into any) bool { return wire.Decode(e.Body, into) == nil }

// readVouch counts a vouch unless the logbook has given all it has; every node
// decides the same, because it depends on the order in that logbook alone.
func (s *Service) readVouch(ctx context.Context, q db.Querier, e logbook.Entry) error {
	var a Address
	if !readBody(e, &a) || !a.usable() || a.Member == e.Log {
		return nil
	}
	given, err := vouchesBy(ctx, q, e.Log)
	if err != nil {
		return err
	}
	again := slices.ContainsFunc(given, func(v Vouch) bool { return v.For.Member == a.Member })
	if !again && len(given) >= maxVouches {
		return nil
	}
	if err := putVouch(ctx, q, Vouch{By: e.Log, For: a, Since: e.Iat}, e.Index); err != nil || e.Log != s.self() {
		return err
	}
	return s.recall(ctx, q, a)
}

// readUnvouch takes a vouch back.
func readUnvouch(ctx context.Context, q db.Querier, e logbook.Entry) error {
	var b unvouchBody
	if !readBody(e, &b) {
		return nil
	}
	return dropVouch(ctx, q, e.Log, b.Member)
}

// recall brings a member back that our own logbook speaks of: after a total
// loss the logbook is all that is left of our decisions.
func (s *Service) recall(ctx context.Context, q db.Querier, a Address) error {
	m, err := s.pinned(ctx, q, a)
	if err != nil {
		return unlessConflict(err)
	}
	if m.Standing == Added {
		return nil
	}
	m = Member{Address: a, Standing: Added, Refused: m.Refused, Since: s.now()}
	if err := putMember(ctx, q, m); err != nil {
		return err
	}
	return putTask(ctx, q, task{Kind: taskFollow, Subject: string(a.Member), Peer: a.Member, Made: s.now()})
}

// unlessConflict passes over that a later decision of ours pinned the origin
// otherwise.
func unlessConflict(err error) error {
	if core.CodeOf(err) == core.CodeConflict {
		return nil
	}
	return err
}

func (s *Service) readJoin(ctx context.Context, q db.Querier, e logbook.Entry) error {
	var b charterBody
	if e.Typ == typeCharter && !readBody(e, &b) {
		return nil
	}
	if e.Typ == typeJoin {
		var j joinBody
		if !readBody(e, &j) {
			return nil
		}
		b.Charter = j.Charter
	}
	if !docIDForm.MatchString(b.Charter) {
		return nil
	}
	before, err := joinsBy(ctx, q, e.Log)
	if err != nil || len(before) >= maxJoins {
		return err
	}
	if err := putJoin(ctx, q, join{e.Log, b.Charter}, e.Iat, e.Index); err != nil || e.Log != s.self() {
		return err
	}
	if _, err := charter(ctx, q, b.Charter); core.CodeOf(err) != core.CodeNotFound {
		return err
	}
	return putTask(ctx, q, task{Kind: taskGetCharter, Subject: b.Charter, Made: s.now()})
}

// readLeave ends a join.
func readLeave(ctx context.Context, q db.Querier, e logbook.Entry) error {
	var b joinBody
	if !readBody(e, &b) {
		return nil
	}
	return dropJoin(ctx, q, join{e.Log, b.Charter})
}

// readPact only matters for our own logbook: a pact it names and we do not hold
// was lost, and the other party still has it.
func (s *Service) readPact(ctx context.Context, q db.Querier, e logbook.Entry) error {
	var b pactBody
	if e.Log != s.self() || !readBody(e, &b) || !docIDForm.MatchString(b.Pact) {
		return nil
	}
	if _, err := pactByID(ctx, q, b.Pact); core.CodeOf(err) != core.CodeNotFound {
		return err
	}
	for _, p := range b.Between {
		if p.Member == s.self() || !p.usable() {
			continue
		}
		if err := s.recall(ctx, q, p.Address); err != nil {
			return err
		}
		return putTask(ctx, q, task{Kind: taskGetPact, Subject: b.Pact, Peer: p.Member, Made: s.now()})
	}
	return nil
}

// readPactEnd closes a pact its party says it ended. For a pact of ours that we
// lost, the end is kept so that fetching the text cannot revive it.
func (s *Service) readPactEnd(ctx context.Context, q db.Querier, e logbook.Entry) error {
	var b pactEndBody
	if !readBody(e, &b) || !docIDForm.MatchString(b.Pact) {
		return nil
	}
	row, err := pactByID(ctx, q, b.Pact)
	if core.CodeOf(err) == core.CodeNotFound {
		if e.Log != s.self() {
			return nil
		}
		return putPact(ctx, q, pactRow{ID: b.Pact, Made: e.Iat, Closed: e.Iat, ClosedBy: e.Log})
	}
	if err != nil || row.Closed != 0 || (e.Log != row.Peer && e.Log != s.self()) {
		return err
	}
	row.Closed, row.ClosedBy = s.now(), e.Log
	return s.putClosed(ctx, q, row)
}
