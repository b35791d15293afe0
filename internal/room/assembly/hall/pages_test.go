package hall

import (
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"entrechat/internal/room/assembly/decision"
	"entrechat/internal/room/assembly/tally"
)

// everywhere is all that anybody may read of a decision.
func (w *world) everywhere(id string) map[string]string {
	w.Helper()
	out := map[string]string{}
	for _, path := range []string{Path, Path + "/" + id, Path + "/" + id + "/minutes", Path + "/" + id + "/minutes.md", feedPath, datesPath} {
		for _, lang := range []string{"fr", "en"} {
			out[path+"?lang="+lang] = w.get(path + "?lang=" + lang)
		}
	}
	return out
}

func contains(t *testing.T, text string, wants ...string) {
	t.Helper()
	for _, want := range wants {
		if !strings.Contains(text, want) {
			t.Errorf("lacks %q:\n%s", want, text)
		}
	}
}

// From the form to the minutes, by pages alone: a proposal from a need, seen before it goes out,
// an objection, a new version, a vote that stays sealed, a count.
func TestFromTheFormToTheMinutes(t *testing.T) {
	w := newWorld(t, 3, false)
	w.do(http.MethodGet, AdminPath, http.StatusSeeOther, nil) // to the page to sign in
	w.admin = true
	contains(t, w.get(AdminPath), "Nothing waits for us", NewPath)
	form := w.get(NewPath + "?need=NEED")
	contains(t, form, `value="A calendar"`, "Share a calendar", `name="need" value="NEED"`, `value="consent" checked`)
	if len(form) > 15<<10 {
		t.Errorf("the form has %d bytes", len(form))
	}
	typed := url.Values{"kind": {"consent"}, "title": {"Un agenda chez chacun"}, "text": {"Chacun en ouvre un."}, "review": {"2027-12-01"}, "need": {"NEED"}}
	preview, _, _ := w.do(http.MethodPost, NewPath, http.StatusOK, typed)
	contains(t, preview, "Nothing went out yet", "Chacun en ouvre un.", `action="/admin/decisions/send"`, "jeune.test", "chaton-c.test", "/needs#need-NEED")
	if all, err := w.nodes[0].List(t.Context(), most); err != nil || len(all) != 0 {
		t.Fatalf("a preview went out: %v %v", all, err)
	}
	w.do(http.MethodPost, NewPath, http.StatusBadRequest, url.Values{"kind": {"consent"}, "title": {""}, "text": {"x"}})
	again, _, _ := w.do(http.MethodPost, NewPath, http.StatusOK, url.Values{"do": {"change"}, "title": {"Kept"}, "kind": {"poll"}, "options": {"a\nb"}})
	contains(t, again, `value="Kept"`, `value="poll" checked`, "a\nb</textarea>")
	here := w.post(sendPath, typed)
	id := strings.TrimPrefix(here, AdminPath+"/")
	w.run()
	contains(t, w.get(here), "Make a remark", "Object", "Propose a new version", "Take one of our texts back")
	contains(t, w.get(Path), "Un agenda chez chacun", "It is talked about until 2026-12-07")

	_, err := w.nodes[2].Object(t.Context(), id, decision.Harm{Harm: "Nos disques sont pleins.", Whom: "Les petits hébergeurs d'ici", Lift: "Un plafond pour chacun"})
	w.must(err)
	w.run()
	contains(t, w.get(Path+"/"+id), "Nos disques sont pleins.", "Un plafond pour chacun", "stands", "jeune.test", "2026-12-30")
	version := w.get(NewPath + "?replaces=" + id)
	contains(t, version, "Chacun en ouvre un.", `name="replaces"`)
	w.pass(time.Hour, time.Hour)
	here = w.post(sendPath, url.Values{"replaces": {id}, "title": {"Un agenda chez chacun"}, "text": {"Avec un plafond."}, "review": {"2027-12-01"}})
	first := id
	id = strings.TrimPrefix(here, AdminPath+"/")
	w.run()
	w.must(w.nodes[2].Lift(t.Context(), id))
	w.run()
	contains(t, w.get(Path+"/"+id), "lifted on", Path+"/"+first)
	contains(t, w.get(Path+"/"+first), "A newer version took its place")

	w.do(http.MethodGet, here+"/vote", http.StatusConflict, nil) // not yet
	w.pass(7*oneDay, 12*time.Hour)
	contains(t, w.get(AdminPath), "Our voice is asked for")
	contains(t, w.get(here), here+"/vote")
	contains(t, w.get(here+"/vote"), `value="agree"`, `value="aside"`, here+"/object")
	w.do(http.MethodPost, here+"/vote", http.StatusBadRequest, url.Values{})
	w.post(here+"/vote", url.Values{"stance": {"concern"}})
	contains(t, w.get(here), "Our ballot is sealed: Agree, with a concern. It opens by itself on 2026-12-14")
	contains(t, w.get(AdminPath), "Nothing waits for us")
	for _, n := range w.nodes[1:] {
		_, err := n.Vote(t.Context(), id, tally.Choice{Stance: tally.Aside}, "")
		w.must(err)
	}
	w.pass(11*oneDay, 3*time.Hour)
	contains(t, w.get(Path+"/"+id), "Passed", "agrees, with a concern", "stands aside", "Counted alike by 3 of 3")
	contains(t, w.get(Path+"/"+id+"/minutes.md"), "| chaton-a.test | agrees, with a concern |", "# Un agenda chez chacun")
	_, _, head := w.do(http.MethodGet, Path+"/"+id+"/minutes", http.StatusOK, nil)
	if policy := head.Get("Content-Security-Policy"); !strings.Contains(policy, "style-src 'sha256-") || strings.Contains(policy, "script") {
		t.Error(policy)
	}
	contains(t, w.get(Path), "Passed (counted")
	contains(t, w.get(datesPath), "BEGIN:VCALENDAR")
}

