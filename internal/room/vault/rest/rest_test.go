package rest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"entrechat/internal/core"
)

func name(body string) string {
	sum := sha256.Sum256([]byte(body))
	return hex.EncodeToString(sum[:])
}

func TestParsePath(t *testing.T) {
	id := name("x")
	for path, want := range map[string]Target{
		"/files/":                       {Repo: "files"},
		"/files/config":                 {Repo: "files", Handle: Handle{Type: Config}},
		"/files/data/":                  {Repo: "files", Handle: Handle{Type: Data}, List: true},
		"/files/data/" + id:             {Repo: "files", Handle: Handle{Data, id}},
		"/a.b-c_9@2026-10-01/locks/":    {Repo: "a.b-c_9", AsOf: "2026-10-01", Handle: Handle{Type: Locks}, List: true},
		"/files/snapshots/" + id:        {Repo: "files", Handle: Handle{Snapshots, id}},
		"files/keys/":                   {Repo: "files", Handle: Handle{Type: Keys}, List: true},
		"/files@2026-10-01/index/" + id: {Repo: "files", AsOf: "2026-10-01", Handle: Handle{Index, id}},
	} {
		if got, err := ParsePath(path); err != nil || got != want {
			t.Errorf("%s: %+v %v, want %+v", path, got, err, want)
		}
	}
	for _, path := range []string{
		"", "/", "/files", "/Files/", "/../", "/files/../x", "/files/config/", "/files/config/" + id, "/files/datas/", "/files/data",
		"/files/data/" + id[1:], "/files/data/" + strings.ToUpper(id), "/files/data/" + id + "/", "/files@/", "/files@2026-1-1/", "/-x/",
		"/files/data/../keys/" + id, "//data/", "/" + strings.Repeat("a", 64) + "/", "/files/repo/" + id, "/fi%00les/",
	} {
		if got, err := ParsePath(path); core.CodeOf(err) != core.CodeNotFound {
			t.Errorf("%q parsed to %+v", path, got)
		}
	}
}

func FuzzParsePath(f *testing.F) {
	f.Add("/files/data/" + name("x"))
	f.Add("/files@2026-10-01/config")
	f.Add("/../../etc/passwd")
	f.Fuzz(func(t *testing.T, path string) {
		got, err := ParsePath(path)
		if err != nil {
			if core.CodeOf(err) != core.CodeNotFound {
				t.Fatal(err)
			}
			return
		}
		if !ValidRepo(got.Repo) || got.Type != "" && !got.List && !got.Valid() || strings.Contains(got.Repo, "/") {
			t.Fatalf("%q parsed to %+v", path, got)
		}
		if !got.List && got.Type != "" && (strings.Contains(got.Path(), "..") || strings.HasPrefix(got.Path(), "/")) {
			t.Fatalf("%q lies at %q", path, got.Path())
		}
	})
}

// memory is a repository in memory, and the authenticator to it.
type memory struct {
	files map[Handle]string
	fail  error
}

func (m *memory) Enter(_ context.Context, repo, token, _ string) (Repository, error) {
	if repo != "files" || token != "secret" {
		return nil, core.Denied("vault.bad_token", errors.New("no"))
	}
	return m, m.fail
}

func (m *memory) Stat(_ context.Context, h Handle) (int64, error) {
	if body, ok := m.files[h]; ok {
		return int64(len(body)), nil
	}
	return 0, core.NotFound("vault.no_file", errors.New("none"))
}

type open struct{ *strings.Reader }

func (open) Close() error { return nil }

func (m *memory) Open(ctx context.Context, h Handle) (io.ReadSeekCloser, error) {
	_, err := m.Stat(ctx, h)
	return open{strings.NewReader(m.files[h])}, err
}

func (m *memory) Save(_ context.Context, h Handle, body io.Reader, size int64) error {
	data, err := io.ReadAll(body)
	if err != nil {
		return err
	}
	if int64(len(data)) != size {
		return core.Invalid("vault.bad_bytes", fmt.Errorf("%d of %d bytes", len(data), size))
	}
	m.files[h] = string(data)
	return nil
}

func (m *memory) List(_ context.Context, t Type) ([]Item, error) {
	var out []Item
	for _, h := range slices.SortedFunc(maps.Keys(m.files), func(a, b Handle) int { return strings.Compare(a.Name, b.Name) }) {
		if h.Type == t {
			out = append(out, Item{h.Name, int64(len(m.files[h]))})
		}
	}
	return out, nil
}

func (m *memory) Remove(_ context.Context, h Handle) error {
	delete(m.files, h)
	return nil
}

