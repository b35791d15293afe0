package obs_test

import (
	"errors"
	"io"
	"net/http/httptest"
	"strings"
	"testing"

	"entrechat/internal/core"
	"entrechat/internal/kit/obs"
)

func TestHealthAndMetrics(t *testing.T) {
	var h obs.Health
	ask := func() (int, string) {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, nil)
		return w.Code, w.Body.String()
	}
	if code, _ := ask(); code != 200 {
		t.Fatal(code)
	}
	h.Set("spool", errors.New("full"))
	if code, text := ask(); code != 503 || !strings.Contains(text, `"spool":"full"`) {
		t.Fatal(code, text)
	}
	h.Set("spool", nil)
	if code, _ := ask(); code != 200 {
		t.Fatal(code)
	}
	w := httptest.NewRecorder()
	obs.NewMetrics().Handler().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), "GET", "/metrics", nil))
	if !strings.Contains(w.Body.String(), "go_goroutines") {
		t.Fatal(w.Body.String())
	}
}

func TestLoggerRefusesUnknownWords(t *testing.T) {
	for _, c := range [][2]string{{"loud", "text"}, {"info", "xml"}} {
		if _, err := obs.NewLogger(io.Discard, c[0], c[1]); core.CodeOf(err) != core.CodeInvalid {
			t.Errorf("%v: %v", c, err)
		}
	}
}
