package catalogue

import (
	"regexp"
	"strings"

	"entrechat/internal/room/directory/statool"
)

// The forms of a town. Many small hosters have their machine at somebody's home:
// what might be closer than a town, or a person, is none of them.
var (
	// One word, hyphens allowed ("Nancy", "Saint-Étienne"), maybe with its article
	// ("Le Mans"): two free words could be somebody's name.
	townWord = regexp.MustCompile(`^(?:(?:Le|La|Les|Los|The|Den|Bad|Saint|Sankt) |L['’])?\p{Lu}[\p{L}'’-]{1,39}$`)
	// Behind a postal code stands a town, of as many words as it likes.
	afterCode = regexp.MustCompile(`^(?:.* )?(?:(?:[A-Z]{1,2}[- ])?[0-9]{5}|(?:B|CH|L)-[0-9]{4}) +(\p{Lu}[\p{L}'’ -]{1,39}?)(?: +(?i:cedex)(?: [0-9]{1,2})?)?$`)
	// What a town says of itself when it was asked for a town.
	townSaid = regexp.MustCompile(`^\p{L}[\p{L}'’ .-]{1,59}$`)
	// Words of streets, homes and people in front of a name.
	closer = regexp.MustCompile(`(?i)(?:^|[\s'’])(?:rue|avenue|av|boulevard|bd|chemin|impasse|place|allée|allees|allées|route|quai|lieu-?dit|hameau|résidence|residence|villa|chez|street|road|lane|square|m|mr|mme|mlle|dr)\.?(?:\s|$)`)
)

// TownOf is a town that somebody named as such; a text that looks like a street or
// like markup is none.
func TownOf(text string) string {
	text = line(text, MaxName)
	if !townSaid.MatchString(text) || closer.MatchString(text) {
		return ""
	}
	return text
}

// townIn finds the town in an address, which may hold a street or a name: only
// what cannot be anything else is taken.
func townIn(address string, country statool.Country) string {
	var parts []string
	for _, part := range strings.FieldsFunc(address, func(r rune) bool { return r == ',' || r == '\n' || r == ';' }) {
		part = line(part, MaxName)
		if part == "" || strings.EqualFold(part, country.Name) || strings.EqualFold(part, country.Code) || countries()[strings.ToLower(part)] != "" {
			continue
		}
		if m := afterCode.FindStringSubmatch(part); m != nil && !closer.MatchString(m[1]) {
			return m[1]
		}
		parts = append(parts, part)
	}
	if len(parts) == 1 && townWord.MatchString(parts[0]) && !closer.MatchString(parts[0]) {
		return parts[0]
	}
	return ""
}
