package move

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/dbtest"
	"entrechat/internal/room/identity/migrations"
	"entrechat/internal/room/identity/person"
)

// TestAWayBackThatNeverLedAway: mallory comes from hostile D to A with an earlier release that
// A never signed, in the place of alice; then A lets mallory, and nobody else, go to C. A home
// that takes somebody in holds the last release against keys only, so it hands the other on.
func TestAWayBackThatNeverLedAway(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t, "identity", migrations.Files))
	alice := w.came(hosterA, "a1", "alice")
	forged, err := sign(Release{Sub: "a1", To: hosterD, Made: 1, Until: 2}, members{}.signer(hosterA))
	w.must(err)
	home := w.release(hosterD, "d1", hosterA, forged.ID)
	last := w.moved(hosterA, "a9", hosterC, home.ID) // a9 is mallory at A
	w.refuses("identity.move.refused", hosterC, "c9", "mallory", forged, home, last)
	if got := w.came(hosterA, "a1", "alice"); got != alice {
		t.Errorf("%s is %s now", alice, got)
	}
}

// hostileHome hands over people without end, and then lets nobody go.
type hostileHome struct {
	w        *world
	until    time.Time
	n, dones int
	silent   bool // to who was taken in
}

func (h *hostileHome) JSON(_ context.Context, from core.MemberID, _, path string, _, out any) error {
	p, ok := out.(*passage)
	if path != pathOpen || !ok {
		h.dones++
		if h.silent {
			return core.Unsure("peer.silent", errors.New("no answer"))
		}
		return core.Denied("identity.move.gone", errors.New("not let go"))
	}
	h.n++
	s, err := sign(Release{Sub: fmt.Sprintf("s%d", h.n), To: hosterB, Made: core.At(noon), Until: core.At(h.until)}, h.w.all.signer(from))
	if err != nil {
		return err
	}
	*p = passage{Handle: fmt.Sprintf("name%d", h.n)}
	p.Release, err = s.text()
	return err
}

// hostile is a node where anybody may have an account, and what asks hostile homes.
func hostile(t *testing.T) (*world, *hostileHome) {
	w := newWorld(t, dbtest.SQLite(t, "identity", migrations.Files))
	h := &hostileHome{w: w, until: noon.Add(time.Hour)}
	w.n.Calls, w.n.Signer, w.n.SignUp = h, w.all.signer(hosterB), true
	return w, h
}

func (w *world) takes(from core.MemberID) string {
	_, err := w.Take(w.t.Context(), Wish{From: from, Code: rand.Text()})
	return key(err)
}

func TestAHomeThatBringsPeopleWithoutEnd(t *testing.T) {
	w, _ := hostile(t)
	for range perDay + 30 {
		w.takes(hosterA)
	}
	taken, err := db.One(t.Context(), w.db, db.Int64, `SELECT count(*) FROM identity_handle`)
	if err != nil || taken != perDay {
		t.Errorf("%d names are gone for ever, %v", taken, err)
	}
	if got := w.takes(hosterA); got != "identity.home.too_many" {
		t.Error(got)
	}
	if got := w.takes(hosterC); got != "identity.move.gone" {
		t.Errorf("people of another home: %s", got)
	}
}

func TestAReleaseWithoutEnd(t *testing.T) {
	w, h := hostile(t)
	h.until = noon.Add(listLife + time.Hour)
	if got := w.takes(hosterA); got != "identity.move.refused" || h.dones != 0 {
		t.Error(got)
	}
}

// TestASuspendedVisitorKeepsTheAccountAtHome: else they would be at home nowhere.
func TestASuspendedVisitorKeepsTheAccountAtHome(t *testing.T) {
	w, h := hostile(t)
	alice := w.came(hosterA, "s1", "alice")
	w.must(w.db.Tx(t.Context(), func(ctx context.Context, q db.Querier) error {
		_, err := person.Change(ctx, q, alice, func(p *person.Person) error { p.Status = person.Suspended; return nil })
		return err
	}))
	if got := w.takes(hosterA); got != "identity.broker.suspended" || h.dones != 0 {
		t.Errorf("%s, the old home heard of it %d times", got, h.dones)
	}
}

// TestOneNetworkDoesNotUseUpThePage: who asks without end is slowed down, and nobody else.
func TestOneNetworkDoesNotUseUpThePage(t *testing.T) {
	v := views{&Moves{n: Needs{Now: func() time.Time { return noon }}}, nil, newCalls()}
	from := func(address string) *http.Request {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, PathArrive, http.NoBody)
		r.RemoteAddr = address + ":4000"
		return r
	}
	for range 2 * forAll {
		v.mayCall(from("203.0.113.7"))
	}
	if v.mayCall(from("203.0.113.8")) || !v.mayCall(from("198.51.100.1")) {
		t.Error("one network calls for all")
	}
}
