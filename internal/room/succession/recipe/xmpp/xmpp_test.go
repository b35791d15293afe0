package xmpp

import (
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"entrechat/internal/core"
	"entrechat/internal/room/succession/recipe"
	"entrechat/internal/room/succession/recipe/recipetest"
)

// TestProsody moves real accounts from one Prosody to another, breaks off every step, and undoes.
func TestProsody(t *testing.T) {
	t.Parallel()
	old := prosody(t)
	old.fill(t)
	recipetest.Contract(t, func(t *testing.T) recipetest.World {
		t.Helper()
		target := prosody(t)
		from := old
		from.dir = folder(t)
		run(t, "cp", "-a", filepath.Join(old.dir, "data"), from.dir)
		password := filepath.Join(target.dir, "password")
		write(t, password, "un cheval debout\n", 0o600)
		return recipetest.World{
			Recipe: Recipe{}, Breaks: 1, Settings: from.settings(target, fmt.Sprintf("[sign_in]\nserver = %q\naccount = \"ana\"\npassword_file = %q\ntrust = %q\n", target.address, password, target.certificate)),
			Source: from.state, Target: func(t *testing.T) string { t.Helper(); return target.accounts(t) },
			Plant: func(t *testing.T) {
				t.Helper()
				host := filepath.Join(target.dir, "data", "chaton%2da%2etest")
				for _, store := range []string{"roster", "vcard", "private"} {
					if err := os.RemoveAll(filepath.Join(host, store)); err != nil {
						t.Fatal(err)
					}
				}
			},
		}
	})
}

// accounts tells what the target keeps of each account. What a sign-in leaves (presence, the message to
// oneself) is not in it.
func (s server) accounts(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	for _, store := range []string{"accounts", "roster", "vcard", "private"} {
		files, err := filepath.Glob(filepath.Join(s.dir, "data", "*", store, "*.dat"))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			b.WriteString(strings.TrimPrefix(f, s.dir) + "\n")
		}
	}
	return b.String()
}

func move1(t *testing.T, settings []byte) *move {
	t.Helper()
	m, err := Recipe{}.Read(settings)
	if err != nil {
		t.Fatal(err)
	}
	return m.(*move)
}

func whole(t *testing.T, m *move, dir string) error {
	t.Helper()
	for _, s := range m.Steps() {
		if err := s.Do(t.Context(), recipe.Work{Dir: dir, Say: func(int64, int64) {}}); err != nil {
			return err
		}
	}
	return nil
}

func TestTargetWithAccountsIsRefused(t *testing.T) {
	t.Parallel()
	from, to := prosody(t), prosody(t)
	from.register(t, "ana", "a")
	to.register(t, "zoe", "z")
	before := to.state(t)
	if err := whole(t, move1(t, from.settings(to, "")), t.TempDir()); core.CodeOf(err) != core.CodeConflict {
		t.Fatalf("accounts are there: %v", err)
	}
	if after := to.state(t); after != before {
		t.Errorf("it was changed: %s, then %s", before, after)
	}
}

// TestUnreadableAccount: Prosody's migrator goes on where it cannot read, and ends well.
func TestUnreadableAccount(t *testing.T) {
	t.Parallel()
	from, to := prosody(t), prosody(t)
	from.register(t, "ana", "a")
	write(t, filepath.Join(from.dir, "data", folderOf(domain), "accounts", "bob.dat"), "return {", 0o644)
	m := move1(t, from.settings(to, ""))
	if _, err := m.Units(t.Context()); core.CodeOf(err) != core.CodeUnsure {
		t.Fatalf("one account of two was exported: %v", err)
	}
	if left, err := filepath.Glob(filepath.Join(from.dir, "data", stageName)); err != nil || len(left) != 0 {
		t.Errorf("left at the source: %v %v", left, err)
	}
}

