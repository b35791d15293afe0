package generic_test

import (
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"entrechat/internal/core"
	"entrechat/internal/kit/dbtest"
	"entrechat/internal/room/succession/recipe"
	"entrechat/internal/room/succession/recipe/generic"
	"entrechat/internal/room/succession/recipe/recipetest"
)

// world is a program with files, a setting and two databases, here and beyond ssh.
type world struct {
	t        *testing.T
	from, to string // folders
	old, new *url.URL
	sshd     *recipetest.SSHD
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func newWorld(t *testing.T) *world {
	t.Helper()
	parse := func(text string) *url.URL {
		u, err := url.Parse(text)
		ok(t, err)
		return u
	}
	w := &world{t, t.TempDir(), t.TempDir(), parse(dbtest.PostgresURL(t)), parse(dbtest.PostgresURL(t)), recipetest.NewSSHD(t)}
	for n := range 40 {
		w.put(fmt.Sprintf("data/d%d/f %d", n%5, n), strings.Repeat(fmt.Sprint(n), 400))
	}
	w.put("etc/app.conf", "color = blue\n")
	w.psql(w.old, `CREATE TYPE mood AS ENUM ('good', 'bad'); CREATE TABLE "odd | name" (id bigserial PRIMARY KEY, t text, m mood, at timestamptz DEFAULT now());
		INSERT INTO "odd | name" (t, m) SELECT repeat('ä' || i, 20), 'good' FROM generate_series(1, 300) i; CREATE SCHEMA more; CREATE TABLE more.x (a double precision); INSERT INTO more.x VALUES (0.1), ('NaN');
		CREATE VIEW v AS SELECT * FROM more.x; CREATE FUNCTION f(int) RETURNS int LANGUAGE sql AS 'SELECT $1'; CREATE TABLE none (a int);`)
	w.sqlite(filepath.Join(w.from, "app.db"), `PRAGMA journal_mode=WAL; PRAGMA user_version=7; CREATE TABLE "a'b" (x); CREATE TABLE "c""d" (y); INSERT INTO "a'b" VALUES (1), ('two'), (NULL), (x'00ff');`)
	return w
}

func (w *world) put(name, text string) {
	w.t.Helper()
	path := filepath.Join(w.from, name)
	ok(w.t, os.MkdirAll(filepath.Dir(path), 0o700))
	ok(w.t, os.WriteFile(path, []byte(text), 0o600))
}

func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", name, err, out)
	}
	return string(out)
}

func (w *world) psql(at *url.URL, sql string) string {
	w.t.Helper()
	return run(w.t, "psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-h", at.Query().Get("host"), "-U", at.Query().Get("user"), "-d", strings.TrimPrefix(at.Path, "/"), "-c", sql)
}

func (w *world) sqlite(file, sql string) string {
	w.t.Helper()
	return run(w.t, "sqlite3", file, sql)
}

func place(name string, p recipe.Place) string {
	if p.Host == "" {
		return "[" + name + "]\n"
	}
	return fmt.Sprintf("[%s]\nhost = %q\nport = %d\nkey = %q\noptions = [%q, %q, %q]\n", name, p.Host, p.Port, p.Key, p.Options[0], p.Options[1], p.Options[2])
}

func server(at *url.URL) string {
	return fmt.Sprintf("database = %q\nhost = %q\nuser = %q\n", strings.TrimPrefix(at.Path, "/"), at.Query().Get("host"), at.Query().Get("user"))
}

