package journey

import (
	"testing"

	"entrechat/internal/app/lab/relying"
)

// TestJourney is alice of hoster A at a service of hoster B: she says where she is at home,
// signs in there, agrees once, and is in. Signing out at home ends it at the service.
func TestJourney(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	desk := w.account(w.a, "alice")

	// A browser that is signed in nowhere, her name typed.
	b := relying.NewBrowser()
	p := w.open(b, w.pad.URL()+"/")
	w.want(p, w.b.URL()+"/sign-in", "")
	p = w.open(b, w.b.URL()+"/sign-in/elsewhere?"+p.URL.RawQuery)
	p = w.send(b, p, "/sign-in/elsewhere", "who", "alice@"+w.a.Name)
	w.want(p, w.a.URL()+"/sign-in", "")
	if !p.Typed("who", "alice") {
		w.Errorf("her name is asked for again: %s", p.Body)
	}
	p = w.send(b, p, "/sign-in", "who", "alice", "password", password)
	w.want(p, w.a.URL()+"/sign-in/consent", w.b.Name)
	p = w.send(b, p, "/sign-in/consent")
	w.want(p, w.pad.URL()+"/", "pad")
	if p.At("username") != "alice.chaton-a-test" || p.At("mail") != "alice@"+w.a.Name {
		w.Errorf("the service was told %q, %q", p.At("username"), p.At("mail"))
	}
	sub := p.At("sub")

	// Another browser, her hoster picked: no second question.
	other := relying.NewBrowser()
	p = w.open(other, w.pad.URL()+"/")
	p = w.open(other, w.b.URL()+"/sign-in/elsewhere?"+p.URL.RawQuery)
	p = w.send(other, p, "/sign-in/elsewhere", "home", w.a.Name)
	p = w.send(other, p, "/sign-in", "who", "alice", "password", password)
	w.want(p, w.pad.URL()+"/", "pad")
	if p.At("sub") != sub {
		w.Errorf("another person: %s", p.At("sub"))
	}
	if d := w.homes(w.b)[w.a.Name]; d.People != 1 {
		w.Errorf("%+v", d)
	}

	// Signing out at home in one browser ends that one's session, at B and at the service.
	w.send(other, w.open(other, w.a.URL()+"/sign-out"), "")
	w.awaitOut(1)
	w.want(w.open(other, w.pad.URL()+"/"), w.b.URL()+"/sign-in", "")
	w.want(w.open(b, w.pad.URL()+"/"), w.pad.URL()+"/", "pad")

	// Signing out at the service ends it there and at B; she is in at home still.
	p = w.open(b, w.pad.URL()+"/sign-out")
	w.want(p, w.pad.URL()+"/bye", "Bye")
	p = w.open(b, w.pad.URL()+"/")
	w.want(p, w.b.URL()+"/sign-in", "")
	p = w.send(b, p, "/sign-in/elsewhere", "home", w.a.Name) // where it was last
	w.want(p, w.pad.URL()+"/", "pad")

	// Ending all others from her desk ends what was left.
	w.send(desk, w.open(desk, w.a.URL()+"/account/sessions"), "", "do", "all")
	w.awaitOut(0)
	w.want(w.open(b, w.pad.URL()+"/"), w.b.URL()+"/sign-in", "")
}

// awaitOut waits until the service has so many people signed in.
func (w *world) awaitOut(left int) {
	w.Helper()
	w.eventually("signed out at the service", func() bool { return len(w.pad.People()) == left })
}
