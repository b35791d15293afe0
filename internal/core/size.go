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

// ParseSize reads "200 GB", "1.5TB", "20Go", "512MiB" or a plain number of
// bytes; case does not matter. Returns CodeInvalid.
func ParseSize(s string) (Size, error) {
	text := strings.TrimSpace(s)
	factor := Size(1)
	for _, u := range units() {
		if len(text) > len(u.name) && strings.EqualFold(text[len(text)-len(u.name):], u.name) {
			factor, text = u.size, strings.TrimSpace(text[:len(text)-len(u.name)])
			break
		}
	}
	value, err := strconv.ParseFloat(strings.Replace(text, ",", ".", 1), 64)
	if err != nil || value < 0 || value*float64(factor) > math.MaxInt64/2 || math.IsNaN(value) {
		return 0, Invalid("core.bad_size", fmt.Errorf("%.40q is not a size", s))
	}
	return Size(math.Round(value * float64(factor))), nil
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

// MarshalText writes the String form where that is exact, plain bytes otherwise:
// no promise is ever rounded.
func (s Size) MarshalText() ([]byte, error) {
	if back, err := ParseSize(s.String()); err == nil && back == s {
		return []byte(s.String()), nil
	}
	return strconv.AppendInt(nil, int64(s), 10), nil
}

// UnmarshalText reads what ParseSize reads. Returns CodeInvalid.
func (s *Size) UnmarshalText(b []byte) error {
	parsed, err := ParseSize(string(b))
	*s = parsed
	return err
}
