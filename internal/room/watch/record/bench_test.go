package record

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/dbtest"
	"entrechat/internal/room/watch/look"
	"entrechat/internal/room/watch/migrations"
)

// realistic is a look as a steady service gives it: latency around 80 ms, one look of
// 200 fails.
func realistic(rng *rand.Rand, at time.Time) look.Result {
	r := look.Result{At: core.At(at), Latency: time.Duration(80+rng.NormFloat64()*15) * time.Millisecond, Family: 4}
	if rng.IntN(200) == 0 {
		r.Class, r.Latency = look.Timeout, 10*time.Second
	}
	return r
}

// fill records one hour of looks at so many targets, each at its interval with a tenth of
// jitter, and says how many looks there were.
func fill(t testing.TB, r *Recorder, c *clock, targets int, every time.Duration) int {
	rng := rand.New(rand.NewPCG(5, 6))
	ids := make([]string, targets)
	begun := make([][]time.Duration, 3600) // by second
	for i := range ids {
		ids[i] = fmt.Sprintf("%016x", i)
	}
	who := make([][]int, 3600)
	for i := range ids {
		phase := time.Duration(rng.Int64N(int64(every)))
		for at := phase; at < time.Hour; at += every {
			jittered := min(max(at+time.Duration((rng.Float64()*2-1)/10*float64(every)), 0), time.Hour-1)
			s := int(jittered / time.Second)
			begun[s], who[s] = append(begun[s], jittered), append(who[s], i)
		}
	}
	start, n := c.now(), 0
	for s := range begun {
		order := make([]int, len(begun[s]))
		for i := range order {
			order[i] = i
		}
		slices.SortFunc(order, func(a, b int) int { return int(begun[s][a] - begun[s][b]) })
		for _, i := range order {
			if !r.Add(owner, ids[who[s][i]], realistic(rng, start.Add(begun[s][i]))) {
				t.Fatal("no room")
			}
			n++
		}
		c.pass(time.Second)
		if s%10 == 9 { // each second would only fill the same blocks in smaller steps
			must(t, r.flush(t.Context()))
		}
	}
	return n
}

// bytes is what the tables of raw looks, or of the archive, take on the disk, indexes
// included.
func bytes(t testing.TB, d *db.DB, tables ...string) int64 {
	var all int64
	for _, table := range tables {
		statement := `SELECT SUM(pgsize) FROM dbstat WHERE name = $1 OR name LIKE 'sqlite_autoindex_' || $1 || '%'`
		if d.Engine() == db.Postgres {
			statement = `SELECT pg_total_relation_size(CAST($1 AS regclass))`
		}
		n, err := db.One(t.Context(), d, db.Int64, statement, table)
		must(t, err)
		all += n
	}
	return all
}

// A raw look takes 25 bytes at most and an archived one 5, indexes included. The archive
// holds that from one look a minute on; what a target takes that is looked at every five
// minutes is said too.
func TestBytesPerLook(t *testing.T) {
	dbtest.Each(t, "watch", migrations.Files, func(t *testing.T, d *db.DB) {
		for _, load := range []struct {
			targets int
			every   time.Duration
			archive float64 // bytes for each look
		}{{100, 10 * time.Second, 5}, {300, time.Minute, 5}, {1500, 5 * time.Minute, 11}} {
			if d.Engine() == db.Postgres {
				load.archive *= 2.5 // 28 bytes more for each row
			}
			c := &clock{at: time.Date(2026, 11, 30, 22, 0, 0, 0, time.UTC), fit: true}
			for _, table := range []string{"watch_look", "watch_chunk", "watch_hour", "watch_day", "watch_archived"} {
				_, err := db.Exec(t.Context(), d, `DELETE FROM `+table)
				must(t, err)
			}
			if d.Engine() == db.Postgres {
				_, err := db.Exec(t.Context(), d, `VACUUM FULL`)
				must(t, err)
			}
			r := recorder(t, d, c)
			n := fill(t, r, c, load.targets, load.every)
			if d.Engine() == db.Postgres { // as its autovacuum does, in the background
				_, err := db.Exec(t.Context(), d, `VACUUM FULL watch_look`)
				must(t, err)
			}
			raw := float64(bytes(t, d, "watch_look")) / float64(n)
			c.pass(settled)
			must(t, r.Archive(t.Context()))
			archived := float64(bytes(t, d, "watch_chunk")) / float64(n)
			sums := float64(bytes(t, d, "watch_hour")) / float64(load.targets)
			t.Logf("%d targets each %v, %.1f looks/s: %.1f bytes raw, %.1f archived; %.0f for the sums of one hour", load.targets, load.every, float64(n)/3600, raw, archived, sums)
			if raw > 25 || archived > load.archive {
				t.Errorf("too much")
			}
		}
		joined(t, d)
	})
}

