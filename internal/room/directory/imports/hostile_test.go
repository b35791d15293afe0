package imports_test

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"entrechat/internal/core"
	"entrechat/internal/kit/dbtest"
	"entrechat/internal/kit/peer"
	"entrechat/internal/room/directory/catalogue"
	"entrechat/internal/room/directory/imports"
	"entrechat/internal/room/directory/migrations"
	"entrechat/internal/room/directory/statool"
)

func keyOf(err error) string {
	if e, ok := errors.AsType[*core.Error](err); ok {
		return e.Key
	}
	return ""
}

// beside imports one bad page beside a good one, which must come in, and says what
// the report has of the bad one.
func beside(t *testing.T, w *world, bad any) string {
	t.Helper()
	w.set("/fed", federation("/bad", "/good"))
	w.set("/bad", bad)
	w.set("/good", organization("Good"))
	r := w.follow("/fed")
	if w.hoster("/good").Name != "Good" {
		t.Errorf("the good file is not in: %+v", r)
	}
	return w.broken(r, "/bad")
}

func TestHostileEnvironment(t *testing.T) {
	t.Setenv("HOME", "/home/secret")
	w := sqlite(t)
	if said := beside(t, w, organization("${HOME} $HOME")); said != "" {
		t.Errorf("refused: %s", said)
	}
	if h := w.hoster("/bad"); h.Name != "${HOME} $HOME" {
		t.Errorf("became %q", h.Name)
	}
}

// TestHostileBody: 100 MB come in at most to the limit.
func TestHostileBody(t *testing.T) {
	w := sqlite(t)
	var sent atomic.Int64
	page := http.HandlerFunc(func(out http.ResponseWriter, _ *http.Request) {
		chunk := []byte(strings.Repeat("organization.name = x\n", 3000))
		for range 100 << 20 / len(chunk) {
			n, err := out.Write(chunk)
			if sent.Add(int64(n)); err != nil {
				return
			}
		}
	})
	if said := beside(t, w, page); said != "0 directory.import.too_big" {
		t.Errorf("said %q", said)
	}
	if sent.Load() > 20<<20 {
		t.Errorf("%d bytes were taken", sent.Load())
	}
}

// TestHostileGzip: 64 KiB on the wire that would be 64 MiB.
func TestHostileGzip(t *testing.T) {
	w := sqlite(t)
	page := http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Accept-Encoding") != "gzip" {
			t.Error("nobody asked for gzip: this test tests nothing")
		}
		out.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(out)
		for range 64 {
			if _, err := z.Write(make([]byte, 1<<20)); err != nil {
				return
			}
		}
		_ = z.Close()
	})
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if said := beside(t, w, page); said != "0 directory.import.too_big" {
		t.Errorf("said %q", said)
	}
	runtime.ReadMemStats(&after)
	if grown := after.TotalAlloc - before.TotalAlloc; grown > 96<<20 { // the server's own 64 are in there
		t.Errorf("%d bytes were made of it", grown)
	}
}

func TestHostileRedirects(t *testing.T) {
	w := sqlite(t)
	turns := 0
	page := http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		turns++
		http.Redirect(out, r, fmt.Sprintf("/bad?%d", turns), http.StatusFound)
	})
	if said := beside(t, w, page); said != "0 directory.import.answered" || turns > 4 {
		t.Errorf("said %q after %d turns", said, turns)
	}
}

// TestHostileInside: with the node's own visitor, what a list leads to inside is not
// asked. That a redirect does not get there either is kit/peer's test.
func TestHostileInside(t *testing.T) {
	w := sqlite(t)
	var dialled atomic.Int64
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			dialled.Add(1)
			_ = c.Close()
		}
	}()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	inside := []string{
		"https://127.0.0.1:" + port + "/x", "https://[::1]:" + port + "/x", "https://localhost:" + port + "/x", "http://127.0.0.1:" + port + "/x",
		"https://169.254.169.254/latest/meta-data/", "https://10.0.0.1/", "https://[fd00::1]/", "https://0.0.0.0:" + port + "/", "https://[::ffff:127.0.0.1]:" + port + "/",
	}
	text := federation("/good")
	for i, address := range inside {
		text += fmt.Sprintf("subs.in%d = %s\n", i, address)
	}
	w.set("/fed", text)
	w.set("/good", organization("Good"))
	log := slog.New(slog.DiscardHandler)
	m := imports.New(imports.Needs{
		DB: dbtest.SQLite(t, "directory", migrations.Files), Catalogue: w.store, Limits: limits(), Now: time.Now, Log: log,
		Fetch: twoFaced{
			public: w.url, open: peer.NewVisitor(peer.Needs{Private: true, Now: time.Now, Log: log}),
			guarded: peer.NewVisitor(peer.Needs{Now: time.Now, Log: log}),
		},
	})
	r, err := m.Import(t.Context(), w.url+"/fed")
	if err != nil || r.Good != 2 || len(r.Broken) != len(inside) || dialled.Load() != 0 {
		t.Errorf("%d good, %d broken, %d dialled, %v", r.Good, len(r.Broken), dialled.Load(), err)
	}
}

