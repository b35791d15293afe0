package imports_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/dbtest"
	"entrechat/internal/room/directory/catalogue"
	"entrechat/internal/room/directory/migrations"
)

// TestStory is the life of a few files, on both engines.
func TestStory(t *testing.T) {
	dbtest.Each(t, "directory", migrations.Files, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d, limits())
		w.set("/fed", federation("/a", "/b"))
		w.set("/a", organization("Chaton A", "/a/pad", "/a/meet"))
		w.set("/b", organization("Chaton B"))
		w.set("/a/pad", service("Pad"))
		w.set("/a/meet", service("Meet"))

		r := w.follow("/fed")
		if r.Good != 5 || r.Unchanged != 0 || len(r.Broken) != 0 || r.Hosters != 2 || r.Services != 2 {
			t.Fatalf("first: %+v", r)
		}
		want := strings.ReplaceAll(organization("Chaton A", "/a/pad", "/a/meet"), "BASE", w.url)
		sum := sha256.Sum256([]byte(want))
		a := w.file("/a")
		if w.text("/a") != want || a.Hash != hex.EncodeToString(sum[:]) || a.Typed || a.Unverified || len(a.From) != 1 || a.Got != core.At(w.now) {
			t.Errorf("kept %+v\n%q", a, w.text("/a"))
		}
		if h := w.hoster("/a"); h.Name != "Chaton A" || h.File != w.url+"/a" || h.Author.Heard != core.At(w.now) {
			t.Errorf("listing %+v", h)
		}

		// A visitor finds it.
		found, err := w.store.Find(t.Context(), catalogue.Query{Text: "meet", Kind: catalogue.KindPad})
		if err != nil || found.Total != 1 || found.Services[0].Service.Name != "Meet" || found.Services[0].Hoster.Name != "Chaton A" {
			t.Errorf("found %+v, %v", found, err)
		}

		// Nothing changed: nothing is sent again, and it was heard.
		first, sent := w.now, w.sent
		w.now = w.now.Add(30 * time.Hour)
		if r = w.follow("/fed"); r.Good != 0 || r.Unchanged != 5 || w.sent != sent {
			t.Errorf("second: %+v, %d bodies sent", r, w.sent-sent)
		}
		if a = w.file("/a"); a.Got != core.At(first) || a.Heard != core.At(w.now) || w.hoster("/a").Author.Heard != core.At(w.now) || w.services("/a")["s0"].Author.Heard != core.At(w.now) {
			t.Errorf("heard %+v", a)
		}

		// One breaks, one changes, one is withdrawn.
		w.set("/b", "<!doctype html>")
		w.set("/a", organization("Chaton A, again", "/a/pad"))
		r = w.follow("/fed")
		if r.Good != 1 || r.Unchanged != 2 || len(r.Broken) != 1 || w.broken(r, "/b") != "0 directory.statool.web_page" || !r.Broken[0].Retained {
			t.Errorf("third: %+v", r)
		}
		if hosters, services := w.count(); hosters != 2 || services != 1 || w.hoster("/b").Name != "Chaton B" {
			t.Errorf("%d hosters, %d services", hosters, services)
		}
		if b := w.file("/b"); b.Strikes != 1 || !strings.Contains(w.text("/b"), "Chaton B") {
			t.Errorf("broken %+v", b)
		}

		// It comes back as it was.
		w.set("/b", organization("Chaton B"))
		if r = w.follow("/fed"); len(r.Broken) != 0 || w.file("/b").Strikes != 0 || w.file("/b").Trouble.Key != "" {
			t.Errorf("back: %+v", r)
		}

		// What no list leads to goes after a while, not at once.
		w.set("/fed", federation("/a"))
		w.follow("/fed")
		w.now = w.now.Add(6 * 24 * time.Hour)
		if w.follow("/fed"); w.file("/b").URL == "" || w.hoster("/b").Name == "" {
			t.Error("a hoster went as soon as a list forgot it")
		}
		w.now = w.now.Add(2 * 24 * time.Hour)
		w.follow("/fed")
		if hosters, _ := w.count(); hosters != 1 || w.file("/b").URL != "" || w.file("/a/meet").URL != "" {
			t.Errorf("%d hosters after all", hosters)
		}

		if _, err := w.Forget(t.Context(), w.url+"/a"); core.CodeOf(err) != core.CodeConflict {
			t.Errorf("a listed file was forgotten: %v", err)
		}
		n, err := w.Forget(t.Context(), w.url+"/fed")
		if hosters, _ := w.count(); err != nil || n != 3 || hosters != 0 {
			t.Errorf("%d went, %d hosters stay, %v", n, hosters, err)
		}
		if _, err := w.Forget(t.Context(), w.url+"/fed"); core.CodeOf(err) != core.CodeNotFound {
			t.Error(err)
		}
	})
}

