package directory

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"slices"
	"strings"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/fit"
	"entrechat/internal/kit/jobs"
	"entrechat/internal/kit/logbook"
)

// Fittings is what the room hands to the house.
func (r *Room) Fittings() fit.Fittings {
	files := http.HandlerFunc(r.serveFile)
	public := []fit.Route{
		{Pattern: "GET " + wellKnown + "{file}", Handler: files},
		{Pattern: "GET " + underscoreKnow + "{file}", Handler: files},
	}
	var work []jobs.Job
	var readers []logbook.Reader
	if r.Catalogue != nil {
		work = append(r.Imports.Jobs(), jobs.Job{Name: "directory-say", Every: time.Minute, Jitter: 10 * time.Second, Run: r.say})
		readers = r.readers()
		public = slices.Concat(public, r.formats(), r.api())
	}
	return fit.Fittings{
		Name:    "directory",
		Web:     r.web,
		Jobs:    work,
		Readers: readers,
		Pages:   public,
		Checks:  []fit.Check{{Name: "directory.check_files", Run: r.checkFiles}},
		Limits:  r.limits,
	}
}

// serveFile serves one of our files to anybody, byte for byte.
func (r *Room) serveFile(w http.ResponseWriter, req *http.Request) {
	name, ok := strings.CutSuffix(req.PathValue("file"), suffix)
	text, err := r.ownText(name)
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

// checkFiles is doctor's question whether what we publish is valid.
func (r *Room) checkFiles(ctx context.Context) (fit.Finding, error) {
	own, err := r.Own(ctx)
	if err != nil {
		return fit.Finding{}, err
	}
	if len(own) == 0 {
		return fit.Unknown("directory.none_yet", nil), nil
	}
	for _, f := range own {
		if !f.Report.OK() {
			return fit.Finding{}, core.Invalid("directory.own_not_valid", invalid(f.Name, f.Report)).With("Name", f.Name).With("File", f.Name+suffix)
		}
	}
	return fit.Finding{}, nil
}
