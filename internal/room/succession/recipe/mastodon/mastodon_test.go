package mastodon

import (
	"archive/zip"
	"bytes"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"entrechat/internal/core"
	"entrechat/internal/room/succession/recipe"
	"entrechat/internal/room/succession/recipe/recipetest"
)

func read(t *testing.T, text []byte) *move {
	t.Helper()
	m, err := Recipe{}.Read(text)
	if err != nil {
		t.Fatal(err)
	}
	return m.(*move)
}

func work(t *testing.T) recipe.Work {
	t.Helper()
	return recipe.Work{Unit: "ana", Dir: t.TempDir(), Say: func(int64, int64) {}}
}

func different(t *testing.T, m *move) (wrong []string) {
	t.Helper()
	counts, err := m.Count(t.Context(), "ana")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range counts {
		if !c.Equal() {
			wrong = append(wrong, c.What)
		}
	}
	return wrong
}

func folder(t *testing.T) string { t.Helper(); return filepath.Join(t.TempDir(), "csv") }

func TestContract(t *testing.T) {
	t.Parallel()
	recipetest.Contract(t, func(t *testing.T) recipetest.World {
		t.Helper()
		from, to := filled(t, social, 3), newFake(t, social, "ana2", "new.test")
		to.has[follows][to.id("before@x.test")] = true
		to.aliases = []string{"https://x.test/users/ana"}
		return recipetest.World{
			Recipe: Recipe{}, Breaks: 1, Settings: written(t, from, to, folder(t), ""),
			Source: func(*testing.T) string { return from.state() }, Target: func(*testing.T) string { return to.state() },
			Plant: func(*testing.T) { to.mu.Lock(); clear(to.has[follows]); to.mu.Unlock() },
		}
	})
}

// TestSuccessWithNothing: a server that says yes to everything and does nothing is seen in each kind.
func TestSuccessWithNothing(t *testing.T) {
	t.Parallel()
	from, to := filled(t, "mastodon", 3), newFake(t, "mastodon", "ana2", "new.test")
	to.lies = true
	m := read(t, written(t, from, to, folder(t), ""))
	if err := m.copy(t.Context(), work(t)); err != nil {
		t.Fatal(err)
	}
	wrong := different(t, m)
	slices.Sort(wrong)
	all := slices.Sorted(slices.Values(kinds()))
	if !slices.Equal(wrong, all) {
		t.Errorf("different: %v, of %v", wrong, all)
	}
}

// TestMissing: who waits for an answer counts, who is gone does not until given up, and is named in a file.
func TestMissing(t *testing.T) {
	t.Parallel()
	from, to := filled(t, "mastodon", 4), newFake(t, "mastodon", "ana2", "new.test")
	to.locked["ami1@server1.test"], to.gone["ami0@server0.test"] = true, true
	dir := folder(t)
	m, w := read(t, written(t, from, to, dir, "")), work(t)
	if err := m.copy(t.Context(), w); err != nil {
		t.Fatal(err)
	}
	if wrong := different(t, m); !slices.Equal(wrong, []string{follows, lists}) {
		t.Errorf("different: %v", wrong)
	}
	text, err := os.ReadFile(filepath.Join(dir, missingFile))
	if err != nil || strings.Count(string(text), "ami0@server0.test") != 2 || strings.Contains(string(text), "ami1") {
		t.Errorf("%s %v", text, err)
	}
	m.people["ana"] = func(p Person) Person { p.GiveUp = []string{"@Ami0@server0.test"}; return p }(m.people["ana"])
	if err := m.copy(t.Context(), w); err != nil {
		t.Fatal(err)
	}
	if wrong := different(t, m); len(wrong) > 0 {
		t.Errorf("given up, and different: %v", wrong)
	}
}

// TestTomorrow: the server takes no more today; the next day the rest comes, and nothing twice.
func TestTomorrow(t *testing.T) {
	t.Parallel()
	from, to := filled(t, "mastodon", 6), newFake(t, "mastodon", "ana2", "new.test")
	m, w := read(t, written(t, from, to, folder(t), "")), work(t)
	before := to.state()
	to.limit = 5
	if err := m.copy(t.Context(), w); core.CodeOf(err) != core.CodeUnsure || !strings.Contains(err.Error(), "429") {
		t.Fatalf("%v", err)
	}
	to.limit = 0
	if err := m.copy(t.Context(), w); err != nil || len(different(t, m)) > 0 {
		t.Fatalf("%v %v", err, different(t, m))
	}
	done := to.writes
	if err := m.copy(t.Context(), w); err != nil || to.writes != done {
		t.Errorf("done again it wrote %d times: %v", to.writes-done, err)
	}
	if err := m.uncopy(t.Context(), w); err != nil || to.state() != before {
		t.Errorf("%v:\n%s\n---\n%s", err, before, to.state())
	}
}

