package obs_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"

	"entrechat/internal/kit/obs"
)

// A part that cannot answer takes nothing from the others, and its silence is a number.
func TestCollect(t *testing.T) {
	m := obs.NewMetrics()
	m.Collect([]obs.Source{
		{Part: "vault", Ask: func(context.Context) ([]obs.Metric, error) {
			return []obs.Metric{
				{Name: "entrechat_vault_losses_survived", Help: "h", Value: 2, Labels: map[string]string{"backup": "a"}},
				{Name: "entrechat_vault_losses_survived", Help: "h", Value: 0, Labels: map[string]string{"backup": "b"}},
			}, nil
		}},
		{Part: "trust", Ask: func(context.Context) ([]obs.Metric, error) { return nil, errors.New("no database") }},
	}, slog.New(slog.DiscardHandler))
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	for _, want := range []string{
		`entrechat_vault_losses_survived{backup="a"} 2`, `entrechat_vault_losses_survived{backup="b"} 0`,
		`entrechat_metrics_ok{part="vault"} 1`, `entrechat_metrics_ok{part="trust"} 0`,
	} {
		if w.Code != 200 || !strings.Contains(w.Body.String(), want+"\n") {
			t.Errorf("%d, without %s", w.Code, want)
		}
	}
}
