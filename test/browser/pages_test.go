package browser

import (
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// TestEveryPage follows every link from the home page and from the admins'
// overview, and looks at each page it finds on a phone and on a desk, in French
// and in English, by day and by night.
func TestEveryPage(t *testing.T) {
	w := newWorld(t, 10*time.Minute)
	axe := w.axe()
	paths := []string{"/", "/nowhere", "/search?q=zebra", "/elsewhere/mail", "/elsewhere/pad/frame", "/admin/sign-in", strings.TrimPrefix(w.link(), w.node.URL())}
	outside := len(paths)
	for i := 0; i < len(paths); i++ {
		if i == outside-1 {
			w.signIn()
			paths = append(paths, "/admin/", "/admin/services/pad/published", "/admin/members/add?who="+url.QueryEscape(w.all[2].URL()))
		}
		links := w.inspect(axe, paths[i])
		for _, link := range links {
			if path := w.page(link); path != "" && !belowWatch.MatchString(path) && !slices.Contains(paths, path) {
				paths = append(paths, path)
			}
		}
		if len(paths) > 120 {
			t.Fatal("more pages than anybody could look at", paths)
		}
	}
	if len(paths) < 16 {
		t.Errorf("only %d pages were found: %v", len(paths), paths)
	}
	t.Logf("%d pages, the heaviest %.0f bytes with all it loads", len(paths), w.heaviest)
}

// inspect looks at a page in both languages, on every screen, and says where it links to. What
// shuts people out is looked for on a phone in French and on a desk in English; after dark, only in
// the colours.
func (w *world) inspect(axe, path string) (links []string) {
	w.Helper()
	for _, lang := range []string{"fr", "en"} {
		address, err := url.Parse(w.node.URL() + path)
		w.must(err)
		query := address.Query()
		query.Set("lang", lang)
		address.RawQuery = query.Encode()
		w.forget()
		for i, s := range screens(lang) {
			w.do(turn(s))
			if i == 0 {
				w.do(chromedp.Navigate(address.String()))
			}
			var got seen
			w.do(chromedp.Evaluate(look, &got))
			for _, p := range w.problems(axe, path, got, s) {
				w.Errorf("%s %s: %s", path, s, p)
			}
			w.keep(notName.ReplaceAllString(strings.Trim(path, "/"), "_") + "-" + s.String())
			links = got.Links
		}
	}
	return links
}

// problems are what is wrong with what is open, on a screen.
func (w *world) problems(axe, path string, got seen, s screen) []string {
	w.Helper()
	all := w.complaints(got, s)
	rules := ""
	switch {
	case s.dark:
		rules = colours
	case s == screens(s.lang)[0]:
		rules = everything
	}
	if rules != "" {
		for _, violation := range w.violations(axe, rules) {
			all = append(all, "axe: "+violation)
		}
	}
	if scripted(path) {
		all = slices.DeleteFunc(all, func(p string) bool { return p == "has scripts" })
	}
	if path == "/nowhere" { // the browser says what it should: there is no such page
		all = slices.DeleteFunc(all, func(p string) bool { return strings.Contains(p, "status of 404") })
	} else if w.status != http.StatusOK {
		all = append(all, http.StatusText(int(w.status)))
	}
	return all
}

// belowWatch are pages that TestEveryWatchPage looks at, where they have something to show.
var belowWatch = regexp.MustCompile(`^/(status|watch|admin/watch/[a-z]+|admin/alerts)/`)

// forPrograms are files; a hoster's name in an address has a dot too.
var forPrograms = regexp.MustCompile(`\.(xml|json|svg|ics|properties|atom|txt|css|csv|ico)$`)

var notName = regexp.MustCompile(`[^a-z0-9]+`)

// page is the path of a link to a page of this node, without its language; empty
// for mail, other sites and what is for programs.
func (w *world) page(link string) string {
	address, err := url.Parse(link)
	if err != nil || !strings.HasPrefix(link, w.node.URL()+"/") ||
		strings.HasPrefix(address.Path, "/.well") || strings.HasPrefix(address.Path, "/log/") || forPrograms.MatchString(address.Path) {
		return ""
	}
	query := address.Query()
	query.Del("lang")
	address.RawQuery, address.Fragment = query.Encode(), ""
	return address.RequestURI()
}

// TestKeyboardAndPaper: who has no mouse skips the menu; a pact is printed without
// what only a screen needs.
func TestKeyboardAndPaper(t *testing.T) {
	w := newWorld(t, 5*time.Minute)
	w.signIn()
	var skip, there bool
	w.do(
		chromedp.Navigate(w.node.URL()+"/admin/pacts"),
		chromedp.KeyEvent(kb.Tab),
		chromedp.Evaluate(`document.activeElement.className == "skip" && document.activeElement.getBoundingClientRect().left >= 0`, &skip),
		chromedp.KeyEvent(kb.Enter),
		chromedp.Evaluate(`document.activeElement.id == "main"`, &there),
	)
	if !skip || !there {
		t.Errorf("the first key shows the skip link: %v; it leads to the content: %v", skip, there)
	}
	var hidden, shown bool
	w.do(
		chromedp.Click("main article a"), chromedp.WaitVisible(".deed"),
		emulation.SetEmulatedMedia().WithMedia("print"),
		chromedp.Evaluate(`[".menu", ".leave", ".langs", "button"].every(s => [...document.querySelectorAll(s)].every(e => e.offsetParent == null))`, &hidden),
		chromedp.Evaluate(`document.querySelector(".deed").offsetHeight > 500 && document.querySelectorAll(".menu, button").length > 1`, &shown),
	)
	if !hidden || !shown {
		t.Errorf("on paper the controls are gone: %v, the articles are there: %v", hidden, shown)
	}
}

// TestSignAPact is an admin's evening: in by the link, a mistake, a signature, out.
func TestSignAPact(t *testing.T) {
	w := newWorld(t, 5*time.Minute)
	w.signIn()
	var alert, focused, state, where string
	w.do(
		// A domain that is none comes back with its sentence, read out at once.
		chromedp.Navigate(w.node.URL()+"/admin/members/add?lang=en"),
		chromedp.SendKeys("#who", "not a domain"), chromedp.Click("main button"), chromedp.WaitVisible(`[role="alert"]`),
		chromedp.Text(`[role="alert"]`, &alert),
		chromedp.Evaluate(`document.activeElement.getAttribute("role")`, &focused),
		chromedp.Evaluate(`document.querySelector("#who").value`, &where),
	)
	if !strings.Contains(alert, "domain") || focused != "alert" || where != "not a domain" {
		t.Errorf("alert %q, focus on %q, typed %q kept", alert, focused, where)
	}
	w.do(
		chromedp.Navigate(w.node.URL()+"/admin/"), chromedp.Click(`//a[text()="Read it"]`), chromedp.WaitVisible("#sure"),
		chromedp.Click("#sure"), chromedp.Click(`button[value="accept"]`), chromedp.WaitNotPresent(`button[value="accept"]`),
		chromedp.Text(".state", &state),
		chromedp.Click(".leave button"), chromedp.WaitNotPresent(".leave"),
		chromedp.Navigate(w.node.URL()+"/admin/pacts"), chromedp.Location(&where),
	)
	if !strings.Contains(state, "in force") || !strings.HasSuffix(where, "/admin/sign-in") {
		t.Errorf("the pact is %q; after leaving, the pacts are at %s", state, where)
	}
	if out := w.run(w.node, "pact", "list"); strings.Count(out, "in force") != 2 {
		t.Errorf("the command line sees\n%s", out)
	}
}

// TestIntroduction is the first evening: the form that asks who we are, and a home
// page that says it.
func TestIntroduction(t *testing.T) {
	w := newWorld(t, 5*time.Minute)
	w.signIn()
	var lead, limits, title string
	w.do(
		chromedp.Navigate(w.node.URL()+"/admin/?lang=en"), chromedp.Click(`//a[@href="/admin/start"][not(ancestor::nav)]`), chromedp.WaitVisible("#name"),
		chromedp.SendKeys("#name", "Le Chaton d'Armor"), chromedp.SendKeys("#about", "Des courriels et des fichiers pour nos voisins, depuis 2017."),
		chromedp.SendKeys("#town", "Rennes"), chromedp.SendKeys("#contact", "contact@chaton-a.test"),
		chromedp.SendKeys("#limits", "Une panne la nuit est réparée avant midi.\nCinq gigaoctets par personne."),
		chromedp.Click("main button"), chromedp.WaitVisible("#seen"), chromedp.Click(`#seen + ul a`), chromedp.WaitVisible(".hero"),
		chromedp.Text("h1", &title), chromedp.Text("#who + p", &lead), chromedp.Text("#limits + ul", &limits),
	)
	if !strings.Contains(title, "Le Chaton d'Armor") || !strings.Contains(lead, "depuis 2017") || !strings.Contains(limits, "avant midi") {
		t.Errorf("the home page says %q, %q, %q", title, lead, limits)
	}
	axe := w.axe()
	for _, path := range []string{"/", "/limits", "/contact", "/admin/", "/admin/start"} {
		w.inspect(axe, path)
	}
	w.run(w.node, "directory", "validate", w.node.URL()+"/.well-known/chatonsinfos/organization.properties")
}

// TestFirstByte: a page is there before anybody notices. The machine does other things
// too, so it is asked for a while until one answer was quick enough.
func TestFirstByte(t *testing.T) {
	w := newWorld(t, 5*time.Minute)
	for _, path := range []string{"/", "/limits", "/contact"} {
		best := time.Hour
		for begun := time.Now(); best > 20*time.Millisecond && time.Since(begun) < 30*time.Second; {
			start := time.Now()
			res, err := http.Get(w.node.URL() + path)
			w.must(err)
			best = min(best, time.Since(start))
			_, _ = io.Copy(io.Discard, res.Body)
			_ = res.Body.Close()
		}
		t.Logf("%s after %s", path, best)
		if best > 20*time.Millisecond {
			t.Errorf("%s: first byte after %s", path, best)
		}
	}
}

// scripted are pages that a script of ours runs on, as ADR 10 has it.
func scripted(path string) bool { return slices.Contains([]string{"/sign-up"}, path) }
