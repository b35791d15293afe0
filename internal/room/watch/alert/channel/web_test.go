package channel

import (
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"entrechat/internal/room/watch/alert/contact"
)

// recorder is a server of each protocol: it keeps the last request.
type recorder struct {
	*http.Request
	body map[string]any
	list []map[string]any
	code int
}

func (r *recorder) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	r.Request, r.body, r.list = req, nil, nil
	text, _ := io.ReadAll(req.Body)
	if json.Unmarshal(text, &r.body) != nil {
		_ = json.Unmarshal(text, &r.list)
	}
	if r.code != 0 {
		w.WriteHeader(r.code)
	}
}

func TestWebKinds(t *testing.T) {
	rec := &recorder{}
	server := httptest.NewServer(rec)
	defer server.Close()
	s := New(Needs{Private: true, Hoster: "chaton-a.test"})
	m := message()
	for _, c := range []struct {
		kind           contact.Kind
		path, token    string
		method, at     string
		header, value  string
		field, content string
	}{
		{contact.Ntfy, "/alarm", "tk", "POST", "/", "Authorization", "Bearer tk", "topic", "alarm"},
		{contact.Ntfy, "/alarm", "", "POST", "/", "Authorization", "", "title", m.Title},
		{contact.Gotify, "", "tk", "POST", "/message", "X-Gotify-Key", "tk", "title", m.Title},
		{contact.Matrix, "/!room:matrix.test", "tk", "PUT", "/_matrix/client/v3/rooms/%21room:matrix.test/send/m.room.message/" + transaction(m.Key), "Authorization", "Bearer tk", "msgtype", "m.text"},
		{contact.Webhook, "/any/path", "tk", "POST", "/any/path", "Idempotency-Key", transaction(m.Key), "kind", "down"},
		{contact.Mastodon, "/@ana", "tk", "POST", "/api/v1/statuses", "Idempotency-Key", transaction(m.Key), "visibility", "direct"},
	} {
		to := contact.Channel{ID: "x", Kind: c.kind, Address: server.URL + c.path, Token: c.token}
		if err := to.Check(); err != nil {
			t.Errorf("%s: %v", c.kind, err)
		}
		if err := s.Send(t.Context(), to, m); err != nil {
			t.Errorf("%s: %v", c.kind, err)
			continue
		}
		if got := strings.ReplaceAll(rec.URL.EscapedPath(), "%3A", ":"); rec.Method != c.method || got != strings.ReplaceAll(c.at, "%21", "%21") && got != strings.ReplaceAll(c.at, "%21", "!") {
			t.Errorf("%s: %s %s", c.kind, rec.Method, got)
		}
		if rec.Header.Get(c.header) != c.value || rec.body[c.field] != c.content {
			t.Errorf("%s: %s=%q %s=%v", c.kind, c.header, rec.Header.Get(c.header), c.field, rec.body[c.field])
		}
	}
	if err := s.Send(t.Context(), contact.Channel{Kind: contact.Alertmanager, Address: server.URL + "/am"}, m); err != nil {
		t.Fatal(err)
	}
	if rec.URL.Path != "/am/api/v2/alerts" || len(rec.list) != 1 || rec.list[0]["startsAt"] == "" || rec.list[0]["endsAt"] != nil {
		t.Errorf("%s %v", rec.URL.Path, rec.list)
	}
}

// TestWebFailures: what fails is told apart in bounded time, and in words without secrets.
func TestWebFailures(t *testing.T) {
	hang := make(chan struct{})
	slow := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-hang:
		case <-r.Context().Done():
		}
	}))
	defer slow.Close()
	defer close(hang)
	broken := httptest.NewServer(&recorder{code: 503})
	defer broken.Close()
	away := httptest.NewServer(http.RedirectHandler("http://127.0.0.1:1/secret", http.StatusFound))
	defer away.Close()
	silent, err := net.Listen("tcp", "127.0.0.1:0") // accepts, and never reads
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	closed := httptest.NewServer(nil)
	closed.Close()
	s := New(Needs{Private: true, Timeout: 300 * time.Millisecond})
	for _, kind := range []contact.Kind{contact.Ntfy, contact.Gotify, contact.Matrix, contact.Webhook, contact.Mastodon, contact.Alertmanager} {
		for _, c := range []struct {
			address, why string
			unsure       bool
		}{
			{slow.URL, "timeout", true},
			{broken.URL, "status 503", false},
			{away.URL, "status 302", false},
			{closed.URL, "refused", false},
			{"http://" + silent.Addr().String(), "timeout", true},
			{"https://" + silent.Addr().String(), "timeout", false}, // the handshake hangs
		} {
			begun := time.Now()
			err := s.Send(t.Context(), contact.Channel{ID: "x", Kind: kind, Address: c.address + "/@secret", Token: "secret"}, message())
			f, ok := errors.AsType[*SendError](err)
			if !ok || f.Why != c.why || f.Unsure != c.unsure || strings.Contains(err.Error(), "secret") {
				t.Errorf("%s %s: %v, unsure %v, want %s, %v", kind, c.address, err, ok && f.Unsure, c.why, c.unsure)
			}
			if time.Since(begun) > 5*time.Second {
				t.Errorf("%s %s took %s", kind, c.address, time.Since(begun))
			}
		}
	}
}

// TestWebGuard: without Private no address of this machine or its network is called, under
// whatever name, and nothing without TLS.
func TestWebGuard(t *testing.T) {
	rec := &recorder{}
	server := httptest.NewServer(rec)
	defer server.Close()
	s := New(Needs{Timeout: time.Second})
	_, port, _ := net.SplitHostPort(server.Listener.Addr().String())
	for _, address := range []string{
		server.URL, "https://127.0.0.1:" + port, "https://localhost:" + port, "https://[::1]:" + port, "https://0.0.0.0:" + port,
		"https://[::ffff:127.0.0.1]:" + port, "https://10.0.0.1", "https://192.168.1.1", "https://169.254.169.254", "https://100.64.0.1",
		"https://[fd00::1]", "https://[fe80::1]", "https://[64:ff9b::7f00:1]", "https://[2002:7f00:1::]", "https://198.18.0.1", "https://127.0.0.1:25",
		"https://9.9.9.9:25", "https://user:pw@9.9.9.9", "gopher://9.9.9.9",
	} {
		err := s.Send(t.Context(), contact.Channel{ID: "x", Kind: contact.Webhook, Address: address}, message())
		f, ok := errors.AsType[*SendError](err)
		if !ok || f.Unsure || f.Why != "blocked" && f.Why != "dns" {
			t.Errorf("%s: %v", address, err)
		}
	}
	if rec.Request != nil {
		t.Error("our own server was called")
	}
}
