package pool

import (
	"slices"

	"entrechat/internal/core"
	"entrechat/internal/room/vault/catalogue"
	"entrechat/internal/room/vault/shard"
)

// Task is one shard to be sent to one lender.
type Task struct {
	Index  int
	Lender core.Lender
}

// Plan says which shards of an object are missing and who should take them. stored
// are the placements that count; nobody in a domain where one of them counts gets another.
// Fewer tasks than missing shards come back when there are no more domains with room.
func Plan(o catalogue.Object, stored []catalogue.Placement, lenders []shard.Candidate) []Task {
	apart := catalogue.Matched(stored)
	missing := catalogue.Missing(o.Code, apart)
	taken := make([]core.Lender, 0, len(apart))
	for _, p := range apart {
		taken = append(taken, p.Domain())
	}
	picked := shard.Place(o.ID, catalogue.Cost(o.Code.ShardSize(o.Sealed)), len(missing), lenders, taken)
	tasks := make([]Task, 0, len(picked))
	for i, l := range picked {
		has := func(p catalogue.Placement) bool { return p.Index == missing[i] && p.Member == l.ID }
		if !slices.ContainsFunc(stored, has) {
			tasks = append(tasks, Task{missing[i], l})
		}
	}
	return tasks
}

// AnyRoom counts every lender in Reachable, whatever its room.
const AnyRoom = -1 << 62

// Reachable is in how many domains an object can lie: where it is stored, and where
// there is room of so many bytes for it.
func Reachable(stored []catalogue.Placement, lenders []shard.Candidate, room int64) int {
	all := make([]core.Lender, 0, len(stored)+len(lenders))
	for _, p := range stored {
		all = append(all, p.Domain())
	}
	for _, c := range lenders {
		if c.Free >= room {
			all = append(all, c.Lender)
		}
	}
	return shard.Domains(all)
}
