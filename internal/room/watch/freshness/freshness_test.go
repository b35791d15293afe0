package freshness_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/room/watch/freshness"
	"entrechat/internal/room/watch/look"
	"entrechat/internal/room/watch/target"
)

type stored struct {
	whole, newest core.Moment
	ok            bool
	err           error
}

// Newest implements freshness.Stored.
func (s stored) Newest(context.Context, core.MemberID) (whole, newest core.Moment, ok bool, err error) {
	return s.whole, s.newest, s.ok, s.err
}

func TestLook(t *testing.T) {
	now := time.Unix(1_790_000_000, 0)
	ago := func(d time.Duration) core.Moment { return core.At(now.Add(-d)) }
	backup := target.Target{Owner: "ana.test", Kind: target.Backup, Address: "files"}
	daily, own := backup, backup
	daily.Expect.MaxAge, own.Owner = 26, "bo.test"
	for name, c := range map[string]struct {
		t    target.Target
		s    freshness.Stored
		want look.Class
	}{
		"fresh":                  {backup, stored{ago(47 * time.Hour), ago(time.Hour), true, nil}, look.Fine},
		"on the hour":            {backup, stored{ago(48 * time.Hour), ago(48 * time.Hour), true, nil}, look.Fine},
		"stale":                  {backup, stored{ago(48*time.Hour + 1e9), ago(48*time.Hour + 1e9), true, nil}, look.Stale},
		"stale by its own rule":  {daily, stored{ago(27 * time.Hour), ago(27 * time.Hour), true, nil}, look.Stale},
		"data without snapshot":  {daily, stored{ago(27 * time.Hour), ago(time.Hour), true, nil}, look.Unfit},
		"never a snapshot, data": {daily, stored{0, ago(time.Hour), true, nil}, look.Unfit},
		"never a snapshot, old":  {daily, stored{0, ago(99 * time.Hour), true, nil}, look.Stale},
		"nothing stored":         {daily, stored{}, look.Unfit},
		"the store is away":      {daily, stored{err: errors.New("not mounted")}, look.Unfit},
		"our own":                {own, stored{ago(time.Hour), ago(time.Hour), true, nil}, look.Unfit},
		"no vault":               {daily, nil, look.Unfit},
	} {
		l := freshness.Looker{Stored: c.s, Self: "bo.test", Now: func() time.Time { return now }, Log: slog.New(slog.DiscardHandler)}
		if got := l.Look(t.Context(), c.t); got.Class != c.want || got.At != core.At(now) {
			t.Errorf("%s: %+v", name, got)
		}
	}
}
