package show_test

import (
	"encoding/xml"
	"errors"
	"html"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	ical "github.com/arran4/golang-ical"

	"entrechat/internal/core"
	"entrechat/internal/kit/wire"
	"entrechat/internal/room/watch/status"
	"entrechat/internal/room/watch/verdict"
)

// heading is the one sentence that a page begins with.
func (v *village) heading(path string) string {
	v.Helper()
	code, page, _ := v.get(path)
	_, after, ok := strings.Cut(page, "<h1>")
	before, _, closed := strings.Cut(after, "</h1>")
	if code != http.StatusOK || !ok || !closed {
		v.Fatalf("%s: %d %s", path, code, page)
	}
	return html.UnescapeString(regexp.MustCompile(`<[^>]*>`).ReplaceAllString(before, ""))
}

// TestSentences: the state comes first, in one sentence, in both languages.
func TestSentences(t *testing.T) {
	v := newVillage(t, sample(t))
	for path, want := range map[string][2]string{
		"/status":               {"Tout fonctionne.", "Everything works."},
		"/status/chaton-b.test": {"Pad ne répond pas depuis 14 h 02, vu par 5 de ses 7 voisins.", "Pad has not answered since 14:02, seen by 5 of its 7 neighbours."},
		"/status/chaton-c.test": {"Depuis 17 h 20, personne ne sait si les services fonctionnent.", "Since 17:20 nobody knows whether the services work."},
		"/status/chaton-d.test": {"Pad ne répond pas depuis 18 h 50, vu d'ici seulement.", "Pad has not answered since 18:50, seen from here only."},
		"/status/chaton-f.test": {"Aucun service n'est encore regardé.", "No service is watched yet."},
		"/status/chaton-g.test": {"Courriel est en maintenance annoncée (fin prévue : 21 h 20).", "Courriel is away for announced maintenance until 21:20."},
		"/status/chaton-b.test/services/" + status.ServiceID("Visio"): {"Visio fonctionne.", "Visio works."},
	} {
		for i, lang := range []string{"fr", "en"} {
			if got := v.heading(path + "?lang=" + lang); got != want[i] {
				t.Errorf("%s in %s: %q, not %q", path, lang, got, want[i])
			}
		}
	}
}

