package tonight_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/dbtest"
	"entrechat/internal/kit/web"
	"entrechat/internal/kit/words"
	"entrechat/internal/room/watch/alert"
	"entrechat/internal/room/watch/look"
	"entrechat/internal/room/watch/status"
	"entrechat/internal/room/watch/status/tonight"
	"entrechat/internal/room/watch/verdict"
)

func now() core.Moment { return core.At(time.Date(2026, 11, 30, 2, 20, 0, 0, time.UTC)) }

func ago(m int) core.Moment { return now().Add(-time.Duration(m) * time.Minute) }

// fake is a source that remembers what was decided.
type fake struct {
	night        tonight.Night
	taken, again []string
	refuse       error
}

func (f *fake) Night(context.Context) (tonight.Night, error) { return f.night, nil }

func (f *fake) Acknowledge(_ context.Context, incident string) error {
	f.taken = append(f.taken, incident)
	return f.refuse
}

func (f *fake) Again(_ context.Context, incident string) error {
	f.again = append(f.again, incident)
	return f.refuse
}

// bad is a night in which a service of ours is down and nobody knows it yet.
func bad() *fake {
	return &fake{night: tonight.Night{
		Troubles: []tonight.Trouble{
			{ID: "theirs", Hoster: "chaton-b.test", Name: "Chaton B", Services: []string{"Visio"}, State: verdict.Down, Since: ago(300)},
			{
				ID: "ours2", Hoster: "chaton-a.test", Name: "Chaton A", Ours: true, Services: []string{"Courriel"}, State: verdict.Partial, Since: ago(90), Acknowledged: ago(80), By: "Ana",
				Write: "/admin/incidents/ours2",
			},
			{
				ID: "ours", Hoster: "chaton-a.test", Name: "Chaton A", Ours: true, Services: []string{"Pad", "Forge"}, State: verdict.Down, Weak: true, Since: ago(12),
				Told: []tonight.Told{
					{Person: "Ana", Channel: "ntfy", At: ago(11), State: tonight.Sent}, {Person: "Bo", Channel: "mail", At: ago(10), State: tonight.Failed}, {Person: "Cy", Channel: "xmpp", State: tonight.Held},
				},
				Targets: []tonight.Target{{
					Service: "Pad", Address: "https://pad.chaton-a.test/",
					Here: tonight.View{Who: "chaton-a.test", At: ago(1), State: verdict.Up, Took: 48 * time.Millisecond},
					Voters: []tonight.View{
						{Who: "chaton-b.test", At: ago(1), State: verdict.Down, Class: look.Timeout, Took: 10 * time.Second, Detail: "not for us"},
						{Who: "chaton-c.test", At: ago(2), State: verdict.Down, Class: look.HTTP5xx, Took: 80 * time.Millisecond},
						{Who: "chaton-d.test"},
					},
				}},
			},
		},
		Awake: []tonight.Person{{Name: "Ana", Until: ago(-300)}, {Name: "Bo", Quiet: true}},
	}}
}

// node is the pages, served to an admin who is signed in.
type node struct {
	testing.TB
	*httptest.Server
	client *http.Client
	link   string
}

func serve(t testing.TB, f *fake) *node {
	t.Helper()
	d := dbtest.SQLite(t, "web", web.Migrations())
	all, err := words.New(web.Words, status.Words, alert.Words)
	if err != nil {
		t.Fatal(err)
	}
	n := &node{TB: t}
	var handler http.Handler
	n.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { handler.ServeHTTP(w, r) }))
	t.Cleanup(n.Close)
	clock := func() time.Time { return now().Time() }
	site := web.New(web.Needs{
		DB: d, Words: all, Lang: "fr", URL: n.URL, Now: clock, Log: slog.New(slog.DiscardHandler),
		Host: func(context.Context) web.Host { return web.Host{Name: "Chaton A", Origin: "chaton-a.test"} },
	})
	pages := tonight.New(tonight.Needs{Source: f}).Pages(site)
	pages.Routes = append(pages.Routes, web.Route{Pattern: "GET /admin/{$}", Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for _, section := range site.Render(r, pages.Alarms) {
			_, _ = io.WriteString(w, string(section))
		}
	})})
	handler = site.Handler([]web.Pages{pages})
	n.signIn(d)
	return n
}

