package quorum

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/room/watch/look"
	"entrechat/internal/room/watch/target"
	"entrechat/internal/room/watch/verdict"
)

// with runs a test in a world in which nothing happens by itself: its nodes are begun, have
// said who looks at whom, and have seen every target well.
func with(t *testing.T, p plan, test func(ctx context.Context, w *world)) {
	t.Helper()
	p.calm = true
	if p.every == 0 {
		p.every = time.Minute
	}
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		w := newWorld(t, p)
		for _, n := range w.nodes {
			n.stop = n.launch(ctx)
		}
		w.say(ctx)
		w.schedule(ctx)
		w.round(ctx)
		synctest.Wait()
		test(ctx, w)
		cancel()
		synctest.Wait()
	})
}

// round has everybody look once at all it looks at.
func (w *world) round(ctx context.Context) {
	for _, x := range w.targets {
		for _, n := range w.nodes {
			n.finds(ctx, x)
		}
	}
}

// finds is one routine look of a node.
func (n *node) finds(ctx context.Context, x *thing) {
	r, _ := n.look(x, false)
	n.e.Found(ctx, x.Target, r)
}

// breaks makes a target fail from now on.
func (w *world) breaks(x *thing) { x.down = times{{w.at(), w.at() + 1000*time.Hour}} }

// mends ends that.
func (w *world) mends(x *thing) { x.down = nil }

// seat is the node that has a place among a target's voters.
func (w *world) seat(x *thing, rank int) *node {
	return w.nodes[w.index(x.home.e.Voters(x.Owner, x.ID).Seats[rank].Member)]
}

// all says how everybody sees a target: the states, each once.
func (w *world) all(x *thing) (states []verdict.State) {
	for _, n := range w.nodes {
		if s := n.e.State(x.Owner, x.ID).State; !slices.Contains(states, s) {
			states = append(states, s)
		}
	}
	return states
}

func TestOutageFromEndToEnd(t *testing.T) {
	with(t, plan{nodes: 9, targets: 1}, func(ctx context.Context, w *world) {
		x := w.targets[0]
		if v := x.home.e.State(x.Owner, x.ID); v.State != verdict.Up || v.Voters != 7 || v.Weak || v.Case != "" {
			t.Fatalf("before: %+v", v)
		}
		time.Sleep(time.Minute)
		w.breaks(x)
		began := core.At(time.Now())
		w.seat(x, 2).finds(ctx, x)
		time.Sleep(25 * time.Second)
		for i := range 7 {
			n := w.seat(x, i)
			v := n.e.State(x.Owner, x.ID)
			if v.State != verdict.Down || v.Weak || v.Failing != 7 || v.Since.Sub(began).Abs() > 5*time.Second || v.Certificate == "" || v.Case == "" {
				t.Fatalf("voter %d: %+v", i, v)
			}
		}
		if v := x.home.e.State(x.Owner, x.ID); v.State != verdict.Down || v.Class != look.Timeout && v.Class != look.Refused {
			t.Fatalf("the owner: %+v", v)
		}
		time.Sleep(10 * time.Minute)
		w.deliver(ctx)
		if got := w.all(x); len(got) != 1 {
			t.Errorf("after the logbooks came: %q", got)
		}
		w.mends(x)
		ended := core.At(time.Now())
		w.seat(x, 4).finds(ctx, x)
		time.Sleep(5 * time.Second)
		v := x.home.e.State(x.Owner, x.ID)
		if v.State != verdict.Up || v.Since.Sub(ended).Abs() > 5*time.Second {
			t.Fatalf("after: %+v", v)
		}
		all, err := x.home.e.Intervals(ctx, x.Owner, x.ID, core.At(w.start), core.At(time.Now()))
		if err != nil || len(all) != 3 || all[1].State != verdict.Down {
			t.Fatalf("%+v, %v", all, err)
		}
		if got, want := all[1].To.Sub(all[1].From), ended.Sub(began); (got - want).Abs() > 5*time.Second {
			t.Errorf("it lasted %s, we say %s", want, got)
		}
		var states []verdict.State
		for _, c := range x.found {
			states = append(states, c.v.State)
		}
		if !slices.Equal(slices.Compact(states), []verdict.State{verdict.Up, verdict.Down, verdict.Up}) {
			t.Errorf("the owner was told %q", states)
		}
	})
}