// Nobody learns from any page, feed or calendar what was voted before the count is due: neither
// when ballots are in the database, nor when they are open in logbooks.
func TestNoStanceBeforeTheCount(t *testing.T) {
	w := newWorld(t, 3, false)
	id := w.propose(w.nodes[0], decision.Draft{Kind: tally.KindConsent, Title: "A title"})
	choice := w.propose(w.nodes[1], decision.Draft{Kind: tally.KindChoice, Title: "Which one", Options: []string{"First", "Second"}})
	w.pass(7*oneDay+time.Hour, 12*time.Hour)
	before, beforeChoice := w.everywhere(id), w.everywhere(choice)
	for i, n := range w.nodes {
		_, err := n.Vote(t.Context(), id, tally.Choice{Stance: tally.Aside}, "")
		w.must(err)
		_, err = n.Vote(t.Context(), choice, tally.Choice{Grades: []int{5 - i, i}}, "")
		w.must(err)
	}
	w.run()
	quiet := func(before map[string]string, id string) {
		t.Helper()
		for path, text := range w.everywhere(id) {
			for _, word := range []string{"stands aside", "se met de côté", "Excellent", "agrees", "objects", "d'accord", "d&#39;accord"} {
				if strings.Contains(text, word) {
					t.Errorf("%s says %q at %v:\n%s", path, word, w.at, text)
				}
			}
			if strings.HasPrefix(path, datesPath) && text != before[path] {
				t.Errorf("%s changed", path)
			}
		}
	}
	quiet(before, id)
	quiet(beforeChoice, choice)
	w.pass(7*oneDay+12*time.Hour, 3*time.Hour) // ballots are open in logbooks
	v, err := w.nodes[0].View(t.Context(), id)
	w.must(err)
	if !v.Electorate[0].Opened || !v.Electorate[2].Opened || v.Count != nil {
		t.Fatalf("%+v", v.Electorate)
	}
	quiet(before, id)
	quiet(beforeChoice, choice)
	w.pass(4*oneDay, 2*time.Hour)
	contains(t, w.get(Path+"/"+id), "stands aside")
	contains(t, w.get(Path+"/"+choice), "Majority grade", "5 Excellent")
}

// Who has no session changes nothing, whatever they send.
func TestStrangersChangeNothing(t *testing.T) {
	w := newWorld(t, 3, false)
	id := w.propose(w.nodes[0], decision.Draft{Kind: tally.KindConsent, Title: "A title"})
	w.pass(7*oneDay+time.Hour, 12*time.Hour)
	before := w.written()
	for _, act := range []string{"vote", "approve", "object", "lift", "remark", "review", "withdraw", "nothing"} {
		w.do(http.MethodPost, AdminPath+"/"+id+"/"+act, http.StatusForbidden, url.Values{"stance": {"agree"}, "text": {"a b c"}, "harm": {"a b c"}, "whom": {"a b c"}, "lift": {"a b c"}, "doc": {id}})
	}
	for _, path := range []string{NewPath, sendPath} {
		w.do(http.MethodPost, path, http.StatusForbidden, url.Values{"kind": {"consent"}, "title": {"Another"}, "text": {"x"}, "review": {"2028-01-01"}})
	}
	for _, path := range []string{Path, Path + "/" + id, feedPath} {
		w.do(http.MethodPost, path, http.StatusNotFound, nil)
	}
	w.run()
	if got := w.written(); got != before {
		t.Errorf("%d entries, before %d", got, before)
	}
	if all, err := w.nodes[0].List(t.Context(), most); err != nil || len(all) != 1 {
		t.Errorf("%v %v", all, err)
	}
	w.admin = true
	for _, path := range []string{"/nothing", "/" + strings.Repeat("f", 64), "/" + id + "/nothing", "/" + id + "/lift", "/" + id + "/review"} {
		status := http.StatusNotFound
		if strings.HasSuffix(path, "lift") || strings.HasSuffix(path, "review") {
			status = http.StatusConflict
		}
		w.do(http.MethodGet, AdminPath+path, status, nil)
		if status == http.StatusConflict {
			w.do(http.MethodPost, AdminPath+path, status, nil)
		}
	}
}

