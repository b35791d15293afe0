// Package obs is how a node is looked at: structured logs, Prometheus metrics and
// a health answer.
package obs

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promauto"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"entrechat/internal/core"
	"entrechat/internal/kit/jobs"
)

// NewLogger makes a logger; level is debug, info, warn or error, format text or
// json. Returns CodeInvalid.
func NewLogger(w io.Writer, level, format string) (*slog.Logger, error) {
	var l slog.Level
	if err := l.UnmarshalText([]byte(level)); err != nil {
		return nil, core.Invalid("obs.bad_level", err).With("Value", level)
	}
	options := &slog.HandlerOptions{Level: l}
	switch format {
	case "text":
		return slog.New(slog.NewTextHandler(w, options)), nil
	case "json":
		return slog.New(slog.NewJSONHandler(w, options)), nil
	}
	return nil, core.Invalid("obs.bad_format", fmt.Errorf("log format %q", format)).With("Value", format)
}

// Metrics is a node's registry.
type Metrics struct{ *prometheus.Registry }

// NewMetrics makes a registry that already watches the process and the Go runtime.
func NewMetrics() Metrics {
	r := prometheus.NewRegistry()
	r.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return Metrics{r}
}

// Handler answers /metrics.
func (m Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.Registry, promhttp.HandlerOpts{})
}

// Watch counts how a job's runs end, how long they took and when the last good
// one was:
//
//	entrechat_job_runs_total{job,result}      result is "ok" or "failed"
//	entrechat_job_seconds{job}                the last run
//	entrechat_job_success_time_seconds{job}   Unix time, 0 before the first
//
// Call it once for all of a node's jobs.
func (m Metrics) Watch(all []jobs.Job) []jobs.Job {
	add := promauto.With(m.Registry)
	runs := add.NewCounterVec(prometheus.CounterOpts{
		Name: "entrechat_job_runs_total", Help: "Runs of a periodic job by how they ended.",
	}, []string{"job", "result"})
	took := add.NewGaugeVec(prometheus.GaugeOpts{
		Name: "entrechat_job_seconds", Help: "How long the last run of a periodic job took.",
	}, []string{"job"})
	success := add.NewGaugeVec(prometheus.GaugeOpts{
		Name: "entrechat_job_success_time_seconds", Help: "When a periodic job last succeeded (Unix time).",
	}, []string{"job"})
	watched := slices.Clone(all)
	for i, job := range all {
		success.WithLabelValues(job.Name).Set(0)
		watched[i].Run = func(ctx context.Context) error {
			began, result := time.Now(), "failed"
			defer func() { // also when the job panics
				took.WithLabelValues(job.Name).Set(time.Since(began).Seconds())
				runs.WithLabelValues(job.Name, result).Inc()
			}()
			err := job.Run(ctx)
			if err == nil {
				result = "ok"
				success.WithLabelValues(job.Name).SetToCurrentTime()
			}
			return err
		}
	}
	return watched
}

// Health is what /healthz answers: 200 when nothing is wrong, otherwise 503 and
// the names of what is.
//
//	{"ok":true,"trouble":{},"starting":{"vault":"…"},"aside":{"vault":"…"}}
//
// trouble is what does not work; starting is not ready yet; aside works, but for
// something that needs a person. The last two are left out when empty, and are 200.
type Health struct {
	mu       sync.Mutex
	trouble  map[string]string
	starting map[string]string
	aside    map[string]string
}

// Starting says that one thing is not ready yet.
func (h *Health) Starting(name, text string) { h.note(&h.starting, name, text) }

// Aside says that one thing works, and what it had to leave aside.
func (h *Health) Aside(name, text string) { h.note(&h.aside, name, text) }

func (h *Health) note(in *map[string]string, name, text string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if *in == nil {
		*in = map[string]string{}
	}
	(*in)[name] = text
}

// Answer is the body of /healthz, by the names of the parts.
type Answer struct {
	OK       bool              `json:"ok"`
	Trouble  map[string]string `json:"trouble"`
	Starting map[string]string `json:"starting,omitempty"`
	Aside    map[string]string `json:"aside,omitempty"`
}

// Set says how one thing is; nil is well.
func (h *Health) Set(name string, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.trouble == nil {
		h.trouble = map[string]string{}
	}
	if err == nil {
		delete(h.trouble, name)
		return
	}
	h.trouble[name] = err.Error()
}

func (h *Health) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	h.mu.Lock()
	answer := Answer{len(h.trouble) == 0, maps.Clone(h.trouble), maps.Clone(h.starting), maps.Clone(h.aside)}
	h.mu.Unlock()
	if answer.Trouble == nil {
		answer.Trouble = map[string]string{} // {} reads better than null
	}
	body, err := json.Marshal(answer)
	bad := !answer.OK || err != nil
	w.Header().Set("Content-Type", "application/json")
	if bad {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	_, _ = w.Write(append(body, '\n')) // the asker may be gone
}
