package proof

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/dbtest"
	"entrechat/internal/room/custody/migrations"
)

const month = 31 * 24 * time.Hour

func TestMonthlyProofs(t *testing.T) {
	dbtest.Each(t, "custody", migrations.Files, func(t *testing.T, d *db.DB) {
		w, ctx := newWorld(t, d), t.Context()
		w.deal()
		w.sendAll()
		v, got := w.standings(owner)
		if !slices.Equal(got, []Standing{Proved, Proved, Proved}) || !v.Enough() || v.Shares[0].Last == 0 {
			t.Fatal(got)
		}
		a := w.nodes[owner]
		entries := len(a.log)
		for range 2 {
			if err := a.Say(ctx); err != nil {
				t.Fatal(err)
			}
		}
		if len(a.log) != entries+1 || a.log[entries].Typ != TypeState {
			t.Errorf("%d entries of a month", len(a.log)-entries)
		}
		// Fellow holders have judged by themselves.
		n, err := db.One(ctx, w.nodes["chaton-b.test"].db, db.Int64, `SELECT count(*) FROM custody_proof WHERE verdict = 'good'`)
		if err != nil || n != 2 {
			t.Error(n, err)
		}
		// One is silent for months: late, then missing; the others go on.
		w.nodes["chaton-d.test"].away = true
		for i, want := range []Standing{Proved, Late, Missing} {
			w.now = w.now.Add(month)
			for _, id := range []core.MemberID{"chaton-b.test", "chaton-c.test"} {
				if err := w.nodes[id].Send(ctx); err != nil {
					t.Fatal(err)
				}
			}
			v, got := w.standings(owner)
			if !slices.Equal(got, []Standing{Proved, Proved, want}) || v.Enough() != (want != Missing) {
				t.Errorf("month %d: %v, enough %v", i+1, got, v.Enough())
			}
			if err := a.Say(ctx); err != nil {
				t.Fatal(err)
			}
		}
		var last stateBody
		if err := json.Unmarshal(a.log[len(a.log)-1].Body, &last); err != nil || last.Proved != 2 || last.N != 3 {
			t.Error(last, err)
		}
		if _, err := a.checkDeals(ctx); err == nil {
			t.Error("doctor is content with 2 good shares where 2 open the box")
		} else {
			wants(t, err, "custody.proof.deal_again")
		}
		// Back again.
		w.nodes["chaton-d.test"].away = false
		w.sendAll()
		if _, got := w.standings(owner); got[2] != Proved {
			t.Error(got)
		}
	})
}

// Scenario 2: a bit of a stored share flips.
func TestDamagedShareIsNamed(t *testing.T) {
	dbtest.Each(t, "custody", migrations.Files, func(t *testing.T, d *db.DB) {
		w, ctx := newWorld(t, d), t.Context()
		w.deal()
		b := w.nodes["chaton-b.test"]
		sealed, err := db.One(ctx, b.db, func(r db.Row) (s []byte, err error) { return s, r.Scan(&s) }, `SELECT sealed FROM custody_held`)
		if err != nil {
			t.Fatal(err)
		}
		sealed[len(sealed)-3] ^= 4
		if _, err := db.Exec(ctx, b.db, `UPDATE custody_held SET sealed = $1`, sealed); err != nil {
			t.Fatal(err)
		}
		w.sendAll()
		v, got := w.standings(owner)
		if !slices.Equal(got, []Standing{Gone, Proved, Proved}) || v.Good != 2 || v.Enough() || v.Shares[0].Member != "chaton-b.test" {
			t.Errorf("%v, %d good", got, v.Good)
		}
		_, err = b.checkHeld(ctx)
		wants(t, err, "custody.proof.held_bad")
		// Dealt again, all is well.
		w.deal()
		w.sendAll()
		if v, got := w.standings(owner); !slices.Equal(got, []Standing{Proved, Proved, Proved}) || !v.Enough() {
			t.Error(got)
		}
	})
}

