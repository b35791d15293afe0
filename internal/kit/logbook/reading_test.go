package logbook_test

import (
	"context"
	"encoding/base64"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/logbook"
	"entrechat/internal/kit/logbook/format"
	"entrechat/internal/kit/peer"
	"entrechat/internal/kit/seal"
)

// A key that only reads is taken for its member's, for GET, for two weeks, when the
// root key that is pinned says so; the key set and the node that signs with it stay.
func TestReadingKey(t *testing.T) {
	c := newClock()
	v := village(t, c, "chaton-a.test", "chaton-b.test")
	a, b := v[0], v[1]
	b.pull(t, a)
	answer := func(w http.ResponseWriter, _ *http.Request, from core.MemberID) error {
		return peer.WriteJSON(w, map[string]any{"from": from})
	}
	server := httptest.NewServer(peer.NewHandler(b.needs(), []peer.Route{
		{Pattern: "GET /ec/v1/mine", Handle: answer}, {Pattern: "POST /ec/v1/mine", Handle: answer},
	}))
	t.Cleanup(server.Close)
	c.pass(time.Minute) // what was signed before the start is refused
	side := seal.NewSigner(a.id, newKey(t))
	doc := must[[]byte](t)(must[seal.Envelope](t)(format.SignReadingKey(side, a.root, core.At(c.Now()))).Encode())
	forged := must[[]byte](t)(must[seal.Envelope](t)(format.SignReadingKey(side, b.root, core.At(c.Now()))).Encode())
	ask := func(method string, signer seal.Signer, reading []byte) error {
		client := peer.NewClient(peer.Needs{Signer: signer, Keyring: at{url: server.URL}, Private: true, Now: c.Now, Log: slog.New(slog.DiscardHandler), Reading: reading})
		defer client.CloseIdle()
		return client.JSON(t.Context(), b.id, method, "/ec/v1/mine", nil, nil)
	}
	ok(t, ask("GET", side, doc))
	ok(t, ask("GET", a.signer, nil))
	code(t, ask("GET", side, nil), core.CodeDenied)
	code(t, ask("GET", side, forged), core.CodeDenied)
	code(t, ask("GET", a.signer, doc), core.CodeDenied) // the document names another key
	code(t, ask("POST", side, doc), core.CodeDenied)    // not even sent
	// Whoever sends it all the same is refused, with the right key too.
	for _, signer := range []seal.Signer{side, a.signer} {
		client := peer.NewClient(peer.Needs{Signer: signer, Keyring: at{url: server.URL}, Private: true, Now: c.Now, Log: slog.New(slog.DiscardHandler)})
		t.Cleanup(client.CloseIdle)
		_, err := client.Do(t.Context(), b.id, peer.Request{
			Method: http.MethodPost, Path: "/ec/v1/mine", Header: http.Header{"Entrechat-Reading-Key": {base64.StdEncoding.EncodeToString(doc)}},
		})
		code(t, err, core.CodeDenied)
	}
	c.pass(logbook.ReadingLife + time.Minute)
	code(t, ask("GET", side, doc), core.CodeDenied)
}

// at is a keyring that only knows where to go.
type at struct {
	peer.Keyring
	url string
}

func (a at) URL(context.Context, core.MemberID) (string, error) { return a.url, nil }