// What members write is text on every page.
func TestHostileTexts(t *testing.T) {
	w := newWorld(t, 3, false)
	w.admin = true
	for i, text := range []string{
		"<img src=x onerror=alert(1)> <script>alert(1)</script>", strings.Repeat("x", 20_000), strings.Repeat("é*_[", 5000), strings.Repeat("مرحبا **بالعالم** ", 500),
		"# A heading\n\n</main></body>\n\n[a](javascript:alert(1))", "END:VEVENT\n\n]]>",
	} {
		title := "T " + strings.Join(strings.Fields(string([]rune(text)[:min(100, len([]rune(text)))])), " ")
		preview, _, _ := w.do(http.MethodPost, NewPath, http.StatusOK, url.Values{"kind": {"choice"}, "title": {title}, "text": {text}, "options": {title + "\n<b>second"}, "review": {"2028-12-01"}})
		harmless(t, preview)
		id := w.propose(w.nodes[i%3], decision.Draft{Kind: tally.KindChoice, Title: title, Text: strings.TrimSpace(text), Options: []string{title, "<b>second"}})
		_, err := w.nodes[1].Say(t.Context(), id, strings.TrimSpace(string([]rune(text)[:min(4000, len([]rune(text)))])))
		w.must(err)
		part := "a b c " + strings.TrimSpace(string([]rune(text)[:min(1900, len([]rune(text)))]))
		_, err = w.nodes[2].Object(t.Context(), id, decision.Harm{Harm: part, Whom: part, Lift: part})
		w.must(err)
		w.run()
		for _, page := range w.everywhere(id) {
			harmless(t, page)
		}
		for _, path := range []string{AdminPath, AdminPath + "/" + id, AdminPath + "/" + id + "/remark"} {
			harmless(t, w.get(path))
		}
		w.pass(7*oneDay+time.Hour, 2*oneDay)
		harmless(t, w.get(AdminPath+"/"+id+"/vote"))
		w.pass(14*oneDay, oneDay)
		for _, page := range w.everywhere(id) {
			harmless(t, page)
		}
	}
	// A mark that turns what follows is refused where it is typed.
	w.do(http.MethodPost, NewPath, http.StatusBadRequest, url.Values{"kind": {"consent"}, "title": {"pay \u202Eme"}, "text": {"\u202Ex"}, "review": {"2029-01-01"}})
	w.do(http.MethodPost, NewPath, http.StatusBadRequest, url.Values{"kind": {"consent"}, "title": {"long"}, "text": {strings.Repeat("x", 20_001)}, "review": {"2029-01-01"}})
	w.do(http.MethodPost, NewPath, http.StatusBadRequest, url.Values{"kind": {"consent"}, "title": {"long"}, "text": {strings.Repeat("x", 1<<20)}, "review": {"2029-01-01"}})
}

// harmless fails where a text of a member became a part of the page.
func harmless(t *testing.T, page string) {
	t.Helper()
	if strings.ContainsAny(page, "\u202e\u2066\x1b") {
		t.Error("a mark that turns text")
	}
	if !strings.HasPrefix(page, "<!doctype") {
		return // no browser reads it as HTML
	}
	root, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	for n := range root.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		if slices.Contains([]string{"script", "iframe", "object", "b"}, n.Data) {
			t.Errorf("<%s> in\n%.3000s", n.Data, page)
		}
		for _, a := range n.Attr {
			if a.Key == "style" || strings.HasPrefix(a.Key, "on") || strings.HasPrefix(a.Val, "javascript:") || a.Key == "src" && a.Val == "x" {
				t.Errorf("%s=%q in\n%.3000s", a.Key, a.Val, page)
			}
		}
	}
}

