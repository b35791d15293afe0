package crash

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"entrechat/internal/app/lab"
)

func databaseOf(n *lab.Node) string { return filepath.Join(n.Data(), "entrechat.db") }

func walOf(n *lab.Node) string { return databaseOf(n) + "-wal" }

// A disk that is older than what members hold: the node notices, never says "safe"
// meanwhile, and puts its catalogue right from their lists. Before that, a clean stop
// (while neighbours wait for news) leaves no log beside the database.
func TestAnOlderDisk(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 3, 6*time.Minute)
	w.found(func(*lab.Node) {})
	w.agree()
	w.must(lab.WriteMix(w.data, 1_000_000, w.rng.Uint64()))
	w.open()
	promises := []promise{w.promised(0)}
	owner := w.owner()
	owner.Stop()
	if info, err := os.Stat(walOf(owner)); err == nil && info.Size() > 0 {
		t.Errorf("after a clean stop %d bytes lie beside the database", info.Size())
	}
	older := filepath.Join(w.dir, "older")
	w.must(os.CopyFS(older, os.DirFS(owner.Data())))
	w.must(owner.Up(w.ctx))

	for _, c := range []struct {
		name string
		stop func()
		harm func()
	}{
		{"a bit of the log flips", owner.Kill, func() { w.flip(walOf(owner), 24+32+100) }},
		{"the log is deleted", owner.Kill, func() { w.must(os.Remove(walOf(owner))) }},
		{"an older copy is put back", owner.Stop, func() {
			w.must(os.RemoveAll(owner.Data()))
			w.must(os.CopyFS(owner.Data(), os.DirFS(older)))
			w.private(owner)
		}},
	} {
		t.Log(c.name)
		promises = append(promises, w.promised(len(promises)))
		c.stop()
		c.harm()
		w.must(owner.Up(w.ctx))
		w.neverSafeWhileShort(promises)
		w.whole(time.Minute)
	}
	w.kept(promises)
	w.ok("check", "--read-data")
	var seen []struct {
		Lost, Wrong, Unknown int
		TakenIn              int `json:"taken_in"`
	}
	w.must(owner.RunJSON(w.ctx, &seen, "vault", "check"))
	for _, s := range seen {
		if s.Lost+s.Wrong+s.Unknown+s.TakenIn > 0 {
			t.Errorf("vault check: %+v", s)
		}
	}
	w.malformed(promises)
}

// malformed destroys the owner's database, does what the refusal says, and has
// everything back.
func (w *world) malformed(promises []promise) {
	w.t.Helper()
	owner := w.owner()
	owner.Stop()
	f, err := os.OpenFile(databaseOf(owner), os.O_WRONLY, 0)
	w.must(err)
	_, err = f.WriteAt(make([]byte, 100_000), 0)
	w.must(errors.Join(err, f.Close()))
	for _, words := range [][]string{{"up"}, {"vault", "status"}, {"doctor"}} {
		if _, err := owner.Run(w.ctx, words...); err == nil || !strings.Contains(err.Error(), "move entrechat.db") {
			w.t.Errorf("%v on a destroyed database: %v", words, err)
		}
	}
	files, err := filepath.Glob(databaseOf(owner) + "*")
	w.must(err)
	for _, name := range files {
		w.must(os.Rename(name, filepath.Join(w.dir, filepath.Base(name))))
	}
	words := append([]string{"vault", "recover", "--yes", "--seed-file", owner.SeedFile(), "--from", w.members()[0].URL()}, owner.Place()...)
	_, err = owner.Run(w.ctx, words...)
	w.must(err)
	w.must(owner.Up(w.ctx))
	w.env, err = owner.Env(w.ctx, "files")
	w.must(err)
	w.neverSafeWhileShort(promises)
	w.whole(time.Minute)
}

