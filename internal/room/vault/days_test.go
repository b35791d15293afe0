package vault

import (
	"strings"
	"testing"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/web"
	"entrechat/internal/kit/words"
	"entrechat/internal/room/vault/daily"
	"entrechat/internal/room/vault/health"
)

// TestWorstOf: a day is as good as its worst backup; one without a snapshot does not
// count, and where the catalogue cannot be believed nothing is noted.
func TestWorstOf(t *testing.T) {
	now := core.At(time.Date(2026, 3, 1, 6, 0, 0, 0, time.UTC))
	ago := func(d time.Duration) core.Moment { return now.Add(-d) }
	for name, c := range map[string]struct {
		backups []health.Status
		age     time.Duration
		losses  int
		known   bool
	}{
		"none":               {nil, 0, 0, false},
		"empty ones":         {[]health.Status{{Level: health.LevelEmpty}}, 0, 0, false},
		"not compared yet":   {[]health.Status{{Level: health.LevelSafe, Offsite: now}, {Level: health.LevelUnknown}}, 0, 0, false},
		"the older one":      {[]health.Status{{Level: health.LevelSafe, Offsite: ago(time.Hour), Losses: 1}, {Level: health.LevelSafe, Offsite: ago(3 * time.Hour), Losses: 2}}, 3 * time.Hour, 1, true},
		"one never off-site": {[]health.Status{{Level: health.LevelWaiting}, {Level: health.LevelSafe, Offsite: ago(time.Hour), Losses: 2}}, -1, 0, true},
		"one locked":         {[]health.Status{{Level: health.LevelLocked, Offsite: now, Losses: 2}}, 0, -1, true},
		"one without key":    {[]health.Status{{Level: health.LevelLost, Offsite: now, Losses: 2}}, 0, -1, true},
		"one lost":           {[]health.Status{{Level: health.LevelLost, Offsite: now, Losses: -1}, {Level: health.LevelSafe, Offsite: now, Losses: 2}}, 0, -1, true},
	} {
		if age, losses, known := worstOf(c.backups, now); age != c.age || losses != c.losses || known != c.known {
			t.Errorf("%s: %s, %d, %v", name, age, losses, known)
		}
	}
}

func TestJudgeDay(t *testing.T) {
	for want, days := range map[web.Severity][]daily.Day{
		web.Fine:    {{Losses: 1}, {Age: agedAfter, Losses: 2}},
		web.Warn:    {{Losses: 0}, {Age: agedAfter + time.Second, Losses: 2}},
		web.Trouble: {{Age: -1, Losses: 2}, {Losses: -1}, {Age: oldAfter + time.Second, Losses: 2}},
	} {
		for _, d := range days {
			if got := judgeDay(d); got != want {
				t.Errorf("%+v is %s, not %s", d, got, want)
			}
		}
	}
}

// TestDaysInWords: the strip counts what is known, and never takes a day that is not for
// a good one.
func TestDaysInWords(t *testing.T) {
	catalogue, err := words.New(Words)
	if err != nil {
		t.Fatal(err)
	}
	p := catalogue.Printer(words.English)
	now := core.At(time.Date(2026, 3, 31, 6, 0, 0, 0, time.UTC))
	today := daily.NumberOf(now)
	by := map[int64]daily.Day{today: {Age: time.Hour, Losses: 2}, today - 1: {Age: 3 * 24 * time.Hour, Losses: 2}, today - 2: {Age: -1}}
	strip, curve := string(stripOf(p, by, now)), string(curveOf(p, by, now))
	for _, part := range []string{"1 good day of 3 known", "nothing is known", "had nothing off-site"} {
		if !strings.Contains(strip, part) {
			t.Errorf("no %q in %s", part, strip)
		}
	}
	if strings.Count(strip, `class="day none"`) != 27 || strings.Count(strip, `class="day fine"`) != 1 {
		t.Errorf("the days are %s", strip)
	}
	if !strings.Contains(curve, "Age of the newest") || strings.Contains(curve+strip, "⟦") {
		t.Errorf("the curve says %s", curve)
	}
}