// twoFaced asks the test's own server openly, and all others as a node does.
type twoFaced struct {
	public        string
	open, guarded imports.Fetcher
}

func (f twoFaced) Revisit(ctx context.Context, address string, seen peer.Seen, limit int64) (*http.Response, error) {
	if strings.HasPrefix(address, f.public+"/") {
		return f.open.Revisit(ctx, address, seen, limit)
	}
	return f.guarded.Revisit(ctx, address, seen, limit)
}

// TestHostileSubs: a list is refused whole when it is too long, by bytes and by
// entries; the longest one that is not refused ends by itself.
func TestHostileSubs(t *testing.T) {
	subs := func(n int) string {
		var out strings.Builder
		for i := range n {
			fmt.Fprintf(&out, "subs.x%d=http://127.0.0.1:1/%d\n", i, i) // nobody listens there
		}
		return "file.class=Organization\norganization.name=Many\n" + out.String()
	}
	for n, want := range map[int]string{1_000_000: "0 directory.import.too_big", statool.MaxSubs + 1: "5003 directory.statool.too_many_subs"} {
		w := sqlite(t)
		if said := beside(t, w, subs(n)); said != want {
			t.Errorf("%d subs: said %q", n, said)
		}
	}
	l := limits()
	l.Files = 50
	w := newWorld(t, dbtest.SQLite(t, "directory", migrations.Files), l)
	if said := beside(t, w, subs(statool.MaxSubs)); said != fmt.Sprintf("%d directory.import.many_services", 3+catalogue.MaxServices) {
		t.Errorf("said %q", said)
	}
	if r := w.follow("/fed"); r.Stopped != "directory.import.cut_files" || len(r.Broken) > 60 {
		t.Errorf("%d broken, cut %q", len(r.Broken), r.Stopped)
	}
}