func ask(h http.Handler, method, path, body string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.SetBasicAuth("files", "secret")
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func handlerOf(m *memory) http.Handler {
	return NewHandler(Needs{Authenticator: m, Text: func(err error) string { return err.Error() }, Log: slog.New(slog.DiscardHandler)})
}

func TestProtocol(t *testing.T) {
	m := &memory{files: map[Handle]string{}}
	h := handlerOf(m)
	id := name("hello")
	for _, step := range []struct {
		method, path, body string
		header             []string
		status             int
		want               string
	}{
		{"HEAD", "/files/config", "", nil, 404, ""},
		{"POST", "/files/?create=true", "", nil, 200, ""},
		{"POST", "/files/", "", nil, 405, "405 Method Not Allowed\n"},
		{"POST", "/files/config", "anything", nil, 200, ""},
		{"POST", "/files/data/" + id, "hello", nil, 200, ""},
		{"POST", "/files/data/" + id, "other", nil, 400, "content is " + name("other") + ", its name " + id + "\n"},
		{"HEAD", "/files/data/" + id, "", nil, 200, ""},
		{"GET", "/files/data/" + id, "", nil, 200, "hello"},
		{"GET", "/files/data/" + id, "", []string{"Range", "bytes=1-3"}, 206, "ell"},
		{"GET", "/files/data/" + id, "", []string{"Range", "bytes=9-"}, 416, "invalid range: failed to overlap\n"},
		{"GET", "/files/data/", "", nil, 200, `["` + id + `"]`},
		{"GET", "/files/data/", "", []string{"Accept", mediaV2}, 200, `[{"name":"` + id + `","size":5}]`},
		{"GET", "/files/keys/", "", []string{"Accept", mediaV2}, 200, `[]`},
		{"GET", "/files/keys/", "", nil, 200, `[]`},
		{"PUT", "/files/data/" + id, "hello", nil, 405, "405 Method Not Allowed\n"},
		{"DELETE", "/files/data/", "", nil, 405, "405 Method Not Allowed\n"},
		{"DELETE", "/files/data/" + id, "", nil, 200, ""},
		{"DELETE", "/files/data/" + id, "", nil, 200, ""},
		{"GET", "/files/data/" + id, "", nil, 404, "none\n"},
		{"GET", "/files/nonsense/", "", nil, 404, ""},
	} {
		w := ask(h, step.method, step.path, step.body, step.header...)
		if w.Code != step.status || step.want != "" && w.Body.String() != step.want {
			t.Errorf("%s %s: %d %q, want %d %q", step.method, step.path, w.Code, w.Body, step.status, step.want)
		}
	}
	if w := ask(h, "HEAD", "/files/config", ""); w.Header().Get("Content-Length") != "8" {
		t.Errorf("size of config: %v", w.Header())
	}
}

func TestOnlyTheBearerComesIn(t *testing.T) {
	h := handlerOf(&memory{files: map[Handle]string{}})
	for _, c := range []struct{ user, token, path string }{
		{"", "", "/files/config"}, {"files", "wrong", "/files/config"}, {"other", "secret", "/files/config"}, {"other", "secret", "/other/config"},
	} {
		r := httptest.NewRequest(http.MethodGet, c.path, nil)
		if c.user != "" {
			r.SetBasicAuth(c.user, c.token)
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != http.StatusUnauthorized || w.Header().Get("WWW-Authenticate") == "" {
			t.Errorf("%+v: %d", c, w.Code)
		}
	}
}

// restic reads much into a status: 500 and 404 cost most when wrong.
func TestWhatIsWrongIsSaidAsResticUnderstandsIt(t *testing.T) {
	for _, c := range []struct {
		err  error
		want int
	}{
		{errors.New("bug"), 503},
		{core.Unsure("x", nil), 503},
		{core.Full("x", nil), 507},
		{core.Conflict("x", nil), 403},
		{core.Denied("x", nil), 401}, // at the authenticator
		{core.NotFound("x", nil), 404},
	} {
		if w := ask(handlerOf(&memory{fail: c.err}), "GET", "/files/config", ""); w.Code != c.want {
			t.Errorf("%v: %d, want %d", c.err, w.Code, c.want)
		}
	}
	m := &memory{files: map[Handle]string{}}
	r := httptest.NewRequest(http.MethodPost, "/files/config", io.MultiReader(bytes.NewReader([]byte("x"))))
	r.SetBasicAuth("files", "secret")
	r.ContentLength = -1
	w := httptest.NewRecorder()
	handlerOf(m).ServeHTTP(w, r)
	if w.Code != 400 || len(m.files) != 0 {
		t.Errorf("a body without length: %d", w.Code)
	}
}

// A request that ends in the middle is never answered as done: it may be this
// process that stops, with the client still listening.
func TestWhatBreaksOffIsNotAcknowledged(t *testing.T) {
	h := NewHandler(Needs{
		Authenticator: &memory{fail: fmt.Errorf("stopping: %w", context.Canceled)}, Text: error.Error, Log: slog.New(slog.DiscardHandler),
	})
	r := httptest.NewRequest(http.MethodPost, "/files/config", strings.NewReader("x"))
	r.SetBasicAuth("files", "secret")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if w.Code != http.StatusServiceUnavailable {
		t.Errorf("answered %d", w.Code)
	}
}