func (n *node) signIn(d *db.DB) {
	n.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		n.Fatal(err)
	}
	n.client = &http.Client{Jar: jar}
	link, _, err := web.NewLink(n.Context(), d, n.URL, now())
	if err != nil {
		n.Fatal(err)
	}
	u, err := url.Parse(link)
	if err != nil {
		n.Fatal(err)
	}
	if code, _ := n.post("/admin/sign-in", u.Query()); code != http.StatusOK {
		n.Fatal(code)
	}
	again, _, err := web.NewLink(n.Context(), d, n.URL, now())
	if err != nil {
		n.Fatal(err)
	}
	n.link = again
}

func (n *node) answer(res *http.Response, err error) (int, string) {
	n.Helper()
	if err != nil {
		n.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		n.Fatal(err)
	}
	return res.StatusCode, strings.ReplaceAll(string(text), "\u00a0", " ")
}

func (n *node) get(path string) (int, string) {
	n.Helper()
	return n.answer(n.client.Get(n.URL + path))
}

func (n *node) post(path string, form url.Values) (int, string) {
	n.Helper()
	return n.answer(n.client.PostForm(n.URL+path, form))
}

// TestOneThing: each screen asks for one thing: first that somebody takes care, then that
// users are told.
func TestOneThing(t *testing.T) {
	f := bad()
	n := serve(t, f)
	_, page := n.get("/admin/watch")
	main := page[strings.Index(page, "<main"):]
	if strings.Count(main, "<button") != 1 || strings.Contains(main, `class="button"`) || !strings.Contains(main, `name="incident" value="ours"`) || !strings.Contains(main, "3 choses ne vont pas") {
		t.Errorf("the first screen: %s", main)
	}
	if order := regexp.MustCompile(`one\?incident=(\w+)"><strong>`).FindAllStringSubmatch(main, -1); len(order) != 3 || order[0][1] != "ours" || order[1][1] != "ours2" || order[2][1] != "theirs" {
		t.Errorf("in the order %v", order)
	}
	if code, _ := n.post("/admin/watch", url.Values{"incident": {"ours"}}); code != http.StatusOK || len(f.taken) != 1 || f.taken[0] != "ours" {
		t.Errorf("taken: %v, %d", f.taken, code)
	}
	for i := range f.night.Troubles {
		f.night.Troubles[i].Acknowledged = ago(1)
	}
	_, page = n.get("/admin/watch?lang=en")
	main = page[strings.Index(page, "<main"):]
	if strings.Contains(main, "<button") || strings.Count(main, `class="button"`) != 1 || !strings.Contains(main, "Tell users how it goes: Courriel") {
		t.Errorf("once somebody takes care: %s", main)
	}
	quiet := tonight.Night{Watched: 3, Newest: ago(1), Awake: bad().night.Awake}
	nobody, blind := quiet, quiet
	nobody.Awake, blind.Unseen = nil, []string{"Pad", "Forge"}
	for _, c := range []struct {
		night     tonight.Night
		says, not string
	}{
		{quiet, "Vous pouvez dormir.", "note warn"},
		{nobody, "Personne n&#39;est de garde", "Vous pouvez dormir"},
		{blind, "Sans relevé récent d&#39;ici : Pad, Forge. ", "Rien ne manque"},
		{tonight.Night{Awake: quiet.Awake}, "Rien n&#39;est encore regardé.", "Rien ne manque"},
	} {
		f.night = c.night
		if _, page = n.get("/admin/watch?lang=fr"); !strings.Contains(page, c.says) || strings.Contains(page, c.not) {
			t.Errorf("%+v: %s", c.night, page)
		}
	}
	f.night = quiet
	f.night.Isolated = ago(3)
	if _, page = n.get("/admin/watch?lang=fr"); strings.Contains(page, "Rien ne manque") || !strings.Contains(page, "personne ne peut dire") {
		t.Errorf("who is cut off is told that all is well: %s", page)
	}
	if code, _ := n.get("/admin/watch/one?incident=ours"); code != http.StatusNotFound {
		t.Errorf("what is over: %d", code)
	}
}

