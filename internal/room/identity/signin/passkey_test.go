package signin_test

import (
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	virtual "github.com/descope/virtualwebauthn"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/room/identity/person"
	"entrechat/internal/room/identity/signin"
)

// device is a person's authenticator with one passkey.
type device struct {
	virtual.Authenticator
	key  virtual.Credential
	site virtual.RelyingParty
}

func (w *world) device(who person.ID) *device {
	return &device{
		virtual.NewAuthenticatorWithOptions(virtual.AuthenticatorOptions{UserHandle: []byte(who)}), virtual.NewCredential(virtual.KeyTypeEC2),
		virtual.RelyingParty{ID: "localhost", Origin: w.server.URL},
	}
}

var (
	asked    = regexp.MustCompile(`data-options="([^"]*)"`)
	ceremony = regexp.MustCompile(`name="ceremony" value="([^"]*)"`)
	action   = regexp.MustCompile(`id="passkey" action="([^"]*)"`)
)

// make and get answer what a page asks, as its script does.
func (d *device) make(t *testing.T, page answer) string {
	t.Helper()
	o, err := virtual.ParseAttestationOptions(html.UnescapeString(found(t, asked, page)))
	if err != nil {
		t.Fatal(err)
	}
	return virtual.CreateAttestationResponse(d.site, d.Authenticator, d.key, *o)
}

func (d *device) get(t *testing.T, page answer) string {
	t.Helper()
	o, err := virtual.ParseAssertionOptions(html.UnescapeString(found(t, asked, page)))
	if err != nil {
		t.Fatal(err)
	}
	return virtual.CreateAssertionResponse(d.site, d.Authenticator, d.key, *o)
}

func found(t *testing.T, in *regexp.Regexp, page answer) string {
	t.Helper()
	m := in.FindStringSubmatch(page.body)
	if m == nil {
		t.Fatalf("%d: no %v in\n%s", page.status, in, page.body)
	}
	return m[1]
}

// enrolled is a person who was invited and chose a passkey.
func (w *world) enrolled(handle string) (person.ID, *device) {
	w.Helper()
	who := w.person(handle, "")
	text, err := signin.NewInvite(w.Context(), w.db, who, core.At(w.now))
	w.must(err)
	b, d := w.browser(), w.device(who)
	page := b.post(signin.InvitePath(text) + "/passkey")
	got := b.post(found(w.T, action, page), "ceremony", found(w.T, ceremony, page), "answer", d.make(w.T, page))
	if got.next != "/account" || b.as() != who {
		w.Fatalf("%v", got)
	}
	if got := b.get(signin.InvitePath(text)); got.status != http.StatusNotFound {
		w.Error("the invite still works")
	}
	return who, d
}

func TestSignInByPasskey(t *testing.T) {
	w := newWorld(t)
	alice, hers := w.enrolled("alice")
	b := w.browser()
	if page := b.get("/sign-in?flow=F1"); !strings.Contains(page.body, `action="/sign-in/passkey"`) || strings.Contains(page.body, "<script") {
		t.Error(page.body)
	}
	page := b.post("/sign-in/passkey", "flow", "F1")
	if policy := page.header.Get("Content-Security-Policy"); !strings.Contains(policy, "; script-src "+w.server.URL+"/site/") || !strings.HasSuffix(policy, "/passkey.js") {
		t.Error(policy)
	}
	answer := hers.get(t, page)
	stranger := w.browser()
	stranger.post("/sign-in/passkey")
	if got := stranger.post("/sign-in/passkey/answer", "ceremony", found(t, ceremony, page), "answer", answer); got.status != http.StatusBadRequest || stranger.as() != "" {
		t.Errorf("in another browser: %d", got.status)
	}
	if got := b.post("/sign-in/passkey/answer", "flow", "F1", "ceremony", found(t, ceremony, page), "answer", answer); got.next != "/sign-in/done?flow=F1" || b.as() != alice {
		t.Errorf("%v", got)
	}
	if got := b.post("/sign-in/passkey/answer", "ceremony", found(t, ceremony, page), "answer", answer); got.status != http.StatusBadRequest {
		t.Errorf("an answer counts twice: %d", got.status)
	}
}

func TestPasskeysThatAreRefused(t *testing.T) {
	w := newWorld(t)
	alice, hers := w.enrolled("alice")
	try := func(d *device, want int) {
		t.Helper()
		b := w.browser()
		page := b.post("/sign-in/passkey")
		got := b.post("/sign-in/passkey/answer", "ceremony", found(t, ceremony, page), "answer", d.get(t, page))
		if got.status != want || b.as() != "" {
			t.Errorf("%d to %s as %q", got.status, got.next, b.as())
		}
	}
	phished := *hers
	phished.site.Origin = "https://chaton-a.test.evil.test"
	try(&phished, http.StatusBadRequest)
	try(w.device(alice), http.StatusBadRequest) // not hers
	_, err := w.people.Change(t.Context(), alice, func(p *person.Person) error { p.Status = person.Suspended; return nil })
	w.must(err)
	try(hers, http.StatusForbidden)
	b := w.browser()
	if got := b.post("/sign-in/passkey/answer", "answer", "{}"); got.status != http.StatusBadRequest {
		t.Error(got.status)
	}
}

// A device that does not make sure of its owner is one factor: codes are asked for after it.
func TestAPasskeyOfNobodyInParticularIsOneFactor(t *testing.T) {
	w := newWorld(t)
	alice, hers := w.enrolled("alice")
	code := w.totp(alice)
	hers.Options.UserNotVerified = true
	b := w.browser()
	page := b.post("/sign-in/passkey", "next", "/my-services")
	got := b.post("/sign-in/passkey/answer", "next", "/my-services", "ceremony", found(t, ceremony, page), "answer", hers.get(t, page))
	if got.next != "/sign-in/second" || b.as() != "" {
		t.Fatalf("%v", got)
	}
	if got := b.post("/sign-in/second", "code", code()); got.next != "/my-services" || b.as() != alice {
		t.Errorf("%v", got)
	}
	home, err := url.Parse(w.server.URL)
	w.must(err)
	if n := len(b.Jar.Cookies(home)); n != 1 {
		t.Errorf("%d cookies are left", n)
	}
}

// A passkey that was made by a link is kept where the link is used up, and not elsewhere.
func TestAPasskeyWithoutItsLink(t *testing.T) {
	w := newWorld(t)
	alice := w.person("alice", "")
	text, err := signin.NewInvite(w.Context(), w.db, alice, core.At(w.now))
	w.must(err)
	b, d := w.browser(), w.device(alice)
	page := b.post(signin.InvitePath(text) + "/passkey")
	_, err = db.Exec(t.Context(), w.db, `CREATE TRIGGER full BEFORE DELETE ON identity_token BEGIN SELECT RAISE(ABORT, 'full'); END`)
	w.must(err)
	if got := b.post(found(t, action, page), "ceremony", found(t, ceremony, page), "answer", d.make(t, page)); got.status < 500 {
		t.Error(got.status)
	}
	if ways, err := w.secrets.List(t.Context(), alice); err != nil || len(ways.Passkeys) != 0 {
		t.Errorf("%+v %v", ways, err)
	}
}