// A disk that has lost what it wrote last, and nobody to ask: the front says so
// instead of showing what is left, until members are back.
func TestAnOlderDiskAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 3, 3*time.Minute)
	w.found(func(*lab.Node) {})
	w.agree()
	w.must(lab.WriteMix(w.data, 1_000_000, w.rng.Uint64()))
	w.open()
	owner := w.owner()
	promises := []promise{w.promised(0)}
	owner.Kill()
	for _, n := range w.members() {
		n.Stop()
	}
	w.must(os.Remove(walOf(owner)))
	w.must(owner.Up(w.ctx))
	if status, text := w.get("snapshots/"); status != http.StatusServiceUnavailable || !strings.Contains(text, "older than what the members hold") {
		t.Errorf("the front of an old disk answers %d %s", status, text)
	}
	w.doctorSays(owner, "older than what the members hold")
	w.each(w.members(), func(n *lab.Node) error { return n.Up(w.ctx) })
	w.neverSafeWhileShort(promises)

	// A sound disk serves alone, and says that nobody was asked.
	owner.Stop()
	for _, n := range w.members() {
		n.Stop()
	}
	w.must(owner.Up(w.ctx))
	if ids, err := w.listed(); err != nil || len(ids) != len(promises) {
		t.Errorf("a sound disk without members lists %v, %v", ids, err)
	}
	if out, err := owner.Run(w.ctx, "vault", "status"); err != nil || !strings.Contains(out, "not since the node started") {
		t.Errorf("status alone: %v\n%s", err, out)
	}
	if level := w.levelNow(); level == "safe" {
		t.Errorf("called %s, and nobody was asked", level)
	}
}

// get asks the front for a path of the repository.
func (w *world) get(path string) (int, string) {
	w.t.Helper()
	var base string
	for _, v := range w.env {
		if text, ok := strings.CutPrefix(v, "RESTIC_REPOSITORY=rest:"); ok {
			base = text
		}
	}
	req, err := http.NewRequestWithContext(w.ctx, http.MethodGet, base+path, nil)
	w.must(err)
	res, err := http.DefaultClient.Do(req)
	w.must(err)
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	w.must(err)
	return res.StatusCode, string(text)
}

// promised saves something new. No command runs beside the node after it: closing the
// database would empty the log that the test is about to harm.
func (w *world) promised(n int) promise {
	w.t.Helper()
	if n > 0 {
		w.whole(time.Minute)
	}
	w.change(fmt.Sprintf("new-%d", n), 300_000)
	return promise{id: w.backup(), tree: w.tree()}
}

// flip turns one bit of a file.
func (w *world) flip(path string, at int) {
	w.t.Helper()
	body, err := os.ReadFile(path)
	w.must(err)
	if at >= len(body) {
		w.t.Fatalf("%s has only %d bytes", path, len(body))
	}
	body[at] ^= 1
	w.must(os.WriteFile(path, body, 0o600))
}

// private gives a copied data directory the modes that a copy lost.
func (w *world) private(n *lab.Node) {
	w.t.Helper()
	w.must(filepath.WalkDir(n.Data(), func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			return os.Chmod(path, 0o700)
		}
		return os.Chmod(path, 0o600)
	}))
}

// levelNow is what `vault status` calls the backup; a refusal is no level.
func (w *world) levelNow() string {
	w.t.Helper()
	var s status
	if err := w.owner().RunJSON(w.ctx, &s, "vault", "status"); err != nil {
		return err.Error()
	}
	if len(s.Backups) != 1 {
		return "none"
	}
	return s.Backups[0].Level
}

// neverSafeWhileShort asks restic for its snapshots until all are there. An answer that
// lacks some is wrong, and so is "safe" before the answer is whole.
func (w *world) neverSafeWhileShort(promises []promise) {
	w.t.Helper()
	w.eventually("everything listed", 2*time.Minute, func() (bool, string) {
		level := w.levelNow()
		ids, err := w.listed()
		switch {
		case err == nil && len(ids) >= len(promises):
			return true, ""
		case err == nil:
			w.t.Fatalf("restic lists %d of %d snapshots, and hears of no trouble", len(ids), len(promises))
		case level == "safe":
			w.t.Fatalf("called safe while restic hears: %v", err)
		}
		return false, err.Error()
	})
}

// listed are the ids of the snapshots there are, as restic says without its own cache.
func (w *world) listed() (ids []string, err error) {
	out, err := w.run(w.env, "snapshots", "--json", "--no-cache", "--no-lock")
	if err != nil {
		return nil, fmt.Errorf("%w\n%s", err, out)
	}
	_, list, ok := strings.Cut(out, "[")
	if !ok {
		return nil, errors.New("restic answered no list: " + out)
	}
	var all []struct {
		ID string `json:"id"`
	}
	err = json.Unmarshal([]byte("["+list), &all)
	for _, s := range all {
		ids = append(ids, s.ID)
	}
	return ids, err
}
