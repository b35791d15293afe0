package statool_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"entrechat/internal/room/directory/statool"
)

// fixtures are files in the style of real ones: name -> bytes.
func fixtures(t testing.TB) map[string][]byte {
	t.Helper()
	paths, err := filepath.Glob("testdata/files/*.properties")
	if err != nil || len(paths) < 60 {
		t.Fatalf("%d fixtures, %v", len(paths), err)
	}
	files := map[string][]byte{}
	for _, p := range paths {
		data, err := os.ReadFile(p)
		if err != nil {
			t.Fatal(err)
		}
		files[strings.TrimSuffix(filepath.Base(p), ".properties")] = data
	}
	return files
}

func parse(t testing.TB, data []byte) *statool.Document {
	t.Helper()
	d, err := statool.Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func fixture(t testing.TB, name string) *statool.Document {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata/files", name+".properties"))
	if err != nil {
		t.Fatal(err)
	}
	return parse(t, data)
}

// TestNoByteIsLost: a file that nobody edits is the file that came, also after
// its view was written back.
func TestNoByteIsLost(t *testing.T) {
	for name, data := range fixtures(t) {
		d := parse(t, data)
		if !bytes.Equal(d.Bytes(), data) {
			t.Errorf("%s: bytes changed by parsing", name)
		}
		for class, put := range map[string]error{
			"federation":   statool.Put(d, statool.Read[statool.Federation](d)),
			"organization": statool.Put(d, statool.Read[statool.Organization](d)),
			"service":      statool.Put(d, statool.Read[statool.Service](d)),
		} {
			if put != nil {
				t.Errorf("%s: own view as %s: %v", name, class, put)
			}
		}
		if !bytes.Equal(d.Bytes(), data) {
			t.Errorf("%s: bytes changed by writing back its own view", name)
		}
	}
}

var update = flag.Bool("update", false, "write testdata/reports.txt anew")

// TestReports: what is said of each fixture, line by line.
func TestReports(t *testing.T) {
	var out strings.Builder
	files := fixtures(t)
	names := make([]string, 0, len(files))
	for name := range files {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		report := statool.Validate(parse(t, files[name]))
		fmt.Fprintf(&out, "%s: %s, ok=%t\n", name, report.Class, report.OK())
		for _, f := range report.Findings {
			key := strings.TrimPrefix(f.Key, "directory.statool.")
			if key == "wished" || key == "list_comma" && !strings.HasPrefix(name, "metrics") {
				continue // too many to read
			}
			fmt.Fprintf(&out, "  %d %s %s %q %s\n", f.Line, f.Severity, key, f.Field, arg(f.Args))
		}
	}
	const golden = "testdata/reports.txt"
	if *update {
		if err := os.WriteFile(golden, []byte(out.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(out.String(), "\n")); diff != "" {
		t.Errorf("reports changed (go test -update when meant):\n%s", diff)
	}
}

func arg(args map[string]any) string {
	for _, name := range []string{"Now", "Near", "Line", "Section", "First", "Server"} {
		if v, ok := args[name]; ok && v != "" {
			return fmt.Sprintf("%q", fmt.Sprint(v))
		}
	}
	return ""
}

func TestGet(t *testing.T) {
	for _, x := range []struct{ file, key, want string }{
		{"organization-plain", "Organization.NAME", "Chaton Aube"},
		{"cr-only", "service.name", "Pad de l'aube"},
		{"bom", "organization.name", "Chaton Aube"},
		{"bom-crlf", "file.class", "Service"},
		{"latin1", "organization.name", "Châtons Épris"},
		{"latin1-one-line", "organization.status.description", "Relâche d'été"},
		{"latin1-one-line", "file.generator", "Le cron du dimanche"},
		{"cp1252", "organization.status.description", "L’œil du chaton — 10 €"},
		{"unicode-escapes", "organization.status.description", "Fermé l’été, à bientôt 🐱"},
		{"unicode-escapes-broken", "organization.status.description", `Fermé l\u20ét\u, demi-paire � ici`},
		{"continuation", "service.description", "Etherpad, pour écrire ensemble."},
		{"continuation-crlf", "service.description", "Etherpad, pour écrire ensemble."},
		{"escaped-quotes", "organization.description", "Hébergeur associatif du quartier de l'aube."},
		{"newline-escapes", "organization.status.description", "Première ligne\nseconde ligne\n\ntroisième"},
		{"colon-separator", "host.name", "soupente"},
		{"keys-camel", "organization.startdate", "2018-03-01"},
		{"keys-british", "organization.country.code", "FR"},
		{"keys-old-2020", "organization.geolocation.address", "Nantes"},
		{"keys-typo-networks", "organization.funding.tipeee", "https://dons.test/tipee"},
		{"keys-duplicate", "organization.name", "Chaton Aube, encore"},
		{"hostile-expansion", "organization.status.description", "chez ${HOME} et ${organization.status.description} et $(id)"},
		{"dangling-backslash", "service.note", "fin"},
		{"trailing-spaces", "organization.type", "ASSOCIATION"},
	} {
		if got, _ := fixture(t, x.file).Get(x.key); got != x.want {
			t.Errorf("%s: %s is %q, want %q", x.file, x.key, got, x.want)
		}
	}
	if _, ok := fixture(t, "empty").Get("file.class"); ok {
		t.Error("the empty file has a class")
	}
}