// TestDead: from the CSV files of a move that was; followers are lost, and there is no Move.
func TestDead(t *testing.T) {
	t.Parallel()
	from, to, dir := filled(t, "mastodon", 5), newFake(t, "mastodon", "ana2", "new.test"), folder(t)
	first := read(t, written(t, from, newFake(t, "mastodon", "ana3", "third.test"), dir, ""))
	if err := first.copy(t.Context(), work(t)); err != nil {
		t.Fatal(err)
	}
	from.Close()
	m, w := read(t, written(t, nil, to, dir, "")), work(t)
	for _, s := range m.Steps() {
		if s.Phase == recipe.Cut || s.Phase == recipe.After {
			t.Errorf("step %s without the old server", s.Name)
		}
		if err := s.Do(t.Context(), w); err != nil {
			t.Fatalf("%s: %v", s.Name, err)
		}
	}
	if wrong := different(t, m); len(wrong) > 0 || !to.has[follows][to.id("voisine@old.test")] {
		t.Errorf("different: %v\n%s", wrong, to.state())
	}
	for _, row := range m.Table() {
		if strings.HasSuffix(row.What, ".followers") && row.Fate != recipe.Lost {
			t.Errorf("followers of a dead server are %s", row.Fate)
		}
	}
	if err := m.uncopy(t.Context(), w); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "following_accounts.csv")); err != nil {
		t.Errorf("the person's own files: %v", err)
	}
}

// TestMove: GoToSocial is asked; Mastodon's person presses, and the cut looks.
func TestMove(t *testing.T) {
	t.Parallel()
	for _, program := range []string{social, "mastodon"} {
		from, to := filled(t, program, 2), newFake(t, "mastodon", "ana2", "new.test")
		m, w := read(t, written(t, from, to, folder(t), "")), work(t)
		if err := m.alias(t.Context(), w); core.CodeOf(err) != core.CodeDenied {
			t.Errorf("%s: no alias: %v", program, err)
		}
		to.aliases = []string{from.srv.uri("ana")}
		if err := m.alias(t.Context(), w); err != nil {
			t.Errorf("%s: %v", program, err)
		}
		err := m.move(t.Context(), w)
		if program == "mastodon" {
			if core.CodeOf(err) != core.CodeDenied {
				t.Errorf("nobody pressed: %v", err)
			}
			from.moved = to.URL + "/@ana2"
			err = m.move(t.Context(), w)
		}
		if err != nil || from.moved != to.URL+"/@ana2" {
			t.Errorf("%s: %v, moved to %q", program, err, from.moved)
		}
		to.followers = 2
		if err := m.followers(t.Context(), w); core.CodeOf(err) != core.CodeUnsure {
			t.Errorf("%s: 2 of 3 came: %v", program, err)
		}
		to.date = "Tue, 01 Dec 2026 23:00:00 GMT"
		if err := m.followers(t.Context(), w); core.CodeOf(err) != core.CodeUnsure {
			t.Errorf("%s: nobody more for 23 hours: %v", program, err)
		}
		to.date = "Wed, 02 Dec 2026 00:00:00 GMT"
		if err := m.followers(t.Context(), w); err != nil {
			t.Errorf("%s: nobody more for a day: %v", program, err)
		}
		to.followers = 1
		if err := m.followers(t.Context(), w); core.CodeOf(err) != core.CodeUnsure {
			t.Errorf("%s: another number: %v", program, err)
		}
		to.followers = 3
		if err := m.followers(t.Context(), w); err != nil {
			t.Errorf("%s: %v", program, err)
		}
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		more  string
		plant func(from, to *fake, dir string)
		code  core.Code
	}{
		"30 days":         {"last_move = \"2026-11-01\"", func(*fake, *fake, string) {}, core.CodeDenied},
		"moved elsewhere": {"", func(from, _ *fake, _ string) { from.moved = "https://x.test/@ana" }, core.CodeDenied},
		"new one moved":   {"", func(_, to *fake, _ string) { to.moved = "https://x.test/@ana" }, core.CodeDenied},
		"folder": {"", func(_, _ *fake, dir string) {
			if os.MkdirAll(filepath.Join(dir, "a"), 0o700) != nil {
				panic(dir)
			}
		}, core.CodeConflict},
		"no archive":     {"archive = \"/nowhere/at/all.zip\"", func(*fake, *fake, string) {}, core.CodeNotFound},
		"endless list":   {"", func(from, _ *fake, _ string) { from.link = `</api/v1/blocks?x>; rel="next"` }, core.CodeUnsure},
		"token of a zoe": {"", func(from, _ *fake, _ string) { from.name = "zoe" }, core.CodeDenied},
	} {
		from, to, dir := filled(t, "mastodon", 2), newFake(t, "mastodon", "ana2", "new.test"), folder(t)
		m := read(t, written(t, from, to, dir, c.more))
		c.plant(from, to, dir)
		before := to.state()
		err := m.look(t.Context(), work(t))
		if err == nil && name == "endless list" {
			from.has[blocks][from.id("a@b.test")], from.has[blocks][from.id("c@b.test")] = true, true
			_, err = m.Count(t.Context(), "ana")
		}
		if core.CodeOf(err) != c.code || to.state() != before {
			t.Errorf("%s: %v", name, err)
		}
	}
	from, to := filled(t, "mastodon", 2), newFake(t, "mastodon", "ana2", "new.test")
	if err := read(t, written(t, from, to, folder(t), "last_move = \"2026-10-31\"")).look(t.Context(), work(t)); err != nil {
		t.Errorf("31 days ago: %v", err)
	}
}