// Scenario 3: each proof that does not count is refused for its own reason.
func TestRefusedProofs(t *testing.T) {
	w, ctx := newWorld(t, dbtest.SQLite(t, "custody", migrations.Files)), t.Context()
	first := w.deal()
	a, b, c := w.nodes[owner], w.nodes["chaton-b.test"], w.nodes["chaton-c.test"]
	send := func(from *node, one Proof) error {
		t.Helper()
		env, err := sign(one, from.Signer)
		if err != nil {
			t.Fatal(err)
		}
		return a.Take(ctx, from.id, env)
	}
	// made is a proof of b's for a month, with the newest head.
	made := func(from *node, period string) Proof {
		t.Helper()
		h, err := from.Keeper.Get(ctx, first.ID)
		if err != nil {
			t.Fatal(err)
		}
		env, err := from.make(ctx, h, period)
		if err != nil {
			t.Fatal(err)
		}
		one, err := read(env)
		if err != nil {
			t.Fatal(err)
		}
		return one
	}
	good := made(b, "2027-01")
	if err := send(b, good); err != nil {
		t.Fatal(err)
	}
	// Sent by another holder, as it is and under that holder's name.
	wants(t, send(c, good), "custody.proof.other_holder")
	stolen := good
	stolen.Holder, stolen.Number = "chaton-c.test", 2
	wants(t, send(c, stolen), "custody.share.false_proof")
	if _, got := w.standings(owner); got[0] != Proved || got[1] != Wrong {
		t.Error("a stolen proof:", got)
	}
	if err := send(c, made(c, "2027-01")); err != nil {
		t.Error(err)
	}
	// For another month, and another month's under this month's name.
	future := made(b, "2027-02")
	wants(t, send(b, future), "custody.proof.other_period")
	future.Period = "2027-01"
	wants(t, send(b, future), "custody.share.false_proof")
	other := good
	other.Head.Index = 0
	wants(t, send(b, other), "custody.proof.other_head")
	other.Head.Index = 1000
	wants(t, send(b, other), "custody.proof.unknown_head")
	// An old head: made in advance for February, the log went on.
	advance := made(b, "2027-02")
	w.now = w.now.Add(month)
	if _, err := a.Append(ctx, "entrechat/x/1", nil, 0, struct{}{}); err != nil {
		t.Fatal(err)
	}
	w.now = w.now.Add(8 * 24 * time.Hour)
	wants(t, send(b, advance), "custody.proof.old_head")
	// Of another deal, which has taken this one's place.
	second := w.deal()
	advance.Deal = second.ID
	advance.Head = made(c, "2027-02").Head
	wants(t, send(b, advance), "custody.share.false_proof")
	advance.Deal = first.ID
	wants(t, send(b, advance), "custody.deal.not_held")
}

func TestPersonsProof(t *testing.T) {
	w, ctx := newWorld(t, dbtest.SQLite(t, "custody", migrations.Files)), t.Context()
	own := w.deal("safe")
	a := w.nodes[owner]
	text := w.prints(own.ID, 4)
	if err := a.Deals.Acknowledge(ctx, own.ID, 4, text); err != nil {
		t.Fatal(err)
	}
	w.now = w.now.Add(6 * month)
	if _, got := w.standings(owner); got[3] != Late {
		t.Error(got)
	}
	c, err := a.Challenge(ctx, own.ID, 4)
	if err != nil {
		t.Fatal(err)
	}
	challenge, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	one, err := Answer(challenge, text, core.At(w.now))
	if err != nil {
		t.Fatal(err)
	}
	answer, err := json.Marshal(one)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.TakeOf(ctx, answer); err != nil {
		t.Fatal(err)
	}
	if _, got := w.standings(owner); got[3] != Proved {
		t.Error(got)
	}
	one.Number, one.Holder = 1, "chaton-b.test" // a member's is taken from its node only
	if answer, err = json.Marshal(one); err != nil {
		t.Fatal(err)
	}
	_, err = a.TakeOf(ctx, answer)
	wants(t, err, "custody.proof.other_holder")
	_, err = a.Challenge(ctx, own.ID, 1)
	wants(t, err, "custody.deal.no_share")
}

func TestStandings(t *testing.T) {
	at := func(text string) core.Moment {
		day, err := time.Parse(time.DateOnly, text)
		if err != nil {
			t.Fatal(err)
		}
		return core.At(day)
	}
	for _, c := range []struct {
		f    facts
		want Standing
	}{
		{facts{}, Waiting},
		{facts{acked: at("2027-05-01")}, Proved},
		{facts{acked: at("2027-04-30")}, Proved},
		{facts{acked: at("2027-03-31")}, Late},
		{facts{acked: at("2027-02-28")}, Missing},
		{facts{acked: at("2027-02-28"), good: "2027-03"}, Late},
		{facts{acked: at("2027-02-28"), good: "2027-05"}, Proved},
		{facts{acked: at("2027-02-28"), good: "2027-05", worse: False}, Wrong},
		{facts{acked: at("2027-02-28"), good: "2027-05", worse: Lost}, Gone},
		{facts{person: true, acked: at("2027-01-31")}, Proved},
		{facts{person: true, acked: at("2026-12-31")}, Late},
		{facts{person: true, acked: at("2026-10-31")}, Missing},
	} {
		if got := c.f.standing(at("2027-05-15")); got != c.want {
			t.Errorf("%+v: %s, want %s", c.f, got, c.want)
		}
	}
}
