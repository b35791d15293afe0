package lending

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/dbtest"
	"entrechat/internal/room/vault/holder"
	"entrechat/internal/room/vault/migrations"
	"entrechat/internal/room/vault/shard"
)

// damage is one way for a shard file to change on the disk.
type damage struct {
	name string
	do   func(file []byte) []byte
	far  bool // from the first bytes of the data, which the audit here proves
}

// damages are a bit flipped in every kind of byte of a shard file, and what a disk may
// do to its end.
func damages(head shard.Head) []damage {
	at := func(name string, off int) damage {
		return damage{name: name, do: func(b []byte) []byte { b[off] ^= 4; return b }}
	}
	raw := head.Bytes()
	sig := bytes.LastIndex(raw, []byte("\nsig ")) + 1
	all := []damage{
		at("magic", 3), at("magic's newline", len(shard.Magic)-1), at("brace", len(shard.Magic)),
		at("header's newline", sig-1), at("signature's word", sig), at("signature", sig+40), at("head's last newline", len(raw)-1),
		at("first byte of the data", len(raw)),
		{"middle of the data", func(b []byte) []byte { b[len(raw)+int(head.Length)/2] ^= 4; return b }, true},
		{"last byte", func(b []byte) []byte { b[len(b)-1] ^= 4; return b }, true},
		{"a byte more", func(b []byte) []byte { return append(b, 'x') }, true},
		{"a byte less", func(b []byte) []byte { return b[:len(b)-1] }, true},
		{"head alone", func(b []byte) []byte { return b[:len(raw)] }, false},
		{"empty", func([]byte) []byte { return nil }, false},
		{"zeroes", func(b []byte) []byte { clear(b); return b }, false},
	}
	var fields map[string]json.RawMessage
	line := raw[len(shard.Magic) : sig-1]
	if err := json.Unmarshal(line, &fields); err != nil {
		panic(err)
	}
	for name, value := range fields {
		key := len(shard.Magic) + bytes.Index(line, []byte(`"`+name+`":`))
		all = append(all, at("name of "+name, key+1), at("value of "+name, key+len(name)+3+len(value)/2))
	}
	return all
}

// A bit flipped anywhere in a shard file is found by the scrub, by an audit of those
// bytes, and by whoever sends the shard again, who then replaces it.
func TestEveryByteOfAShardFile(t *testing.T) {
	finders := map[string]func(*testing.T, *world, holder.Holder, thing) error{
		"scrub": func(t *testing.T, w *world, _ holder.Holder, _ thing) error {
			w.pass(scrubEvery + time.Hour)
			return w.store.Scrub(t.Context())
		},
		"audit": func(t *testing.T, _ *world, h holder.Holder, o thing) error {
			_, err := h.Audit(t.Context(), holder.RefOf(o.heads[0].Header), 0)
			wants(t, "audit", err, core.CodeNotFound, "vault.shard_broken")
			return nil
		},
		"sent again": func(*testing.T, *world, holder.Holder, thing) error { return nil },
	}
	w := sqliteWorld(t)
	o := w.newThing(1, 4*holder.Group)
	h, ref := w.store.For(ana), holder.RefOf(o.heads[0].Header)
	path := filepath.Join(w.path, filepath.FromSlash(fileOf(ref)))
	w.mustPut(h, o, 0)
	for how, find := range finders {
		for _, d := range damages(o.heads[0]) {
			if d.far && how == "audit" {
				continue
			}
			spoil(t, path, d.do)
			if err := find(t, w, h, o); err != nil {
				t.Fatalf("%s, %s: %v", d.name, how, err)
			}
			if page, err := h.List(t.Context(), ana, "", 0); how != "sent again" && (err != nil || len(page.Shards) != 0) {
				t.Errorf("%s: still listed after the %s, %v", d.name, how, err)
			}
			w.mustPut(h, o, 0)
			want := append(bytes.Clone(o.heads[0].Bytes()), o.data[0]...)
			if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, want) {
				t.Errorf("%s, %s: sent again, and the file is still damaged, %v", d.name, how, err)
			}
			if page, err := h.List(t.Context(), ana, "", 0); err != nil || len(page.Shards) != 1 {
				t.Errorf("%s, %s: not listed after it was sent again, %v", d.name, how, err)
			}
		}
	}
}

