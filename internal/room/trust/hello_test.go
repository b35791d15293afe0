package trust

import (
	"crypto/ed25519"
	"fmt"
	"io/fs"
	"testing"
	"testing/fstest"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/dbtest"
)

// forged is a hello in a name by who has a key of its own, well signed.
func (n *node) forged(name core.MemberID, root ed25519.PrivateKey) Greeting {
	n.w.t.Helper()
	g := hello(n.w.t, Hello{V: 1, From: name, To: n.id, At: n.now()}, name)
	g.Keys = keySet(n.w.t, name, "https://thief.test", root)
	return g
}

func TestHelloInAnothersName(t *testing.T) {
	w := newWorld(t, "a.test", "b.test")
	a, b := w.nodes["a.test"], w.nodes["b.test"]
	if _, err := a.Greet(t.Context(), a.forged("b.test", keyFrom("thief"))); keyOf(err) != "trust.hello_unproved" {
		t.Errorf("a hello under a key that b.test does not show: %v", err)
	}
	if _, err := a.Greet(t.Context(), a.forged("nobody.test", keyFrom("thief"))); core.CodeOf(err) != core.CodeUnsure {
		t.Errorf("a hello of a domain that does not answer: %v", err)
	}
	in, err := a.Invite(t.Context(), time.Hour)
	ok(t, err)
	leaked := hello(t, Hello{V: 1, From: "b.test", To: "a.test", At: a.now(), Code: in.Code}, "b.test")
	leaked.Keys = keySet(t, "b.test", "https://thief.test", keyFrom("thief"))
	if _, err := a.Greet(t.Context(), leaked); keyOf(err) != "trust.hello_unproved" {
		t.Errorf("an invitation makes b.test somebody else's: %v", err)
	}
	if list := must[[]MemberView](t)(a.Members(t.Context())); len(list) != 0 {
		t.Errorf("listed all the same: %v", list)
	}
	// What somebody else once said in its name does not count when a person types it.
	ok(t, putMember(t.Context(), a.DB, Member{Address: Address{"b.test", "http://127.0.0.1:1", publicRoot(keyFrom("thief"))}, Standing: Asked, Since: a.now()}))
	found, err := a.Locate(t.Context(), "b.test")
	if err != nil || found != b.address() {
		t.Errorf("b.test is %v, %v", found, err)
	}
	// And its own hello replaces it.
	greet, err := b.Locate(t.Context(), "a.test")
	ok(t, err)
	_, err = b.Add(t.Context(), greet, "")
	ok(t, err)
	if m, err := member(t.Context(), a.DB, "b.test"); err != nil || m.Root != b.address().Root {
		t.Errorf("%v %v", m, err)
	}
}

func TestATypedDomainAnswersInItsName(t *testing.T) {
	w := newWorld(t, "a.test", "b.test")
	w.nodes["c.test"] = w.nodes["b.test"] // c's DNS leads to b
	_, err := w.nodes["a.test"].Locate(t.Context(), "c.test")
	delete(w.nodes, "c.test")
	if keyOf(err) != "trust.other_name" {
		t.Error(err)
	}
}

// However many say hello in false names, the next true one is heard.
func TestFalseHellosShutNoDoor(t *testing.T) {
	w := newWorld(t, "a.test", "b.test")
	a, b := w.nodes["a.test"], w.nodes["b.test"]
	for i := range 150 {
		if _, err := a.Greet(t.Context(), a.forged(core.MemberID(fmt.Sprintf("f%d.test", i)), keyFrom(fmt.Sprint("thief", i)))); err == nil {
			t.Fatalf("hello %d is believed", i)
		}
	}
	found, err := b.Locate(t.Context(), "a.test")
	ok(t, err)
	_, err = b.Add(t.Context(), found, "") // finds no turn: tries again by itself
	ok(t, err)
	w.wait(time.Hour)
	if got := a.standing("b.test"); got != Asked {
		t.Errorf("b is %q", got)
	}
}

func TestWhoGivesWay(t *testing.T) {
	var list []Member
	add := func(id string) { list = append(list, Member{Address: Address{Member: core.MemberID(id)}}) }
	for i := range maxAsked - maxSiblings {
		add(fmt.Sprintf("chaton-%d.test", i)) // the last two labels differ
	}
	for i := range maxSiblings {
		add(fmt.Sprintf("n%d.mallory.test", i))
	}
	for _, c := range []struct {
		list     []Member
		newcomer core.MemberID
		want     core.MemberID
	}{
		{list[1:], "new.test", ""},
		{list, "new.test", "chaton-0.test"},
		{list, "n9.mallory.test", "n0.mallory.test"},
		{list, "mallory.test", "n0.mallory.test"},
		{list, "chaton-5.test", ""}, // it is in the list
		{list[:3], "a.b.chaton-1.test", ""},
	} {
		if got, full := givesWay(c.list, c.newcomer); got != c.want || full != (c.want != "") {
			t.Errorf("%s: %q %v, want %q", c.newcomer, got, full, c.want)
		}
	}
}

// Hellos listed before domains were asked are forgotten; nothing else is.
func TestUnprovedHellosAreForgotten(t *testing.T) {
	first := fstest.MapFS{}
	text, err := fs.ReadFile(Migrations(), "0001_trust.sql")
	ok(t, err)
	first["0001_trust.sql"] = &fstest.MapFile{Data: text}
	dbtest.Each(t, "trust", first, func(t *testing.T, d *db.DB) {
		for id, m := range map[core.MemberID]Member{
			"a.test": {Standing: Asked}, "b.test": {Standing: Asked, Refused: true}, "c.test": {Standing: Met}, "d.test": {Standing: Added},
		} {
			m.Address = addressOf(id)
			ok(t, putMember(t.Context(), d, m))
		}
		ok(t, db.Migrate(t.Context(), d, "trust", Migrations()))
		if list := must[[]Member](t)(members(t.Context(), d)); len(list) != 3 || list[0].ID() != "b.test" {
			t.Error(list)
		}
	})
}
