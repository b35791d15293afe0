package web

// Field is one question of a form; pages show it with {{template "field" .Name}},
// which ties label, hint and input together for screen readers.
type Field struct {
	Name     string
	Label    string // words key
	Hint     string // words key; empty = none
	Value    string
	Kind     string // of <input>; empty = text
	Complete string // autocomplete, as HTML names it; empty = off
	Required bool
	Secret   bool     // nothing remembers, corrects or sends it to a speller, and Value is not shown again
	Rows     int      // above 0 it is a <textarea>
	Options  []Option // with any it is a <select>
}

// Option is one answer of a select.
type Option struct {
	Value, Text string
	Chosen      bool
}
