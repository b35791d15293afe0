package statool

import (
	"cmp"
	"slices"
)

// Severity is how much a finding matters.
type Severity string

// The severities. Only an error makes a file wrong.
const (
	Error   Severity = "error"   // a source says this may not be
	Warning Severity = "warning" // read, but others may read it otherwise or not at all
	Note    Severity = "note"    // could be better
)

// Finding is one remark. Key and Args are a sentence of the room's words; every
// text in Args is short and without control characters, but may be a stranger's
// and is escaped by whoever shows it.
type Finding struct {
	Line     int // 1-based; 0 for what concerns the whole file
	Severity Severity
	Field    string // key of the document, lower case; empty for none
	Key      string
	Args     map[string]any
}

// maxFindings keeps a report readable, and a hostile file from filling memory.
const maxFindings = 200

// Report is everything to say about a document, by line.
type Report struct {
	Class    Class
	Findings []Finding
	More     int // findings beyond those kept
	errors   int
}

// OK says that nothing is wrong: there may be warnings.
func (r Report) OK() bool { return r.errors == 0 }

// Count is how many findings of a severity were kept.
func (r Report) Count(s Severity) int {
	n := 0
	for _, f := range r.Findings {
		if f.Severity == s {
			n++
		}
	}
	return n
}

// add keeps a finding; errors are always counted and push out lesser ones.
func (r *Report) add(f Finding) {
	if f.Severity == Error {
		r.errors++
	}
	if len(r.Findings) < maxFindings {
		r.Findings = append(r.Findings, f)
		return
	}
	r.More++
	if f.Severity != Error {
		return
	}
	if i := slices.IndexFunc(r.Findings, func(f Finding) bool { return f.Severity != Error }); i >= 0 {
		r.Findings[i] = f
	}
}

func (r *Report) sort() {
	slices.SortStableFunc(r.Findings, func(a, b Finding) int { return cmp.Compare(a.Line, b.Line) })
}
