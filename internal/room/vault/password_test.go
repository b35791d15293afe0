package vault

import (
	"os"
	"path/filepath"
	"testing"

	"entrechat/internal/core"
	"entrechat/internal/kit/wire"
	"entrechat/internal/room/vault/backup"
	"entrechat/internal/room/vault/catalogue"
	"entrechat/internal/room/vault/health"
	"entrechat/internal/room/vault/keyring"
	"entrechat/internal/room/vault/recovery"
	"entrechat/internal/room/vault/rest"
)

// A password changed with restic is noticed at once, said, and kept only once it was
// seen to open; the one kept last is the one that comes back from nothing.
func TestChangedPasswordIsSaidAndKept(t *testing.T) {
	t.Parallel() // restic spends its time on its password
	w := newWorld(t, 2)
	prune := w.env("files", w.create("files").Prune)
	program, src := resticNew(t), filepath.Join(t.TempDir(), "src")
	writeTree(t, src, 2, 1000, 1)
	first, err := os.ReadFile(prune.PasswordFile)
	if err != nil {
		t.Fatal(err)
	}
	passwords := t.TempDir()
	write := func(name string, text []byte) string {
		path := filepath.Join(passwords, name)
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	one, two := write("one", first), write("two", []byte("another\n"))
	w.restic(program, prune, "init")
	w.restic(program, prune, "backup", src)
	w.settled()
	says := func(level health.Level, locked int) {
		t.Helper()
		k, err := w.room.Kit(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if s := w.status("files"); s.Level != level || len(k.Locked) != locked {
			t.Errorf("%s and on the kit %v, want %s", s.Level, k.Locked, level)
		}
	}
	says(health.LevelSafe, 0)
	for _, change := range [][2]string{{one, two}, {two, one}} {
		from, to := change[0], change[1]
		w.restic(program, backup.Env{Repository: prune.Repository, PasswordFile: from}, "key", "passwd", "--new-password-file", to)
		if to == one { // an earlier record has it
			w.settled() // the record that has it
			says(health.LevelSafe, 0)
			continue
		}
		says(health.LevelLocked, 1)
		if err := w.room.backups.SetPassword(t.Context(), "files", "neither"); core.CodeOf(err) != core.CodeDenied {
			t.Errorf("a password that opens nothing: %v", err)
		}
		text, err := os.ReadFile(to)
		if err != nil {
			t.Fatal(err)
		}
		if err := w.room.backups.SetPassword(t.Context(), "files", string(text)); err != nil {
			t.Fatal(err)
		}
		w.settled() // the record that has it
		says(health.LevelSafe, 0)
	}
	w.settled()
	w.stop()
	w.dir = t.TempDir()
	w.newKey(owner)
	w.open()
	w.recovered()
	if back, err := os.ReadFile(w.env("files", "").PasswordFile); err != nil || string(back) != string(first) {
		t.Errorf("another password came back: %v", err)
	}
	w.stop = func() { _ = w.room.n.DB.Close() }
}

// A backup without keys, or with none that restic wrote, is neither said to open nor
// not to.
func TestUntriedPasswordIsUnknown(t *testing.T) {
	w := newWorld(t, 2)
	w.create("files")
	if err := w.room.backups.SetPassword(t.Context(), "files", "x"); core.CodeOf(err) != core.CodeUnsure {
		t.Errorf("no key: %v", err)
	}
	w.fill("files")
	if s := w.status("files"); s.Password != catalogue.PasswordUnknown || s.Level != health.LevelSafe {
		t.Errorf("%q %s", s.Password, s.Level)
	}
	if err := w.room.backups.SetPassword(t.Context(), "none", "x"); core.CodeOf(err) != core.CodeNotFound {
		t.Error(err)
	}
}

// opensWith is a password and restic's key file that it opens.
func opensWith(t *testing.T) (password string, key []byte) {
	t.Helper()
	key, err := os.ReadFile("rest/testdata/key-0.19.1.json")
	if err != nil {
		t.Fatal(err)
	}
	return "correct horse 0.19.1", key
}

// kept is the password in the secrets folder.
func (w *world) kept(name string) string {
	w.t.Helper()
	text, err := w.room.keyring.Secret(name, keyring.Password)
	if err != nil {
		w.t.Fatal(err)
	}
	return text
}

// anew loses the owner's disk and brings everything back.
func (w *world) anew() recovery.BackupFound {
	w.t.Helper()
	w.settled()
	w.stop()
	w.dir = w.t.TempDir()
	w.newKey(owner)
	w.open()
	found := w.recovered()
	w.stop = func() { _ = w.room.n.DB.Close() }
	if len(found.Backups) != 1 || found.Backups[0].Incomplete != 0 || !found.Backups[0].Password {
		w.t.Fatalf("%+v", found)
	}
	return found.Backups[0]
}

// A password that was typed into its file opens, and comes back from nothing too.
func TestPasswordTypedIntoItsFileIsRecorded(t *testing.T) {
	w := newWorld(t, 2)
	w.create("files")
	w.settled()
	password, key := opensWith(t)
	if err := w.room.keyring.Write("files", keyring.Password, password); err != nil {
		t.Fatal(err)
	}
	w.client("files", "").put(rest.Keys, key)
	if w.anew(); w.kept("files") != password {
		t.Errorf("%q came back", w.kept("files"))
	}
}

// A bit of the password's file flips, or the file goes: it is put right from the record,
// never the other way round.
func TestDamagedPasswordComesBack(t *testing.T) {
	t.Parallel()
	for name, harm := range map[string]func(path string) error{
		"a bit flips": func(path string) error { return os.WriteFile(path, []byte("correct jorse 0.19.1\n"), 0o600) },
		"it is empty": func(path string) error { return os.WriteFile(path, nil, 0o600) },
		"it is gone":  os.Remove,
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, 2)
			w.t = t
			w.create("files")
			password, key := opensWith(t)
			if err := w.room.keyring.Write("files", keyring.Password, password); err != nil {
				t.Fatal(err)
			}
			c := w.client("files", "")
			c.put(rest.Keys, key)
			c.put(rest.Snapshots, []byte("a snapshot"))
			w.settled()
			w.stop()
			if err := harm(w.room.keyring.Path("files", keyring.Password)); err != nil {
				t.Fatal(err)
			}
			w.start()
			<-w.room.started
			if err := w.room.backups.CheckPasswords(t.Context()); err != nil {
				t.Error(err)
			}
			if s := w.status("files"); s.Password != catalogue.PasswordOpens || s.Level != health.LevelSafe || w.kept("files") != password {
				t.Errorf("%q is kept: %q, %s", w.kept("files"), s.Password, s.Level)
			}
			if w.anew(); w.kept("files") != password {
				t.Errorf("%q came back", w.kept("files"))
			}
		})
	}
}

