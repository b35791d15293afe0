package peer_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/peer"
)

// call sends one signed request whose answer does not matter, only its error.
func (p *pair) call(t *testing.T, r peer.Request) error {
	t.Helper()
	res, err := p.client.Do(t.Context(), self, r)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, res.Body)
	return errors.Join(err, res.Body.Close())
}

func wants(t *testing.T, what string, err error, code core.Code, key string) {
	t.Helper()
	var e *core.Error
	if !errors.As(err, &e) || e.Code != code || e.Key != key {
		t.Errorf("%s: %v, want %s %s", what, err, code, key)
	}
}

func handle(do func(w http.ResponseWriter, r *http.Request) error) func(http.ResponseWriter, *http.Request, core.MemberID) error {
	return func(w http.ResponseWriter, r *http.Request, _ core.MemberID) error { return do(w, r) }
}

// A covered body on a route that streams is checked when it ends.
func TestCoveredStream(t *testing.T) {
	p := newPair(t, echo(0, false))
	headers := signedHeaders(t, p, self)
	for body, want := range map[string]int{"bonjour": http.StatusOK, "bonsoir": http.StatusBadRequest} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, p.server.URL+"/echo", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header = headers.Clone()
		if body != "bonjour" {
			req.Header = signedHeaders(t, p, self)
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if res.StatusCode != want {
			t.Errorf("%s: %d, want %d", body, res.StatusCode, want)
		}
	}
}

