package deal

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/dbtest"
	"entrechat/internal/room/custody/box"
	"entrechat/internal/room/custody/migrations"
	"entrechat/internal/room/custody/share"
)

// open recovers the secret of a deal from holders' nodes and opens a box.
func (w *world) open(own Own, holders ...core.MemberID) string {
	w.t.Helper()
	var shares []share.Share
	for _, id := range holders {
		s, err := w.nodes[id].keep.Share(w.t.Context(), own.ID)
		if err != nil {
			w.t.Fatal(id, err)
		}
		shares = append(shares, s)
	}
	secret, err := share.Recover(own.Commitments, shares)
	if err != nil {
		w.t.Fatal(err)
	}
	identity, err := secret.Identity(own.ID)
	if err != nil {
		w.t.Fatal(err)
	}
	kept, err := w.nodes[holders[0]].Box(w.t.Context(), own.ID) // the copy that a holder keeps
	if err != nil {
		w.t.Fatal(err)
	}
	content, err := box.Open(identity, own.ID, kept.Sealed)
	if err != nil {
		w.t.Fatal(err)
	}
	return string(content)
}

func TestDealReachesItsHolders(t *testing.T) {
	dbtest.Each(t, "custody", migrations.Files, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		own := w.deal(four("registrar: secret"))
		if own.State != Standing || len(own.Holders) != 4 || own.Wait() != 7*24*time.Hour {
			t.Fatalf("%s, %d holders, wait %v", own.State, len(own.Holders), own.Wait())
		}
		w.tellAll()
		for _, three := range [][]core.MemberID{{"chaton-b.test", "chaton-c.test", "chaton-d.test"}, {"chaton-e.test", "chaton-c.test", "chaton-b.test"}} {
			if got := w.open(own, three...); got != "registrar: secret" {
				t.Errorf("opened %q", got)
			}
		}
		held, err := w.nodes["chaton-b.test"].keep.Held(t.Context())
		if err != nil || len(held) != 1 || held[0].State != Standing || held[0].Owner != owner {
			t.Fatal(held, err)
		}
		if text, err := w.nodes["chaton-b.test"].keep.Contacts(held[0]); err != nil || string(text) != "Call +00 000" {
			t.Errorf("%q, %v", text, err)
		}
		// Nothing of the shares is left with the owner.
		left, err := db.One(t.Context(), d, db.Int64, `SELECT count(*) FROM custody_deal_part WHERE length(sealed) > 0`)
		if err != nil || left != 0 {
			t.Error(left, err)
		}
	})
}

// Scenario 1: a node is away during delivery; the old deal stands until it is back.
func TestOldDealStandsUntilTheNewOneIsWhole(t *testing.T) {
	dbtest.Each(t, "custody", migrations.Files, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		old, ctx := w.deal(four("old")), t.Context()
		away := w.nodes["chaton-d.test"]
		away.away = true
		next := w.deal(four("new"))
		entries := len(w.owner().log)
		stands := func(want share.ID) {
			t.Helper()
			if got, err := w.owner().Standing(ctx, box.Domain); err != nil || got.ID != want {
				t.Errorf("stands: %s, %v", got.ID, err)
			}
		}
		stands(old.ID)
		_, err := w.owner().Make(ctx, four("third"))
		wants(t, err, "custody.deal.already_pending")
		wants(t, w.owner().Stand(ctx, next.ID), "custody.deal.too_few_acked") // 3 of 4: one more than needed is 4
		if err := w.owner().Run(ctx); err != nil {
			t.Fatal(err)
		}
		stands(old.ID)
		if len(w.owner().log) != entries {
			t.Error("the logbook speaks of a deal that does not stand")
		}
		away.away = false
		if err := w.owner().Run(ctx); err != nil {
			t.Fatal(err)
		}
		stands(next.ID)
		if len(w.owner().log) != entries+1 {
			t.Errorf("%d entries more", len(w.owner().log)-entries)
		}
		w.tellAll()
		for _, h := range must(w.nodes["chaton-b.test"].keep.Held(ctx)) {
			if want := map[share.ID]State{old.ID: Superseded, next.ID: Standing}[h.ID]; h.State != want {
				t.Errorf("a holder has %s as %s", h.ID, h.State)
			}
		}
		if got := w.open(next, "chaton-b.test", "chaton-c.test", "chaton-d.test"); got != "new" {
			t.Error(got)
		}
		// What was replaced is forgotten after a month.
		w.now = w.now.Add(31 * 24 * time.Hour)
		if err := w.nodes["chaton-b.test"].keep.tidy(ctx); err != nil {
			t.Fatal(err)
		}
		if left := must(w.nodes["chaton-b.test"].keep.Held(ctx)); len(left) != 1 || left[0].ID != next.ID {
			t.Error(len(left))
		}
	})
}

