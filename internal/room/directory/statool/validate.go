package statool

import (
	"regexp"
	"slices"
	"strings"
)

// Validate says everything there is to say about a document, by line. A nil
// error of Parse and an OK report is a file that a strict reader takes.
// spec: docs/spec/statoolinfos.md#what-the-validator-says
func Validate(d *Document) Report {
	v := &validator{doc: d}
	v.class()
	v.fields = Fields(v.report.Class)
	v.lines()
	for _, key := range d.Keys() {
		v.entry(key)
	}
	v.needs()
	v.together()
	v.subs()
	v.report.sort()
	return v.report
}

var subName = regexp.MustCompile(`^subs\.[a-z0-9_-]+$`)

type validator struct {
	doc    *Document
	fields []Field
	report Report
}

// say adds a finding about a key of the document.
func (v *validator) say(s Severity, key, sentence string, args map[string]any) {
	if args == nil {
		args = map[string]any{}
	}
	args["Field"] = shown(key)
	v.report.add(Finding{Line: v.doc.Line(key), Severity: s, Field: key, Key: sentence, Args: args})
}

// Class is what a document describes: what file.class says, else what its
// sections show.
func (d *Document) Class() Class {
	said, _ := d.Get("file.class")
	c := Class(strings.ToLower(unquote(said)))
	if c == "organisation" {
		c = ClassOrganization
	}
	switch c {
	case ClassFederation, ClassOrganization, ClassService, ClassMetrics, ClassDevice:
		return c
	case ClassNone:
	}
	sections := map[string]bool{}
	for _, key := range d.Keys() {
		section, _, _ := strings.Cut(modern(key), ".")
		sections[section] = true
	}
	for _, c := range []Class{ClassService, ClassOrganization, ClassFederation, ClassMetrics} {
		if sections[string(c)] {
			return c
		}
	}
	return ClassNone
}

func (v *validator) class() {
	v.report.Class = v.doc.Class()
	switch v.report.Class {
	case ClassDevice:
		v.say(Note, "file.class", "directory.statool.device", nil)
	case ClassNone:
		v.say(Error, "file.class", "directory.statool.no_class", nil)
	case ClassFederation, ClassOrganization, ClassService, ClassMetrics:
	}
}

// lines are the remarks on how the file is written.
func (v *validator) lines() {
	if v.doc.bom != "" {
		v.report.add(Finding{Line: 1, Severity: Note, Key: "directory.statool.bom"})
	}
	foreign, first := 0, 0
	for i := range v.doc.lines {
		l := &v.doc.lines[i]
		if l.flaws.latin1 {
			if foreign++; first == 0 {
				first = l.at
			}
		}
		if l.kind == entry {
			v.flaws(i, l)
		}
	}
	if foreign > 0 {
		v.report.add(Finding{Line: first, Severity: Warning, Key: "directory.statool.latin1", Args: map[string]any{"Count": foreign}})
	}
}

func (v *validator) flaws(i int, l *line) {
	say := func(s Severity, sentence string, other int) {
		v.report.add(Finding{Line: l.at, Severity: s, Field: l.folded, Key: sentence, Args: map[string]any{"Field": shown(l.key), "Line": other}})
	}
	if l.flaws.escape {
		say(Warning, "directory.statool.bad_escape", 0)
	}
	if l.flaws.dangling {
		say(Warning, "directory.statool.dangling", 0)
	}
	if l.flaws.separator {
		say(Error, "directory.statool.no_equals", 0)
	}
	if strings.Contains(l.value, "${") {
		say(Note, "directory.statool.not_expanded", 0)
	}
	if last := v.doc.index[l.folded]; last != i {
		say(Warning, "directory.statool.duplicate", v.doc.lines[last].at)
	}
}

// entry checks one key and its value.
func (v *validator) entry(key string) {
	now := modern(key)
	l := &v.doc.lines[v.doc.index[key]]
	switch {
	case now != key:
		v.say(Warning, key, "directory.statool.old_key", map[string]any{"Now": now})
		if v.doc.find(now) != v.doc.index[key] {
			return // the key of today is there too, and counts
		}
	case l.key != key && !strings.HasPrefix(key, "subs."):
		v.say(Note, key, "directory.statool.key_case", map[string]any{"Now": shown(key)})
	}
	section, _, _ := strings.Cut(now, ".")
	sections := v.report.Class.sections()
	switch field, known := fieldOf(v.fields, now); {
	case known:
		v.value(field, key, l.value)
	case section == "entrechat":
		// Our own section; who does not know it passes it over.
	case sections == nil && section != "file":
		// A class we know nothing about.
	case section == "subs" && slices.Contains(sections, section):
		if !subName.MatchString(now) {
			v.say(Warning, key, "directory.statool.sub_name", nil)
		}
		v.value(Field{Path: now, Type: TypeURL}, key, l.value)
	case section == "metrics" && slices.Contains(sections, section):
		v.metric(key, l.value)
	case !slices.Contains(sections, section) && section != "file":
		v.say(Warning, key, "directory.statool.foreign_section", map[string]any{"Section": shown(section)})
	default:
		v.unknown(key, now)
	}
}

func (v *validator) unknown(key, now string) {
	if near := nearest(v.fields, now); near != "" {
		v.say(Warning, key, "directory.statool.unknown_near", map[string]any{"Near": near})
		return
	}
	v.say(Note, key, "directory.statool.unknown", nil)
}

// value checks one value against its field.
func (v *validator) value(f Field, key, raw string) {
	r := f.read(raw)
	if r.remark == "" {
		v.precise(f, key, r.text)
		return
	}
	severity, args := Warning, map[string]any{"Value": shown(strings.TrimSpace(raw)), "Now": shown(r.text)}
	switch {
	case r.remark == "directory.statool.bad_choice":
		args["Values"] = strings.Join(f.Values, ", ")
		severity = Error
		if f.Recalled {
			severity = Warning
		}
	case r.text == "":
		severity = Error
	case r.remark == "directory.statool.url_http", r.remark == "directory.statool.list_comma", r.remark == "directory.statool.value_case":
		severity = Note
	}
	v.say(severity, key, r.remark, args)
	v.precise(f, key, r.text)
}

// needs names the fields that are missing, those of open sets for each name that
// the file has.
func (v *validator) needs() {
	for _, f := range v.fields {
		if f.Need == Optional {
			continue
		}
		for _, path := range v.expand(f.Path) {
			if value, _ := v.doc.Get(path); value != "" {
				continue
			}
			switch {
			case f.Need == Wished:
				v.say(Note, path, "directory.statool.wished", nil)
			case f.Recalled:
				v.say(Warning, path, "directory.statool.missing", nil)
			default:
				v.say(Error, path, "directory.statool.missing", nil)
			}
		}
	}
}

// expand is the path, with every name in the document for its "*".
func (v *validator) expand(path string) []string {
	before, after, open := strings.Cut(path, "*")
	if !open {
		return []string{path}
	}
	var paths []string
	for _, key := range v.doc.Keys() {
		rest, ok := strings.CutPrefix(modern(key), before)
		name, _, deeper := strings.Cut(rest, ".")
		if one := before + name + after; ok && deeper && name != "" && !slices.Contains(paths, one) && len(paths) < maxFindings {
			paths = append(paths, one)
		}
	}
	return paths
}
