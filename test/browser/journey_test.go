package browser

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/webauthn"
	"github.com/chromedp/chromedp"

	"entrechat/internal/app/lab"
	"entrechat/internal/app/lab/relying"
)

// authenticator gives the browser a device with passkeys whose owner always agrees.
func (w *world) authenticator() {
	w.Helper()
	w.do(chromedp.ActionFunc(func(ctx context.Context) error {
		if err := webauthn.Enable().Do(ctx); err != nil {
			return err
		}
		_, err := webauthn.AddVirtualAuthenticator(&webauthn.VirtualAuthenticatorOptions{
			Protocol: webauthn.AuthenticatorProtocolCtap2, Transport: webauthn.AuthenticatorTransportInternal,
			HasResidentKey: true, HasUserVerification: true, IsUserVerified: true, AutomaticPresenceSimulation: true,
		}).Do(ctx)
		return err
	}))
}

// newNeighbours are two hosters that let each other's people in, and a service of the second.
func newNeighbours(t *testing.T) (w *world, pad *relying.Service) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	t.Cleanup(cancel)
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv(asProgram, "1")
	w = &world{T: t, ctx: ctx}
	w.all, err = lab.Found(t.TempDir(), program, 2)
	w.must(err)
	w.node = w.all[0]
	w.node.Front = strings.Replace(w.node.Public, "127.0.0.1", "localhost", 1) // passkeys want a name, cookies know no ports
	for _, n := range w.all {
		t.Cleanup(n.Stop)
		w.must(n.Init(ctx))
		w.must(n.Up(ctx))
	}
	w.must(lab.Introduce(ctx, w.node, w.all[1]))
	w.must(lab.Promise(ctx, w.node, w.all[1], "--login", "all"))
	pad, err = relying.NewService("pad")
	w.must(err)
	t.Cleanup(func() { _ = pad.Close() })
	w.must(pad.Join(ctx, w.all[1]))
	for !strings.Contains(w.run(w.all[1], "identity", "home", "list"), w.node.URL()) {
		time.Sleep(100 * time.Millisecond) // until the limit of the world
	}
	w.visits = w.chromium()
	w.authenticator()
	return w, pad
}

// TestJourney is alice of one hoster at a service of another, in a real browser, by passkey:
// no step of the way is held up by a page's own policy.
func TestJourney(t *testing.T) {
	w, pad := newNeighbours(t)
	axe := w.axe()
	var made struct {
		Link string `json:"link"`
	}
	w.must(w.node.RunJSON(w.ctx, &made, "identity", "person", "add", "alice", "--mail", "alice@"+w.node.Name))
	w.do(
		chromedp.Navigate(made.Link+"?lang=fr"), chromedp.Click(`form[action$="/passkey"] button`),
		chromedp.WaitVisible("#passkey-ask"), chromedp.Click("#passkey-ask"), chromedp.WaitVisible(".cards"),
		chromedp.Navigate(w.node.URL()+"/sign-out"), chromedp.Click("main form button"), chromedp.WaitVisible(".note.fine"),
	)
	w.forget()

	var username, sub string
	w.do(chromedp.Navigate(pad.URL()+"/"), chromedp.WaitVisible(`a[href^="/sign-in/elsewhere"]`))
	w.looked(axe, "journey-sign-in")
	w.do(chromedp.Click(`a[href^="/sign-in/elsewhere"]`), chromedp.WaitVisible("#home"))
	w.looked(axe, "journey-elsewhere")
	w.do(
		chromedp.SendKeys("#who", "alice@"+w.node.Name), chromedp.Click(`form:has(#who) button`),
		chromedp.WaitVisible(`form[action="/sign-in/passkey"]`), chromedp.Click(`form[action="/sign-in/passkey"] button`),
		chromedp.WaitVisible(`form[action="/sign-in/consent"]`),
	)
	w.looked(axe, "journey-consent")
	w.do(
		chromedp.Click(`form[action="/sign-in/consent"] button`),
		chromedp.WaitVisible("#username"), chromedp.Text("#username", &username), chromedp.Text("#sub", &sub),
	)
	if username != "alice.chaton-a-test" || sub == "" {
		t.Errorf("the service was told %q, %q", username, sub)
	}

	// Out at home is out at the service; back in, home is remembered and asks nothing but the passkey.
	w.do(chromedp.Navigate(w.node.URL()+"/sign-out"), chromedp.Click("main form button"), chromedp.WaitVisible(".note.fine"))
	for len(pad.People()) > 0 && w.ctx.Err() == nil {
		time.Sleep(100 * time.Millisecond)
	}
	var again string
	w.do(
		chromedp.Navigate(pad.URL()+"/"), chromedp.Click(`form[action="/sign-in/elsewhere"] button`),
		chromedp.WaitVisible(`form[action="/sign-in/passkey"]`), chromedp.Click(`form[action="/sign-in/passkey"] button`),
		chromedp.WaitVisible("#sub"), chromedp.Text("#sub", &again),
	)
	if again != sub {
		t.Errorf("another person: %s, %s", sub, again)
	}

	// A service that takes its code as a form, from a page of ours whose policy lets it go there.
	videos, err := relying.NewService("videos")
	w.must(err)
	t.Cleanup(func() { _ = videos.Close() })
	videos.FormPost = true
	w.must(videos.Join(w.ctx, w.all[1]))
	w.do(chromedp.Navigate(videos.URL()+"/"), chromedp.WaitVisible(`form[action^="`+videos.URL()+`"]`))
	w.looked(axe, "journey-form-post")
	w.do(chromedp.Click("main form button"), chromedp.WaitVisible("#username"), chromedp.Text("#username", &username))
	if username != "alice.chaton-a-test" {
		t.Errorf("the other service was told %q", username)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.complaint) > 0 {
		t.Errorf("the browser complains: %q", w.complaint)
	}
}
