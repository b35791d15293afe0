package vault

import (
	"slices"

	"entrechat/internal/core"
	"entrechat/internal/room/vault/catalogue"
	"entrechat/internal/room/vault/shard"
)

// task is one shard to be sent to one lender.
type task struct {
	Index  int
	Lender core.Lender
}

// plan says which shards of an object are missing and who should take them. held
// are the placements that count; nobody in a domain where one of them counts gets another.
// Fewer tasks than missing shards come back when there are no more domains with room.
func plan(o catalogue.Object, held []catalogue.Placement, lenders []shard.Candidate) []task {
	apart := catalogue.Matched(held)
	missing := catalogue.Missing(o.Code, apart)
	taken := make([]core.Lender, 0, len(apart))
	for _, p := range apart {
		taken = append(taken, p.Domain())
	}
	picked := shard.Place(o.ID, catalogue.Cost(o.Code.ShardSize(o.Sealed)), len(missing), lenders, taken)
	tasks := make([]task, 0, len(picked))
	for i, l := range picked {
		has := func(p catalogue.Placement) bool { return p.Index == missing[i] && p.Member == l.ID }
		if !slices.ContainsFunc(held, has) {
			tasks = append(tasks, task{missing[i], l})
		}
	}
	return tasks
}

// minRoom counts every lender in reachable, whatever its room.
const minRoom = -1 << 62

// reachable is in how many domains an object can lie: where it is held, and where
// there is room of so many bytes for it.
func reachable(held []catalogue.Placement, lenders []shard.Candidate, room int64) int {
	all := make([]core.Lender, 0, len(held)+len(lenders))
	for _, p := range held {
		all = append(all, p.Domain())
	}
	for _, c := range lenders {
		if c.Free >= room {
			all = append(all, c.Lender)
		}
	}
	return shard.Domains(all)
}