// The accuser dies between its two rounds, or before it shows what it found: a voter goes
// on, and the outage still begins when it was suspected first.
func TestTakeover(t *testing.T) {
	for name, dies := range map[string]time.Duration{"after the first round": 8 * time.Second, "in the second round": 16 * time.Second} {
		t.Run(name, func(t *testing.T) {
			with(t, plan{nodes: 9, targets: 1}, func(ctx context.Context, w *world) {
				x := w.targets[0]
				time.Sleep(time.Minute)
				w.breaks(x)
				began := core.At(time.Now())
				dead := w.seat(x, 0)
				dead.finds(ctx, x)
				time.Sleep(dies)
				dead.stop()
				dead.offline = times{{w.at(), w.at() + time.Hour}}
				time.Sleep(70 * time.Second)
				v := x.home.e.State(x.Owner, x.ID)
				if v.State != verdict.Down || v.Since.Sub(began).Abs() > 10*time.Second || v.Failing != 6 {
					t.Errorf("%+v, it began at %d", v, began)
				}
			})
		})
	}
}

// Whoever is killed whenever, and started again from what it stored: everybody comes to
// the same, and nothing is lost.
func TestKilledAtAnyMoment(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 5))
	for i := range 30 {
		kill := time.Duration(r.Int64N(int64(50 * time.Second)))
		who := r.IntN(9)
		t.Run(fmt.Sprintf("%d: node %d after %s", i, who, kill), func(t *testing.T) {
			with(t, plan{nodes: 9, targets: 1, seed: uint64(i)}, func(ctx context.Context, w *world) {
				x := w.targets[0]
				time.Sleep(time.Minute)
				w.breaks(x)
				began := core.At(time.Now())
				go func() {
					time.Sleep(kill)
					w.nodes[who].restart(ctx)
				}()
				for range 12 { // two minutes of routine looks
					for rank := range 5 {
						w.seat(x, rank).finds(ctx, x)
						time.Sleep(2 * time.Second)
					}
				}
				time.Sleep(10 * time.Minute)
				w.deliver(ctx)
				for _, n := range w.nodes {
					v := n.e.State(x.Owner, x.ID)
					if v.State != verdict.Down || v.Since.Sub(began).Abs() > 15*time.Second || v.Certificate == "" {
						t.Errorf("%s: %+v, it began at %d", n.id, v, began)
					}
				}
				// Told at least once, and last what is.
				if n := len(x.found); n == 0 || x.found[n-1].v.State != verdict.Down {
					t.Errorf("the owner was told %+v", x.found)
				}
			})
		})
	}
}

// A voter dies at one of its writes, each in turn: of a vote, of a certificate, in the
// logbook, of what it told.
func TestKilledAtEachWrite(t *testing.T) {
	for rank := range 2 { // the accuser, and another voter
		for doom := 1; doom <= 8; doom++ {
			t.Run(fmt.Sprintf("voter %d, write %d", rank, doom), func(t *testing.T) {
				with(t, plan{nodes: 9, targets: 1}, func(ctx context.Context, w *world) {
					x := w.targets[0]
					time.Sleep(time.Minute)
					w.breaks(x)
					began := core.At(time.Now())
					victim := w.seat(x, rank)
					victim.doom = doom
					w.seat(x, 0).finds(ctx, x)
					time.Sleep(70 * time.Second)
					victim.restart(ctx)
					w.deliver(ctx)
					time.Sleep(time.Second)
					w.round(ctx)
					time.Sleep(10 * time.Minute)
					if err := victim.e.Tidy(ctx); err != nil {
						t.Error(err)
					}
					time.Sleep(10 * time.Minute)
					w.deliver(ctx)
					for _, n := range w.nodes {
						v := n.e.State(x.Owner, x.ID)
						if v.State != verdict.Down || v.Since.Sub(began).Abs() > 10*time.Second || v.Certificate == "" {
							t.Errorf("%s: %+v, it began at %d", n.id, v, began)
						}
					}
				})
			})
		}
	}
}

