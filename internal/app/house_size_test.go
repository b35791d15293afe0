package app

import (
	"flag"
	"fmt"
	"go/ast"
	"go/doc"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
)

// The size law beyond what the linters hold.
const (
	maxFolder  = 3000 // lines of one folder without its tests
	maxMethods = 30   // of one type
)

// folderSize: what is larger than one person reads in an afternoon is split into folders
// with names of the field.
func folderSize(_ *testing.T, h *tree) (complaints []string) {
	lines := map[string]int{}
	for _, f := range h.files {
		if !f.test {
			lines[f.dir()] += strings.Count(f.text, "\n")
		}
	}
	for _, dir := range slices.Sorted(maps.Keys(lines)) {
		if lines[dir] > maxFolder {
			complaints = append(complaints, fmt.Sprintf("%s: has %d lines without tests, more than %d", dir, lines[dir], maxFolder))
		}
	}
	return complaints
}

// fewMethods: a type with more methods than this is several.
func fewMethods(_ *testing.T, h *tree) (complaints []string) {
	count := map[string]int{}
	for _, f := range h.files {
		for _, d := range f.ast.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && !f.test && fn.Recv != nil {
				count[f.dir()+"."+receiver(fn)]++
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(count)) {
		if count[name] > maxMethods {
			complaints = append(complaints, fmt.Sprintf("%s: has %d methods, more than %d", name, count[name], maxMethods))
		}
	}
	return complaints
}

// receiver names the type of a method.
func receiver(fn *ast.FuncDecl) string {
	t := fn.Recv.List[0].Type
	if star, ok := t.(*ast.StarExpr); ok {
		t = star.X
	}
	if generic, ok := t.(*ast.IndexExpr); ok {
		t = generic.X
	}
	if id, ok := t.(*ast.Ident); ok {
		return id.Name
	}
	return ""
}

// dialect are words this house once had for ideas that have a name of their own
// elsewhere, and that name.
var dialect = map[string]string{
	"shelf": "local store or spool", "shelve": "store locally", "reseal": "re-encode", "cutter": "encoder",
	"bury": "delete", "buried": "deleted", "grave": "tombstone", "graves": "tombstones", "raise": "undelete",
	"beat": "interval", "hurry": "retry now", "weaken": "recompute", "heal": "repair", "widen": "add replicas",
	"heap": "summary", "heaps": "summaries", "stack": "summary", "stacks": "summaries", "desk": "view", "door": "authenticator",
	"face": "site", "mood": "severity", "sheet": "listing, file or stylesheet", "sheets": "listings, files or stylesheets",
}

// fieldWords: what Go declares, SQL creates and words are called by is called what the
// field calls it.
func fieldWords(t *testing.T, h *tree) (complaints []string) {
	bad := func(where, name string) {
		for _, part := range camelWords(name) {
			if better, ok := dialect[part]; ok {
				complaints = append(complaints, fmt.Sprintf("%s: %s: say %s instead of %s", where, name, better, part))
			}
		}
	}
	for _, f := range h.files {
		ast.Inspect(f.ast, func(n ast.Node) bool {
			for _, id := range declared(n) {
				bad(h.at(id), id.Name)
			}
			return true
		})
	}
	h.walk(t, ".toml", func(name, text string) {
		if path.Base(path.Dir(name)) != "words" {
			return
		}
		for _, m := range regexp.MustCompile(`(?m)^\["([^"]+)"\]`).FindAllStringSubmatch(text, -1) {
			if !strings.Contains(m[1], ".kind.") { // a value that others write
				bad(name, strings.ReplaceAll(m[1], ".", "_"))
			}
		}
	})
	return complaints
}

// declared are the names a node gives to types, functions, fields, constants and
// variables of a package.
func declared(n ast.Node) []*ast.Ident {
	switch n := n.(type) {
	case *ast.FuncDecl:
		return []*ast.Ident{n.Name}
	case *ast.TypeSpec:
		return []*ast.Ident{n.Name}
	case *ast.Field:
		return n.Names
	case *ast.ValueSpec:
		return n.Names
	}
	return nil
}

// camelWords splits sendTombstones and send_tombstones into their words, in lower case.
func camelWords(name string) []string {
	var out []string
	word := ""
	for i, r := range name {
		if r == '_' || (unicode.IsUpper(r) && i > 0 && !unicode.IsUpper(rune(name[i-1]))) {
			out, word = append(out, word), ""
		}
		if r != '_' {
			word += string(unicode.ToLower(r))
		}
	}
	return append(out, word)
}

var update = flag.Bool("update", false, "write the table of types in docs/words.md")

// typeRow is one line of the table of types in docs/words.md.
var typeRow = regexp.MustCompile("(?m)^\\| `([a-z0-9/]+\\.[A-Z]\\w*)` \\|.*\n")

// typesListed: every exported type has its row in docs/words.md, with what its comment
// says first, and no row speaks of a type that is gone.
func typesListed(t *testing.T, h *tree) (complaints []string) {
	const file = "docs/words.md"
	text, err := fs.ReadFile(h.fsys, file)
	if err != nil {
		t.Fatal(err)
	}
	rows := exportedTypes(h)
	var table strings.Builder
	for _, name := range slices.Sorted(maps.Keys(rows)) {
		row := fmt.Sprintf("| `%s` | %s |\n", name, rows[name])
		table.WriteString(row)
		if !strings.Contains(string(text), "\n"+row) {
			complaints = append(complaints, fmt.Sprintf("%s: has no row, or an old one, for %s: run go test ./internal/app -run TestHouse$ -update", file, name))
		}
	}
	for _, m := range typeRow.FindAllStringSubmatch(string(text), -1) {
		if _, ok := rows[m[1]]; !ok {
			complaints = append(complaints, fmt.Sprintf("%s: there is no type %s", file, m[1]))
		}
	}
	if _, err := fs.Stat(h.fsys, "go.mod"); *update && err == nil { // never what a broken tree would have
		head := strings.TrimRight(typeRow.ReplaceAllString(string(text), ""), "\n")
		if err := os.WriteFile("../../"+file, []byte(head+"\n"+table.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return complaints
}

// exportedTypes are those of rooms, kits and core, with the first sentence of their
// comments.
func exportedTypes(h *tree) map[string]string {
	rows := map[string]string{}
	for _, f := range h.files {
		dir, ours := strings.CutPrefix(f.dir(), "internal/")
		if f.test || !ours || strings.HasSuffix(dir, "test") {
			continue
		}
		for _, part := range []string{"room/", "kit/"} {
			dir = strings.TrimPrefix(dir, part)
		}
		for _, d := range f.ast.Decls {
			group, ok := d.(*ast.GenDecl)
			if !ok || group.Tok != token.TYPE {
				continue
			}
			for _, s := range group.Specs {
				if spec, ok := s.(*ast.TypeSpec); ok && spec.Name.IsExported() {
					said := spec.Doc.Text()
					if said == "" {
						said = group.Doc.Text()
					}
					rows[dir+"."+spec.Name.Name] = strings.ReplaceAll(new(doc.Package).Synopsis(said), "|", "\\|")
				}
			}
		}
	}
	return rows
}

// headingsMatch: a text that exists in both languages has the same headings in both, so
// that nobody reads half of it.
func headingsMatch(_ *testing.T, h *tree) (complaints []string) {
	pairs := map[string]string{"docs/limits.md": "docs/fr/limites.md", "docs/runbook/try.md": "docs/fr/essayer.md"}
	for _, english := range slices.Sorted(maps.Keys(pairs)) {
		french := pairs[english]
		var levels [2][]string
		for i, name := range []string{english, french} {
			text, err := fs.ReadFile(h.fsys, name)
			if err != nil {
				complaints = append(complaints, fmt.Sprintf("%s: is missing", name))
			}
			for _, m := range regexp.MustCompile(`(?m)^(#+) `).FindAllStringSubmatch(string(text), -1) {
				levels[i] = append(levels[i], m[1])
			}
		}
		if !slices.Equal(levels[0], levels[1]) {
			complaints = append(complaints, fmt.Sprintf("%s: has %d headings, %s has %d, or of other levels", english, len(levels[0]), french, len(levels[1])))
		}
	}
	return complaints
}
