package pack

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/dbtest"
	"entrechat/internal/kit/peer"
	"entrechat/internal/kit/seal"
	"entrechat/internal/room/succession/migrations"
)

// TestDelivery: a successor has the newest pack whole, its owner a receipt that proves it.
func TestDelivery(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		a, other := pair(t, d)
		ctx := t.Context()
		v := a.filled()
		a.ok(a.Deliver(ctx))
		p, file, err := other.Held(ctx, owner, "mail")
		if err != nil || p.Number != v.Number {
			t.Fatalf("b has %d, %v", p.Number, err)
		}
		f, err := os.Open(file)
		a.ok(err)
		got, err := Open(f, a.identity)
		if err := errors.Join(err, f.Close()); err != nil || len(got.People) != 2 {
			t.Errorf("what b keeps: %v", err)
		}
		shown := a.show()
		if len(shown.Successors) != 1 || shown.Successors[0].Number != v.Number || shown.Successors[0].Kind != Cold || shown.Successors[0].Receipt != a.now() {
			t.Errorf("%+v", shown.Successors)
		}
		theirs, err := other.Theirs(ctx)
		if err != nil || len(theirs) != 1 || theirs[0].Owner != owner || theirs[0].Red() != 0 {
			t.Errorf("b's list: %+v, %v", theirs, err)
		}
		// Three stay, the last ones.
		for range 4 {
			a.filled()
			a.ok(a.Deliver(ctx))
		}
		for who, n := range map[string]*node{"a": a, "b": other} {
			all, err := packsOf(ctx, n.n.DB, owner, "mail")
			if err != nil || len(all) != keep || all[0].Number != v.Number+4 || files(t, n) != keep {
				t.Errorf("%s keeps %d packs in %d files, %v", who, len(all), files(t, n), err)
			}
		}
	})
}

func files(t *testing.T, n *node) (count int) {
	t.Helper()
	n.ok(n.disk.Walk("", func(string) error { count++; return nil }))
	return count
}

// TestRetries: a successor that is away is asked again, later each time, and an answer ends that.
func TestRetries(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		a, other := pair(t, d)
		ctx := t.Context()
		a.filled()
		a.ring.urls[b] = "http://127.0.0.1:1"
		for i := range 3 {
			a.ok(a.Deliver(ctx))
			a.ok(a.Deliver(ctx)) // not at once again
			to, err := sentTo(ctx, d, "mail", b)
			if err != nil || to.Failed != int64(i+1) || to.Trouble != "peer.unreachable" || to.Next <= a.now() {
				t.Fatalf("after try %d: %+v, %v", i+1, to, err)
			}
			a.ring.now = to.Next.Time()
		}
		a.ring.now = a.ring.now.Add(day)
		if names, err := a.Undelivered(ctx); err != nil || len(names) != 1 {
			t.Errorf("undelivered: %v, %v", names, err)
		}
		a.ring.urls[b] = other.url
		a.ok(a.Deliver(ctx))
		if to, err := sentTo(ctx, d, "mail", b); err != nil || to.Failed != 0 || to.Trouble != "" || to.Number != 1 {
			t.Errorf("%+v, %v", to, err)
		}
		if names, err := a.Undelivered(ctx); err != nil || len(names) != 0 {
			t.Errorf("undelivered: %v, %v", names, err)
		}
	})
}

