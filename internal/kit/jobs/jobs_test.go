package jobs_test

import (
	"context"
	"errors"
	"log/slog"
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
