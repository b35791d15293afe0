package broker_test

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/dbtest"
	"entrechat/internal/kit/seal"
	"entrechat/internal/kit/wire"
	"entrechat/internal/room/identity/move"
	"entrechat/internal/room/identity/person"
	"entrechat/internal/room/identity/signin"
)

const pathDone = "/ec/v1/identity/move/done"

// loses has a node do what the next call to an endpoint asks, and lose the answer.
func (n *node) loses(path string) {
	lost := false
	n.meddle = func(w http.ResponseWriter, r *http.Request) bool {
		if lost || r.URL.Path != path {
			return false
		}
		lost = true
		n.server.Config.Handler.ServeHTTP(httptest.NewRecorder(), r)
		w.WriteHeader(http.StatusServiceUnavailable)
		return true
	}
}

// answers has a node answer an endpoint with a status and nothing else.
func (n *node) answers(path string, status int) {
	n.meddle = func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path == path {
			w.WriteHeader(status)
		}
		return r.URL.Path == path
	}
}

// TestTheAnswerOfTheOldHomeIsLost: A let alice go, C did not hear that, and is off until her
// release has ended. C gave her up then, so that she had no account anywhere.
func TestTheAnswerOfTheOldHomeIsLost(t *testing.T) {
	for _, logbook := range []bool{true, false} { // whether C holds what A's says
		all := village(t, 2, dbtest.SQLite)
		a, c := all[0], all[1]
		if !logbook {
			a.ring = ring{a.id: a, c.id: &node{id: c.id, signer: c.signer, moves: a.moves}} // hears in C's place
		}
		a.add("alice", "")
		a.loses(pathDone)
		if p := newBrowser(t).moves(a, c, "alice"); p.status < 500 || a.is("alice", person.Local) {
			t.Fatalf("%d %s", p.status, text(p.body))
		}
		a.late, c.late = 3*time.Hour, 3*time.Hour
		a.answers(pathDone, http.StatusServiceUnavailable)
		c.must(c.moves.Resume(t.Context()))
		if c.is("alice", person.Local) != logbook {
			t.Error("A is silent, C holds its logbook:", logbook)
		}
		a.meddle = nil
		c.must(c.moves.Resume(t.Context()))
		if !c.is("alice", person.Local) {
			t.Error("alice has no account any more")
		}
	}
}

// A home that is silent for a month after a release has ended is given up, not before.
func TestAnOldHomeThatIsSilentForEver(t *testing.T) {
	all := village(t, 2, dbtest.SQLite)
	a, c := all[0], all[1]
	a.add("alice", "")
	a.answers(pathDone, http.StatusServiceUnavailable)
	newBrowser(t).moves(a, c, "alice")
	status := func() person.Status {
		p, err := c.people.Find(t.Context(), "alice")
		c.must(err)
		return p.Status
	}
	c.late = 29 * 24 * time.Hour
	c.must(c.moves.Resume(t.Context()))
	if got := status(); got != person.Waiting {
		t.Error("within a month:", got)
	}
	c.late = 32 * 24 * time.Hour
	c.must(c.moves.Resume(t.Context()))
	if got := status(); got != person.Closed {
		t.Error("after a month:", got)
	}
}

// A home that is gone keeps nobody of another home waiting, however many came from it.
func TestASilentHomeKeepsNobodyWaiting(t *testing.T) {
	all := village(t, 2, dbtest.SQLite)
	a, c := all[0], all[1]
	a.add("alice", "")
	a.answers(pathDone, http.StatusServiceUnavailable)
	newBrowser(t).moves(a, c, "alice")
	a.meddle = nil
	from, err := db.One(t.Context(), c.db, db.Text, `SELECT person FROM identity_move_in`)
	c.must(err)
	_, key, err := ed25519.GenerateKey(rand.Reader)
	c.must(err)
	for i := range 150 {
		payload, err := wire.Encode(move.Release{Home: "gone.test", Sub: "x", To: c.id, Made: 1, Until: 2, Nonce: rand.Text()})
		c.must(err)
		env, err := seal.SignDoc(move.TypeRelease, payload, seal.NewSigner("gone.test", key))
		c.must(err)
		document, err := env.Encode()
		c.must(err)
		_, err = db.Exec(t.Context(), c.db, `INSERT INTO identity_move_in (number, id, person, home, sub, state, document, until_us, handle, way)
			VALUES ($1, $2, $3, 'gone.test', 'x', 'asked', $5, $4, '', 'new')`, i+1, fmt.Sprintf("%x", sha256.Sum256(payload)), from, int64(core.At(time.Now())), string(document))
		c.must(err)
	}
	c.must(c.moves.Resume(t.Context()))
	if !c.is("alice", person.Local) {
		t.Error("alice waits")
	}
}

// Whoever has a link from before somebody moved is not let in by it, and what they agreed to
// is forgotten: who comes back is asked anew.
func TestWhoMovedLeavesNoLink(t *testing.T) {
	all := village(t, 3, dbtest.SQLite)
	a, b, c := all[0], all[1], all[2]
	alice := a.add("alice", "alice@mail.test")
	a.told(t, "nuage", a.service("nuage", ""), a, "alice")
	b.told(t, "pad", b.service("pad", ""), a, "alice")
	var link string
	a.must(a.db.Tx(t.Context(), func(ctx context.Context, q db.Querier) (err error) {
		link, err = signin.NewInvite(ctx, q, alice.ID, core.At(time.Now()))
		return err
	}))
	if p := newBrowser(t).walk(a.url + signin.InvitePath(link)); p.status != http.StatusOK {
		t.Fatalf("%d %s", p.status, text(p.body))
	}
	if p := newBrowser(t).moves(a, c, "alice"); p.status != http.StatusOK {
		t.Fatalf("%d %s", p.status, text(p.body))
	}
	if p := newBrowser(t).walk(a.url + signin.InvitePath(link)); p.status != http.StatusNotFound {
		t.Errorf("%d %s", p.status, text(p.body))
	}
	if left, err := a.Consents(t.Context(), alice.ID); err != nil || len(left) != 0 {
		t.Error(left, err)
	}
}