// TestDamageIsNoticed: a successor whose file rots has it again after the next question, and says
// so before.
func TestDamageIsNoticed(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		a, other := pair(t, d)
		ctx := t.Context()
		a.filled()
		a.ok(a.Deliver(ctx))
		_, file, err := other.Held(ctx, owner, "mail")
		a.ok(err)
		text, err := os.ReadFile(file)
		a.ok(err)
		text[len(text)/2] ^= 1
		a.ok(os.Chmod(file, 0o600))
		a.ok(os.WriteFile(file, text, 0o600))
		a.ok(other.Tidy(ctx))
		if _, _, err := other.Held(ctx, owner, "mail"); core.CodeOf(err) != core.CodeNotFound {
			t.Errorf("a damaged file is held: %v", err)
		}
		a.ring.now = a.ring.now.Add(askAgain)
		if theirs, err := other.Theirs(ctx); err != nil || len(theirs) != 1 || theirs[0].Kept != 0 {
			t.Errorf("b says that it holds %+v, %v", theirs, err)
		}
		a.ok(a.Deliver(ctx))
		if _, file, err = other.Held(ctx, owner, "mail"); err != nil {
			t.Fatal(err)
		}
		a.ok(os.Remove(file)) // gone, and nobody looked since
		a.ring.now = a.ring.now.Add(askAgain)
		a.ok(a.Deliver(ctx))
		if again, err := os.ReadFile(file); err != nil || len(again) != len(text) {
			t.Errorf("not sent again: %v", err)
		}
		// The owner's own copy: it makes a new one.
		_, own, err := a.Held(ctx, owner, "mail")
		a.ok(err)
		a.ok(os.Remove(own))
		a.ok(a.Tidy(ctx))
		if _, _, whole, err := a.Last(ctx, "mail"); err != nil || whole {
			t.Errorf("it is whole: %v, %v", whole, err)
		}
	})
}

// call is what a member with a key of the ring asks, whatever program it runs.
func (n *node) call(r peer.Request, to core.MemberID) error {
	client := n.n.Peer
	a, err := client.Do(n.t.Context(), to, r)
	if err == nil {
		err = a.Body.Close()
	}
	return err
}

// TestHostileOwner: what an owner must not be able to do to a successor.
func TestHostileOwner(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		ctx, r := t.Context(), newRing(t)
		a := r.node(dbtest.SQLite(t, "succession", migrations.Files), owner)
		other := r.node(d, b)
		eve := r.node(dbtest.SQLite(t, "succession", migrations.Files), c)
		a.name(b)
		a.filled()
		a.ok(a.Deliver(ctx))
		p, _, err := other.Held(ctx, owner, "mail")
		a.ok(err)
		send := func(n *node, p Pack) error {
			return n.n.Peer.JSON(ctx, b, http.MethodPost, pathPack, offer{p.Document, rand.Text()}, nil)
		}
		signed := func(n *node, change func(*Pack)) Pack {
			next := p
			next.Number = p.Number + 1
			change(&next)
			next, err := Sign(next, n.n.Signer)
			a.ok(err)
			return next
		}
		refused := func(what string, err error, codes ...core.Code) {
			t.Helper()
			for _, code := range codes {
				if core.CodeOf(err) == code {
					return
				}
			}
			t.Errorf("%s: %v", what, err)
		}
		refused("an old number", send(a, signed(a, func(p *Pack) { p.Number--; p.Clause = "another" })), core.CodeConflict)
		refused("a service we were not named for", send(a, signed(a, func(p *Pack) { p.Service = "wiki" })), core.CodeDenied)
		refused("who names nobody", send(eve, signed(eve, func(*Pack) {})), core.CodeDenied)
		refused("another's pack", send(eve, p), core.CodeDenied)
		refused("no recipient", func() error {
			bad := p
			bad.Recipient = "age1"
			_, err := Sign(bad, a.n.Signer)
			return err
		}(), core.CodeInvalid)
		refused("too large a file", func() error {
			bad := p
			bad.SealedBytes = MaxSealed + 1
			_, err := Sign(bad, a.n.Signer)
			return err
		}(), core.CodeInvalid)

		next := signed(a, func(p *Pack) { p.SealedBytes = 1000 })
		a.ok(send(a, next))
		put := func(id string, length int64, body []byte) error {
			return a.call(peer.Request{Method: http.MethodPut, Path: pathSealed("mail"), Query: url.Values{"nonce": {rand.Text()}, "pack": {id}}, Body: bytes.NewReader(body), Length: length}, b)
		}
		refused("another file", put(next.ID, 1000, make([]byte, 1000)), core.CodeInvalid)
		refused("another length", put(next.ID, 999, make([]byte, 999)), core.CodeInvalid)
		refused("more than a pack", put(next.ID, MaxSealed+1, make([]byte, MaxSealed+1)), core.CodeInvalid, core.CodeFull, core.CodeUnsure)
		refused("what was not offered", put(idOf([]byte("x")), 1000, make([]byte, 1000)), core.CodeNotFound)
		if got, _, err := other.Held(ctx, owner, "mail"); err != nil || got.ID != p.ID || files(t, other) != 1 {
			t.Errorf("b keeps %d in %d files, %v", got.Number, files(t, other), err)
		}
		// A pact that ends, and a name that is taken back.
		other.readonly = true
		refused("a pact that ends", send(a, next), core.CodeDenied)
		other.readonly = false
		r.now = r.now.Add(Fresh + day)
		other.readonly = true
		a.ok(other.Tidy(ctx))
		if _, _, err := other.Held(ctx, owner, "mail"); err != nil {
			t.Errorf("the pact of a dead owner ended half a year ago: %v", err)
		}
		other.readonly = false
		a.name()
		refused("a name that is taken back", send(a, next), core.CodeDenied)
		r.now = r.now.Add(Fresh + day)
		a.ok(other.Tidy(ctx))
		if _, _, err := other.Held(ctx, owner, "mail"); core.CodeOf(err) != core.CodeNotFound || files(t, other) != 0 {
			t.Errorf("half a year after the name was taken back: %v, %d files", err, files(t, other))
		}
	})
}

