package broker_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"entrechat/internal/kit/db"
	"entrechat/internal/kit/dbtest"
	"entrechat/internal/room/identity/broker"
	"entrechat/internal/room/identity/migrations"
)

func TestAPersonOfAUsesAServiceOfB(t *testing.T) {
	dbtest.Each(t, "identity", migrations.Files, func(t *testing.T, d *db.DB) {
		a, b := newNode(t, dbtest.SQLite(t, "identity", migrations.Files)), newNode(t, d)
		b.lets(a)
		alice := a.add("alice", "alice@mail.test")
		secret := b.service("nuage", "")
		who := newBrowser(t)
		p := who.goes(who.opens(b, "nuage"), "home", string(a.id))
		if p.at.Host != a.server.Listener.Addr().String() || p.at.Path != "/sign-in" {
			t.Fatalf("not sent home: %d %s %s", p.status, p.at, text(p.body))
		}
		p = who.post(p, "/sign-in", "flow", p.at.Query().Get("flow"), "who", "alice", "password", "right")
		if p.at.Path != "/sign-in/consent" || !strings.Contains(p.body, string(b.id)) || !strings.Contains(p.body, "alice@mail.test") {
			t.Fatalf("not asked: %d %s %s", p.status, p.at, text(p.body))
		}
		p = who.signs(p, "")
		told := b.redeem("nuage", secret, p)
		if name, _ := told["preferred_username"].(string); !strings.HasPrefix(name, "alice.127-0-0-1") || told["sub"] == string(alice.ID) || told["email"] != nil || told["name"] != "ALICE" {
			t.Errorf("%v", told)
		}
		first := told["sub"]
		// The session stands: nothing is asked again, at B or at A.
		if p = who.opens(b, "nuage"); !p.arrived() {
			t.Errorf("asked again: %s %s", p.at, text(p.body))
		}
		// Another browser: the same person at the service, and no second question at home.
		other := newBrowser(t)
		p = other.goes(other.opens(b, "nuage"), "who", "alice@"+string(a.id))
		p = other.post(p, "/sign-in", "flow", p.at.Query().Get("flow"), "who", "alice", "password", "right")
		if told := b.redeem("nuage", secret, p); told["sub"] != first {
			t.Errorf("another person: %v", told)
		}
		if list, err := a.Consents(t.Context(), alice.ID); err != nil || len(list) != 1 || list[0].Member != b.id || list[0].Mail {
			t.Errorf("%+v, %v", list, err)
		}
		if p := other.walk(b.url + "/sign-in"); !strings.Contains(p.body, "Go on with "+string(a.id)) {
			t.Errorf("not remembered where people sign in: %s", text(p.body))
		}
		if p := newBrowser(t).walk(b.url + "/sign-in"); !strings.Contains(p.body, broker.PathElsewhere) {
			t.Errorf("no way by another hoster: %s", text(p.body))
		}
		if p := newBrowser(t).walk(a.url + "/sign-in"); strings.Contains(p.body, broker.PathElsewhere) {
			t.Errorf("a way that leads nowhere: %s", text(p.body))
		}
		if p := other.walk(b.url + "/sign-in/elsewhere"); !strings.Contains(p.body, "Go on with "+string(a.id)) {
			t.Errorf("not remembered: %s", text(p.body))
		}
	})
}

func TestMailIsToldWhenThePersonAgreesAndTheHomeMayVouch(t *testing.T) {
	a, b := two(t)
	secret := b.service("nuage", "")
	a.add("alice", "alice@mail.test")
	who := newBrowser(t)
	p := who.signs(who.goes(who.opens(b, "nuage"), "home", string(a.id)), "alice", "mail", "1")
	// mail.test was not proved to be A's.
	if told := b.redeem("nuage", secret, p); told["email"] != nil {
		t.Errorf("%v", told)
	}
}

func TestWhereSomebodyIsAtHome(t *testing.T) {
	a, b := two(t)
	b.service("nuage", "")
	for typed, want := range map[string]string{
		string(a.id): "", "alice@" + string(a.id): "", " @alice@" + strings.ToUpper(string(a.id)) + " ": "", "http://" + string(a.id) + "/": "",
		"": "Give the address", "alice@nowhere.test": "We do not know", "<script>@x": "We do not know", strings.Repeat("a", 400): "Give the address",
	} {
		who := newBrowser(t)
		p := who.goes(who.opens(b, "nuage"), "who", typed)
		if home := p.at.Host == string(a.id); home != (want == "") || !strings.Contains(text(p.body), want) {
			t.Errorf("%.40q leads to %s: %s", typed, p.at, text(p.body))
		}
		if strings.Contains(p.body, "<script>") {
			t.Error("unescaped")
		}
	}
}

// Who types an account of another hoster where ours sign in is led to where they say so, and
// nothing tells whether we know the name. A domain that a home only claims leads nowhere.
func TestANameOfAnotherHosterAtTheSignInPage(t *testing.T) {
	a, b := two(t)
	b.service("nuage", "")
	b.add("bob", "")
	claims := a.card()
	claims.Domains = []string{"mail.test"}
	b.hears(a.id, claims)
	for typed, away := range map[string]bool{
		"alice@" + string(a.id): true, string(a.id): true, "bob": false, "nobody": false, "bob@" + string(b.id): false, "bob@mail.test": false, "x@nowhere.test": false,
	} {
		who := newBrowser(t)
		p := who.opens(b, "nuage")
		flow := p.at.Query().Get("flow")
		p = who.post(p, "/sign-in", "flow", flow, "who", typed, "password", "wrong")
		if (p.at.Path == broker.PathElsewhere) != away {
			t.Errorf("%q leads to %s", typed, p.at)
		}
		if away && (p.at.Query().Get("flow") != flow || !strings.Contains(p.body, `value="`+typed+`"`) || !strings.Contains(p.body, "another hoster")) {
			t.Errorf("%q: %s %s", typed, p.at, text(p.body))
		}
		if away {
			if p = who.post(p, broker.PathElsewhere, "flow", flow, "who", typed); p.at.Host != string(a.id) {
				t.Errorf("%q: not sent home: %s", typed, p.at)
			}
		}
	}
}