// A node that is killed before or after the entry of a deal ends with one entry and one deal.
func TestKilledWhileStanding(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t, "custody", migrations.Files))
	a, ctx := w.owner(), t.Context()
	old := w.deal(four("old"))
	a.killed = func() bool { return true }
	_, err := a.Make(ctx, four("new"))
	if !errors.Is(err, errKilled) {
		t.Fatal(err)
	}
	if got := must(a.Standing(ctx, box.Domain)); got.ID != old.ID {
		t.Error("the new deal stands without an entry")
	}
	// The entry is written, what comes after it is not.
	a.killed = nil
	pending := must(a.FindOwn(ctx, "domain"))
	if _, err := a.Append(ctx, TypeEntry, nil, 0, entryBody{pending.ID, pending.K, pending.N, pending.WaitHours}); err != nil {
		t.Fatal(err)
	}
	entries := len(a.log)
	wants(t, a.Cancel(ctx, pending.ID), "custody.deal.not_pending")
	if err := a.Run(ctx); err != nil {
		t.Fatal(err)
	}
	if got := must(a.Standing(ctx, box.Domain)); got.ID != pending.ID || len(a.log) != entries {
		t.Errorf("stands %s, %d entries more", got.ID, len(a.log)-entries)
	}
}

func TestStandWithoutAHolder(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t, "custody", migrations.Files))
	a, ctx := w.owner(), t.Context()
	w.nodes["chaton-e.test"].away = true
	wish := four("x")
	wish.K = 2
	own := w.deal(wish)
	if v := must(a.View(ctx, own.ID)); v.State != Pending || v.Acked != 3 || !v.MayForce() || v.Holders[3].Trouble != "custody.deal.trouble_away" {
		t.Fatalf("%+v", v)
	}
	if err := a.Stand(ctx, own.ID); err != nil {
		t.Fatal(err)
	}
	if got := must(a.Standing(ctx, box.Domain)); got.ID != own.ID {
		t.Error(got.State)
	}
	w.nodes["chaton-e.test"].away = false
	if err := a.Run(ctx); err != nil {
		t.Fatal(err)
	}
	if v := must(a.View(ctx, own.ID)); v.Acked != 4 {
		t.Error("who comes late gets no share:", v.Acked)
	}
	if got := w.open(own, "chaton-e.test", "chaton-b.test"); got != "x" {
		t.Error(got)
	}
}

func TestCancel(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t, "custody", migrations.Files))
	a, ctx := w.owner(), t.Context()
	w.nodes["chaton-e.test"].away = true
	own := w.deal(four("x"))
	if err := a.Cancel(ctx, own.ID); err != nil {
		t.Fatal(err)
	}
	w.nodes["chaton-e.test"].away = false
	if err := a.Run(ctx); err != nil {
		t.Fatal(err)
	}
	if v := must(a.View(ctx, own.ID)); v.State != Cancelled || v.Acked != 3 {
		t.Errorf("%+v", v)
	}
	_, err := a.Standing(ctx, box.Domain)
	wants(t, err, "custody.deal.no_deal")
}

func TestRootBoxHoldsTheWordsOfThisNode(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t, "custody", migrations.Files))
	ctx := t.Context()
	wish := four(w.nodes["chaton-b.test"].root.Words())
	wish.Scope = box.Root
	_, err := w.owner().Make(ctx, wish)
	wants(t, err, "custody.deal.other_words")
	wish.Content = []byte("one two three")
	if _, err := w.owner().Make(ctx, wish); core.CodeOf(err) != core.CodeInvalid {
		t.Error(err)
	}
	wish.Content = []byte(w.owner().root.Words())
	own := w.deal(wish)
	if own.State != Standing || own.Wait() != 14*24*time.Hour {
		t.Error(own.State, own.Wait())
	}
	_, err = w.owner().Replace(ctx, box.Root, []byte(w.nodes["chaton-b.test"].root.Words()), nil)
	wants(t, err, "custody.deal.other_words")
}

// A box is sealed again without a share; an old version never takes a newer one's place.
func TestReplace(t *testing.T) {
	dbtest.Each(t, "custody", migrations.Files, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		a, ctx := w.owner(), t.Context()
		_, err := a.Replace(ctx, box.Domain, []byte("x"), nil)
		wants(t, err, "custody.deal.no_deal")
		wish := four("first")
		wish.Holds = []string{"registrar login"}
		own := w.deal(wish)
		first := must(a.Box(ctx, own.ID))
		w.nodes["chaton-c.test"].away = true
		if version, err := a.Replace(ctx, box.Domain, []byte("second"), nil); err != nil || version != 2 {
			t.Fatal(version, err)
		}
		if kept := must(a.Box(ctx, own.ID)); len(kept.Holds) != 1 {
			t.Error("what it holds was forgotten")
		}
		if got := w.open(own, "chaton-b.test", "chaton-c.test", "chaton-d.test"); got != "second" {
			t.Error(got)
		}
		if got := w.open(own, "chaton-c.test", "chaton-b.test", "chaton-d.test"); got != "first" {
			t.Error("who was away has", got)
		}
		w.nodes["chaton-c.test"].away = false
		if err := a.Run(ctx); err != nil {
			t.Fatal(err)
		}
		if got := w.open(own, "chaton-c.test", "chaton-b.test", "chaton-d.test"); got != "second" {
			t.Error(got)
		}
		_, kept, err := endpoints{w.nodes["chaton-c.test"].keep}.renew(ctx, owner, refresh{Box: first.Document})
		if err != nil || kept.Version != 2 {
			t.Error("an old box came back:", kept.Version, err)
		}
		// A box that was signed by another member, and one of a deal that is not held.
		_, _, err = endpoints{w.nodes["chaton-c.test"].keep}.renew(ctx, "chaton-b.test", refresh{Box: first.Document})
		if core.CodeOf(err) != core.CodeInvalid && core.CodeOf(err) != core.CodeDenied {
			t.Error(err)
		}
	})
}

