package credential

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
	"time"

	virtual "github.com/descope/virtualwebauthn"

	"entrechat/internal/core"
	"entrechat/internal/kit/dbtest"
	"entrechat/internal/room/identity/migrations"
	"entrechat/internal/room/identity/person"
)

const browser = "a cookie"

var site = virtual.RelyingParty{Name: "Chaton A", ID: "chaton-a.test", Origin: "https://chaton-a.test"}

// device is a person's authenticator with one passkey.
type device struct {
	virtual.Authenticator
	key virtual.Credential
}

func newDevice(who person.ID) *device {
	return &device{virtual.NewAuthenticatorWithOptions(virtual.AuthenticatorOptions{UserHandle: []byte(who)}), virtual.NewCredential(virtual.KeyTypeEC2)}
}

func (w *world) person() person.Person {
	id := person.NewID()
	return person.Person{ID: id, Handle: "alice-" + string(id[:4]), Name: "Alice", Kind: person.Local, Status: person.Active}
}

func (w *world) create(a Ask, at virtual.RelyingParty, d *device) []byte {
	w.t.Helper()
	o, err := virtual.ParseAttestationOptions(string(a.Options))
	if err != nil {
		w.t.Fatal(err, string(a.Options))
	}
	return []byte(virtual.CreateAttestationResponse(at, d.Authenticator, d.key, *o))
}

func (w *world) get(a Ask, at virtual.RelyingParty, d *device) []byte {
	w.t.Helper()
	o, err := virtual.ParseAssertionOptions(string(a.Options))
	if err != nil {
		w.t.Fatal(err, string(a.Options))
	}
	return []byte(virtual.CreateAssertionResponse(at, d.Authenticator, d.key, *o))
}

func (w *world) beginAdd(p person.Person) Ask {
	w.t.Helper()
	a, err := w.BeginPasskey(w.t.Context(), browser, p)
	if err != nil {
		w.t.Fatal(err)
	}
	return a
}

func (w *world) beginLogin() Ask {
	w.t.Helper()
	a, err := w.BeginLogin(w.t.Context(), browser, "")
	if err != nil {
		w.t.Fatal(err)
	}
	return a
}

func (w *world) add(p person.Person) (*device, Passkey) {
	w.t.Helper()
	a, d := w.beginAdd(p), newDevice(p.ID)
	k, err := w.FinishPasskey(w.t.Context(), p.ID, Answer{browser, a.Ceremony, w.create(a, site, d)}, " my\nphone ", nil)
	if err != nil {
		w.t.Fatal(err)
	}
	return d, k
}

func TestPasskeys(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx, p := t.Context(), w.person()
		d, k := w.add(p)
		if k.Name != "my phone" {
			t.Errorf("%q", k.Name)
		}
		a := w.beginLogin()
		if strings.Contains(string(a.Options), "allowCredentials") {
			t.Error("the question names passkeys:", string(a.Options))
		}
		answer := w.get(a, site, d)
		in, err := w.FinishLogin(ctx, Answer{browser, a.Ceremony, answer})
		if err != nil || in.Person != p.ID || in.Passkey != k.ID || !in.Verified {
			t.Fatal(in, err)
		}
		_, err = w.FinishLogin(ctx, Answer{browser, a.Ceremony, answer})
		code(t, err, core.CodeInvalid, "ceremony_over") // each answer once

		second, k2 := w.add(p)
		second.Options.UserNotVerified = true
		a = w.beginLogin()
		if in, err = w.FinishLogin(ctx, Answer{browser, a.Ceremony, w.get(a, site, second)}); err != nil || in.Passkey != k2.ID || in.Verified {
			t.Error(in, err)
		}
		ways, err := w.List(ctx, p.ID)
		if err != nil || len(ways.Passkeys) != 2 || ways.Passkeys[0].Used == 0 {
			t.Errorf("%+v, %v", ways, err)
		}
		if err := w.RenamePasskey(ctx, p.ID, k.ID, "desk"); err != nil {
			t.Error(err)
		}
		other := w.person()
		code(t, w.RenamePasskey(ctx, other.ID, k.ID, "mine"), core.CodeNotFound, "no_such")
		code(t, w.RemovePasskey(ctx, other.ID, k.ID), core.CodeNotFound, "no_such")
		if err := w.RemovePasskey(ctx, p.ID, k.ID); err != nil {
			t.Error(err)
		}
		code(t, w.RemovePasskey(ctx, p.ID, k2.ID), core.CodeConflict, "last_way")
		a = w.beginLogin()
		_, err = w.FinishLogin(ctx, Answer{browser, a.Ceremony, w.get(a, site, d)})
		code(t, err, core.CodeDenied, "passkey_refused") // removed
		if err := w.SetPassword(ctx, p.ID, good); err != nil {
			t.Fatal(err)
		}
		if err := w.RemovePasskey(ctx, p.ID, k2.ID); err != nil {
			t.Error("a password is left:", err)
		}
	})
}