// Who may not ask is refused before anything is looked at.
func TestAnswerRefuses(t *testing.T) {
	with(t, plan{nodes: 12, targets: 2}, func(ctx context.Context, w *world) {
		x := w.targets[0]
		a := x.home.e.Voters(x.Owner, x.ID)
		from, voter := w.seat(x, 0), w.seat(x, 1)
		idle := w.nodes[slices.IndexFunc(w.nodes, func(n *node) bool {
			_, rank := a.Seat(n.id)
			return rank < 0 && n != x.home
		})]
		ask := func(n int) verdict.Ask {
			return verdict.Ask{
				Owner: x.Owner, Target: x.ID, Roster: a.Roster, Nonce: fmt.Sprintf("%032x", n), Round: 1,
				Class: look.Timeout, At: core.At(time.Now()),
			}
		}
		looked := w.looks
		for name, c := range map[string]struct {
			from   core.MemberID
			change func(*verdict.Ask)
			want   core.Code
		}{
			"no voter":           {idle.id, func(*verdict.Ask) {}, core.CodeDenied},
			"the owner":          {x.Owner, func(*verdict.Ask) {}, core.CodeDenied},
			"a stranger":         {"eve.test", func(*verdict.Ask) {}, core.CodeDenied},
			"itself":             {voter.id, func(*verdict.Ask) {}, core.CodeDenied},
			"another roster":     {from.id, func(a *verdict.Ask) { a.Roster = verdict.HexHash([32]byte{7}) }, core.CodeUnsure},
			"no such target":     {from.id, func(a *verdict.Ask) { a.Target = "ffffffffffffffff" }, ""},
			"a clock behind":     {from.id, func(a *verdict.Ask) { a.At = a.At.Add(-3 * time.Minute) }, core.CodeDenied},
			"a clock ahead":      {from.id, func(a *verdict.Ask) { a.At = a.At.Add(3 * time.Minute) }, core.CodeDenied},
			"a round too many":   {from.id, func(a *verdict.Ask) { a.Round = 3 }, core.CodeInvalid},
			"a nonce of letters": {from.id, func(a *verdict.Ask) { a.Nonce = "../../../etc/passwd" }, core.CodeInvalid},
			"an address":         {from.id, func(a *verdict.Ask) { a.Target = "http://10.0.0.1/" }, core.CodeInvalid},
			"a class of lines":   {from.id, func(a *verdict.Ask) { a.Class = "x\nup" }, core.CodeInvalid},
		} {
			q := ask(1)
			c.change(&q)
			if _, err := voter.e.Answer(ctx, c.from, q); err == nil || c.want != "" && core.CodeOf(err) != c.want {
				t.Errorf("%s: %v", name, err)
			}
		}
		if w.looks != looked {
			t.Errorf("%d looks for who may not ask", w.looks-looked)
		}
		if _, err := voter.e.Answer(ctx, from.id, ask(2)); err != nil {
			t.Fatal(err)
		}
		if _, err := voter.e.Answer(ctx, from.id, ask(2)); core.CodeOf(err) != core.CodeConflict {
			t.Errorf("the same call again: %v", err)
		}
		voter.restart(ctx)
		time.Sleep(time.Second)
		if _, err := voter.e.Answer(ctx, from.id, ask(2)); core.CodeOf(err) != core.CodeConflict {
			t.Errorf("the same call again, after a start: %v", err)
		}
	})
}

