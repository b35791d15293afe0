package own

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strings"

	"entrechat/internal/core"
	"entrechat/internal/kit/fit"
)

// Routes are where the files are served.
func (o *Files) Routes() []fit.Route {
	files := http.HandlerFunc(o.serve)
	return []fit.Route{
		{Pattern: "GET " + WellKnown + "{file}", Handler: files},
		{Pattern: "GET " + underscoreKnown + "{file}", Handler: files},
	}
}

// serve answers with one of our files, to anybody, byte for byte.
func (o *Files) serve(w http.ResponseWriter, req *http.Request) {
	name, ok := strings.CutSuffix(req.PathValue("file"), Suffix)
	text, err := o.Text(name)
	switch {
	case !ok, core.CodeOf(err) == core.CodeNotFound:
		http.NotFound(w, req)
		return
	case err != nil:
		http.Error(w, "unavailable", http.StatusServiceUnavailable)
		return
	}
	sum := sha256.Sum256(text)
	h := w.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "public, max-age=300")
	// Directories in a browser read it too.
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("ETag", `"`+base64.RawURLEncoding.EncodeToString(sum[:12])+`"`)
	if req.Header.Get("If-None-Match") == h.Get("ETag") {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	_, _ = w.Write(text) //nolint:gosec // served as text, never sniffed, and our own
}
