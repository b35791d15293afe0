package vault

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/dbtest"
	"entrechat/internal/room/vault/catalogue"
	"entrechat/internal/room/vault/migrations"
	"entrechat/internal/room/vault/pool"
	"entrechat/internal/room/vault/rest"
	"entrechat/internal/room/vault/shard"
)

// However shards lie, twice or two with one member: each member that goes takes one of those
// that count, and not more; and a plan makes good what lies badly.
func TestWhatCountsOutlivesLosses(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var held []catalogue.Placement
		for m := range 6 {
			for _, i := range rapid.SliceOfNDistinct(rapid.IntRange(0, 5), 0, 3, func(i int) int { return i }).Draw(t, "shards") {
				held = append(held, catalogue.Placement{Index: i, Member: core.MemberID(fmt.Sprintf("m%d.test", m)), State: catalogue.Stored})
			}
		}
		for gone := range 1 << 6 {
			var left []catalogue.Placement
			away := 0
			for m := range 6 {
				away += gone >> m & 1
			}
			for _, p := range held {
				if gone>>(p.Member[1]-'0')&1 == 0 {
					left = append(left, p)
				}
			}
			if catalogue.Distinct(left) < catalogue.Effective(held)-away {
				t.Fatalf("%d count of %+v, and without %06b only %d are left", catalogue.Effective(held), held, gone, catalogue.Distinct(left))
			}
		}
		var lenders []shard.Candidate
		for m := range 6 {
			lenders = append(lenders, shard.Candidate{Free: 1 << 30, Lender: core.Lender{ID: core.MemberID(fmt.Sprintf("m%d.test", m))}})
		}
		o := catalogue.Object{ID: shard.Hash{1}, Sealed: 1000, Code: shard.Code{K: 4, N: 6}}
		for _, task := range pool.Plan(o, held, lenders) {
			held = append(held, catalogue.Placement{Index: task.Index, Member: task.Lender.ID, State: catalogue.Stored})
		}
		if catalogue.StandingOf(o.Code, held) != catalogue.Placed {
			t.Fatalf("after the plan %d count of %+v", catalogue.Effective(held), held)
		}
	})
}

// The status counts what outlives losses, not what lies twice: on both engines.
func TestSummariesOfDoubled(t *testing.T) {
	dbtest.Each(t, "vault", migrations.Files, func(t *testing.T, d *db.DB) {
		s := catalogue.New(d)
		for n, lies := range [][]struct {
			index  int
			member core.MemberID
		}{
			{{0, "a"}, {1, "b"}, {2, "c"}},                                         // as it should
			{{0, "a"}, {1, "a"}, {2, "b"}, {3, "b"}, {0, "c"}, {1, "d"}, {4, "e"}}, // two with b that nobody else has
			{{0, "a"}, {1, "b"}, {2, "c"}, {0, "b"}},                               // one more
		} {
			o := catalogue.Object{
				ID: shard.Hash{byte(n)}, Repo: "files", File: rest.Handle{Type: rest.Data, Name: fmt.Sprint(n)}, Size: 1,
				Code: shard.Code{K: 2, N: 3}, State: catalogue.Placed, Made: core.Moment(n),
			}
			if _, err := s.Objects.Add(t.Context(), o); err != nil {
				t.Fatal(err)
			}
			for _, l := range lies {
				if err := s.Placements.Put(t.Context(), d, catalogue.Placement{Object: o.ID, Index: l.index, Member: l.member, State: catalogue.Stored}); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := s.Lenders.SetState(t.Context(), "a", catalogue.LenderState{Bad: 1}); err != nil {
			t.Fatal(err)
		}
		summaries, err := s.Summaries.All(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		got := map[[2]int]int64{}
		for _, h := range summaries {
			got[[2]int{h.Stored, h.Reached}] += h.Objects
		}
		if len(got) != 2 || got[[2]int{3, 2}] != 2 || got[[2]int{4, 4}] != 1 {
			t.Errorf("held, reached: %v", got)
		}
	})
}
