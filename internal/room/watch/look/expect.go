package look

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"entrechat/internal/room/watch/target"
)

// inStatus says whether a status is among "200", "2xx" and "200-299". What is none of
// these matches nothing.
func inStatus(list []string, status int) bool {
	return slices.ContainsFunc(list, func(text string) bool {
		s, err := target.ParseStatus(text)
		return err == nil && s.Holds(status)
	})
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
	var b strings.Builder
	w := json.NewEncoder(&b)
	w.SetEscapeHTML(false)
	err := w.Encode(doc)
	return strings.TrimSuffix(b.String(), "\n"), err == nil
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
