package promise

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/words"
	"entrechat/internal/room/watch/incident/availability"
)

func seconds(d time.Duration) int64 { return int64(d / time.Second) }

// MarshalJSON writes durations as whole seconds.
func (m Month) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		availability.Span
		Sum     availability.Sum `json:"sum"`
		Outcome Outcome          `json:"outcome"`
		Away    int64            `json:"away_s"`
		Budget  int64            `json:"budget_s"`
		Left    int64            `json:"left_s"`
	}{m.Span, m.Sum, m.Outcome, seconds(m.Away), seconds(m.Budget), seconds(m.Left)})
}

// MarshalJSON writes durations as whole seconds.
func (r Restores) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Count  int   `json:"count"`
		Open   int   `json:"open"`
		P50    int64 `json:"p50_s"`
		P90    int64 `json:"p90_s"`
		Kept   int   `json:"kept"`
		Judged int   `json:"judged"`
	}{r.Count, r.Open, seconds(r.P50), seconds(r.P90), r.Kept, r.Judged})
}

// MarshalJSON writes the figures as docs/spec/incident.md names them.
func (f Figures) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Owner    core.MemberID    `json:"owner"`
		Service  string           `json:"service"`
		Zone     string           `json:"zone"`
		From     core.Moment      `json:"from_us"`
		To       core.Moment      `json:"to_us"`
		Sum      availability.Sum `json:"sum"`
		Kept     int              `json:"months_kept"`
		Judged   int              `json:"months_judged"`
		Unsure   int              `json:"months_unsure"`
		Restores Restores         `json:"restores"`
		Promise  *Said            `json:"promise"`
		Months   []Month          `json:"months"`
		Days     []Day            `json:"days"`
	}{f.Owner, f.Service, f.Zone, f.From, f.To, f.Sum, f.Kept, f.Judged, f.Unsure, f.Restores, f.Promise, f.Months, f.Days})
}

// Long is a duration in minutes or hours with two significant digits, as people of a
// language write it: "45 min", "3,2 h", "720 h". Below a minute it is in seconds.
func Long(lang string, d time.Duration) string {
	d = max(d, 0)
	value, unit := d.Hours(), "h"
	switch {
	case d < time.Minute:
		value, unit = d.Seconds(), "s"
	case d < time.Hour-30*time.Second:
		value, unit = d.Minutes(), "min"
	}
	digits := 0
	if unit == "h" && value < 9.95 && math.Abs(value-math.Round(value)) >= 0.05 {
		digits = 1
	}
	if value >= 100 {
		step := math.Pow(10, math.Floor(math.Log10(value))-1)
		value = math.Round(value/step) * step
	}
	text := strconv.FormatFloat(value, 'f', digits, 64)
	if lang != words.English {
		text = strings.Replace(text, ".", ",", 1)
	}
	return text + "\u00a0" + unit
}
