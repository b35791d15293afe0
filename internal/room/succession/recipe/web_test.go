package recipe

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"entrechat/internal/core"
)

func web(t *testing.T, h http.HandlerFunc) *Web {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	name := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(name, []byte("secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	w, err := OpenWeb("old", server.URL, name)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// TestWebHostile: a redirect takes no token along, answers are bounded, another server is not asked.
func TestWebHostile(t *testing.T) {
	t.Parallel()
	var stolen atomic.Bool
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { stolen.Store(true) }))
	t.Cleanup(other.Close)
	w := web(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/redirect":
			http.Redirect(w, r, other.URL, http.StatusFound)
		case "/large":
			_, _ = w.Write(bytes.Repeat([]byte("a"), maxAnswer+10))
		case "/text":
			_, _ = w.Write([]byte("<html>\x1b[31m"))
		case "/gone":
			w.WriteHeader(http.StatusGone)
		case "/no":
			w.WriteHeader(http.StatusForbidden)
		case "/later":
			w.Header().Set("Retry-After", "86400")
			w.WriteHeader(http.StatusTooManyRequests)
		}
	})
	for path, code := range map[string]core.Code{
		"/redirect": core.CodeUnsure, "/large": core.CodeUnsure, "/text": core.CodeUnsure, "/gone": core.CodeNotFound, "/no": core.CodeDenied,
		"/later": core.CodeUnsure, other.URL + "/a": core.CodeUnsure, "//" + strings.TrimPrefix(other.URL, "http://"): core.CodeUnsure,
	} {
		var into any
		_, err := w.Ask(t.Context(), Call{Path: path}, &into)
		if core.CodeOf(err) != code {
			t.Errorf("%s: %v", path, err)
		}
		if err != nil && strings.ContainsAny(err.Error(), "\x1b") {
			t.Errorf("%s: an error that a terminal obeys: %q", path, err)
		}
	}
	for path, code := range map[string]core.Code{"/redirect": core.CodeUnsure, "/large": core.CodeUnsure, other.URL: core.CodeUnsure} {
		if err := w.Fetch(t.Context(), Call{Path: path}, &bytes.Buffer{}, 1<<20); core.CodeOf(err) != code {
			t.Errorf("file %s: %v", path, err)
		}
	}
	if stolen.Load() {
		t.Error("the other server was asked")
	}
}

// TestWebEnds: the end of the caller is the error, also while a server has us wait.
func TestWebEnds(t *testing.T) {
	t.Parallel()
	asked := make(chan struct{}, 1)
	w := web(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "60")
		w.WriteHeader(http.StatusTooManyRequests)
		asked <- struct{}{}
	})
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-asked; cancel() }()
	if _, err := w.Do(ctx, Call{Path: "/"}); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

func TestLater(t *testing.T) {
	for _, c := range []struct {
		name, value string
		want        time.Duration
	}{
		{"Retry-After", "30", 30 * time.Second},
		{"Retry-After", "-1", firstWait},
		{"Retry-After", "99999999999999", firstWait},
		{"X-Ratelimit-Reset", "2026-12-01T00:02:00.000000Z", 2 * time.Minute},
		{"X-Ratelimit-Reset", "2020-01-01T00:00:00Z", firstWait},
	} {
		h := http.Header{"Date": {"Tue, 01 Dec 2026 00:00:00 GMT"}}
		h.Set(c.name, c.value)
		if got := later(h); got != c.want {
			t.Errorf("%s: %s: %s", c.name, c.value, got)
		}
	}
}

func TestSecrets(t *testing.T) {
	dir := t.TempDir()
	for name, c := range map[string]struct {
		text string
		mode os.FileMode
		good bool
	}{"good": {"abc\n", 0o600, true}, "read by others": {"abc", 0o644, false}, "empty": {"\n", 0o600, false}, "two lines": {"a\nb", 0o600, false}} {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(c.text), c.mode); err != nil {
			t.Fatal(err)
		}
		if _, err := Secret("token", file); (err == nil) != c.good {
			t.Errorf("%s: %v", name, err)
		}
	}
	for address, good := range map[string]bool{
		"https://a.example": true, "http://a.example": false, "http://127.0.0.1:80": true, "https://a.example/b": false, "https://u:p@a.example": false,
		"ftp://a.example": false, "": false,
	} {
		if err := CheckURL("url", address); (err == nil) != good {
			t.Errorf("%s: %v", address, err)
		}
	}
}