// One that accuses all day long, with all means: a target has no more than 1,200 looks
// of it, and is not down.
func TestLyingAccuser(t *testing.T) {
	with(t, plan{nodes: 9, targets: 1}, func(ctx context.Context, w *world) {
		x := w.targets[0]
		a := x.home.e.Voters(x.Owner, x.ID)
		liar, n := w.seat(x, 0), 0
		before := w.looks
		for range 24 * 60 * 6 { // every ten seconds
			for _, s := range a.Seats[1:] {
				for round := 1; round <= 2; round++ {
					n++
					_, _ = liar.Vote(ctx, s.Member, verdict.Ask{
						Owner: x.Owner, Target: x.ID, Roster: a.Roster, Nonce: fmt.Sprintf("%032x", n), Round: round, Class: look.Timeout, At: core.At(time.Now()),
					})
				}
			}
			time.Sleep(10 * time.Second)
		}
		if got := w.looks - before; got > 1200 || got < 600 {
			t.Errorf("%d looks in a day for %d calls", got, n)
		} else {
			t.Logf("%d looks in a day for %d calls", got, n)
		}
		// An outage is found all the same, by others, though it has a case open all the time.
		w.breaks(x)
		w.seat(x, 3).finds(ctx, x)
		time.Sleep(30 * time.Second)
		if v := x.home.e.State(x.Owner, x.ID); v.State != verdict.Down {
			t.Errorf("beside a liar: %+v", v)
		}
	})
}

// What others show: only the collector's own, whole, of now, and once.
func TestHearRefuses(t *testing.T) {
	with(t, plan{nodes: 9, targets: 1}, func(ctx context.Context, w *world) {
		x := w.targets[0]
		time.Sleep(time.Minute)
		var shown []News
		w.tells = func(_ *node, n News) { shown = append(shown, n) }
		w.breaks(x)
		by := w.seat(x, 1)
		by.finds(ctx, x)
		time.Sleep(30 * time.Second)
		if len(shown) == 0 {
			t.Fatal("nothing was shown")
		}
		w.tells = nil
		news := shown[0]
		to := x.home.e
		if err := to.Hear(ctx, by.id, news); err != nil {
			t.Errorf("a second time: %v", err)
		}
		if err := to.Hear(ctx, w.seat(x, 2).id, news); core.CodeOf(err) != core.CodeDenied {
			t.Errorf("by another: %v", err)
		}
		forged := news
		forged.Certificate.Nonce = fmt.Sprintf("%032x", 5)
		if err := to.Hear(ctx, by.id, forged); core.CodeOf(err) != core.CodeInvalid {
			t.Errorf("under another number: %v", err)
		}
		forged = news
		forged.Certificate.State = verdict.Up
		if err := to.Hear(ctx, by.id, forged); core.CodeOf(err) != core.CodeInvalid {
			t.Errorf("another state: %v", err)
		}
		time.Sleep(20 * time.Minute)
		x.home.restart(ctx)
		time.Sleep(time.Second)
		if v := to.State(x.Owner, x.ID); v.State != verdict.Down {
			t.Errorf("%+v", v)
		}
		fresh := New(x.home.e.n)
		fresh.facts, fresh.proves = newMemoryLedger(), quickProves
		if err := fresh.Hear(ctx, by.id, news); core.CodeOf(err) != core.CodeUnsure {
			t.Errorf("without the roster: %v", err)
		}
	})
}

// Pairs, and hosters alone.
func TestFew(t *testing.T) {
	for name, c := range map[string]struct {
		nodes, voters int
	}{"alone": {1, 0}, "a pair": {2, 1}, "three": {3, 2}, "four": {4, 3}} {
		t.Run(name, func(t *testing.T) {
			with(t, plan{nodes: c.nodes, targets: 1}, func(ctx context.Context, w *world) {
				x := w.targets[0]
				by := x.home
				if c.nodes > 1 {
					by = w.seat(x, 0)
				}
				time.Sleep(time.Minute)
				by.finds(ctx, x)
				w.breaks(x)
				by.finds(ctx, x)
				time.Sleep(45 * time.Second)
				v := x.home.e.State(x.Owner, x.ID)
				if v.State != verdict.Down || !v.Weak || v.Voters != c.voters || v.Failing != c.voters || (v.Certificate == "") != (c.voters == 0) {
					t.Errorf("%+v", v)
				}
				x.home.restart(ctx)
				time.Sleep(time.Second)
				if again := x.home.e.State(x.Owner, x.ID); again.State != verdict.Down {
					t.Errorf("after a start: %+v", again)
				}
				w.mends(x)
				by.finds(ctx, x)
				time.Sleep(5 * time.Second)
				if v := x.home.e.State(x.Owner, x.ID); v.State != verdict.Up {
					t.Errorf("%+v", v)
				}
			})
		})
	}
}

