package show_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"testing"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/room/watch/incident/availability"
	"entrechat/internal/room/watch/status"
	"entrechat/internal/room/watch/verdict"
)

// large is a source of so many hosters with services that were looked at for five years:
// at each build it counts their days from the states of 13 months, as the room does.
type large struct {
	fake
	from core.Moment
	rows map[core.MemberID][][]availability.Interval
}

func newLarge(hosters, services int) *large {
	l := &large{from: now().Add(-5 * 365 * 24 * time.Hour), rows: map[core.MemberID][][]availability.Interval{}}
	for h := range hosters {
		id := core.MemberID(fmt.Sprintf("chaton-%d.test", h))
		if h == 0 {
			id = "chaton-a.test"
		}
		l.hosters = append(l.hosters, status.Hoster{ID: id, Name: string(id), Zone: "Europe/Paris", Voters: 7})
		for s := range services {
			var row []availability.Interval
			// A state that changes about twice a week.
			for at, n := l.from, s; at < now(); n++ {
				end := min(at.Add(time.Duration(60+n%40)*time.Hour), now())
				row = append(row, availability.Interval{From: at, To: end, State: []verdict.State{verdict.Up, verdict.Up, verdict.Down, verdict.Up, verdict.Partial, verdict.Unknown}[n%6]})
				at = end
			}
			l.rows[id] = append(l.rows[id], row)
		}
	}
	return l
}

func (l *large) Services(_ context.Context, who status.Hoster, at core.Moment) (out []status.Service, basis core.Moment, err error) {
	zone, err := time.LoadLocation(who.Zone)
	for i, row := range l.rows[who.ID] {
		one := up("Service "+strconv.Itoa(i), nil)
		one.Promise = promise()
		months := core.At(at.Time().AddDate(0, -13, 0))
		one.Days = daysOf(availability.Combine([][]availability.Interval{row}, months, at), at.Add(-(status.MaxDays-1)*24*time.Hour), at, zone)
		out = append(out, one)
	}
	return out, at, err
}

// BenchmarkBuild is the making of all snapshots of 1,000 services with five years of days.
func BenchmarkBuild(b *testing.B) {
	v := newVillage(b, newLarge(50, 20))
	for b.Loop() {
		if err := v.board.Rebuild(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
	p, _ := v.board.Of("chaton-a.test")
	b.ReportMetric(float64(len(p.JSON)), "B/snapshot")
}

// BenchmarkServed is what an answer takes of a node with 1,000 services, with what stands around a page; one request in a
// thousand comes just after a rebuild. p99-us is what 99 of 100 stay below.
func BenchmarkServed(b *testing.B) {
	v := newVillage(b, newLarge(50, 20))
	for name, path := range map[string]string{"page": "/status/chaton-1.test?lang=fr", "json": "/status/chaton-1.test/status.json", "badge": "/status/chaton-1.test/badge.svg", "feed": "/status/chaton-1.test/feed.atom"} {
		b.Run(name, func(b *testing.B) {
			var took []time.Duration
			for n := 0; b.Loop(); n++ {
				if n%1000 == 0 {
					if err := v.board.Rebuild(b.Context()); err != nil {
						b.Fatal(err)
					}
				}
				r := httptest.NewRequestWithContext(b.Context(), http.MethodGet, path, nil)
				w := &discard{header: http.Header{}}
				begun := time.Now()
				v.handler.ServeHTTP(w, r)
				took = append(took, time.Since(begun))
				if w.status != http.StatusOK {
					b.Fatal(w.status)
				}
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-us")
			b.ReportMetric(float64(took[len(took)/2].Nanoseconds())/1000, "p50-us")
		})
	}
}

// discard is a connection that takes everything at once.
type discard struct {
	header http.Header
	status int
}

func (d *discard) Header() http.Header { return d.header }

func (d *discard) WriteHeader(status int) { d.status = status }

func (d *discard) Write(p []byte) (int, error) {
	if d.status == 0 {
		d.status = http.StatusOK
	}
	return len(p), nil
}
