package rooms

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

// checkout copies what the program is built of, and runs go in the copy. The copy shares
// the build cache, so only what differs is compiled.
type checkout struct {
	t   *testing.T
	dir string
}

func newCheckout(t *testing.T) checkout {
	t.Helper()
	c := checkout{t, t.TempDir()}
	for _, name := range []string{"cmd", "internal"} {
		if err := os.CopyFS(filepath.Join(c.dir, name), os.DirFS(filepath.Join("../..", name))); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"go.mod", "go.sum"} {
		text, err := os.ReadFile(filepath.Join("../..", name))
		if err != nil {
			t.Fatal(err)
		}
		c.write(name, text)
	}
	return c
}

func (c checkout) write(name string, text []byte) {
	c.t.Helper()
	path := filepath.Join(c.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		c.t.Fatal(err)
	}
	if err := os.WriteFile(path, text, 0o644); err != nil {
		c.t.Fatal(err)
	}
}

// run runs a program in the copy and answers what it printed.
func (c checkout) run(name string, args ...string) string {
	c.t.Helper()
	cmd := exec.CommandContext(c.t.Context(), name, args...)
	cmd.Dir = c.dir
	cmd.Env = append(os.Environ(), "GOFLAGS=-trimpath -buildvcs=false", "CGO_ENABLED=0", "LANG=C", "ENTRECHAT_DATA="+filepath.Join(c.dir, "data"))
	out, err := cmd.CombinedOutput()
	if err != nil {
		c.t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

// TestARoomIsOneFolderAndOneFile adds the example room, and uses it.
func TestARoomIsOneFolderAndOneFile(t *testing.T) {
	t.Parallel()
	c := newCheckout(t)
	example, err := txtar.ParseFile("testdata/example.txtar")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range example.Files {
		c.write(f.Name, f.Data)
	}
	list, err := os.ReadFile("../../internal/app/rooms.go")
	if err != nil {
		t.Fatal(err)
	}
	c.write("internal/app/rooms.go", []byte(strings.Replace(string(list), "\treturn []module{\n", "\treturn []module{\n\t\texampleModule(),\n", 1)))
	c.run("go", "build", "-o", "entrechat", "./cmd/entrechat")
	program := filepath.Join(c.dir, "entrechat")
	for _, said := range []string{"# The example room.", "[example]", "# Whom it greets.", "name = 'Ana'"} {
		if out := c.run(program, "config", "example", "--lang", "en"); !strings.Contains(out, said) {
			t.Errorf("the configuration lacks %q:\n%s", said, out)
		}
	}
	c.run(program, "init", "--origin", "chaton-a.test")
	c.run(program, "example", "greet")
	if out := c.run(program, "example", "greet", "--lang", "fr"); !strings.Contains(out, "Bonjour Ana, 2 fois") {
		t.Errorf("said %q", out)
	}
	c.run("go", "test", "-run", "TestHouse$/^(imports|package_docs|both_languages|keys_exist|sentences_used|own_tables|one_migration)$", "./internal/app")
}

// TestEveryRoomCanBeTakenOut removes one room after the other, as rooms.go says it: the
// house still builds, and what is left of its tests compiles.
func TestEveryRoomCanBeTakenOut(t *testing.T) {
	t.Parallel()
	all, err := os.ReadDir("../../internal/room")
	if err != nil || len(all) < 3 {
		t.Fatal(all, err)
	}
	for _, room := range all {
		t.Run(room.Name(), func(t *testing.T) {
			t.Parallel()
			c := newCheckout(t)
			if err := os.RemoveAll(filepath.Join(c.dir, "internal/room", room.Name())); err != nil {
				t.Fatal(err)
			}
			app := filepath.Join(c.dir, "internal/app")
			var removed []string
			for _, pattern := range []string{"room_" + room.Name() + "*.go", "bridge_*" + room.Name() + "*.go"} {
				files, err := filepath.Glob(filepath.Join(app, pattern))
				if err != nil {
					t.Fatal(err)
				}
				for _, f := range files {
					removed = append(removed, functions(t, f)...)
					if err := os.Remove(f); err != nil {
						t.Fatal(err)
					}
				}
			}
			c.write("internal/app/rooms.go", without(t, removed))
			c.run("go", "build", "./...")
			c.run("go", "vet", "./internal/app")
			c.run("go", "test", "-run", "TestConfig|TestHouse$/^(imports|package_docs|both_languages|own_tables|one_migration)$", "./internal/app")
		})
	}
}

// functions names what a file declares.
func functions(t *testing.T, path string) (names []string) {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range f.Decls {
		if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil {
			names = append(names, fn.Name.Name)
		}
	}
	return names
}

// without is rooms.go without the lines that name one of the functions.
func without(t *testing.T, functions []string) []byte {
	t.Helper()
	text, err := os.ReadFile("../../internal/app/rooms.go")
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	dropped := 0
lines:
	for line := range strings.Lines(string(text)) {
		for _, name := range functions {
			if strings.Contains(line, "\t"+name) {
				dropped++
				continue lines
			}
		}
		fmt.Fprint(&out, line)
	}
	if dropped == 0 {
		t.Fatal("rooms.go names nothing of the room")
	}
	return []byte(out.String())
}
