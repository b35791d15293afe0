package signin_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/room/identity/audit"
	"entrechat/internal/room/identity/person"
)

func TestSignInByHandleOrAddress(t *testing.T) {
	w := newWorld(t)
	alice := w.person("alice", "correct horse")
	for _, typed := range []string{"alice", " Alice ", "ALICE@mail.test"} {
		b := w.browser()
		page := b.get("/sign-in")
		if page.status != http.StatusOK || page.header.Get("Cache-Control") != "no-store" || strings.Contains(page.body, "<script") {
			t.Error(page)
		}
		if got := b.post("/sign-in", "who", typed, "password", "correct horse"); got.status != http.StatusSeeOther || got.next != "/account" || b.as() != alice {
			t.Errorf("%q: %d to %s as %q", typed, got.status, got.next, b.as())
		}
		if page := b.get("/sign-in"); !strings.Contains(page.body, "account of alice") {
			t.Error("it does not say who is signed in")
		}
		if got := b.post("/sign-out"); got.next != "/sign-out" || b.as() != "" {
			t.Errorf("signing out: %v", got)
		}
	}
	if got := w.events(alice)[:2]; !slices.Equal(got, []audit.Kind{audit.SignedOut, audit.SignedIn}) {
		t.Error(got)
	}
}

// What fails says nothing of whether there is an account, and costs the same.
func TestFailuresAreAlike(t *testing.T) {
	w := newWorld(t)
	alice := w.person("alice", "correct horse")
	visitor, err := person.CreateVisitor(t.Context(), w.db, "vera", "chaton-b.test", core.At(w.now))
	w.must(err)
	w.must(w.secrets.SetPassword(t.Context(), visitor.ID, "correct horse"))
	var first string
	for _, c := range [][2]string{{"alice", "wrong"}, {"alice@mail.test", "wrong"}, {"nobody", "wrong"}, {"nobody@mail.test", "x"}, {"not a handle!", ""}, {visitor.Handle, "correct horse"}, {"", "correct horse"}} {
		w.secrets.checked = nil
		b := w.browser()
		got := b.post("/sign-in", "who", c[0], "password", c[1])
		body := got.body
		if c[0] != "" {
			body = strings.ReplaceAll(body, c[0], "WHO")
		} else {
			body = strings.ReplaceAll(body, `value=""`, `value="WHO"`)
			body = strings.Replace(body, `type="password" value="WHO"`, `type="password" value=""`, 1)
		}
		if first == "" {
			first = body
		}
		if got.status != http.StatusBadRequest || body != first || b.as() != "" || len(w.secrets.checked) != 1 || len(b.Jar.Cookies(mustURL(t, w.server.URL))) != 0 {
			t.Errorf("%q: %d, same page %v, passwords compared %d", c[0], got.status, body == first, len(w.secrets.checked))
		}
		if strings.Contains(got.body, "wrong\"") || strings.Contains(got.body, "correct horse") {
			t.Error("the password is in the page")
		}
	}
	if slices.Contains(w.secrets.tries, true) || len(w.secrets.tries) != 7 {
		t.Error(w.secrets.tries)
	}
	if got := w.events(alice); len(got) != 2 || got[0] != audit.SignInFailed {
		t.Error(got)
	}
}

func TestWhoMayNotSignIn(t *testing.T) {
	w := newWorld(t)
	alice := w.person("alice", "correct horse")
	for status, sentence := range map[person.Status]string{person.Waiting: "waits for an answer", person.Suspended: "suspended"} {
		_, err := w.people.Change(t.Context(), alice, func(p *person.Person) error { p.Status = status; return nil })
		w.must(err)
		b := w.browser()
		if got := b.post("/sign-in", "who", "alice", "password", "correct horse"); got.status != http.StatusForbidden || !strings.Contains(got.body, sentence) || b.as() != "" {
			t.Errorf("%s: %d", status, got.status)
		}
		if got := b.post("/sign-in", "who", "alice", "password", "wrong"); got.status != http.StatusBadRequest {
			t.Errorf("%s with a wrong password: %d", status, got.status)
		}
	}
	_, err := person.Close(t.Context(), w.db, alice, core.At(w.now))
	w.must(err)
	if got := w.browser().post("/sign-in", "who", "alice", "password", "correct horse"); got.status != http.StatusBadRequest {
		t.Error("who has left still has a password here")
	}
}

