package site

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
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
	OpenToAll(w, kind)
	h, sum := w.Header(), sha256.Sum256(data)
	h.Set("Cache-Control", "public, max-age=60")
	h.Set("ETag", `"`+base64.RawURLEncoding.EncodeToString(sum[:12])+`"`)
	if req.Header.Get("If-None-Match") == h.Get("ETag") {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	w.Write(data)
}
