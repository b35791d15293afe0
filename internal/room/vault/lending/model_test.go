package lending

import (
	"bytes"
	"testing"
	"time"

	"pgregory.net/rapid"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/dbtest"
	"entrechat/internal/room/vault/holder"
	"entrechat/internal/room/vault/migrations"
	"entrechat/internal/room/vault/shard"
)

// model is what ana believes bo keeps, whatever happens in between.
type model struct {
	w      *world
	limit  int64
	things []thing
	held   map[string]bool // alive for certain: a receipt, and no deletion since
}

func TestNothingAliveIsEverLost(t *testing.T) {
	d := dbtest.SQLite(t, "vault", migrations.Files)
	w := newWorld(t, d)
	var things []thing
	for seed := range uint64(6) {
		things = append(things, w.newThing(seed, 500+100*int(seed)))
	}
	rapid.Check(t, func(t *rapid.T) {
		for _, table := range []string{"vault_stored", "vault_tenant"} {
			if _, err := db.Exec(w.t.Context(), d, "DELETE FROM "+table); err != nil {
				t.Fatal(err)
			}
		}
		w.path = w.t.TempDir()
		w.mark = ""
		w.open()
		m := &model{w: w, limit: rapid.Int64Range(8000, 160_000).Draw(t, "limit"), things: things, held: map[string]bool{}}
		w.allow(ana, core.Allowance{Grant: holder.StoreGrant(m.limit)})
		t.Repeat(map[string]func(*rapid.T){
			"put": m.put, "delete": m.delete, "undelete": m.undelete, "pass": m.pass, "free": m.free,
			"crash": m.crash, "lose tables": m.loseTables, "": m.check,
		})
	})
}

func (m *model) holder() holder.Holder { return m.w.store.For(ana) }

func (m *model) thing(t *rapid.T) thing {
	return m.things[rapid.IntRange(0, len(m.things)-1).Draw(t, "thing")]
}

func (m *model) put(t *rapid.T) {
	o, i := m.thing(t), rapid.IntRange(0, 3).Draw(t, "index")
	data := o.data[i]
	if rapid.IntRange(0, 4).Draw(t, "luck") == 0 {
		data = data[:len(data)-1]
	}
	_, err := m.holder().Put(m.w.t.Context(), o.heads[i], bytes.NewReader(data))
	switch code := core.CodeOf(err); {
	case err == nil:
		m.held[o.heads[i].Name()] = true
	case code != core.CodeFull && code != core.CodeInvalid:
		t.Fatal(err)
	}
}

func (m *model) delete(t *rapid.T) {
	o := m.thing(t)
	stone, err := holder.SignTombstone(ana, pruneKey(), []shard.Hash{o.object()}, core.At(m.w.now))
	if err != nil {
		t.Fatal(err)
	}
	deletion, err := m.holder().Delete(m.w.t.Context(), stone)
	if err != nil {
		t.Fatal(err)
	}
	for range deletion.Deleted {
		for _, head := range o.heads {
			delete(m.held, head.Name())
		}
	}
}

func (m *model) undelete(t *rapid.T) {
	o := m.thing(t)
	if _, err := m.holder().Undelete(m.w.t.Context(), []shard.Hash{o.object()}); err != nil {
		t.Fatal(err)
	}
	page, err := m.holder().List(m.w.t.Context(), ana, "", 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range page.Shards {
		if h.Object == o.object() {
			m.held[h.Name()] = true
		}
	}
}

func (m *model) pass(t *rapid.T) {
	m.w.pass(time.Duration(rapid.IntRange(1, 40*24).Draw(t, "hours")) * time.Hour)
}

func (m *model) free(t *rapid.T) {
	if err := m.w.store.Free(m.w.t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := m.w.store.Scrub(m.w.t.Context()); err != nil {
		t.Fatal(err)
	}
}

// crash leaves a reservation behind and starts anew.
func (m *model) crash(t *rapid.T) {
	o, i := m.thing(t), rapid.IntRange(0, 3).Draw(t, "index")
	_, err := m.w.store.records.reserve(m.w.t.Context(), rowOf(o.heads[i], stateReserved, core.At(m.w.now)), m.limit)
	if err != nil && core.CodeOf(err) != core.CodeInternal {
		t.Fatal(err)
	}
	m.w.open()
	if err := m.w.store.Start(m.w.t.Context()); err != nil {
		t.Fatal(err)
	}
}

// loseTables forgets everything but the files; deletions with it.
func (m *model) loseTables(t *rapid.T) {
	for _, table := range []string{"vault_stored", "vault_tenant"} {
		if _, err := db.Exec(m.w.t.Context(), m.w.db, "DELETE FROM "+table); err != nil {
			t.Fatal(err)
		}
	}
	if err := m.w.store.Rescan(m.w.t.Context()); err != nil {
		t.Fatal(err)
	}
}

func (m *model) check(t *rapid.T) {
	ctx := m.w.t.Context()
	page, err := m.holder().List(ctx, ana, "", 0)
	if err != nil {
		t.Fatal(err)
	}
	var bytes int64
	listed := map[string]holder.Entry{}
	for _, h := range page.Shards {
		bytes += shard.Charge(h.Size() + h.Length)
		listed[h.Name()] = h
	}
	if page.Used != bytes {
		t.Fatalf("counted %d bytes, listed %d", page.Used, bytes)
	}
	if bytes > m.limit {
		t.Fatalf("%d bytes kept, the pact says %d", bytes, m.limit)
	}
	for name := range m.held {
		h, ok := listed[name]
		if !ok || h.Deleted != 0 {
			t.Fatalf("%s has a receipt and is gone or deleted", name)
		}
		if _, err := read(ctx, m.holder(), holder.RefOf(h.Header)); err != nil {
			t.Fatal(err)
		}
	}
}
