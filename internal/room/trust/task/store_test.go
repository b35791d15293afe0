package task

import (
	"context"
	"testing"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/dbtest"
	"entrechat/internal/room/trust/migrations"
	"entrechat/internal/room/trust/trusttest"
)

func TestStoreTasks(t *testing.T) {
	dbtest.Each(t, "trust", migrations.Files, func(t *testing.T, d *db.DB) {
		ctx := t.Context()
		due := func(at core.Moment) []Task { return trusttest.Must[[]Task](t)(due(ctx, d, at, 10)) }
		trusttest.OK(t, Put(ctx, d, Task{Kind: Offer, Subject: "p", Peer: "b.test", Made: trusttest.Noon}))
		got := due(trusttest.Noon)
		if len(got) != 1 {
			t.Fatal(got)
		}
		if !trusttest.Must[bool](t)(claim(ctx, d, got[0], trusttest.Noon, trusttest.Noon.Add(lease))) {
			t.Error("not free")
		}
		if trusttest.Must[bool](t)(claim(ctx, d, got[0], trusttest.Noon, trusttest.Noon.Add(lease))) {
			t.Error("claimed twice")
		}
		trusttest.OK(t, postpone(ctx, d, got[0].failed(context.DeadlineExceeded, trusttest.Noon)))
		if len(due(trusttest.Noon.Add(firstRetry-1000))) != 0 || len(due(trusttest.Noon.Add(firstRetry))) != 1 {
			t.Error("not put off by 30 s")
		}
		trusttest.OK(t, Put(ctx, d, Task{Kind: Offer, Subject: "p", Peer: "b.test", Made: trusttest.Noon}))
		if again := due(trusttest.Noon); len(again) != 1 || again[0].Tries != 1 {
			t.Errorf("asked for again: %+v", again)
		}
		trusttest.OK(t, Drop(ctx, d, got[0]))
		if left := trusttest.Must[[]Task](t)(All(ctx, d)); len(left) != 0 {
			t.Error(left)
		}
	})
}

func TestTaskBackoff(t *testing.T) {
	at := Task{}
	var last core.Moment
	for range 40 {
		at = at.failed(context.DeadlineExceeded, trusttest.Noon)
		if at.Next < last || at.Next <= trusttest.Noon || at.Next > trusttest.Noon.Add(LastRetry) {
			t.Fatalf("try %d at +%s", at.Tries, at.Next.Sub(trusttest.Noon))
		}
		last = at.Next
	}
}
