// Package obs is how a node is looked at: structured logs, Prometheus metrics and
// a health answer.
package obs

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"entrechat/internal/core"
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

// Health is what /healthz answers: 200 when nothing is wrong, otherwise 503 and
// the names of what is.
type Health struct {
	mu      sync.Mutex
	trouble map[string]string
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
	body, err := json.Marshal(map[string]any{"ok": len(h.trouble) == 0, "trouble": h.trouble})
	bad := len(h.trouble) > 0 || err != nil
	h.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	if bad {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	_, _ = w.Write(append(body, '\n')) //nolint:errcheck // the asker is gone
}