func TestTheSecondFactor(t *testing.T) {
	w := newWorld(t)
	alice := w.person("alice", "correct horse")
	code := w.totp(alice)
	codes, err := w.secrets.NewRecovery(t.Context(), alice)
	w.must(err)
	b := w.browser()
	if got := b.get("/sign-in/second"); got.status != http.StatusNotFound {
		t.Errorf("without a step: %d", got.status)
	}
	in := func(b browser) {
		t.Helper()
		got := b.post("/sign-in", "who", "alice", "password", "correct horse", "next", "/my-services")
		if got.next != "/sign-in/second" || b.as() != "" {
			t.Fatalf("%d to %s", got.status, got.next)
		}
	}
	in(b)
	stranger := w.browser()
	if got := stranger.post("/sign-in/second", "code", code()); got.status != http.StatusNotFound || stranger.as() != "" {
		t.Error("another browser took the step")
	}
	typed := code()
	if got := b.post("/sign-in/second", "code", "000000"); got.status != http.StatusBadRequest || b.as() != "" {
		t.Errorf("wrong code: %d", got.status)
	}
	if got := b.post("/sign-in/second", "code", " "+typed[:3]+" "+typed[3:]+" "); got.next != "/my-services" || b.as() != alice {
		t.Errorf("right code: %d to %s", got.status, got.next)
	}
	if got := b.post("/sign-in/second", "code", code()); got.status != http.StatusNotFound {
		t.Errorf("the step is used: %d", got.status)
	}
	// A recovery code does as well, and its owner sees that it did.
	b = w.browser()
	in(b)
	if got := b.post("/sign-in/second", "code", codes[0]); got.next != "/my-services" || b.as() != alice {
		t.Errorf("%d to %s", got.status, got.next)
	}
	if happened := w.events(alice); happened[0] != audit.SignedIn || happened[1] != audit.RecoveryUsed {
		t.Errorf("%v", happened)
	}
	// Five tries, then the password again.
	b = w.browser()
	in(b)
	for range 5 {
		b.post("/sign-in/second", "code", "000000")
	}
	if got := b.post("/sign-in/second", "code", code()); got.status != http.StatusNotFound || b.as() != "" {
		t.Errorf("a sixth try: %d", got.status)
	}
	// And ten minutes.
	b = w.browser()
	in(b)
	w.now = w.now.Add(10 * time.Minute)
	if got := b.post("/sign-in/second", "code", code()); got.status != http.StatusNotFound || b.as() != "" {
		t.Errorf("too late: %d", got.status)
	}
}

// A service that waits is gone on to from a page: no POST leads to another site, nor to an
// address that somebody else wrote.
func TestWhereSigningInLeads(t *testing.T) {
	w := newWorld(t)
	w.person("alice", "correct horse")
	for _, c := range []struct{ name, value, next string }{
		{"next", "/account/sessions?x=1", "/account/sessions?x=1"},
		{"next", "https://evil.test/", "/account"},
		{"next", "//evil.test/", "/account"},
		{"next", `/\evil.test/`, "/account"},
		{"next", "/%0d%0aSet-Cookie:x", "/%0d%0aSet-Cookie:x"},
		{"next", "/\r\nSet-Cookie: x=y", "/account"},
		{"next", "javascript:alert(1)", "/account"},
		{"flow", "F1", "/sign-in/done?flow=F1"},
		{"flow", "../evil", "/account"},
	} {
		b := w.browser()
		if got := b.post("/sign-in", "who", "alice", "password", "correct horse", c.name, c.value); got.next != c.next {
			t.Errorf("%s=%q leads to %q", c.name, c.value, got.next)
		}
	}
	b := w.browser()
	if page := b.get("/sign-in?flow=F1"); !strings.Contains(page.body, "Pad &lt;b&gt;") || !strings.Contains(page.body, `name="flow" value="F1"`) || !strings.Contains(page.body, `value="alice"`) {
		t.Error(page.body)
	}
	if page := b.get("/sign-in?flow=F1"); !strings.Contains(page.body, "more than a password") || strings.Contains(page.body, "once more") {
		t.Error("what the service wants:", page.body)
	}
	if page := b.get("/sign-in/done?flow=F2"); page.status != http.StatusNotFound || strings.Contains(page.body, "refresh") {
		t.Errorf("a sign-in that waits no more is gone on to: %d %s", page.status, page.body)
	}
	b.post("/sign-in", "who", "alice", "password", "correct horse")
	if page := b.get("/sign-in?flow=F1"); !strings.Contains(page.body, "once more") {
		t.Error("it does not say why they sign in again:", page.body)
	}
	page := b.get("/sign-in/done?flow=F1")
	if !strings.Contains(page.body, `content="0;url=/oidc/authorize/next?flow=F1"`) || !strings.Contains(page.body, "Pad &lt;b&gt;") {
		t.Error(page.body)
	}
}

