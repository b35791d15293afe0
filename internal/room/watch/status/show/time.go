package show

import (
	"strconv"
	"strings"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/words"
)

const hard = "\u00a0" // a space at which no line breaks

// voice says times and durations in one language and one zone.
type voice struct {
	*words.Printer
	zone *time.Location
	now  core.Moment
}

// T is a sentence, with French punctuation kept on the line of the word before it.
func (v voice) T(key string, args map[string]any) string {
	text := v.Printer.T(key, args)
	if v.Lang != words.French {
		return text
	}
	return strings.NewReplacer(" :", hard+":", " ;", hard+";", " ?", hard+"?", " !", hard+"!", " »", hard+"»", "« ", "«"+hard).Replace(text)
}

// zoneOf is a zone by its name; UTC when this machine does not know it.
func zoneOf(name string) *time.Location {
	if zone, err := time.LoadLocation(name); err == nil {
		return zone
	}
	return time.UTC
}

// clock is the time of day, with its day unless that is today's.
func (v voice) clock(m core.Moment) string {
	at, now := m.Time().In(v.zone), v.now.Time().In(v.zone)
	clock := at.Format("15:04")
	if v.Lang == words.French {
		clock = strconv.Itoa(at.Hour()) + hard + "h" + hard + at.Format("04")
	}
	if v.zone == time.UTC {
		clock += hard + "UTC"
	}
	if at.Format(time.DateOnly) == now.Format(time.DateOnly) {
		return clock
	}
	return v.T("watch.status.on_day", map[string]any{"Day": v.day(at), "Clock": clock})
}

// end is the time of day at which something ended, with its day unless it began on it.
func (v voice) end(from, to core.Moment) string {
	v.now = from
	return v.clock(to)
}

// day is a day with its month in words, and its year unless it is this one.
func (v voice) day(at time.Time) string {
	number := strconv.Itoa(at.Day())
	if at.Day() == 1 && v.Lang == words.French {
		number = "1er"
	}
	out := number + hard + v.month(at.Month())
	if at.Year() != v.now.Time().In(v.zone).Year() {
		out += " " + strconv.Itoa(at.Year())
	}
	return out
}

func (v voice) month(m time.Month) string {
	return v.T("watch.status.month_"+strconv.Itoa(int(m)), nil)
}

// date is a day of a snapshot, "2026-11-30", in words.
func (v voice) date(text string) string {
	at, err := time.ParseInLocation(time.DateOnly, text, v.zone)
	if err != nil {
		return text
	}
	return v.day(at)
}

// since is " since" a moment; empty when that is not known.
func (v voice) since(m core.Moment) string {
	if m == 0 {
		return ""
	}
	return " " + v.T("watch.status.since", map[string]any{"At": v.clock(m)})
}

// hours is a duration of so many seconds with about two digits: "47 min", "3 h 10 min",
// "12 h", "4,2 days". Nobody measured more exactly.
func (v voice) hours(seconds int64) string {
	const minute, hour, day = 60, 3600, 86400
	switch {
	case seconds <= 0:
		return "0" + hard + "min"
	case seconds < minute:
		return v.T("watch.status.short", nil)
	case seconds < hour-30:
		return plain((seconds+30)/minute) + hard + "min"
	case seconds < 10*hour-300:
		tens := (seconds + 300) / 600 * 10 // minutes, in tens
		if tens%60 == 0 {
			return plain(tens/60) + hard + "h"
		}
		return plain(tens/60) + hard + "h" + hard + plain(tens%60) + hard + "min"
	case seconds < 100*hour-1800:
		return plain((seconds+1800)/hour) + hard + "h"
	case seconds < 10*day-day/20:
		tenths := (seconds + day/20) / (day / 10)
		text := plain(tenths / 10)
		if tenths%10 != 0 {
			text += map[bool]string{true: ",", false: "."}[v.Lang == words.French] + plain(tenths%10)
		}
		return v.T("watch.status.days", map[string]any{"Days": text})
	}
	return v.T("watch.status.days", map[string]any{"Days": plain((seconds + day/2) / day)})
}

// latency is a time to answer: "120 ms", "1,2 s".
func (v voice) latency(ms int64) string {
	switch {
	case ms < 0:
		return "—"
	case ms < 1000:
		return plain(ms) + hard + "ms"
	}
	text := strconv.FormatFloat(float64(ms)/1000, 'f', 1, 64)
	if v.Lang == words.French {
		text = strings.Replace(text, ".", ",", 1)
	}
	return text + hard + "s"
}

func plain(n int64) string { return strconv.FormatInt(n, 10) }

// list joins names: "A, B and C".
func (v voice) list(names []string) string {
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " " + v.T("watch.status.and", nil) + " " + names[last]
}
