package broker_test

import (
	"strings"
	"testing"

	"entrechat/internal/room/identity/broker"
)

// Who takes an agreement back is signed out at that member, at once and in every browser;
// others stay. The next sign-in there asks again.
func TestAnAgreementTakenBack(t *testing.T) {
	a, b := two(t)
	b.service("nuage", "")
	a.add("alice", "")
	a.add("bob", "")
	in := func(handle string) *browser {
		who := newBrowser(t)
		if p := who.signs(who.goes(who.opens(b, "nuage"), "home", string(a.id)), handle); !p.arrived() {
			t.Fatalf("%d %s %s", p.status, p.at, text(p.body))
		}
		return who
	}
	alice, elsewhere, bob := in("alice"), in("alice"), in("bob")
	if p := newBrowser(t).walk(a.url + broker.PathConsents); p.at.Path != "/sign-in" || p.at.Query().Get("next") != broker.PathConsents {
		t.Errorf("who is not signed in sees %d %s", p.status, p.at)
	}
	p := alice.walk(a.url + broker.PathConsents)
	if !strings.Contains(p.body, `name="member" value="`+string(b.id)+`"`) {
		t.Fatal(text(p.body))
	}
	if p = alice.post(p, broker.PathConsents, "member", string(b.id)); p.status != 200 || strings.Contains(p.body, `name="member"`) {
		t.Errorf("%d %s", p.status, text(p.body))
	}
	a.must(a.provider.DeliverLogouts(t.Context()))
	for _, who := range []*browser{alice, elsewhere} {
		if p := who.opens(b, "nuage"); p.arrived() {
			t.Errorf("still in: %s", p.at)
		}
	}
	if p := bob.opens(b, "nuage"); !p.arrived() {
		t.Errorf("another person is out: %s %s", p.at, text(p.body))
	}
	if p := alice.goes(alice.opens(b, "nuage"), "home", string(a.id)); p.at.Path != "/sign-in/consent" {
		t.Errorf("not asked again: %d %s", p.status, p.at)
	}
}