func TestWhoIsNotProved(t *testing.T) {
	public := peer.Route{Pattern: "GET /who", Public: true, Handle: func(w http.ResponseWriter, _ *http.Request, from core.MemberID) error {
		_, err := fmt.Fprintf(w, "%q", from)
		return err
	}}
	p := newPair(t, public, echo(0, true))
	who := func() string {
		t.Helper()
		res, err := p.client.Do(t.Context(), self, peer.Request{Method: "GET", Path: "/who"})
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		text, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	if got := who(); got != `"chaton-b.test"` {
		t.Errorf("a member: %s", got)
	}
	delete(p.keys.keys, other) // the map is shared with the server
	if got := who(); got != `""` {
		t.Errorf("a stranger: %s", got)
	}
	wants(t, "stranger at a member's route", p.call(t, peer.Request{Method: "POST", Path: "/echo", Covered: []byte("x")}),
		core.CodeDenied, "peer.unknown_member")
}

func TestClocks(t *testing.T) {
	p := newPair(t, echo(0, true))
	ask := peer.Request{Method: "POST", Path: "/echo", Covered: []byte("x")}
	started := p.now
	p.now = started.Add(-time.Second)
	wants(t, "signed before the start", p.call(t, ask), core.CodeUnsure, "peer.just_started")
	n := p.needs
	for off, key := range map[time.Duration]string{-11 * time.Minute: "peer.bad_clock", 11 * time.Minute: "peer.bad_clock", 9 * time.Minute: ""} {
		n.Now = func() time.Time { return started.Add(time.Hour + off) }
		p.now, p.client = started.Add(time.Hour), peer.NewClient(n)
		if err := p.call(t, ask); key == "" && err != nil {
			t.Errorf("%s off: %v", off, err)
		} else if key != "" {
			wants(t, off.String(), err, core.CodeDenied, key)
		}
	}
}

func TestJSONWithoutEnd(t *testing.T) {
	p := newPair(t, peer.Route{Pattern: "POST /json", Digest: true, MaxBody: 4 << 20, Handle: handle(func(w http.ResponseWriter, r *http.Request) error {
		var v map[string]any
		if err := peer.ReadJSON(r, &v); err != nil {
			return err
		}
		return peer.WriteJSON(w, v)
	})})
	deep := strings.Repeat(`{"a":`, 1_000_000) + "1" + strings.Repeat("}", 1_000_000)
	for name, body := range map[string]string{"deep": deep[:4<<20], "float": `{"a":1.5}`, "twice": `{"a":1,"a":2}`, "cut": `{"a"`} {
		wants(t, name, p.call(t, peer.Request{Method: "POST", Path: "/json", Covered: []byte(body)}), core.CodeInvalid, "wire.bad_json")
	}
	wants(t, "too large", p.call(t, peer.Request{Method: "POST", Path: "/json", Covered: make([]byte, 4<<20+1)}), core.CodeInvalid, "peer.too_large")
	wants(t, "endless", p.call(t, peer.Request{Method: "POST", Path: "/json", Body: neverEnds{}, Length: 1 << 40}), core.CodeDenied, "peer.bad_signature")
	if err := p.call(t, peer.Request{Method: "POST", Path: "/json", Covered: []byte(`{"a":1}`)}); err != nil {
		t.Error(err)
	}
}

// A hundred bodies without end cost us no memory worth speaking of.
func TestEndlessBodiesAreBounded(t *testing.T) {
	p := newPair(t, echo(1<<20, false))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range 20 {
		if err := p.call(t, peer.Request{Method: "POST", Path: "/echo", Body: neverEnds{}, Length: -1}); err == nil {
			t.Fatal("an endless body was taken")
		}
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 32<<20 {
		t.Errorf("%d bytes more on the heap", grown)
	}
}

// An answer that has begun is cut off, never ended with an error's text.
func TestHalfAnAnswerIsCut(t *testing.T) {
	for name, end := range map[string]func() error{
		"error": func() error { return core.Invalid("vault.broken", errors.New("late")) },
		"panic": func() error { panic("late") },
	} {
		p := newPair(t, peer.Route{Pattern: "GET /half", Handle: handle(func(w http.ResponseWriter, _ *http.Request) error {
			_, err := w.Write(make([]byte, 10_000))
			return errors.Join(err, end())
		})})
		wants(t, name, p.call(t, peer.Request{Method: "GET", Path: "/half"}), core.CodeUnsure, "peer.unreachable")
	}
}

func TestErrorsTravel(t *testing.T) {
	var fails error
	p := newPair(t, peer.Route{Pattern: "GET /fails", Handle: handle(func(http.ResponseWriter, *http.Request) error { return fails })})
	for name, c := range map[string]struct {
		sent error
		code core.Code
		key  string
		args map[string]any
	}{
		"full": {
			core.Full("vault.quota_full", errors.New("no")).With("Quota", core.Size(5)).With("Who", core.MemberID("x.test")),
			core.CodeFull, "vault.quota_full",
			map[string]any{"Quota": "5 B", "Who": "x.test", "Member": self, "Status": 507},
		},
		"named by us, not by them": {
			core.Conflict("vault.taken", nil).With("Member", "evil.test").With("Status", 1),
			core.CodeConflict, "vault.taken",
			map[string]any{"Member": self, "Status": 409},
		},
		"ours alone": {
			errors.New("open /etc/shadow"), core.CodeUnsure, "core.internal", map[string]any{"Member": self, "Status": 500},
		},
		"wrapped": {
			fmt.Errorf("outer: %w", core.NotFound("vault.gone", errors.New("x"))), core.CodeNotFound, "vault.gone",
			map[string]any{"Member": self, "Status": 404},
		},
	} {
		fails = c.sent
		err := p.call(t, peer.Request{Method: "GET", Path: "/fails"})
		wants(t, name, err, c.code, c.key)
		var e *core.Error
		if errors.As(err, &e) && fmt.Sprint(e.Args) != fmt.Sprint(c.args) {
			t.Errorf("%s: args %v, want %v", name, e.Args, c.args)
		}
		if strings.Contains(err.Error(), "shadow") {
			t.Errorf("%s: told too much: %v", name, err)
		}
	}
}

// What a hostile member answers stays within bounds and moves no cursor.
func TestHostileAnswers(t *testing.T) {
	var status int
	var body string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", "http://127.0.0.1/inside")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}))
	defer server.Close()
	p := newPair(t)
	n, keys := p.needs, p.keys
	keys.url = server.URL
	n.Keyring = keys
	p.client = peer.NewClient(n)
	many := map[string]any{}
	for i := range 100 {
		many[fmt.Sprintf("A%d", i)] = strings.Repeat("x", 1000)
	}
	hostile, err := json.Marshal(map[string]any{"key": "vault.quota_full", "args": many, "text": "\x1b[2J<script>\u202e"})
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		status int
		body   string
		code   core.Code
		key    string
	}{
		"redirect":       {302, "", core.CodeUnsure, "peer.proxy_page"},
		"no JSON":        {403, "<html>", core.CodeUnsure, "peer.proxy_page"},
		"strange key":    {404, `{"key":"<b>.x"}`, core.CodeUnsure, "peer.proxy_page"},
		"endless":        {500, strings.Repeat(" ", 1<<20), core.CodeUnsure, "peer.proxy_page"},
		"too large":      {413, "<html>413 Request Entity Too Large", core.CodeUnsure, "peer.proxy_limit"},
		"its own 413":    {413, `{"code":"invalid","key":"peer.too_large"}`, core.CodeInvalid, "peer.too_large"},
		"too fast":       {429, "<html>429", core.CodeUnsure, "peer.proxy_rate"},
		"nobody behind":  {502, "<html>502", core.CodeUnsure, "peer.proxy_down"},
		"a page":         {200, "<!DOCTYPE html><html>back soon", core.CodeUnsure, "peer.proxy_page"},
		"crowd of args":  {507, `{"key":"a.b","args":{"x y":"z","N":1,"T":"\u001b[2J"}}`, core.CodeFull, "a.b"},
		"hostile args":   {507, string(hostile), core.CodeUnsure, "peer.proxy_page"}, // past 8 KiB
		"code disagrees": {403, `{"code":"full","key":"a.b"}`, core.CodeDenied, "a.b"},
	} {
		status, body = c.status, c.body
		err := p.call(t, peer.Request{Method: "GET", Path: "/"})
		wants(t, name, err, c.code, c.key)
		var e *core.Error
		if errors.As(err, &e) && (len(e.Args) > 12 || strings.Contains(fmt.Sprint(e.Args)+err.Error(), "\x1b")) {
			t.Errorf("%s: %v %v", name, e.Args, err)
		}
	}
	status, body = 200, `{"x":1.5}`
	var out struct{}
	wants(t, "not in the profile", p.client.JSON(t.Context(), self, "GET", "/", nil, &out), core.CodeUnsure, "peer.bad_answer")
}

func TestTooMuchAtOnce(t *testing.T) {
	hold, held := make(chan struct{}), make(chan struct{}, 100)
	p := newPair(t, peer.Route{Pattern: "GET /hold", Handle: handle(func(http.ResponseWriter, *http.Request) error {
		select {
		case held <- struct{}{}:
		default:
		}
		<-hold
		return nil
	})})
	results := make(chan error, 64)
	for range 64 {
		go func() { results <- p.call(t, peer.Request{Method: "GET", Path: "/hold"}) }()
	}
	for range 64 {
		<-held
	}
	err := p.call(t, peer.Request{Method: "GET", Path: "/hold"})
	wants(t, "the 65th", err, core.CodeUnsure, "peer.slow_down")
	close(hold)
	for range 64 {
		if err := <-results; err != nil {
			t.Error(err)
		}
	}
	for i := range 1000 { // the clock stands still, so the bucket is never refilled
		if err = p.call(t, peer.Request{Method: "GET", Path: "/hold"}); err != nil {
			if i < 500 {
				t.Errorf("refused after %d", i)
			}
			break
		}
	}
	wants(t, "too fast", err, core.CodeUnsure, "peer.slow_down")
}

func TestMembersSpeakTLS13(t *testing.T) {
	old := httptest.NewUnstartedServer(http.NotFoundHandler())
	old.TLS = &tls.Config{MaxVersion: tls.VersionTLS12}
	old.StartTLS()
	defer old.Close()
	_, _, err := newPair(t).client.Fetch(t.Context(), old.URL, 10)
	if err == nil || !strings.Contains(err.Error(), "protocol version") {
		t.Errorf("TLS 1.2: %v", err)
	}
}

// Bytes that are no HTTP, or half of it, end the connection and nothing else.
func TestGarbageOnTheLine(t *testing.T) {
	p := newPair(t, echo(0, false))
	for name, text := range map[string]string{
		"no HTTP":           "\x16\x03\x01\x02\x00",
		"no host":           "GET /echo HTTP/1.1\r\n\r\n",
		"two lengths":       "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx",
		"length and chunks": "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"proxy form":        "CONNECT 127.0.0.1:22 HTTP/1.1\r\nHost: a\r\n\r\n",
		"asterisk":          "GET * HTTP/1.1\r\nHost: a\r\n\r\n",
		"bad chunk":         "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\nx",
		"absolute inside":   "GET http://169.254.169.254/latest HTTP/1.1\r\nHost: a\r\n\r\n",
	} {
		if status := p.raw(t, text); status != 0 && (status < 400 || status > 499) {
			t.Errorf("%s: status %d", name, status)
		}
	}
	if status := p.raw(t, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\nnever more"); status != http.StatusForbidden {
		t.Errorf("refused without waiting for the body: status %d", status)
	}
	if err := p.call(t, peer.Request{Method: "POST", Path: "/echo", Covered: []byte("x")}); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

// raw writes text to the server and reads the status of its answer, 0 for none.
func (p *pair) raw(t *testing.T, text string) int {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	conn := dial(ctx, t, p.server.Listener.Addr().String())
	defer conn.Close()
	if _, err := io.WriteString(conn, text); err != nil {
		t.Fatal(err)
	}
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return 0
	}
	defer res.Body.Close()
	return res.StatusCode
}