// TestHostileListTakesNoTurns: a hoster with many dead services is asked in
// turn with the others, whose files come in though the time is up.
func TestHostileListTakesNoTurns(t *testing.T) {
	l := limits()
	l.Patience, l.Whole, l.AtOnce, l.PerHost = 100*time.Millisecond, 3*time.Second, 4, 4
	w := newWorld(t, dbtest.SQLite(t, "directory", migrations.Files), l)
	var dead []string
	for i := range catalogue.MaxServices {
		path := fmt.Sprintf("/dead%d", i)
		dead = append(dead, path)
		w.set(path, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	}
	w.set("/bad", organization("Bad", dead...))
	w.set("/good", organization("Good", "/pad"))
	w.set("/pad", service("Pad"))
	w.set("/fed", federation("/bad", "/good"))
	r := w.follow("/fed")
	if r.Stopped != "directory.import.cut_time" || len(w.services("/good")) != 1 {
		t.Errorf("cut %q, services %+v", r.Stopped, w.services("/good"))
	}
	if f := w.file("/dead199"); f.Strikes != 0 {
		t.Errorf("not asked, and struck: %+v", f)
	}
	// What was not reached is asked by the next walk, though no day has passed.
	w.set("/dead199", service("Alive"))
	for range 6 {
		if err := w.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if _, ok := w.services("/bad")["s199"]; !ok {
		t.Error("what the first walk did not reach was never asked")
	}
}

func TestHostileCycles(t *testing.T) {
	w := sqlite(t)
	w.set("/fed", federation("/fed", "/a"))
	w.set("/a", organization("A", "/a", "/fed", "/b"))
	w.set("/b", organization("B", "/a", "/fed"))
	r := w.follow("/fed")
	if r.Good != 2 || w.broken(r, "/fed") != "3 directory.import.wrong_link" || w.broken(r, "/a") == "" || w.broken(r, "/b") != "2 directory.import.wrong_class" {
		t.Errorf("%+v", r)
	}
	for _, path := range []string{"/fed", "/a", "/b"} {
		if n := w.times(path); n != 1 {
			t.Errorf("%s was asked %d times", path, n)
		}
	}
}

func TestHostileUTF8(t *testing.T) {
	w := sqlite(t)
	if said := beside(t, w, organization("caf\xe9 \xff\xfe\xc0\x80 \u202etxt")); said != "" {
		t.Errorf("refused: %s", said)
	}
	if h := w.hoster("/bad"); !utf8.ValidString(h.Name) || !strings.HasPrefix(h.Name, "café") || strings.ContainsFunc(h.Name, unicode.IsControl) || strings.ContainsRune(h.Name, '\u202e') {
		t.Errorf("became %q", h.Name)
	}
	if w.text("/bad") != organization("caf\xe9 \xff\xfe\xc0\x80 \u202etxt") {
		t.Error("the kept bytes are others")
	}
}

// TestHostileScript: script in every field is text in the listing, and never a link;
// what names the file in a report has no markup of its own making.
func TestHostileScript(t *testing.T) {
	const script = `<script>alert(1)</script>`
	w := sqlite(t)
	text := "file.class = Organization\n"
	for _, f := range statool.Fields(statool.ClassOrganization)[1:] {
		text += f.Path + " = " + script + "\n"
	}
	text += "subs." + script + " = javascript:alert(1)\nsubs.x = " + script + "\nentrechat.town = " + script + "\n"
	w.set("/fed", federation("/bad"))
	w.set("/bad", text)
	r := w.follow("/fed")
	h := w.hoster("/bad")
	if h.Name != script || h.Website != "" || h.Contact != "" || h.Town != "" || h.Country != "" || h.State != "" {
		t.Errorf("listing %+v", h)
	}
	if len(r.Broken) != 2 {
		t.Errorf("%+v", r.Broken)
	}
	for _, b := range r.Broken {
		if strings.Contains(fmt.Sprint(b), "<") || b.Trouble.Line == 0 {
			t.Errorf("named %+v", b)
		}
	}
}

// TestHostileDates: no date of a stranger keeps others from being listed.
func TestHostileDates(t *testing.T) {
	for _, date := range []string{"9999-12-31", "1900-01-01", "2255-06-06", "0000-00-00", "-1"} {
		w := sqlite(t)
		text := organization("Bad") + "file.datetime = " + date + "T00:00:00\norganization.startdate = " + date + "\norganization.enddate = " + date + "\n"
		if said := beside(t, w, text); said != "" {
			t.Errorf("%s: said %s", date, said)
		}
		if hosters, _ := w.count(); hosters != 2 || w.hoster("/bad").Name != "Bad" {
			t.Errorf("%s: %d hosters", date, hosters)
		}
	}
}

// TestHostileSlowloris: an answer that always says a little more ends.
func TestHostileSlowloris(t *testing.T) {
	l := limits()
	l.Patience = 2 * time.Second // enough for the honest file beside it
	w := newWorld(t, dbtest.SQLite(t, "directory", migrations.Files), l)
	page := http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			_, _ = out.Write([]byte("#"))
			_ = http.NewResponseController(out).Flush()
			time.Sleep(10 * time.Millisecond)
		}
	})
	began := time.Now()
	if said := beside(t, w, page); said != "0 directory.import.too_slow" || time.Since(began) > time.Minute {
		t.Errorf("said %q after %s", said, time.Since(began))
	}
}

// TestHostileAnswers: what is no file at all, each named for what it is.
func TestHostileAnswers(t *testing.T) {
	for name, x := range map[string]struct {
		page any
		want string
	}{
		"web page":   {"<html>", "0 directory.statool.web_page"},
		"NUL":        {"a = b\nc = \x00\n", "2 directory.statool.binary"},
		"UTF-16":     {"\xff\xfea\x00", "1 directory.statool.utf16"},
		"nothing":    {"", "0 directory.statool.no_class"},
		"lines":      {strings.Repeat("\n", statool.MaxLines+1), "0 directory.statool.too_many_lines"},
		"no name":    {"file.class = Organization\n", "0 directory.statool.missing"},
		"empty name": {"file.class = Organization\norganization.name = \n", "2 directory.statool.missing"},
		"a service":  {"\n\n" + service("Pad"), "3 directory.import.wrong_class"},
		"404":        {nil, "0 directory.import.answered"},
		"304 at once": {
			http.HandlerFunc(func(out http.ResponseWriter, _ *http.Request) { out.WriteHeader(http.StatusNotModified) }),
			"0 directory.import.answered",
		},
		"our own error": {http.HandlerFunc(func(out http.ResponseWriter, _ *http.Request) {
			out.WriteHeader(http.StatusTeapot)
			_, _ = out.Write([]byte(`{"code":"full","key":"vault.quota_full","args":{"Member":"you"}}`))
		}), "0 directory.import.answered"},
		"cut short": {http.HandlerFunc(func(out http.ResponseWriter, _ *http.Request) {
			out.Header().Set("Content-Length", "1000")
			_, _ = out.Write([]byte(organization("Half")))
		}), "0 directory.import.silent"},
	} {
		t.Run(name, func(t *testing.T) {
			w := sqlite(t)
			if said := beside(t, w, x.page); said != x.want {
				t.Errorf("said %q, want %q", said, x.want)
			}
		})
	}
}
