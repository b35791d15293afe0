// Package static answers requests with bytes that anybody may hold on to: it names them
// by their content, so that who has them already is told so in an empty answer.
//
// Conditional and partial requests are net/http's business (ServeContent): one tag, a
// list of tags, weak ones as proxies make them when they compress, "*".
//
// Sources: RFC 9110, sections 8.8.3 and 13.
package static

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"time"
)

// Serve answers with data, of a kind ("text/plain; charset=utf-8") that no browser
// second-guesses. cache is the Cache-Control header. What the caller set in w's headers
// beside these stays. A requester that went away is nobody's error.
func Serve(w http.ResponseWriter, r *http.Request, kind, cache string, data []byte) {
	sum, h := sha256.Sum256(data), w.Header()
	h.Set("Content-Type", kind)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", cache)
	h.Set("ETag", `"`+base64.RawURLEncoding.EncodeToString(sum[:12])+`"`)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(data))
}