func TestSettings(t *testing.T) {
	good := func(change ...string) string { return strings.NewReplacer(change...).Replace(example) }
	for name, text := range map[string]string{
		"program":     good(`program = "mastodon"`, `program = "misskey"`),
		"no https":    good("https://social", "http://social"),
		"domain":      good(`domain = "example.org"`, `domain = "a/b"`),
		"no password": strings.Replace(example, `program = "mastodon"`, `program = "gotosocial"`, 1),
		"day":         good(`# last_move = "2026-11-02"`, `last_move = "yesterday"`),
		"csv":         good(`csv = "/root/move/ana"`, `csv = "/"`),
		"twice":       example + example[strings.Index(example, "[[person]]"):],
		"unknown":     good("[new]", "[new]\nport = 1"),
	} {
		if _, err := (Recipe{}).Read([]byte(text)); core.CodeOf(err) != core.CodeInvalid {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := (Recipe{}).Read([]byte("recipe = \"mastodon\"\n" + example)); err != nil { // as move new prints it
		t.Errorf("the example: %v", err)
	}
}

func TestTable(t *testing.T) {
	fates := func(text string) map[string]recipe.Fate {
		out := map[string]recipe.Fate{}
		for _, row := range read(t, []byte(text)).Table() {
			out[strings.TrimPrefix(row.What, "succession.recipe.mastodon.")] = row.Fate
		}
		return out
	}
	if f := fates(example); f["followers"] != recipe.Kept || f["posts"] != recipe.Lost || f["domains"] != recipe.Kept {
		t.Errorf("%v", f)
	}
	if f := fates(strings.Replace(example, "# archive", "archive", 1)); f["posts"] != recipe.Archived {
		t.Errorf("%v", f)
	}
	if f := fates(strings.Replace(example, `url = "https://old.example.org"`, "", 1)); f["followers"] != recipe.Lost || f["follows"] != recipe.Kept {
		t.Errorf("%v", f)
	}
}

func TestArchive(t *testing.T) {
	name := filepath.Join(t.TempDir(), "a.zip")
	for inside, good := range map[string]bool{"outbox.json": true, "other.json": false} {
		f, err := os.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		z := zip.NewWriter(f)
		if _, err := z.Create(inside); err != nil {
			t.Fatal(err)
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		if err := readable(name); (err == nil) != good {
			t.Errorf("%s: %v", inside, err)
		}
	}
}

func FuzzCSV(f *testing.F) {
	f.Add("Account address,Show boosts\n@Bob@a.example,true\nlocal,false\n", 0)
	f.Add("\"Les amies, proches\",bob@a.example\n", 1)
	f.Add("\xef\xbb\xbfhttps://a.example/1\n\n\"\n", 5)
	f.Fuzz(func(t *testing.T, text string, which int) {
		s, sh := Server{Domain: "old.test"}, listings()[uint(which)%uint(len(listings()))]
		b := book{}
		if s.parse(b, sh, strings.NewReader(text)) != nil {
			return
		}
		again := book{}
		if err := s.parse(again, sh, bytes.NewReader(b.text(sh))); err != nil {
			t.Fatalf("what was written cannot be read: %v", err)
		}
		n, sum := b.sum(sh.kind, nil)
		if m, same := again.sum(sh.kind, nil); m != n || same != sum {
			t.Fatalf("%d entries, then %d: %v %v", n, m, b, again)
		}
	})
}

// FuzzLink: whatever a server says, the next page is asked of that server's interface.
func FuzzLink(f *testing.F) {
	f.Add(`<https://a.example/api/v1/mutes?max_id=1>; rel="next", <https://a.example/>; rel="prev"`)
	f.Add(`<//evil.example/api/v1/blocks>; rel=next`)
	f.Fuzz(func(t *testing.T, link string) {
		if path := next(http.Header{"Link": {link}}); path != "" && !strings.HasPrefix(path, "/api/") {
			t.Fatalf("%q: %q", link, path)
		}
	})
}
