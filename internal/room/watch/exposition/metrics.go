package exposition

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"

	"entrechat/internal/core"
	"entrechat/internal/kit/obs"
	"entrechat/internal/room/watch/look"
	"entrechat/internal/room/watch/target"
	"entrechat/internal/room/watch/verdict"
)

// Sample is the newest look at a target from one vantage.
type Sample struct {
	Target  target.Target
	Vantage core.MemberID
	Result  look.Result
}

// The bounds of what is exposed: Prometheus asks every few seconds.
const (
	MaxSamples = 10_000
	maxLabel   = 120 // bytes
)

// Metrics are the lines of /metrics for looks. A look that was unfit says when it was, and
// nothing else of its target. Of two samples of one target and vantage the newer counts:
// the same line twice would make Prometheus refuse the page.
func Metrics(all []Sample) []obs.Metric {
	all = slices.Clone(all)
	slices.SortStableFunc(all, func(a, b Sample) int {
		return cmp.Or(cmp.Compare(a.Target.Owner, b.Target.Owner), cmp.Compare(a.Target.ID, b.Target.ID), cmp.Compare(a.Vantage, b.Vantage), cmp.Compare(b.Result.At, a.Result.At))
	})
	all = slices.CompactFunc(all, func(a, b Sample) bool {
		return a.Target.Owner == b.Target.Owner && a.Target.ID == b.Target.ID && a.Vantage == b.Vantage
	})
	out := make([]obs.Metric, 0, 8*min(len(all), MaxSamples))
	for _, s := range all[:min(len(all), MaxSamples)] {
		out = s.metrics(out)
	}
	return out
}

// labels tell a sample from all others: id and hoster name the target, vantage who looked.
func (s Sample) labels() map[string]string {
	t := s.Target
	address := t.Address
	if !t.Kind.Called() {
		address = string(t.Kind) // the hash of a token tells nobody anything
	}
	return map[string]string{
		"target": label(address), "service": label(t.Service), "kind": string(t.Kind), "hoster": label(string(t.Owner)), "id": label(t.ID), "vantage": label(string(s.Vantage)),
	}
}

// label is text as a label may hold it.
func label(text string) string {
	for len(text) > maxLabel {
		_, size := utf8.DecodeLastRuneInString(text)
		text = text[:len(text)-size]
	}
	if !utf8.ValidString(text) {
		return "?"
	}
	return text
}

func (s Sample) metrics(out []obs.Metric) []obs.Metric {
	r, labels := s.Result, s.labels()
	add := func(name, help string, value float64) {
		out = append(out, obs.Metric{Name: name, Help: help, Value: value, Labels: labels})
	}
	add("entrechat_watch_look_time_seconds", "When the newest look at the target began, as Unix time.", seconds(r.At))
	if r.Class == look.Unfit {
		return out
	}
	add("probe_success", "Displays whether or not the probe was a success.", truth(!r.Class.Failure()))
	add("probe_duration_seconds", "Returns how long the probe took to complete in seconds.", r.Latency.Seconds())
	if r.DNS > 0 {
		add("probe_dns_lookup_time_seconds", "Returns the time taken for probe dns lookup in seconds.", r.DNS.Seconds())
	}
	if r.Family != 0 {
		add("probe_ip_protocol", "Specifies whether probe ip protocol is IP4 or IP6.", float64(r.Family))
	}
	if r.Ends > 0 {
		add("probe_ssl_earliest_cert_expiry", "Returns earliest SSL cert expiry in unixtime.", seconds(r.Ends))
	}
	if !s.Target.Kind.Web() {
		return out
	}
	add("probe_http_status_code", "Response HTTP status code.", float64(r.Status))
	add("probe_http_ssl", "Indicates if SSL was used for the final redirect.", truth(r.TLS > 0))
	add("probe_failed_due_to_regex", "Indicates if probe failed due to regex.", truth(r.Class == look.Content))
	for _, p := range phases(r) {
		with := maps.Clone(labels)
		with["phase"] = p.name
		out = append(out, obs.Metric{Name: "probe_http_duration_seconds", Help: "Duration of http request by phase, summed over all redirects.", Value: p.took.Seconds(), Labels: with})
	}
	return out
}

type phase struct {
	name string
	took time.Duration
}

// phases are the parts of a look, as blackbox names them.
func phases(r look.Result) []phase {
	rest := max(r.Latency-r.DNS-r.Connect-r.TLS-r.First, 0)
	return []phase{{"resolve", r.DNS}, {"connect", r.Connect}, {"tls", r.TLS}, {"processing", r.First}, {"transfer", rest}}
}

func seconds(m core.Moment) float64 { return float64(m) / 1e6 }

func truth(is bool) float64 {
	if is {
		return 1
	}
	return 0
}

// Verdicts are the lines of /metrics for what the vantage points conclude together: 1 for
// the state that holds, 0 for the others. name answers a target's service.
func Verdicts(all []verdict.Verdict, service func(owner core.MemberID, target string) string) []obs.Metric {
	out := make([]obs.Metric, 0, 4*len(all))
	for _, v := range all[:min(len(all), MaxSamples)] {
		for _, state := range []verdict.State{verdict.Unknown, verdict.Up, verdict.Partial, verdict.Down} {
			out = append(out, obs.Metric{
				Name: "entrechat_watch_verdict", Help: "What the vantage points conclude together: 1 for the state that holds.", Value: truth(v.State == state),
				Labels: map[string]string{
					"hoster": label(string(v.Owner)), "id": label(v.Target), "service": label(service(v.Owner, v.Target)), "state": cmp.Or(string(state), "unknown"), "weak": strconv.FormatBool(v.Weak),
				},
			})
		}
	}
	return out
}