// settings are what a person writes for it.
func (w *world) settings() string {
	frozen := filepath.Join(w.from, "frozen")
	return fmt.Sprintf("freeze = ['touch', %q]\nthaw = ['rm', '-f', %q]\nlogin = ['test', '-f', %q]\n", frozen, frozen, w.to+"/etc/app.conf") +
		place("from", recipe.Place{}) + place("to", w.sshd.Place) +
		fmt.Sprintf("[[folder]]\nname = 'files'\nfrom = '%[1]s/data'\nto = '%[2]s/data'\n[[file]]\nname = 'settings'\nfrom = '%[1]s/etc/app.conf'\nto = '%[2]s/etc/app.conf'\n", w.from, w.to) +
		"[[database]]\nname = 'app'\nkind = 'postgresql'\n[database.from]\n" + server(w.old) + "[database.to]\n" + server(w.new) +
		fmt.Sprintf("[[database]]\nname = 'small'\nkind = 'sqlite'\n[database.from]\nfile = '%s/app.db'\n[database.to]\nfile = '%s/app.db'\n", w.from, w.to)
}

// state tells a side: files without SQLite's own, and what the databases hold.
func (w *world) state(dir string, at *url.URL) string {
	w.t.Helper()
	var out strings.Builder
	out.WriteString(run(w.t, "sh", "-c", `cd "$1" && find . -type f ! -name 'app.db*' -exec sha256sum {} + | sort`, "sh", dir))
	if _, err := os.Stat(filepath.Join(dir, "app.db")); err == nil {
		out.WriteString(w.sqlite(filepath.Join(dir, "app.db"), `PRAGMA user_version; SELECT quote(x) FROM "a'b"`))
	}
	left, err := filepath.Glob(filepath.Join(dir, "app.db.*"))
	ok(w.t, err)
	fmt.Fprintln(&out, left)
	tables := w.psql(at, `SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace; SELECT nspname FROM pg_namespace WHERE nspname = 'more'; SELECT count(*) FROM pg_type WHERE typname = 'mood'; SELECT count(*) FROM pg_proc WHERE proname = 'f'`)
	out.WriteString(tables)
	if strings.Contains(tables, "more") {
		out.WriteString(w.psql(at, `SELECT md5(string_agg(t::text, '' ORDER BY id)) FROM "odd | name" t; SELECT a FROM more.x ORDER BY 1`))
	}
	return out.String()
}

func (w *world) contract() recipetest.World {
	return recipetest.World{
		Recipe: generic.Recipe{}, Settings: []byte(w.settings()),
		Source: func(*testing.T) string { return w.state(w.from, w.old) },
		Target: func(*testing.T) string { return w.state(w.to, w.new) },
		Plant: func(t *testing.T) {
			w.psql(w.new, `DELETE FROM "odd | name"`)
			w.sqlite(filepath.Join(w.to, "app.db"), `DELETE FROM "a'b"`)
			run(t, "find", w.to+"/data", "-type", "f", "-delete")
		},
	}
}

func TestContract(t *testing.T) {
	recipetest.Contract(t, func(t *testing.T) recipetest.World { return newWorld(t).contract() })
}

// counted are the counts that are not equal after a whole move.
func counted(t *testing.T, settings string) (all, wrong []recipe.Count) {
	t.Helper()
	m, err := generic.Recipe{}.Read([]byte(settings))
	ok(t, err)
	w := recipe.Work{Dir: t.TempDir(), Say: func(int64, int64) {}}
	for _, s := range m.Steps() {
		if err := s.Do(t.Context(), w); err != nil {
			t.Fatalf("%s: %v", s.Name, err)
		}
	}
	all, err = m.Count(t.Context(), "")
	ok(t, err)
	for _, c := range all {
		if !c.Equal() {
			wrong = append(wrong, c)
		}
	}
	return all, wrong
}

