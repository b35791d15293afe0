package pool

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"entrechat/internal/core"
	"entrechat/internal/room/vault/catalogue"
	"entrechat/internal/room/vault/shard"
)

// However lenders come, go and share sites, a plan never puts two shards into one
// domain or one index twice, and never sends what is there.
func TestPlanKeepsDomainsApart(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		k := rapid.IntRange(1, 6).Draw(t, "k")
		o := catalogue.Object{ID: shard.Hash{1}, Sealed: 1000, Code: shard.Code{K: k, N: rapid.IntRange(k, 9).Draw(t, "n")}}
		var lenders []shard.Candidate
		for i := range rapid.IntRange(0, 12).Draw(t, "lenders") {
			lenders = append(lenders, shard.Candidate{Free: rapid.Int64Range(-10, 1<<20).Draw(t, "free"), Lender: core.Lender{
				ID: core.MemberID(fmt.Sprintf("m%d.test", i)), Site: rapid.SampledFrom([]string{"", "lyon", "lille"}).Draw(t, "site"),
			}})
		}
		var root shard.Hash // of a copy that of the object
		if k == 1 {
			root = o.ID
		}
		var held []catalogue.Placement
		for _, i := range rapid.SliceOfDistinct(rapid.IntRange(0, o.Code.N-1), func(i int) int { return i }).Draw(t, "held") {
			held = append(held, catalogue.Placement{Index: i, Member: core.MemberID(fmt.Sprintf("h%d.test", i)), State: catalogue.Stored, Object: o.ID, Root: root})
		}
		before := catalogue.Effective(held)
		for _, task := range Plan(o, held, lenders) {
			for _, h := range held {
				if h.Index == task.Index || h.Member == task.Lender.ID || h.Site != "" && h.Site == task.Lender.Site {
					t.Fatalf("%v goes where %v is", task, h)
				}
			}
			if task.Index >= o.Code.N {
				t.Fatalf("index %d of %v", task.Index, o.Code)
			}
			held = append(held, catalogue.Placement{Index: task.Index, Member: task.Lender.ID, Site: task.Lender.Site, State: catalogue.Stored, Object: o.ID, Root: root})
			before++
		}
		if got := catalogue.Effective(held); got != before {
			t.Fatalf("%d count, want %d", got, before)
		}
	})
}

// Two copies with one index, at two members, are two copies: one was made again while
// the other's member was silent. Nothing is missing then.
func TestCopiesWithOneIndex(t *testing.T) {
	o := catalogue.Object{ID: shard.Hash{1}, Sealed: 1000, Code: shard.Code{K: 1, N: 4}}
	var held []catalogue.Placement
	var lenders []shard.Candidate
	for i, m := range []core.MemberID{"a.test", "b.test", "c.test", "d.test"} {
		lenders = append(lenders, shard.Candidate{Lender: core.Lender{ID: m}, Free: 1 << 20})
		held = append(held, catalogue.Placement{Object: o.ID, Root: o.ID, Index: max(i-1, 0), Member: m, State: catalogue.Stored})
	}
	if n, state := catalogue.Effective(held), catalogue.StandingOf(o.Code, held); n != 4 || state != catalogue.Placed {
		t.Errorf("%d copies count, %s", n, state)
	}
	if missing := Plan(o, held, lenders); len(missing) > 0 {
		t.Errorf("more are sent: %v", missing)
	}
	if missing := Plan(o, held[:3], lenders); len(missing) != 1 || missing[0].Lender.ID != "d.test" {
		t.Errorf("of three copies, two of one index: %v", missing)
	}
	for i := range held { // shards, of which one is there twice
		held[i].Root = shard.Hash{byte(held[i].Index), 9}
	}
	if n := catalogue.Effective(held); n != 3 {
		t.Errorf("of four shards, two alike, %d count", n)
	}
}