// One failure in a row is no outage for a hoster alone.
func TestAloneLooksThreeTimes(t *testing.T) {
	with(t, plan{nodes: 1, targets: 1}, func(ctx context.Context, w *world) {
		x := w.targets[0]
		w.breaks(x)
		x.home.finds(ctx, x)
		time.Sleep(11 * time.Second)
		w.mends(x)
		time.Sleep(time.Minute)
		if v := x.home.e.State(x.Owner, x.ID); v.State != verdict.Up || len(x.found) != 1 {
			t.Errorf("%+v, %+v", v, x.found)
		}
	})
}

// What nobody ever saw well is unknown, and a good look ends that.
func TestNobodyLookedYet(t *testing.T) {
	with(t, plan{nodes: 1, targets: 1}, func(ctx context.Context, w *world) {
		x := w.targets[0]
		other := verdict.Key{Owner: x.Owner, Target: "0123456789abcdef"}
		if v := x.home.e.State(other.Owner, other.Target); v.State != verdict.Unknown {
			t.Errorf("without a look: %+v", v)
		}
		x.home.finds(ctx, x)
		time.Sleep(time.Second)
		if v := x.home.e.State(x.Owner, x.ID); v.State != verdict.Up {
			t.Errorf("after a good look: %+v", v)
		}
	})
}

// An owner whose only partner is gone sees its own service fail: that is said, and said to
// be seen from here only. While the partner answers, it is the partner's to say.
func TestDeserted(t *testing.T) {
	with(t, plan{nodes: 2, targets: 1}, func(ctx context.Context, w *world) {
		x := w.targets[0]
		time.Sleep(time.Minute)
		w.breaks(x)
		x.home.finds(ctx, x)
		time.Sleep(2 * time.Minute)
		if v := x.home.e.State(x.Owner, x.ID); v.State == verdict.Down {
			t.Errorf("while the partner is there: %+v", v)
		}
		w.nodes[1].dead = true
		x.home.finds(ctx, x)
		time.Sleep(time.Minute)
		if v := x.home.e.State(x.Owner, x.ID); v.State != verdict.Down || !v.Weak || v.Voters != 0 {
			t.Errorf("%+v", v)
		}
		w.mends(x)
		x.home.finds(ctx, x)
		time.Sleep(5 * time.Second)
		if v := x.home.e.State(x.Owner, x.ID); v.State != verdict.Up {
			t.Errorf("%+v", v)
		}
	})
}

// A partner does not look at what nobody proved: the owner says itself that it fails.
func TestUnproved(t *testing.T) {
	with(t, plan{nodes: 2, targets: 1}, func(ctx context.Context, w *world) {
		x := w.targets[0]
		x.home.e.n.Unproved = func(_ context.Context, t target.Target) bool { return t.ID == x.ID }
		w.breaks(x)
		x.home.finds(ctx, x)
		time.Sleep(time.Minute)
		if v := x.home.e.State(x.Owner, x.ID); v.State != verdict.Down || !v.Weak || v.Voters != 0 {
			t.Errorf("%+v", v)
		}
	})
}

// A certificate that stands in its logbook twice is one: the first entry names it.
func TestLoggedTwice(t *testing.T) {
	with(t, plan{nodes: 9, targets: 1}, func(ctx context.Context, w *world) {
		x := w.targets[0]
		time.Sleep(time.Minute)
		w.breaks(x)
		w.seat(x, 0).finds(ctx, x)
		time.Sleep(10 * time.Minute)
		w.deliver(ctx)
		before := x.home.e.State(x.Owner, x.ID)
		last := w.sent[len(w.sent)-1]
		again := last.e
		again.Index, again.Hash = again.Index+5, [32]byte{9}
		if err := (reader{x.home.e}).read(ctx, again); err != nil {
			t.Fatal(err)
		}
		if after := x.home.e.State(x.Owner, x.ID); after != before || after.State != verdict.Down {
			t.Errorf("%+v, was %+v", after, before)
		}
	})
}
