package nextcloud

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"entrechat/internal/core"
	"entrechat/internal/room/succession/recipe"
	"entrechat/internal/room/succession/recipe/recipetest"
)

// world is two folders that testdata/occ.py takes for Nextclouds.
type world struct{ old, new string }

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

const event = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nUID:%d\r\nSUMMARY:Réunion\r\nBEGIN:VALARM\r\nUID:alarm\r\nEND:VALARM\r\nEND:VEVENT\r\nBEGIN:VTODO\r\nUID:todo\r\nEND:VTODO\r\nEND:VCALENDAR\r\n"

func newWorld(t *testing.T) world {
	t.Helper()
	w := world{t.TempDir(), t.TempDir()}
	write(t, filepath.Join(w.old, "people.json"), `{"ana": {"enabled": true}, "zoe@asso": {"enabled": false}}`)
	write(t, filepath.Join(w.new, "people.json"), `{"admin": {"enabled": true}}`)
	for i := range 20 {
		write(t, filepath.Join(w.old, "data/ana/files/Été", fmt.Sprintf("note %d.md", i)), strings.Repeat("é", i))
	}
	write(t, filepath.Join(w.old, "data/ana/files_versions/note.md.v1700000000"), "before")
	write(t, filepath.Join(w.old, "data/ana/files_trashbin/files/old.md.d1700000000"), "gone")
	write(t, filepath.Join(w.old, "dav/ana/calendars/personal.ics"), fmt.Sprintf(event, 1))
	write(t, filepath.Join(w.old, "dav/ana/address_books/contacts.vcf"), "BEGIN:VCARD\nUID:a\nFN:Bob\nEND:VCARD\nBEGIN:VCARD\nFN:Léa\nEND:VCARD\n")
	write(t, filepath.Join(w.old, "data/zoe@asso/files/a.txt"), "a")
	return w
}

func (w world) settings(t *testing.T, more string) []byte {
	t.Helper()
	program, err := filepath.Abs("testdata/occ.py")
	if err != nil {
		t.Fatal(err)
	}
	text := more
	for key, dir := range map[string]string{"old": w.old, "new": w.new} {
		text += fmt.Sprintf("[%s]\nocc = [\"python3\", \"-IS\", %q, %q]\ndata = %q\narchives = %q\nowner = \"root\"\n", key, program, dir, filepath.Join(dir, "data"), filepath.Join(dir, "archives"))
	}
	return []byte(text)
}

func (w world) move(t *testing.T, more string) *move {
	t.Helper()
	m, err := Recipe{}.Read(w.settings(t, more))
	if err != nil {
		t.Fatal(err)
	}
	return m.(*move)
}

// state tells people and files of one side.
func state(t *testing.T, dir string) string {
	t.Helper()
	tree, err := recipe.CountTree(t.Context(), recipe.Local{Called: "here"}, dir)
	if err != nil {
		t.Fatal(err)
	}
	people, err := os.ReadFile(filepath.Join(dir, "people.json"))
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%s\n%d files, %d bytes", people, tree.Files, tree.Bytes)
}

func TestContract(t *testing.T) {
	t.Parallel()
	recipetest.Contract(t, func(t *testing.T) recipetest.World {
		t.Helper()
		w := newWorld(t)
		return recipetest.World{
			Recipe: Recipe{}, Breaks: 1, Settings: w.settings(t, "people = [\"ana\"]\n"),
			Source: func(t *testing.T) string { t.Helper(); return state(t, w.old) }, Target: func(t *testing.T) string { t.Helper(); return state(t, w.new) },
			Plant: func(t *testing.T) {
				t.Helper()
				if err := errors.Join(os.RemoveAll(filepath.Join(w.new, "data/ana")), os.RemoveAll(filepath.Join(w.new, "dav/ana"))); err != nil {
					t.Fatal(err)
				}
			},
		}
	})
}

// TestSuccessWithNothing: an import that says "Successfully imported" and brought nothing is seen.
func TestSuccessWithNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	write(t, filepath.Join(w.new, "nothing"), "")
	m := w.move(t, "")
	work := recipe.Work{Unit: "ana", Dir: t.TempDir(), Say: func(int64, int64) {}}
	if err := m.copy(t.Context(), work); err != nil {
		t.Fatal(err)
	}
	counts, err := m.Count(t.Context(), "ana")
	if err != nil {
		t.Fatal(err)
	}
	different := map[string]bool{}
	for _, c := range counts {
		if !c.Equal() {
			different[c.What] = true
		}
	}
	for _, what := range []string{"files", "bytes", "calendars", "events", "address_books", "cards"} {
		if !different[what] {
			t.Errorf("%s counts as equal: %+v", what, counts)
		}
	}
}

