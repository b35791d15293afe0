package imports

import (
	"embed"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"entrechat/internal/core"
	"entrechat/internal/room/watch/target"
)

// Words are the sentences of the findings.
//
//go:embed words/*.toml
var Words embed.FS

// The bounds of an import. More targets or findings than these are cut, with a finding
// that says so.
const (
	MaxBytes    = 1 << 20 // of one file
	MaxFiles    = 32
	MaxTargets  = target.MaxTargets
	MaxFindings = 5000
)

// Format is a kind of file.
type Format string

// The formats.
const (
	Gatus      Format = "gatus"      // the YAML configuration of Gatus
	Kuma       Format = "kuma"       // JSON of Uptime Kuma: a backup, a list of monitors, or rows of its table
	Prometheus Format = "prometheus" // prometheus.yml with jobs for the blackbox exporter
	Blackbox   Format = "blackbox"   // blackbox.yml: modules, which jobs name
	FileSD     Format = "file_sd"    // targets that a job reads from a file, JSON or YAML
)

// File is one file as a person gave it.
type File struct {
	Name string // its path or name, for people
	Text []byte
}

// Finding is one thing to say about one line. Its Args hold no secret and nothing
// longer than a name.
type Finding struct {
	File string         `json:"file"`
	Line int            `json:"line"` // from 1; 0 = the whole file
	Key  string         `json:"key"`  // words key
	Args map[string]any `json:"args,omitempty"`
	// Taken: the line became a target. Otherwise it says what did not come over.
	Taken bool `json:"taken"`
}

// ReadAll reads files of any of the formats that belong together, as prometheus.yml,
// blackbox.yml and the files of targets that it names; their order does not matter. The
// targets have no ID, Owner and Made yet. Returns CodeInvalid for a file that is too large,
// that cannot be read, or that is none of the formats; the error names it.
func ReadAll(files []File) ([]target.Target, []Finding, error) {
	if len(files) > MaxFiles {
		return nil, nil, core.Invalid("watch.imports.too_many_files", nil).With("Most", MaxFiles)
	}
	all := make([]source, 0, len(files))
	for _, f := range files {
		s, err := open(f)
		if err != nil {
			return nil, nil, err
		}
		all = append(all, s)
	}
	r := &reader{seen: map[string]int{}, modules: map[string]*node{}}
	// Modules come first: jobs name them. Files of targets come last: jobs name these.
	for _, want := range [][]Format{{Blackbox}, {Gatus, Kuma, Prometheus}, {FileSD}} {
		for _, s := range all {
			if slices.Contains(want, s.format) {
				r.file = clean(path.Base(s.name), 80)
				r.source(s)
			}
		}
	}
	probeReader{r}.unread()
	return r.targets, r.findings, nil
}

// source is a file that was parsed.
type source struct {
	name   string
	format Format
	docs   []*node
}

func open(f File) (source, error) {
	name := clean(path.Base(f.Name), 80)
	if len(f.Text) > MaxBytes {
		return source{}, core.Invalid("watch.imports.too_big", nil).With("File", name).With("Most", core.Size(MaxBytes))
	}
	docs, err := parse(f.Text)
	if err != nil {
		line := 0
		if at, ok := errors.AsType[*lineError](err); ok {
			line = at.line
		}
		return source{}, core.Invalid("watch.imports.unreadable", err).With("File", name).With("Line", line)
	}
	for _, d := range docs {
		if format := detect(d); format != "" {
			return source{f.Name, format, docs}, nil
		}
	}
	return source{}, core.Invalid("watch.imports.unknown_format", nil).With("File", name)
}

