package imports

import (
	"errors"
	"strings"

	"entrechat/internal/core"
)

// htpasswd reads Apache's file: NAME:HASH, one a line.
func (r *reader) htpasswd(text []byte) error {
	number := 0
	for line := range strings.Lines(string(text)) {
		number++
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		uid, rest, ok := strings.Cut(line, ":")
		if !ok || len(line) > maxValue {
			return core.Invalid("identity.imports.bad_line", errors.New("not NAME:HASH")).With("Line", number)
		}
		hash, _, _ := strings.Cut(rest, ":") // some tools add columns
		if strings.HasPrefix(rest, "{") {
			hash = rest
		}
		if err := r.add(Record{Line: number, UID: uid, Hash: hash}); err != nil {
			return err
		}
	}
	return nil
}
