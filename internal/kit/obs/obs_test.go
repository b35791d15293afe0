package obs_test

import (
	"context"
	"errors"
	"io"
	"net/http/httptest"
	"strings"
	"testing"

	"entrechat/internal/core"
	"entrechat/internal/kit/jobs"
	"entrechat/internal/kit/obs"
)

func TestHealthAndMetrics(t *testing.T) {
	var h obs.Health
	ask := func() (int, string) {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, nil)
		return w.Code, w.Body.String()
	}
	if code, text := ask(); code != 200 || text != `{"ok":true,"trouble":{}}`+"\n" {
		t.Fatal(code, text)
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

func TestJobsAreCounted(t *testing.T) {
	m := obs.NewMetrics()
	watched := m.Watch([]jobs.Job{
		{Name: "good", Run: func(context.Context) error { return nil }},
		{Name: "bad", Run: func(context.Context) error { return errors.New("no") }},
		{Name: "broken", Run: func(context.Context) error { panic("mistake") }},
	})
	for _, job := range watched {
		func() {
			defer func() { _ = recover() }()
			_ = job.Run(t.Context())
		}()
	}
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), "GET", "/metrics", nil))
	for _, line := range []string{
		`entrechat_job_runs_total{job="good",result="ok"} 1`,
		`entrechat_job_runs_total{job="bad",result="failed"} 1`,
		`entrechat_job_runs_total{job="broken",result="failed"} 1`,
		`entrechat_job_success_time_seconds{job="bad"} 0`,
	} {
		if !strings.Contains(w.Body.String(), line+"\n") {
			t.Errorf("not there: %s", line)
		}
	}
}
