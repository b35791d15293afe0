package promise

import (
	"errors"
	"strconv"
	"strings"
	"time"

	"entrechat/internal/core"
)

// Typed is a promise as people write it, on the command line or in a form. An empty text
// promises nothing.
type Typed struct {
	Away        string // a duration in a month: "8h", "90m"
	Hours       string // "mo-fr 08:00-20:00"
	Night       string // "22:00-08:00"
	NightBy     string // "12:00"
	Day         string // a duration in whole hours: "4h"
	Notice      string // "72h", "3d"
	Maintenance string // "4h"
	Zone        string
}

// Names are those of the texts, as flags and fields call them, in the order people are
// asked.
func Names() []string {
	return []string{"away", "hours", "night", "night-by", "day-within", "notice", "maintenance", "zone"}
}

// Place is where the text of a name is written; nil for another name.
func (t *Typed) Place(name string) *string {
	return map[string]*string{
		"away": &t.Away, "hours": &t.Hours, "night": &t.Night, "night-by": &t.NightBy, "day-within": &t.Day,
		"notice": &t.Notice, "maintenance": &t.Maintenance, "zone": &t.Zone,
	}[name]
}

// Promise reads it. CodeInvalid, naming the text that makes no sense.
func (t Typed) Promise(service string) (p Promise, err error) {
	p = Promise{Service: service, Zone: t.Zone}
	var all []error
	minutes := func(field, text string, unit time.Duration) int64 {
		if text == "" {
			return 0
		}
		d, err := long(text)
		if err != nil || d%unit != 0 {
			all = append(all, core.Invalid("watch.promise.bad_value", errors.Join(err, errors.New(field))).With("Field", field).With("Value", text))
		}
		return int64(d / unit)
	}
	if t.Away != "" {
		away := minutes("away", t.Away, time.Minute)
		p.Away = &away
	}
	p.Notice, p.Maintenance = minutes("notice", t.Notice, time.Hour), minutes("maintenance", t.Maintenance, time.Minute)
	if days, times, ok := strings.Cut(fromFrench(strings.ToLower(t.Hours)), " "); t.Hours != "" {
		from, to, both := strings.Cut(strings.TrimSpace(times), "-")
		if !ok || !both {
			all = append(all, core.Invalid("watch.promise.bad_value", errors.New("hours")).With("Field", "hours").With("Value", t.Hours))
		}
		p.Hours = &Hours{days, from, to}
	}
	day := minutes("day-within", t.Day, time.Hour)
	if t.Night != "" || t.NightBy != "" || day != 0 {
		from, to, _ := strings.Cut(t.Night, "-")
		p.Restore = &Restore{from, to, t.NightBy, day}
	}
	if len(all) > 0 {
		return p, all[0]
	}
	return p, nil
}

// frenchDays are the days as French pages write them, each with the one that a promise holds.
func frenchDays() [][2]string {
	return [][2]string{{"lu", "mo"}, {"ma", "tu"}, {"me", "we"}, {"je", "th"}, {"ve", "fr"}, {"di", "su"}}
}

// fromFrench reads days that may be French: "lu-ve 08:00-20:00" is "mo-fr 08:00-20:00".
func fromFrench(hours string) string {
	for _, d := range frenchDays() {
		hours = strings.ReplaceAll(hours, d[0], d[1])
	}
	return hours
}

// inFrench writes the days of hours as French pages do.
func inFrench(hours string) string {
	for _, d := range frenchDays() {
		hours = strings.ReplaceAll(hours, d[1], d[0])
	}
	return hours
}

// long reads a duration that may be in days: "3d", in French "3j".
func long(text string) (time.Duration, error) {
	if days := strings.TrimRight(text, "dj"); days != text {
		n, err := strconv.ParseUint(days, 10, 16)
		return time.Duration(n) * day, err
	}
	return time.ParseDuration(text)
}

// Typed writes a promise as people would.
func (p Promise) Typed() (t Typed) {
	hours := func(minutes int64) string {
		if minutes%60 == 0 {
			return strconv.FormatInt(minutes/60, 10) + "h"
		}
		return strconv.FormatInt(minutes, 10) + "m"
	}
	if p.Away != nil {
		t.Away = hours(*p.Away)
	}
	if p.Hours != nil {
		t.Hours = p.Hours.Days + " " + p.Hours.From + "-" + p.Hours.To
	}
	if r := p.Restore; r != nil {
		if r.NightBy != "" {
			t.Night, t.NightBy = r.NightFrom+"-"+r.NightTo, r.NightBy
		}
		if r.Day > 0 {
			t.Day = hours(r.Day * 60)
		}
	}
	if p.Notice > 0 {
		t.Notice = hours(p.Notice * 60)
	}
	if p.Maintenance > 0 {
		t.Maintenance = hours(p.Maintenance)
	}
	t.Zone = p.Zone
	return t
}
