package lending

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/room/vault/holder"
	"entrechat/internal/room/vault/shard"
)

func TestPutThenReadEverything(t *testing.T) {
	everyWay(t, func(t *testing.T, w *world, as func(core.MemberID) holder.Holder) {
		w.allow(ana, core.Allowance{Grant: holder.StoreGrant(1 << 30), Until: 42})
		things := []thing{w.newThing(1, 100_001), w.newThing(2, 7), w.newThing(3, 2*holder.Group*5)}
		for _, o := range things {
			r := w.mustPut(as(ana), o, 1)
			if r.Holder != bo || r.Root != o.heads[1].Root || r.Until != 42 || r.Received != core.At(w.now) {
				t.Fatalf("receipt %+v", r)
			}
			again, err := holder.ReadReceipt(r.Document, bo, mustKeys(t, w, bo))
			if err != nil || again.Root != r.Root || again.Nonce != r.Nonce {
				t.Fatalf("kept receipt reads as %+v, %v", again, err)
			}
			ref := holder.RefOf(o.heads[1].Header)
			got, err := read(t.Context(), as(ana), ref)
			if err != nil || !bytes.Equal(got, o.data[1]) {
				t.Fatalf("read back %d bytes, %v", len(got), err)
			}
			file, err := os.ReadFile(filepath.Join(w.path, filepath.FromSlash(fileOf(ref))))
			if err != nil || !bytes.Equal(file, slices.Concat(o.heads[1].Bytes(), o.data[1])) {
				t.Fatalf("file is not head and data: %v", err)
			}
		}
		page, err := as(ana).List(t.Context(), ana, "", 0)
		if err != nil || len(page.Shards) != 3 || page.Next != "" {
			t.Fatalf("%+v, %v", page, err)
		}
		var bytes int64
		for _, held := range page.Shards {
			bytes += shard.Charge(held.Size() + held.Length)
			if err := held.Verify(w.signers[ana].Public()); err != nil || held.Received != core.At(w.now) || held.Deleted != 0 {
				t.Errorf("listed %+v: %v", held, err)
			}
		}
		if page.Used != bytes {
			t.Errorf("used %d, files have %d", page.Used, bytes)
		}
	})
}

func TestRanges(t *testing.T) {
	everyWay(t, func(t *testing.T, w *world, as func(core.MemberID) holder.Holder) {
		o := w.newThing(1, 1000)
		w.mustPut(as(ana), o, 0)
		ref := holder.RefOf(o.heads[0].Header)
		for _, c := range []struct{ off, n, want int64 }{{0, 500, 500}, {0, 0, 0}, {10, 20, 20}, {499, -1, 1}, {500, -1, 0}, {0, -1, 500}} {
			r, err := as(ana).Get(t.Context(), ref, c.off, c.n)
			if err != nil {
				t.Errorf("%+v: %v", c, err)
				continue
			}
			data, err := io.ReadAll(r)
			if err != nil || !bytes.Equal(data, o.data[0][c.off:c.off+c.want]) || r.Close() != nil {
				t.Errorf("%+v: %d bytes, %v", c, len(data), err)
			}
		}
		ref.Length = 0 // or a client would not ask
		for _, c := range []struct{ off, n int64 }{{0, 501}, {501, -1}, {490, 11}, {1 << 60, 1 << 60}} {
			_, err := as(ana).Get(t.Context(), ref, c.off, c.n)
			wants(t, "range beyond the end", err, core.CodeInvalid, "")
		}
	})
}

func TestTheSameShardAgain(t *testing.T) {
	everyWay(t, func(t *testing.T, w *world, as func(core.MemberID) holder.Holder) {
		o := w.newThing(1, 1000)
		first := w.mustPut(as(ana), o, 0)
		w.pass(time.Hour)
		second := w.mustPut(as(ana), o, 0)
		if second.Received != first.Received || second.Nonce == first.Nonce {
			t.Errorf("first %+v, again %+v", first, second)
		}
		h := o.heads[0].Header
		h.Prune = shard.PruneKey{9}
		other, err := shard.Sign(h, w.signers[ana])
		if err != nil {
			t.Fatal(err)
		}
		_, err = as(ana).Put(t.Context(), other, bytes.NewReader(o.data[0]))
		wants(t, "another prune key", err, core.CodeConflict, "vault.other_shard")
		page, err := as(ana).List(t.Context(), ana, "", 0)
		if err != nil || len(page.Shards) != 1 || page.Used != shard.Charge(h.Length+o.heads[0].Size()) {
			t.Errorf("counted twice: %+v, %v", page, err)
		}
	})
}

