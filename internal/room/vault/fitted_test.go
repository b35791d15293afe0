package vault

import (
	"bytes"
	"log/slog"
	"testing"
	"time"

	"entrechat/internal/kit/db"
	"entrechat/internal/kit/dbtest"
	"entrechat/internal/room/vault/catalogue"
	"entrechat/internal/room/vault/migrations"
	"entrechat/internal/room/vault/pool"
	"entrechat/internal/room/vault/recovery"
	"entrechat/internal/room/vault/rest"
	"entrechat/internal/room/vault/shard"
)

// flipsOf are the values that a stored integer of one byte has after one of its bits flipped.
func flipsOf(n int) (out []int) {
	for bit := range 8 {
		out = append(out, int(int8(n^1<<bit)))
	}
	return out
}

// A bit flips in how a file is cut: it is read all the same, nobody honest is blamed, and the
// next start puts it right.
func TestAFlippedCodeIsPutRight(t *testing.T) {
	t.Parallel()
	for _, members := range []int{3, 6} {
		w := newWorld(t, members)
		w.create("files")
		body := randomBytes(30_000, 7)
		path := w.client("files", "").put(rest.Data, body)
		w.settled()
		o, err := w.room.store.Objects.File(t.Context(), "files", rest.Handle{Type: rest.Data, Name: nameOf(body)}, 0)
		if err != nil {
			t.Fatal(err)
		}
		right := o.Code
		var codes []shard.Code
		for _, k := range flipsOf(right.K) {
			codes = append(codes, shard.Code{K: k, N: right.N})
		}
		for _, n := range flipsOf(right.N) {
			codes = append(codes, shard.Code{K: right.K, N: n})
		}
		for _, c := range codes {
			if err := w.room.store.Queue.SetCode(t.Context(), o.ID, c); err != nil {
				t.Fatal(err)
			}
			w.room.retrieve.Cache.Clear()
			if status, got := w.client("files", "").do("GET", path, nil); status != 200 || !bytes.Equal(got, body) {
				t.Errorf("%v read as %v: status %d", right, c, status)
			}
			w.stop()
			w.start()
			<-w.room.started
			if now := w.object(o.ID); now.Code.K != right.K || now.Code.N != right.N && right.K > 1 {
				t.Errorf("%v became %v, and after a start %v", right, c, now.Code)
			}
			if err := w.room.store.Queue.SetCode(t.Context(), o.ID, right); err != nil {
				t.Fatal(err)
			}
		}
		troubles, err := w.room.store.Troubles.Since(t.Context(), 0)
		if err != nil || len(troubles) > 0 {
			t.Errorf("blamed: %+v, %v", troubles, err)
		}
		w.stop()
	}
}

// The codes that objects are cut with are those that rows are held against.
func TestKnownCodes(t *testing.T) {
	for domains := range 3 * catalogue.MostDomains {
		c := shard.CodeFor(domains)
		o := catalogue.Object{Sealed: 30_007, Code: c}
		for flipped := range 256 {
			o.Code.K = flipped
			if got := catalogue.Fitted(o, []catalogue.Placement{{Length: c.ShardSize(o.Sealed)}}); got.K != c.K || got.N != c.N && c.K > 1 {
				t.Errorf("%v with another K: %v", c, got)
			}
		}
	}
}

// Both engines find the rows that do not fit, and leave those that do.
func TestUnfitOnBothEngines(t *testing.T) {
	dbtest.Each(t, "vault", migrations.Files, func(t *testing.T, d *db.DB) {
		ctx, s := t.Context(), catalogue.New(d)
		o := catalogue.Object{ID: shard.Hash{1}, Repo: "files", File: rest.Handle{Type: rest.Data, Name: "x"}, Sealed: 1001, Code: shard.Code{K: 4, N: 6}, State: catalogue.Placed, Made: 7}
		if _, err := s.Objects.Add(ctx, o); err != nil {
			t.Fatal(err)
		}
		for i := range 6 {
			p := catalogue.Placement{Object: o.ID, Index: i, Member: "m.test", Root: o.ID, State: catalogue.Stored, Length: 251}
			if err := s.Placements.Put(ctx, d, p); err != nil {
				t.Fatal(err)
			}
		}
		p := pool.New(pool.Needs{Store: s, Now: time.Now, Log: slog.New(slog.DiscardHandler)})
		disk := recovery.New(recovery.Needs{DB: d, Store: s, Pool: p, Now: time.Now, Log: slog.New(slog.DiscardHandler)}).Disk
		for _, c := range []shard.Code{{K: 0, N: 6}, {K: 5, N: 6}, {K: 6, N: 6}, {K: 4, N: 4}, {K: 4, N: -122}, {K: 4, N: 70}, {K: 4, N: 6}} {
			if err := s.Queue.SetCode(ctx, o.ID, c); err != nil {
				t.Fatal(err)
			}
			if all, err := s.Objects.Unfit(ctx); err != nil || len(all) != 1 && c != o.Code || len(all) != 0 && c == o.Code {
				t.Errorf("%v: %d rows, %v", c, len(all), err)
			}
			if err := disk.CheckCodes(ctx); err != nil {
				t.Fatal(err)
			}
			if back, err := s.Objects.Get(ctx, o.ID); err != nil || back.Code != o.Code {
				t.Errorf("%v was put right to %v, %v", c, back.Code, err)
			}
		}
	})
}