// joined fills a day with a look each five minutes, and has its chunks joined.
func joined(t *testing.T, d *db.DB) {
	const targets = 300
	for _, table := range []string{"watch_chunk", "watch_hour", "watch_day", "watch_archived", "watch_look"} {
		_, err := db.Exec(t.Context(), d, `DELETE FROM `+table)
		must(t, err)
	}
	c := &clock{at: time.Date(2026, 12, 4, 0, 0, 0, 0, time.UTC), fit: true}
	r, rng, n := recorder(t, d, c), rand.New(rand.NewPCG(5, 6)), 0
	for hour := hourOf(core.At(c.now())); hour < hourOf(core.At(c.now()))+24; hour++ {
		for part := range targets / atOnce {
			var all [][]raw
			for i := range atOnce {
				var looks []raw
				for at := range 12 {
					one := r.codec.raw(int64(part*atOnce+i+1), realistic(rng, time.UnixMilli(hour*hourMS+int64(at)*300_000+rng.Int64N(60_000))))
					looks = append(looks, one)
					n++
				}
				all = append(all, looks)
			}
			must(t, r.store.archive(t.Context(), hour, all))
		}
		must(t, r.store.setArchived(t.Context(), hour))
	}
	c.pass(72 * time.Hour)
	must(t, r.mergeDays(t.Context(), core.At(c.now())))
	if d.Engine() == db.Postgres {
		_, err := db.Exec(t.Context(), d, `VACUUM FULL watch_chunk`)
		must(t, err)
	}
	size := float64(bytes(t, d, "watch_chunk")) / float64(n)
	t.Logf("each 5m0s, joined by days: %.1f bytes archived", size)
	if size > 5 {
		t.Error("too much")
	}
}

// BenchmarkRecord says what one look costs the writer, 500 in each transaction.
func BenchmarkRecord(b *testing.B) {
	for _, engine := range []string{db.SQLite, db.Postgres} {
		b.Run(engine, func(b *testing.B) {
			d := open(b, engine)
			c := newClock()
			r, rng := recorder(b, d, c), rand.New(rand.NewPCG(5, 6))
			n := 0
			for b.Loop() {
				r.Add(owner, fmt.Sprintf("%016x", n%5000), realistic(rng, c.now()))
				if n++; n%500 == 0 {
					c.pass(time.Second)
					must(b, r.flush(b.Context()))
				}
			}
			must(b, r.flush(b.Context()))
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "looks/s")
		})
	}
}

// BenchmarkArchive makes the chunks and sums of one hour of 1,000 targets each 10 s.
func BenchmarkArchive(b *testing.B) {
	for _, engine := range []string{db.SQLite, db.Postgres} {
		b.Run(engine, func(b *testing.B) {
			d := open(b, engine)
			c := &clock{at: time.Date(2026, 11, 30, 22, 0, 0, 0, time.UTC), fit: true}
			r := recorder(b, d, c)
			n := fill(b, r, c, 1000, 10*time.Second)
			c.pass(settled)
			for b.Loop() {
				_, err := db.Exec(b.Context(), d, `DELETE FROM watch_archived`)
				must(b, err)
				must(b, r.Archive(b.Context()))
			}
			b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "looks/s")
		})
	}
}

// BenchmarkSeries reads one hour of one of 1,000 targets each 10 s: from raw looks, among
// those of all others, and from its chunk.
func BenchmarkSeries(b *testing.B) {
	d := open(b, db.SQLite)
	c := &clock{at: time.Date(2026, 11, 30, 22, 0, 0, 0, time.UTC), fit: true}
	r := recorder(b, d, c)
	from := core.At(c.now())
	fill(b, r, c, 1000, 10*time.Second)
	read := func(b *testing.B) {
		for b.Loop() {
			all, err := r.Series(b.Context(), owner, fmt.Sprintf("%016x", 77), from, from.Add(time.Hour))
			if err != nil || len(all) != 360 {
				b.Fatalf("%d looks, %v", len(all), err)
			}
		}
	}
	b.Run("raw", read)
	c.pass(settled)
	must(b, r.Archive(b.Context()))
	b.Run("archived", read)
}

