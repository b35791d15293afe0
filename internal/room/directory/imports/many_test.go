package imports_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"entrechat/internal/kit/dbtest"
	"entrechat/internal/room/directory/migrations"
)

// breakages are the ways in which the files of TestTwoThousand are broken, and what
// is said of each.
func breakages() []struct {
	page any
	want string
} {
	return []struct {
		page any
		want string
	}{
		{nil, "0 directory.import.answered"},
		{"<!doctype html><title>moved</title>", "0 directory.statool.web_page"},
		{"file.class = Organization\norganization.type = ASSOCIATION\n", "0 directory.statool.missing"},
		{"# a comment\nfile.class = Metrics\nmetrics.x.2026.months = 1\n", "2 directory.import.wrong_class"},
		{"file.class = Organization\norganization.name = \x00\n", "2 directory.statool.binary"},
		{"\xff\xfef\x00i\x00", "1 directory.statool.utf16"},
		{strings.Repeat("x = y\n", 200_000), "0 directory.import.too_big"},
		{"", "0 directory.statool.no_class"},
		{http.HandlerFunc(func(out http.ResponseWriter, _ *http.Request) { http.Error(out, "down", http.StatusBadGateway) }), "0 directory.import.answered"},
		{http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }), "0 directory.import.silent"},
	}
}

// TestTwoThousand: a federation of 2,000 files, every tenth broken: all good ones
// come in, each broken one is named with its reason, and a day later, when those
// that were good break too, nothing is lost.
func TestTwoThousand(t *testing.T) {
	const n = 2000
	w := newWorld(t, dbtest.SQLite(t, "directory", migrations.Files), limits())
	var paths []string
	wrong := map[string]string{}
	for i := range n {
		path := fmt.Sprintf("/%d/organization.properties", i)
		paths = append(paths, path)
		if i%10 != 3 {
			w.set(path, organization(fmt.Sprintf("Chaton %d", i)))
			continue
		}
		b := breakages()[i/10%10]
		wrong[path] = b.want
		if b.page != nil {
			w.set(path, b.page)
		}
	}
	w.set("/fed", federation(paths...))

	began := time.Now()
	r := w.follow("/fed")
	t.Logf("%d good, %d broken in %s", r.Good, len(r.Broken), time.Since(began))
	if hosters, _ := w.count(); hosters != n-len(wrong) || r.Good != hosters+1 || len(r.Broken) != len(wrong) || r.Stopped != "" {
		t.Fatalf("%d hosters, %d good, %d broken, cut %q", hosters, r.Good, len(r.Broken), r.Stopped)
	}
	for path, want := range wrong {
		if said := w.broken(r, path); said != want {
			t.Errorf("%s: said %q, want %q", path, said, want)
		}
	}
	for i, path := range paths {
		want := fmt.Sprintf("Chaton %d", i)
		if wrong[path] != "" {
			want = ""
		}
		if h := w.hoster(path); h.Name != want {
			t.Errorf("%s is in as %q", path, h.Name)
		}
	}

	w.now = w.now.Add(30 * time.Hour)
	for i, path := range paths {
		if i%10 == 7 {
			w.set(path, breakages()[i/10%10].page)
		}
	}
	r = w.follow("/fed")
	if hosters, _ := w.count(); hosters != n-len(wrong) || r.Unchanged != n-2*len(wrong)+1 || len(r.Broken) != 2*len(wrong) {
		t.Errorf("a day later: %d hosters, %d unchanged, %d broken", hosters, r.Unchanged, len(r.Broken))
	}
}