// TestStrikes: who fails is asked again soon, twice; then once a day, for ever, and
// keeps its place.
func TestStrikes(t *testing.T) {
	w := sqlite(t)
	w.set("/fed", federation("/a", "/b"))
	w.set("/a", organization("Chaton A"))
	w.set("/b", organization("Chaton B"))
	w.follow("/fed")
	w.set("/b", nil)
	w.now = w.now.Add(27 * time.Hour)
	w.times("/b")
	var hours []int
	for hour := range 24 * 10 {
		if err := w.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
		if w.times("/b") > 0 {
			hours = append(hours, hour)
		}
		if hour == 3 { // by hand too
			if r := w.follow("/fed"); r.NotAsked != 1 || w.broken(r, "/b") != "0 directory.import.answered" || w.times("/b") != 0 {
				t.Errorf("by hand: %+v", r)
			}
		}
		w.now = w.now.Add(time.Hour)
	}
	if len(hours) < 11 || len(hours) > 13 || hours[0] != 0 || hours[1] != 1 || hours[2] != 2 || hours[3] < 26 {
		t.Errorf("asked at hours %v", hours)
	}
	if b := w.file("/b"); b.Strikes != len(hours) || w.hoster("/b").Name != "Chaton B" {
		t.Errorf("after ten days: %+v", b)
	}
	if n := w.times("/a"); n < 9 || n > 12 {
		t.Errorf("a good file was asked %d times in ten days", n)
	}
	// Its own admin need not wait.
	w.set("/b", organization("Chaton B is back"))
	if r := w.follow("/b"); r.Good != 1 || w.hoster("/b").Name != "Chaton B is back" {
		t.Errorf("%+v", r)
	}
}

// TestTwice: a service that a hoster lists under two names is one service.
func TestTwice(t *testing.T) {
	w := sqlite(t)
	w.set("/a", organization("A", "/pad", "/pad", "/none", "/none"))
	w.set("/pad", service("Pad"))
	r := w.follow("/a")
	if _, services := w.count(); services != 1 || len(r.Broken) != 1 || w.times("/pad") != 1 || w.times("/none") != 1 {
		t.Errorf("%d services, %+v", services, r)
	}
}

// TestUnmarked: a server that marks nothing is asked for the whole file, and what is
// the same is unchanged.
func TestUnmarked(t *testing.T) {
	w := sqlite(t)
	w.set("/a", http.HandlerFunc(func(out http.ResponseWriter, _ *http.Request) { _, _ = out.Write([]byte(organization("A"))) }))
	w.follow("/a")
	got := w.file("/a").Got
	w.now = w.now.Add(time.Hour)
	if r := w.follow("/a"); r.Unchanged != 1 || r.Good != 0 || w.file("/a").Got != got {
		t.Errorf("%+v", r)
	}
}

// TestSilentHosterIsAsOldAsItIs: the age of a listing is that of the file's last good
// answer, not of the walk that found nobody at home.
func TestSilentHosterIsAsOldAsItIs(t *testing.T) {
	w := sqlite(t)
	w.set("/a", organization("A", "/pad"))
	w.set("/pad", service("Pad"))
	w.follow("/a")
	heard := core.At(w.now)
	w.set("/a", nil)
	w.now = w.now.Add(30 * time.Hour)
	w.follow("/a")
	if h, s := w.hoster("/a").Author.Heard, w.services("/a")["s0"].Author.Heard; h != heard || s != core.At(w.now) {
		t.Errorf("hoster heard %v, service %v", h.Time(), s.Time())
	}
}

// TestOtherClass: an address that begins to give another kind of file keeps the one
// that it was imported for.
func TestOtherClass(t *testing.T) {
	w := sqlite(t)
	w.set("/a", organization("A"))
	w.follow("/a")
	w.set("/a", service("Pad"))
	if r := w.follow("/a"); w.broken(r, "/a") != "1 directory.import.wrong_class" || w.hoster("/a").Name != "A" {
		t.Errorf("%+v", r)
	}
}

// TestInterrupted: who stops an import strikes nobody.
func TestInterrupted(t *testing.T) {
	w := sqlite(t)
	w.set("/fed", federation("/a"))
	w.set("/a", organization("A"))
	w.follow("/fed")
	ctx, stop := context.WithCancel(t.Context())
	w.set("/a", http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		stop()
		<-r.Context().Done()
	}))
	if _, err := w.Import(ctx, w.url+"/fed"); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if a := w.file("/a"); a.Strikes != 0 || a.Trouble.Key != "" {
		t.Errorf("struck: %+v", a)
	}
}