// BenchmarkReadDays reads 90 days of 20 services, as a status page does, from five years of
// 1,000 while 500 looks a second are written.
func BenchmarkReadDays(b *testing.B) {
	for _, engine := range []string{db.SQLite, db.Postgres} {
		b.Run(engine, func(b *testing.B) {
			d := open(b, engine)
			c := &clock{at: time.Date(2026, 11, 30, 0, 0, 0, 0, time.UTC), fit: true}
			r := recorder(b, d, c)
			from := history(b, r, c, 1000, 90)
			older(b, d, 90, 19)
			ctx, cancel := context.WithCancel(b.Context())
			defer cancel()
			writing := make(chan error, 1)
			go func() { writing <- write(ctx, r, c) }()
			measure := func(name string, read func() error) {
				b.Run(name, func(b *testing.B) {
					var all []time.Duration
					for b.Loop() {
						begun := time.Now()
						must(b, read())
						all = append(all, time.Since(begun))
					}
					slices.Sort(all)
					b.ReportMetric(float64(all[len(all)/2].Microseconds())/1000, "p50-ms")
					b.ReportMetric(float64(all[len(all)*99/100].Microseconds())/1000, "p99-ms")
				})
			}
			measure("days", func() error {
				for i := range 20 {
					days, err := r.Days(ctx, owner, fmt.Sprintf("%016x", i*37), from, core.At(c.now()))
					if err != nil || len(days) != 90 {
						return fmt.Errorf("%d days, %w", len(days), err)
					}
				}
				return nil
			})
			cancel()
			must(b, <-writing)
		})
	}
}

// history makes days of sums, one look in each.
func history(b *testing.B, r *Recorder, c *clock, targets, days int) (from core.Moment) {
	from = core.At(c.now())
	keys := make([]seriesKey, targets)
	for i := range keys {
		keys[i] = seriesKey{owner, fmt.Sprintf("%016x", i)}
	}
	ids, err := r.store.number(b.Context(), keys, true)
	must(b, err)
	for range days {
		hour := hourOf(core.At(c.now()))
		var all [][]raw
		for _, id := range ids {
			all = append(all, []raw{{ms: hour * hourMS, series: id, took: 80}})
		}
		must(b, r.store.archive(b.Context(), hour, all))
		c.pass(24 * time.Hour)
	}
	return from
}

// older puts the same days before them, so many times over.
func older(b *testing.B, d *db.DB, days, times int) {
	oldest, err := db.One(b.Context(), d, db.Int64, `SELECT min(day) FROM watch_day`)
	must(b, err)
	for n := 1; n <= times; n++ {
		rows, err := db.Exec(b.Context(), d, `INSERT INTO watch_day (series, day, vantage, ms50, ms95, classes)
			SELECT series, day - $1, vantage, ms50, ms95, classes FROM watch_day WHERE day >= $2`, n*days, oldest)
		must(b, err)
		if rows == 0 {
			b.Fatal("there are no days")
		}
	}
}

// write records 500 looks a second until the context ends.
func write(ctx context.Context, r *Recorder, c *clock) error {
	rng, tick := rand.New(rand.NewPCG(5, 6)), time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		for i := range 500 {
			r.Add(owner, fmt.Sprintf("%016x", rng.IntN(1000)), realistic(rng, c.now().Add(time.Duration(i)*time.Millisecond)))
		}
		c.pass(time.Second)
		if err := r.flush(ctx); err != nil && ctx.Err() == nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

func open(b *testing.B, engine string) *db.DB {
	b.Helper()
	if engine == db.Postgres {
		return dbtest.Postgres(b, "watch", migrations.Files)
	}
	d, err := db.Open(b.Context(), dbtest.Address(b))
	must(b, err)
	b.Cleanup(func() { _ = d.Close() })
	must(b, db.Migrate(b.Context(), d, "watch", migrations.Files))
	return d
}