func TestQuotaIsReservedFirst(t *testing.T) {
	everyWay(t, func(t *testing.T, w *world, as func(core.MemberID) holder.Holder) {
		o := w.newThing(1, 2000)
		size := shard.Charge(o.heads[0].Size() + o.heads[0].Length)
		w.allow(ana, core.Allowance{Grant: holder.StoreGrant(size*2 + 10)})
		w.mustPut(as(ana), o, 0)
		// A failed upload gives its place back.
		_, err := as(ana).Put(t.Context(), o.heads[1], bytes.NewReader(bytes.Repeat([]byte{1}, 1000)))
		wants(t, "wrong bytes", err, core.CodeInvalid, "vault.bad_bytes")
		w.mustPut(as(ana), o, 1)
		_, err = o.put(t.Context(), as(ana), 2)
		wants(t, "third", err, core.CodeFull, "vault.quota_full")
		w.mustPut(as(ana), o, 1) // what is there needs no room
		// What is deleted counts.
		w.pass(holder.MinAge + time.Hour)
		deleteAll(t, w, as(ana), o)
		_, err = o.put(t.Context(), as(ana), 2)
		wants(t, "third, with a grave", err, core.CodeFull, "vault.quota_full")
	})
}

func deleteAll(t *testing.T, w *world, h holder.Holder, things ...thing) holder.Deletion {
	t.Helper()
	var objects []shard.Hash
	for _, o := range things {
		objects = append(objects, o.object())
	}
	stone, err := holder.SignTombstone(ana, pruneKey(), objects, core.At(w.now))
	if err != nil {
		t.Fatal(err)
	}
	b, err := h.Delete(t.Context(), stone)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestWhoMayWhat(t *testing.T) {
	everyWay(t, func(t *testing.T, w *world, as func(core.MemberID) holder.Holder) {
		o := w.newThing(1, 1000)
		ref := holder.RefOf(o.heads[0].Header)
		w.mustPut(as(ana), o, 0)
		_, err := o.put(t.Context(), as(eve), 1)
		wants(t, "eve puts ana's shard", err, core.CodeDenied, "vault.not_yours")
		_, err = read(t.Context(), as(eve), ref)
		wants(t, "eve reads", err, core.CodeDenied, "vault.not_yours")
		_, err = as(eve).List(t.Context(), ana, "", 0)
		wants(t, "eve lists", err, core.CodeDenied, "vault.not_yours")
		_, err = as(eve).Audit(t.Context(), ref, 0)
		wants(t, "eve audits", err, core.CodeDenied, "vault.not_yours")
		if n, err := as(eve).Undelete(t.Context(), []shard.Hash{o.object()}); n != 0 || err != nil {
			t.Errorf("eve undeletes %d, %v", n, err)
		}
		mine := o.heads[0].Header
		mine.Owner = eve
		forged, err := shard.Sign(mine, w.signers[eve])
		if err != nil {
			t.Fatal(err)
		}
		_, err = as(eve).Put(t.Context(), forged, bytes.NewReader(o.data[0]))
		wants(t, "eve has no grant", err, core.CodeDenied, "trust.no_grant")
		_, err = as(ana).Put(t.Context(), mustSign(t, o.heads[1].Header, w.signers[eve]), bytes.NewReader(o.data[1]))
		wants(t, "head signed by eve", err, core.CodeDenied, "vault.bad_signature")
	})
}

func mustSign(t *testing.T, h shard.Header, s shard.Signer) shard.Head {
	t.Helper()
	head, err := shard.Sign(h, s)
	if err != nil {
		t.Fatal(err)
	}
	return head
}

// A pact that ended, a grant withdrawn, an owner that lost its key: it reads.
func TestTheOwnerAlwaysReads(t *testing.T) {
	everyWay(t, func(t *testing.T, w *world, as func(core.MemberID) holder.Holder) {
		o := w.newThing(1, 1000)
		w.mustPut(as(ana), o, 0)
		for _, change := range []func(){
			func() { w.allow(ana, core.Allowance{ReadOnly: true}) },
			func() { delete(w.grants, ana) },
			func() { w.newKey(ana) },
		} {
			change()
			_, err := o.put(t.Context(), as(ana), 1)
			wants(t, "write", err, core.CodeDenied, "")
			got, err := read(t.Context(), as(ana), holder.RefOf(o.heads[0].Header))
			if err != nil || !bytes.Equal(got, o.data[0]) {
				t.Fatalf("read: %v", err)
			}
			if page, err := as(ana).List(t.Context(), ana, "", 0); err != nil || len(page.Shards) != 1 {
				t.Fatalf("list: %v", err)
			}
		}
	})
}

func TestReadersTheOwnerNamed(t *testing.T) {
	everyWay(t, func(t *testing.T, w *world, as func(core.MemberID) holder.Holder) {
		o := w.newThing(1, 1000)
		w.mustPut(as(ana), o, 0)
		ref := holder.RefOf(o.heads[0].Header)
		name := func(made core.Moment, who ...core.MemberID) error {
			r, err := holder.SignReaders(who, made, w.signers[ana])
			if err != nil {
				t.Fatal(err)
			}
			return as(ana).NameReaders(t.Context(), r)
		}
		if err := name(10, eve); err != nil {
			t.Fatal(err)
		}
		if _, err := read(t.Context(), as(eve), ref); err != nil {
			t.Errorf("eve is named: %v", err)
		}
		wants(t, "older list", name(9), core.CodeConflict, "vault.old_document")
		if err := name(11); err != nil {
			t.Fatal(err)
		}
		_, err := read(t.Context(), as(eve), ref)
		wants(t, "eve is named no more", err, core.CodeDenied, "vault.not_yours")
		mine, err := holder.SignReaders([]core.MemberID{eve}, 12, w.signers[eve])
		if err != nil {
			t.Fatal(err)
		}
		wants(t, "eve's list", as(ana).NameReaders(t.Context(), mine), core.CodeDenied, "")
	})
}

// Who stole ana's key names a friend in the year 2255. Ana gives the key up, and takes the name back.
func TestReadersOfAThief(t *testing.T) {
	everyWay(t, func(t *testing.T, w *world, as func(core.MemberID) holder.Holder) {
		o := w.newThing(1, 1000)
		w.mustPut(as(ana), o, 0)
		name := func(made core.Moment, who ...core.MemberID) (holder.Readers, error) {
			r, err := holder.SignReaders(who, made, w.signers[ana])
			if err != nil {
				t.Fatal(err)
			}
			return r, as(ana).NameReaders(t.Context(), r)
		}
		stolen, err := name(1<<53-1, eve)
		if err != nil {
			t.Fatal(err)
		}
		_, err = name(11)
		wants(t, "while the thief has the key", err, core.CodeConflict, "vault.old_document")
		w.newKey(ana)
		if _, err := name(11); err != nil {
			t.Fatal(err)
		}
		_, err = read(t.Context(), as(eve), holder.RefOf(o.heads[0].Header))
		wants(t, "the thief's friend", err, core.CodeDenied, "vault.not_yours")
		wants(t, "the thief's list again", as(ana).NameReaders(t.Context(), stolen), core.CodeDenied, "seal.bad_signature")
		_, err = name(10, eve)
		wants(t, "an older list", err, core.CodeConflict, "vault.old_document")
	})
}

// TestHeirsRead: whom the owner's logbook names reads, though no list of readers came; nobody else.
func TestHeirsRead(t *testing.T) {
	everyWay(t, func(t *testing.T, w *world, as func(core.MemberID) holder.Holder) {
		o := w.newThing(1, 1000)
		w.mustPut(as(ana), o, 0)
		ref := holder.RefOf(o.heads[0].Header)
		_, err := read(t.Context(), as(eve), ref)
		wants(t, "nobody is named", err, core.CodeDenied, "vault.not_yours")
		w.setHeir(eve)
		if _, err := read(t.Context(), as(eve), ref); err != nil {
			t.Errorf("eve is named: %v", err)
		}
		w.setHeir("")
		_, err = read(t.Context(), as(eve), ref)
		wants(t, "eve is named no more", err, core.CodeDenied, "vault.not_yours")
	})
}

func TestListPages(t *testing.T) {
	everyWay(t, func(t *testing.T, w *world, as func(core.MemberID) holder.Holder) {
		want := []string{}
		for seed := range uint64(5) {
			o := w.newThing(seed, 20)
			for i := range 3 {
				w.mustPut(as(ana), o, i)
				want = append(want, o.heads[i].Name())
			}
		}
		slices.Sort(want)
		for _, limit := range []int{1, 2, 4, 15, 0} {
			var got []string
			for after, more := "", true; more; {
				page, err := as(ana).List(t.Context(), ana, after, limit)
				if err != nil {
					t.Fatal(err)
				}
				for _, h := range page.Shards {
					got = append(got, h.Name())
				}
				after, more = page.Next, page.Next != ""
			}
			if !slices.Equal(got, want) {
				t.Errorf("limit %d: %d names, want %d", limit, len(got), len(want))
			}
		}
		_, err := as(ana).List(t.Context(), ana, "../../etc/passwd", 0)
		wants(t, "after nonsense", err, core.CodeInvalid, "")
	})
}

func TestAuditNeedsOnlyTheRoot(t *testing.T) {
	everyWay(t, func(t *testing.T, w *world, as func(core.MemberID) holder.Holder) {
		for seed, size := range []int{2, 2 * holder.Group, 2*holder.Group + 1, 2 * (5*holder.Group + 77)} {
			o := w.newThing(uint64(seed), size)
			w.mustPut(as(ana), o, 0)
			ref := holder.RefOf(o.heads[0].Header)
			for off := int64(0); off < ref.Length; off += holder.Group/2 + 1 {
				proof, err := as(ana).Audit(t.Context(), ref, off)
				if err != nil {
					t.Fatal(err)
				}
				start, n := holder.GroupAt(ref.Length, off)
				data, err := proof.Check(ref, bo)
				if err != nil || !bytes.Equal(data, o.data[0][start:start+n]) {
					t.Fatalf("size %d off %d: %d bytes, %v", size, off, len(data), err)
				}
				if len(proof.Slice) > holder.MaxProof {
					t.Errorf("proof of %d bytes", len(proof.Slice))
				}
			}
			_, err := as(ana).Audit(t.Context(), ref, ref.Length)
			wants(t, "beyond the end", err, core.CodeInvalid, "")
		}
	})
}

// A flipped bit on the holder's disk is found by the audit of any group, said
// aloud, and mended by sending the shard again.
func TestBrokenShardIsToldAndMended(t *testing.T) {
	everyWay(t, func(t *testing.T, w *world, as func(core.MemberID) holder.Holder) {
		o := w.newThing(1, 10*holder.Group)
		w.mustPut(as(ana), o, 0)
		ref := holder.RefOf(o.heads[0].Header)
		flip(t, filepath.Join(w.path, filepath.FromSlash(fileOf(ref))), -1)
		_, err := read(t.Context(), as(ana), ref)
		wants(t, "read", err, core.CodeInvalid, "vault.peer_wrong_bytes")
		_, err = as(ana).Audit(t.Context(), ref, 0)
		wants(t, "audit", err, core.CodeNotFound, "vault.shard_broken")
		page, err := as(ana).List(t.Context(), ana, "", 0)
		if err != nil || len(page.Shards) != 0 {
			t.Errorf("a broken shard is listed: %v", err)
		}
		w.mustPut(as(ana), o, 0)
		if got, err := read(t.Context(), as(ana), ref); err != nil || !bytes.Equal(got, o.data[0]) {
			t.Errorf("after mending: %v", err)
		}
	})
}

// flip changes one bit; off counts from the end when negative.
func flip(t *testing.T, file string, off int) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if off < 0 {
		off += len(data)
	}
	data[off] ^= 4
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
}