// What is replaced while another deal is on its way is in the new box too.
func TestReplaceWhileDealing(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t, "custody", migrations.Files))
	a, ctx := w.owner(), t.Context()
	w.deal(four("one"))
	w.nodes["chaton-e.test"].away = true
	next := w.deal(four("two"))
	if _, err := a.Replace(ctx, box.Domain, []byte("three"), nil); err != nil {
		t.Fatal(err)
	}
	w.nodes["chaton-e.test"].away = false
	if err := a.Run(ctx); err != nil {
		t.Fatal(err)
	}
	if got := must(a.Standing(ctx, box.Domain)); got.ID != next.ID {
		t.Fatal(got.ID)
	}
	if got := w.open(next, "chaton-e.test", "chaton-b.test", "chaton-c.test"); got != "three" {
		t.Error(got)
	}
}

// Persons: one encrypted to her, one on paper.
func TestSharesOfPersons(t *testing.T) {
	dbtest.Each(t, "custody", migrations.Files, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		a, ctx := w.owner(), t.Context()
		own := w.deal(Wish{Scope: box.Assets, K: 2, To: []string{"chaton-b.test", "ana"}, Paper: []string{"safe"}, Content: []byte("wiki")})
		if own.State != Pending {
			t.Fatal(own.State)
		}
		f := must(a.Fetch(ctx, own.ID, 2))
		text, err := decrypt(w.ana, f.Sealed, 1<<10)
		if err != nil {
			t.Fatal(err)
		}
		// A share in the clear is given once; then only to who says again.
		var onPaper Fetched
		takes := func(f Fetched) error { onPaper = f; return nil }
		_, err = a.Fetch(ctx, own.ID, 3)
		wants(t, err, "custody.deal.by_print")
		jam := errors.New("the printer jammed")
		if err := a.Print(ctx, own.ID, 3, false, func(Fetched) error { return jam }); !errors.Is(err, jam) {
			t.Error(err)
		}
		if err := a.Print(ctx, own.ID, 3, false, takes); err != nil || onPaper.Share.Text() == "" {
			t.Error("one that could not be shown is not shown any more", err)
		}
		first := onPaper.Share.Text()
		wants(t, a.Print(ctx, own.ID, 3, false, takes), "custody.deal.shown")
		if err := a.Print(ctx, own.ID, 3, true, takes); err != nil || onPaper.Share.Text() != first {
			t.Error(err)
		}
		paper := must(a.Paper(ctx, onPaper))
		if paper.Share != onPaper.Share || paper.N != 3 || paper.Wait != own.Wait() || !slices.Equal(paper.Call, []string{"Call +00 000"}) {
			t.Errorf("a page with %v", paper)
		}
		wants(t, a.Acknowledge(ctx, own.ID, 3, "qqqqqq"), "custody.deal.wrong_six")
		wants(t, a.Acknowledge(ctx, own.ID, 3, string(text)), "custody.deal.wrong_six") // of the other share
		for number, s := range map[int64]string{2: strings.ToUpper(lastSix(string(text))), 3: " " + lastSix(onPaper.Share.Text()) + "\n"} {
			if err := a.Acknowledge(ctx, own.ID, number, s); err != nil {
				t.Error(number, err)
			}
		}
		wants(t, a.Print(ctx, own.ID, 3, true, takes), "custody.deal.acknowledged")
		_, err = a.Fetch(ctx, own.ID, 1)
		wants(t, err, "custody.deal.no_share")
		if got := must(a.Standing(ctx, box.Assets)); got.ID != own.ID {
			t.Error(got.State)
		}
	})
}

func TestBurn(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t, "custody", migrations.Files))
	own, ctx := w.deal(four("x")), t.Context()
	for _, n := range []*node{w.owner(), w.nodes["chaton-b.test"]} {
		if was, err := n.Burn(ctx, n.db, own.ID, core.At(w.now)); !was || err != nil {
			t.Error(n.id, was, err)
		}
		if was, err := n.Burn(ctx, n.db, own.ID, core.At(w.now)); was || err != nil {
			t.Error("burnt twice", was, err)
		}
	}
	if h := must(w.nodes["chaton-b.test"].keep.Get(ctx, own.ID)); h.State != Burnt {
		t.Error(h.State)
	}
	_, err := w.owner().Standing(ctx, box.Domain)
	wants(t, err, "custody.deal.no_deal")
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
