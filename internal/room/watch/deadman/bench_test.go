package deadman

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// BenchmarkUnknownToken is what a stranger's guess costs.
func BenchmarkUnknownToken(b *testing.B) {
	p := New(Needs{Now: time.Now})
	handler := p.Routes()[0].Handler
	req := httptest.NewRequestWithContext(b.Context(), http.MethodGet, "/ping/x", nil)
	req.SetPathValue("token", strings.Repeat("A", tokenLength))
	for i := range b.N {
		req.RemoteAddr = "[2001:db8:" + string(rune('a'+i%6)) + "::1]:1"
		handler.ServeHTTP(httptest.NewRecorder(), req)
	}
}
