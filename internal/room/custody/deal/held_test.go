package deal

import (
	"testing"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/dbtest"
	"entrechat/internal/room/custody/box"
	"entrechat/internal/room/custody/migrations"
	"entrechat/internal/room/custody/share"
)

// A rehearsal's dummy has no wait, and holders keep it where all others have to wait a day.
func TestHoldersKeepADummy(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t, "custody", migrations.Files))
	wish := four("a dummy")
	wish.Scope = box.Rehearsal
	if own := w.deal(wish); own.State != Standing || own.Wait() != 0 {
		t.Errorf("%s, a wait of %v", own.State, own.Wait())
	}
}

// hostile has b, which keeps shares for A, deal to A under an id of its own choosing.
func (w *world) hostile(id share.ID) error {
	w.t.Helper()
	ctx, a, b := w.t.Context(), w.owner(), w.nodes["chaton-b.test"]
	secret := must(share.New())
	shares, c, err := secret.Split(id, 2, 3)
	if err != nil {
		w.t.Fatal(err)
	}
	to := must(secret.Recipient(id))
	doc := must(sign(Deal{
		ID: id, Scope: box.Domain, K: 2, N: 3, Commitments: c, Recipient: to.String(), WaitHours: 24, Made: core.At(w.now), Until: core.At(w.now).Add(life),
		Holders: []Holder{{Number: 1, Member: owner}, {Number: 2, Member: "chaton-c.test"}, {Number: 3, Member: "chaton-d.test"}},
	}, b.n.Signer))
	sealed := must(encrypt(a.n.Recipients.Key.Identity().Recipient(), []byte(shares[0].Text())))
	update := must(box.Sign(box.Update{Deal: id, Version: 1, Made: 1}, must(box.Seal(to, id, []byte("x"))), b.n.Signer))
	h := Held{Signed: doc, Number: 1, Received: core.At(w.now), sealed: sealed}
	_, _, err = endpoints{a.keep}.keep(ctx, h, update)
	return err
}

// Who knows the id of our deal does not deal to us under it: what ends theirs would end ours.
func TestNoShareUnderTheIDOfOurOwnDeal(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t, "custody", migrations.Files))
	own := w.deal(four("x"))
	wants(t, w.hostile(own.ID), "custody.deal.other_document")
	if err := w.hostile(must(share.NewID())); err != nil {
		t.Errorf("under one of its own: %v", err)
	}
}

// A holder that was away while the deal came to stand without it keeps its share later: then the
// deal before ends there too.
func TestLateShareEndsTheDealBefore(t *testing.T) {
	dbtest.Each(t, "custody", migrations.Files, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		ctx, wish := t.Context(), four("old")
		wish.K = 2
		old := w.deal(wish)
		w.tellAll()
		late := w.nodes["chaton-e.test"]
		late.away = true
		wish.Content = []byte("new")
		next := w.deal(wish)
		if err := w.owner().Stand(ctx, next.ID); err != nil {
			t.Fatal(err)
		}
		w.tellAll() // it hears of it before it has the share
		late.away = false
		if err := w.owner().Run(ctx); err != nil {
			t.Fatal(err)
		}
		for _, h := range must(late.keep.Held(ctx)) {
			if want := map[share.ID]State{old.ID: Superseded, next.ID: Standing}[h.ID]; h.State != want {
				t.Errorf("%s is %s, want %s", h.ID, h.State, want)
			}
		}
	})
}

// Deals that ended are kept for a month, but not without end.
func TestEndedDealsAreBounded(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t, "custody", migrations.Files))
	b, ctx := w.nodes["chaton-b.test"], t.Context()
	good := w.taken()
	read := must(Read(good.Deal))
	for i := range maxKept {
		h := Held{Signed: read, Number: 1, Received: core.At(w.now.Add(time.Duration(i))), sealed: []byte{1}}
		h.ID = must(share.NewID())
		if err := insertHeld(ctx, b.db, h); err != nil {
			t.Fatal(err)
		}
		if _, err := endHeld(ctx, b.db, h.ID, Superseded, core.At(w.now)); err != nil {
			t.Fatal(err)
		}
	}
	_, _, err := endpoints{b.keep}.receive(ctx, owner, good)
	wants(t, err, "custody.deal.too_many_held")
	if of := must(b.keep.Of(ctx, owner)); len(of) != 0 {
		t.Errorf("%d that ended are read for a stranger", len(of))
	}
}

// A disk that was set back knows an older box than holders keep: what is put into the box then reaches
// them all the same.
func TestReplaceAfterARollback(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t, "custody", migrations.Files))
	a, ctx := w.owner(), t.Context()
	own := w.deal(four("first"))
	older := must(a.Box(ctx, own.ID))
	for _, text := range []string{"second", "third"} {
		if _, err := a.Replace(ctx, box.Domain, []byte(text), nil); err != nil {
			t.Fatal(err)
		}
	}
	document := must(older.Document.Encode())
	if _, err := db.Exec(ctx, a.db, `UPDATE custody_box SET version = 1, document = $1`, document); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec(ctx, a.db, `UPDATE custody_deal_part SET box_version = 1`); err != nil {
		t.Fatal(err)
	}
	if version, err := a.Replace(ctx, box.Domain, []byte("fourth"), nil); err != nil || version != 4 {
		t.Errorf("version %d, %v", version, err)
	}
	if got := w.open(own, "chaton-b.test", "chaton-c.test", "chaton-d.test"); got != "fourth" {
		t.Errorf("holders keep %q", got)
	}
}

// A holder that says it keeps a box from the far future is not believed: one of ours would never be
// newer.
func TestNoBoxFromTheFuture(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t, "custody", migrations.Files))
	a, b, ctx := w.owner(), w.nodes["chaton-b.test"], t.Context()
	own := w.deal(four("first"))
	lie := must(box.Sign(box.Update{Deal: own.ID, Version: 1 << 50, Made: 1}, []byte("x"), a.n.Signer))
	if _, err := box.Put(ctx, b.db, box.Kept{Signed: lie}); err != nil {
		t.Fatal(err)
	}
	if version, err := a.Replace(ctx, box.Domain, []byte("second"), nil); err != nil || version != 2 {
		t.Errorf("version %d, %v", version, err)
	}
	if h := must(a.View(ctx, own.ID)).Holders[0]; h.Box != 1 || h.Trouble != "custody.deal.trouble_refused" {
		t.Errorf("%+v", h)
	}
}

// Somebody gives a deal up in the moment in which the running node writes that it stands: what the
// logbook says counts, as it does for the holders.
func TestGivenUpAsItStands(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t, "custody", migrations.Files))
	a, ctx := w.owner(), t.Context()
	w.deal(four("old"))
	w.nodes["chaton-e.test"].away = true
	next := w.deal(four("new"))
	w.nodes["chaton-e.test"].away = false
	a.killed = func() bool {
		a.killed = nil
		if err := a.Cancel(ctx, next.ID); err != nil {
			t.Error(err)
		}
		return false
	}
	if err := a.Run(ctx); err != nil {
		t.Fatal(err)
	}
	w.tellAll()
	got := must(a.Standing(ctx, box.Domain))
	if got.ID != next.ID || got.Ended != 0 {
		t.Errorf("at its owner %s stands, ended %d; for its holders it is %s", got.ID, got.Ended, next.ID)
	}
	wants(t, a.Cancel(ctx, next.ID), "custody.deal.not_pending")
}
