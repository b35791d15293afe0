package web

// Severity says how well something is. It is a CSS class of "state", "note", "checks"
// and of every picture. The zero value is None.
type Severity string

// The severities, best first; None is for what cannot be judged.
const (
	Fine    Severity = "fine"
	Warn    Severity = "warn"
	Trouble Severity = "trouble"
	None    Severity = "none"
)

// class is the CSS class, whatever the value holds.
func (s Severity) class() string {
	switch s {
	case Fine, Warn, Trouble:
		return string(s)
	case None:
	}
	return string(None)
}
