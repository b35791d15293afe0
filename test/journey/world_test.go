package journey

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"entrechat/internal/app"
	"entrechat/internal/app/lab"
	"entrechat/internal/app/lab/relying"
)

// asProgram makes this test binary the entrechat program.
const asProgram = "ENTRECHAT_TEST_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		os.Exit(app.Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
	}
	if err := os.Setenv(asProgram, "1"); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

// password is everybody's.
const password = "un cheval debout"

// world is two hosters that let each other's people in, and a service of the second.
type world struct {
	*testing.T
	ctx  context.Context
	a, b *lab.Node
	pad  *relying.Service
}

func newWorld(t *testing.T) *world {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	t.Cleanup(cancel)
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	w := &world{T: t, ctx: ctx}
	nodes, err := lab.Found(t.TempDir(), program, 2)
	w.must(err)
	w.a, w.b = nodes[0], nodes[1]
	w.a.Front = strings.Replace(w.a.Public, "127.0.0.1", "localhost", 1) // cookies know no ports
	for _, n := range nodes {
		t.Cleanup(n.Stop)
		t.Cleanup(func() { w.confess(n) })
		w.must(n.Init(ctx))
		w.must(n.Up(ctx))
	}
	w.must(lab.Introduce(ctx, w.a, w.b))
	w.must(lab.Promise(ctx, w.a, w.b, "--login", "all"))
	w.pad, err = relying.NewService("pad")
	w.must(err)
	t.Cleanup(func() { w.must(w.pad.Close()) })
	w.must(w.pad.Join(ctx, w.b))
	w.awaitHomes()
	return w
}

// confess shows what a node said when a test failed.
func (w *world) confess(n *lab.Node) {
	if !w.Failed() {
		return
	}
	text, err := os.ReadFile(n.Dir + ".log")
	w.Logf("%s: %v\n%s", n.Name, err, text[max(0, len(text)-4000):])
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// known is what `identity home list --json` says of one home.
type known struct {
	Member string `json:"member"`
	In     bool   `json:"in"`
	Out    bool   `json:"out"`
	People int    `json:"people"`
}

// homes are the homes that a node knows.
func (w *world) homes(n *lab.Node) map[string]known {
	w.Helper()
	var list []known
	w.must(n.RunJSON(w.ctx, &list, "identity", "home", "list"))
	all := map[string]known{}
	for _, d := range list {
		all[d.Member] = d
	}
	return all
}

// awaitHomes waits until each of both knows from the other's logbook how it signs people in.
func (w *world) awaitHomes() {
	w.Helper()
	w.eventually("both know each other as homes", func() bool { return w.homes(w.b)[w.a.Name].In && w.homes(w.a)[w.b.Name].Out })
}

// eventually waits until something holds.
func (w *world) eventually(what string, holds func() bool) {
	w.Helper()
	begun := time.Now()
	for !holds() {
		select {
		case <-w.ctx.Done():
			w.Fatalf("never: %s", what)
		case <-time.After(100 * time.Millisecond):
		}
	}
	w.Logf("%s after %s", what, time.Since(begun).Round(100*time.Millisecond))
}

// account makes an account at a hoster, and its owner chooses a password in a browser.
func (w *world) account(n *lab.Node, handle string) *relying.Browser {
	w.Helper()
	var made struct {
		Link string `json:"link"`
	}
	w.must(n.RunJSON(w.ctx, &made, "identity", "person", "add", handle, "--name", strings.ToUpper(handle), "--mail", handle+"@"+n.Name))
	b := relying.NewBrowser()
	p := w.open(b, made.Link)
	p = w.send(b, p, "", "password", password)
	if p.URL.Path != "/account" || p.Status != 200 {
		w.Fatalf("no account: %d %s %s", p.Status, p.URL, p.Text())
	}
	return b
}

func (w *world) open(b *relying.Browser, address string) relying.Page {
	w.Helper()
	p, err := b.Open(w.ctx, address)
	w.must(err)
	return p
}

// send fills in a form: fields are names and values in turn.
func (w *world) send(b *relying.Browser, p relying.Page, path string, fields ...string) relying.Page {
	w.Helper()
	form := map[string]string{}
	for i := 0; i < len(fields); i += 2 {
		form[fields[i]] = fields[i+1]
	}
	next, err := b.Send(w.ctx, p, path, form)
	w.must(err)
	return next
}

// want fails unless a page is the one at an address.
func (w *world) want(p relying.Page, address, title string) {
	w.Helper()
	at := p.URL.Scheme + "://" + p.URL.Host + p.URL.Path
	if at != address || p.Status != 200 || !strings.Contains(p.Title(), title) {
		w.Fatalf("wanted %s %q, came to %s: %d %s", address, title, p.URL, p.Status, p.Text())
	}
}
