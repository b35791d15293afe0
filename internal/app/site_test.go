package app

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/obs"
	"entrechat/internal/kit/seal"
	"entrechat/internal/kit/web"
	"entrechat/internal/kit/words"
)

// browse is an admin's browser at a node that was just made.
func browse(t *testing.T) (a *App, get func(path string, status int, parts ...string)) {
	t.Helper()
	catalogue, err := words.New(allWords()...)
	if err != nil {
		t.Fatal(err)
	}
	data := t.TempDir()
	place := Place{Origin: "chaton-a.test", URL: "http://chaton-a.test", Lang: "en", Tools: "127.0.0.1:1", Private: true}
	if err := Init(t.Context(), data, place, "", func(seal.Seed) error { return nil }); err != nil {
		t.Fatal(err)
	}
	a, err = Open(t.Context(), data, catalogue, "en", quiet())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	})
	link, _, err := web.NewLink(t.Context(), a.DB, a.Config.Node.URL, core.At(time.Now()))
	if err != nil {
		t.Fatal(err)
	}
	handler := a.newSite().Handler()
	_, token, _ := strings.Cut(link, "token=")
	req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/admin/sign-in", strings.NewReader(url.Values{"token": {token}}.Encode()))
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	entry := httptest.NewRecorder()
	handler.ServeHTTP(entry, req)
	return a, func(path string, status int, parts ...string) {
		t.Helper()
		req := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
		for _, cookie := range entry.Result().Cookies() {
			req.AddCookie(cookie)
		}
		got := httptest.NewRecorder()
		handler.ServeHTTP(got, req)
		body, err := io.ReadAll(got.Body)
		if err != nil {
			t.Fatal(err)
		}
		if got.Code != status {
			t.Errorf("%s: status %d, want %d", path, got.Code, status)
		}
		for _, part := range parts {
			if not, ok := strings.CutPrefix(part, "!"); ok && strings.Contains(string(body), not) || !ok && !strings.Contains(string(body), part) {
				t.Errorf("%s: %q in\n%s", path, part, body)
			}
		}
	}
}

func TestSettingsKeepThePassword(t *testing.T) {
	a, get := browse(t)
	a.Config.Database.URL = "postgres://entrechat:hunter2@db.test/entrechat"
	get("/admin/settings", 200, "postgres://entrechat:xxxxx@db.test/entrechat", "!hunter2", "chaton-a.test", a.Data)
}

func TestOverviewSaysWhatDoctorSays(t *testing.T) {
	_, get := browse(t)
	get("/admin/", 200, "One thing needs your attention", "node running", "127.0.0.1:1", "own logbook")
}

// TestOverviewGoesOnWithoutAPart: a file of ours that is none, or that the system does not
// read, is one of the troubles; the page with doctor's answers is there all the same, and so
// is the form.
func TestOverviewGoesOnWithoutAPart(t *testing.T) {
	a, get := browse(t)
	file := filepath.Join(a.Data, "directory", "organization.properties")
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte("<!doctype html><html></html>"), 0o600); err != nil {
		t.Fatal(err)
	}
	get("/admin/", 200, "node running", "own logbook", `href="/admin/start"`)
	get("/admin/start", 200, `class="note trouble"`, `name="name"`)
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(file, 0o700); err != nil {
		t.Fatal(err)
	}
	get("/admin/", 200, "node running", "own logbook", `href="/admin/start"`)
	get("/admin/start", 200, `class="note trouble"`, `name="name"`)
}

func TestLogbookByPages(t *testing.T) {
	a, get := browse(t)
	for range 60 {
		if _, err := a.Book.Append(t.Context(), "entrechat/trial/1", nil, 0, map[string]string{"say": "<script>alert(1)</script>"}); err != nil {
			t.Fatal(err)
		}
	}
	get("/admin/logbook", 200, "61 entries", `value="60"`, `value="36"`, "!value=\"35\"", "from=11", "!Newer", "!<script>")
	get("/admin/logbook?of=chaton-a.test&from=11", 200, `value="35"`, `value="11"`, "!value=\"36\"", "from=36", "from=0")
	get("/admin/logbook?from=0", 200, "entrechat/keyset/1", "The keys it signs with", "from=25", "!Older")
	get("/admin/logbook?from=61", 200, "no entry")
	for _, from := range []string{"-1", "62", "x", "9223372036854775808"} {
		get("/admin/logbook?from="+from, 400, "numbered from 0")
	}
	get("/admin/logbook?of=chaton-b.test", 404)
	get("/admin/logbook?of=%3Cb%3E", 400, "!<b>")
}

// A browser on this machine that was led here under another name is sent away.
func TestToolsListenerAnswersOnlyToItsOwnName(t *testing.T) {
	a, _ := browse(t)
	tools := server{a}.toolsHandler(obs.NewMetrics())
	for host, want := range map[string]int{
		"127.0.0.1:1": http.StatusOK, "localhost:7481": http.StatusOK, "[::1]:7481": http.StatusOK, "": http.StatusOK,
		"rebinding.test:7481": http.StatusMisdirectedRequest, "chaton-a.test": http.StatusMisdirectedRequest,
		"127.0.0.1.rebinding.test": http.StatusMisdirectedRequest, "localhost.": http.StatusMisdirectedRequest,
	} {
		req := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/healthz", nil)
		req.Host = host
		got := httptest.NewRecorder()
		tools.ServeHTTP(got, req)
		if got.Code != want {
			t.Errorf("Host %q: %d %s, want %d", host, got.Code, got.Body, want)
		}
	}
}