// Two of our admins have to agree where the hoster wants it: the second sees what is voted.
func TestFourEyesByPages(t *testing.T) {
	w := newWorld(t, 3, true)
	w.admin = true
	id := w.propose(w.nodes[1], decision.Draft{Kind: tally.KindChoice, Title: "Which one", Options: []string{"First", "Second"}})
	here := AdminPath + "/" + id
	w.pass(7*oneDay+time.Hour, 12*time.Hour)
	vote := w.get(here + "/vote")
	contains(t, vote, `name="who"`, `name="g1"`, `aria-label="First: 5 Excellent"`)
	if strings.Count(vote, `type="radio"`) != 12 || len(vote) > 15<<10 {
		t.Errorf("%d bytes", len(vote))
	}
	w.do(http.MethodPost, here+"/vote", http.StatusBadRequest, url.Values{"who": {"Ana"}, "g0": {"5"}})
	again, _, _ := w.do(http.MethodPost, here+"/vote", http.StatusBadRequest, url.Values{"g0": {"5"}, "g1": {"2"}})
	contains(t, again, `value="5" aria-label="First: 5 Excellent" checked`)
	w.post(here+"/vote", url.Values{"who": {"Ana"}, "g0": {"5"}, "g1": {"2"}})
	contains(t, w.get(AdminPath), "A vote waits for a second person")
	contains(t, w.get(here), "A vote (Ana) waits", here+"/approve")
	contains(t, w.get(here+"/approve"), "A: Excellent, B: Acceptable")
	w.do(http.MethodPost, here+"/approve", http.StatusForbidden, url.Values{"who": {"ana"}})
	contains(t, w.get(here+"/approve"), `name="saw" value="5,2"`)
	w.do(http.MethodPost, here+"/approve", http.StatusConflict, url.Values{"who": {"Bilal"}, "saw": {"0,0"}}) // it was changed meanwhile
	w.post(here+"/approve", url.Values{"who": {"Bilal"}, "saw": {"5,2"}})
	contains(t, w.get(here), "Our ballot is sealed: A: Excellent, B: Acceptable")
	// Who is signed in by an account is that person, whatever they type.
	w.who = "p1"
	w.pass(time.Minute, time.Minute)
	if page := w.get(here + "/vote"); strings.Contains(page, `name="who"`) {
		t.Error("an account is asked for a name")
	}
	w.post(here+"/vote", url.Values{"who": {"Ana"}, "g0": {"1"}, "g1": {"2"}})
	if page := w.get(here); strings.Contains(page, "p1") || !strings.Contains(page, "A vote (an admin) waits") {
		t.Error(page)
	}
	w.do(http.MethodPost, here+"/approve", http.StatusForbidden, url.Values{"who": {"Bilal"}})
	w.who = "p2"
	w.post(here+"/approve", nil)
	contains(t, w.get(here), "Our ballot is sealed: A: Poor, B: Acceptable")
}

// An objection is written first, then voted: the page leads there and back. It can be lifted, and
// our texts taken back.
func TestObjectAndTakeBack(t *testing.T) {
	w := newWorld(t, 3, false)
	w.admin = true
	id := w.propose(w.nodes[1], decision.Draft{Kind: tally.KindConsent, Title: "A title"})
	here := AdminPath + "/" + id
	contains(t, w.get(here+"/object"), `value="electorate"`)
	w.pass(7*oneDay+time.Hour, 12*time.Hour)
	if page := w.get(here + "/object"); strings.Contains(page, `value="electorate"`) {
		t.Error("the electorate can still be objected to")
	}
	w.do(http.MethodPost, here+"/object", http.StatusBadRequest, url.Values{"harm": {"too short"}, "whom": {"a b c"}, "lift": {"a b c"}})
	next := w.post(here+"/object", url.Values{"harm": {"Plus de place ici"}, "whom": {"À nous tous ici"}, "lift": {"Moins de copies ici"}})
	contains(t, w.get(next), `value="object" checked`)
	w.post(here+"/vote", url.Values{"stance": {"object"}})
	w.run()
	contains(t, w.get(here), "Our ballot is sealed: We object", here+"/lift")
	w.post(here+"/lift", nil)
	w.post(here+"/remark", url.Values{"text": {"Une remarque à nous."}})
	w.run()
	page := w.get(here + "/withdraw")
	contains(t, page, "Our objection", "Our remark", "Une remarque à nous.")
	doc := regexp.MustCompile(`value="([0-9a-f]{64})"`).FindAllStringSubmatch(page, -1)
	if len(doc) != 2 {
		t.Fatal(page)
	}
	w.do(http.MethodPost, here+"/withdraw", http.StatusBadRequest, url.Values{"doc": {id}}) // not ours
	w.post(here+"/withdraw", url.Values{"doc": {doc[1][1]}})
	w.run()
	contains(t, w.get(Path+"/"+id), "Its author took this text back", "Plus de place ici")
	if page := w.get(Path + "/" + id); strings.Contains(page, "Une remarque à nous.") {
		t.Error("it is still there")
	}
}
