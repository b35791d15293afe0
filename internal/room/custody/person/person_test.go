package person

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"filippo.io/age"
	"filippo.io/age/agessh"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/dbtest"
	"entrechat/internal/kit/seal"
	"entrechat/internal/room/custody/migrations"
)

// keygen makes a key with the real ssh-keygen, and signs with it.
func keygen(t *testing.T) (path, public string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "id")
	run(t, "", "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "ana@planted.test", "-f", path)
	text, err := os.ReadFile(path + ".pub")
	if err != nil {
		t.Fatal(err)
	}
	return path, string(text)
}

func run(t *testing.T, in, name string, arg ...string) string {
	t.Helper()
	c := exec.CommandContext(t.Context(), name, arg...)
	c.Stdin = strings.NewReader(in)
	out, err := c.Output()
	if err != nil {
		t.Fatalf("%s %v: %v", name, arg, err)
	}
	return string(out)
}

func sign(t *testing.T, key, namespace, message string) string {
	t.Helper()
	return run(t, message, "ssh-keygen", "-Y", "sign", "-q", "-n", namespace, "-f", key)
}

func persons(t *testing.T, d *db.DB, now *time.Time) *Persons {
	t.Helper()
	own, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	return &Persons{DB: d, Box: seal.NewBox([32]byte{1}), Own: own, Now: func() time.Time { return *now }}
}

func TestSignatureOfSSHKeygen(t *testing.T) {
	path, public := keygen(t)
	other, _ := keygen(t)
	key, err := ParseKey(public)
	if err != nil || strings.Contains(key, "planted") {
		t.Fatalf("key %q, %v", key, err)
	}
	c := Card{Key: key}
	good := sign(t, path, Namespace, "the text\n")
	for name, tc := range map[string]struct {
		message, signature string
		want               core.Code
	}{
		"good":          {"the text\n", good, ""},
		"other text":    {"the text", good, core.CodeDenied},
		"other purpose": {"the text\n", sign(t, path, "file", "the text\n"), core.CodeDenied},
		"other key":     {"the text\n", sign(t, other, Namespace, "the text\n"), core.CodeDenied},
		"nothing":       {"the text\n", "", core.CodeInvalid},
		"cut":           {"the text\n", good[:len(good)/2], core.CodeInvalid},
		"long":          {"the text\n", strings.Repeat(good, 30), core.CodeInvalid},
	} {
		err := c.Verify([]byte(tc.message), tc.signature)
		if err == nil && tc.want != "" || err != nil && core.CodeOf(err) != tc.want {
			t.Errorf("%s: %v, want %q", name, err, tc.want)
		}
	}
	c.Left = 1
	if err := c.Verify([]byte("the text\n"), good); core.CodeOf(err) != core.CodeDenied {
		t.Errorf("of who left: %v", err)
	}
}

func FuzzVerify(f *testing.F) {
	const key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHpk6SBJZVB2MhJHfaPSHSjC0lkVeIpT0rVHfVz3L9Zc"
	f.Add("-----BEGIN SSH SIGNATURE-----\nU1NIU0lHAAAAAQ==\n-----END SSH SIGNATURE-----\n")
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		if err := verify(key, []byte("x"), text); err == nil {
			t.Errorf("%q passes", text)
		}
	})
}

