package vault

import (
	"bytes"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/room/vault/catalogue"
	"entrechat/internal/room/vault/health"
	"entrechat/internal/room/vault/rest"
)

// A bit in the row of a file that no member has yet costs nothing: its file says what the
// row was.
func TestOddRowIsMadeAgainFromItsFile(t *testing.T) {
	t.Parallel()
	for column, flip := range map[string]string{
		"object":    `replace(object, substr(object, 1, 8), 'abcdefab')`,
		"repo":      `'filer'`,
		"kind":      `'dat!'`,
		"name":      `replace(name, substr(name, 1, 8), 'abcdefab')`,
		"size":      `size + 64`,
		"sealed":    `sealed + 64`,
		"sealed_to": `'age0'`,
		"row_sum":   `'0000000000000000'`,
		"file":      `substr(file, 1, length(file) - 2) || 'zz'`,
	} {
		t.Run(column, func(t *testing.T) {
			w := newWorld(t, 3)
			w.t = t
			w.create("files")
			w.create("mail")
			w.settled()
			w.stop()
			w.open()
			body := randomBytes(100_000, 7)
			h := rest.Handle{Type: rest.Data, Name: nameOf(body)}
			o := w.accept(h, body)
			if _, err := w.room.n.DB.ExecContext(t.Context(), `UPDATE vault_object SET `+column+` = `+flip+` WHERE object = $1`, o.ID.String()); err != nil {
				t.Fatal(err)
			}
			if err := w.room.n.DB.Close(); err != nil {
				t.Fatal(err)
			}
			w.start()
			if status, got := w.client("files", "").do(http.MethodGet, "/"+h.String(), nil); status != http.StatusOK || !bytes.Equal(got, body) {
				t.Fatalf("lost: %d", status)
			}
			w.settled()
			if again, err := w.room.store.Objects.File(t.Context(), "files", h, 0); err != nil || again.ID != o.ID || again.Size != o.Size || again.State != catalogue.Placed {
				t.Errorf("%+v, %v", again, err)
			}
			w.nothingLeft()
		})
	}
}

// What rests on a pack that this disk lost, and no member had, is refused: a snapshot of
// the run that sent it, and any while an index of before may name it. Else the next run
// goes through.
func TestWhatRestsOnALostPackIsRefused(t *testing.T) {
	truncated := func(t *testing.T, w *world, o catalogue.Object) {
		if err := os.Truncate(filepath.Join(w.dir, "vault", "shelf", o.Local), 100); err != nil {
			t.Fatal(err)
		}
	}
	for name, c := range map[string]struct {
		lose  func(*testing.T, *world, catalogue.Object)
		index bool // one is there that may name the pack
	}{
		"file":            {lose: truncated},
		"file, and index": {lose: truncated, index: true},
		"row and file": {lose: func(t *testing.T, w *world, o catalogue.Object) {
			truncated(t, w, o)
			if _, err := w.room.n.DB.ExecContext(t.Context(), `UPDATE vault_object SET name = 'x' WHERE object = $1`, o.ID.String()); err != nil {
				t.Fatal(err)
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, 3)
			w.t = t
			made := w.create("files")
			w.settled()
			lock := w.client("files", "").put(rest.Locks, aLock(1))
			w.stop()
			w.open()
			body, index, snapshot := randomBytes(100_000, 7), []byte("an index"), []byte("a snapshot")
			pack := w.accept(rest.Handle{Type: rest.Data, Name: nameOf(body)}, body)
			if c.index {
				w.accept(rest.Handle{Type: rest.Index, Name: nameOf(index)}, index)
			}
			c.lose(t, w, pack)
			if err := w.room.n.DB.Close(); err != nil {
				t.Fatal(err)
			}
			w.start()
			client, prune := w.client("files", ""), w.client("files", made.Prune)
			refused := func(when string) {
				t.Helper()
				status, text := client.do(http.MethodPost, "/snapshots/"+nameOf(snapshot), snapshot)
				if status != http.StatusForbidden || !strings.Contains(string(text), "restic unlock") {
					t.Fatalf("%s: %d %s", when, status, text)
				}
				if err := w.room.doctor.CheckSpool(t.Context()); err == nil {
					t.Errorf("%s: doctor finds nothing", when)
				}
				if _, list := client.do(http.MethodGet, "/snapshots/", nil); strings.Contains(string(list), nameOf(snapshot)) {
					t.Errorf("%s: refused, and there: %s", when, list)
				}
			}
			refused("the same run")
			if status, _ := client.do(http.MethodHead, "/data/"+nameOf(body), nil); status != http.StatusNotFound {
				t.Errorf("the pack is answered with %d", status)
			}
			if status, text := client.do(http.MethodDelete, lock, nil); status != http.StatusOK {
				t.Fatalf("%d %s", status, text)
			}
			client.put(rest.Locks, aLock(2))
			client.put(rest.Data, randomBytes(1000, 8))
			if c.index {
				refused("another run, while an index may name it")
				client.put(rest.Index, []byte("a repaired index"))
				if status, text := prune.do(http.MethodDelete, "/index/"+nameOf(index), nil); status != http.StatusOK {
					t.Fatalf("%d %s", status, text)
				}
			}
			client.put(rest.Snapshots, snapshot)
			if err := w.room.doctor.CheckSpool(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
}

// A pack that is sent again is no longer lost.
func TestALostPackIsSentAgain(t *testing.T) {
	w := newWorld(t, 3)
	w.create("files")
	w.settled()
	w.stop()
	w.open()
	body := randomBytes(100_000, 7)
	pack := w.accept(rest.Handle{Type: rest.Data, Name: nameOf(body)}, body)
	if err := w.room.local.Remove(pack.Local); err != nil {
		t.Fatal(err)
	}
	_ = w.room.n.DB.Close()
	w.start()
	c := w.client("files", "")
	path := c.put(rest.Data, body)
	c.put(rest.Snapshots, []byte("a snapshot"))
	if status, got := c.do(http.MethodGet, path, nil); status != http.StatusOK || !bytes.Equal(got, body) {
		t.Errorf("%d", status)
	}
}

// A file that was off-site, and is gone here and at the members, stays in the catalogue:
// snapshots rest on it, and the status says that it cannot be read.
func TestFileThatIsGoneEverywhereIsSaid(t *testing.T) {
	w := newWorld(t, 2)
	w.create("files")
	c := w.client("files", "")
	index := []byte("an index")
	c.put(rest.Index, index)
	c.put(rest.Snapshots, []byte("a snapshot"))
	w.settled()
	w.stop()
	w.open()
	defer w.room.n.DB.Close()
	ctx := t.Context()
	o, err := w.room.store.Objects.File(ctx, "files", rest.Handle{Type: rest.Index, Name: nameOf(index)}, 0)
	if err == nil {
		_, err = w.room.n.DB.ExecContext(ctx, `UPDATE vault_placement SET state = 'lost' WHERE object = $1`, o.ID.String())
	}
	if err == nil {
		err = w.room.local.Remove(o.Local)
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.room.recovery.Disk.CheckFiles(ctx, true); err != nil {
		t.Fatal(err)
	}
	facts, err := w.room.doctor.Facts(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if s := facts.Status(catalogue.Repo{Name: "files"}, core.At(time.Now())); s.Level != health.LevelLost {
		t.Errorf("%+v", s)
	}
}