// TestLyingReceipt: who does not have the file has no receipt that counts.
func TestLyingReceipt(t *testing.T) {
	d := dbtest.SQLite(t, "succession", migrations.Files)
	a, other := pair(t, d)
	ctx := t.Context()
	a.filled()
	lies := map[string]func(r receipt) receipt{
		"no proof":        func(r receipt) receipt { r.Proof = idOf([]byte(r.Nonce)); return r },
		"an old nonce":    func(r receipt) receipt { r.Nonce = rand.Text(); return r },
		"another pack":    func(r receipt) receipt { r.Pack = idOf([]byte("x")); return r },
		"another service": func(r receipt) receipt { r.Service = "wiki"; return r },
		"nothing":         nil,
	}
	p, _, err := a.Held(ctx, owner, "mail")
	a.ok(err)
	for name, lie := range lies {
		t.Run(name, func(t *testing.T) {
			answers := func(w http.ResponseWriter, req *http.Request, _ core.MemberID) error {
				if lie == nil {
					return peer.WriteJSON(w, answer{})
				}
				var in offer
				if err := peer.ReadJSON(req, &in); err != nil {
					return err
				}
				_, proved, err := a.hashKept(p, in.Nonce)
				if err != nil {
					return err
				}
				env, err := signReceipt(lie(receipt{Owner: owner, Service: "mail", Pack: p.ID, Nonce: in.Nonce, Proof: proved, At: a.now()}), other.n.Signer)
				if err != nil {
					return err
				}
				return peer.WriteJSON(w, answer{&env})
			}
			server := httptest.NewServer(peer.NewHandler(peer.Needs{Signer: other.n.Signer, Keyring: a.ring, Private: true, Now: a.ring.moment, Log: a.n.Log}, []peer.Route{
				{Pattern: "POST " + pathPack, Handle: answers, Digest: true, MaxBody: 2 * MaxDocument},
				{Pattern: "PUT " + pathSealed("{service}"), MaxBody: MaxSealed, Handle: func(w http.ResponseWriter, _ *http.Request, _ core.MemberID) error {
					return peer.WriteJSON(w, answer{})
				}},
			}))
			t.Cleanup(server.Close)
			a.ring.urls[b] = server.URL
			a.ok(a.DeliverNow(ctx, "mail"))
			if to, err := sentTo(ctx, d, "mail", b); err != nil || to.Number != 0 || to.Trouble != "succession.pack.no_receipt" {
				t.Errorf("%+v, %v", to, err)
			}
		})
	}
	// A receipt by another member's key.
	env, err := signReceipt(receipt{Owner: owner, Service: "mail", Pack: p.ID}, seal.NewSigner(c, a.ring.keys[c]))
	a.ok(err)
	if err := (sender{a.Service}).checkReceipt(ctx, p, b, env, receipt{}); core.CodeOf(err) != core.CodeUnsure {
		t.Errorf("signed by c: %v", err)
	}
}