// TestPerspective: who reads the page of the hoster itself reads "our neighbours", and
// several services are counted.
func TestPerspective(t *testing.T) {
	f := sample(t)
	v := newVillage(t, f)
	for _, x := range []struct {
		states []verdict.State
		fr     string
	}{
		{[]verdict.State{verdict.Down, verdict.Up}, "Courriel ne répond pas depuis le 18 novembre à 7 h 20, vu par 6 de nos 7 voisins."},
		{[]verdict.State{verdict.Down, verdict.Down}, "Courriel et Pad ne répondent pas depuis le 18 novembre à 7 h 20."},
		{[]verdict.State{verdict.Partial, verdict.Unknown}, "Courriel ne répond qu'en partie depuis le 18 novembre à 7 h 20, vu par 6 de nos 7 voisins."},
		{[]verdict.State{verdict.Down, verdict.Down, verdict.Down}, "3 services sur 5 ne répondent pas depuis le 18 novembre à 7 h 20."},
		{[]verdict.State{verdict.Down, verdict.Down, verdict.Down, verdict.Down, verdict.Down}, "Plus aucun service ne répond depuis le 18 novembre à 7 h 20."},
		{[]verdict.State{verdict.Unknown}, "Depuis le 18 novembre à 7 h 20, personne ne sait si Courriel fonctionne."},
	} {
		for i := range f.services["chaton-a.test"] {
			s := &f.services["chaton-a.test"][i]
			s.State, s.Failing = verdict.Up, 6
			if i < len(x.states) {
				s.State = x.states[i]
			}
		}
		if err := v.board.Rebuild(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := v.heading("/status"); got != x.fr {
			t.Errorf("%v: %q, not %q", x.states, got, x.fr)
		}
	}
}

// TestAge: what is older than five minutes says so, also while nothing is rebuilt, and a
// badge then claims nothing.
func TestAge(t *testing.T) {
	v := newVillage(t, sample(t))
	const banner = "ce qui suit date d&#39;il y a "
	for minutes, old := range map[int]bool{0: false, 5: false, 6: true, 90: true} {
		v.at = now().Add(time.Duration(minutes) * time.Minute)
		_, page, _ := v.get("/status")
		if got := strings.Contains(page, banner); got != old {
			t.Errorf("after %d minutes there is a banner: %v", minutes, got)
		}
	}
	v.at = now().Add(90 * time.Minute)
	if err := v.board.Rebuild(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, page, _ := v.get("/status/chaton-d.test"); !strings.Contains(page, banner+"1 h") {
		t.Error("a snapshot made now of looks that are 102 minutes old does not say so")
	}
	if _, badge, _ := v.get("/status/chaton-d.test/badge.svg"); !strings.Contains(badge, "personne ne sait") {
		t.Errorf("a badge of old looks: %s", badge)
	}
	if _, badge, _ := v.get("/status/chaton-b.test/badge.svg?lang=en"); !strings.Contains(badge, "1 does not answer") {
		t.Errorf("a badge: %s", badge)
	}
}

// TestBehind: who reads of a service learns that its program has long been too old.
func TestBehind(t *testing.T) {
	v, soft := newVillage(t, sample(t)), strings.NewReplacer("\u00a0", " ", "\u202f", " ")
	for lang, want := range map[string]string{
		"fr": "etherpad&lt;b&gt; 1.9.1 : plus ancienne que celles tenues pour sûres. Connu depuis le 10 novembre.",
		"en": "etherpad&lt;b&gt; 1.9.1: older than those held to be safe. Known since 10 November.",
	} {
		_, page, _ := v.get("/status/chaton-b.test/services/" + status.ServiceID("Pad") + "?lang=" + lang)
		if !strings.Contains(soft.Replace(page), want) {
			t.Errorf("%s: not said: %s", lang, want)
		}
		if _, page, _ = v.get("/status/chaton-b.test/services/" + status.ServiceID("Visio") + "?lang=" + lang); strings.Contains(page, "etherpad") {
			t.Error("said of another service")
		}
	}
}

// TestFront: under a name of a hoster we vote for stands that hoster's page, and nothing
// else of ours.
func TestFront(t *testing.T) {
	v := newVillage(t, sample(t))
	for _, host := range []string{"status.chaton-b.test", "STATUS.chaton-b.test:443", "status.chaton-b.test."} {
		if code, page, _ := v.get("/?lang=fr", "Host", host); code != http.StatusOK || !strings.Contains(page, "vu par 5 de ses 7 voisins") {
			t.Errorf("%s: %d", host, code)
		}
	}
	for path, want := range map[string]string{
		"/admin/": "https://chaton-a.test/admin/", "/admin/sign-in?token=x": "https://chaton-a.test/admin/sign-in?token=x",
		"/services": "https://chaton-a.test/services", "//evil.test/": "https://chaton-a.test/evil.test/",
	} {
		if code, _, h := v.get(path, "Host", "status.chaton-b.test"); code != http.StatusFound || h.Get("Location") != want {
			t.Errorf("%s: %d to %q", path, code, h.Get("Location"))
		}
	}
	if code, _, _ := v.get("/status/chaton-c.test", "Host", "status.chaton-b.test"); code != http.StatusOK {
		t.Error("another hoster's page:", code)
	}
	if code, page, _ := v.get("/", "Host", "status.stranger.test"); strings.Contains(page, "Chaton B") {
		t.Error("a stranger's name:", code)
	}
}

// TestFiles: JSON, envelope, feed and calendar can be read, and say the same.
func TestFiles(t *testing.T) {
	v := newVillage(t, sample(t))
	_, text, h := v.get("/status/chaton-b.test.json")
	_, same, _ := v.get("/status/chaton-b.test/status.json")
	var s status.Snapshot
	if err := wire.Decode([]byte(text), &s); err != nil || text != same || h.Get("Access-Control-Allow-Origin") != "*" || h.Get("Content-Type") != "application/json" {
		t.Fatalf("%v, %v", err, h)
	}
	if s.Hoster != "chaton-b.test" || s.By != "chaton-a.test" || len(s.Services) != 5 || len(s.Services[0].Days) != 90 || len(s.Incidents) != 3 || len(text) > status.MaxSnapshot {
		t.Errorf("%d bytes: %+v", len(text), s)
	}
	_, feed, _ := v.get("/status/chaton-b.test/feed.atom?lang=fr")
	for _, want := range []string{
		"<title>Panne : Pad</title>", "<title>Bilan – Panne : tous les services</title>", "<title>Maintenance prévue – Nuage, début : le 2 décembre à 1 h 20 ; fin : 3 h 20</title>",
		"<id>https://chaton-a.test/status/chaton-b.test/incidents/0a1b2c3d4e5f</id>", "Un disque est plein.", "contact@chaton-b.test",
	} {
		if !strings.Contains(feed, want) {
			t.Errorf("the feed lacks %q:\n%s", want, feed)
		}
	}
	_, calendar, _ := v.get("/status/chaton-b.test/maintenance.ics")
	parsed, err := ical.ParseCalendar(strings.NewReader(calendar))
	if err != nil || len(parsed.Events()) != 2 {
		t.Fatalf("%v in\n%s", err, calendar)
	}
	for _, e := range parsed.Events() {
		if at, err := e.GetStartAt(); err != nil || e.Id() == "m1@chaton-b.test" && core.At(at) != hoursAgo(-30) {
			t.Errorf("%s begins at %v, %v", e.Id(), at, err)
		}
	}
}

// TestNotThere: what is not there says so in the visitor's language, with its status.
func TestNotThere(t *testing.T) {
	v := newVillage(t, sample(t))
	for path, code := range map[string]int{
		"/status/nobody.test": 404, "/status/nobody.test.json": 404, "/status/nobody.test/badge.svg": 404, "/status/nobody.test/feed.atom": 404,
		"/status/chaton-b.test/services/000000000000": 404, "/status/chaton-b.test/incidents/none": 404, "/status/chaton-b.test/services/x/badge.svg": 404,
	} {
		if got, page, _ := v.get(path); got != code || strings.Contains(page, "⟦") {
			t.Errorf("%s: %d, not %d", path, got, code)
		}
	}
	empty := newVillage(t, &fake{})
	if code, _, _ := empty.get("/status"); code != http.StatusServiceUnavailable {
		t.Errorf("a node that has just started answers %d", code)
	}
}

// noMarkup fails when a text that must be XML is none, or holds what a stranger put in.
func noMarkup(t testing.TB, text string) {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(text))
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatalf("%v in %q", err, text)
		}
		start, ok := token.(xml.StartElement)
		if !ok {
			continue
		}
		if name := strings.ToLower(start.Name.Local); name == "script" || name == "img" || name == "foreignobject" {
			t.Fatalf("<%s> in %q", name, text)
		}
		for _, a := range start.Attr {
			if strings.HasPrefix(strings.ToLower(a.Name.Local), "on") {
				t.Fatalf("%s in %q", a.Name.Local, text)
			}
		}
	}
}

