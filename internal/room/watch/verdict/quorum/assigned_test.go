package quorum

import (
	"context"
	"testing"
	"time"

	"entrechat/internal/room/watch/schedule"
)

// TestSpareVoterLooksSoon: a voter that only confirms looks seldom, but at what is new to it
// within one interval of the target, as the others do.
func TestSpareVoterLooksSoon(t *testing.T) {
	with(t, plan{nodes: 10, targets: 1}, func(ctx context.Context, w *world) {
		x := w.targets[0]
		seats := x.home.e.Voters(x.Owner, x.ID).Seats
		if len(seats) != 7 {
			t.Fatalf("%d seats", len(seats))
		}
		for rank, s := range seats {
			items, err := w.seat(x, rank).e.Assigned(ctx)
			if err != nil || len(items) != 1 {
				t.Fatalf("%+v %v", items, err)
			}
			want := schedule.Item{Target: items[0].Target, Every: time.Minute, Phase: time.Duration(rank) * 12 * time.Second}
			if !s.Looks {
				want.Every, want.Phase, want.First = spareEvery, -1, time.Minute
			}
			if items[0].Every != want.Every || items[0].Phase != want.Phase || items[0].First != want.First {
				t.Errorf("rank %d: %+v, want %+v", rank, items[0], want)
			}
		}
	})
}
