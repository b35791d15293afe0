package logbook_test

import (
	"crypto"
	"io"
	"log/slog"
	"net/http/httptest"
	"path/filepath"
	"testing"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/logbook"
	"entrechat/internal/kit/peer"
	"entrechat/internal/kit/seal"
)

// privateKey is a Signer as crypto.Signer.
type privateKey struct{ seal.Signer }

func (p privateKey) Public() crypto.PublicKey { return p.Signer.Public() }

func (p privateKey) Sign(_ io.Reader, m []byte, _ crypto.SignerOpts) ([]byte, error) {
	return p.Signer.Sign(m), nil
}

// copyDB is a backup of a member's database, opened as restored.
func (h *hoster) copyDB(t *testing.T) *db.DB {
	t.Helper()
	path := filepath.Join(t.TempDir(), "copy.db")
	if _, err := db.Exec(t.Context(), h.db, `VACUUM INTO '`+path+`'`); err != nil {
		t.Fatal(err)
	}
	d, err := db.Open(t.Context(), "sqlite:"+path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	return d
}

// twinOf is the same member, same keys, on another disk: it tells another history.
func twinOf(t *testing.T, h *hoster, c *clock) *hoster {
	t.Helper()
	twin := &hoster{id: h.id, root: h.root, signer: h.signer, db: h.copyDB(t), clock: c}
	quiet := slog.New(slog.DiscardHandler)
	twin.book = logbook.New(logbook.Needs{DB: twin.db, Signer: twin.signer, Now: c.Now, Log: quiet, Boot: string(core.MemberID("twin"))})
	n := peer.Needs{Signer: twin.signer, Keyring: twin.book, Private: true, Now: c.Now, Log: quiet}
	twin.client = peer.NewClient(n)
	twin.book.Connect(twin.client)
	twin.server = httptest.NewServer(peer.NewHandler(n, twin.book.Routes()))
	t.Cleanup(twin.server.Close)
	return twin
}
