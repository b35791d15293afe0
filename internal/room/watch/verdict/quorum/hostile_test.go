package quorum

import (
	"context"
	"fmt"
	"testing"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/logbook"
	"entrechat/internal/kit/wire"
	"entrechat/internal/room/watch/look"
	"entrechat/internal/room/watch/verdict"
)

// writes is an entry as a node's logbook might have it: signed by it, whatever it says.
func (n *node) writes(t *testing.T, index int64, body any) logbook.Entry {
	t.Helper()
	text, err := wire.Encode(body)
	if err != nil {
		t.Fatal(err)
	}
	return logbook.Entry{Log: n.id, Index: index, Typ: verdict.TypeVerdict, Iat: core.At(time.Now()), Hash: [32]byte{byte(index + 1)}, Body: text}
}

// shownOutage lets a target fail, and answers the certificate that somebody showed of it.
func (w *world) shownOutage(t *testing.T, x *thing, by *node) verdict.Certificate {
	t.Helper()
	var shown []News
	w.tells = func(_ *node, n News) { shown = append(shown, n) }
	w.breaks(x)
	by.finds(t.Context(), x)
	time.Sleep(30 * time.Second)
	w.tells = nil
	if len(shown) == 0 || shown[0].Certificate.State != verdict.Down {
		t.Fatalf("shown: %+v", shown)
	}
	return shown[0].Certificate
}

// A voter that writes the number of another's certificate into its own logbook does not
// take it over, and cannot take it back.
func TestNonceOfAnother(t *testing.T) {
	with(t, plan{nodes: 9, targets: 1}, func(ctx context.Context, w *world) {
		x := w.targets[0]
		time.Sleep(time.Minute)
		c := w.shownOutage(t, x, w.seat(x, 0))
		time.Sleep(10 * time.Minute)
		w.deliver(ctx)
		before := x.home.e.State(x.Owner, x.ID)
		liar := w.seat(x, 1)
		c.Collector = liar.id
		r := reader{x.home.e}
		if err := r.read(ctx, liar.writes(t, 0, c)); err != nil {
			t.Fatal(err)
		}
		if after := x.home.e.State(x.Owner, x.ID); after != before {
			t.Errorf("%+v, was %+v", after, before)
		}
		if err := r.truncated(ctx, liar.id, 0); err != nil {
			t.Fatal(err)
		}
		if after := x.home.e.State(x.Owner, x.ID); after.State != verdict.Down || after.Certificate != before.Certificate {
			t.Errorf("after the liar took its entry back: %+v, was %+v", after, before)
		}
	})
}

// A certificate that waits for its roster is not put out of its place by another under its
// number.
func TestPendingStays(t *testing.T) {
	with(t, plan{nodes: 9, targets: 1}, func(ctx context.Context, w *world) {
		x := w.targets[0]
		time.Sleep(time.Minute)
		c := w.shownOutage(t, x, w.seat(x, 0))
		honest, liar := w.seat(x, 0), w.seat(x, 1)
		late := reader{New(x.home.e.n)} // a node that has no roster yet
		late.facts, late.proves = newMemoryLedger(), quickProves
		forged := c
		forged.Collector = liar.id
		for _, e := range []logbook.Entry{honest.writes(t, 3, c), liar.writes(t, 0, forged)} {
			if err := late.read(ctx, e); err != nil {
				t.Fatal(err)
			}
		}
		for _, l := range w.sent {
			if l.to == x.home && l.e.Typ != verdict.TypeVerdict {
				if err := late.read(ctx, l.e); err != nil {
					t.Fatal(err)
				}
			}
		}
		if v := late.State(x.Owner, x.ID); v.State != verdict.Down {
			t.Errorf("%+v", v)
		}
	})
}

// The only partner of a hoster dates a certificate ten years ahead: it decides nothing, and
// what is proved now counts.
func TestCertificateOfTheFuture(t *testing.T) {
	with(t, plan{nodes: 2, targets: 1}, func(ctx context.Context, w *world) {
		x := w.targets[0]
		liar := w.seat(x, 0)
		at := core.At(time.Now()).Add(10 * 365 * 24 * time.Hour)
		c := verdict.Certificate{Case: verdict.Case{
			Owner: x.Owner, Target: x.ID, Roster: x.home.e.Voters(x.Owner, x.ID).Roster, Nonce: fmt.Sprintf("%032x", 7), Collector: liar.id,
		}, State: verdict.Down, At: at}
		for round := 1; round <= 2; round++ {
			v := verdict.Vote{Round: round, State: verdict.VoteDown, Class: look.Timeout, At: at.Add(time.Duration(round-1) * 15 * time.Second)}
			v.Sign(c.Case, quickSigner{liar.id, liar.key})
			c.Votes = append(c.Votes, v)
		}
		if err := (reader{x.home.e}).read(ctx, liar.writes(t, 0, c)); err != nil {
			t.Fatal(err)
		}
		if v := x.home.e.State(x.Owner, x.ID); v.State != verdict.Up {
			t.Errorf("%+v", v)
		}
	})
}

// Who shows one certificate again and again gets no looks for it.
func TestReplayBuysNoLooks(t *testing.T) {
	with(t, plan{nodes: 9, targets: 1}, func(ctx context.Context, w *world) {
		x := w.targets[0]
		time.Sleep(time.Minute)
		liar, voter := w.seat(x, 0), w.seat(x, 1)
		c := w.shownOutage(t, x, liar)
		w.mends(x)
		voter.finds(ctx, x)
		time.Sleep(20 * time.Second)
		if v := voter.e.State(x.Owner, x.ID); v.State != verdict.Up {
			t.Fatalf("%+v", v)
		}
		roster := x.home.e.Voters(x.Owner, x.ID).Roster
		before := w.looks
		for n := range 100 {
			_ = voter.e.Hear(ctx, liar.id, News{Certificate: c})
			_, _ = liar.Vote(ctx, voter.id, verdict.Ask{
				Owner: x.Owner, Target: x.ID, Roster: roster, Nonce: fmt.Sprintf("%032x", 1000+n), Round: 1, Class: look.Timeout, At: core.At(time.Now()),
			})
			time.Sleep(time.Second)
		}
		if got := w.looks - before; got > 10 {
			t.Errorf("%d looks", got)
		}
	})
}

