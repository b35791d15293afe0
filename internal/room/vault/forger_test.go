package vault

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"io"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/seal"
	"entrechat/internal/room/vault/backup"
	"entrechat/internal/room/vault/export"
	"entrechat/internal/room/vault/holder"
	"entrechat/internal/room/vault/shard"
)

// forger is a member that, asked what it holds of ours, tells of other bytes than it
// was given: it makes heads that agree with themselves, under a key that is not ours,
// and answers with the bytes they promise.
type forger struct {
	holder.Holder
	forge func(shard.Header) (shard.Header, []byte)

	mu    sync.Mutex
	bytes map[shard.Hash][]byte // by root
}

func (f *forger) List(ctx context.Context, owner core.MemberID, after string, limit int) (holder.Page, error) {
	page, err := f.Holder.List(ctx, owner, after, limit)
	_, key, _ := ed25519.GenerateKey(nil)
	f.mu.Lock()
	defer f.mu.Unlock()
	for i, held := range page.Shards {
		h, data := f.forge(held.Header)
		head, signErr := shard.Sign(h, seal.NewSigner(owner, key))
		err = errors.Join(err, signErr)
		page.Shards[i].Head, f.bytes[h.Root] = head, data
	}
	return page, err
}

func (f *forger) Get(_ context.Context, ref holder.Ref, off, _ int64) (io.ReadCloser, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return io.NopCloser(bytes.NewReader(f.bytes[ref.Root][off:])), nil
}

// Members that lie in step with themselves while we have nothing left: what we signed
// is told from what they made up.
func TestFromNothingAmongForgers(t *testing.T) {
	t.Parallel()
	junk := func(h shard.Header, n int64) (shard.Header, []byte) {
		data := bytes.Repeat([]byte("x"), int(n))
		return h.Of(h.Index, data), data
	}
	for name, forge := range map[string]func(shard.Header) (shard.Header, []byte){
		"other bytes": func(h shard.Header) (shard.Header, []byte) { return junk(h, h.Length) },
		"another cut": func(h shard.Header) (shard.Header, []byte) {
			h.K, h.N, h.Index = 2, 64, h.Index%2
			return junk(h, h.Code().ShardSize(h.Sealed))
		},
		"a later form": func(h shard.Header) (shard.Header, []byte) {
			h.K, h.N, h.Index, h.Made = 1, 3, 0, core.At(time.Now().Add(time.Hour))
			h, data := junk(h, h.Sealed)
			h.Object = h.Root
			return h, data
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, 6)
			data := w.burnt(20, 100_000)
			honest := w.room.n.Holder
			forgers := map[core.MemberID]*forger{}
			for _, i := range []int{0, 3} {
				id := w.members[i].id
				forgers[id] = &forger{Holder: honest(id), forge: forge, bytes: map[shard.Hash][]byte{}}
			}
			w.room.n.Holder = func(id core.MemberID) holder.Holder {
				if f, ok := forgers[id]; ok {
					return f
				}
				return honest(id)
			}
			found := w.recovered()
			if len(found.Backups) != 1 || found.Backups[0].Incomplete != 0 || !found.Backups[0].Password {
				t.Fatalf("%+v", found)
			}
			plain := filepath.Join(t.TempDir(), "plain")
			if _, err := w.room.Export(t.Context(), "files", plain, func(export.Exported) {}); err != nil {
				t.Fatal(err)
			}
			target := t.TempDir()
			w.restic(resticOld(t), backup.Env{Repository: plain, PasswordFile: w.env("files", "").PasswordFile}, "restore", "latest", "--target", target)
			sameTree(t, data, filepath.Join(target, data))
		})
	}
}
