package imports

import (
	"path"
	"slices"
	"strings"
	"time"

	"entrechat/internal/room/watch/target"
)

// waiting is a job whose targets stand in files.
type waiting struct {
	at      *node
	file    string
	pattern string // the base name, with wildcards
	job     job
	met     bool
}

// job is what all targets of a scrape job have in common.
type job struct {
	name   string
	module string
	every  time.Duration
}

// probeReader reads what Prometheus asks a blackbox exporter.
type probeReader struct{ *reader }

// prometheus reads the jobs that ask a blackbox exporter.
func (r probeReader) prometheus(doc *node) {
	usual := span(doc.get("global").get("scrape_interval").str(), time.Minute)
	for _, n := range doc.get("scrape_configs").items() {
		j := job{name: clean(n.get("job_name").str(), 80), every: span(n.get("scrape_interval").str(), usual)}
		modules := n.get("params").get("module").items()
		if len(modules) > 0 {
			j.module = modules[0].str()
		}
		if j.module == "" && path.Base(n.get("metrics_path").str()) != "probe" {
			r.say(n, "watch.imports.no_probe", "Job", j.name)
			continue
		}
		r.probeJob(n, j)
	}
	for _, name := range []string{"alerting", "rule_files"} {
		if n := doc.get(name); n != nil && len(n.items()) > 0 {
			r.say(n, "watch.imports.alerts")
			break
		}
	}
}

func (r probeReader) probeJob(n *node, j job) {
	for _, rule := range n.get("relabel_configs").items() {
		if to := rule.get("replacement").str(); rule.get("target_label").str() == "__param_target" && to != "" && to != "$1" && to != "${1}" {
			r.say(rule, "watch.imports.relabel", "Job", j.name)
		}
	}
	for _, group := range n.get("static_configs").items() {
		r.probes(group, j)
	}
	for _, sd := range n.get("file_sd_configs").items() {
		for _, f := range sd.get("files").items() {
			r.waits = append(r.waits, waiting{at: f, file: r.file, pattern: path.Base(f.str()), job: j})
		}
	}
	for i, k := range n.keys {
		if strings.HasSuffix(k.text, "_sd_configs") && k.text != "file_sd_configs" && len(n.values[i].items()) > 0 {
			r.say(k, "watch.imports.discovery", "Job", j.name, "Field", clean(k.text, 40))
		}
	}
}

// fileSD reads a file of targets: as every job that names it, or, when none does, with
// the module that its labels name.
func (r probeReader) fileSD(name string, doc *node) {
	jobs := []job{}
	for i, w := range r.waits {
		if ok, err := path.Match(w.pattern, path.Base(name)); err == nil && ok {
			r.waits[i].met = true
			jobs = append(jobs, w.job)
		}
	}
	if len(jobs) == 0 {
		jobs = append(jobs, job{every: time.Minute})
	}
	for _, j := range jobs {
		for _, group := range doc.items() {
			r.probes(group, j)
		}
	}
}

// unread says which files of targets a job names and nobody gave.
func (r probeReader) unread() {
	for _, w := range r.waits {
		if !w.met {
			r.file = w.file
			r.say(w.at, "watch.imports.give_file", "Job", w.job.name, "Name", clean(w.pattern, 80))
		}
	}
}

// probes reads one group of targets with its labels.
func (r probeReader) probes(group *node, j job) {
	labels := group.get("labels")
	if m := labels.get("__param_module", "module", "__module").str(); m != "" {
		j.module = m
	}
	for _, n := range group.get("targets").items() {
		t := target.Target{Service: clean(labels.get("service", "name", "title", "app").str(), 80)}
		text := n.str()
		if t.Service == "" {
			t.Service = clean(hostOf(safe(text)), 80)
		}
		if !r.module(n, j, text, &t) {
			continue
		}
		t.Every = r.every(n, t.Service, j.every)
		r.take(n, t)
	}
}

// safe is an address without what may be a secret in it, to name a target by.
func safe(text string) string {
	text, _, _ = strings.Cut(text, "?")
	if at := strings.LastIndexByte(text, '@'); at >= 0 {
		text = text[at+1:]
	}
	return text
}

// span reads a duration as Prometheus writes it ("1m30s", "1d").
func span(text string, usual time.Duration) time.Duration {
	units := []struct {
		name string
		of   time.Duration
	}{{"ms", time.Millisecond}, {"y", 365 * 24 * time.Hour}, {"w", 7 * 24 * time.Hour}, {"d", 24 * time.Hour}, {"h", time.Hour}, {"m", time.Minute}, {"s", time.Second}}
	total, rest := time.Duration(0), strings.TrimSpace(text)
	for rest != "" {
		digits := strings.IndexFunc(rest, func(c rune) bool { return c < '0' || c > '9' })
		if digits <= 0 || digits > 9 {
			return usual
		}
		count := (&node{text: rest[:digits]}).number()
		rest = rest[digits:]
		i := slices.IndexFunc(units, func(u struct {
			name string
			of   time.Duration
		},
		) bool {
			return strings.HasPrefix(rest, u.name)
		})
		if i < 0 || count > int64(10*365*24*time.Hour/units[i].of) {
			return usual
		}
		total, rest = total+time.Duration(count)*units[i].of, rest[len(units[i].name):]
	}
	if total <= 0 {
		return usual
	}
	return total
}
