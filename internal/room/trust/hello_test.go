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
	"entrechat/internal/room/trust/document"
	"entrechat/internal/room/trust/member"
	"entrechat/internal/room/trust/migrations"
	"entrechat/internal/room/trust/trusttest"
)

// forged is a hello in a name by who has a key of its own, well signed.
func (n *node) forged(name core.MemberID, root ed25519.PrivateKey) member.Greeting {
	n.w.t.Helper()
	g := hello(n.w.t, member.Hello{V: 1, From: name, To: n.id, At: n.now()}, name)
	g.Keys = trusttest.KeySet(n.w.t, name, "https://thief.test", root)
	return g
}

func TestHelloInAnothersName(t *testing.T) {
	w := newWorld(t, "a.test", "b.test")
	a, b := w.nodes["a.test"], w.nodes["b.test"]
	if _, err := a.Members.Greet(t.Context(), a.forged("b.test", trusttest.KeyFrom("thief"))); keyOf(err) != "trust.hello_unproved" {
		t.Errorf("a hello under a key that b.test does not show: %v", err)
	}
	if _, err := a.Members.Greet(t.Context(), a.forged("nobody.test", trusttest.KeyFrom("thief"))); core.CodeOf(err) != core.CodeUnsure {
		t.Errorf("a hello of a domain that does not answer: %v", err)
	}
	in, err := a.Members.Invite(t.Context(), time.Hour)
	trusttest.OK(t, err)
	leaked := hello(t, member.Hello{V: 1, From: "b.test", To: "a.test", At: a.now(), Code: in.Code}, "b.test")
	leaked.Keys = trusttest.KeySet(t, "b.test", "https://thief.test", trusttest.KeyFrom("thief"))
	if _, err := a.Members.Greet(t.Context(), leaked); keyOf(err) != "trust.hello_unproved" {
		t.Errorf("an invitation makes b.test somebody else's: %v", err)
	}
	if list := trusttest.Must[[]member.View](t)(a.Members.List(t.Context())); len(list) != 0 {
		t.Errorf("listed all the same: %v", list)
	}
	// What somebody else once said in its name does not count when a person types it.
	trusttest.OK(t, member.Put(t.Context(), a.DB, member.Member{Address: member.Address{Member: "b.test", URL: "http://127.0.0.1:1", Root: trusttest.PublicRoot(trusttest.KeyFrom("thief"))}, Standing: member.Asked, Since: a.now()}))
	found, err := a.Members.Locate(t.Context(), "b.test")
	if err != nil || found != b.address() {
		t.Errorf("b.test is %v, %v", found, err)
	}
	// And its own hello replaces it.
	greet, err := b.Members.Locate(t.Context(), "a.test")
	trusttest.OK(t, err)
	_, err = b.Members.Add(t.Context(), greet, "")
	trusttest.OK(t, err)
	if m, err := member.Find(t.Context(), a.DB, "b.test"); err != nil || m.Root != b.address().Root {
		t.Errorf("%v %v", m, err)
	}
}

func TestATypedDomainAnswersInItsName(t *testing.T) {
	w := newWorld(t, "a.test", "b.test")
	w.nodes["c.test"] = w.nodes["b.test"] // c's DNS leads to b
	_, err := w.nodes["a.test"].Members.Locate(t.Context(), "c.test")
	delete(w.nodes, "c.test")
	if keyOf(err) != "trust.other_name" {
		t.Error(err)
	}
}

// However many say hello in false names, the next true one is heard.
func TestFalseHellosShutNobodyOut(t *testing.T) {
	w := newWorld(t, "a.test", "b.test")
	a, b := w.nodes["a.test"], w.nodes["b.test"]
	for i := range 150 {
		if _, err := a.Members.Greet(t.Context(), a.forged(core.MemberID(fmt.Sprintf("f%d.test", i)), trusttest.KeyFrom(fmt.Sprint("thief", i)))); err == nil {
			t.Fatalf("hello %d is believed", i)
		}
	}
	found, err := b.Members.Locate(t.Context(), "a.test")
	trusttest.OK(t, err)
	_, err = b.Members.Add(t.Context(), found, "") // finds no turn: tries again by itself
	trusttest.OK(t, err)
	w.wait(time.Hour)
	if got := a.standing("b.test"); got != member.Asked {
		t.Errorf("b is %q", got)
	}
}

// Hellos listed before domains were asked are forgotten; nothing else is.
func TestUnprovedHellosAreForgotten(t *testing.T) {
	first := fstest.MapFS{}
	text, err := fs.ReadFile(migrations.Files, "0001_trust.sql")
	trusttest.OK(t, err)
	first["0001_trust.sql"] = &fstest.MapFile{Data: text}
	dbtest.Each(t, "trust", first, func(t *testing.T, d *db.DB) {
		for id, m := range map[core.MemberID]member.Member{
			"a.test": {Standing: member.Asked}, "b.test": {Standing: member.Asked, Refused: true}, "c.test": {Standing: member.Met}, "d.test": {Standing: member.Added},
		} {
			_, err := db.Exec(t.Context(), d, `INSERT INTO trust_member (id, root, url, standing, refused, code, since_us) VALUES ($1, $2, 'https://x', $3, $4, '', 1)`,
				string(id), trusttest.RootOf(string(id)).String(), string(m.Standing), m.Refused)
			trusttest.OK(t, err)
		}
		trusttest.OK(t, db.Migrate(t.Context(), d, "trust", migrations.Files))
		if list := trusttest.Must[[]member.Member](t)(member.All(t.Context(), d)); len(list) != 3 || list[0].ID() != "b.test" {
			t.Error(list)
		}
	})
}

// addressOf is a made-up address, one for each name.
func addressOf(id core.MemberID) member.Address {
	return member.Address{Member: id, URL: "https://" + string(id), Root: trusttest.RootOf(string(id))}
}

// hello is a greeting of the member by, with its own key set.
func hello(t *testing.T, h member.Hello, by core.MemberID) member.Greeting {
	t.Helper()
	_, doc, err := document.Sign(member.HelloType, h, trusttest.SignerOf(by))
	trusttest.OK(t, err)
	return member.Greeting{Keys: trusttest.KeySet(t, by, "https://"+string(by), trusttest.KeyFrom("root of "+string(by))), Hello: doc}
}