// FuzzHostile: whatever strangers call their services and write in notes, pages, feed,
// badge, calendar and JSON hold it as text.
func FuzzHostile(f *testing.F) {
	f.Add("Pad", "Un disque est plein.", "contact@chaton-b.test")
	f.Add(`<script>alert(1)</script>`, "a\r\nBEGIN:VEVENT\r\nUID:x\r\nEND:VEVENT", "javascript:alert(1)")
	f.Add("\"><img src=x onerror=alert(1)>", "]]>\x00\ufffe&<b>\u202e\u2028", "https://x.test/\"onmouseover=alert(1)")
	f.Add("'{{.Name}}⟦", strings.Repeat("é,;\\n", 500), "mailto:a@b.test?bcc=c@d.test")
	f.Add("\xff\xfe", "\t \n\n\n \r", "data:text/html,<script>1</script>")
	src := sample(f)
	v := newVillage(f, src)
	f.Fuzz(func(t *testing.T, name, text, answer string) {
		v.TB = t
		src.hosters[1].Name = name
		src.services["chaton-b.test"][1].Name = name
		src.services["chaton-b.test"][1].Promise.Says = map[string][]string{"fr": {text, name}, text: {text}}
		src.incidents["chaton-b.test"] = []status.Incident{{
			ID: "abc", Services: []string{name}, State: verdict.State(name), Opened: hoursAgo(3),
			Timeline: []status.Line{{At: hoursAgo(3), Kind: status.LineKind(text), Service: name}, {At: hoursAgo(2), Kind: status.LineDown, Service: name, Count: 1, Of: 2}},
			Notes:    []status.Note{{At: hoursAgo(1), Kind: status.NoteKind(name), Text: text}},
			Lesson:   &status.Postmortem{At: hoursAgo(1), Happened: text, Whom: name, Answer: answer},
		}, {ID: text, Opened: hoursAgo(4)}}
		src.maintenance["chaton-b.test"] = []status.Maintenance{{ID: "m1", Services: []string{name}, Said: hoursAgo(4), From: hoursAgo(-3), To: hoursAgo(-4), Text: text}}
		if err := v.board.Rebuild(t.Context()); err != nil {
			t.Fatal(err)
		}
		service := status.ServiceID(status.Clean(name, 80, false))
		for _, path := range []string{"", "/services/" + service, "/incidents/abc", "/status.json", "/feed.atom", "/badge.svg", "/maintenance.ics"} {
			code, got, h := v.get("/status/chaton-b.test" + path)
			if code == http.StatusNotFound && strings.HasPrefix(path, "/services/") && status.Clean(name, 80, false) == "" {
				continue
			}
			if code != http.StatusOK {
				t.Fatalf("%s: %d %s", path, code, got)
			}
			switch {
			case strings.HasSuffix(path, ".json"):
				if err := wire.Decode([]byte(got), &status.Snapshot{}); err != nil {
					t.Fatal(err)
				}
			case strings.HasSuffix(path, ".ics"):
				events(t, got)
			case strings.HasSuffix(path, ".atom"), strings.HasSuffix(path, ".svg"):
				noMarkup(t, got)
			default:
				_, main, _ := strings.Cut(got, "<main")
				main, _, _ = strings.Cut(main, "</main>")
				noHTML(t, main)
				if !strings.Contains(h.Get("Content-Security-Policy"), "default-src 'none'") {
					t.Fatal("a page without a policy")
				}
			}
		}
		if _, page, _ := v.get("/status/learned"); page != "" {
			_, main, _ := strings.Cut(page, "<main")
			noHTML(t, main)
		}
	})
}