// Each part alone, planted as imported with nothing in it, is seen.
func TestEachPartIsCounted(t *testing.T) {
	w := newWorld(t)
	all, wrong := counted(t, w.settings())
	if len(wrong) > 0 || len(all) < 9 {
		t.Fatalf("%+v", all)
	}
	for name, spoil := range map[string]func(){
		"one file":      func() { ok(t, os.Truncate(w.to+"/data/d1/f 6", 3)) },
		"the setting":   func() { ok(t, os.WriteFile(w.to+"/etc/app.conf", []byte("color = bluE\n"), 0o600)) },
		"one row":       func() { w.psql(w.new, `UPDATE "odd | name" SET t = 'x' WHERE id = 7`) },
		"another table": func() { w.psql(w.new, `CREATE TABLE extra (a int)`) },
		"an empty one":  func() { w.psql(w.new, `DROP TABLE none`) },
		"a row there":   func() { w.sqlite(w.to+"/app.db", `UPDATE "a'b" SET x = 3 WHERE x = 1`) },
	} {
		spoil()
		m, err := generic.Recipe{}.Read([]byte(w.settings()))
		ok(t, err)
		counts, err := m.Count(t.Context(), "")
		ok(t, err)
		bad := 0
		for _, c := range counts {
			if !c.Equal() {
				bad++
			}
		}
		if bad == 0 {
			t.Errorf("%s: all equal", name)
		}
		for _, s := range m.Steps() {
			if s.Phase == recipe.Last {
				dir := t.TempDir()
				ok(t, os.WriteFile(filepath.Join(dir, "ours"), nil, 0o600))
				ok(t, s.Do(t.Context(), recipe.Work{Dir: dir, Say: func(int64, int64) {}}))
			}
		}
	}
}

// The same from a folder that a backup was restored into, PostgreSQL from its dump.
func TestFromASnapshot(t *testing.T) {
	w := newWorld(t)
	dump := run(t, "pg_dump", "-h", w.old.Query().Get("host"), "-U", "entrechat", "-d", strings.TrimPrefix(w.old.Path, "/"))
	w.put("dump.sql", dump)
	text := strings.ReplaceAll(w.settings(), "[from]\n", "[from]\nsnapshot = '"+w.from+"'\n")
	text = strings.ReplaceAll(text, "from = '"+w.from, "from = '/srv/..")
	text = strings.ReplaceAll(text, "[database.from]\n"+server(w.old), "[database.from]\ndump = '/srv/dump.sql'\n")
	text = strings.ReplaceAll(text, "file = '"+w.from+"/app.db'", "file = '/srv/app.db'")
	ok(t, os.Mkdir(filepath.Join(w.from, "srv"), 0o700))
	for _, name := range []string{"data", "etc", "dump.sql", "app.db"} {
		ok(t, os.Rename(filepath.Join(w.from, name), filepath.Join(w.from, "srv", name)))
	}
	text = strings.ReplaceAll(text, "'/srv/..", "'/srv")
	before := run(t, "sh", "-c", `cd "$1" && find . | sort; find . -type f -exec sha256sum {} + | sort`, "sh", w.from)
	all, wrong := counted(t, text)
	if len(wrong) > 0 || len(all) < 9 {
		t.Fatalf("%+v", all)
	}
	for _, c := range all {
		if c.What == "rows" && strings.Contains(c.Of, "odd") && c.From != 300 {
			t.Errorf("%+v", c)
		}
	}
	if got := w.psql(w.new, `SELECT count(*) FROM "odd | name"`); strings.TrimSpace(got) != "300" {
		t.Errorf("%s rows", got)
	}
	if after := run(t, "sh", "-c", `cd "$1" && find . | sort; find . -type f -exec sha256sum {} + | sort`, "sh", w.from); after != before {
		t.Errorf("the snapshot changed:\n%s\n%s", before, after)
	}
	// Half a dump changes nothing.
	ok(t, os.WriteFile(filepath.Join(w.from, "srv", "dump.sql"), []byte(dump[:len(dump)-200]), 0o600))
	m, err := generic.Recipe{}.Read([]byte(text))
	ok(t, err)
	dir := t.TempDir()
	ok(t, os.WriteFile(filepath.Join(dir, "ours"), nil, 0o600))
	if err := m.Steps()[1].Do(t.Context(), recipe.Work{Dir: dir, Say: func(int64, int64) {}}); core.CodeOf(err) != core.CodeUnsure {
		t.Errorf("half a dump: %v", err)
	}
	if got := w.psql(w.new, `SELECT count(*) FROM "odd | name"`); strings.TrimSpace(got) != "300" {
		t.Errorf("%s rows after half a dump", got)
	}
}