// A brake refuses before anything is compared.
func TestWhoGuessesComesBackLater(t *testing.T) {
	w := newWorld(t)
	w.person("alice", "correct horse")
	w.secrets.refuse = core.Unsure("web.busy", nil)
	if got := w.browser().post("/sign-in", "who", "alice", "password", "correct horse"); codeOf(got.status) != core.CodeUnsure || len(w.secrets.checked) != 0 {
		t.Errorf("%d, compared %d", got.status, len(w.secrets.checked))
	}
}

// A handle and an address count for one person. Who had too many guesses is answered as after
// a wrong one, whatever was typed, and no password of theirs is compared.
func TestNamesOfOnePersonAreOneTally(t *testing.T) {
	w := newWorld(t)
	alice := w.person("alice", "correct horse")
	for _, name := range []string{"alice", "Alice@mail.test", "nobody"} {
		w.browser().post("/sign-in", "who", name, "password", "wrong")
	}
	if want := []string{string(alice), string(alice), "nobody/nobody"}; !slices.Equal(w.secrets.owners, want) {
		t.Error(w.secrets.owners)
	}
	w.secrets.late, w.secrets.checked = true, nil
	b := w.browser()
	right := b.post("/sign-in", "who", "alice", "password", "correct horse")
	wrong := b.post("/sign-in", "who", "alice", "password", "wrong")
	if right.status != wrong.status || right.body != wrong.body || b.as() != "" {
		t.Errorf("%d and %d", right.status, wrong.status)
	}
	if !slices.Equal(w.secrets.checked, []person.ID{"", ""}) {
		t.Error(w.secrets.checked)
	}
}

// A sign-in, a sign-out and the use of a recovery code stand in the log of the account, or are
// not done.
func TestWhatIsNotLoggedIsNotDone(t *testing.T) {
	w := newWorld(t)
	alice := w.person("alice", "correct horse")
	full := func() (ends func()) {
		_, err := db.Exec(t.Context(), w.db, `CREATE TRIGGER full BEFORE INSERT ON identity_audit BEGIN SELECT RAISE(ABORT, 'full'); END`)
		w.must(err)
		return func() {
			_, err := db.Exec(t.Context(), w.db, `DROP TRIGGER full`)
			w.must(err)
		}
	}
	in := []string{"who", "alice", "password", "correct horse"}
	b, ends := w.browser(), full()
	if got := b.post("/sign-in", in...); got.status < 500 || b.as() != "" {
		t.Errorf("%d as %q", got.status, b.as())
	}
	if left, err := w.sessions.List(t.Context(), alice); err != nil || len(left) != 0 {
		t.Error(left, err)
	}
	ends()
	if b.post("/sign-in", in...); b.as() != alice {
		t.Error("not signed in")
	}
	ends = full()
	if got := b.post("/sign-out"); got.status < 500 || b.as() != alice {
		t.Errorf("%d as %q", got.status, b.as())
	}
	ends()
	if b.post("/sign-out"); b.as() != "" {
		t.Error("not signed out")
	}
	w.totp(alice)
	codes, err := w.secrets.NewRecovery(t.Context(), alice)
	w.must(err)
	b.post("/sign-in", in...)
	ends = full()
	if got := b.post("/sign-in/second", "code", codes[0]); got.status < 500 {
		t.Error(got.status)
	}
	ends()
	if b.post("/sign-in/second", "code", codes[0]); b.as() != alice {
		t.Error("the code is used up, and nobody was told")
	}
}
