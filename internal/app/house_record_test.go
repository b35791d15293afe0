package app

import (
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"strings"
	"testing"
)

const trackRecord = "docs/track-record.md"

var (
	ranPackage = regexp.MustCompile(`\./[\w/]+`)
	ranTests   = regexp.MustCompile(`-run '?([^' ]+)'?`)
	testFunc   = regexp.MustCompile(`(?m)^func (Test\w*)`)
)

// recordsRun: each command of the track record runs a test for every name it gives: go
// itself answers "ok" to one that no test has.
func recordsRun(t *testing.T, h *tree) (complaints []string) {
	h.walk(t, ".md", func(name, text string) {
		if name != trackRecord {
			return
		}
		for i, line := range strings.Split(text, "\n") {
			for _, span := range codeSpan.FindAllStringSubmatch(line, -1) {
				for command := range strings.SplitSeq(strings.ReplaceAll(span[1], `\|`, "|"), ";") {
					if why := h.runsNothing(command); why != "" {
						complaints = append(complaints, fmt.Sprintf("%s:%d: no test is called %s", name, i+1, why))
					}
				}
			}
		}
	})
	return complaints
}

// runsNothing answers a name in a command that no test has; empty when all have one.
func (h *tree) runsNothing(command string) string {
	pattern := ranTests.FindStringSubmatch(command)
	if pattern == nil || !strings.Contains(command, "go test ") {
		return ""
	}
	first, second, _ := strings.Cut(pattern[1], "/")
	for _, dir := range ranPackage.FindAllString(command, -1) {
		dir = path.Clean(dir)
		for one := range strings.SplitSeq(strings.Trim(first, "()"), "|") {
			if !h.hasTest(dir, one) {
				return one + " in " + dir
			}
		}
		for one := range strings.SplitSeq(strings.NewReplacer("(", "", ")", "", "$", "").Replace(second), "|") {
			if stories, _ := fs.Glob(h.fsys, dir+"/testdata/*"+one+"*.txtar"); strings.HasSuffix(dir, "/script") && len(stories) == 0 {
				return one + " in " + dir
			}
		}
	}
	return ""
}

func (h *tree) hasTest(dir, pattern string) bool {
	name, err := regexp.Compile(pattern)
	for _, f := range h.files {
		if err != nil || !f.test || f.dir() != dir {
			continue
		}
		for _, m := range testFunc.FindAllStringSubmatch(f.text, -1) {
			if name.MatchString(m[1]) {
				return true
			}
		}
	}
	return false
}