var (
	tags     = regexp.MustCompile(`<[a-zA-Z!][^>]*>`)
	foreign  = regexp.MustCompile(`(?i)^<(script|img|iframe|object|embed|form|input|meta|link|base|b|i|u|style|!)[ />!-]`)
	hrefs    = regexp.MustCompile(`href="([^"]*)"`)
	ours     = regexp.MustCompile(`^(/status|/site/|/|https?://|mailto:|#)`)
	handlers = regexp.MustCompile(`(?i)\son[a-z]+=`)
	values   = regexp.MustCompile(`"[^"]*"`)
)

// noHTML fails when a page holds an element, or a link, that no template of ours writes.
func noHTML(t testing.TB, page string) {
	t.Helper()
	for _, tag := range tags.FindAllString(page, -1) {
		if foreign.MatchString(tag) {
			t.Fatalf("%s in a page", tag)
		}
		for _, href := range hrefs.FindAllStringSubmatch(tag, -1) {
			if !ours.MatchString(href[1]) {
				t.Fatalf("a link to %s", href[1])
			}
		}
		if handlers.MatchString(values.ReplaceAllString(tag, `""`)) {
			t.Fatalf("a handler in %s", tag)
		}
	}
}

// events fails when a calendar has another event than ours, or a line that is too long.
func events(t testing.TB, text string) {
	t.Helper()
	for line := range strings.Lines(text) {
		if !strings.HasSuffix(line, "\r\n") || strings.ContainsAny(strings.TrimSuffix(line, "\r\n"), "\r\n\x00") {
			t.Fatalf("a line ends wrongly: %q", line)
		}
		if len(line) > 77 {
			t.Fatalf("a line of %d bytes: %q", len(line), line)
		}
	}
	c, err := ical.ParseCalendar(strings.NewReader(text))
	if err != nil || len(c.Events()) != 1 || c.Events()[0].Id() != "m1@chaton-b.test" {
		t.Fatalf("%v: %s", err, text)
	}
	if n := strings.Count(text, "\r\nUID:"); n != 1 {
		t.Fatalf("%d UIDs in %s", n, text)
	}
}
