package journey

import (
	"net/http"
	"strings"
	"testing"

	"entrechat/internal/app/lab/relying"
)

// elsewhere opens the service in a browser and says that the person is at home at A.
func (w *world) elsewhere(b *relying.Browser) relying.Page {
	w.Helper()
	p := w.open(b, w.pad.URL()+"/")
	p = w.open(b, w.b.URL()+"/sign-in/elsewhere?"+p.URL.RawQuery)
	return w.send(b, p, "/sign-in/elsewhere", "home", w.a.Name)
}

// says fails unless a page is a refusal with a sentence that has these words.
func (w *world) says(p relying.Page, status int, words string) {
	w.Helper()
	if p.Status != status || !strings.Contains(p.Text(), words) {
		w.Errorf("wanted %d %q, came to %s: %d %s", status, words, p.URL, p.Status, p.Text())
	}
}

// office opens a page of a hoster's admins, with a link of the command line.
func (w *world) office(path string) relying.Page {
	w.Helper()
	printed, err := w.b.Run(w.ctx, "admin", "link")
	w.must(err)
	link := strings.Fields(printed)[0]
	b := relying.NewBrowser()
	w.send(b, w.open(b, link), "/admin/sign-in")
	return w.open(b, w.b.URL()+path)
}

// TestTroubles is what goes wrong between two hosters: the person thinks better of it, her
// hoster is away, is shut out, comes back; nodes start again.
func TestTroubles(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.account(w.a, "alice")
	w.account(w.b, "bob")

	// She types her own address into B's form, with any password: she is led to where it says hers.
	lost := relying.NewBrowser()
	p := w.send(lost, w.open(lost, w.pad.URL()+"/"), "/sign-in", "who", "alice@"+w.a.Name, "password", "x")
	w.want(p, w.b.URL()+"/sign-in/elsewhere", "")
	if !p.Typed("who", "alice@"+w.a.Name) {
		t.Errorf("she has to type it again: %s", p.Body)
	}
	w.want(w.send(lost, p, "/sign-in/elsewhere"), w.a.URL()+"/sign-in", "")

	// A hoster that nobody knows: the page says so, and still offers those that are.
	p = w.send(lost, w.open(lost, w.b.URL()+"/sign-in/elsewhere"), "/sign-in/elsewhere", "who", "nobody.test")
	w.says(p, http.StatusBadRequest, "nobody.test")
	w.says(p, http.StatusBadRequest, w.a.Name)
	w.says(w.office("/admin/homes"), http.StatusOK, "Come in here")

	// She does not agree: she is back where she chose, and somebody of B may still go on.
	b := relying.NewBrowser()
	p = w.send(b, w.elsewhere(b), "/sign-in", "who", "alice", "password", password)
	w.want(p, w.a.URL()+"/sign-in/consent", w.b.Name)
	p = w.open(b, w.a.URL()+"/oidc/authorize/next?cancel=1&"+p.URL.RawQuery)
	w.want(p, w.b.URL()+"/sign-in/elsewhere", "")
	p = w.open(b, w.b.URL()+"/sign-in?"+p.URL.RawQuery)
	p = w.send(b, p, "/sign-in", "who", "bob", "password", password)
	w.want(p, w.pad.URL()+"/", "pad")
	if p.At("username") != "bob" || len(w.homes(w.a)) != 1 {
		t.Errorf("%q, %+v", p.At("username"), w.homes(w.a))
	}

	// Both nodes start again in the middle of a sign-in.
	b = relying.NewBrowser()
	p = w.elsewhere(b)
	for _, n := range []string{"a", "b"} {
		node := map[string]func() error{"a": func() error { w.a.Kill(); return w.a.Up(w.ctx) }, "b": func() error { w.b.Kill(); return w.b.Up(w.ctx) }}[n]
		w.must(node())
	}
	p = w.send(b, p, "/sign-in", "who", "alice", "password", password)
	p = w.send(b, p, "/sign-in/consent")
	w.want(p, w.pad.URL()+"/", "pad")
	sub := p.At("sub")

	// Her hoster is away: who comes now is told so; she works on.
	w.a.Stop()
	w.says(w.elsewhere(relying.NewBrowser()), http.StatusServiceUnavailable, w.a.Name)
	w.want(w.open(b, w.pad.URL()+"/"), w.pad.URL()+"/", "pad")
	w.must(w.a.Up(w.ctx))

	// B shuts her hoster: she is out, and nobody comes in from there.
	if _, err := w.b.Run(w.ctx, "identity", "home", "shut", w.a.Name, "--reason", "spam"); err != nil {
		t.Fatal(err)
	}
	w.eventually("out of the service of a hoster that shut hers", func() bool { return w.open(b, w.pad.URL()+"/").URL.Path == "/sign-in" })
	other := relying.NewBrowser()
	p = w.open(other, w.b.URL()+"/sign-in/elsewhere")
	if strings.Contains(p.Body, `value="`+w.a.Name) {
		t.Errorf("a shut hoster is offered: %s", p.Body)
	}
	w.says(w.office("/admin/homes"), http.StatusOK, "Shut by us")
	if _, err := w.b.Run(w.ctx, "identity", "home", "open", w.a.Name); err != nil {
		t.Fatal(err)
	}
	p = w.elsewhere(b)
	w.want(p, w.pad.URL()+"/", "pad") // she is signed in at home, and agreed before
	if p.At("sub") != sub {
		t.Errorf("another person: %s, %s", sub, p.At("sub"))
	}

	// Her hoster suspends her: she is out everywhere.
	if _, err := w.a.Run(w.ctx, "identity", "person", "suspend", "alice"); err != nil {
		t.Fatal(err)
	}
	w.eventually("out of the service once suspended at home", func() bool { return w.open(b, w.pad.URL()+"/").URL.Path == "/sign-in" })
	p = w.send(b, w.elsewhere(b), "/sign-in", "who", "alice", "password", password)
	if p.URL.Host != strings.TrimPrefix(w.a.URL(), "http://") || p.Status == http.StatusOK {
		t.Errorf("who is suspended at home comes to %s: %d %s", p.URL, p.Status, p.Text())
	}
}
