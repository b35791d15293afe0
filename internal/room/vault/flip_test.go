package vault

import (
	"bytes"
	"context"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/room/vault/health"
	"entrechat/internal/room/vault/migrations"
	"entrechat/internal/room/vault/rest"
)

// Whichever bit of the database file flips, in a row that names something or anywhere: the database is refused in words, or the
// status is not "safe", or every file is there with every byte.
func TestNoFlippedBitIsSilent(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 3)
	w.create("files")
	c := w.client("files", "")
	files := map[rest.Handle][]byte{}
	for i := range byte(flippedFiles) {
		body := randomBytes(3000, 100+i)
		kind := rest.Data
		if i%4 == 3 {
			kind = rest.Index
		}
		c.put(kind, body)
		files[rest.Handle{Type: kind, Name: nameOf(body)}] = body
	}
	body := randomBytes(300, 99)
	c.put(rest.Snapshots, body)
	files[rest.Handle{Type: rest.Snapshots, Name: nameOf(body)}] = body
	w.settled()
	w.stop()
	path := filepath.Join(w.dir, "owner.db")
	sound, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(1, 2))
	names := hashesIn(sound)
	if len(names) < 4*len(files) {
		t.Fatalf("only %d names in the file", len(names))
	}
	refused, doubted, healed := 0, 0, 0
	for n := range flips {
		at, bit := rng.IntN(len(sound)), rng.IntN(8)
		if n%3 > 0 {
			at = names[rng.IntN(len(names))] + rng.IntN(64)
		}
		flipped := bytes.Clone(sound)
		flipped[at] ^= 1 << bit
		for _, suffix := range []string{"-wal", "-shm"} {
			_ = os.Remove(path + suffix)
		}
		if err := os.WriteFile(path, flipped, 0o600); err != nil {
			t.Fatal(err)
		}
		switch err := w.startOn(path); {
		case err != nil:
			refused++
			if core.CodeOf(err) == "" {
				t.Errorf("byte %d bit %d: refused without words: %v", at, bit, err)
			}
		default:
			level, missing := w.looked(files)
			switch {
			case level != health.LevelSafe:
				doubted++
			case missing != "":
				t.Errorf("byte %d bit %d: safe, and %s", at, bit, missing)
			default:
				healed++
			}
		}
		if w.room != nil {
			_ = w.room.n.DB.Close()
		}
	}
	t.Logf("%d flips: %d refused, %d doubted, %d without harm", flips, refused, doubted, healed)
}

// hashesIn finds where hashes stand in a file.
func hashesIn(file []byte) (at []int) {
	for _, found := range regexp.MustCompile(`[0-9a-f]{64}`).FindAllIndex(file, -1) {
		at = append(at, found[0])
	}
	return at
}

// startOn starts the room as a node does, with no job running.
func (w *world) startOn(path string) error {
	w.room = nil
	ctx := context.Background()
	d, err := db.Open(ctx, "sqlite:"+path)
	if err != nil {
		return err
	}
	closing := func(err error) error { _ = d.Close(); return err }
	if _, err := d.Repair(ctx); err != nil {
		return closing(err)
	}
	if err := db.Migrate(ctx, d, "vault", migrations.Files); err != nil {
		return closing(err)
	}
	r, err := New(w.needs(d))
	if err != nil {
		return closing(err)
	}
	if err := r.Start(ctx); err != nil {
		return closing(err)
	}
	w.room = r
	return nil
}

// looked answers the level of the backup and what is wrong with it.
func (w *world) looked(files map[rest.Handle][]byte) (level health.Level, missing string) {
	ctx := context.Background()
	report, err := w.room.doctor.Status(ctx, "")
	if err != nil || len(report.Backups) != 1 || report.Backups[0].Name != "files" {
		return "", "no status"
	}
	level = report.Backups[0].Level
	for h, want := range files {
		o, err := w.room.store.Objects.File(ctx, "files", h, 0)
		if err != nil {
			return level, h.String() + ": " + err.Error()
		}
		f, err := w.room.retrieve.Open(ctx, o)
		if err != nil {
			return level, h.String() + ": " + err.Error()
		}
		got, err := io.ReadAll(f)
		if err != nil || !bytes.Equal(got, want) || o.Size != int64(len(want)) {
			return level, h.String() + ": other bytes"
		}
		_ = f.Close()
		if items, err := w.room.store.Objects.Files(ctx, "files", h.Type, 0); err != nil || !contains(items, h.Name) {
			return level, h.String() + ": not listed"
		}
	}
	return level, ""
}

func contains(items []rest.Item, name string) bool {
	for _, i := range items {
		if i.Name == name {
			return true
		}
	}
	return false
}

const flippedFiles = 20

// Whatever a flipped bit makes of what a row of a shard says beside its name, the file is
// read all the same.
func TestRowsOfShardsThatMakeNoSense(t *testing.T) {
	w := newWorld(t, 2)
	w.create("files")
	body := randomBytes(10_000, 7)
	path := w.client("files", "").put(rest.Data, body)
	w.settled()
	for _, value := range []string{"8.87e-309", "'x'", "x'00ff'"} {
		for _, column := range []string{"since_us", "seen_us", "site", "admin"} {
			w.exec(`UPDATE vault_placement SET ` + column + ` = ` + value)
			w.room.retrieve.Cache.Clear()
			if status, got := w.client("files", "").do("GET", path, nil); status != 200 || !bytes.Equal(got, body) {
				t.Errorf("%s = %s: status %d", column, value, status)
			}
			if s := w.status("files"); len(s.Members) != 2 {
				t.Errorf("%s = %s: %+v", column, value, s)
			}
		}
	}
}

// A bit flips in the name that a row gives its file in the local store: the file is found by its
// content, even where the new name is none.
func TestAFlippedNameInTheLocalStore(t *testing.T) {
	w := newWorld(t, 2)
	w.create("files")
	body := randomBytes(3000, 7)
	path := w.client("files", "").put(rest.Index, body)
	w.settled()
	o, err := w.room.store.Objects.File(t.Context(), "files", rest.Handle{Type: rest.Index, Name: nameOf(body)}, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, bit := range []byte{1, 1 << 5, 1 << 7} {
		name := []byte(o.Local)
		name[10] ^= bit
		if err := w.room.store.Objects.SetLocal(t.Context(), w.room.n.DB, o.ID, string(name)); err != nil {
			t.Fatal(err)
		}
		w.stop()
		w.start()
		w.eventually("the start is through", func() bool {
			select {
			case <-w.room.started:
				return true
			default:
				return false
			}
		})
		if now := w.object(o.ID); now.Local != o.Local {
			t.Errorf("%q is looked for as %q", o.Local, now.Local)
		}
		if status, got := w.client("files", "").do("GET", path, nil); status != 200 || !bytes.Equal(got, body) {
			t.Errorf("status %d", status)
		}
	}
}