// TestBytes: a walk takes no more than its share, and says so.
func TestBytes(t *testing.T) {
	l := limits()
	l.Bytes, l.PerHost = 3000, 1
	w := newWorld(t, dbtest.SQLite(t, "directory", migrations.Files), l)
	w.set("/fed", federation("/a", "/b", "/c"))
	for _, path := range []string{"/a", "/b", "/c"} {
		w.set(path, organization("Long")+"x = "+strings.Repeat("x", 2000)+"\n")
	}
	if r := w.follow("/fed"); r.Stopped != "directory.import.cut_bytes" || r.Good != 3 || len(r.Broken) != 0 {
		t.Errorf("%+v", r)
	}
	if err := w.Refresh(t.Context()); err != nil || w.hoster("/c").Name != "Long" {
		t.Errorf("the rest did not follow: %v", err)
	}
}

// TestMistyped: what never was a good file is not kept.
func TestMistyped(t *testing.T) {
	w := sqlite(t)
	w.set("/metrics", "file.class = Metrics\nmetrics.x.2026.months = 1\n")
	w.set("/noname", "file.class = Organization\n\norganization.name =\n")
	for typed, want := range map[string]string{
		"": "directory.import.bad_address", "nonsense": "directory.import.bad_address", "file:///etc/passwd": "directory.import.bad_address",
		"https://u:p@x.test/": "directory.import.bad_address", "https://x.test/" + strings.Repeat("x", 600): "directory.import.bad_address",
		w.url + "/none": "directory.import.refused", w.url + "/metrics": "directory.import.refused", w.url + "/noname": "directory.import.refused",
	} {
		_, err := w.Import(t.Context(), typed)
		if core.CodeOf(err) != core.CodeInvalid || keyOf(err) != want {
			t.Errorf("%.80q: %v", typed, err)
		}
	}
	if all, err := w.Files(t.Context()); len(all) != 0 || err != nil {
		t.Errorf("kept %+v, %v", all, err)
	}
}

// TestWhoseService: a hoster speaks for its own hosts; what it lists elsewhere is
// kept and marked. A federation lists others by nature.
func TestWhoseService(t *testing.T) {
	w, other := sqlite(t), sqlite(t)
	other.set("/claimed", strings.ReplaceAll(service("Claimed"), "BASE", other.url))
	w.set("/own", service("Own"))
	w.set("/a", organization("A", "/own")+"subs.theirs = "+other.url+"/claimed\n")
	w.follow("/a")
	for slug, unverified := range map[string]bool{"s0": false, "theirs": true} {
		if s, ok := w.services("/a")[slug]; !ok || s.Unverified != unverified {
			t.Errorf("%s: %+v", slug, s)
		}
	}
	all, err := w.Files(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range all {
		if f.Unverified != (f.URL == other.url+"/claimed") {
			t.Errorf("%s is unverified: %v", f.URL, f.Unverified)
		}
	}
	other.set("/fed", "file.class = Federation\nfederation.name = F\nsubs.a = "+w.url+"/a\n")
	if other.follow("/fed"); other.file("/fed").Unverified {
		t.Error("a federation lists nobody else")
	}
}

// TestLoneService: a service without a hoster goes by its host's name, until a
// hoster's file leads to it.
func TestLoneService(t *testing.T) {
	w := sqlite(t)
	w.set("/pad", service("Pad"))
	w.follow("/pad")
	if h := w.hoster("/pad"); h.Name != strings.TrimPrefix(w.url, "http://") || len(w.services("/pad")) != 1 {
		t.Errorf("%+v", h)
	}
	w.set("/a", organization("A", "/pad"))
	w.follow("/a")
	w.follow("/pad")
	if hosters, services := w.count(); hosters != 1 || services != 1 {
		t.Errorf("%d hosters, %d services", hosters, services)
	}
}

// TestPolite: no host is asked by more than a few at once, nor without a pause.
func TestPolite(t *testing.T) {
	l := limits()
	l.PerHost, l.Pause = 2, 30*time.Millisecond
	w := newWorld(t, dbtest.SQLite(t, "directory", migrations.Files), l)
	now, most := make(chan struct{}, 100), 0
	var paths []string
	for name := range strings.SplitSeq("abcdefghijklmnopqrst", "") {
		paths = append(paths, "/"+name)
		w.set("/"+name, http.HandlerFunc(func(out http.ResponseWriter, _ *http.Request) {
			now <- struct{}{}
			w.mu.Lock()
			most = max(most, len(now))
			w.mu.Unlock()
			time.Sleep(5 * time.Millisecond)
			<-now
			_, _ = out.Write([]byte(organization(name)))
		}))
	}
	w.set("/fed", federation(paths...))
	began := time.Now()
	if r := w.follow("/fed"); r.Good != 21 {
		t.Errorf("%+v", r)
	}
	if took := time.Since(began); most > 2 || took < 9*30*time.Millisecond {
		t.Errorf("%d at once, 20 files in %s", most, took)
	}
}
