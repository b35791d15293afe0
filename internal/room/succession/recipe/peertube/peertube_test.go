package peertube

import (
	"archive/zip"
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"entrechat/internal/core"
	"entrechat/internal/room/succession/recipe"
	"entrechat/internal/room/succession/recipe/recipetest"
)

func read(t *testing.T, text []byte) *move {
	t.Helper()
	m, err := fast().Read(text)
	if err != nil {
		t.Fatal(err)
	}
	return m.(*move)
}

func work(t *testing.T) recipe.Work {
	t.Helper()
	return recipe.Work{Unit: "ana", Dir: t.TempDir(), Say: func(int64, int64) {}}
}

func TestContract(t *testing.T) {
	t.Parallel()
	recipetest.Contract(t, func(t *testing.T) recipetest.World {
		t.Helper()
		from, to := filled(t, "ana", 120), newFake(t, "ana2")
		return recipetest.World{
			Recipe: fast(), Breaks: 1, Settings: written(t, "ana", from, to, ""),
			Source: func(*testing.T) string { return from.state() }, Target: func(*testing.T) string { return to.state() },
			Plant: func(*testing.T) { to.mu.Lock(); to.h.videos = nil; to.mu.Unlock() },
		}
	})
}

func different(t *testing.T, m *move) map[string]bool {
	t.Helper()
	counts, err := m.Count(t.Context(), "ana")
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]bool{}
	for _, c := range counts {
		if !c.Equal() {
			out[c.What] = true
		}
	}
	return out
}

// TestSuccessWithNothing: "completed" with nothing imported is seen, and so are errors inside.
func TestSuccessWithNothing(t *testing.T) {
	t.Parallel()
	from, to := filled(t, "ana", 3), newFake(t, "ana2")
	to.lies = true
	m := read(t, written(t, "ana", from, to, ""))
	w := work(t)
	if err := m.copy(t.Context(), w); err != nil {
		t.Fatal(err)
	}
	wrong := different(t, m)
	for _, what := range []string{"videos", "channels", "playlists", "playlist_items", "following"} {
		if !wrong[what] {
			t.Errorf("%s counts as equal", what)
		}
	}

	to.lies, to.errors = false, 1
	if err := m.copy(t.Context(), w); core.CodeOf(err) != core.CodeUnsure || !strings.Contains(err.Error(), "videos: 1 errors") {
		t.Fatalf("completed with an error inside: %v", err)
	}
	if wrong := different(t, m); !wrong["videos"] || len(wrong) != 1 {
		t.Errorf("one video did not come: %v", wrong)
	}
	// A server that does not tell its summary: the counts decide. The next run does not double.
	to.errors, to.noRes = 0, true
	if err := m.copy(t.Context(), w); err != nil {
		t.Fatal(err)
	}
	if wrong := different(t, m); len(wrong) > 0 || len(to.h.videos) != 3 {
		t.Errorf("%v, %d videos", wrong, len(to.h.videos))
	}
}

// TestAgain: done again nothing is sent; a video more, and all is brought anew, each once.
func TestAgain(t *testing.T) {
	t.Parallel()
	from, to := filled(t, "ana", 3), newFake(t, "ana2")
	m, w := read(t, written(t, "ana", from, to, "")), work(t)
	before := to.state()
	const sent = "POST /api/v1/users/7/imports/import-resumable"
	for i, want := range []int{1, 1, 2} {
		if i == 2 {
			from.h.videos = append(from.h.videos, item{ID: 900, Name: "new", Privacy: kind{1}})
		}
		if err := m.copy(t.Context(), w); err != nil {
			t.Fatal(err)
		}
		if to.asked[sent] != want || len(different(t, m)) > 0 || len(from.archives) > 0 {
			t.Errorf("run %d: sent %d times, different %v, %d archives left", i, to.asked[sent], different(t, m), len(from.archives))
		}
	}
	if len(to.h.videos) != 4 {
		t.Errorf("%d videos", len(to.h.videos))
	}
	// What the person puts there meanwhile is not removed, and does not count.
	to.h.videos = append(to.h.videos, item{ID: 901, Name: "my own", State: kind{published}})
	from.h.videos = append(from.h.videos, item{ID: 902, Name: "one more", Privacy: kind{1}})
	if err := m.copy(t.Context(), w); err != nil || len(to.h.videos) != 6 || len(different(t, m)) > 0 {
		t.Errorf("%v, %d videos, different %v", err, len(to.h.videos), different(t, m))
	}
	to.h.videos[1].State.ID = 2
	if err := m.ready(t.Context(), w); core.CodeOf(err) != core.CodeUnsure {
		t.Errorf("one is still transcoded: %v", err)
	}
	if err := m.uncopy(t.Context(), w); err != nil || len(to.h.videos) != 1 || to.h.videos[0].Name != "my own" {
		t.Errorf("undone: %v, %v", err, to.h.videos)
	}
	to.h.videos = nil
	if to.state() != before {
		t.Errorf("%s, then %s", before, to.state())
	}
}