// TestWarm: what a successor restored is known at both ends, and ages.
func TestWarm(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		a, other := pair(t, d)
		ctx := t.Context()
		a.filled()
		restored := Restored{Owner: owner, Service: "mail", Snapshot: "0a1b2c3d", Bytes: 10, Files: 2, TookS: 5400, Counts: []Count{{"mailboxes", 50, 50}}}
		if _, err := other.Restored(ctx, restored); core.CodeOf(err) != core.CodeNotFound {
			t.Errorf("without a pack: %v", err)
		}
		a.ok(a.Deliver(ctx))
		kind := func(n *node) (Kind, core.Moment) {
			t.Helper()
			v, err := n.ShowHeld(ctx, owner, "mail")
			if n == a {
				v, err = a.show(), nil
			}
			a.ok(err)
			return v.Best()
		}
		unequal := restored
		unequal.Counts = []Count{{"mailboxes", 50, 49}}
		_, err := other.Restored(ctx, unequal)
		a.ok(err)
		a.ok(other.Deliver(ctx))
		if k, _ := kind(a); k != Cold {
			t.Errorf("with a mailbox less: %s", k)
		}
		a.ring.now = a.ring.now.Add(time.Hour)
		a.ring.urls[owner] = "http://127.0.0.1:1"
		_, err = other.Restored(ctx, restored)
		a.ok(err)
		a.ok(other.Deliver(ctx))
		if k, _ := kind(a); k != Cold {
			t.Errorf("a does not know yet: %s", k)
		}
		done := other.now()
		a.ring.urls[owner] = a.url
		a.ring.now = a.ring.now.Add(longest)
		a.ok(other.Deliver(ctx))
		for name, n := range map[string]*node{"a": a, "b": other} {
			if k, until := kind(n); k != Warm || until != done.Add(Fresh) {
				t.Errorf("%s: %s until %d", name, k, until)
			}
		}
		if all, err := a.Restores(ctx, owner, "mail"); err != nil || len(all) != 1 || all[0].TookS != 5400 {
			t.Errorf("restores: %+v, %v", all, err)
		}
		running := restored
		running.LagS = 30
		_, err = other.Restored(ctx, running)
		a.ok(err)
		a.ok(other.Deliver(ctx))
		if k, _ := kind(a); k != Hot {
			t.Errorf("a copy runs: %s", k)
		}
		a.ring.now = a.ring.now.Add(25 * time.Hour)
		if k, _ := kind(a); k != Warm {
			t.Errorf("a day later: %s", k)
		}
		a.ring.now = done.Time().Add(Fresh + 2*day)
		if k, _ := kind(a); k != Cold {
			t.Errorf("half a year later: %s", k)
		}
	})
}

// TestRestoreByWhom: only a successor that has the pack makes a service warm.
func TestRestoreByWhom(t *testing.T) {
	d := dbtest.SQLite(t, "succession", migrations.Files)
	r := newRing(t)
	a, eve := r.node(d, owner), r.node(dbtest.SQLite(t, "succession", migrations.Files), c)
	a.name(c)
	a.filled()
	ctx := t.Context()
	say := func(change func(*Restored)) error {
		one := Restored{Owner: owner, Service: "mail", Pack: idOf([]byte("x")), Snapshot: "s", Counts: []Count{{"files", 1, 1}}, At: a.now()}
		change(&one)
		one, err := signRestored(one, eve.n.Signer)
		a.ok(err)
		return eve.n.Peer.JSON(ctx, owner, http.MethodPost, pathRestored, saidRestored{one.Document}, nil)
	}
	if err := say(func(*Restored) {}); core.CodeOf(err) != core.CodeDenied {
		t.Errorf("it never had a pack: %v", err)
	}
	a.ok(a.Deliver(ctx))
	for name, change := range map[string]func(*Restored){
		"of another":    func(r *Restored) { r.Owner = b },
		"another thing": func(r *Restored) { r.Service = "wiki" },
		"the future":    func(r *Restored) { r.At = a.now().Add(day) },
	} {
		if err := say(change); core.CodeOf(err) != core.CodeDenied && core.CodeOf(err) != core.CodeInvalid {
			t.Errorf("%s: %v", name, err)
		}
	}
	a.ok(say(func(*Restored) {}))
	if v := a.show(); v.Successors[0].Kind != Warm {
		t.Errorf("%+v", v.Successors)
	}
}

