package vault

import (
	"context"
	"html/template"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/web"
	"entrechat/internal/kit/words"
	"entrechat/internal/room/vault/daily"
	"entrechat/internal/room/vault/health"
)

const (
	stripDays = 30
	curveDays = 90
	agedAfter = 2 * 24 * time.Hour // a backup older than that is worth a look
	oldAfter  = 7 * 24 * time.Hour // and than that, it is a trouble
)

// recordDay is the job that notes how things stand. While nothing can be known, or there
// is nothing to save, it notes nothing.
func (r *Room) recordDay(ctx context.Context) error {
	report, err := r.doctor.Public(ctx)
	if err != nil {
		return err
	}
	now := core.At(r.n.Now())
	age, losses, known := worstOf(report.Backups, now)
	if !known {
		return nil
	}
	return daily.Record(ctx, r.n.DB, now, age, losses)
}

// worstOf sums the backups up that have a snapshot.
func worstOf(backups []health.Status, now core.Moment) (age time.Duration, losses int, known bool) {
	for _, s := range backups {
		switch s.Level {
		case health.LevelEmpty:
			continue
		case health.LevelBehind, health.LevelUnknown:
			return 0, 0, false
		case health.LevelLost, health.LevelLocked: // whatever may still be lost, it cannot be read back
			s.Losses = min(s.Losses, -1)
		case health.LevelSafe, health.LevelOneCopy, health.LevelWaiting:
		}
		its := now.Sub(s.Offsite)
		if s.Offsite == 0 {
			its = -1
		}
		if !known || its < 0 || age >= 0 && its > age {
			age = its
		}
		if !known || s.Losses < losses {
			losses = s.Losses
		}
		known = true
	}
	return age, losses, known
}

// judgeDay is how a day is coloured.
func judgeDay(d daily.Day) web.Severity {
	switch {
	case d.Age < 0 || d.Losses < 0 || d.Age > oldAfter:
		return web.Trouble
	case d.Losses == 0 || d.Age > agedAfter:
		return web.Warn
	}
	return web.Fine
}

// days draws the strip of the last month and the curve of the last three; both empty
// while no day is known.
func (r *Room) days(ctx context.Context, p *words.Printer) (strip, curve template.HTML, err error) {
	now := core.At(r.n.Now())
	known, err := daily.Last(ctx, r.n.DB, now, curveDays)
	if err != nil || len(known) == 0 {
		return "", "", err
	}
	by := map[int64]daily.Day{}
	for _, d := range known {
		by[d.Number] = d
	}
	return stripOf(p, by, now), curveOf(p, by, now), nil
}

func dayName(p *words.Printer, number int64) string {
	return p.Day(core.At(time.Unix(number*24*60*60, 0)))
}

func stripOf(p *words.Printer, by map[int64]daily.Day, now core.Moment) template.HTML {
	today := daily.NumberOf(now)
	strip := web.Strip{From: dayName(p, today-stripDays+1), To: dayName(p, today)}
	good, seen := 0, 0
	for n := today - stripDays + 1; n <= today; n++ {
		day, severity, says := web.StripDay{}, web.None, p.T("vault.days.unknown", nil)
		if d, ok := by[n]; ok {
			seen++
			severity, says = judgeDay(d), p.T("vault.days.never", nil)
			if d.Age >= 0 {
				says = p.T("vault.days.one", args{"Age": d.Age, "Losses": max(d.Losses, 0)})
			}
		}
		if severity == web.Fine {
			good++
		}
		day.Says, day.Severity = p.Pair(dayName(p, n), says), severity
		strip.Days = append(strip.Days, day)
	}
	strip.Title = p.T("vault.days.strip", args{"Count": good, "Seen": seen})
	strip.Words = strip.Title + " " + p.T("vault.days.key", nil)
	return strip.HTML()
}

func curveOf(p *words.Printer, by map[int64]daily.Day, now core.Moment) template.HTML {
	today := daily.NumberOf(now)
	curve := web.Curve{
		Caption: web.Caption{Title: p.T("vault.days.curve", nil)}, Limit: agedAfter.Hours(),
		From: dayName(p, today-curveDays+1), To: dayName(p, today), LimitIs: p.T("vault.days.limit", args{"Age": agedAfter}),
	}
	for n := today - curveDays + 1; n <= today; n++ {
		d, ok := by[n]
		curve.Points = append(curve.Points, web.CurvePoint{Value: d.Age.Hours(), Known: ok && d.Age >= 0})
	}
	curve.Top = p.T("vault.days.top", args{"Age": time.Duration(curve.Highest() * float64(time.Hour))})
	return curve.HTML()
}
