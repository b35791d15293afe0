package app

import (
	"fmt"
	"go/ast"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// imports: cmd imports app; app imports everything below; a room imports core,
// kit and its own folders, never another room; kit imports kit and core; core
// imports only the standard library. What is for tests stays in tests.
func imports(_ *testing.T, h *tree) (complaints []string) {
	for _, f := range h.files {
		for _, spec := range f.ast.Imports {
			to, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				continue // the parser would have said so
			}
			if why := refusal(f, to); why != "" {
				complaints = append(complaints, fmt.Sprintf("%s: imports %s: %s", h.at(spec), to, why))
			}
		}
	}
	return complaints
}

// refusal says why a file may not import a package; empty when it may.
func refusal(f goFile, to string) string {
	inside, ours := strings.CutPrefix(to, goModule+"/")
	dir := f.dir()
	switch {
	case below(dir, "tools"), below(dir, "test"):
		return ""
	case below(dir, "cmd"):
		if ours && !below(inside, "internal/app") {
			return "cmd imports app and nothing else of the house"
		}
		return ""
	case below(dir, "internal"):
	default:
		return "there is no room for Go code here"
	}
	if below(inside, "internal/kit/dbtest") && !f.test && !below(dir, "internal/kit/dbtest") {
		return "dbtest is for tests"
	}
	if !ours {
		standard := !strings.Contains(strings.Split(to, "/")[0], ".")
		if below(dir, "internal/core") && !standard && !f.test {
			return "core imports only the standard library"
		}
		return ""
	}
	return houseRefusal(dir, inside)
}

func houseRefusal(dir, inside string) string {
	parts := strings.Split(dir, "/")
	switch {
	case below(dir, "internal/app"):
		return ""
	case below(dir, "internal/core"):
		if !below(inside, "internal/core") {
			return "core imports only the standard library"
		}
	case below(dir, "internal/kit"):
		if !below(inside, "internal/core") && !below(inside, "internal/kit") {
			return "kit imports kit and core"
		}
	case below(dir, "internal/room") && len(parts) > 2:
		if !below(inside, "internal/core") && !below(inside, "internal/kit") && !below(inside, path.Join(parts[:3]...)) {
			return "a room imports core, kit and its own folders; ask a neighbour through an interface in Needs"
		}
	default:
		return "internal has core, kit, room and app"
	}
	return ""
}

// packageDocs: every package says what it is for, and is not called after
// nothing in particular.
func packageDocs(_ *testing.T, h *tree) (complaints []string) {
	documented, seen := map[string]bool{}, []string{}
	for _, f := range h.files {
		if f.test {
			continue
		}
		if !slices.Contains(seen, f.dir()) {
			seen = append(seen, f.dir())
		}
		if f.ast.Doc != nil {
			documented[f.dir()] = true
		}
	}
	for _, dir := range seen {
		if !documented[dir] {
			complaints = append(complaints, dir+": the package has no doc comment")
		}
		if slices.Contains([]string{"util", "utils", "common", "helpers", "models", "manager", "misc"}, path.Base(dir)) {
			complaints = append(complaints, dir+": the name says nothing")
		}
	}
	return complaints
}

const maxLines = 500

// fileLength: nobody dares split a file that has grown too long.
func fileLength(_ *testing.T, h *tree) (complaints []string) {
	for _, f := range h.files {
		if lines := strings.Count(f.text, "\n"); lines > maxLines && !f.generated() {
			complaints = append(complaints, fmt.Sprintf("%s: %d lines, at most %d", f.path, lines, maxLines))
		}
	}
	return complaints
}

// clocks: rules take now as an argument, services ask Needs.Now. A call of the
// clock in core or in a room could not be tested on fake days.
func clocks(_ *testing.T, h *tree) (complaints []string) {
	for _, f := range h.files {
		if f.test || !below(f.dir(), "internal/core") && !below(f.dir(), "internal/room") {
			continue
		}
		ast.Inspect(f.ast, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			if left, name := selector(call.Fun); left == "time" && slices.Contains([]string{"Now", "Since", "Until"}, name) {
				complaints = append(complaints, fmt.Sprintf("%s: time.%s: take now from the caller or from Needs.Now", h.at(n), name))
			}
			return true
		})
	}
	return complaints
}

// skips: a test that skips itself because a tool is missing hides what it was
// written to show.
func skips(_ *testing.T, h *tree) (complaints []string) {
	for _, f := range h.files {
		if !f.test {
			continue
		}
		ast.Inspect(f.ast, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			left, name := selector(call.Fun)
			if slices.Contains([]string{"t", "tb", "b", "f"}, left) && slices.Contains([]string{"Skip", "Skipf", "SkipNow"}, name) {
				complaints = append(complaints, h.at(n)+": skips: fail and say what to install, or give it the long build tag")
			}
			return true
		})
	}
	return complaints
}
