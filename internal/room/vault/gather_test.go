package vault

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/seal"
	"entrechat/internal/room/vault/catalogue"
	"entrechat/internal/room/vault/encoding"
	"entrechat/internal/room/vault/holder"
	"entrechat/internal/room/vault/local"
	"entrechat/internal/room/vault/migrations"
	"entrechat/internal/room/vault/rest"
	"entrechat/internal/room/vault/shard"
)

// Time in these tests is synctest's.

// line is a member at the end of a line that brings a part at each interval; it gives
// the shards of one object.
type line struct {
	holder.Holder
	every time.Duration
	part  int
	dead  bool
	asked int
	data  []byte
}

func (l *line) Get(ctx context.Context, _ holder.Ref, _, _ int64) (io.ReadCloser, error) {
	l.asked++
	if l.dead {
		return nil, core.Unsure("peer.unreachable", errors.New("dead"))
	}
	return io.NopCloser(&trickle{l, ctx, bytes.NewReader(l.data)}), nil
}

type trickle struct {
	*line
	ctx context.Context //nolint:containedctx // a reader has no other way to learn of it
	r   io.Reader
}

func (t *trickle) Read(p []byte) (int, error) {
	select {
	case <-time.After(t.every):
	case <-t.ctx.Done():
		return 0, t.ctx.Err()
	}
	return t.r.Read(p[:min(len(p), t.part)])
}