// detect tells what a document is by its first names.
func detect(n *node) Format {
	switch {
	case n.get("scrape_configs") != nil:
		return Prometheus
	case n.get("monitorList") != nil:
		return Kuma
	case n.get("modules").isMap():
		return Blackbox
	case n.get("endpoints") != nil || n.get("external-endpoints") != nil || n.get("suites") != nil:
		return Gatus
	}
	items := n.items()
	if len(items) == 0 {
		return ""
	}
	first := items[0]
	switch {
	case n.isList() && first.get("targets") != nil:
		return FileSD
	case first.get("type") != nil && (first.get("interval") != nil || first.get("hostname") != nil || first.get("url") != nil):
		return Kuma
	}
	return ""
}

// reader gathers what the files give.
type reader struct {
	file     string
	targets  []target.Target
	findings []Finding
	seen     map[string]int // kind and address -> index in targets
	modules  map[string]*node
	waits    []waiting // jobs that read their targets from files
}

func (r *reader) source(s source) {
	for _, doc := range s.docs {
		switch s.format {
		case Gatus:
			gatusReader{r}.gatus(doc)
		case Kuma:
			kumaReader{r}.kuma(doc)
		case Prometheus:
			probeReader{r}.prometheus(doc)
		case Blackbox:
			probeReader{r}.blackbox(doc)
		case FileSD:
			probeReader{r}.fileSD(s.name, doc)
		}
	}
}

// say adds a finding about a line; pairs are names and values for its sentence.
func (r *reader) say(n *node, key string, pairs ...any) {
	if len(r.findings) > MaxFindings {
		return
	}
	f := Finding{File: r.file, Line: n.at(), Key: key}
	if len(r.findings) == MaxFindings {
		f.Key, pairs = "watch.imports.more", nil
	}
	if len(pairs) > 0 {
		f.Args = map[string]any{}
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		name, _ := pairs[i].(string)
		if text, ok := pairs[i+1].(string); ok {
			f.Args[name] = clean(text, 80)
			continue
		}
		f.Args[name] = pairs[i+1]
	}
	r.findings = append(r.findings, f)
}

// take adds a target that was read from a line.
func (r *reader) take(n *node, t target.Target) {
	if t.Service == "" {
		t.Service = clean(hostOf(t.Address), 80)
	}
	if t.Service == "" {
		t.Service = string(t.Kind)
	}
	t.Every = t.Every.Truncate(time.Second)
	whole := t
	whole.ID, whole.Owner = "0000000000000000", "import.test"
	if err := whole.Check(); err != nil {
		r.say(n, "watch.imports.no_address", "Service", t.Service)
		return
	}
	id := fmt.Sprintf("%s %s %+v", t.Kind, t.Address, t.Expect)
	if t.Kind == target.Ping {
		id = string(t.Kind) + " " + t.Service
	}
	if _, twice := r.seen[id]; twice {
		r.say(n, "watch.imports.twice", "Service", t.Service)
		return
	}
	if len(r.targets) == MaxTargets {
		r.say(n, "watch.imports.too_many", "Most", MaxTargets)
		return
	}
	r.seen[id] = len(r.targets)
	r.targets = append(r.targets, t)
	key := "watch.imports.taken"
	switch {
	case t.Kind == target.Ping:
		key = "watch.imports.taken_ping"
	case t.Local:
		key = "watch.imports.taken_local"
	}
	r.say(n, key, "Service", t.Service, "Kind", string(t.Kind), "Address", t.Address)
	if r.findings[len(r.findings)-1].Key == key {
		r.findings[len(r.findings)-1].Taken = true
	}
}

// clean makes one line of foreign text, of at most so many bytes.
func clean(text string, most int) string {
	text = strings.Map(func(c rune) rune {
		switch {
		case unicode.IsSpace(c):
			return ' '
		case !unicode.IsPrint(c):
			return -1
		}
		return c
	}, strings.ToValidUTF8(text, ""))
	text = strings.Join(strings.Fields(text), " ")
	if len(text) > most {
		cut := most - len("…")
		for !utf8.RuneStart(text[cut]) {
			cut--
		}
		text = strings.TrimSpace(text[:cut]) + "…"
	}
	return text
}
