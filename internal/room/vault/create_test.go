package vault

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"entrechat/internal/room/vault/backup"
	"entrechat/internal/room/vault/catalogue"
)

// A backup that exists has its prune token shown, whatever fails behind its row, and
// whoever waits no more; the next start writes its record.
func TestTheTokensOfABackupThatExistsAreShown(t *testing.T) {
	w := newWorld(t, 1)
	room, err := New(w.needs(w.room.n.DB))
	if err != nil {
		t.Fatal(err)
	}
	broken := errors.New("broken")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	accept := func(context.Context, catalogue.Object, io.Reader) (catalogue.Object, error) {
		return catalogue.Object{}, broken
	}
	promise := room.recovery.Mark.Advance
	room.backups = backup.New(backup.Needs{
		Store: room.store, Keyring: room.keyring, Accept: accept, ReadSmall: room.retrieve.ReadSmall,
		Promise: func(ctx context.Context) error {
			cancel()
			return promise(ctx)
		},
		Started: room.started, Tools: func() string { return "" }, Now: time.Now, Log: w.log,
	})
	r := httptest.NewRequestWithContext(ctx, http.MethodPost, createPath, http.NoBody)
	r.PostForm = url.Values{"name": {"paper"}}
	page, err := forms{room: room}.create(r)
	if err != nil || page.Made == nil || page.Made.Prune == "" {
		t.Fatalf("%+v %v", page, err)
	}
	if _, err := room.backups.Env(t.Context(), "paper", page.Made.Prune); err != nil {
		t.Error(err)
	}
	promise = func(context.Context) error { return broken }
	ctx, cancel = context.WithCancel(t.Context())
	defer cancel()
	made, err := room.backups.Create(ctx, "files", func(backup.Created) error {
		cancel()
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := room.backups.Env(t.Context(), "files", made.Prune); err != nil {
		t.Error(err)
	}
	w.stop()
	w.start()
	<-w.room.started
	for _, name := range []string{"paper", "files"} {
		if newest, err := w.room.store.Objects.Newest(t.Context(), name, catalogue.Meta, 1); err != nil || len(newest) != 1 {
			t.Errorf("the record of %s: %v %v", name, newest, err)
		}
	}
}