// A voter that opens one case after the other, and ends none, while a target really fails:
// the others do not wait for it.
func TestFloodOfCases(t *testing.T) {
	with(t, plan{nodes: 9, targets: 1}, func(ctx context.Context, w *world) {
		x := w.targets[0]
		time.Sleep(10 * time.Minute)
		w.round(ctx)
		liar := w.seat(x, 0)
		a := x.home.e.Voters(x.Owner, x.ID)
		w.breaks(x)
		began := time.Now()
		for n := 0; time.Since(began) < 5*time.Minute; n++ {
			if n%3 == 0 { // each 15 seconds
				for _, s := range a.Seats[1:] {
					go func() {
						_, _ = liar.Vote(ctx, s.Member, verdict.Ask{
							Owner: x.Owner, Target: x.ID, Roster: a.Roster, Nonce: fmt.Sprintf("%032x", n), Round: 1, Class: look.Timeout, At: core.At(time.Now()),
						})
					}()
				}
			}
			time.Sleep(5 * time.Second)
			if n%12 == 11 { // routine looks of the honest ones, each minute
				for rank := 1; rank < 5; rank++ {
					w.seat(x, rank).finds(ctx, x)
				}
			}
			if v := x.home.e.State(x.Owner, x.ID); v.State == verdict.Down {
				break
			}
		}
		if took := time.Since(began); took > 2*time.Minute {
			t.Errorf("found after %s", took)
		}
	})
}

// A clock that is wrong for a while, either way and by hours or years: what was proved with
// it hides nothing that is proved afterwards, nobody waits for years, and nothing is lost.
func TestClockJumps(t *testing.T) {
	for _, jump := range []time.Duration{time.Hour, -time.Hour, 10 * 365 * 24 * time.Hour, -10 * 365 * 24 * time.Hour} {
		for _, how := range []struct {
			nodes int
			still bool // it fails still when the clock is put right
		}{{1, false}, {9, false}, {1, true}, {9, true}} {
			nodes, still := how.nodes, how.still
			t.Run(fmt.Sprintf("%d nodes, %s, %v", nodes, jump, still), func(t *testing.T) {
				with(t, plan{nodes: nodes, targets: 1}, func(ctx context.Context, w *world) {
					time.Sleep(12 * 365 * 24 * time.Hour) // so that there is a past
					w.say(ctx)
					x := w.targets[0]
					who := x.home
					if nodes > 1 {
						who = w.seat(x, 0)
					}
					tidy := func() {
						for _, n := range w.nodes {
							if err := n.e.Tidy(ctx); err != nil {
								t.Error(err)
							}
						}
					}
					turn := func() { // a minute of routine looks
						for range 2 {
							w.round(ctx)
							time.Sleep(30 * time.Second)
							tidy()
						}
					}
					turn()
					who.skew = jump
					tidy()
					w.breaks(x)
					turn()
					turn()
					if !still {
						w.mends(x)
						turn()
					}
					who.skew = 0
					tidy()
					w.mends(x)
					turn()
					turn()
					if v := who.e.State(x.Owner, x.ID); v.State != verdict.Up {
						t.Errorf("after the clock came back: %+v", v)
					}
					now := core.At(time.Now())
					w.breaks(x)
					turn()
					turn()
					v := who.e.State(x.Owner, x.ID)
					if v.State != verdict.Down || v.Since.Sub(now).Abs() > 90*time.Second {
						t.Errorf("an outage afterwards: %+v, it began at %d", v, now)
					}
					w.mends(x)
					turn()
					turn()
					if v := who.e.State(x.Owner, x.ID); v.State != verdict.Up || v.Since > core.At(time.Now()) {
						t.Errorf("its end: %+v", v)
					}
				})
			})
		}
	}
}

// Rows whose bits turned over on the disk cost what stood in them, and no start.
func TestStartPassesDamageOver(t *testing.T) {
	with(t, plan{nodes: 9, targets: 1}, func(ctx context.Context, w *world) {
		x := w.targets[0]
		time.Sleep(time.Minute)
		w.shownOutage(t, x, w.seat(x, 0))
		time.Sleep(10 * time.Minute)
		w.deliver(ctx)
		inside, _ := x.home.e.facts.(mortal)
		memory, _ := inside.ledger.(*memoryLedger)
		want := x.home.e.State(x.Owner, x.ID)
		rows := 0
		for kind, all := range memory.rows {
			for k, good := range all {
				for _, body := range []string{"", "{", `{"State":"dovn"}`, `[1]`, `{"State":7}`, "\x00\xff", string(good.Body[:len(good.Body)/2])} {
					bad := good
					bad.Body = []byte(body)
					if kind == kindGrey {
						bad.ID = "short"
					}
					all[k] = bad
					rows++
					e := New(x.home.e.n)
					e.facts, e.proves = memory, quickProves
					if err := e.Start(ctx); err != nil {
						t.Fatalf("%s %.40q: %v", kind, body, err)
					}
					if v := e.State(x.Owner, x.ID); kind == kindEvent && v.State != want.State {
						t.Errorf("%s %.40q: %+v", kind, body, v)
					}
					all[k] = good
				}
			}
		}
		if rows < 20 {
			t.Errorf("only %d rows", rows)
		}
	})
}
