package promise

import (
	"strings"
	"time"

	"entrechat/internal/kit/words"
)

type args = map[string]any

// few is below how many repairs half of them and nine of ten mean nothing; the ninth tenth
// of fewer than ten is the longest.
const few = 5

// Says is a promise in sentences, one for each thing that is promised.
func (p Promise) Says(w *words.Printer) (out []string) {
	if p.Away != nil {
		long := Long(w.Lang, time.Duration(*p.Away)*time.Minute)
		if p.Hours == nil {
			out = append(out, w.T("watch.promise.says_away", args{"Long": long}))
		} else {
			out = append(out, w.T("watch.promise.says_away_hours", args{"Long": long, "Hours": p.Hours.says(w)}))
		}
	}
	if r := p.Restore; r != nil && r.NightBy != "" {
		out = append(out, w.T("watch.promise.says_night", args{"From": r.NightFrom, "To": r.NightTo, "By": r.NightBy}))
	}
	if r := p.Restore; r != nil && r.Day > 0 {
		out = append(out, w.T("watch.promise.says_day", args{"Long": Long(w.Lang, time.Duration(r.Day)*time.Hour)}))
	}
	if p.Notice > 0 {
		out = append(out, w.T("watch.promise.says_notice", args{"Long": Long(w.Lang, time.Duration(p.Notice)*time.Hour)}))
	}
	if p.Maintenance > 0 {
		out = append(out, w.T("watch.promise.says_maintenance", args{"Long": Long(w.Lang, time.Duration(p.Maintenance)*time.Minute)}))
	}
	return out
}

// says writes days in the language: "lu–ve 08:00–20:00".
func (h Hours) says(w *words.Printer) string {
	days := h.Days
	for _, d := range weekdays() {
		days = strings.ReplaceAll(days, d, strings.ToUpper(d)) // none is a part of another's translation now
	}
	for _, d := range weekdays() {
		days = strings.ReplaceAll(days, strings.ToUpper(d), w.T("watch.promise.day_"+d, nil))
	}
	return strings.NewReplacer("-", "–", ",", ", ").Replace(days) + " " + h.From + "–" + h.To
}

// Says is what was measured, in a few sentences.
func (f Figures) Says(w *words.Printer) (out []string) {
	parts := []string{}
	for _, one := range []struct {
		key string
		d   time.Duration
	}{{"down", f.Sum.Down}, {"partial", f.Sum.Partial}, {"maintenance", f.Sum.Maintenance}, {"unknown", f.Sum.Unknown}} {
		if one.d > 0 {
			parts = append(parts, w.T("watch.promise.measured_"+one.key, args{"Long": Long(w.Lang, one.d)}))
		}
	}
	if len(parts) == 0 {
		parts = append(parts, w.T("watch.promise.measured_well", nil))
	}
	out = append(out, w.T("watch.promise.measured", args{"Total": f.Sum.Total(), "Parts": strings.Join(parts, ", ")}))
	if f.Judged > 0 {
		out = append(out, w.T("watch.promise.months", args{"Kept": f.Kept, "Judged": f.Judged}))
	}
	if f.Unsure > 0 {
		out = append(out, w.T("watch.promise.months_unsure", args{"Count": f.Unsure}))
	}
	switch r := f.Restores; {
	case r.Count >= few:
		out = append(out, w.T("watch.promise.restores", args{"Half": Long(w.Lang, r.P50), "Most": Long(w.Lang, r.P90), "Count": r.Count}))
	case r.Count > 0:
		out = append(out, w.T("watch.promise.restores_few", args{"Most": Long(w.Lang, r.P90), "Count": r.Count}))
	}
	if r := f.Restores; r.Judged > 0 {
		out = append(out, w.T("watch.promise.restores_kept", args{"Kept": r.Kept, "Judged": r.Judged}))
	}
	if n := len(f.Months); n > 0 && f.Months[n-1].Outcome == Running {
		out = append(out, w.T("watch.promise.left", args{"Long": Long(w.Lang, f.Months[n-1].Left)}))
	}
	return out
}
