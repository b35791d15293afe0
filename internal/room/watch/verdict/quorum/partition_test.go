package quorum

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/room/watch/target"
	"entrechat/internal/room/watch/verdict"
)

// Both halves of a collective that is cut in two say unknown, never down; together again,
// they say up.
func TestPartition(t *testing.T) {
	for name, first := range map[string]int{"halves": 10, "twelve and eight": 12} {
		t.Run(name, func(t *testing.T) {
			with(t, plan{nodes: 20, targets: 40}, func(ctx context.Context, w *world) {
				time.Sleep(time.Minute)
				w.round(ctx)
				from := w.at() + time.Second
				w.cut = func(at time.Duration, a, b int) bool {
					return at >= from && at < from+10*time.Minute && (a < first) != (b < first)
				}
				var said []string
				w.hears = func(n *node, v verdict.Verdict) {
					if v.State == verdict.Down || v.State == verdict.Partial {
						said = append(said, fmt.Sprintf("%s of %s: %s", n.id, v.Owner, v.State))
					}
				}
				for range 9 {
					w.spread(ctx, time.Minute)
				}
				unknown := 0
				for _, x := range w.targets {
					for _, n := range w.nodes {
						if _, rank := x.home.e.Voters(x.Owner, x.ID).Seat(n.id); rank < 0 {
							continue
						}
						switch v := n.e.State(x.Owner, x.ID); {
						case v.State == verdict.Unknown:
							unknown++
						case w.cut(w.at(), n.i, x.home.i):
							t.Errorf("%s says %q of %s on the other side", n.id, v.State, x.Owner)
						}
					}
				}
				if unknown == 0 {
					t.Error("nobody says unknown")
				}
				for range 15 {
					w.spread(ctx, time.Minute)
				}
				for _, x := range w.targets {
					if got := w.all(x); slices.Contains(got, verdict.Down) {
						t.Errorf("together again: %q", got)
					}
					for rank := range 7 {
						if v := w.seat(x, rank).e.State(x.Owner, x.ID); v.State != verdict.Up {
							t.Errorf("together again, %s: %+v", w.seat(x, rank).id, v)
						}
					}
				}
				if len(said) > 0 {
					t.Errorf("%d times down or partial, the first: %s", len(said), said[0])
				}
			})
		})
	}
}

// spread has everybody look once at all it looks at, spread over a time.
func (w *world) spread(ctx context.Context, over time.Duration) {
	for _, x := range w.targets {
		for _, n := range w.nodes {
			if !n.dead && n.e.watched[x.key()] != nil && n.e.watched[x.key()].every > 0 {
				n.finds(ctx, x)
			}
		}
		time.Sleep(over / time.Duration(len(w.targets)))
	}
	w.tidy()
}

func (x *thing) key() verdict.Key { return verdict.Key{Owner: x.Owner, Target: x.ID} }

// A node whose line is down says unknown of all others, and tells its own people, once. It
// still knows when it is started anew meanwhile, and when its line is back by then.
func TestCutOff(t *testing.T) {
	for name, restart := range map[string]int{"runs on": -1, "restarted while cut off": 5, "restarted as its line is back": 8} {
		t.Run(name, func(t *testing.T) { cutOff(t, restart) })
	}
}

func cutOff(t *testing.T, restart int) {
	with(t, plan{nodes: 9, targets: 9}, func(ctx context.Context, w *world) {
		time.Sleep(time.Minute)
		w.round(ctx)
		n := w.nodes[3]
		time.Sleep(time.Minute)
		n.offline = times{{w.at(), w.at() + 10*time.Minute}}
		for i := range 9 {
			if since := n.e.CutOff(); i == restart {
				if n.restart(ctx); since == 0 || n.e.CutOff() != since {
					t.Errorf("cut off since %v, after a restart since %v", since, n.e.CutOff())
				}
			}
			w.spread(ctx, time.Minute)
		}
		for _, x := range w.targets {
			if x.home == n {
				continue
			}
			if v := n.e.State(x.Owner, x.ID); v.State != verdict.Unknown {
				t.Errorf("cut off, of %s: %+v", x.Owner, v)
			}
			if v := x.home.e.State(x.Owner, x.ID); v.State != verdict.Up {
				t.Errorf("the others of %s: %+v", x.Owner, v)
			}
		}
		if n.isolatedFrom == 0 || len(n.isolated) != 0 {
			t.Error("its people were not told")
		}
		for range 5 { // a case at the very end of the cut makes its voter wait a minute
			w.spread(ctx, time.Minute)
		}
		if len(n.isolated) != 1 {
			t.Errorf("told %v that it is over", n.isolated)
		}
		for _, x := range w.targets {
			if _, rank := x.home.e.Voters(x.Owner, x.ID).Seat(n.id); rank >= 0 && n.e.State(x.Owner, x.ID).State != verdict.Up {
				t.Errorf("back again, of %s: %+v", x.Owner, n.e.State(x.Owner, x.ID))
			}
			all, err := n.e.Intervals(ctx, x.Owner, x.ID, core.At(w.start.Add(2*time.Minute)), core.At(time.Now()))
			if err != nil || slices.ContainsFunc(all, func(i verdict.Interval) bool { return i.State == verdict.Down }) {
				t.Errorf("%+v, %v", all, err)
			}
		}
	})
}

// The nodes of most members are gone, but their services answer: nobody is cut off.
func TestNodesGoneServicesThere(t *testing.T) {
	with(t, plan{nodes: 9, targets: 9}, func(ctx context.Context, w *world) {
		time.Sleep(time.Minute)
		w.round(ctx)
		for _, n := range w.nodes[4:] {
			n.dead = true
		}
		for range 5 {
			w.spread(ctx, time.Minute)
		}
		if w.nodes[0].isolatedFrom != 0 {
			t.Error("it takes itself for cut off")
		}
	})
}

// A node that cannot read its targets as it starts, or reads its logbooks anew meanwhile,
// forgets nothing of them: they are not gone, it does not know them yet.
func TestTargetsUnread(t *testing.T) {
	with(t, plan{nodes: 9, targets: 1}, func(ctx context.Context, w *world) {
		time.Sleep(time.Minute)
		w.round(ctx)
		x, from := w.targets[0], core.At(w.start)
		n := w.seat(x, 0)
		before, err := n.e.Intervals(ctx, x.Owner, x.ID, from, core.At(time.Now()))
		if err != nil {
			t.Fatal(err)
		}
		till := core.At(time.Now())
		time.Sleep(time.Minute)
		n.restart(ctx)
		fails := errors.New("the disk does not answer")
		n.e.n.Targets = func(context.Context) ([]target.Target, error) { return nil, fails }
		if err := n.e.Tidy(ctx); !errors.Is(err, fails) {
			t.Errorf("%v", err)
		}
		if v := n.e.State(x.Owner, x.ID); v.State != verdict.Up {
			t.Errorf("after a restart: %+v", v)
		}
		after, err := n.e.Intervals(ctx, x.Owner, x.ID, from, till)
		if err != nil || !slices.Equal(before, after) {
			t.Errorf("until the restart %+v, then %+v, %v", before, after, err)
		}
	})
}