func TestPasskeysOfStrangers(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t, "identity", migrations.Files))
	ctx, p, eve := t.Context(), w.person(), w.person()
	d, k := w.add(p)
	hers, _ := w.add(eve)

	phishing := virtual.RelyingParty{Name: "Chaton A", ID: "chaton-a.test", Origin: "https://chaton-a.evil.test"}
	other := virtual.RelyingParty{Name: "Chaton A", ID: "evil.test", Origin: "https://chaton-a.test"}
	plain := virtual.RelyingParty{Name: "Chaton A", ID: "chaton-a.test", Origin: "http://chaton-a.test"}
	for _, at := range []virtual.RelyingParty{phishing, other, plain} {
		a := w.beginLogin()
		_, err := w.FinishLogin(ctx, Answer{browser, a.Ceremony, w.get(a, at, d)})
		code(t, err, core.CodeDenied, "passkey_refused")
		b := w.beginAdd(p)
		_, err = w.FinishPasskey(ctx, p.ID, Answer{browser, b.Ceremony, w.create(b, at, newDevice(p.ID))}, "", nil)
		code(t, err, core.CodeDenied, "passkey_refused")
	}

	// Eve's device says it is Alice's.
	hers.Options.UserHandle = []byte(p.ID)
	a := w.beginLogin()
	_, err := w.FinishLogin(ctx, Answer{browser, a.Ceremony, w.get(a, site, hers)})
	code(t, err, core.CodeDenied, "passkey_refused")
	// Eve signs with her key under the id of Alice's passkey.
	forged := *hers
	forged.key.ID, _ = base64.RawURLEncoding.DecodeString(k.ID)
	a = w.beginLogin()
	_, err = w.FinishLogin(ctx, Answer{browser, a.Ceremony, w.get(a, site, &forged)})
	code(t, err, core.CodeDenied, "passkey_refused")
	// Eve adds a passkey under the id of Alice's.
	a = w.beginAdd(eve)
	_, err = w.FinishPasskey(ctx, eve.ID, Answer{browser, a.Ceremony, w.create(a, site, &forged)}, "", nil)
	code(t, err, core.CodeDenied, "passkey_refused")
	// Nobody.
	d.Options.UserHandle = nil
	a = w.beginLogin()
	_, err = w.FinishLogin(ctx, Answer{browser, a.Ceremony, w.get(a, site, d)})
	code(t, err, core.CodeDenied, "passkey_refused")
	d.Options.UserHandle = []byte(p.ID)
	// Alice, who is to prove that she is Eve.
	a, err = w.BeginLogin(ctx, browser, eve.ID)
	if err != nil || !strings.Contains(string(a.Options), "allowCredentials") {
		t.Fatal(err, string(a.Options))
	}
	_, err = w.FinishLogin(ctx, Answer{browser, a.Ceremony, w.get(a, site, d)})
	code(t, err, core.CodeDenied, "passkey_refused")
	// A device that nobody touched.
	d.Options.UserNotPresent = true
	a = w.beginLogin()
	_, err = w.FinishLogin(ctx, Answer{browser, a.Ceremony, w.get(a, site, d)})
	code(t, err, core.CodeDenied, "passkey_refused")
}

func TestCeremonies(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t, "identity", migrations.Files))
	ctx, p, eve := t.Context(), w.person(), w.person()
	d, _ := w.add(p)
	over := func(err error) { t.Helper(); code(t, err, core.CodeInvalid, "ceremony_over") }

	a := w.beginLogin()
	answer := w.get(a, site, d)
	for _, try := range [][2]string{{"another cookie", a.Ceremony}, {"", a.Ceremony}, {browser, ""}, {browser, a.Ceremony[:40]}, {browser, a.Ceremony + "A"}, {browser, "!" + a.Ceremony[1:]}} {
		_, err := w.FinishLogin(ctx, Answer{try[0], try[1], answer})
		over(err)
	}
	// Each question has its own answer.
	b := w.beginLogin()
	_, err := w.FinishLogin(ctx, Answer{browser, b.Ceremony, answer})
	code(t, err, core.CodeDenied, "passkey_refused")
	// A question to sign in adds no passkey, and Alice's adds none to Eve.
	_, err = w.FinishPasskey(ctx, p.ID, Answer{browser, a.Ceremony, answer}, "", nil)
	over(err)
	c := w.beginAdd(p)
	_, err = w.FinishPasskey(ctx, eve.ID, Answer{browser, c.Ceremony, w.create(c, site, newDevice(eve.ID))}, "", nil)
	over(err)
	_, err = w.FinishLogin(ctx, Answer{browser, c.Ceremony, answer})
	over(err)
	w.at = w.at.Add(ceremonyTime + time.Second)
	_, err = w.FinishLogin(ctx, Answer{browser, a.Ceremony, answer})
	over(err)
	if _, err := w.BeginLogin(ctx, "", ""); err == nil {
		t.Error("a ceremony of no browser")
	}
	// Eight answers at once: one counts.
	a = w.beginLogin()
	answer, got := w.get(a, site, d), make(chan error, 8)
	for range 8 {
		go func() {
			_, err := w.FinishLogin(ctx, Answer{browser, a.Ceremony, answer})
			got <- err
		}()
	}
	n := 0
	for range 8 {
		if <-got == nil {
			n++
		}
	}
	if n != 1 {
		t.Errorf("an answer counted %d times", n)
	}
}

