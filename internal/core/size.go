package core

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Size is a number of bytes.
type Size int64

// Decimal units, as disks and hosters count.
const (
	KB Size = 1000
	MB Size = 1000 * KB
	GB Size = 1000 * MB
	TB Size = 1000 * GB
)

type unit struct {
	name string
	size Size
}

// units lists longer names first, so that "MiB" is not read as "B".
func units() []unit {
	return []unit{
		{"TiB", 1 << 40},
		{"GiB", 1 << 30},
		{"MiB", 1 << 20},
		{"KiB", 1 << 10},
		{"TB", TB},
		{"GB", GB},
		{"MB", MB},
		{"kB", KB},
		{"To", TB},
		{"Go", GB},
		{"Mo", MB},
		{"ko", KB},
		{"B", 1},
		{"o", 1},
	}
}

// KeyNoUnit is the words key of a quantity that lacks its unit; its arguments are
// Value, what was typed, and Example, the same with a unit.
const KeyNoUnit = "core.no_unit"

// NoUnit is the error for a bare number: "200" may mean bytes to a program and
// gigabytes to a person, so neither is guessed. unit completes the example. CodeInvalid.
func NoUnit(value, unit string) error {
	value = strings.TrimSpace(value)
	return Invalid(KeyNoUnit, fmt.Errorf("%.40q has no unit: write %.40s%s, for instance", value, value, unit)).
		With("Value", value).With("Example", value+unit)
}

// ParseSize reads "200 GB", "1.5TB", "20Go", "512MiB", "7 B"; case does not matter.
// A number without a unit is refused with KeyNoUnit, but for zero. Returns CodeInvalid.
func ParseSize(s string) (Size, error) {
	text, unit, hasUnit := strings.TrimSpace(s), Size(1), false
	for _, u := range units() {
		if len(text) > len(u.name) && strings.EqualFold(text[len(text)-len(u.name):], u.name) {
			text, unit, hasUnit = strings.TrimSpace(text[:len(text)-len(u.name)]), u.size, true
			break
		}
	}
	value, err := strconv.ParseFloat(strings.Replace(text, ",", ".", 1), 64)
	if err != nil || value < 0 || value*float64(unit) > math.MaxInt64/2 || math.IsNaN(value) {
		return 0, Invalid("core.bad_size", fmt.Errorf("%.40q is not a size", s))
	}
	if !hasUnit && value > 0 {
		return 0, NoUnit(s, "GB")
	}
	return Size(math.Round(value * float64(unit))), nil
}

// String is the size in the largest decimal unit that keeps it at or above one.
func (s Size) String() string {
	for _, u := range []unit{{"TB", TB}, {"GB", GB}, {"MB", MB}, {"kB", KB}} {
		if s >= u.size {
			return strconv.FormatFloat(math.Round(float64(s)/float64(u.size)*10)/10, 'f', -1, 64) + " " + u.name
		}
	}
	return strconv.FormatInt(int64(s), 10) + " B"
}

// MarshalText writes the String form where that is exact, bytes otherwise: no
// promise is ever rounded.
func (s Size) MarshalText() ([]byte, error) {
	if back, err := ParseSize(s.String()); err == nil && back == s {
		return []byte(s.String()), nil
	}
	return append(strconv.AppendInt(nil, int64(s), 10), " B"...), nil
}

// UnmarshalText reads what ParseSize reads, and a bare number of bytes from one
// megabyte up: so MarshalText wrote what was not round before it wrote units.
// Returns CodeInvalid.
func (s *Size) UnmarshalText(b []byte) error {
	if n, err := strconv.ParseInt(string(b), 10, 64); err == nil && n >= int64(MB) && n <= math.MaxInt64/2 {
		*s = Size(n)
		return nil
	}
	parsed, err := ParseSize(string(b))
	*s = parsed
	return err
}
