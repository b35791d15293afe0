package app

import (
	"fmt"
	"go/ast"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/pelletier/go-toml/v2"
)

// catalogue is one words/<lang>.toml: key -> plural form -> sentence.
type catalogue map[string]map[string]string

func catalogues(t *testing.T, h *tree) map[string]catalogue {
	t.Helper()
	all := map[string]catalogue{}
	h.walk(t, ".toml", func(name, text string) {
		if path.Base(path.Dir(name)) != "words" {
			return
		}
		var c catalogue
		if err := toml.Unmarshal([]byte(text), &c); err != nil {
			t.Errorf("%s: %v", name, err)
			return
		}
		all[name] = c
	})
	return all
}

var place = regexp.MustCompile(`{{-?\s*\.(\w+)[^}]*}}`)

// places are the {{.Names}} a sentence fills, over all its plural forms.
func places(forms map[string]string) []string {
	found := map[string]bool{}
	for _, sentence := range forms {
		for _, m := range place.FindAllStringSubmatch(sentence, -1) {
			found[m[1]] = true
		}
	}
	return slices.Sorted(maps.Keys(found))
}

// bothLanguages: French and English have the same keys, filled from the same
// places, and no key is written in two rooms.
func bothLanguages(t *testing.T, h *tree) (complaints []string) {
	all := catalogues(t, h)
	home := map[string]string{} // key -> folder
	for _, name := range slices.Sorted(maps.Keys(all)) {
		dir, lang := path.Dir(name), strings.TrimSuffix(path.Base(name), ".toml")
		partner := path.Join(dir, map[string]string{"fr": "en.toml", "en": "fr.toml"}[lang])
		other, ok := all[partner]
		if !ok {
			complaints = append(complaints, fmt.Sprintf("%s: has no partner %s", name, partner))
			continue
		}
		for _, key := range slices.Sorted(maps.Keys(all[name])) {
			forms := all[name][key]
			if strings.TrimSpace(forms["other"]) == "" {
				complaints = append(complaints, fmt.Sprintf("%s: %s: says nothing", name, key))
			}
			if _, ok := other[key]; !ok {
				complaints = append(complaints, fmt.Sprintf("%s: %s: missing in %s", name, key, partner))
			} else if lang == "fr" && forms["one"] != "" && strings.Contains(forms["other"], ".Count") && !strings.Contains(forms["one"], ".Count") {
				complaints = append(complaints, fmt.Sprintf("%s: %s: says one of none: French counts zero with one, write {{.Count}}", name, key))
			} else if here, there := places(forms), places(other[key]); !slices.Equal(here, there) {
				complaints = append(complaints, fmt.Sprintf("%s: %s: fills %v, its partner %v", name, key, here, there))
			}
			if first, taken := home[key]; !taken {
				home[key] = dir
			} else if first != dir {
				complaints = append(complaints, fmt.Sprintf("%s: %s: also in %s", name, key, first))
			}
		}
	}
	return complaints
}

// A key as code writes it, in whole.
var keyForm = regexp.MustCompile(`^[a-z]+(\.[a-z0-9_]+)+$`)

// The functions that take a key first: the makers of core.Error, and those that
// say a sentence.
var takesKey = regexp.MustCompile(`^(core\.(Invalid|NotFound|Denied|Conflict|Full|Unsure|Internal)|.*\.(T|Say|Note))$`)

// keysExist: every sentence that code or a page asks for by a literal key is
// written.
func keysExist(t *testing.T, h *tree) (complaints []string) {
	written := map[string]bool{}
	for _, c := range catalogues(t, h) {
		for key := range c {
			written[key] = true
		}
	}
	for _, f := range h.files {
		if f.test {
			continue
		}
		ast.Inspect(f.ast, func(n ast.Node) bool {
			for _, e := range keyPlaces(n) {
				if key, ok := text(e); ok && keyForm.MatchString(key) && !written[key] {
					complaints = append(complaints, fmt.Sprintf("%s: %q is in no catalogue", h.at(e), key))
				}
			}
			return true
		})
	}
	h.walk(t, ".html", func(name, text string) {
		for _, m := range pageKey.FindAllStringSubmatch(text, -1) {
			if !written[m[1]] {
				complaints = append(complaints, fmt.Sprintf("%s: %q is in no catalogue", name, m[1]))
			}
		}
	})
	return complaints
}

// A key as a page asks for it.
var pageKey = regexp.MustCompile(`\bt "([a-z]+\.[a-z0-9_.]*[a-z0-9])"`)

// keyPlaces are the expressions of a node where a key is expected.
func keyPlaces(n ast.Node) []ast.Expr {
	switch n := n.(type) {
	case *ast.CallExpr:
		left, name := selector(n.Fun)
		if len(n.Args) == 0 {
			return nil
		}
		if name == "Table" { // its head is keys
			if head, ok := n.Args[0].(*ast.CompositeLit); ok {
				return head.Elts
			}
		}
		if takesKey.MatchString(left + "." + name) {
			return n.Args[:1]
		}
	case *ast.KeyValueExpr:
		if id, ok := n.Key.(*ast.Ident); ok && (id.Name == "Key" || id.Name == "Label" || id.Name == "Hint") {
			return []ast.Expr{n.Value}
		}
	}
	return nil
}

// sentencesUsed: a sentence nobody asks for is a translator's time lost. A key
// counts as used where Go or a page has it, or its beginning up to "." or "_",
// in quotes.
func sentencesUsed(t *testing.T, h *tree) (complaints []string) {
	asked := map[string]bool{}
	quoted := regexp.MustCompile("[\"`]([a-z]+\\.[a-z0-9_.]*)[\"`]")
	collect := func(_, text string) {
		for _, m := range quoted.FindAllStringSubmatch(text, -1) {
			asked[m[1]] = true
		}
	}
	for _, f := range h.files {
		if !f.test {
			collect(f.path, f.text)
		}
	}
	h.walk(t, ".html", collect)
	all := catalogues(t, h)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		for _, key := range slices.Sorted(maps.Keys(all[name])) {
			if path.Base(name) == "fr.toml" && !beginsWithOne(asked, key) {
				complaints = append(complaints, fmt.Sprintf("%s: %s: nobody says it", name, key))
			}
		}
	}
	return complaints
}

// beginsWithOne says that the key, or its beginning up to a "." or "_", is asked.
func beginsWithOne(asked map[string]bool, key string) bool {
	if asked[key] {
		return true
	}
	for i, r := range key {
		if (r == '.' || r == '_') && asked[key[:i+1]] {
			return true
		}
	}
	return false
}