func TestCopiedPasskey(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t, "identity", migrations.Files))
	ctx, p := t.Context(), w.person()
	d, k := w.add(p)
	login := func(counter uint32) error {
		d.key.Counter = counter
		a := w.beginLogin()
		_, err := w.FinishLogin(ctx, Answer{browser, a.Ceremony, w.get(a, site, d)})
		return err
	}
	for _, counter := range []uint32{1, 2, 9} {
		if err := login(counter); err != nil {
			t.Error(counter, err)
		}
	}
	for _, counter := range []uint32{9, 3, 0} {
		code(t, login(counter), core.CodeDenied, "passkey_copied")
	}
	ways, err := w.List(ctx, p.ID)
	if err != nil || ways.Passkeys[0].ID != k.ID || ways.Passkeys[0].Doubted == 0 {
		t.Errorf("%+v, %v", ways, err)
	}
	if err := login(10); err != nil {
		t.Error(err)
	}
}

func TestManyPasskeys(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t, "identity", migrations.Files))
	p := w.person()
	ask := w.beginAdd(p)
	for range maxPasskeys {
		w.add(p)
	}
	_, err := w.BeginPasskey(t.Context(), browser, p)
	code(t, err, core.CodeConflict, "many_passkeys")
	_, err = w.FinishPasskey(t.Context(), p.ID, Answer{browser, ask.Ceremony, w.create(ask, site, newDevice(p.ID))}, "", nil)
	code(t, err, core.CodeConflict, "many_passkeys")
}

func TestAddressesOfPasskeys(t *testing.T) {
	d := dbtest.SQLite(t, "identity", migrations.Files)
	for address, want := range map[string]bool{
		"https://chaton-a.test": true, "https://chaton-a.test:8443": true, "http://localhost:7480": true, "http://chaton-a.test": false,
		"http://127.0.0.1:7480": false, "https://192.0.2.1": false, "https://[2001:db8::1]": false,
	} {
		s, err := New(Needs{DB: d, URL: address, Cost: Cost{MemoryKiB: 64, Passes: 1, Threads: 1}, Now: time.Now})
		if err != nil || s.HavePasskeys() != want {
			t.Errorf("%s: %v, %v", address, s.HavePasskeys(), err)
			continue
		}
		if !want {
			_, err := s.BeginLogin(t.Context(), browser, "")
			code(t, err, core.CodeInvalid, "no_passkeys")
		}
	}
	if _, err := New(Needs{DB: d, URL: "chaton-a"}); core.CodeOf(err) != core.CodeInvalid {
		t.Error(err)
	}
}

// Whatever a browser sends in the place of an answer, it is refused in good order.
func FuzzAnswer(f *testing.F) {
	f.Add([]byte(`{"id":"AAAA","rawId":"AAAA","type":"public-key","response":{"clientDataJSON":"e30","authenticatorData":"AAAA","signature":"AAAA","userHandle":"AAAA"}}`))
	f.Add([]byte(`{"id":"AAAA","rawId":"AAAA","type":"public-key","response":{"clientDataJSON":"e30","attestationObject":"AAAA"}}`))
	w := newWorld(&testing.T{}, nil)
	session, _, err := w.webauthn.BeginDiscoverableLogin()
	if err != nil {
		f.Fatal(err)
	}
	text, _ := json.Marshal(session)
	f.Add(text)
	f.Fuzz(func(t *testing.T, answer []byte) {
		if _, err := w.made(ceremony{Who: person.NewID()}, answer); core.CodeOf(err) != core.CodeDenied {
			t.Error(err)
		}
	})
}

func FuzzCeremony(f *testing.F) {
	f.Add("")
	w := newWorld(&testing.T{}, nil)
	a, err := w.BeginLogin(f.Context(), browser, "")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(a.Ceremony)
	f.Fuzz(func(t *testing.T, sealed string) {
		if _, err := w.answered(toEnter, Answer{Browser: browser, Ceremony: sealed}); err != nil && core.CodeOf(err) != core.CodeInvalid {
			t.Error(err)
		}
	})
}
