package directory

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/dbtest"
	"entrechat/internal/kit/logbook"
	"entrechat/internal/room/directory/api"
	"entrechat/internal/room/directory/catalogue"
	"entrechat/internal/room/directory/migrations"
)

// fakeBook is a logbook that takes every entry, and knows how its neighbours stand.
type fakeBook struct {
	known []logbook.Member
	said  []string
}

func (s *fakeBook) Members(_ context.Context, ids []core.MemberID) (out []logbook.Member, _ error) {
	for _, m := range s.known {
		if slices.Contains(ids, m.ID) {
			out = append(out, m)
		}
	}
	return out, nil
}

func (s *fakeBook) Append(_ context.Context, typ string, _ []core.MemberID, _ core.Moment, _ any) (logbook.Entry, error) {
	s.said = append(s.said, typ)
	return logbook.Entry{Log: "chaton-a.test", Index: int64(len(s.said)), Typ: typ, Iat: 1_790_000_000_000_000}, nil
}

// nodeRoom is a room of a node that knows three hosters.
func nodeRoom(t *testing.T) *Room {
	t.Helper()
	now := time.Unix(1_800_000_000, 0)
	ago := func(d time.Duration) core.Moment { return core.At(now.Add(-d)) }
	r := New(Needs{
		Dir: filepath.Join(t.TempDir(), "directory"), URL: "https://chaton-a.test", Now: func() time.Time { return now },
		DB: dbtest.SQLite(t, "directory", migrations.Files), Self: "chaton-a.test",
		Log:  slog.New(slog.DiscardHandler),
		Book: &fakeBook{known: []logbook.Member{{ID: "chaton-b.test", State: logbook.NotHeard, Heard: ago(72 * time.Hour)}, {ID: "chaton-c.test", State: logbook.Suspended}}},
	})
	for key, source := range map[string]catalogue.Source{"chaton-b.test": catalogue.FromLog, "chaton-c.test": catalogue.FromLog, "https://d.test/o.properties": catalogue.FromFile} {
		h := catalogue.Hoster{
			Author: catalogue.Author{Key: key, Source: source, Said: ago(96 * time.Hour), Heard: ago(90 * time.Hour)},
			Name:   "Chez <b>" + key[:8], Town: "Brest", Country: "FR", Website: "https://" + "www.test/", Contact: "contact@d.test", State: catalogue.StateClosing, Ends: core.At(now),
		}
		s := catalogue.Service{Slug: "pad", Name: "Pad <script>", Kind: catalogue.KindPad, Languages: []string{"fr"}, Price: "5 €", Unverified: source == catalogue.FromFile}
		if err := r.Catalogue.Put(t.Context(), h, []catalogue.Service{s, {Slug: "old", Name: "Gone", Ended: true}}); err != nil {
			t.Fatal(err)
		}
	}
	return r
}

func TestSearchPages(t *testing.T) {
	v := visit(t, nodeRoom(t))
	for path, want := range map[string][]string{
		"/search":                                              {"3 services found", "Pad &lt;script&gt;", "Not heard for a while", "Two histories", "nobody has checked", "5 €"},
		"/search?q=zebra":                                      {"Nothing like it", `value="zebra"`},
		"/search?q=%22%3E%3Cscript%3E":                         {`value="&#34;&gt;&lt;script&gt;"`},
		"/search?q=brest&kind=pad&page=-4":                     {"3 services found", `<option value="pad" selected>`},
		"/search?page=99999999999999999999":                    {"found"},
		"/search?language=fr&open=1":                           {"Nothing like it", `name="open" value="1" checked`},
		"/hosters":                                             {"3 hosters", "Closes on 2027-01-15", "Brest, FR"},
		"/hosters?q=d+test+BREST":                              {"One hoster", "Chez &lt;b&gt;https://"},
		"/hosters/one?key=chaton-b.test":                       {"Gone", "Ended", "mailto:contact@d.test", "3 days"},
		"/hosters/one?key=https%3A%2F%2Fd.test%2Fo.properties": {"Read in the file"},
	} {
		got := v.ask(http.MethodGet, path, nil)
		body := got.Body.String()
		if got.Code != http.StatusOK || len(body) > 60_000 {
			t.Errorf("%s: status %d, %d bytes", path, got.Code, len(body))
		}
		for _, text := range want {
			if !strings.Contains(body, text) {
				t.Errorf("%s lacks %q\n%s", path, text, body)
			}
		}
		if strings.Contains(body, "<script") {
			t.Errorf("%s holds a script", path)
		}
	}
	if got := v.ask(http.MethodGet, "/hosters/one?key=nobody", nil); got.Code != http.StatusNotFound {
		t.Errorf("status %d", got.Code)
	}
}

