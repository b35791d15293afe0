package directory

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"entrechat/internal/core"
)

// filled is a form about a pad, as a person fills it in.
func filled() url.Values {
	return url.Values{
		"do": {"save"}, "name": {"Bloc à plusieurs"}, "kind": {"pad"}, "about": {"Écrire\r\nensemble <script>"}, "website": {"https://pad.chaton-a.test/"},
		"without": {"some"}, "register": {"on_request"}, "load": {"OPEN"}, "price": {"Prix libre"}, "limits": {"5 Go"}, "languages": {"fr;br"}, "town": {"Rennes"},
		"level": {"OK"}, "start": {"2024-02-29"}, "software": {"Etherpad"}, "version": {"2.0"},
	}
}

func TestServiceForm(t *testing.T) {
	r := nodeRoom(t)
	v := visit(t, r)
	if got := v.ask(http.MethodPost, "/admin/services/new", filled()); got.Code != http.StatusSeeOther || got.Header().Get("Location") != "/admin/services/bloc-a-plusieurs/published" {
		t.Fatalf("status %d to %s\n%s", got.Code, got.Header().Get("Location"), got.Body)
	}
	// What follows says so, where it is seen, and what comes next: nobody knows us yet.
	done := v.ask(http.MethodGet, "/admin/services/bloc-a-plusieurs/published", nil).Body.String()
	for _, says := range []string{"Bloc à plusieurs: published", `href="https://chaton-a.test/services/bloc-a-plusieurs"`, "chatonsinfos/bloc-a-plusieurs.properties", "The members are told nothing yet", `href="/admin/start"`} {
		if !strings.Contains(done, says) {
			t.Errorf("after publishing, nothing says %q\n%s", says, done)
		}
	}
	if got := v.ask(http.MethodPost, "/admin/start", introduction()); got.Header().Get("Location") != "/admin/start/published" {
		t.Errorf("status %d to %s", got.Code, got.Header().Get("Location"))
	}
	for path, says := range map[string]string{"/admin/start/published": "Chaton A: published", "/admin/services/bloc-a-plusieurs/published": "The members learn it from our logbook"} {
		if done := v.ask(http.MethodGet, path, nil).Body.String(); !strings.Contains(done, says) || strings.Contains(done, "told nothing") {
			t.Errorf("%s does not say %q\n%s", path, says, done)
		}
	}
	text, err := r.Own.Text("bloc-a-plusieurs")
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{"service.name = Bloc à plusieurs\n", "service.registration = Free\n", "service.registration.load = OPEN\n", "entrechat.register = on_request\n", "entrechat.kind = pad\n", `service.description = Écrire\nensemble <script>`} {
		if !strings.Contains(string(text), line) {
			t.Errorf("no %q in\n%s", line, text)
		}
	}
	page := v.ask(http.MethodGet, "/services/bloc-a-plusieurs", nil).Body.String()
	for _, says := range []string{"Sign-up on request", "Partly without an account", "Price: Prix libre", "Limits: 5 Go", "Languages: fr, br", "Machine in Rennes", "Collaborative text"} {
		if !strings.Contains(page, says) {
			t.Errorf("the page does not say %q\n%s", says, page)
		}
	}
	// Whoever edits the file by other ways is held to the same words.
	if _, err := r.Own.Change(t.Context(), "bloc-a-plusieurs", map[string]string{"entrechat.kind": "weapons"}); core.CodeOf(err) != core.CodeInvalid {
		t.Error(err)
	}
	// An end that is still to come is said, and is no end yet.
	if _, err := r.Own.Change(t.Context(), "bloc-a-plusieurs", map[string]string{"service.enddate": "2099-01-31"}); err != nil {
		t.Fatal(err)
	}
	if page := v.ask(http.MethodGet, "/services/bloc-a-plusieurs", nil).Body.String(); !strings.Contains(page, "Ends on 2099-01-31") || strings.Contains(page, "Ended") {
		t.Error(page)
	}
	if body := v.ask(http.MethodGet, "/admin/services/"+"bloc-a-plusieurs", nil).Body.String(); !strings.Contains(body, `value="Prix libre"`) || !strings.Contains(body, `<option value="on_request" selected>`) || !strings.Contains(body, "&lt;script&gt;") {
		t.Error(body)
	}
	if got := v.ask(http.MethodPost, "/admin/services/new", filled()); got.Code != core.CodeConflict.HTTPStatus() || !strings.Contains(got.Body.String(), "Prix libre") {
		t.Errorf("a second one of the same name: %d", got.Code)
	}
	if got := v.ask(http.MethodPost, "/admin/services/"+"bloc-a-plusieurs", url.Values{"do": {"withdraw"}}); got.Code != core.CodeInvalid.HTTPStatus() {
		t.Errorf("withdrawn without being sure: %d", got.Code)
	}
	if got := v.ask(http.MethodPost, "/admin/services/"+"bloc-a-plusieurs", url.Values{"do": {"withdraw"}, "sure": {"1"}}); got.Code != http.StatusSeeOther {
		t.Errorf("status %d", got.Code)
	}
	if _, err := r.Own.Text("bloc-a-plusieurs"); core.CodeOf(err) != core.CodeNotFound {
		t.Error(err)
	}
	for _, path := range []string{"/admin/services/" + "organization", "/admin/services/" + "none", "/admin/services/" + "..%2fx"} {
		for _, page := range []string{path, path + "/published"} {
			if got := v.ask(http.MethodGet, page, nil); got.Code != http.StatusNotFound && page != "/admin/services/organization/published" {
				t.Errorf("%s: status %d", page, got.Code)
			}
		}
	}
}

// TestWrongAnswers: each is shown again with all that was typed, and changes nothing.
func TestWrongAnswers(t *testing.T) {
	r := nodeRoom(t)
	v := visit(t, r)
	for why, change := range map[string]func(f url.Values){
		"no name":           func(f url.Values) { f.Set("name", " ") },
		"no such kind":      func(f url.Values) { f.Set("kind", "weapons") },
		"a script for link": func(f url.Values) { f.Set("website", "javascript:alert(1)") },
		"no date":           func(f url.Values) { f.Set("start", "yesterday") },
		"nobody can use it": func(f url.Values) { f.Set("without", "none"); f.Set("register", "") },
		"a line of its own": func(f url.Values) { f.Set("price", "1\x00") },
		"no button":         func(f url.Values) { f.Del("do") },
	} {
		f := filled()
		change(f)
		got := v.ask(http.MethodPost, "/admin/services/new", f)
		if got.Code != core.CodeInvalid.HTTPStatus() || !strings.Contains(got.Body.String(), "Prix libre") && why != "a line of its own" || !strings.Contains(got.Body.String(), `role="alert"`) {
			t.Errorf("%s: status %d\n%s", why, got.Code, got.Body)
		}
	}
	if files, err := r.Own.List(t.Context()); err != nil || len(files) != 0 {
		t.Errorf("%d files, %v", len(files), err)
	}
}