// TestBreaksOff: a process that ends anywhere in a transfer leaves nothing that a later one cannot
// mend.
func TestBreaksOff(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		a, other := pair(t, d)
		ctx := t.Context()
		a.filled()
		p, own, err := a.Held(ctx, owner, "mail")
		a.ok(err)
		sealed, err := os.ReadFile(own)
		a.ok(err)
		// In the middle of the file.
		gone, cancel := context.WithCancel(ctx)
		a.ok(a.n.Peer.JSON(ctx, b, http.MethodPost, pathPack, offer{p.Document, rand.Text()}, nil))
		_, err = a.n.Peer.Do(gone, b, peer.Request{
			Method: http.MethodPut, Path: pathSealed("mail"), Query: url.Values{"nonce": {rand.Text()}, "pack": {p.ID}},
			Body: &breaking{bytes.NewReader(sealed[:len(sealed)/2]), cancel}, Length: int64(len(sealed)),
		})
		if err == nil {
			t.Fatal("half a file was taken")
		}
		if _, _, err := other.Held(ctx, owner, "mail"); core.CodeOf(err) != core.CodeNotFound {
			t.Errorf("half a file is held: %v", err)
		}
		// Between the file and its row.
		path := other.sealedPath(p)
		a.ok(os.MkdirAll(filepath.Dir(path), 0o700))
		a.ok(os.WriteFile(path, sealed, 0o600))
		a.ok(a.DeliverNow(ctx, "mail"))
		if _, _, err := other.Held(ctx, owner, "mail"); err != nil {
			t.Errorf("sent again: %v", err)
		}
		// A file without a row goes after a day.
		a.ok(os.WriteFile(filepath.Join(filepath.Dir(path), "orphan.age"), sealed, 0o600))
		a.ring.now = time.Now().Add(2 * day)
		a.ok(other.Tidy(ctx))
		if files(t, other) != 1 {
			t.Errorf("%d files", files(t, other))
		}
	})
}

// breaking ends the call when its bytes are through.
type breaking struct {
	*bytes.Reader
	end func()
}

func (r *breaking) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	if err != nil {
		r.end()
		return n, errors.New("the process ended")
	}
	return n, nil
}

func FuzzDocuments(f *testing.F) {
	f.Add([]byte(`{"v":1,"owner":"chaton-a.test","service":"mail","number":1,"made_us":1,"program":"","version":"","clause":"","items":[],"recipient":"","sealed":"","sealed_bytes":1}`))
	f.Add([]byte(`{"v":1,"owner":"chaton-a.test","service":"mail","by":"chaton-b.test","pack":"","snapshot":"s","bytes":1,"files":1,"took_s":1,"counts":[{"what":"files","from":1,"to":1}],"at_us":1}`))
	signer := seal.NewSigner(owner, newRing(f).keys[owner])
	f.Fuzz(func(t *testing.T, payload []byte) {
		for _, typ := range []string{TypePack, TypeRestored, typeReceipt} {
			env, err := seal.SignDoc(typ, payload, signer)
			if err != nil {
				return
			}
			if p, err := Read(env); err == nil && (len(p.Items) != 12 || p.SealedBytes > MaxSealed) {
				t.Errorf("taken: %+v", p)
			}
			if r, err := readRestored(env); err == nil {
				KindOf(Pack{Owner: r.Owner, Service: r.Service}, []Restored{r}, 1)
			}
			if r, err := readReceipt(env); err == nil && !r.By.Valid() {
				t.Errorf("taken: %+v", r)
			}
		}
	})
}
