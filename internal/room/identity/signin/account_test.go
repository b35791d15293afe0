package signin_test

import (
	"errors"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/seal"
	"entrechat/internal/room/identity/audit"
	"entrechat/internal/room/identity/person"
	"entrechat/internal/room/identity/signin"
	"entrechat/internal/room/identity/throttle/captcha"
)

// linkTo sends what is due and finds a link below a path in the last mail to somebody.
func (w *world) linkTo(address, below string) string {
	w.Helper()
	w.must(w.SendDue(w.Context()))
	for _, l := range slices.Backward(w.mails.letters) {
		if _, rest, found := strings.Cut(l.text, w.server.URL+below); found && l.to == address {
			return below + strings.Fields(rest)[0]
		}
	}
	w.Fatalf("no link below %s to %s in %v", below, address, w.mails.letters)
	return ""
}

var challenge = regexp.MustCompile(`name="captcha" value="([^"]*)"`)

// signUp asks for an account, as a browser that works the captcha out.
func (b browser) signUp(address string) answer {
	b.Helper()
	text := b.challenge()
	return b.post("/sign-up", "mail", address, "captcha", text, "captcha_solution", captcha.Solve(text))
}

// challenge is one that the page gives while anybody may ask, else one made by the test.
func (b browser) challenge() string {
	b.Helper()
	if m := challenge.FindStringSubmatch(b.get("/sign-up").body); m != nil {
		return m[1]
	}
	return captcha.New(captcha.Needs{DB: b.db, Box: seal.NewBox([32]byte{1}), Bits: 1, Now: func() time.Time { return b.now }}).Challenge("sign-up")
}

func TestSignUp(t *testing.T) {
	for _, c := range []struct {
		how    string
		status person.Status
	}{{signin.ByAnybody, person.Active}, {signin.ByRequest, person.Waiting}} {
		w := newWorldWith(t, signin.Settings{SignUp: c.how, Terms: "https://chaton-a.test/cgu"})
		b := w.browser()
		if got := b.signUp("Zoe@Mail.test"); got.next != "/sign-up?sent=1" {
			t.Fatal(got)
		}
		link := w.linkTo("zoe@mail.test", "/sign-up/")
		if page := b.get(link); page.status != http.StatusOK || strings.Contains(page.body, `name="text"`) != (c.how == signin.ByRequest) {
			t.Error(page)
		}
		form := []string{"handle", "zoe", "name", "Zoé", "password", "correct horse", "choice", "handover", "text", "J'habite ici.", "terms", "yes"}
		for _, bad := range [][]string{{"handle", "!"}, {"password", "short"}, {"password", "zoe@mail.test"}, {"choice", "burn"}, {"terms", ""}, {"text", strings.Repeat("x", 1001)}} {
			if bad[0] == "text" && c.how != signin.ByRequest {
				continue
			}
			wrong := slices.Clone(form)
			wrong[slices.Index(wrong, bad[0])+1] = bad[1]
			if got := b.post(link, wrong...); got.status != http.StatusBadRequest {
				t.Errorf("%v: %d", bad, got.status)
			}
		}
		got := b.post(link, form...)
		zoe, err := w.people.Find(t.Context(), "zoe@mail.test")
		w.must(err)
		if zoe.Handle != "zoe" || zoe.Name != "Zoé" || zoe.Choice != person.HandOver || zoe.Status != c.status || zoe.Lang != "en" {
			t.Errorf("%+v", zoe)
		}
		if in := b.as() == zoe.ID; in != (c.status == person.Active) || got.status != http.StatusSeeOther {
			t.Errorf("%s: %v, signed in %v", c.how, got, in)
		}
		if got := b.post(link, form...); got.status != http.StatusNotFound {
			t.Errorf("the link is used: %d", got.status)
		}
		if why, err := w.Request(t.Context(), zoe.ID); err != nil || (why != "") != (c.status == person.Waiting) {
			t.Errorf("%q, %v", why, err)
		}
		if events := w.events(zoe.ID); events[len(events)-1] != audit.SignedUp {
			t.Error(events)
		}
		if c.status == person.Waiting {
			w.admitted(zoe.ID)
		}
	}
}