// TestAHostileDump: psql runs no program for a dump, and nothing of it stays.
func TestAHostileDump(t *testing.T) {
	w := newWorld(t)
	came := filepath.Join(t.TempDir(), "came")
	for _, before := range []string{"", "\\restrict k\n\\unrestrict k\n"} {
		w.put("srv/dump.sql", before+"CREATE TABLE public.a (b int);\n\\! touch "+came+"\n-- PostgreSQL database dump complete\n")
		m, err := generic.Recipe{}.Read([]byte("recipe = 'generic'\nfreeze = []\nthaw = []\n[from]\nsnapshot = '" + w.from + "'\n[[database]]\nname = 'a'\nkind = 'postgresql'\nfrom.dump = '/srv/dump.sql'\n[database.to]\n" + server(w.new)))
		ok(t, err)
		dir := t.TempDir()
		ok(t, os.WriteFile(filepath.Join(dir, "ours"), nil, 0o600))
		if err := m.Steps()[1].Do(t.Context(), recipe.Work{Dir: dir, Say: func(int64, int64) {}}); core.CodeOf(err) != core.CodeUnsure {
			t.Errorf("it was read: %v", err)
		}
		if _, err := os.Stat(came); err == nil {
			t.Fatal("a program ran")
		}
		if got := w.psql(w.new, `SELECT count(*) FROM pg_tables WHERE schemaname = 'public'`); strings.TrimSpace(got) != "0" {
			t.Errorf("%s tables stay", got)
		}
	}
}

// What others have at the target is not touched, and nothing is undone that was not brought.
func TestATakenTargetIsLeft(t *testing.T) {
	w := newWorld(t)
	ok(t, os.MkdirAll(w.to+"/data", 0o700))
	ok(t, os.WriteFile(w.to+"/data/theirs", []byte("x"), 0o600))
	m, err := generic.Recipe{}.Read([]byte(w.settings()))
	ok(t, err)
	work := recipe.Work{Dir: t.TempDir(), Say: func(int64, int64) {}}
	for _, s := range m.Steps()[:2] {
		if err := s.Do(t.Context(), work); core.CodeOf(err) != core.CodeConflict {
			t.Errorf("%s: %v", s.Name, err)
		}
	}
	ok(t, m.Steps()[1].Undo(t.Context(), work))
	if _, err := os.Stat(w.to + "/data/theirs"); err != nil {
		t.Error(err)
	}
}

func TestSettings(t *testing.T) {
	if _, err := (generic.Recipe{}).Read([]byte(generic.Recipe{}.About().Settings)); err != nil {
		t.Errorf("the example: %v", err)
	}
	folder := "[[folder]]\nname = 'a'\nfrom = '/srv/a'\nto = '/srv/b'\n"
	for _, bad := range []string{
		"", folder + "more = 1", folder + folder, "freeze = ['x']\n" + folder, "[[folder]]\nname = 'a'\nfrom = '/srv/a'\nto = '/etc'\n",
		"[[folder]]\nname = 'A b'\nfrom = '/srv/a'\nto = '/srv/b'\n", "[[folder]]\nname = 'a'\nfrom = 'a'\nto = '/srv/b'\n",
		"[[database]]\nname = 'a'\nkind = 'oracle'\n", "[[database]]\nname = 'a'\nkind = 'sqlite'\nfrom.file = '/srv/a'\nto.file = \"/srv/a'b\"\n",
		"[[database]]\nname = 'a'\nkind = 'mariadb'\nfrom.dump = '/srv/a'\nto.database = 'a'\n", "[[database]]\nname = 'a'\nkind = 'postgresql'\nfrom.database = 'a'\n",
	} {
		if _, err := (generic.Recipe{}).Read([]byte(bad)); core.CodeOf(err) != core.CodeInvalid {
			t.Errorf("%q: %v", bad, err)
		}
	}
}
