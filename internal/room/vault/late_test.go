package vault

import (
	"context"
	"io"
	"slices"
	"testing"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/room/vault/catalogue"
	"entrechat/internal/room/vault/holder"
	"entrechat/internal/room/vault/rest"
	"entrechat/internal/room/vault/shard"
)

// sipper takes a few bytes now and then of what it is sent, until let go.
type sipper struct {
	holder.Holder
	free <-chan struct{}
}

// Put implements holder.Writer.
func (s sipper) Put(ctx context.Context, head shard.Head, body io.Reader) (holder.Receipt, error) {
	return s.Holder.Put(ctx, head, sips{ctx, body, s.free})
}

type sips struct {
	ctx  context.Context //nolint:containedctx // a reader has no other way to learn of it
	body io.Reader
	free <-chan struct{}
}

func (s sips) Read(p []byte) (int, error) {
	select {
	case <-s.free:
		return s.body.Read(p)
	case <-s.ctx.Done():
		return 0, s.ctx.Err()
	case <-time.After(50 * time.Millisecond):
		return s.body.Read(p[:min(len(p), 40)])
	}
}

// A member that takes what it is sent in sips, never so few that it is cut off, has
// backups wait for nothing where the others suffice: it is named, and gets its shards
// later.
func TestASlowTakerHoldsNobodyUp(t *testing.T) {
	for name, count := range map[string]int{"six members": 6, "nine, two of them slow": 9} {
		t.Run(name, func(t *testing.T) {
			w := emptyWorld(t)
			for i := range count {
				w.addMember(core.MemberID([]string{"m0", "m1", "m2", "m3", "m4", "m5", "m6", "m7", "m8"}[i] + ".test"))
			}
			free := make(chan struct{})
			slow := []core.MemberID{"m0.test"}
			if count == 9 {
				slow = append(slow, "m1.test")
			}
			w.wrap = func(id core.MemberID, h holder.Holder) holder.Holder {
				if slices.Contains(slow, id) {
					return sipper{h, free}
				}
				return h
			}
			w.lateLeast = 300 * time.Millisecond
			w.start()
			t.Cleanup(func() { w.stop() })
			w.create("files")
			w.eventually("the record is off-site", func() bool { return w.offsite() })
			c := w.client("files", "")
			for i := range 12 {
				c.put(rest.Data, randomBytes(300_000, byte(i)))
			}
			w.eventually("everything is off-site", func() bool { return w.offsite() })
			// A busy machine may have another one look slow for a moment.
			for _, id := range slow {
				if named := w.troublesOf(catalogue.TroubleSlow); !slices.Contains(named, id) {
					t.Errorf("%s is not named: %v", id, named)
				}
			}
			close(free)
			w.settled()
			// Once they take what they are sent like the others, that is over.
			seed := byte(100)
			w.eventually("nobody is named", func() bool {
				seed++
				c.put(rest.Data, randomBytes(30_000, seed))
				w.settled()
				return len(w.troublesOf(catalogue.TroubleSlow)) == 0
			})
		})
	}
}

// offsite says whether enough members have every file.
func (w *world) offsite() bool {
	w.t.Helper()
	n, err := w.room.store.Summaries.Stuck(context.Background(), core.At(time.Now().Add(time.Hour)))
	if err != nil {
		w.t.Fatal(err)
	}
	return n == 0
}

// troublesOf are the members of whom a trouble of a kind is not over.
func (w *world) troublesOf(kind string) (out []core.MemberID) {
	w.t.Helper()
	all, err := w.room.store.Troubles.Since(context.Background(), 0)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, t := range all {
		if t.Kind == kind && t.Over == 0 {
			out = append(out, t.Member)
		}
	}
	return out
}

// Where all members take what they are sent slowly it is our own line: nobody is named.
func TestOurOwnLineIsNobodysFault(t *testing.T) {
	w := emptyWorld(t)
	for i := range 6 {
		w.addMember(core.MemberID([]string{"m0", "m1", "m2", "m3", "m4", "m5"}[i] + ".test"))
	}
	w.wrap = func(_ core.MemberID, h holder.Holder) holder.Holder { return sipper{h, nil} }
	w.lateLeast = 50 * time.Millisecond
	w.start()
	t.Cleanup(func() { w.stop() })
	w.create("files")
	c := w.client("files", "")
	for i := range 3 {
		c.put(rest.Data, randomBytes(4_000, byte(i)))
	}
	w.settled()
	all, err := w.room.store.Troubles.Since(t.Context(), 0)
	if err != nil || len(all) > 0 {
		t.Errorf("%+v, %v", all, err)
	}
}
