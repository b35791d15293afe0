package look

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"entrechat/internal/room/watch/target"
)

// The answers are those of AWS S3 (API reference, "Error responses"), Garage 1.0 and MinIO
// to a request without an account, shortened.
func TestLookS3(t *testing.T) {
	t.Parallel()
	answer := func(status int, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Server", "Garage")
			w.WriteHeader(status)
			_, _ = w.Write([]byte(body))
		}
	}
	problem := func(code string) string {
		return `<?xml version="1.0" encoding="UTF-8"?><Error><Code>` + code + `</Code><Message>m</Message><Resource>/</Resource></Error>`
	}
	mux := http.NewServeMux()
	mux.Handle("/private", answer(403, problem("AccessDenied")))
	mux.Handle("/unsigned", answer(400, problem("InvalidRequest")))
	mux.Handle("/public", answer(200, `<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>a</Name></ListBucketResult>`))
	mux.Handle("/busy", answer(503, problem("SlowDown")))
	mux.Handle("/broken", answer(403, problem("InternalError")))
	mux.Handle("/gone", answer(404, problem("NoSuchBucket")))
	mux.Handle("/page", answer(200, `<html><body>Welcome</body></html>`))
	mux.Handle("/proxy", answer(403, `<html><body>Forbidden</body></html>`))
	mux.Handle("/empty", answer(200, ``))
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	l := looker(t)
	for path, want := range map[string]Class{
		"/private": Fine, "/unsigned": Fine, "/public": Fine, "/busy": HTTP5xx, "/broken": HTTP5xx, "/gone": HTTP4xx,
		"/page": Content, "/proxy": HTTP4xx, "/empty": Content,
	} {
		t.Run(path[1:], func(t *testing.T) {
			t.Parallel()
			r := l.Look(t.Context(), target.Target{Kind: target.S3, Address: s.URL + path})
			if r.Class != want {
				t.Errorf("%q (%s), not %q", r.Class, r.Detail, want)
			}
			if want == Fine && r.Software != "Garage" {
				t.Errorf("software %q", r.Software)
			}
		})
	}
}

func TestLookWebSocket(t *testing.T) {
	t.Parallel()
	mux := http.NewServeMux()
	mux.HandleFunc("/greets", func(w http.ResponseWriter, r *http.Request) {
		c, err := websocket.Accept(w, r, nil)
		if err != nil {
			return
		}
		_ = c.Write(r.Context(), websocket.MessageText, []byte("hello cat"))
		_, _, _ = c.Read(r.Context())
		_ = c.CloseNow()
	})
	mux.HandleFunc("/page", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("a page")) })
	mux.HandleFunc("/503", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(503) })
	mux.HandleFunc("/false", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Connection", "Upgrade")
		w.Header().Set("Upgrade", "websocket")
		w.Header().Set("Sec-WebSocket-Accept", "bm90IGl0")
		w.WriteHeader(http.StatusSwitchingProtocols)
	})
	mux.HandleFunc("/away", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/greets", http.StatusFound) })
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	l := looker(t)
	for name, c := range map[string]struct {
		path, text string
		want       Class
	}{
		"open":             {"/greets", "", Fine},
		"its message":      {"/greets", "cat", Fine},
		"another message":  {"/greets", "dog", Content},
		"a page":           {"/page", "", Content},
		"a mistake":        {"/503", "", HTTP5xx},
		"a false answer":   {"/false", "", Content},
		"it is elsewhere":  {"/away", "", Content},
		"it is not there":  {"/nothing", "", HTTP4xx},
		"with its own ws:": {"ws", "cat", Fine},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
			defer cancel()
			address := s.URL + c.path
			if c.path == "ws" {
				address = strings.Replace(s.URL, "http", "ws", 1) + "/greets"
			}
			r := l.Look(ctx, target.Target{Kind: target.WebSocket, Address: address, Expect: target.Expect{Text: c.text}})
			if r.Class != c.want {
				t.Errorf("%q (%s), not %q", r.Class, r.Detail, c.want)
			}
		})
	}
}
