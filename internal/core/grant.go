package core

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
)

// GrantKind names one thing a member can promise another ("store"). Which kinds there are
// is said by the rooms that use them, each with a GrantType.
type GrantKind string

// Grant is one promise with its quantities, whose names and units its GrantType says. In
// JSON they stand beside the kind: {"kind":"store","bytes":200000000000}.
type Grant struct {
	Kind    GrantKind
	Amounts map[string]int64    // zero is left out
	Names   map[string][]string // empty is left out
}

// Amount is a quantity; zero where the grant has none of that name.
func (g Grant) Amount(field string) int64 { return g.Amounts[field] }

// Fields names everything the grant says, sorted.
func (g Grant) Fields() []string {
	return slices.Sorted(func(yield func(string) bool) {
		for name, n := range g.Amounts {
			if n != 0 && !yield(name) {
				return
			}
		}
		for name, list := range g.Names {
			if len(list) > 0 && !yield(name) {
				return
			}
		}
	})
}

// MarshalJSON writes the kind and the fields in one object.
func (g Grant) MarshalJSON() ([]byte, error) {
	flat := map[string]any{}
	for _, name := range g.Fields() {
		if n := g.Amounts[name]; n != 0 {
			flat[name] = n
		} else {
			flat[name] = g.Names[name]
		}
	}
	fields, err := json.Marshal(flat)
	if err != nil {
		return nil, err
	}
	kind, err := json.Marshal(g.Kind)
	if err != nil {
		return nil, err
	}
	if len(flat) == 0 {
		return fmt.Appendf(nil, `{"kind":%s}`, kind), nil
	}
	return fmt.Appendf(nil, `{"kind":%s,%s`, kind, fields[1:]), nil
}

// UnmarshalJSON reads whole numbers and lists of names; anything else is refused. Whether
// the fields belong to the kind is its GrantType's to say.
func (g *Grant) UnmarshalJSON(text []byte) error {
	var flat map[string]json.RawMessage
	if err := json.Unmarshal(text, &flat); err != nil {
		return err
	}
	*g = Grant{}
	for name, value := range flat {
		var err error
		switch {
		case name == "kind":
			err = json.Unmarshal(value, &g.Kind)
		case len(value) > 0 && value[0] == '[':
			var list []string
			if err = json.Unmarshal(value, &list); len(list) > 0 {
				g.Names = with(g.Names, name, list)
			}
		default:
			var n *int64
			if err = json.Unmarshal(value, &n); err == nil && n == nil {
				err = errors.New("null")
			}
			if err == nil && *n != 0 {
				g.Amounts = with(g.Amounts, name, *n)
			}
		}
		if err != nil {
			return fmt.Errorf("grant: %.40q: %w", name, err)
		}
	}
	return nil
}

func with[V any](m map[string]V, name string, value V) map[string]V {
	if m == nil {
		m = map[string]V{}
	}
	m[name] = value
	return m
}

// Unit is what a field of a grant counts.
type Unit string

// The units.
const (
	UnitBytes   Unit = "bytes"
	UnitRate    Unit = "rate"    // bits a second
	UnitSeconds Unit = "seconds" // between two of something: less is more
	UnitNames   Unit = "names"   // sorted, none twice; none at all = every one there is
)

// GrantField is one quantity of a kind of grant.
type GrantField struct {
	Name string // in JSON ("bytes")
	Unit Unit
	// Least and Most bound an amount, or the count of names. Zero as Least makes the field
	// optional: left out, there is no limit.
	Least, Most int64
	// Place is the {{.Place}} of the sentences the quantity fills ("Size").
	Place string
	// Suffix is added to the key of the sentence where the field has a value ("_rate").
	Suffix string
}

// GrantType is a kind of grant as the room that uses it defines it. The first field is the
// quantity people mean when they name the kind.
type GrantType struct {
	Kind   GrantKind
	Fields []GrantField
	// Words begins the keys of what is said of it ("vault.grant.store."): "says" with the
	// fields' suffixes is the promise, "flag" what its flag is for, "data" the data it
	// touches; "give", "give_hint", "ask" and "ask_hint" stand in the form of a pact.
	Words string
	// Light promises may stand in a collective's charter; the others need a pact of two.
	Light bool
	// Fetchable: when the promise ends, the other side has something to fetch back.
	Fetchable bool
	// InForm promises have their place in the form of a pact; the others are for the
	// command line.
	InForm bool
	// Usual is what the form proposes for both directions ("200GB"); empty = nothing.
	Usual string
}

// Field answers the field of a name.
func (t GrantType) Field(name string) (f GrantField, ok bool) {
	i := slices.IndexFunc(t.Fields, func(f GrantField) bool { return f.Name == name })
	if i < 0 {
		return f, false
	}
	return t.Fields[i], true
}

// Allowance is trust's answer to "may this member do this, now, with how much?".
type Allowance struct {
	// Grant is the promise in force, the largest where several are.
	Grant Grant
	// ReadOnly: the pact ended or the member is suspended; it may only fetch
	// its own data back, until Until.
	ReadOnly bool
	// Until is when the allowance ends; zero while no end is known.
	Until Moment
}

// Leaver is a member that promised us something once and gives us nothing new now.
type Leaver struct {
	ID MemberID
	// Until is when the notice of its last pact is, or was, over; zero = the pact stands,
	// and the member is suspended or refused.
	Until Moment
}

// Lender is a member that granted us something, with the failure domain it says
// it stands in. Two lenders with an equal Site, or an equal Admin, count as one.
type Lender struct {
	ID    MemberID
	Grant Grant
	Site  string // place or network (AS) of its disks; empty = only itself
	Admin string // who administers it; empty = only itself
	// Heard is when its logbook was last heard; zero = never.
	Heard Moment
}
