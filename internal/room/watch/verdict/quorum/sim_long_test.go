//go:build long

package quorum

import (
	"testing"
	"time"

	"entrechat/internal/room/watch/look"
)

// Months of the world of docs/benchmarks.md, at full length. Each line of its table is one
// of these.
func TestSimulatedMonths(t *testing.T) {
	base := plan{nodes: 20, targets: 20, long: 60 * day, every: time.Minute, outages: 10 * day}
	for _, c := range []struct {
		name     string
		change   func(*plan)
		p50, p95 time.Duration
	}{
		{"2 %, two liars", func(p *plan) { p.p, p.liars, p.lie = 0.02, 2, look.Timeout }, 40 * time.Second, 70 * time.Second},
		{"2 %", func(p *plan) { p.p = 0.02 }, 35 * time.Second, time.Minute},
		{"0.5 %", func(p *plan) { p.p = 0.005 }, 35 * time.Second, time.Minute},
		{"0.5 %, two liars", func(p *plan) { p.p, p.liars, p.lie = 0.005, 2, look.Timeout }, 40 * time.Second, 70 * time.Second},
		{"0.5 %, two that never see a failure", func(p *plan) { p.p, p.liars = 0.005, 2 }, 40 * time.Second, 70 * time.Second},
		{"0.5 %, clocks a minute off", func(p *plan) { p.p, p.skew = 0.005, time.Minute }, 35 * time.Second, time.Minute},
		{"0.5 %, looks each five minutes", func(p *plan) { p.p, p.every = 0.005, 5*time.Minute }, time.Minute, 90 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := base
			c.change(&p)
			p.seed = 11
			f := run(t, p)
			t.Log(f)
			if float64(f.falseDown)/f.months > 0.01 || 100*f.missed > f.outages || f.p50 > c.p50 || f.p95 > c.p95 || f.worst > 0.01 {
				t.Error("want at most 0.01 false downs a month, hardly one missed, availability to 0.01 points, found within", c.p50, c.p95)
			}
		})
	}
}
