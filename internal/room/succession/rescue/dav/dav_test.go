package dav

import (
	"encoding/xml"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"entrechat/internal/room/succession/rescue/snapshot"
	"entrechat/internal/room/succession/rescue/whose"
)

func tree(t *testing.T) (Tree, string) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{"a/été & co.txt": "0123456789", "a/sub/deep": "deep", "b/secret": "theirs"} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return Tree{"/dav/", []Root{{"files", func() (whose.View, error) { return whose.Open(dir, "a") }}}}, dir
}

func do(t *testing.T, tr Tree, method, at, depth string) (int, string, http.Header) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, "/", strings.NewReader("<x/>"))
	if depth != "" {
		r.Header.Set("Depth", depth)
	}
	w := httptest.NewRecorder()
	tr.Serve(w, r, at, func() {})
	body, err := io.ReadAll(w.Result().Body)
	if err != nil {
		t.Fatal(err)
	}
	return w.Code, string(body), w.Result().Header
}

func hrefs(t *testing.T, text string) (out []string) {
	t.Helper()
	var all struct {
		Response []struct {
			Href   string `xml:"DAV: href"`
			Status string `xml:"DAV: propstat>status"`
		} `xml:"DAV: response"`
	}
	if err := xml.Unmarshal([]byte(text), &all); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	for _, r := range all.Response {
		out = append(out, r.Href)
	}
	return out
}

func TestFind(t *testing.T) {
	tr, _ := tree(t)
	for _, c := range []struct {
		at, depth string
		want      []string
	}{
		{"", "0", []string{"/dav/"}},
		{"/", "1", []string{"/dav/", "/dav/files/"}},
		{"files/", "1", []string{"/dav/files/", "/dav/files/sub/", "/dav/files/%C3%A9t%C3%A9%20&%20co.txt"}},
		{"files/sub/deep", "1", []string{"/dav/files/sub/deep"}},
	} {
		status, text, _ := do(t, tr, "PROPFIND", c.at, c.depth)
		if got := hrefs(t, text); status != http.StatusMultiStatus || !slices.Equal(got, c.want) {
			t.Errorf("%q: %d %v", c.at, status, got)
		}
	}
	for _, at := range []string{"other", "files/none", "files/../b/secret", "../b"} {
		if status, _, _ := do(t, tr, "PROPFIND", at, "1"); status != http.StatusNotFound {
			t.Errorf("%q: %d", at, status)
		}
	}
	for _, depth := range []string{"", "infinity", "2"} {
		if status, text, _ := do(t, tr, "PROPFIND", "", depth); status != http.StatusForbidden || !strings.Contains(text, "propfind-finite-depth") {
			t.Errorf("depth %q: %d %s", depth, status, text)
		}
	}
}

func TestNothingIsWritten(t *testing.T) {
	tr, dir := tree(t)
	before, err := snapshot.Hash(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, method := range []string{"PUT", "DELETE", "MKCOL", "MOVE", "COPY", "PROPPATCH", "LOCK", "UNLOCK", "POST", "PATCH", "ACL", "MKCALENDAR"} {
		if status, _, head := do(t, tr, method, "files/sub/deep", ""); status != http.StatusMethodNotAllowed || head.Get("Allow") != methods {
			t.Errorf("%s: %d", method, status)
		}
	}
	if status, text, _ := do(t, tr, http.MethodGet, "files/sub/deep", ""); status != http.StatusOK || text != "deep" {
		t.Errorf("%d %s", status, text)
	}
	if status, _, head := do(t, tr, http.MethodOptions, "", ""); status != http.StatusOK || head.Get("DAV") != "1" {
		t.Errorf("%d %v", status, head)
	}
	for _, at := range []string{"files/../b/secret", "b/secret", "files/sub", ""} {
		if status, _, _ := do(t, tr, http.MethodGet, at, ""); status != http.StatusNotFound {
			t.Errorf("%q: %d", at, status)
		}
	}
	if after, err := snapshot.Hash(dir); err != nil || after != before {
		t.Errorf("changed: %v", err)
	}
}
