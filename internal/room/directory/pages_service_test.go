package directory

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"entrechat/internal/core"
	"entrechat/internal/room/directory/statool"
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
	if got := v.ask(http.MethodPost, newPath, filled()); got.Code != http.StatusSeeOther || got.Header().Get("Location") != "/services/bloc-a-plusieurs" {
		t.Fatalf("status %d to %s\n%s", got.Code, got.Header().Get("Location"), got.Body)
	}
	text, err := r.ownText("bloc-a-plusieurs")
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
	if _, err := r.Change(t.Context(), "bloc-a-plusieurs", map[string]string{"entrechat.kind": "weapons"}); core.CodeOf(err) != core.CodeInvalid {
		t.Error(err)
	}
	// An end that is still to come is said, and is no end yet.
	if _, err := r.Change(t.Context(), "bloc-a-plusieurs", map[string]string{"service.enddate": "2099-01-31"}); err != nil {
		t.Fatal(err)
	}
	if page := v.ask(http.MethodGet, "/services/bloc-a-plusieurs", nil).Body.String(); !strings.Contains(page, "Ends on 2099-01-31") || strings.Contains(page, "Ended") {
		t.Error(page)
	}
	if body := v.ask(http.MethodGet, servicePath+"bloc-a-plusieurs", nil).Body.String(); !strings.Contains(body, `value="Prix libre"`) || !strings.Contains(body, `<option value="on_request" selected>`) || !strings.Contains(body, "&lt;script&gt;") {
		t.Error(body)
	}
	if got := v.ask(http.MethodPost, newPath, filled()); got.Code != core.CodeConflict.HTTPStatus() || !strings.Contains(got.Body.String(), "Prix libre") {
		t.Errorf("a second one of the same name: %d", got.Code)
	}
	if got := v.ask(http.MethodPost, servicePath+"bloc-a-plusieurs", url.Values{"do": {"withdraw"}}); got.Code != core.CodeInvalid.HTTPStatus() {
		t.Errorf("withdrawn without being sure: %d", got.Code)
	}
	if got := v.ask(http.MethodPost, servicePath+"bloc-a-plusieurs", url.Values{"do": {"withdraw"}, "sure": {"1"}}); got.Code != http.StatusSeeOther {
		t.Errorf("status %d", got.Code)
	}
	if _, err := r.ownText("bloc-a-plusieurs"); core.CodeOf(err) != core.CodeNotFound {
		t.Error(err)
	}
	for _, path := range []string{servicePath + "organization", servicePath + "none", servicePath + "..%2fx"} {
		if got := v.ask(http.MethodGet, path, nil); got.Code != http.StatusNotFound {
			t.Errorf("%s: status %d", path, got.Code)
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
		got := v.ask(http.MethodPost, newPath, f)
		if got.Code != core.CodeInvalid.HTTPStatus() || !strings.Contains(got.Body.String(), "Prix libre") && why != "a line of its own" || !strings.Contains(got.Body.String(), `role="alert"`) {
			t.Errorf("%s: status %d\n%s", why, got.Code, got.Body)
		}
	}
	if own, err := r.Own(t.Context()); err != nil || len(own) != 0 {
		t.Errorf("%d files, %v", len(own), err)
	}
}

// TestFormRoundTrip: a file says what was typed, the form shows it again, saving that
// changes nothing, and lines the form does not know keep their bytes.
func TestFormRoundTrip(t *testing.T) {
	word := rapid.StringMatching(`[A-Za-zé"<&$\\{}#!=:.,;' ]{1,30}`)
	rapid.Check(t, func(rt *rapid.T) {
		doc, err := statool.Parse([]byte("# ours\nx.own = ${HOME}\n\nservice.logo = https://a.test/logo.png\n"))
		if err != nil {
			rt.Fatal(err)
		}
		typed := url.Values{}
		for _, q := range questions() {
			switch {
			case !q.needed && rapid.Bool().Draw(rt, q.name+" is left out"):
			case q.values != nil:
				typed.Set(q.name, rapid.SampledFrom(q.values).Draw(rt, q.name))
			case q.kind == "url":
				typed.Set(q.name, "https://a.test/"+rapid.StringMatching(`[a-z0-9]{0,9}`).Draw(rt, q.name))
			case q.kind == "date":
				typed.Set(q.name, rapid.SampledFrom([]string{"2024-02-29", "1999-12-31"}).Draw(rt, q.name))
			case q.kind == "email":
				typed.Set(q.name, "contact@a.test")
			default:
				typed.Set(q.name, word.Filter(func(s string) bool { return tidy(s) != "" }).Draw(rt, q.name))
			}
		}
		if err := answer(doc, typed); err != nil {
			if typed.Get("register") == "" && typed.Get("without") != "all" && core.CodeOf(err) == core.CodeInvalid {
				return // nobody could use it
			}
			rt.Fatalf("%v: %v", typed, err)
		}
		for _, q := range questions() {
			want := tidy(typed.Get(q.name))
			if q.name == "load" && typed.Get("register") == "nobody" {
				continue // the format says "nobody new" by being full
			}
			if got, _ := doc.Get(q.key); got != want {
				rt.Fatalf("%s: %q was typed, the file says %q", q.name, want, got)
			}
		}
		before := string(doc.Bytes())
		for _, line := range []string{"# ours\nx.own = ${HOME}\n\n", "service.logo = https://a.test/logo.png\n"} {
			if !strings.Contains(before, line) {
				rt.Fatalf("%q is gone from\n%s", line, before)
			}
		}
		again, err := statool.Parse([]byte(before))
		if err != nil {
			rt.Fatal(err)
		}
		shown := url.Values{}
		for _, q := range questions() {
			value, _ := again.Get(q.key)
			shown.Set(q.name, value)
		}
		if err := answer(again, shown); err != nil || string(again.Bytes()) != before {
			rt.Fatalf("saving what is shown changes the file: %v\n%s\n%s", err, before, again.Bytes())
		}
	})
}