func spoil(t *testing.T, path string, do func([]byte) []byte) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err == nil {
		err = os.WriteFile(path, do(data), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// The data behind a damaged head may be all that is left of an object: it is read with
// the head in the tables, and condemned all the same.
func TestDataBehindADamagedHead(t *testing.T) {
	everyWay(t, func(t *testing.T, w *world, as func(core.MemberID) holder.Holder) {
		o := w.newThing(1, 3000)
		w.mustPut(as(ana), o, 0)
		ref := holder.RefOf(o.heads[0].Header)
		path := filepath.Join(w.path, filepath.FromSlash(fileOf(ref)))
		spoil(t, path, func(b []byte) []byte { b[30] ^= 4; return b })
		if got, err := read(t.Context(), as(ana), ref); err != nil || !bytes.Equal(got, o.data[0]) {
			t.Errorf("%d bytes, %v", len(got), err)
		}
		if page, err := as(ana).List(t.Context(), ana, "", 0); err != nil || len(page.Shards) != 0 {
			t.Errorf("still listed, %v", err)
		}
		spoil(t, path, func([]byte) []byte { return nil })
		if _, err := w.db.ExecContext(t.Context(), `DELETE FROM vault_stored`); err != nil {
			t.Fatal(err)
		}
		_, err := read(t.Context(), as(ana), ref)
		wants(t, "without any head", err, core.CodeNotFound, "vault.shard_broken")
	})
}

// A damaged row hides no other shard of the list, and its sound file puts it right.
func TestDamagedRows(t *testing.T) {
	dbtest.Each(t, "vault", migrations.Files, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		h := w.store.For(ana)
		bad, good := w.newThing(1, 3000), w.newThing(2, 3000)
		for column, value := range map[string]any{
			"head": append(bytes.Clone(bad.heads[0].Bytes()[:40]), 'x'), "root": strings.Repeat("0", 64), "length": 7,
		} {
			w.mustPut(h, bad, 0)
			w.mustPut(h, good, 0)
			damage := func() {
				t.Helper()
				if _, err := d.ExecContext(t.Context(), `UPDATE vault_stored SET `+column+` = $1, checked_us = 0 WHERE object = $2`,
					value, bad.object().String()); err != nil {
					t.Fatal(err)
				}
			}
			damage()
			if err := w.store.Scrub(t.Context()); err != nil {
				t.Fatal(err)
			}
			if r, err := find(t.Context(), d, holder.RefOf(bad.heads[0].Header)); err != nil || r.state != stateStored || r.ref() != holder.RefOf(bad.heads[0].Header) {
				t.Errorf("%s: after the scrub %+v, %v", column, r, err)
			}
			damage()
			if page, err := h.List(t.Context(), ana, "", 0); err != nil || len(page.Shards) != 1 || page.Shards[0].Object != good.object() {
				t.Errorf("%s: the list has %d shards, %v", column, len(page.Shards), err)
			}
			w.mustPut(h, bad, 0)
			if page, err := h.List(t.Context(), ana, "", 0); err != nil || len(page.Shards) != 2 {
				t.Errorf("%s: after it was sent again %d shards, %v", column, len(page.Shards), err)
			}
		}
	})
}

// A bit flips in the state of a row: its shard is neither there nor can it be sent again,
// until the next look at all rows.
func TestDamagedStates(t *testing.T) {
	dbtest.Each(t, "vault", migrations.Files, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		h, o := w.store.For(ana), w.newThing(1, 3000)
		w.mustPut(h, o, 0)
		if _, err := d.ExecContext(t.Context(), `UPDATE vault_stored SET state = 'hdld'`); err != nil {
			t.Fatal(err)
		}
		if err := w.store.Rescan(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.mustPut(h, o, 0)
		if page, err := h.List(t.Context(), ana, "", 0); err != nil || len(page.Shards) != 1 {
			t.Errorf("sent again, and the list has %d shards, %v", len(page.Shards), err)
		}
	})
}