// TestDead: from an archive, without the old server; the contents of playlists are lost and not counted.
func TestDead(t *testing.T) {
	t.Parallel()
	from, to := filled(t, "ana", 3), newFake(t, "ana2")
	archive := filepath.Join(t.TempDir(), "ana.zip")
	if err := os.WriteFile(archive, from.packed(), 0o600); err != nil {
		t.Fatal(err)
	}
	m, w := read(t, written(t, "ana", nil, to, archive)), work(t)
	from.Close()
	before := to.state()
	for _, s := range m.Steps() {
		if err := s.Do(t.Context(), w); err != nil {
			t.Fatalf("%s: %v", s.Name, err)
		}
	}
	if wrong := different(t, m); len(wrong) > 0 {
		t.Errorf("%v", wrong)
	}
	fates := map[string]recipe.Fate{}
	for _, row := range m.Table() {
		fates[row.What] = row.Fate
	}
	if fates["succession.recipe.peertube.playlist_items"] != recipe.Lost || fates["succession.recipe.peertube.addresses"] != recipe.Lost {
		t.Errorf("%v", fates)
	}
	if err := m.uncopy(t.Context(), w); err != nil || to.state() != before {
		t.Errorf("%v: %s, then %s", err, before, to.state())
	}
	if _, err := os.Stat(archive); err != nil {
		t.Errorf("the person's archive: %v", err)
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		plant func(from, to *fake)
		code  core.Code
	}{
		"has videos":     {func(_, to *fake) { to.h.videos = []item{{ID: 1, Name: "mine"}} }, core.CodeConflict},
		"has an archive": {func(from, _ *fake) { from.archives = []export{{ID: 1, State: kind{completed}}} }, core.CodeConflict},
		"quota":          {func(_, to *fake) { to.quota = 10 }, core.CodeFull},
		"no import":      {func(_, to *fake) { to.off = true }, core.CodeDenied},
		"no export":      {func(from, _ *fake) { from.off = true }, core.CodeDenied},
	} {
		from, to := filled(t, "ana", 3), newFake(t, "ana2")
		c.plant(from, to)
		before := to.state()
		if err := read(t, written(t, "ana", from, to, "")).look(t.Context(), work(t)); core.CodeOf(err) != c.code {
			t.Errorf("%s: %v", name, err)
		}
		if to.state() != before {
			t.Errorf("%s: changed", name)
		}
	}
	// A token of somebody else.
	zoe := newFake(t, "zoe")
	if err := read(t, written(t, "ana", zoe, newFake(t, "ana2"), "")).look(t.Context(), work(t)); core.CodeOf(err) != core.CodeInvalid {
		t.Errorf("a token of somebody else: %v", err)
	}
	// An archive that lies at another server is not fetched.
	other, from, to := newFake(t, "other"), filled(t, "ana", 3), newFake(t, "ana2")
	from.elsewhat = other.URL
	if err := read(t, written(t, "ana", from, to, "")).copy(t.Context(), work(t)); core.CodeOf(err) != core.CodeUnsure || len(other.asked) > 0 {
		t.Errorf("%v, asked %v", err, other.asked)
	}
}

func TestSettings(t *testing.T) {
	good := func(change ...string) string { return strings.NewReplacer(change...).Replace(example) }
	for name, text := range map[string]string{
		"no https":       good("https://tube", "http://tube"),
		"no archive":     good(`url = "https://old.example.org"`, ""),
		"both":           good(`# archive`, `archive`),
		"relative token": good(`"/root/move/ana.new"`, `"ana.new"`),
		"name":           good(`name = "ana"`, `name = "../ana"`),
		"nobody":         "[new]\nurl = \"https://a.example\"\n[old]\nurl = \"https://b.example\"",
		"twice":          example + example[strings.Index(example, "[[person]]"):],
		"unknown":        good("[new]", "[new]\nport = 1"),
	} {
		if _, err := (Recipe{}).Read([]byte(text)); core.CodeOf(err) != core.CodeInvalid {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := (Recipe{}).Read([]byte("recipe = \"peertube\"\n" + example)); err != nil { // as move new prints it
		t.Errorf("the example: %v", err)
	}
}

// TestLimits: more files, or more bytes unpacked, than PeerTube takes.
func TestLimits(t *testing.T) {
	many := &zip.Reader{File: make([]*zip.File, maxFiles+1)}
	for i := range many.File {
		many.File[i] = &zip.File{}
	}
	large := func(n ...uint64) *zip.Reader {
		z := &zip.Reader{}
		for _, bytes := range n {
			z.File = append(z.File, &zip.File{FileHeader: zip.FileHeader{UncompressedSize64: bytes}})
		}
		return z
	}
	for name, c := range map[string]struct {
		z    *zip.Reader
		size int64
		full bool
	}{
		"many": {many, 1, true}, "large": {large(maxUnpacked + 1), 10, true}, "twice": {large(3 << 30), 2 << 30, false},
		"overflow": {large(1<<63, 1<<63, 1), 1 << 30, true}, "small": {large(1 << 20), 10, false},
	} {
		if err := fits(c.z, c.size); (core.CodeOf(err) == core.CodeFull) != c.full || (err != nil) != c.full {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzArchive(f *testing.F) {
	f.Add([]byte(`{"videos":[{"name":"a","archiveFiles":{"videoFile":"b"}}]}`), []byte(`{"following":[{"targetHandle":"a@b"}]}`), false)
	f.Add([]byte(`{"videos":[{"archiveFiles":{}}]}`), []byte(`[]`), true)
	f.Fuzz(func(t *testing.T, videos, following []byte, cut bool) {
		var b bytes.Buffer
		z := zip.NewWriter(&b)
		for name, text := range map[string][]byte{"videos": videos, "following": following, "channels": []byte(`{}`), "video-playlists": []byte(`{}`)} {
			w, err := z.Create("peertube/" + name + ".json")
			if err == nil {
				_, err = w.Write(text)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		text := b.Bytes()
		if cut {
			text = text[:len(text)/2]
		}
		h, err := looked(bytes.NewReader(text), int64(len(text)))
		var known *core.Error
		if err != nil && !errors.As(err, &known) {
			t.Fatalf("an error without a sentence: %v", err)
		}
		if cut && err == nil {
			t.Fatalf("half an archive was read: %v", h)
		}
	})
}
