package site

import (
	"net/http"

	"entrechat/internal/kit/static"
)

// OpenToAll lets programs on any site read an answer.
func OpenToAll(w http.ResponseWriter, kind string) {
	h := w.Header()
	h.Set("Content-Type", kind)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Access-Control-Allow-Origin", "*")
}

// Send answers with what anybody may keep for a minute.
func Send(w http.ResponseWriter, req *http.Request, kind string, data []byte) {
	w.Header().Set("Access-Control-Allow-Origin", "*")
	static.Serve(w, req, kind, "public, max-age=60", data)
}
