package duty

import (
	"slices"
	"strings"

	"entrechat/internal/core"
)

// Pact is one that is in force, with what both said they cannot do when they signed it.
type Pact struct {
	ID     string
	Member core.MemberID
	Since  core.Moment
	Ours   string
	Theirs string
}

// missing are the lines we say today that the other did not have before it when it signed.
// Fewer limits than then need no review.
func (p Pact) missing(today []string) (lines []string) {
	signed := strings.Split(fold(p.Ours), "\n")
	for _, line := range today {
		if !slices.Contains(signed, fold(line)) {
			lines = append(lines, line)
		}
	}
	return lines
}

// fold evens out spaces and case; lines stay.
func fold(text string) string {
	lines := strings.Split(strings.ToLower(text), "\n")
	for i, l := range lines {
		lines[i] = strings.Join(strings.Fields(l), " ")
	}
	return strings.Join(lines, "\n")
}

// Standing is how it stands with the limits in one pact.
type Standing struct {
	Pact
	Read core.Moment // when one of us said we read theirs; 0 = nobody did, or they said nothing
	// Missing is what we say today that does not stand in the pact.
	Missing []string
}

// Well says whether there is nothing to do: theirs are read, and ours are those of today.
func (s Standing) Well() bool {
	return (s.Theirs == "" || s.Read != 0) && len(s.Missing) == 0
}