func TestKeysWeTake(t *testing.T) {
	_, public := keygen(t)
	rsa := filepath.Join(t.TempDir(), "rsa")
	run(t, "", "ssh-keygen", "-q", "-t", "rsa", "-N", "", "-f", rsa)
	weak, err := os.ReadFile(rsa + ".pub")
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"none": "", "rsa": string(weak), "options": `command="x" ` + public, "two": public + public, "long": strings.Repeat("a", 2000),
	} {
		if _, err := ParseKey(text); core.CodeOf(err) != core.CodeInvalid {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, text := range []string{"", "age1nonsense", "ssh-ed25519 AAAA", string(weak)} {
		if _, err := ParseRecipient(text); core.CodeOf(err) != core.CodeInvalid {
			t.Errorf("%.20q: %v", text, err)
		}
	}
}

func TestCards(t *testing.T) {
	path, public := keygen(t)
	_, second := keygen(t)
	dbtest.Each(t, "custody", migrations.Files, func(t *testing.T, d *db.DB) {
		ctx, now := t.Context(), time.Unix(1_800_000_000, 0)
		p := persons(t, d, &now)
		ana, err := p.Add(ctx, New{Name: " Ana Planted ", Key: public, Mail: "ana@planted.test", Household: "river"})
		if err != nil {
			t.Fatal(err)
		}
		for name, tc := range map[string]struct {
			n    New
			want core.Code
		}{
			"same name": {New{Name: "ana planted", Key: second}, core.CodeConflict},
			"same key":  {New{Name: "Bea", Key: public}, core.CodeConflict},
			"no name":   {New{Key: second}, core.CodeInvalid},
			"two lines": {New{Name: "a\nb", Key: second}, core.CodeInvalid},
			"no mail":   {New{Name: "Bea", Key: second, Mail: "Bea <bea@planted.test>"}, core.CodeInvalid},
			"header":    {New{Name: "Bea", Key: second, Mail: "bea@planted.test\r\nBcc: x@y.test"}, core.CodeInvalid},
		} {
			if _, err := p.Add(ctx, tc.n); core.CodeOf(err) != tc.want || err == nil {
				t.Errorf("%s: %v, want %q", name, err, tc.want)
			}
		}
		if err := p.SetContacts(ctx, ana.ID, "call +33 1 99 00 00 00"); err != nil {
			t.Fatal(err)
		}
		bea, err := p.Add(ctx, New{Name: "Bea", Key: second})
		if err != nil {
			t.Fatal(err)
		}
		if err := p.SetRole(ctx, Duty{Service: "mail", Person: ana.ID, Role: Responsible}); err != nil {
			t.Fatal(err)
		}
		got, err := p.Find(ctx, "ANA planted")
		if err != nil || got != ana || got.Mail != "ana@planted.test" {
			t.Errorf("found %+v, %v", got, err)
		}
		if _, err := p.Find(ctx, ""); core.CodeOf(err) != core.CodeNotFound {
			t.Errorf("nobody: %v", err)
		}
		sealedToEach(t, p, ana.ID, path)
		otherBox(t, p, ana.ID)
		leaves(t, p, ana, bea, &now)
	})
}

// sealedToEach: the sheet opens here, and with the person's own ssh key.
func sealedToEach(t *testing.T, p *Persons, id ID, path string) {
	t.Helper()
	text, err := p.Contacts(t.Context(), id)
	if err != nil || !strings.Contains(text, "+33") {
		t.Errorf("sheet %q, %v", text, err)
	}
	sealed, err := p.SealedContacts(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	if got := run(t, string(sealed), "age", "-d", "-i", path); got != text {
		t.Errorf("age opens %q", got)
	}
	rows, err := list(t.Context(), p.DB)
	for _, w := range rows {
		if bytes.Contains(w.mail, []byte("planted")) || bytes.Contains(w.contacts, []byte("+33")) {
			t.Error("it lies readable in the database")
		}
	}
	if err != nil {
		t.Error(err)
	}
}

func leaves(t *testing.T, p *Persons, ana, bea Card, now *time.Time) {
	t.Helper()
	ctx := t.Context()
	if err := p.SetContacts(ctx, bea.ID, "call Bea"); err != nil {
		t.Fatal(err)
	}
	if err := p.Leave(ctx, ana.ID); err != nil {
		t.Fatal(err)
	}
	if err := p.SetMail(ctx, ana.ID, "ana@planted.test"); core.CodeOf(err) != core.CodeNotFound {
		t.Errorf("who left gets an address: %v", err)
	}
	sealed, err := p.SealedContacts(ctx, bea.ID)
	if err != nil {
		t.Fatal(err)
	}
	gone, err := agessh.ParseRecipient(ana.Key)
	if err != nil {
		t.Fatal(err)
	}
	stanzas, err := gone.Wrap(make([]byte, 16))
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(sealed, []byte(stanzas[0].Args[0])) {
		t.Error("the sheet is still sealed to who left")
	}
	left, err := p.Get(ctx, ana.ID)
	if err != nil || left.Here() || left.Name == "" || left.Mail != "" || left.Household != "" {
		t.Errorf("left: %+v, %v", left, err)
	}
	if all, err := p.Duties(ctx); err != nil || len(all) != 0 {
		t.Errorf("duties stay: %v, %v", all, err)
	}
	*now = now.Add(remember + time.Hour)
	if err := p.Forget(ctx); err != nil {
		t.Fatal(err)
	}
	if left, err = p.Get(ctx, ana.ID); err != nil || left.Name != "" {
		t.Errorf("a year later: %+v, %v", left, err)
	}
	here, err := p.All(ctx)
	if err != nil || len(here) != 1 || here[0].ID != bea.ID {
		t.Errorf("here: %v, %v", here, err)
	}
}

// otherBox: with another key the cards are good without what it seals, and doctor tells.
func otherBox(t *testing.T, p *Persons, id ID) {
	t.Helper()
	if f, err := p.checkSealed(t.Context()); err != nil || f.Unknown {
		t.Errorf("all is well: %+v, %v", f, err)
	}
	if err := p.SetMail(t.Context(), id, "not an address"); core.CodeOf(err) != core.CodeInvalid {
		t.Errorf("no address: %v", err)
	}
	if err := p.SetMail(t.Context(), id, "new@planted.test"); err != nil {
		t.Error(err)
	}
	if c, err := p.Get(t.Context(), id); err != nil || c.Mail != "new@planted.test" {
		t.Errorf("changed: %+v, %v", c, err)
	}
	other := *p
	other.Box = seal.NewBox([32]byte{2})
	c, err := other.Get(t.Context(), id)
	if err != nil || c.Name == "" || c.Mail != "" {
		t.Errorf("with another box: %+v, %v", c, err)
	}
	if _, err := other.checkSealed(t.Context()); core.CodeOf(err) != core.CodeInvalid {
		t.Errorf("doctor: %v", err)
	}
}
