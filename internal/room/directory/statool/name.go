package statool

import (
	"regexp"
	"strings"
)

// Generator is what our files name as their maker.
const Generator = "entrechat"

var notPlain = regexp.MustCompile(`[^a-z0-9]+`)

// FileName makes a file's name of a word that a stranger chose.
func FileName(word string) string {
	name := strings.Trim(notPlain.ReplaceAllString(strings.ToLower(word), "-"), "-")
	if name == "" || name == "organization" {
		return "service"
	}
	return name[:min(len(name), 40)]
}
