package broker_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"entrechat/internal/kit/db"
	"entrechat/internal/room/identity/home"
)

// full has a node's database refuse new rows of a table, as when its disk is full.
func (n *node) full(table string) (ends func()) {
	n.t.Helper()
	_, err := db.Exec(n.t.Context(), n.db, `CREATE TRIGGER full BEFORE INSERT ON `+table+` BEGIN SELECT RAISE(ABORT, 'full'); END`)
	n.must(err)
	return func() {
		_, err := db.Exec(n.t.Context(), n.db, `DROP TRIGGER full`)
		n.must(err)
	}
}

// A session that a sign-out at home could not end is not opened.
func TestASessionIsOpenedWithItsPairOrNot(t *testing.T) {
	a, b := two(t)
	a.add("alice", "")
	b.service("nuage", "")
	who := newBrowser(t)
	p := who.goes(who.opens(b, "nuage"), "home", string(a.id))
	b.full("identity_broker_session")
	if p = who.signs(p, "alice"); p.status < 500 {
		t.Errorf("%d %s", p.status, text(p.body))
	}
	if left, err := db.One(t.Context(), b.db, db.Int64, `SELECT count(*) FROM identity_session`); err != nil || left != 0 {
		t.Errorf("%d sessions, %v", left, err)
	}
}

// That our own database failed is not answered to a home as a token that is none.
func TestASignOutThatWeCouldNotNote(t *testing.T) {
	a, b := two(t)
	a.add("alice", "")
	b.service("nuage", "")
	who := newBrowser(t)
	if p := who.signs(who.goes(who.opens(b, "nuage"), "home", string(a.id)), "alice"); !p.arrived() {
		t.Fatalf("%d %s", p.status, p.at)
	}
	var answers []int
	inside := false
	b.meddle = func(w http.ResponseWriter, r *http.Request) bool {
		if inside || r.URL.Path != "/oidc/logout" {
			return false
		}
		inside = true
		rec := httptest.NewRecorder()
		b.server.Config.Handler.ServeHTTP(rec, r)
		inside = false
		answers = append(answers, rec.Code)
		w.WriteHeader(rec.Code)
		return true
	}
	defer b.full("identity_broker_seen")()
	who.follow(http.MethodPost, a.url+"/sign-out", map[string][]string{"x": {""}})
	a.must(a.provider.DeliverLogouts(t.Context()))
	if !slices.Equal(answers, []int{http.StatusInternalServerError}) {
		t.Error(answers)
	}
}

// What a person agreed to stands in the log of their account, or they did not agree.
func TestAConsentIsNotedOrNotGiven(t *testing.T) {
	a, b := two(t)
	alice := a.add("alice", "")
	b.service("nuage", "")
	who := newBrowser(t)
	p := who.goes(who.opens(b, "nuage"), "home", string(a.id))
	p = who.post(p, "/sign-in", "flow", p.at.Query().Get("flow"), "who", "alice", "password", "right")
	if p.at.Path != "/sign-in/consent" {
		t.Fatalf("%d %s", p.status, p.at)
	}
	a.full("identity_audit")
	if p = who.signs(p, "alice"); p.status < 500 {
		t.Errorf("%d %s", p.status, text(p.body))
	}
	if given, err := a.Consents(t.Context(), alice.ID); err != nil || len(given) != 0 {
		t.Error(given, err)
	}
}

// A home that is shut while one of its people is on the way in: no session is opened.
func TestAHomeIsShutMeanwhile(t *testing.T) {
	a, b := two(t)
	a.add("alice", "")
	b.service("nuage", "")
	who := newBrowser(t)
	p := who.goes(who.opens(b, "nuage"), "home", string(a.id))
	a.meddle = func(_ http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path == "/oidc/token" { // b has let her in, and asks who she is
			b.must(b.homes.Close(r.Context(), a.id, "spam", func(context.Context, db.Querier, home.Visitor) error { return nil }))
		}
		return false
	}
	if p = who.signs(p, "alice"); p.status != http.StatusForbidden {
		t.Errorf("%d %s", p.status, text(p.body))
	}
	if left, err := db.One(t.Context(), b.db, db.Int64, `SELECT count(*) FROM identity_session`); err != nil || left != 0 {
		t.Errorf("%d sessions, %v", left, err)
	}
}
