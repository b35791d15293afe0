package ability

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"entrechat/internal/kit/db"
	"entrechat/internal/kit/dbtest"
	"entrechat/internal/kit/web"
	"entrechat/internal/kit/words"
	"entrechat/internal/room/custody/migrations"
	"entrechat/internal/room/custody/person"
)

// office serves the pages, without the guard of the site: who may see admins' pages is its
// own test.
func (w *world) office(lang string) (do func(method, path string, pairs ...string) (status int, next, body string)) {
	w.t.Helper()
	cat, err := words.New(web.Words, Words, person.Words)
	if err != nil {
		w.t.Fatal(err)
	}
	site := web.New(web.Needs{
		DB: dbtest.SQLite(w.t, "web", web.Migrations()), Words: cat, Lang: lang, URL: "http://127.0.0.1", Now: time.Now, Log: slog.New(slog.DiscardHandler),
		Host: func(context.Context) web.Host { return web.Host{Name: "Chaton A", Origin: "chaton-a.test"} },
	})
	mux := http.NewServeMux()
	for _, r := range w.Pages(site).Routes {
		mux.Handle(r.Pattern, r.Handler)
	}
	return func(method, path string, pairs ...string) (int, string, string) {
		w.t.Helper()
		form := url.Values{}
		for i := 0; i+1 < len(pairs); i += 2 {
			form.Set(pairs[i], pairs[i+1])
		}
		r := httptest.NewRequestWithContext(w.t.Context(), method, path, strings.NewReader(form.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		a := httptest.NewRecorder()
		mux.ServeHTTP(a, r)
		body, err := io.ReadAll(a.Body)
		if err != nil {
			w.t.Fatal(err)
		}
		return a.Code, a.Header().Get("Location"), string(body)
	}
}

// TestPagesThroughAProof: from nothing to a figure, by the pages alone.
func TestPagesThroughAProof(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t, "custody", migrations.Files))
	do := w.office("en")
	if status, _, body := do("GET", Path); status != http.StatusOK || !strings.Contains(body, "No card yet") {
		t.Fatalf("empty: %d %s", status, body)
	}
	ana, bea := w.person("Ana <b>"), w.person("Bea")
	if status, _, body := do("POST", Path+"/add", "name", "Cleo", "key", "nonsense"); status != http.StatusBadRequest || !strings.Contains(body, "no public key that we take") || !strings.Contains(body, `value="Cleo"`) {
		t.Errorf("a bad key: %d %s", status, body)
	}
	if status, next, _ := do("POST", abilityPath+"/add", "kind", "bank", "service", ""); status != http.StatusSeeOther || next != Path {
		t.Fatalf("noted: %d %s", status, next)
	}
	all, err := w.All(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	status, next, _ := do("POST", provePath, "ability", all[0].ID, "person", string(ana.ID))
	if status != http.StatusSeeOther || !strings.HasPrefix(next, proofPath+"/") {
		t.Fatalf("begun: %d %s", status, next)
	}
	_, _, body := do("GET", next)
	line := lineOf(t, body)
	signature := w.sign(ana.ID, line)
	status, then, _ := do("POST", next, "signature", signature, "witness", string(bea.ID))
	if status != http.StatusSeeOther || then != next+"?witness="+string(bea.ID) {
		t.Fatalf("the second person is asked: %d %s", status, then)
	}
	_, _, body = do("GET", then)
	seen := w.sign(bea.ID, strings.Replace(lineOf(t, body[strings.Index(body, "entrechat-witness"):]), "\n", "", 1)+"\n")
	if status, _, body := do("POST", then, "signature", signature, "witness", string(bea.ID), "seen", signature); status != http.StatusConflict || !strings.Contains(body, "not this person") {
		t.Errorf("a signature of another: %d %s", status, body)
	}
	if status, last, body := do("POST", then, "signature", signature, "witness", string(bea.ID), "seen", seen); status != http.StatusSeeOther || last != Path {
		t.Fatalf("confirmed: %d %s %s", status, last, body)
	}
	_, _, body = do("GET", Path)
	for _, want := range []string{"1 (bank: only one person)", "Ana &lt;b&gt;", `class="cell fine"`, `class="cell none"`, "never proved"} {
		if !strings.Contains(body, want) {
			t.Errorf("the page lacks %q: %s", want, body)
		}
	}
	if strings.Contains(body, "Ana <b>") {
		t.Error("a name is not escaped")
	}
	leavesByPage(t, w, do, ana)
}

func lineOf(t *testing.T, body string) string {
	t.Helper()
	found := regexp.MustCompile(`entrechat-(proof|witness)/1 [a-z0-9. -]+`).FindString(body)
	if found == "" {
		t.Fatalf("no line to sign: %s", body)
	}
	return strings.TrimSpace(found) + "\n"
}

func leavesByPage(t *testing.T, w *world, do func(method, path string, pairs ...string) (int, string, string), ana person.Card) {
	t.Helper()
	path := Path + "/" + string(ana.ID)
	if _, _, body := do("GET", path); !strings.Contains(body, "1 (bank: only one person) before, 0 (bank: nobody has proved it) after") {
		t.Errorf("if she leaves: %s", body)
	}
	if status, _, _ := do("POST", path, "typed", "Bea"); status != http.StatusBadRequest {
		t.Errorf("another name: %d", status)
	}
	if status, _, _ := do("POST", path, "typed", ana.Name); status != http.StatusSeeOther {
		t.Errorf("leaves: %d", status)
	}
	if _, _, body := do("GET", path); !strings.Contains(body, "This person has left") || strings.Contains(body, "planted.test") {
		t.Errorf("after: %s", body)
	}
}

// TestMailScannerProvesNothing: whoever follows every link of the mail, as a scanner does,
// proves nothing; pressing the button does. Scenario 12 of the founding report.
func TestMailScannerProvesNothing(t *testing.T) {
	dbtest.Each(t, "custody", migrations.Files, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		for _, lang := range []string{"fr", "en"} {
			do := w.office(lang)
			ana := w.person("Ana " + lang)
			a := w.add("", Mailbox, lang+"@chaton-a.test")
			w.prove(a, ana)
			link := regexp.MustCompile(`https://chaton-a\.test(/\S+)`).FindStringSubmatch(w.post.text[len(w.post.text)-1])
			for range 3 {
				if status, _, body := do("GET", link[1]); status != http.StatusOK || !strings.Contains(body, a.Subject) {
					t.Fatalf("the page: %d %s", status, body)
				}
				do("HEAD", link[1])
			}
			if f, err := w.Facts(t.Context()); err != nil || provedBy(f, a) {
				t.Errorf("a scanner proved it: %v", err)
			}
			if status, _, _ := do("POST", link[1][:len(link[1])-1]+"x"); status != http.StatusNotFound {
				t.Errorf("another token: %d", status)
			}
			if status, _, body := do("POST", link[1]); status != http.StatusOK {
				t.Errorf("the button: %d %s", status, body)
			}
			if f, err := w.Facts(t.Context()); err != nil || !provedBy(f, a) {
				t.Errorf("the button proved nothing: %v", err)
			}
			if status, _, _ := do("POST", link[1]); status != http.StatusNotFound {
				t.Errorf("twice: %d", status)
			}
		}
	})
}

func provedBy(f Facts, a Ability) bool {
	for _, h := range f.Holdings {
		if h.Ability == a.ID {
			return true
		}
	}
	return false
}