func TestSettings(t *testing.T) {
	good := func(change ...string) string { return strings.NewReplacer(change...).Replace(example) }
	for name, text := range map[string]string{
		"domain":  good(`domain = "example.org"`, `domain = "Example.org/../"`),
		"program": good(`program = "ejabberd"`, `program = "tigase"`),
		"target":  good(`program = "prosody"`, `program = "ejabberd"`),
		"data":    good(`data = "/var/lib/prosody"`, `data = "/"`),
		"no stop": good("stop = [\"systemctl\", \"stop\", \"prosody\"]\n", ""),
		"unknown": good("[old]", "[old]\nport = 1"),
	} {
		if _, err := (Recipe{}).Read([]byte(text)); core.CodeOf(err) != core.CodeInvalid {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := (Recipe{}).Read([]byte(example)); err != nil {
		t.Errorf("the example: %v", err)
	}
}

// TestWrittenTwice: what ejabberd writes in base64 twice is read once more; what is right stays.
func TestWrittenTwice(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.SampledFrom([]int{20, 32, 64}).Draw(t, "size")
		once := func(b []byte) string { return base64.StdEncoding.EncodeToString(b) }
		key := func(name string) []byte { return rapid.SliceOfN(rapid.Byte(), size, size).Draw(t, name) }
		salt, stored, server := rapid.SliceOfN(rapid.Byte(), 8, 36).Draw(t, "salt"), key("stored"), key("server")
		file := func(f func([]byte) string) string {
			text := `<host xmlns="urn:xmpp:pie:0" jid="chaton-a.test"><user name="ana"><scram-credentials xmlns="urn:xmpp:pie:0#scram" mechanism="SCRAM-SHA-1"><iter-count>4096</iter-count><salt>` +
				f(salt) + `</salt><server-key>` + f(server) + `</server-key><stored-key>` + f(stored) + `</stored-key></scram-credentials></user></host>`
			all, passed, err := read(strings.NewReader(text), domain)
			if err != nil || passed != 0 || len(all) != 1 {
				t.Fatalf("%v %d %v", all, passed, err)
			}
			return all[0].file(domain)
		}
		right := file(once)
		if twice := file(func(b []byte) string { return once([]byte(once(b))) }); twice != right {
			t.Fatalf("written twice: %s\nonce: %s", twice, right)
		}
		if !strings.Contains(right, once(stored)) {
			t.Fatalf("what was right changed: %s", right)
		}
	})
}

func TestHostileExports(t *testing.T) {
	deep := strings.Repeat(`<a>`, 100) + strings.Repeat(`</a>`, 100)
	for name, text := range map[string]string{
		"no xml": "hello", "another root": "<html/>", "deep": `<host xmlns="urn:xmpp:pie:0" jid="chaton-a.test"><user name="a">` + deep + `</user></host>`,
		"entity": `<!DOCTYPE a [<!ENTITY x "y">]><host xmlns="urn:xmpp:pie:0" jid="chaton-a.test"><user name="&x;"/></host>`, "cut": `<host xmlns="urn:xmpp:pie:0"`,
	} {
		if _, _, err := read(strings.NewReader(text), domain); err == nil {
			t.Errorf("%s was read", name)
		}
	}
	for _, name := range []string{"../../etc/passwd", "..", "a/b", "a@b", "a b", ""} {
		all, passed, err := read(strings.NewReader(`<host xmlns="urn:xmpp:pie:0" jid="chaton-a.test"><user name="`+name+`"/></host>`), domain)
		if err != nil || len(all) != 0 || passed != 1 {
			t.Errorf("%q: %v %d %v", name, all, passed, err)
		}
	}
	all, passed, err := read(strings.NewReader(`<server-data xmlns="urn:xmpp:pie:0"><host jid="other.test"><user name="ana"/></host></server-data>`), domain)
	if err != nil || len(all) != 0 || passed != 1 {
		t.Errorf("another host: %v %d %v", all, passed, err)
	}
}

func FuzzExport(f *testing.F) {
	f.Add(`<host xmlns="urn:xmpp:pie:0" jid="chaton-a.test"><user name="ana"><query xmlns="jabber:iq:roster"><item jid="b@c" name="&lt;"/></query></user></host>`)
	f.Fuzz(func(t *testing.T, text string) {
		all, _, err := read(strings.NewReader(text), domain)
		if err != nil {
			return
		}
		for _, a := range all {
			again, _, err := read(strings.NewReader(a.file(domain)), domain)
			if err != nil || len(again) != 1 || again[0].numbers() != a.numbers() {
				t.Fatalf("what was written is not what was read: %v\n%s\n%s", err, text, a.file(domain))
			}
		}
	})
}
