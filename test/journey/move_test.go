package journey

import (
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"

	"entrechat/internal/app/lab"
	"entrechat/internal/app/lab/relying"
)

var (
	codeShown = regexp.MustCompile(`<code>([A-Z2-7]{26})</code>`)
	wayThere  = regexp.MustCompile(`href="([^"]*/move\?[^"]*)"`)
)

// third adds a hoster C, where anybody may have an account, and whose people A and B let in.
func (w *world) third() *lab.Node {
	w.Helper()
	program, err := os.Executable()
	w.must(err)
	nodes, err := lab.Found(w.TempDir(), program, 3)
	w.must(err)
	c := nodes[2]
	c.Public = strings.Replace(c.Public, "127.0.0.1", "127.0.0.3", 1) // cookies know no ports
	w.Cleanup(c.Stop)
	w.Cleanup(func() { w.confess(c) })
	w.must(c.Init(w.ctx))
	w.must(c.Configure(map[string]string{"sign_up": `"open"`}))
	w.must(c.Up(w.ctx))
	for _, n := range []*lab.Node{w.a, w.b} {
		w.must(lab.Introduce(w.ctx, n, c))
		w.must(lab.Promise(w.ctx, c, n, "--login", "all"))
	}
	w.eventually("C is a home for both, and knows A as one", func() bool {
		return w.homes(w.a)[c.Name].In && w.homes(w.b)[c.Name].In && w.homes(c)[w.a.Name].Member != "" && w.homes(w.a)[c.Name].Member != ""
	})
	return c
}

// visits signs somebody in at the service of B by their home: what it is told of them. B may
// have to hear of a move first.
func (w *world) visits(home *lab.Node, handle string) (p relying.Page) {
	w.Helper()
	w.eventually(handle+" is in, by "+home.Name, func() bool {
		b := relying.NewBrowser()
		p = w.open(b, w.pad.URL()+"/")
		p = w.open(b, w.b.URL()+"/sign-in/elsewhere?"+p.URL.RawQuery)
		p = w.send(b, p, "/sign-in/elsewhere", "home", home.Name)
		p = w.send(b, p, "/sign-in", "who", handle, "password", password)
		if p.URL.Path == "/sign-in/consent" {
			p = w.send(b, p, "/sign-in/consent")
		}
		if p.Status != http.StatusOK && p.Status != http.StatusServiceUnavailable {
			w.Fatalf("%s: %d %s", p.URL, p.Status, p.Text())
		}
		return p.Status == http.StatusOK
	})
	w.want(p, w.pad.URL()+"/", "pad")
	return p
}

// same holds what a service says of somebody against what it said before.
func (w *world) same(before, after relying.Page) {
	w.Helper()
	for _, id := range []string{"sub", "username", "mail"} {
		if before.At(id) == "" || after.At(id) != before.At(id) {
			w.Errorf("%s was %q, is %q", id, before.At(id), after.At(id))
		}
	}
}

// TestMove is alice, who takes her account from A to C, and bob, whom A hands over when it
// closes: the service of B knows both.
func TestMove(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.third()
	desk, his := w.account(w.a, "alice"), w.account(w.a, "bob")
	alice, bob := w.visits(w.a, "alice"), w.visits(w.a, "bob")

	p := w.open(desk, w.a.URL()+"/account/move")
	p = w.send(desk, p, "", "home", c.Name)
	way, code := wayThere.FindStringSubmatch(p.Body), codeShown.FindStringSubmatch(p.Body)
	if way == nil || code == nil || !strings.HasPrefix(way[1], c.URL()+"/move?") || !strings.Contains(way[1], code[1]) {
		t.Fatalf("no way there: %d %s", p.Status, p.Body)
	}
	p = w.send(desk, w.open(desk, strings.ReplaceAll(way[1], "&amp;", "&")), "/move")
	p = w.send(desk, p, "", "password", password)
	w.want(p, c.URL()+"/account", "")
	w.same(alice, w.visits(c, "alice"))
	if p := w.open(desk, w.a.URL()+"/account"); p.URL.Path != "/sign-in" {
		t.Errorf("still signed in at A: %s", p.URL)
	}

	w.send(his, w.open(his, w.a.URL()+"/account/choice"), "", "choice", "handover")
	var listed struct{ People int }
	w.must(w.a.RunJSON(w.ctx, &listed, "identity", "move", "list", c.Name))
	var took struct {
		People []struct{ Handle, Address string }
		Failed []string
	}
	w.must(c.RunJSON(w.ctx, &took, "identity", "move", "take", w.a.Name))
	if listed.People != 1 || len(took.People) != 1 || len(took.Failed) != 0 || took.People[0].Handle != "bob" {
		t.Fatalf("%+v, %+v", listed, took)
	}
	fresh := relying.NewBrowser()
	p = w.send(fresh, w.open(fresh, took.People[0].Address), "", "password", password)
	w.want(p, c.URL()+"/account", "")
	w.same(bob, w.visits(c, "bob"))
}
