package catalogue

import (
	"strings"

	"entrechat/internal/core"
)

// Joined lists members in a sentence.
func Joined(ids []core.MemberID) string {
	out := make([]string, 0, len(ids))
	for _, id := range ids {
		out = append(out, string(id))
	}
	return strings.Join(out, ", ")
}