// TestSideBySide: what we see stands beside what each voter sees; details of others' looks
// are not shown.
func TestSideBySide(t *testing.T) {
	f := bad()
	f.night.Isolated = ago(4)
	n := serve(t, f)
	_, page := n.get("/admin/watch/one?incident=ours&lang=fr")
	for _, want := range []string{"Vu d&#39;ici", "autrement que nous", "courriel", "depuis 12 min", "pas de réponse à temps", "le serveur est en panne (5xx)", "pas encore de relevé", "48 ms", "aucun canal n&#39;a marché", "gardé pour la fin des heures calmes"} {
		if !strings.Contains(page, want) {
			t.Errorf("lacks %q", want)
		}
	}
	if strings.Contains(page, "not for us") {
		t.Error("the detail of another's look is shown")
	}
	if code, _ := n.post("/admin/watch/one?incident=ours", nil); code != http.StatusOK || len(f.again) != 1 {
		t.Errorf("look again: %d, %v", code, f.again)
	}
	f.refuse = core.Conflict("watch.status.tonight_over", nil)
	if code, page := n.post("/admin/watch/one?incident=ours", nil); code != http.StatusConflict || !strings.Contains(page, `role="alert"`) {
		t.Errorf("refused: %d", code)
	}
	_, panel := n.get("/admin/?lang=en")
	if !strings.Contains(panel, "What it sees") && !strings.Contains(panel, "what it sees says nothing") || !strings.Contains(panel, "Pad, Forge") {
		t.Errorf("the overview: %s", panel)
	}
}

// TestOnlyAdmins: a stranger sees nobody's name.
func TestOnlyAdmins(t *testing.T) {
	n := serve(t, bad())
	n.client = &http.Client{}
	for _, path := range []string{"/admin/watch", "/admin/watch/one?incident=ours"} {
		if _, page := n.get(path); strings.Contains(page, "Ana") {
			t.Errorf("%s names people to strangers", path)
		}
	}
}

// FuzzTonight: whatever servers, people and hosters are called or say stays text.
func FuzzTonight(f *testing.F) {
	src := bad()
	n := serve(f, src)
	f.Add("Ana", "connection refused", "ours")
	f.Add("<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>\x00\u202e", "ours&x=\"'<>")
	f.Add("{{.}}", "javascript:alert(1)\r\nSet-Cookie: a=b", "\xff")
	tags := regexp.MustCompile(`(?i)<(script|img|iframe|b|i|style|object)[ />]`)
	f.Fuzz(func(t *testing.T, name, detail, id string) {
		n.TB = t
		src.night = bad().night
		x := &src.night.Troubles[2]
		x.ID, x.Name, x.Services, x.By, x.Told[0].Person, x.Told[0].Channel = id, name, []string{name}, name, name, detail
		x.Targets[0].Service, x.Targets[0].Address, x.Targets[0].Here.Detail = name, detail, detail
		x.Targets[0].Voters[0].Who, x.Targets[0].Voters[0].Class = core.MemberID(name), look.Class(detail)
		src.night.Awake[0].Name, x.Told[1].State = name, tonight.Delivery(detail)
		for _, path := range []string{"/admin/watch", "/admin/watch/one?" + url.Values{"incident": {id}}.Encode(), "/admin/"} {
			code, page := n.get(path)
			if code != http.StatusOK && (code != http.StatusNotFound || id != "") {
				t.Fatalf("%s: %d", path, code)
			}
			if begin := strings.Index(page, "<main"); begin >= 0 {
				page = page[begin:]
			}
			if bad := tags.FindString(page); bad != "" {
				t.Fatalf("%s in %s", bad, path)
			}
		}
	})
}
