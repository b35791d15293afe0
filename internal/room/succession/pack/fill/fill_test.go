package fill

import (
	"bytes"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/dbtest"
	"entrechat/internal/room/succession/migrations"
	"entrechat/internal/room/succession/pack"
	"entrechat/internal/room/succession/promise"
)

func reds(v pack.View) (names []pack.Name) {
	for _, l := range v.Items {
		if l.Red {
			names = append(names, l.Name)
		}
	}
	return names
}

// TestFirstPack: what the node knows stands there already, and each gap names its line.
func TestFirstPack(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		a := newNode(t, d)
		ctx := t.Context()
		dir, made, err := a.Create(ctx, "mail")
		a.ok(err)
		if !slices.Equal(made, []string{"after.md", "legal.md", "limits.md", "pack.toml", "people.md", "runbook.md"}) {
			t.Errorf("made %v", made)
		}
		text, err := os.ReadFile(filepath.Join(dir, "pack.toml"))
		a.ok(err)
		for _, want := range []string{`program = "dovecot"`, `name = "mail.chaton-a.test"`, `address = "https://mail.chaton-a.test/"`, `address = "https://mail.chaton-a.test/status"`, `terms = "https://chaton-a.test/cgu"`} {
			if !strings.Contains(string(text), want) {
				t.Errorf("no %s in\n%s", want, text)
			}
		}
		v, err := a.Check(ctx, "mail", nil)
		a.ok(err)
		var lines []string
		for _, l := range v.Items {
			for _, g := range l.Gaps {
				lines = append(lines, g.File+": "+g.Text)
			}
		}
		said := strings.Join(lines, "\n")
		for _, want := range []string{`pack.toml: registrar = "[?]"`, "pack.toml: [[secrets.file]]", "people.md: - Who knows", "pack.toml: [config] files"} {
			if !strings.Contains(said, want) {
				t.Errorf("no %q in\n%s", want, said)
			}
		}
		if len(lines) > 20 {
			t.Errorf("%d lines to write are no ten minutes:\n%s", len(lines), said)
		}
		if v.Weekend || v.Number != 1 {
			t.Errorf("an unfilled pack: %+v", v)
		}
		a.fill("mail")
		if v, err = a.Check(ctx, "mail", []Seen{{Item: pack.Data, Took: 3 * time.Hour}}); err != nil || len(reds(v)) != 0 || !v.Weekend {
			t.Errorf("a filled one: %v, red %v, %+v", err, reds(v), v)
		}
		// What somebody wrote stays, and nothing is made anew while nothing changes.
		if _, made, err = a.Create(ctx, "mail"); err != nil || len(made) != 0 {
			t.Errorf("created again: %v, %v", made, err)
		}
		if again, err := a.Check(ctx, "mail", nil); err != nil || again.Number != v.Number {
			t.Errorf("checked again: number %d after %d, %v", again.Number, v.Number, err)
		}
	})
}

// TestEachItemTurnsRed: half a year after an item's last proof exactly that item is red.
func TestEachItemTurnsRed(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		a := newNode(t, d)
		ctx := t.Context()
		a.filled()
		begun := a.clock
		for _, old := range pack.Names() {
			t.Run(string(old), func(t *testing.T) {
				a.clock = begun
				for _, name := range pack.Names() {
					p := proof{item: name, proved: core.At(begun), how: pack.BySaid}
					if name == old {
						p.proved = p.proved.Add(-pack.Fresh)
					}
					a.ok(putProof(ctx, d, "mail", p))
				}
				if v, err := a.Show(ctx, "mail"); err != nil || len(reds(v)) != 0 {
					t.Errorf("183 days later: red %v, %v", reds(v), err)
				}
				a.clock = begun.Add(time.Microsecond)
				if v, err := a.Show(ctx, "mail"); err != nil || !slices.Equal(reds(v), []pack.Name{old}) || v.Weekend {
					t.Errorf("a moment after: red %v, %v", reds(v), err)
				}
			})
		}
	})
}

// TestAgesOfItems: whatever the ages, those that are red are those older than half a year.
func TestAgesOfItems(t *testing.T) {
	d := dbtest.SQLite(t, "succession", migrations.Files)
	a := newNode(t, d)
	ctx := t.Context()
	a.filled()
	rapid.Check(t, func(t *rapid.T) {
		var want []pack.Name
		for _, name := range pack.Names() {
			age := time.Duration(rapid.Int64Range(0, 400).Draw(t, string(name))) * day
			a.ok(putProof(ctx, d, "mail", proof{item: name, proved: a.now().Add(-age), how: pack.BySaid}))
			if age > pack.Fresh {
				want = append(want, name)
			}
		}
		if v, err := a.Show(ctx, "mail"); err != nil || !slices.Equal(reds(v), want) {
			t.Fatalf("red %v, not %v: %v", reds(v), want, err)
		}
	})
}