// Of several records the one whose password opens comes back; where none does, that is said.
func TestRecoveryTriesThePasswords(t *testing.T) {
	for _, known := range []bool{true, false} {
		w := newWorld(t, 2)
		w.create("files")
		password, key := opensWith(t)
		if known {
			if err := w.room.keyring.Write("files", keyring.Password, password); err != nil {
				t.Fatal(err)
			}
		}
		w.client("files", "").put(rest.Keys, key)
		w.settled()
		repo, err := w.room.store.Repos.Get(t.Context(), "files")
		if err != nil {
			t.Fatal(err)
		}
		own, err := w.room.keyring.Own(repo)
		if err != nil {
			t.Fatal(err)
		}
		text, err := wire.Encode(backup.Record{V: backup.RecordOwn, Name: "files", Password: "another", Identity: own.String(), Made: repo.Made})
		if err != nil {
			t.Fatal(err)
		}
		w.accept(rest.Handle{Type: catalogue.Meta, Name: nameOf(text)}, text)
		b := w.anew()
		if known && (b.Locked || w.kept("files") != password) {
			t.Errorf("%+v, %q", b, w.kept("files"))
		}
		if s := w.status("files"); !known && (!b.Locked || s.Password != catalogue.PasswordWrong || core.CodeOf(unfinished(recovery.Recovered{Backups: []recovery.BackupFound{b}})) != core.CodeDenied) {
			t.Errorf("%+v, %q", b, s.Password)
		}
	}
}