// TestOldWordsAreNoState: what somebody said long ago, or who is silent since, is
// neither well nor bad: grey on pages, left out for programs.
func TestOldWordsAreNoState(t *testing.T) {
	r := nodeRoom(t)
	book := r.n.Book.(*fakeBook) //nolint:forcetypeassert // the room's own
	now := r.n.Now()
	ago := func(days int) core.Moment { return core.At(now.AddDate(0, 0, -days)) }
	for name, c := range map[string]struct {
		source      catalogue.Source
		said, heard int // days ago
		state       logbook.State
		known       bool
	}{
		"fresh.test":               {catalogue.FromLog, 34, 34, logbook.Fresh, true},
		"old.test":                 {catalogue.FromLog, 625, 625, logbook.Fresh, false},
		"silent.test":              {catalogue.FromLog, 3, 3, logbook.NotHeard, false},
		"https://new.test/o":       {catalogue.FromFile, 3, 1, "", true},
		"https://ancient.test/o":   {catalogue.FromFile, 625, 1, "", false},
		"https://unreached.test/o": {catalogue.FromFile, 9, 8, "", false},
	} {
		h := catalogue.Hoster{Author: catalogue.Author{Key: name, Source: c.source, Said: ago(c.said), Heard: ago(c.heard)}, Name: name, State: catalogue.StateActive}
		pad := catalogue.Service{Author: h.Author, Slug: "pad", Name: "Pad", Kind: catalogue.KindPad, Website: "https://pad.test/", Level: catalogue.LevelOK}
		pad.Access.Register = "anyone"
		if err := r.Catalogue.Put(t.Context(), h, []catalogue.Service{pad}); err != nil {
			t.Fatal(err)
		}
		if c.state != "" {
			book.known = append(book.known, logbook.Member{ID: core.MemberID(name), State: c.state, Heard: ago(c.heard)})
		}
		if err := r.Referral.Refer(t.Context(), catalogue.KindPad, []string{name}); err != nil {
			t.Fatal(err)
		}
		v := visit(t, r)
		for _, path := range []string{"/hosters/one?key=" + url.QueryEscape(name), "/elsewhere/pad", "/elsewhere/pad/frame"} {
			body := v.ask(http.MethodGet, path, nil).Body.String()
			if green, grey := strings.Contains(body, "state fine"), strings.Contains(body, "State unknown since"); green != c.known || grey == c.known {
				t.Errorf("%s, %s: green %v, grey %v\n%s", name, path, green, grey, body)
			}
		}
		if c.said > 100 {
			if hit := api.HitOf(pad, h, core.At(now)); hit.Level != "" {
				t.Errorf("%s: programs hear %q", name, hit.Level)
			}
		}
	}
}

// TestPagesOfAResult: the way through a long result keeps the question.
func TestPagesOfAResult(t *testing.T) {
	r := nodeRoom(t)
	var many []catalogue.Service
	for i := range 70 {
		many = append(many, catalogue.Service{Slug: "s" + string(rune('a'+i/26)) + string(rune('a'+i%26)), Name: "Many", About: strings.Repeat("é", 600)})
	}
	if err := r.Catalogue.Put(t.Context(), catalogue.Hoster{Author: catalogue.Author{Key: "m.test", Source: catalogue.FromLog}, Name: "M"}, many); err != nil {
		t.Fatal(err)
	}
	v := visit(t, r)
	body := v.ask(http.MethodGet, "/search?q=many&page=1", nil).Body.String()
	for _, text := range []string{"70 services found", "/search?page=0&amp;q=many", "/search?page=2&amp;q=many"} {
		if !strings.Contains(body, text) {
			t.Errorf("no %q", text)
		}
	}
	if len(body) > 60_000 {
		t.Errorf("%d bytes", len(body))
	}
	if body := v.ask(http.MethodGet, "/search?q=many&page=2", nil).Body.String(); strings.Contains(body, `rel="next"`) {
		t.Error("a page behind the last one")
	}
}
