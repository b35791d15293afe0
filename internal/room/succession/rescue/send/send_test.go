package send

import (
	"archive/zip"
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"entrechat/internal/core"
	"entrechat/internal/room/succession/rescue/whose"
)

func view(t *testing.T, files map[string]string) whose.View {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, "v", name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("/etc/passwd", filepath.Join(dir, "v", "link")); err != nil {
		t.Fatal(err)
	}
	v, err := whose.Open(dir, "v")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(v.Close)
	return v
}

func TestFile(t *testing.T) {
	v := view(t, map[string]string{"page.HTML": "<script>alert(1)</script>", "a.svg": "<svg/>", "notes.txt": "0123456789"})
	for name, kind := range map[string]string{"page.HTML": "application/octet-stream", "a.svg": "application/octet-stream", "notes.txt": "text/plain; charset=utf-8"} {
		rec := httptest.NewRecorder()
		if err := File(rec, httptest.NewRequest(http.MethodGet, "/", nil), v, name, name+"\"\r\n\u202e.exe"); err != nil {
			t.Fatal(err)
		}
		h := rec.Result().Header
		if !strings.HasPrefix(h.Get("Content-Disposition"), "attachment") || strings.ContainsAny(h.Get("Content-Disposition"), "\r\n\u202e") ||
			!strings.Contains(h.Get("Content-Security-Policy"), "sandbox") || h.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: %v", name, h)
		}
		if name != "notes.txt" && h.Get("Content-Type") != "application/octet-stream" {
			t.Errorf("%s is %s, not %s", name, h.Get("Content-Type"), kind)
		}
	}
	req := httptest.NewRequest(http.MethodGet, "/", nil)
	req.Header.Set("Range", "bytes=2-4")
	rec := httptest.NewRecorder()
	if err := File(rec, req, v, "notes.txt", "notes.txt"); err != nil || rec.Code != http.StatusPartialContent || rec.Body.String() != "234" {
		t.Errorf("%d %q %v", rec.Code, rec.Body, err)
	}
	if err := File(httptest.NewRecorder(), req, v, "link", "link"); core.CodeOf(err) != core.CodeNotFound {
		t.Errorf("%v", err)
	}
}

func TestZip(t *testing.T) {
	files := map[string]string{"a": "one", "d/b": strings.Repeat("two", 1000), `d/..\..\evil:x`: "three", "d/\xff\n": "four"}
	v := view(t, files)
	rec := httptest.NewRecorder()
	if err := Zip(rec, v, "", "all"); err != nil {
		t.Fatal(err)
	}
	z, err := zip.NewReader(bytes.NewReader(rec.Body.Bytes()), int64(rec.Body.Len()))
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, f := range z.File {
		in, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(in)
		if err != nil {
			t.Fatal(err)
		}
		got[f.Name] = string(text)
	}
	if len(got) != 4 || got["a"] != "one" || got["d/b"] != files["d/b"] || got["d/.._.._evil_x"] != "three" || got["d/��"] != "four" {
		t.Errorf("%q", got)
	}
	if err := Zip(httptest.NewRecorder(), v, "none", "x"); core.CodeOf(err) != core.CodeNotFound {
		t.Errorf("%v", err)
	}
}