// admitted lets somebody in who waits, who is told.
func (w *world) admitted(who person.ID) {
	w.Helper()
	p, err := w.people.Change(w.Context(), who, func(p *person.Person) error { p.Status = person.Active; return nil })
	w.must(err)
	w.must(w.Admitted(w.Context(), w.db, p))
	w.must(w.SendDue(w.Context()))
	if last := w.mails.letters[len(w.mails.letters)-1]; last.to != p.Mail || !strings.Contains(last.text, "accepted") {
		w.Error(last)
	}
	if b := w.browser(); b.post("/sign-in", "who", p.Handle, "password", "correct horse").next != "/account" {
		w.Error("who was admitted cannot sign in")
	}
}

// Who asks for an account, or a way back, learns nothing of who has one.
func TestAskingTellsNothing(t *testing.T) {
	w := newWorldWith(t, signin.Settings{SignUp: signin.ByAnybody})
	w.person("alice", "correct horse")
	for path, field := range map[string]string{"/sign-up": "mail", "/recover": "who"} {
		var first answer
		for i, address := range []string{"alice@mail.test", "nobody@mail.test"} {
			b := w.browser()
			var got answer
			if path == "/recover" {
				got = b.post(path, field, address)
			} else {
				got = b.signUp(address)
			}
			page := b.get(got.next)
			if i == 0 {
				first = page
			}
			if got.status != http.StatusSeeOther || page.body != first.body || page.status != first.status {
				t.Errorf("%s for %s: %d, the same page %v", path, address, got.status, page.body == first.body)
			}
		}
	}
	w.must(w.SendDue(t.Context()))
	var to []string
	for _, l := range w.mails.letters {
		to = append(to, l.to)
	}
	slices.Sort(to)
	if !slices.Equal(to, []string{"alice@mail.test", "alice@mail.test", "nobody@mail.test"}) {
		t.Error(to)
	}
}

func TestSignUpByInviteOnly(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	if page := b.get("/sign-up"); !strings.Contains(page.body, "by invitation") {
		t.Error(page.body)
	}
	if got := b.post("/sign-up", "mail", "zoe@mail.test"); got.status != http.StatusBadRequest {
		t.Errorf("without the captcha: %d", got.status)
	}
	if got := b.signUp("zoe@mail.test"); got.status != http.StatusForbidden {
		t.Error(got.status)
	}
	text, err := signin.NewInvite(t.Context(), w.db, "", core.At(w.now))
	w.must(err)
	got := b.post(signin.InvitePath(text), "handle", "zoe", "password", "correct horse", "terms", "yes")
	if zoe, err := w.people.Find(t.Context(), "zoe"); err != nil || zoe.Status != person.Active || zoe.Mail != "" || b.as() != zoe.ID {
		t.Error(got, zoe, err)
	}
}

// Of many who use one link at once, one makes an account.
func TestALinkMakesOneAccount(t *testing.T) {
	w := newWorld(t)
	text, err := signin.NewInvite(t.Context(), w.db, "", core.At(w.now))
	w.must(err)
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			w.browser().post(signin.InvitePath(text), "handle", "zoe"+string(rune('a'+i)), "password", "correct horse", "terms", "yes")
		})
	}
	all.Wait()
	if n, err := db.One(t.Context(), w.db, db.Int64, `SELECT count(*) FROM identity_person`); err != nil || n != 1 {
		t.Errorf("%d accounts, %v", n, err)
	}
}