// TestWhatTheMachineProves: each thing that breaks shows at the next check, in its item alone.
func TestWhatTheMachineProves(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		a := newNode(t, d)
		ctx := t.Context()
		a.filled()
		good := *a.rooms
		begun := a.clock
		settled := func(file, from, to string) {
			t.Helper()
			path := filepath.Join(a.folderOf("mail"), file)
			text, err := os.ReadFile(path)
			a.ok(err)
			if !strings.Contains(string(text), from) {
				t.Fatalf("%s has no %q", file, from)
			}
			a.ok(os.WriteFile(path, []byte(strings.ReplaceAll(string(text), from, to)), 0o600))
		}
		for _, one := range []struct {
			item  pack.Name
			spoil func()
			mend  func()
		}{
			{pack.Manifest, func() { settled("pack.toml", `version = ""`, `version = "2.3.4"`) }, func() { settled("pack.toml", `version = "2.3.4"`, `version = ""`) }},
			{pack.Domain, func() { a.rooms.ends = core.At(begun.Add(-25 * time.Hour)) }, func() {}},
			{pack.Data, func() { a.rooms.saved = 0 }, func() {}},
			{pack.Secrets, func() { settled("pack.toml", "none = true", "none = false") }, func() { settled("pack.toml", "none = false", "none = true") }},
			{pack.Runbook, func() { settled("runbook.md", "as agreed", unfilled) }, func() { settled("runbook.md", unfilled, "as agreed") }},
			{pack.Config, func() { settled("pack.toml", "files = []", `files = ["/not/there"]`) }, func() { settled("pack.toml", `files = ["/not/there"]`, "files = []") }},
			{pack.People, func() { settled("people.md", "as agreed", unfilled) }, func() { settled("people.md", unfilled, "as agreed") }},
			{pack.Legal, func() { settled("pack.toml", "\nclause", "\n#clause") }, func() { settled("pack.toml", "\n#clause", "\nclause") }},
			{pack.Users, func() { a.rooms.people = nil }, func() {}},
			{pack.Limits, func() { a.ok(os.WriteFile(filepath.Join(a.folderOf("mail"), "limits.md"), nil, 0o600)) }, func() { a.ok(os.WriteFile(filepath.Join(a.folderOf("mail"), "limits.md"), []byte("none"), 0o600)) }},
			{pack.After, func() { a.ok(os.Remove(filepath.Join(a.folderOf("mail"), "after.md"))) }, func() { a.ok(os.WriteFile(filepath.Join(a.folderOf("mail"), "after.md"), []byte("none"), 0o600)) }},
		} {
			t.Run(string(one.item), func(t *testing.T) {
				one.spoil()
				v, err := a.Check(ctx, "mail", nil)
				if err != nil || !slices.Equal(reds(v), []pack.Name{one.item}) || len(v.Items[slices.Index(pack.Names(), one.item)].Gaps) == 0 {
					t.Errorf("red %v, %v", reds(v), err)
				}
				*a.rooms = good
				one.mend()
				if v, err = a.Check(ctx, "mail", nil); err != nil || len(reds(v)) != 0 {
					t.Errorf("mended: red %v, %v", reds(v), err)
				}
			})
		}
		// What did not answer once keeps its last proof, and is red when that is old.
		a.rooms.answers = false
		v, err := a.Check(ctx, "mail", nil)
		if err != nil || len(reds(v)) != 0 {
			t.Errorf("one bad look: red %v, %v", reds(v), err)
		}
		a.clock = begun.Add(pack.Fresh + day)
		a.rooms.drilled, a.rooms.ends = core.At(a.clock), core.At(a.clock.Add(99*day))
		if v, err = a.Check(ctx, "mail", []Seen{{Item: pack.Data}, {Item: pack.People}, {Item: pack.Legal}, {Item: pack.Limits}, {Item: pack.After}}); err != nil || !slices.Equal(reds(v), []pack.Name{pack.Checks}) {
			t.Errorf("half a year of silence: red %v, %v", reds(v), err)
		}
	})
}