func TestHomesThatAreNotLetIn(t *testing.T) {
	a, b := two(t)
	secret := b.service("nuage", "")
	a.add("alice", "")
	who := newBrowser(t)
	p := who.signs(who.goes(who.opens(b, "nuage"), "home", string(a.id)), "alice")
	b.redeem("nuage", secret, p)
	// The promise ends: the session that stands opens nothing any more.
	b.trust.may[a.id] = false
	if p := who.opens(b, "nuage"); p.arrived() {
		t.Errorf("let in: %s", p.at)
	}
	if p := newBrowser(t).walk(b.url + broker.PathElsewhere); strings.Contains(p.body, string(a.id)) {
		t.Errorf("offered: %s", text(p.body))
	}
	fresh := newBrowser(t)
	if p := fresh.goes(fresh.opens(b, "nuage"), "home", string(a.id)); p.at.Host == string(a.id) || p.status < 400 {
		t.Errorf("sent home: %d %s", p.status, p.at)
	}
	// While somebody is away.
	b.trust.may[a.id] = true
	p = fresh.goes(fresh.opens(b, "nuage"), "home", string(a.id))
	b.trust.may[a.id] = false
	if p = fresh.signs(p, "alice"); p.status < 400 {
		t.Errorf("let in: %d %s", p.status, p.at)
	}
	// And the home refuses a member that lets nobody in.
	b.trust.may[a.id] = true
	a.trust.lenders = nil
	if p := fresh.goes(fresh.opens(b, "nuage"), "home", string(a.id)); p.at.Host == string(a.id) || p.status < 400 {
		t.Errorf("taken: %d %s", p.status, p.at)
	}
}

func TestAVisitorIsVouchedForByTheirHomeOnly(t *testing.T) {
	a, b := two(t)
	c := newNode(t, dbtest.SQLite(t, "identity", migrations.Files))
	c.lets(b) // C takes the people of B; alice is only a visitor there
	b.service("nuage", "")
	c.service("pad", "")
	a.add("alice", "")
	who := newBrowser(t)
	who.signs(who.goes(who.opens(b, "nuage"), "home", string(a.id)), "alice")
	p := who.goes(who.opens(c, "pad"), "home", string(b.id))
	if p = who.signs(p, ""); p.arrived() || !strings.Contains(text(p.body), "our own accounts only") {
		t.Errorf("%d %s %s", p.status, p.at, text(p.body))
	}
	// Nor is somebody sent on from the home to a third.
	fresh := newBrowser(t)
	p = fresh.goes(fresh.opens(c, "pad"), "home", string(b.id))
	if p = fresh.goes(p, "home", string(a.id)); p.status < 400 {
		t.Errorf("sent on: %s", p.at)
	}
}

func TestComingBackWithSomethingElse(t *testing.T) {
	a, b := two(t)
	b.service("nuage", "")
	a.add("alice", "")
	// The address of the answer, caught before it is used.
	var caught string
	b.meddle = func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path == "/oidc/back" && caught == "" {
			caught = r.URL.RawQuery
			w.WriteHeader(204)
			return true
		}
		return false
	}
	catch := func() (*browser, url.Values) {
		caught = ""
		who := newBrowser(t)
		who.signs(who.goes(who.opens(b, "nuage"), "home", string(a.id)), "alice")
		q, err := url.ParseQuery(caught)
		if err != nil || q.Get("code") == "" {
			t.Fatal(caught, err)
		}
		return who, q
	}
	for what, alter := range map[string]func(q url.Values){
		"another issuer":    func(q url.Values) { q.Set("iss", b.url) },
		"no issuer":         func(q url.Values) { q.Del("iss") },
		"another state":     func(q url.Values) { q.Set("state", strings.Repeat("A", 52)) },
		"no state":          func(q url.Values) { q.Del("state") },
		"another code":      func(q url.Values) { q.Set("code", strings.Repeat("a", 52)) },
		"a state twice":     func(q url.Values) { q.Add("state", q.Get("state")) },
		"an enormous code":  func(q url.Values) { q.Set("code", strings.Repeat("a", 5000)) },
		"an error and code": func(q url.Values) { q.Set("error", "server_error") },
	} {
		who, q := catch()
		alter(q)
		if p := who.walk(b.url + "/oidc/back?" + q.Encode()); p.status < 400 {
			t.Errorf("%s: %d %s", what, p.status, p.at)
		}
	}
	who, q := catch()
	if p := newBrowser(t).walk(b.url + "/oidc/back?" + q.Encode()); p.status < 400 {
		t.Errorf("another browser: %d %s", p.status, p.at)
	}
	if p := who.walk(b.url + "/oidc/back?" + q.Encode()); !p.arrived() {
		t.Errorf("the right one: %d %s %s", p.status, p.at, text(p.body))
	}
	if p := who.walk(b.url + "/oidc/back?" + q.Encode()); p.status < 400 {
		t.Errorf("twice: %d %s", p.status, p.at)
	}
}