func TestRecover(t *testing.T) {
	w := newWorld(t)
	alice := w.person("alice", "correct horse")
	lost := w.browser()
	lost.post("/sign-in", "who", "alice", "password", "correct horse")
	b := w.browser()
	b.post("/recover", "who", "Alice")
	link := w.linkTo("alice@mail.test", "/invite/")
	if page := b.get(link); page.status != http.StatusOK || !strings.Contains(page.body, "alice") {
		t.Error(page)
	}
	if got := b.post(link, "password", "short"); got.status != http.StatusBadRequest {
		t.Error(got.status)
	}
	if got := b.post(link, "password", "battery staple"); got.next != "/account" || b.as() != alice || lost.as() != "" {
		t.Errorf("%v; in the other browser %q", got, lost.as())
	}
	if got := b.post(link, "password", "battery staple 2"); got.status != http.StatusNotFound {
		t.Error("a link that works twice")
	}
	if got := w.browser().post("/sign-in", "who", "alice", "password", "correct horse"); got.status != http.StatusBadRequest {
		t.Error("the old password still opens it")
	}
	// A link lives two hours.
	b.post("/recover", "who", "alice")
	link = w.linkTo("alice@mail.test", "/invite/")
	w.now = w.now.Add(2 * time.Hour)
	if got := b.get(link); got.status != http.StatusNotFound {
		t.Error("an old link")
	}
}

// A link that gets around a second factor comes 30 minutes after a warning that stops it;
// codes are asked for all the same.
func TestRecoverPastASecondFactor(t *testing.T) {
	w := newWorld(t)
	alice := w.person("alice", "correct horse")
	code := w.totp(alice)
	b := w.browser()
	b.post("/recover", "who", "alice")
	b.post("/recover", "who", "alice") // once is enough
	stop := w.linkTo("alice@mail.test", "/recover/stop/")
	if n := len(w.mails.letters); n != 1 {
		t.Errorf("%d mails at once", n)
	}
	if got := b.post(stop); got.status != http.StatusOK {
		t.Error(got)
	}
	w.now = w.now.Add(time.Hour)
	w.must(w.SendDue(t.Context()))
	if n := len(w.mails.letters); n != 1 {
		t.Error("the link came though it was stopped")
	}
	b.post("/recover", "who", "alice")
	w.now = w.now.Add(29 * time.Minute)
	w.must(w.SendDue(t.Context()))
	if n := len(w.mails.letters); n != 2 {
		t.Errorf("%d mails before half an hour", n)
	}
	w.now = w.now.Add(time.Minute)
	link := w.linkTo("alice@mail.test", "/invite/")
	if page := b.get(link); strings.Contains(page.body, "/passkey") {
		t.Error("a passkey would get around the codes")
	}
	if got := b.post(link + "/passkey"); got.status != http.StatusNotFound {
		t.Error(got.status)
	}
	if got := b.post(link, "password", "battery staple"); got.next != "/sign-in/second" || b.as() != "" {
		t.Error(got)
	}
	if got := b.post("/sign-in/second", "code", code()); got.next != "/account" || b.as() != alice {
		t.Error(got)
	}
}

// A mail is tried again, is not written to who has left, and one address gets few.
func TestMails(t *testing.T) {
	w := newWorldWith(t, signin.Settings{SignUp: signin.ByAnybody})
	alice := w.person("alice", "correct horse")
	b := w.browser()
	w.mails.refuse = errors.New("no server")
	b.post("/recover", "who", "alice")
	for range 3 {
		w.must(w.SendDue(t.Context()))
	}
	w.mails.refuse = nil
	w.must(w.SendDue(t.Context()))
	if len(w.mails.letters) != 0 {
		t.Error("tried again at once")
	}
	w.now = w.now.Add(time.Minute)
	link := w.linkTo("alice@mail.test", "/invite/")
	if strings.Contains(w.dump(), strings.TrimPrefix(link, "/invite/")) {
		t.Error("the token lies in the database")
	}
	for range 10 {
		b.signUp("zoe@mail.test")
	}
	w.must(w.SendDue(t.Context()))
	if n := len(w.mails.letters); n != 4 {
		t.Errorf("%d mails", n)
	}
	w.now = w.now.Add(time.Hour)
	b.post("/recover", "who", "alice")
	_, err := person.Close(t.Context(), w.db, alice, core.At(w.now))
	w.must(err)
	w.must(w.SendDue(t.Context()))
	if n := len(w.mails.letters); n != 4 {
		t.Error("who has left got a mail")
	}
	w.mails.off = true
	if page := b.get("/recover"); !strings.Contains(page.body, "sends no mail") {
		t.Error(page.body)
	}
}

