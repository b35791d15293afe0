package vault

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/room/vault/backup"
	"entrechat/internal/room/vault/catalogue"
	"entrechat/internal/room/vault/export"
	"entrechat/internal/room/vault/recovery"
	"entrechat/internal/room/vault/rest"
)

// client is a small restic: it speaks to the front with one token.
type client struct {
	t    testing.TB
	base string
}

func (w *world) client(name, token string) client {
	env := w.env(name, token)
	return client{w.t, strings.TrimPrefix(strings.TrimSuffix(env.Repository, "/"), "rest:")}
}

func (c client) do(method, path string, body []byte, header ...string) (int, []byte) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, bytes.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		c.t.Fatal(err)
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		c.t.Fatal(err)
	}
	return res.StatusCode, data
}

// put saves a file under its right name and answers the path.
func (c client) put(t rest.Type, body []byte) string {
	c.t.Helper()
	path := "/" + string(t) + "/" + nameOf(body)
	if status, text := c.do(http.MethodPost, path, body); status != http.StatusOK {
		c.t.Fatalf("POST %s: %d %s", path, status, text)
	}
	return path
}

func nameOf(body []byte) string {
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:])
}

func randomBytes(n int, seed byte) []byte {
	b := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{seed}).Read(b)
	return b
}

// Whatever two of six members do, every byte comes back, and the status names
// those who did it.
func TestHostileMembersAreGoneAroundAndNamed(t *testing.T) {
	w := newWorld(t, 6)
	if _, err := w.room.backups.Create(t.Context(), "files", nil); err != nil {
		t.Fatal(err)
	}
	c := w.client("files", "")
	for _, conduct := range []conduct{flipping, cutting, swapping, emptied, away, hanging, dripping} {
		t.Run(string(conduct), func(t *testing.T) {
			body := randomBytes(3_000_000, byte(len(conduct)))
			path := c.put(rest.Data, body)
			w.settled()
			o, err := w.room.store.Objects.File(t.Context(), "files", rest.Handle{Type: rest.Data, Name: nameOf(body)}, 0)
			if err != nil {
				t.Fatal(err)
			}
			places, err := w.room.store.Placements.Of(t.Context(), o.ID)
			if err != nil {
				t.Fatal(err)
			}
			bad := map[core.MemberID]bool{places[0].Member: true, places[1].Member: true}
			for _, m := range w.members {
				if bad[m.id] {
					m.set(conduct)
				}
			}
			status, got := c.do(http.MethodGet, path, nil)
			if status != http.StatusOK || !bytes.Equal(got, body) {
				t.Fatalf("status %d, %d bytes", status, len(got))
			}
			for _, m := range w.members {
				m.set(honest)
			}
			named := map[core.MemberID]bool{}
			troubles, err := w.room.store.Troubles.Since(t.Context(), 0)
			if err != nil {
				t.Fatal(err)
			}
			for _, trouble := range troubles {
				if bad[trouble.Member] {
					named[trouble.Member] = true
				} else {
					t.Errorf("%s is named, and did nothing", trouble.Member)
				}
			}
			if len(named) != 2 {
				t.Errorf("named %v, want %v", named, bad)
			}
			// What was lost or wrong is made again.
			w.eventually("healed", func() bool {
				o, err := w.room.store.Objects.Get(t.Context(), o.ID)
				return err == nil && o.State == catalogue.Placed
			})
			w.room.retrieve.Cache.Clear()
			w.forgive()
		})
	}
}

// forgive forgets who failed and who lends, and tries everything at once.
func (w *world) forgive() {
	w.t.Helper()
	for _, table := range []string{"vault_trouble", "vault_lender WHERE leaves_us = 0"} {
		if _, err := w.room.n.DB.ExecContext(context.Background(), "DELETE FROM "+table); err != nil {
			w.t.Fatal(err)
		}
	}
	w.room.pool.Reset()
	if err := w.room.store.Queue.RetryNow(context.Background()); err != nil {
		w.t.Fatal(err)
	}
	w.room.work.Broadcast()
}

// burnt saves a tree of n files and loses the owner's disk, and with it every key
// but the seed words. It answers where the tree is.
func (w *world) burnt(n, size int) (data string) {
	w.t.Helper()
	if _, err := w.room.backups.Create(context.Background(), "files", nil); err != nil {
		w.t.Fatal(err)
	}
	data = filepath.Join(w.t.TempDir(), "data")
	writeTree(w.t, data, n, size, 3)
	env := w.env("files", "")
	w.restic(resticNew(w.t), env, "init")
	w.restic(resticNew(w.t), env, "backup", data)
	w.settled()
	w.stop()
	w.dir = w.t.TempDir()
	w.newKey(owner)
	w.open()
	return data
}

// recovered runs a recovery with the seed words.
func (w *world) recovered() recovery.Recovered {
	w.t.Helper()
	identity, err := w.seed.RecoveryIdentity()
	if err != nil {
		w.t.Fatal(err)
	}
	found, err := w.room.recovery.Recover(context.Background(), identity, func(recovery.MemberFound) {})
	if err != nil {
		w.t.Fatal(err)
	}
	return found
}

func TestFromNothing(t *testing.T) {
	t.Parallel() // restic spends its time on its password
	w := newWorld(t, 6)
	data := w.burnt(40, 200_000)
	w.members[1].set(away)
	w.members[4].set(away)
	found := w.recovered()
	if len(found.Backups) != 1 || found.Backups[0].Incomplete != 0 || !found.Backups[0].Password || found.Foreign != 0 {
		t.Fatalf("%+v", found)
	}
	plain := filepath.Join(t.TempDir(), "plain")
	for range 2 { // the second finds everything done
		if _, err := w.room.Export(t.Context(), "files", plain, func(export.Exported) {}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.room.n.DB.Close(); err != nil {
		t.Fatal(err)
	}
	w.start()
	env := w.env("files", "")
	for name, env := range map[string]backup.Env{"front": env, "export": {Repository: plain, PasswordFile: env.PasswordFile}} {
		target := t.TempDir()
		w.restic(resticOld(t), env, "restore", "latest", "--target", target)
		sameTree(t, data, filepath.Join(target, data))
		w.restic(resticNew(t), env, "check", "--read-data")
		t.Log(name, "is whole")
	}
	// And life goes on.
	writeTree(t, data, 10, 50_000, 4)
	w.restic(resticNew(t), env, "backup", data)
}
