package jobs_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"entrechat/internal/kit/jobs"
)

func TestJobsGoOnAfterFailureAndPanic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour-time.Second)
		defer cancel()
		var steady, failing, panicking, later int
		jobs.Run(ctx, slog.New(slog.DiscardHandler), []jobs.Job{
			{Name: "steady", Every: 5 * time.Minute, Run: func(context.Context) error { steady++; return nil }},
			{Name: "failing", Run: func(context.Context) error { failing++; return errors.New("no") }},
			{Name: "panicking", Every: time.Minute, Run: func(context.Context) error { panicking++; panic("bug") }},
			{Name: "later", Every: 40 * time.Minute, Later: true, Run: func(context.Context) error { later++; return nil }},
		})
		if steady != 12 || later != 1 {
			t.Errorf("steady ran %d times, later %d", steady, later)
		}
		if failing < 50 || failing > 70 {
			t.Errorf("a failing job without pause ran %d times in an hour, want about one a minute", failing)
		}
		if panicking != 60 {
			t.Errorf("panicking ran %d times", panicking)
		}
	})
}

func TestJobsStopWithTheirContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		var log bytes.Buffer
		began := time.Now()
		jobs.Run(ctx, slog.New(slog.NewTextHandler(&log, nil)), []jobs.Job{
			{Name: "waits", Every: 24 * time.Hour, Run: func(context.Context) error { return nil }},
			{Name: "works", Run: func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }},
		})
		if took := time.Since(began); took != time.Minute {
			t.Errorf("stopped after %v", took)
		}
		if log.Len() > 0 {
			t.Errorf("stopping was logged as a failure: %s", &log)
		}
	})
}

func TestJitterSpreadsRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 24*time.Hour)
		defer cancel()
		pauses := map[time.Duration]bool{}
		last := time.Now()
		jobs.Run(ctx, slog.New(slog.DiscardHandler), []jobs.Job{{
			Name: "spread", Every: 10 * time.Minute, Jitter: 5 * time.Minute, Later: true,
			Run: func(context.Context) error {
				pause := time.Since(last)
				last = time.Now()
				if pause < 10*time.Minute || pause >= 15*time.Minute {
					t.Errorf("a pause of %v", pause)
				}
				pauses[pause] = true
				return nil
			},
		}})
		if len(pauses) < 50 {
			t.Errorf("only %d different pauses in a day", len(pauses))
		}
	})
}

func TestPanicIsLoggedWithItsPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		var log bytes.Buffer
		jobs.Run(ctx, slog.New(slog.NewTextHandler(&log, nil)), []jobs.Job{
			{Name: "broken", Every: time.Hour, Run: func(context.Context) error { panic("mistake") }},
		})
		for _, part := range []string{"job=broken", "panic: mistake", "jobs_test.go"} {
			if !strings.Contains(log.String(), part) {
				t.Errorf("%q is not in the log: %s", part, &log)
			}
		}
	})
}
