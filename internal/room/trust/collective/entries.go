package collective

import (
	"context"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/logbook"
	"entrechat/internal/room/trust/document"
	"entrechat/internal/room/trust/fact"
	"entrechat/internal/room/trust/task"
)

// The entries about collectives.
//
// spec: docs/spec/trust.md#entries
const (
	TypeCharter = "entrechat/charter/1"
	TypeJoin    = "entrechat/join/1"
	TypeLeave   = "entrechat/leave/1"
)

// maxJoins is how many collectives one logbook can follow at once.
const maxJoins = 20

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

// ReadJoin takes in that a logbook founded or follows a collective.
func (s *Service) ReadJoin(ctx context.Context, q db.Querier, e logbook.Entry) error {
	var b charterBody
	if e.Typ == TypeCharter && !fact.Read(e, &b) {
		return nil
	}
	if e.Typ == TypeJoin {
		var j joinBody
		if !fact.Read(e, &j) {
			return nil
		}
		b.Charter = j.Charter
	}
	if !document.IDForm.MatchString(b.Charter) {
		return nil
	}
	before, err := joinsBy(ctx, q, e.Log)
	if err != nil || len(before) >= maxJoins {
		return err
	}
	if err := putJoin(ctx, q, join{e.Log, b.Charter}, e.Iat, e.Index); err != nil || e.Log != s.self() {
		return err
	}
	if _, err := charterByID(ctx, q, b.Charter); core.CodeOf(err) != core.CodeNotFound {
		return err
	}
	return task.Put(ctx, q, task.Task{Kind: task.GetCharter, Subject: b.Charter, Made: s.now()})
}

// ReadLeave ends a join.
func ReadLeave(ctx context.Context, q db.Querier, e logbook.Entry) error {
	var b joinBody
	if !fact.Read(e, &b) {
		return nil
	}
	return dropJoin(ctx, q, join{e.Log, b.Charter})
}
