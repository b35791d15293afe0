package app

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"strconv"
	"strings"
	"testing"
)

const goModule = "entrechat"

// tree is a checkout, read and parsed in this process: a test that asked
// `go list` once answered "ok (cached)" with the violation in place.
type tree struct {
	fsys  fs.FS
	set   *token.FileSet
	files []goFile
}

type goFile struct {
	path string // from the root, with slashes
	test bool
	text string
	ast  *ast.File
}

func (f goFile) dir() string { return path.Dir(f.path) }

// generated says that a tool wrote the file.
func (f goFile) generated() bool { return ast.IsGenerated(f.ast) }

func plant(t *testing.T, fsys fs.FS) *tree {
	t.Helper()
	house := &tree{fsys: fsys, set: token.NewFileSet()}
	house.walk(t, "", func(name, text string) {
		if !strings.HasSuffix(name, ".go") {
			return
		}
		parsed, err := parser.ParseFile(house.set, name, text, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		house.files = append(house.files, goFile{path: name, test: strings.HasSuffix(name, "_test.go"), text: text, ast: parsed})
	})
	if len(house.files) == 0 {
		t.Fatal("no Go file: the house tests look at nothing")
	}
	return house
}

// walk reads every file whose name ends in suffix, without hidden folders and
// testdata.
func (h *tree) walk(t *testing.T, suffix string, visit func(name, text string)) {
	t.Helper()
	err := fs.WalkDir(h.fsys, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		base := path.Base(name)
		if entry.IsDir() {
			if name != "." && (strings.HasPrefix(base, ".") || base == "testdata") {
				return fs.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(name, suffix) || !entry.Type().IsRegular() || !wanted(base) {
			return nil
		}
		text, err := fs.ReadFile(h.fsys, name)
		if err != nil {
			return err
		}
		visit(name, string(text))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// wanted keeps binaries and large artefacts of a build out of memory.
func wanted(base string) bool {
	for _, ending := range []string{".go", ".sql", ".toml", ".md", ".html", ".mod"} {
		if strings.HasSuffix(base, ending) {
			return true
		}
	}
	return false
}

// at is where something stands, for a complaint an editor can follow.
func (h *tree) at(n ast.Node) string {
	position := h.set.Position(n.Pos())
	return fmt.Sprintf("%s:%d", position.Filename, position.Line)
}

// text is a string literal's value; ok is false for any other expression.
func text(e ast.Expr) (value string, ok bool) {
	lit, isLit := e.(*ast.BasicLit)
	if !isLit || lit.Kind != token.STRING {
		return "", false
	}
	value, err := strconv.Unquote(lit.Value)
	return value, err == nil
}

// selector splits pkg.Name or value.Name.
func selector(e ast.Expr) (left, name string) {
	sel, ok := e.(*ast.SelectorExpr)
	if !ok {
		return "", ""
	}
	if id, ok := sel.X.(*ast.Ident); ok {
		left = id.Name
	}
	return left, sel.Sel.Name
}

// owner is the room or kit a path belongs to: "trust" for anything below
// internal/room/trust. Empty outside rooms and kits.
func owner(name string) string {
	parts := strings.Split(name, "/")
	if len(parts) > 3 && parts[0] == "internal" && (parts[1] == "room" || parts[1] == "kit") {
		return parts[2]
	}
	return ""
}

func below(name, dir string) bool { return name == dir || strings.HasPrefix(name, dir+"/") }
