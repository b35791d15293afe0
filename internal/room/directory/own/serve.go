package own

import (
	"net/http"
	"strings"

	"entrechat/internal/core"
	"entrechat/internal/kit/fit"
	"entrechat/internal/kit/static"
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
	// Directories in a browser read it too.
	w.Header().Set("Access-Control-Allow-Origin", "*")
	static.Serve(w, req, "text/plain; charset=utf-8", "public, max-age=300", text)
}