// dump is all that the folder's tables hold, as text.
func (w *world) dump() string {
	w.Helper()
	var all strings.Builder
	for _, query := range []string{`SELECT hash || kind || address FROM identity_token`, `SELECT id || kind || address FROM identity_mail`} {
		rows, err := db.All(w.Context(), w.db, db.Text, query)
		w.must(err)
		all.WriteString(strings.Join(rows, "\n"))
	}
	return all.String()
}

// A new address counts once its link was opened; the old one is told.
func TestAnotherAddress(t *testing.T) {
	w := newWorld(t)
	alice, bob := w.person("alice", "correct horse"), w.person("bob", "correct horse")
	p, err := w.people.Get(t.Context(), alice)
	w.must(err)
	w.must(w.AskAddress(t.Context(), p, "bob@mail.test")) // another's: nothing happens, nothing is said
	w.must(w.SendDue(t.Context()))
	if len(w.mails.letters) != 0 {
		t.Error(w.mails.letters)
	}
	w.must(w.AskAddress(t.Context(), p, "Alice@New.test"))
	link := w.linkTo("alice@new.test", "/account/mail/")
	b := w.browser()
	b.get(link)
	if p, err := w.people.Get(t.Context(), alice); err != nil || p.Mail != "alice@mail.test" {
		t.Error("looking at the link was enough", err)
	}
	if got := b.post(link); got.status != http.StatusOK {
		t.Error(got)
	}
	w.must(w.SendDue(t.Context()))
	if p, err := w.people.Get(t.Context(), alice); err != nil || p.Mail != "alice@new.test" || w.mails.letters[1].to != "alice@mail.test" || w.events(alice)[0] != audit.MailChanged {
		t.Error(p, err, w.mails.letters)
	}
	// Who gets the address first has it.
	w.must(w.AskAddress(t.Context(), p, "both@mail.test"))
	link = w.linkTo("both@mail.test", "/account/mail/")
	_, err = w.people.Change(t.Context(), bob, func(p *person.Person) error { p.Mail = "both@mail.test"; return nil })
	w.must(err)
	if got := b.post(link); got.status != http.StatusConflict {
		t.Errorf("two people with one address: %d", got.status)
	}
}

// TestNobodyComesWhileWeClose: no page makes an account any more, whoever has a link; who has an
// account signs in, and chooses a new password.
func TestNobodyComesWhileWeClose(t *testing.T) {
	w := newWorldWith(t, signin.Settings{SignUp: signin.ByAnybody})
	alice := w.person("alice", "correct horse")
	w.browser().signUp("zoe@mail.test")
	link := w.linkTo("zoe@mail.test", "/sign-up/")
	invite, err := signin.NewInvite(w.Context(), w.db, "", core.At(w.now))
	w.must(err)
	own, err := signin.NewInvite(w.Context(), w.db, alice, core.At(w.now))
	w.must(err)
	w.closes = core.Denied("identity.signin.by_invite", errors.New("closes"))
	for _, path := range []string{"/sign-up", link, signin.InvitePath(invite)} {
		if got := w.browser().get(path); got.status != http.StatusForbidden {
			t.Errorf("%s: %d", path, got.status)
		}
		got := w.browser().post(path, "handle", "zoe", "password", "correct horse", "terms", "yes", "mail", "zoe@mail.test")
		if _, err := w.people.Find(w.Context(), "zoe"); got.status < 400 || core.CodeOf(err) != core.CodeNotFound {
			t.Errorf("%s: %d, %v", path, got.status, err)
		}
	}
	if got := w.browser().signUp("yves@mail.test"); got.status < 400 {
		t.Error(got.status)
	}
	if b := w.browser(); b.post(signin.InvitePath(own), "password", "a horse that is quite correct").status >= 400 || b.as() != alice {
		t.Error("who is here goes on")
	}
}
