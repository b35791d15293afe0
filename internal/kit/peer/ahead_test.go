package peer_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"entrechat/internal/kit/db"
	"entrechat/internal/kit/dbtest"
	"entrechat/internal/kit/peer"
)

// A request that was signed ahead of our clock and used is of no use after a start,
// however soon that comes; its sender goes on within seconds.
func TestReplayAcrossAStart(t *testing.T) {
	dbtest.Each(t, "peer", peer.Migrations(), func(t *testing.T, d *db.DB) {
		p := newPair(t)
		started := p.now
		var h *peer.Handler
		start := func() {
			h = peer.NewHandler(peer.Needs{
				Signer: newSigner(t, self), Keyring: p.keys, DB: d, Now: func() time.Time { return p.now }, Log: slog.New(slog.DiscardHandler),
			}, []peer.Route{echo(0, true)})
		}
		send := func(head http.Header) *httptest.ResponseRecorder {
			t.Helper()
			r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/echo", strings.NewReader("bonjour"))
			r.Header = head
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			return w
		}
		signedAt := func(at time.Time) http.Header {
			t.Helper()
			n := p.needs
			n.Now = func() time.Time { return at }
			ahead := *p
			ahead.needs = n
			return signedHeaders(t, &ahead, self)
		}
		start()
		captured, atOnce := signedAt(started.Add(5*time.Minute)), signedAt(started)
		for _, head := range []http.Header{captured, atOnce} {
			if w := send(head); w.Code != http.StatusOK {
				t.Fatalf("%d %s", w.Code, w.Body)
			}
		}
		p.now = started.Add(time.Second)
		start()
		for name, head := range map[string]http.Header{"signed ahead": captured, "signed then": atOnce} {
			if w := send(head); w.Code != http.StatusServiceUnavailable || !strings.Contains(w.Body.String(), "peer.just_started") {
				t.Errorf("%s, again after a start: %d %s", name, w.Code, w.Body)
			}
		}
		// The sender's clock goes on, five minutes ahead of ours.
		p.now = started.Add(12 * time.Second)
		if w := send(signedAt(p.now.Add(5 * time.Minute))); w.Code != http.StatusOK {
			t.Errorf("its next request: %d %s", w.Code, w.Body)
		}
		// Members whose clock is right notice nothing.
		c := newSigner(t, "chaton-c.test")
		p.keys.keys["chaton-c.test"] = c.Public()
		p.needs.Signer = c
		if w := send(signedAt(p.now)); w.Code != http.StatusOK {
			t.Errorf("another member: %d %s", w.Code, w.Body)
		}
	})
}
