package forms

import (
	"net/url"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"entrechat/internal/core"
	"entrechat/internal/room/directory/own"
	"entrechat/internal/room/directory/statool"
)

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
				typed.Set(q.name, word.Filter(func(s string) bool { return own.Tidy(s) != "" }).Draw(rt, q.name))
			}
		}
		if err := answer(doc, typed); err != nil {
			if typed.Get("register") == "" && typed.Get("without") != "all" && core.CodeOf(err) == core.CodeInvalid {
				return // nobody could use it
			}
			rt.Fatalf("%v: %v", typed, err)
		}
		for _, q := range questions() {
			want := own.Tidy(typed.Get(q.name))
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
