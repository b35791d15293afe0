package look

import (
	"encoding/json"
	"strconv"
	"strings"
)

// inStatus says whether a status is among "200", "2xx" and "200-299". What is none of
// these matches nothing.
func inStatus(list []string, status int) bool {
	for _, s := range list {
		if low, high, ok := StatusRange(s); ok && low <= status && status <= high {
			return true
		}
	}
	return false
}

// StatusRange reads "200", "2xx" or "200-299"; ok is false for anything else.
func StatusRange(s string) (low, high int, ok bool) {
	if class, found := strings.CutSuffix(s, "xx"); found {
		n, ok := digits(class, 1)
		return 100 * n, 100*n + 99, ok && n >= 1 && n <= 5
	}
	from, to, found := strings.Cut(s, "-")
	if !found {
		to = from
	}
	low, one := digits(from, 3)
	high, other := digits(to, 3)
	return low, high, one && other && low >= 100 && low <= high
}

// digits reads a number of exactly so many digits.
func digits(s string, count int) (int, bool) {
	n, err := strconv.ParseUint(s, 10, 16)
	return int(n), err == nil && len(s) == count
}

// At is what stands at a JSON pointer (RFC 6901) in a document that encoding/json read, as
// text: a string as it is, anything else as JSON. ok is false where there is nothing.
func At(doc any, pointer string) (text string, ok bool) {
	if pointer != "" && !strings.HasPrefix(pointer, "/") {
		return "", false
	}
	if pointer != "" {
		for part := range strings.SplitSeq(pointer[1:], "/") {
			if doc, ok = step(doc, unescape(part)); !ok {
				return "", false
			}
		}
	}
	if s, is := doc.(string); is {
		return s, true
	}
	b, err := json.Marshal(doc)
	return string(b), err == nil
}

func unescape(part string) string {
	return strings.ReplaceAll(strings.ReplaceAll(part, "~1", "/"), "~0", "~")
}

// step goes one member or element down.
func step(doc any, name string) (any, bool) {
	switch at := doc.(type) {
	case map[string]any:
		v, ok := at[name]
		return v, ok
	case []any:
		i, err := strconv.ParseUint(name, 10, 31)
		if err != nil || i >= uint64(len(at)) || strconv.FormatUint(i, 10) != name {
			return nil, false
		}
		return at[i], true
	}
	return nil, false
}