// TestSealedForTheBackup: who has the backup's key reads the people, and nobody else.
func TestSealedForTheBackup(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		a := newNode(t, d)
		ctx := t.Context()
		a.filled()
		p, file, err := a.packs.Held(ctx, owner, "mail")
		a.ok(err)
		sealed, err := os.ReadFile(file)
		a.ok(err)
		got, err := pack.Open(bytes.NewReader(sealed), a.rooms.identity)
		if err != nil || len(got.People) != 2 || got.People[0].User != "ana" || got.People[0].Choice != "handover" {
			t.Fatalf("%+v, %v", got.People, err)
		}
		for _, name := range pack.Names() {
			sum, size := got.Files.Sums(name)
			if i := p.Item(name); i.SHA256 != sum || i.Bytes != size || sum == "" {
				t.Errorf("%s: the document says %s, the file has %s", name, i.SHA256, sum)
			}
		}
		document, err := p.Document.Unverified()
		a.ok(err)
		if strings.Contains(string(document), "ana") || strings.Contains(string(document), "elsewhere") {
			t.Errorf("a person in the document: %s", document)
		}
	})
}

// TestSecretsAreNamedOnly: a secret file goes with its hash, never with its content.
func TestSecretsAreNamedOnly(t *testing.T) {
	d := dbtest.SQLite(t, "succession", migrations.Files)
	a := newNode(t, d)
	ctx := t.Context()
	a.filled()
	secret := filepath.Join(t.TempDir(), "dkim.private")
	a.ok(os.WriteFile(secret, []byte("planted secret"), 0o600))
	path := filepath.Join(a.folderOf("mail"), "pack.toml")
	text, err := os.ReadFile(path)
	a.ok(err)
	text = bytes.ReplaceAll(text, []byte("none = true\n"), []byte("none = false\n[[secrets.file]]\nname = \"DKIM\"\npath = \""+secret+"\"\nbox = \"serve\"\n"))
	a.ok(os.WriteFile(path, text, 0o600))
	v, err := a.Check(ctx, "mail", nil)
	if err != nil || len(reds(v)) != 0 {
		t.Fatalf("red %v, %v", reds(v), err)
	}
	_, file, err := a.packs.Held(ctx, owner, "mail")
	a.ok(err)
	sealed, err := os.ReadFile(file)
	a.ok(err)
	got, err := pack.Open(bytes.NewReader(sealed), a.rooms.identity)
	a.ok(err)
	if list := string(got.Files["secrets/secrets.json"]); !strings.Contains(list, "DKIM") || !strings.Contains(list, "serve") {
		t.Errorf("the list: %s", list)
	}
	for name, text := range maps.All(got.Files) {
		if bytes.Contains(text, []byte("planted secret")) {
			t.Errorf("the secret stands in %s", name)
		}
	}
	// A link in the folder is not followed.
	a.ok(os.Symlink(secret, filepath.Join(a.folderOf("mail"), "config", "link")))
	f, err := a.readFolder("mail")
	if err != nil || len(f.files["config/link"]) != 0 {
		t.Errorf("a link: %v", err)
	}
}

// TestAccountsHaveAKey: the accounts are in no backup; their pack opens with what a box has.
func TestAccountsHaveAKey(t *testing.T) {
	d := dbtest.SQLite(t, "succession", migrations.Files)
	a := newNode(t, d)
	ctx := t.Context()
	_, _, err := a.Create(ctx, "accounts")
	a.ok(err)
	a.ok(a.promises.Name(ctx, promise.Naming{Service: "accounts", Successors: []core.MemberID{b}}))
	named, err := a.promises.Successors(ctx, a.self(), "accounts")
	if err != nil || len(named) == 0 {
		t.Fatal("nobody is named", err)
	}
	a.fill("accounts")
	v, err := a.Check(ctx, "accounts", nil)
	if err != nil || v.Number != 1 || v.Unsealed {
		t.Fatalf("%+v, %v", v, err)
	}
	pointer, err := a.Pointer(ctx)
	a.ok(err)
	key, err := a.accountsKey()
	if err != nil || !strings.Contains(string(pointer), key.String()) {
		t.Fatalf("the pointer has another key: %v", err)
	}
	_, file, err := a.packs.Held(ctx, owner, "accounts")
	a.ok(err)
	f, err := os.Open(file)
	a.ok(err)
	defer f.Close()
	got, err := pack.Open(f, key)
	if err != nil || len(got.People) != 2 {
		t.Errorf("%+v, %v", got, err)
	}
	for _, to := range named {
		if text := got.Files["users/accounts/"+string(to)+".json"]; string(text) != "left to "+string(to) {
			t.Errorf("%s makes the accounts from %q", to, text)
		}
	}
}
