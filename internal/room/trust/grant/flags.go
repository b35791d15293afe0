package grant

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"entrechat/internal/core"
	"entrechat/internal/kit/words"
)

// Flags are the quantities of one direction of a pact: a flag for each kind, which takes
// its first field, and one for each further field ("rate"), which holds for all kinds that
// have it. "--store 200GB" means both ways, "--give-store" what we promise, "--ask-store"
// what we want.
type Flags struct {
	types  Types
	prefix string
	typed  map[string]*string // by the flag's name without prefix
	chosen map[core.GrantKind]*bool
}

// NewFlags has nothing typed yet. prefix is "", "give-" or "ask-".
func NewFlags(types Types, prefix string) Flags {
	f := Flags{types: types, prefix: prefix, typed: map[string]*string{}, chosen: map[core.GrantKind]*bool{}}
	for _, t := range types {
		if len(t.Fields) == 0 {
			f.chosen[t.Kind] = new(bool)
			continue
		}
		f.typed[string(t.Kind)] = new(string)
		for _, field := range t.Fields[1:] {
			f.typed[string(field.Unit)] = new(string)
		}
	}
	return f
}

// Set types a value, as a form does.
func (f Flags) Set(kind core.GrantKind, value string) {
	if typed, ok := f.typed[string(kind)]; ok {
		*typed = value
	}
}

// Register adds the flags to a command; p says what they are for.
func (f Flags) Register(flags *pflag.FlagSet, p *words.Printer) {
	f.register(flags, p, f.types, cmp.Or(strings.TrimSuffix(f.prefix, "-"), "both"))
}

// RegisterLight adds those of the promises that a charter may carry, without a direction.
func (f Flags) RegisterLight(flags *pflag.FlagSet, p *words.Printer) {
	light := slices.DeleteFunc(slices.Clone(f.types), func(t core.GrantType) bool { return !t.Light })
	f.register(flags, p, light, "")
}

func (f Flags) register(flags *pflag.FlagSet, p *words.Printer, types Types, way string) {
	about := func(key string) string {
		if way == "" {
			return p.T(key, nil)
		}
		return p.T(key, nil) + p.T("trust.flag.way_"+way, nil)
	}
	for _, t := range types {
		if len(t.Fields) == 0 {
			flags.BoolVar(f.chosen[t.Kind], f.prefix+string(t.Kind), false, about(t.Words+"flag"))
			continue
		}
		flags.StringVar(f.typed[string(t.Kind)], f.prefix+string(t.Kind), "", about(t.Words+"flag"))
		for _, field := range t.Fields[1:] {
			if name := f.prefix + string(field.Unit); flags.Lookup(name) == nil {
				flags.StringVar(f.typed[string(field.Unit)], name, "", about("trust.flag."+string(field.Unit)))
			}
		}
	}
}

// Over takes from the flags of both directions what this one leaves open.
func (f Flags) Over(both Flags) Flags {
	out := NewFlags(f.types, f.prefix)
	for name, typed := range f.typed {
		*out.typed[name] = cmp.Or(*typed, *both.typed[name])
	}
	for kind, chosen := range f.chosen {
		*out.chosen[kind] = *chosen || *both.chosen[kind]
	}
	return out
}

// Grants reads the flags. Returns CodeInvalid naming the flag.
func (f Flags) Grants() (out []core.Grant, err error) {
	for _, t := range f.types {
		if len(t.Fields) == 0 {
			if *f.chosen[t.Kind] {
				out = append(out, core.Grant{Kind: t.Kind})
			}
			continue
		}
		if *f.typed[string(t.Kind)] == "" {
			continue
		}
		g := core.Grant{Kind: t.Kind}
		for i, field := range t.Fields {
			flag := string(t.Kind)
			if i > 0 {
				flag = string(field.Unit)
			}
			if err := f.read(&g, field, flag); err != nil {
				return nil, err
			}
		}
		out = append(out, g)
	}
	return out, nil
}

// read sets a field of a grant to what was typed for a flag.
func (f Flags) read(g *core.Grant, field core.GrantField, flag string) error {
	text := *f.typed[flag]
	if text == "" {
		return nil
	}
	if field.Unit == core.UnitNames {
		if names := parseNames(text); len(names) > 0 {
			g.Names = map[string][]string{field.Name: names}
		}
		return nil
	}
	n, err := parseAmount(field.Unit, text)
	if err != nil || n < 1 {
		return BadQuantity(f.prefix+flag, text, err)
	}
	if g.Amounts == nil {
		g.Amounts = map[string]int64{}
	}
	g.Amounts[field.Name] = n
	return nil
}

func parseAmount(unit core.Unit, text string) (int64, error) {
	switch unit {
	case core.UnitBytes:
		size, err := core.ParseSize(text)
		return int64(size), err
	case core.UnitRate:
		return parseRate(text)
	case core.UnitSeconds:
		return parseEvery(text)
	case core.UnitNames:
	}
	return 0, fmt.Errorf("%s is no amount", unit)
}

// BadQuantity is the error for a flag whose value is no quantity, with what reading it said, if
// anything. CodeInvalid; a number without its unit stays what core.NoUnit says.
func BadQuantity(flag, value string, err error) error {
	if e, ok := errors.AsType[*core.Error](err); ok && e.Key == core.KeyNoUnit {
		return err // says what was typed and what to write
	}
	if err == nil {
		err = fmt.Errorf("--%s %.40q", flag, value)
	}
	return core.Invalid("trust.bad_quantity", err).With("Flag", flag).With("Value", value)
}

var bareNumber = regexp.MustCompile(`^[0-9]+(?:[.,][0-9]+)?$`)

var rateForm = regexp.MustCompile(`^([0-9]+(?:[.,][0-9]+)?) ?([kMG]?)(?:bits?|b)?(?:/s|ps)?$`)

// parseRate reads "20Mbit", "1,5 Mbit/s", "20M": bits per second.
func parseRate(s string) (int64, error) {
	if bareNumber.MatchString(strings.TrimSpace(s)) {
		return 0, core.NoUnit(s, "Mbit")
	}
	m := rateForm.FindStringSubmatch(strings.TrimSpace(s))
	if m == nil {
		return 0, fmt.Errorf("%.40q is not a rate", s)
	}
	n, err := strconv.ParseFloat(strings.Replace(m[1], ",", ".", 1), 64)
	n *= map[string]float64{"": 1, "k": 1e3, "M": 1e6, "G": 1e9}[m[2]]
	if err != nil || n < 1 || n > MaxAmount {
		return 0, fmt.Errorf("%.40q is not a rate", s)
	}
	return int64(math.Round(n)), nil
}

// parseEvery reads "60s", "5m": whole seconds.
func parseEvery(s string) (int64, error) {
	if bareNumber.MatchString(strings.TrimSpace(s)) {
		return 0, core.NoUnit(s, "s")
	}
	d, err := time.ParseDuration(strings.TrimSpace(s))
	if err != nil {
		return 0, err
	}
	if d%time.Second != 0 {
		return 0, fmt.Errorf("%s is not in whole seconds", d)
	}
	return int64(d / time.Second), nil
}

// parseNames reads "pad,cloud"; "all" is every one.
func parseNames(s string) []string {
	if s == "all" {
		return nil
	}
	list := strings.FieldsFunc(strings.ToLower(s), func(r rune) bool { return r == ',' || r == ' ' })
	slices.Sort(list)
	return slices.Compact(list)
}
