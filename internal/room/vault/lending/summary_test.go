package lending

import (
	"testing"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/room/vault/holder"
	"entrechat/internal/room/vault/shard"
)

// A summary is that of the shards that are listed alive, and of nobody else's.
func TestSummaryIsThatOfTheList(t *testing.T) {
	everyWay(t, func(t *testing.T, w *world, as func(core.MemberID) holder.Holder) {
		h := as(ana)
		s, ok := h.(holder.Summarizer)
		if !ok {
			t.Fatal("no summaries")
		}
		want := holder.Summary{}
		var first thing
		for seed := range uint64(5) {
			o := w.newThing(seed, 2000)
			if seed == 0 {
				first = o
			} else {
				want.Add(holder.RefOf(o.heads[0].Header))
			}
			w.mustPut(h, o, 0)
		}
		differ := func() (n int) {
			got, err := s.Summary(t.Context(), ana)
			if err != nil {
				t.Fatal(err)
			}
			for _, b := range holder.Buckets() {
				if got[b] != want[b] {
					n++
				}
			}
			return n
		}
		if n := differ(); n != 1 {
			t.Errorf("one shard more: %d buckets differ", n)
		}
		w.pass(holder.MinAge + time.Minute)
		if b := deleteAll(t, w, h, first); len(b.Deleted) != 1 {
			t.Fatalf("%+v", b)
		}
		if n := differ(); n != 0 {
			t.Errorf("deleted: %d buckets differ", n)
		}
		if n, err := h.Undelete(t.Context(), []shard.Hash{first.object()}); n != 1 || err != nil {
			t.Fatal(n, err)
		}
		if n := differ(); n != 1 {
			t.Errorf("undeleted: %d buckets differ", n)
		}
		stranger, ok := as(eve).(holder.Summarizer)
		if !ok {
			t.Fatal("no summaries")
		}
		_, err := stranger.Summary(t.Context(), ana)
		wants(t, "eve asks for a summary", err, core.CodeDenied, "vault.not_yours")
	})
}
