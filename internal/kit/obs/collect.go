package obs

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Metric is one number at the moment somebody asks for /metrics. Its name ends in its unit
// (_bytes, _seconds), or counts things; one in _total only grows while the process lives.
type Metric struct {
	Name   string // "entrechat_vault_losses_survived"
	Help   string // in English, as Prometheus shows it
	Value  float64
	Labels map[string]string
}

// Source answers a part's numbers. It must be cheap: Prometheus asks every few seconds.
type Source struct {
	Part string
	Ask  func(ctx context.Context) ([]Metric, error)
}

// collectTime is how long one part may take to answer.
const collectTime = 5 * time.Second

// Collect asks the sources whenever somebody asks for /metrics, and says in
// entrechat_metrics_ok{part} which of them answered: without it an alert on a number that
// is missing never fires.
func (m Metrics) Collect(sources []Source, log *slog.Logger) {
	m.MustRegister(collector{sources, log})
}

type collector struct {
	sources []Source
	log     *slog.Logger
}

// Describe says nothing: which numbers there are is known when they are asked for.
func (collector) Describe(chan<- *prometheus.Desc) {}

func (c collector) Collect(out chan<- prometheus.Metric) {
	for _, s := range c.sources {
		ctx, cancel := context.WithTimeout(context.Background(), collectTime)
		all, err := s.Ask(ctx)
		cancel()
		up := 1.0
		if err != nil {
			up = 0
			c.log.Warn("a part gives no metrics", "part", s.Part, "error", err)
		}
		all = append(all, Metric{
			Name: "entrechat_metrics_ok", Help: "1 where a part of the node could give its numbers, 0 where not.",
			Value: up, Labels: map[string]string{"part": s.Part},
		})
		for _, one := range all {
			out <- one.prometheus()
		}
	}
}

func (m Metric) prometheus() prometheus.Metric {
	names := make([]string, 0, len(m.Labels))
	for name := range m.Labels {
		names = append(names, name)
	}
	slices.Sort(names)
	values := make([]string, 0, len(names))
	for _, name := range names {
		values = append(values, m.Labels[name])
	}
	kind := prometheus.GaugeValue
	if strings.HasSuffix(m.Name, "_total") {
		kind = prometheus.CounterValue
	}
	metric, err := prometheus.NewConstMetric(prometheus.NewDesc(m.Name, m.Help, names, nil), kind, m.Value, values...)
	if err != nil {
		return prometheus.NewInvalidMetric(prometheus.NewDesc(m.Name, m.Help, nil, nil), err)
	}
	return metric
}