// TestTwoPeople: who was shut out before stays so, and who is moved alone leaves the other alone.
func TestTwoPeople(t *testing.T) {
	t.Parallel()
	w, dir := newWorld(t), t.TempDir()
	m := w.move(t, "")
	before := state(t, w.old)
	units, err := m.Units(t.Context())
	if err != nil || len(units) != 2 {
		t.Fatalf("%v %v", units, err)
	}
	each := func(do func(recipe.Step) func(unit string) error) {
		t.Helper()
		for _, s := range m.Steps() {
			for _, unit := range units {
				if !s.Each && unit != units[0] {
					continue
				}
				if err := do(s)(unit); err != nil {
					t.Fatalf("%s %s: %v", s.Name, unit, err)
				}
			}
		}
	}
	work := func(unit string) recipe.Work { return recipe.Work{Unit: unit, Dir: dir, Say: func(int64, int64) {}} }
	each(func(s recipe.Step) func(string) error {
		return func(unit string) error { return s.Do(t.Context(), work(unit)) }
	})
	for _, unit := range units {
		counts, err := m.Count(t.Context(), unit)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range counts {
			if !c.Equal() {
				t.Errorf("%s: %+v", unit, c)
			}
		}
	}
	each(func(s recipe.Step) func(string) error {
		return func(unit string) error {
			if s.Undo == nil {
				return nil
			}
			return s.Undo(t.Context(), work(unit))
		}
	})
	if after := state(t, w.old); after != before {
		t.Errorf("the old one: %s, then %s", before, after)
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		file, text string
		code       core.Code
	}{
		"versions":       {"version", "32.0.0.1", core.CodeDenied},
		"no app":         {"no_app", "", core.CodeDenied},
		"maintenance":    {"maintenance", "", core.CodeDenied},
		"encrypted":      {"encrypted", "", core.CodeDenied},
		"object storage": {"object_storage", "", core.CodeDenied},
	} {
		w := newWorld(t)
		write(t, filepath.Join(w.new, c.file), c.text)
		if err := w.move(t, "").look(t.Context(), recipe.Work{Dir: t.TempDir()}); core.CodeOf(err) != c.code {
			t.Errorf("%s: %v", name, err)
		}
	}
	w := newWorld(t)
	write(t, filepath.Join(w.new, "people.json"), `{"ana": {"enabled": true}}`)
	before := state(t, w.new)
	work := recipe.Work{Unit: "ana", Dir: t.TempDir(), Say: func(int64, int64) {}}
	if err := w.move(t, "").copy(t.Context(), work); core.CodeOf(err) != core.CodeConflict || state(t, w.new) != before {
		t.Errorf("somebody has the name: %v", err)
	}
	if _, err := w.move(t, "people = [\"bob\"]\n").Units(t.Context()); core.CodeOf(err) != core.CodeNotFound {
		t.Errorf("nobody of that name: %v", err)
	}
}

func TestSettings(t *testing.T) {
	t.Parallel()
	if _, err := (Recipe{}).Read([]byte(example)); err != nil {
		t.Errorf("the example: %v", err)
	}
	for name, text := range map[string]string{
		"no occ":   strings.Replace(example, `occ = ["sudo"`, `oc = ["sudo"`, 1),
		"data":     strings.Replace(example, `data = "/var/www/nextcloud/data"`, `data = "data"`, 1),
		"person":   "people = [\"../ana\"]\n" + example,
		"snapshot": strings.Replace(example, "host = \"old.example.org\"\nuser = \"root\"", `snapshot = "/srv/restored"`, 1),
	} {
		if _, err := (Recipe{}).Read([]byte(text)); core.CodeOf(err) != core.CodeInvalid {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSignIn(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name, password, _ := r.BasicAuth()
		if r.Method != "PROPFIND" || r.URL.Path != "/remote.php/dav/files/ana/" || name != "ana" || password != "app-password" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		w.WriteHeader(http.StatusMultiStatus)
	}))
	t.Cleanup(server.Close)
	file := filepath.Join(t.TempDir(), "password")
	more := fmt.Sprintf("[sign_in]\nurl = %q\nperson = \"ana\"\npassword_file = %q\n", server.URL, file)
	m := newWorld(t).move(t, more)
	for password, want := range map[string]core.Code{"app-password\n": "", "guessed": core.CodeDenied} {
		write(t, file, password)
		if err := m.signIn(t.Context(), recipe.Work{}); core.CodeOf(err) != want {
			t.Errorf("%q: %v", password, err)
		}
	}
}

func archive(t testing.TB, files map[string]string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for name, text := range files {
		f, err := z.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestCounted(t *testing.T) {
	t.Parallel()
	data := archive(t, map[string]string{
		"dav/calendars/a.ics": fmt.Sprintf(event, 1), "dav/calendars/b.ics": fmt.Sprintf(event, 2), "dav/address_books/c.vcf": "BEGIN:VCARD\nEND:VCARD\n", "files/files/x.ics": "BEGIN:VEVENT",
	})
	all, err := counted(bytes.NewReader(data), int64(len(data)))
	if err != nil || all["calendars"].n != 2 || all["events"].n != 4 || all["cards"].n != 1 || all["address_books"].n != 1 {
		t.Errorf("%+v %v", all, err)
	}
	cut := archive(t, map[string]string{"dav/calendars/a.ics": "BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:1\n"})
	if _, err := counted(bytes.NewReader(cut), int64(len(cut))); err == nil {
		t.Error("a calendar that broke off was counted")
	}
}

func FuzzArchive(f *testing.F) {
	f.Add(archive(f, map[string]string{"dav/calendars/a.ics": fmt.Sprintf(event, 1)}))
	f.Fuzz(func(t *testing.T, data []byte) {
		all, err := counted(bytes.NewReader(data), int64(len(data)))
		if err == nil && all["events"].n != int64(len(all["events"].ids)) {
			t.Errorf("%+v", all)
		}
	})
}
