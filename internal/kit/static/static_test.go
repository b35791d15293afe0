package static_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"entrechat/internal/kit/static"
)

// TestConditions: who has the bytes is told so, however the tag is written.
func TestConditions(t *testing.T) {
	ask := func(method, header, value string) *httptest.ResponseRecorder {
		r := httptest.NewRequestWithContext(t.Context(), method, "/", nil)
		r.Header.Set(header, value)
		w := httptest.NewRecorder()
		static.Serve(w, r, "text/plain; charset=utf-8", "public, max-age=60", []byte("<b>bytes</b>"))
		return w
	}
	first := ask(http.MethodGet, "Accept", "*/*")
	tag := first.Header().Get("ETag")
	if first.Code != http.StatusOK || first.Body.String() != "<b>bytes</b>" || len(tag) < 10 ||
		first.Header().Get("Content-Type") != "text/plain; charset=utf-8" || first.Header().Get("X-Content-Type-Options") != "nosniff" {
		t.Fatalf("%d %v %s", first.Code, first.Header(), first.Body)
	}
	for value, want := range map[string]int{
		tag: http.StatusNotModified, "W/" + tag: http.StatusNotModified, `"other", W/` + tag: http.StatusNotModified, "*": http.StatusNotModified,
		`"other"`: http.StatusOK, `W/"other", "another"`: http.StatusOK, tag[:len(tag)-1]: http.StatusOK,
	} {
		got := ask(http.MethodGet, "If-None-Match", value)
		if got.Code != want || want == http.StatusNotModified && (got.Body.Len() > 0 || got.Header().Get("ETag") != tag) {
			t.Errorf("%s: status %d, want %d, %d bytes, %v", value, got.Code, want, got.Body.Len(), got.Header())
		}
	}
	if got := ask(http.MethodHead, "Accept", "*/*"); got.Code != http.StatusOK || got.Body.Len() > 0 || got.Header().Get("Content-Length") != "12" {
		t.Errorf("HEAD: %d, %v", got.Code, got.Header())
	}
	if got := ask(http.MethodGet, "Range", "bytes=3-7"); got.Code != http.StatusPartialContent || got.Body.String() != "bytes" {
		t.Errorf("a part: %d, %s", got.Code, got.Body)
	}
}
