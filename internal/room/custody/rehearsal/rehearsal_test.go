package rehearsal

import (
	"context"
	"errors"
	"testing"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/dbtest"
	"entrechat/internal/room/custody/ask"
	"entrechat/internal/room/custody/breakglass"
	"entrechat/internal/room/custody/collect"
	"entrechat/internal/room/custody/migrations"
	"entrechat/internal/room/custody/share"
)

// holders are those of a deal 3 of 5.
type holders struct {
	content  []byte
	id       share.ID
	stands   bool
	released int
	opened   bool
	asked    int
}

func (h *holders) Dummy(_ context.Context, _ string, content []byte) (share.ID, int64, int64, error) {
	id, err := share.NewID()
	h.id, h.content = id, content
	return id, 3, 5, err
}

func (h *holders) Stands(context.Context, share.ID) (bool, error) { return h.stands, nil }
func (h *holders) Scopes(context.Context) ([]string, error)       { return []string{"root"}, nil }

func (h *holders) Open(context.Context, breakglass.Wish) (ask.Signed, error) {
	h.asked++
	return ask.Signed{ID: "00000000000000000000000000000000000000000000000000000000000000aa"}, nil
}

func (h *holders) Collect(_ context.Context, _ string, _ []share.Share, deliver func([]byte) error) (collect.Collected, error) {
	c := collect.Collected{Have: h.released, Needed: 3}
	switch {
	case h.opened:
		return c, core.Conflict("custody.breakglass.opened", errors.New("opened"))
	case h.released < 3:
		return c, nil
	}
	h.opened = true
	return c, deliver(h.content)
}

func TestRehearsal(t *testing.T) {
	dbtest.Each(t, "custody", migrations.Files, func(t *testing.T, d *db.DB) {
		ctx, now := t.Context(), time.Date(2026, 12, 1, 12, 0, 0, 0, time.UTC)
		h := &holders{}
		r := &Rehearsals{DB: d, Dealer: h, Asks: h, Now: func() time.Time { return now }}
		run := func() {
			t.Helper()
			if err := r.Run(ctx); err != nil {
				t.Fatal(err)
			}
		}
		due := func(want bool) {
			t.Helper()
			if _, err := r.check(ctx); (core.CodeOf(err) == core.CodeNotFound) != want {
				t.Errorf("due: %v, want %v", err, want)
			}
		}
		run()
		due(true)
		if err := r.Begin(ctx, "root"); err != nil {
			t.Fatal(err)
		}
		if err := r.Begin(ctx, "root"); core.CodeOf(err) != core.CodeConflict {
			t.Errorf("a second one: %v", err)
		}
		run()
		if h.asked != 0 {
			t.Error("asked before the dummy stands")
		}
		h.stands = true
		run()
		now, h.released = now.Add(40*time.Minute), 2
		run()
		all, err := r.List(ctx)
		if err != nil || len(all) != 1 || all[0].State(r.now()) != "asked" || all[0].Released != 2 || all[0].Words == "" {
			t.Fatalf("%+v, %v", all, err)
		}
		now, h.released = now.Add(20*time.Minute), 3
		run()
		run()
		if all, err = r.List(ctx); err != nil || all[0].Took() != time.Hour || h.asked != 1 {
			t.Fatalf("%+v, %v; asked %d times", all, err, h.asked)
		}
		due(false)
		now = now.Add(Valid)
		due(true)
	})
}

// TestOpenedBeforeACrash: the box was opened and looked at, and the node died before it noted
// that; and a dummy that nobody released fails after a month.
func TestOpenedBeforeACrash(t *testing.T) {
	ctx, now := t.Context(), time.Date(2026, 12, 1, 12, 0, 0, 0, time.UTC)
	h := &holders{stands: true}
	r := &Rehearsals{DB: dbtest.SQLite(t, "custody", migrations.Files), Dealer: h, Asks: h, Now: func() time.Time { return now }}
	for range 2 {
		if err := r.Begin(ctx, "root"); err != nil {
			t.Fatal(err)
		}
		if err := r.Run(ctx); err != nil {
			t.Fatal(err)
		}
		now = now.Add(longest)
	}
	h.opened, now = true, now.Add(-longest)
	if err := r.Run(ctx); err != nil {
		t.Fatal(err)
	}
	all, err := r.List(ctx)
	if err != nil || len(all) != 2 || all[0].State(r.now()) != "done" || all[1].State(r.now()) != "failed" {
		t.Errorf("%+v, %v", all, err)
	}
}