// atLines runs fn with a room whose object of 4-of-6 shards, 256 KiB each, lies at the ends of
// these lines.
func atLines(t *testing.T, lines []*line, fn func(t *testing.T, r *Room, o catalogue.Object, body []byte)) {
	t.Helper()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		d, err := db.Open(t.Context(), "sqlite:"+filepath.Join(dir, "test.db"))
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close()
		if err := db.Migrate(t.Context(), d, "vault", migrations.Files); err != nil {
			t.Fatal(err)
		}
		seed, err := seal.NewSeed()
		if err != nil {
			t.Fatal(err)
		}
		r, err := New(Needs{
			DB: d, Dir: filepath.Join(dir, "vault"), Signer: seal.NewSigner(owner, seed.RootKey()), Now: time.Now,
			Log: slog.New(slog.DiscardHandler), Words: printer(t),
			Holder: func(id core.MemberID) holder.Holder {
				var n int
				_, _ = fmt.Sscanf(string(id), "m%d.test", &n)
				return lines[n]
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		body := randomBytes(1<<20, 7)
		o := catalogue.Object{Repo: "files", File: rest.Handle{Type: rest.Data, Name: nameOf(body)}, Sealed: 1 << 20, Code: shard.Code{K: 4, N: 6}, State: catalogue.Placed, Made: 1}
		if o.ID, err = encoding.ObjectID(bytes.NewReader(body), o.Sealed); err != nil {
			t.Fatal(err)
		}
		p, err := encoding.Encode(bytes.NewReader(body), o.Sealed, o.Code, r.scratch())
		if err != nil {
			t.Fatal(err)
		}
		defer p.Close()
		if _, err := r.store.Objects.Add(t.Context(), o); err != nil {
			t.Fatal(err)
		}
		for i, l := range lines {
			if l.data, err = io.ReadAll(p.Reader(i)); err != nil {
				t.Fatal(err)
			}
			err := r.store.Placements.Put(t.Context(), d, catalogue.Placement{
				Object: o.ID, Index: i, Member: core.MemberID(fmt.Sprintf("m%d.test", i)), Length: o.Code.ShardSize(o.Sealed), Root: shard.SumsOf(l.data).Root, State: catalogue.Stored, Since: 1, Seen: 1,
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		fn(t, r, o, body)
	})
}

func sameObject(t *testing.T, f *local.Temp, err error, body []byte) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	got, err := io.ReadAll(io.NewSectionReader(f, 0, int64(len(body))))
	if err != nil || !bytes.Equal(got, body) {
		t.Error("other bytes came back", err)
	}
}

// A home line that brings each shard 4 KiB in five seconds, five minutes for the object, gets
// to its end, and nobody is blamed.
func TestASlowLineGetsToItsEnd(t *testing.T) {
	var lines []*line
	for range 6 {
		lines = append(lines, &line{every: 1250 * time.Millisecond, part: 1 << 10})
	}
	atLines(t, lines, func(t *testing.T, r *Room, o catalogue.Object, body []byte) {
		began := time.Now()
		f, err := r.retrieve.Gather(t.Context(), o)
		sameObject(t, f, err, body)
		if took := time.Since(began); took < 5*time.Minute || took > 6*time.Minute {
			t.Errorf("took %s", took)
		}
		for i, l := range lines {
			if want := 1; l.asked > want {
				t.Errorf("m%d was asked %d times", i, l.asked)
			}
		}
	})
}

// One that drips, and one much slower than the rest, are not waited for; the one that
// drips is named, and both are asked last next time.
func TestSlowerThanTheOthers(t *testing.T) {
	var lines []*line
	for range 6 {
		lines = append(lines, &line{every: 100 * time.Millisecond, part: 8 << 10})
	}
	lines[0].every, lines[0].part = time.Second, 1
	lines[1].every, lines[1].part = 500*time.Millisecond, 1<<10
	atLines(t, lines, func(t *testing.T, r *Room, o catalogue.Object, body []byte) {
		began := time.Now()
		f, err := r.retrieve.Gather(t.Context(), o)
		sameObject(t, f, err, body)
		if took := time.Since(began); took > 20*time.Second {
			t.Errorf("took %s", took)
		}
		if !r.pool.Failing("m0.test") || r.pool.Failing("m1.test") || !r.pool.Pace.Slow("m1.test") || r.pool.Pace.Slow("m2.test") {
			t.Error("who is late is not known")
		}
		asked := lines[0].asked + lines[1].asked
		f, err = r.retrieve.Gather(t.Context(), o)
		sameObject(t, f, err, body)
		if lines[0].asked+lines[1].asked != asked {
			t.Error("the late ones were asked again first")
		}
	})
}

// What came whole of an object that could not be had is not asked for a second time.
func TestWhatCameIsKept(t *testing.T) {
	var lines []*line
	for i := range 6 {
		lines = append(lines, &line{every: time.Millisecond, part: 64 << 10, dead: i > 2})
	}
	atLines(t, lines, func(t *testing.T, r *Room, o catalogue.Object, body []byte) {
		if _, err := r.retrieve.Gather(t.Context(), o); core.CodeOf(err) != core.CodeUnsure {
			t.Fatal(err)
		}
		for i, l := range lines {
			l.dead, l.asked = i != 4, 0
		}
		f, err := r.retrieve.Gather(t.Context(), o)
		sameObject(t, f, err, body)
		if lines[0].asked+lines[1].asked+lines[2].asked != 0 {
			t.Error("asked again for what had come")
		}
		if left := r.retrieve.Parts.Files(""); len(left) > 0 {
			t.Error("left behind:", left)
		}
	})
}

// A member that is stopped while it gives a shard told no lie: the shard counts, and is read
// when it is back, though no other has it.
func TestABrokenLineIsNoLie(t *testing.T) {
	w := newWorld(t, 6)
	w.create("files")
	c := w.client("files", "")
	body := randomBytes(400_000, 3)
	path := c.put(rest.Data, body)
	w.settled()
	w.conducts(away, away, breaking)
	if status, _ := c.do("GET", path, nil); status == 200 {
		t.Fatal("read without the shard of the third")
	}
	w.conducts(away, away, honest)
	w.room.retrieve.Cache.Clear()
	if status, got := c.do("GET", path, nil); status != 200 || !bytes.Equal(got, body) {
		t.Errorf("when it is back: status %d, %d bytes", status, len(got))
	}
	troubles, err := w.room.store.Troubles.Since(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, trouble := range troubles {
		if trouble.Kind == catalogue.TroubleWrong {
			t.Errorf("an honest member is accused: %+v", trouble)
		}
	}
}
