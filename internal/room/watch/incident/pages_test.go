package incident

import (
	"bytes"
	"context"
	"html"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"entrechat/internal/core"
	"entrechat/internal/kit/console"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/web"
	"entrechat/internal/kit/words"
	"entrechat/internal/room/watch/incident/availability"
	"entrechat/internal/room/watch/incident/incidenttest"
	"entrechat/internal/room/watch/incident/maintenance"
	"entrechat/internal/room/watch/incident/promise"
	"entrechat/internal/room/watch/verdict"
)

// hostile is text that must harm no page, terminal or header.
const hostile = `"><script>alert(1)</script>{{.}}<img src=x onerror=alert(2)>`

// admin is somebody who is signed in, or types commands.
type admin struct {
	*node
	t        *testing.T
	w        *incidenttest.World
	client   *http.Client
	base     string
	lang     string
	plans    *maintenance.Planner
	promises *promise.Promises
}

func newAdmin(t *testing.T) *admin {
	t.Helper()
	w, nodes := world(t, "chaton-a.test")
	a := &admin{node: nodes["chaton-a.test"], t: t, w: w, lang: "fr"}
	services := func(context.Context) ([]string, error) { return []string{"pad", hostile[:40]}, nil }
	a.n.Services = services
	quiet := slog.New(slog.DiscardHandler)
	zone, err := maintenance.Zone("Europe/Paris")
	ok(t, err)
	a.plans = maintenance.New(maintenance.Needs{DB: a.DB, Book: a.Book, Self: a.ID, Texts: a.texts, Services: services, Zone: zone, Now: w.Clock, Log: quiet})
	a.promises = promise.New(promise.Needs{
		DB: a.DB, Book: a.Book, Self: a.ID, Plans: a.plans, Services: services, Zone: zone, Now: w.Clock, Log: quiet,
		Intervals: func(_ context.Context, _ core.MemberID, _ string, from, to core.Moment) ([]availability.Interval, error) {
			return []availability.Interval{{From: from, To: to.Add(-50 * time.Hour), State: verdict.Up}, {From: to.Add(-50 * time.Hour), To: to.Add(-45 * time.Hour), State: verdict.Down}, {From: to.Add(-45 * time.Hour), State: verdict.Up}}, nil
		},
	})
	catalogue, err := words.New(Words, web.Words, words.Words, console.Words, watchWords())
	ok(t, err)
	ok(t, db.Migrate(t.Context(), a.DB, "web", web.Migrations()))
	var handler http.Handler
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { handler.ServeHTTP(w, r) }))
	t.Cleanup(server.Close)
	site := web.New(web.Needs{
		DB: a.DB, Words: catalogue, Lang: words.French, URL: server.URL,
		Host: func(context.Context) web.Host { return web.Host{Name: string(a.ID)} }, Now: w.Clock, Log: quiet,
	})
	routes := append(append(a.Pages(site), a.plans.Pages(site)...), a.promises.Pages(site)...)
	handler = site.Handler([]web.Pages{{Routes: routes, Menu: append(append(Menu(), maintenance.Menu()...), promise.Menu()...)}})
	jar, err := cookiejar.New(nil)
	ok(t, err)
	a.client = &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	a.base = server.URL
	link, _, err := web.NewLink(t.Context(), a.DB, server.URL, core.At(w.Clock()))
	ok(t, err)
	_, token, _ := strings.Cut(link, "token=")
	a.post("/admin/sign-in", http.StatusSeeOther, "token", token)
	return a
}

func (a *admin) ask(method, path string, status int, form url.Values) string {
	a.t.Helper()
	req, err := http.NewRequestWithContext(a.t.Context(), method, a.base+path, strings.NewReader(form.Encode()))
	ok(a.t, err)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Accept-Language", a.lang)
	res, err := a.client.Do(req)
	ok(a.t, err)
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	ok(a.t, err)
	page := string(text)
	if res.StatusCode != status {
		a.t.Fatalf("%s %s: status %d, want %d\n%s", method, path, res.StatusCode, status, page)
	}
	if strings.Contains(page, "⟦") || strings.Contains(page, "<script") || strings.Contains(page, "<img src=x") {
		a.t.Errorf("%s shows a key, or runs what somebody wrote:\n%s", path, page)
	}
	if next := res.Header.Get("Location"); next != "" {
		return next
	}
	return page
}

func (a *admin) get(path string) string {
	a.t.Helper()
	return a.ask(http.MethodGet, path, http.StatusOK, nil)
}

func (a *admin) post(path string, status int, fields ...string) string {
	a.t.Helper()
	form := url.Values{}
	for n := 0; n < len(fields); n += 2 {
		form.Add(fields[n], fields[n+1])
	}
	return a.ask(http.MethodPost, path, status, form)
}

func (a *admin) has(page string, parts ...string) {
	a.t.Helper()
	plain := strings.NewReplacer("\u00a0", " ", "\u202f", " ")
	for _, part := range parts {
		if !strings.Contains(plain.Replace(html.UnescapeString(page)), plain.Replace(part)) {
			a.t.Errorf("%q is not on the page:\n%s", part, page)
		}
	}
}

func TestPagesOfIncidents(t *testing.T) {
	a := newAdmin(t)
	a.has(a.get(Path), "Aucun incident en ce moment.")
	a.has(a.get(Path+"/new"), "pad")
	a.has(a.post(Path+"/new", http.StatusBadRequest, "service", "pad", "text", ""), "Il manque le texte")
	one := a.post(Path+"/new", http.StatusSeeOther, "service", "pad", "text", hostile+"\r\nLe pad est lent.")
	a.has(a.get(one), "Annoncé par l'équipe : pad", "Le pad est lent.", hostile[:20])
	a.post(one, http.StatusSeeOther, "kind", "update", "text", "On cherche.")
	a.post(one, http.StatusBadRequest, "kind", "open", "text", "x")
	a.has(a.get(one+"/postmortem"), "De quoi dépendions-nous ?")
	a.has(a.post(one+"/postmortem", http.StatusBadRequest, "what", "Le disque.", "answer", "javascript:alert(1)"), "javascript:alert(1)", "Le disque.")
	a.post(one+"/postmortem", http.StatusSeeOther, "what", "Le disque."+hostile, "power", "EDF", "answer", "@chaton@social.chaton-a.test")
	a.post(one, http.StatusSeeOther, "kind", "close", "text", "C'est réparé.")
	a.lang = "en"
	page := a.get(one)
	a.has(page, "What we learned", "EDF", "https://social.chaton-a.test/@chaton", "C'est réparé.", "Over, lasted")
	story, err := a.Incident(t.Context(), one[strings.LastIndex(one, "/")+1:])
	ok(t, err)
	a.post(one, http.StatusBadRequest, "withdraw", strings.Repeat("0", 64))
	a.post(one, http.StatusSeeOther, "withdraw", story.Lines[0].Name)
	a.has(a.get(one), "[text withdrawn]")
	a.has(a.get(Path), "Announced by the team: pad")
	a.ask(http.MethodGet, Path+"/"+strings.Repeat("0", 64), http.StatusNotFound, nil)
	// Another hoster's incident is nothing to write on.
	ok(t, a.Changed(t.Context(), verdict.Verdict{}, change("chaton-x.test", "pad", verdict.Down, core.At(a.w.Clock())).After))
	foreign := change("chaton-x.test", "pad", verdict.Down, core.At(a.w.Clock())).After.Certificate
	a.ask(http.MethodGet, Path+"/"+foreign, http.StatusForbidden, nil)
	a.post(Path+"/"+foreign, http.StatusForbidden, "kind", "update", "text", "x")
}

func TestPagesOfMaintenance(t *testing.T) {
	a := newAdmin(t)
	a.has(a.get(maintenance.Path), "Aucune maintenance annoncée.")
	a.get(maintenance.Path + "/new")
	a.has(a.post(maintenance.Path+"/new", http.StatusBadRequest, "from", "2026-12-02T22:00", "to", "2026-12-02T21:00", "zone", "Europe/Paris", "text", hostile), "Une maintenance commence avant de finir", "2026-12-02T22:00")
	a.post(maintenance.Path+"/new", http.StatusSeeOther, "service", "pad", "from", "2026-12-02T22:00", "to", "2026-12-02T23:30", "zone", "Europe/Paris", "text", hostile)
	a.has(a.get(maintenance.Path), "02/12/2026 22:00 – 23:30 (Europe/Paris)", "à venir", "Y renoncer")
	plans, err := a.plans.Maintenance(t.Context(), a.ID, 0, core.At(a.w.Clock()).Add(90*day))
	ok(t, err)
	a.has(a.post(maintenance.Path, http.StatusConflict, "id", plans[0].ID, "do", "end"), "n'a pas commencé")
	a.post(maintenance.Path, http.StatusSeeOther, "id", plans[0].ID, "do", "cancel")
	a.lang = "en"
	a.has(a.get(maintenance.Path), "called off")
}

func TestPagesOfPromises(t *testing.T) {
	a := newAdmin(t)
	a.has(a.get(promise.Path), "Rien n'est promis.", "Mesuré depuis un an")
	edit := promise.Path + "/edit?service=pad"
	a.get(edit)
	a.has(a.post(edit, http.StatusBadRequest, "service", "pad", "away", "beaucoup", "zone", "Europe/Paris"), "beaucoup", "ne convient pas")
	a.has(a.post(edit, http.StatusBadRequest, "service", "pad", "night", "22:00", "zone", "Europe/Paris"), "ne tient pas")
	a.post(edit, http.StatusSeeOther, "service", "pad", "away", "8h", "hours", "mo-fr 08:00-20:00", "night", "22:00-08:00", "night-by", "12:00", "day-within", "4h", "notice", "3j", "zone", "Europe/Paris")
	a.has(a.get(promise.Path), "En panne au plus 8\u00a0h par mois, lu–ve 08:00–20:00.", "est réparée à 12:00.", "Une maintenance est annoncée 72\u00a0h à l'avance.", "1 panne réparée, en 5\u00a0h")
	a.lang = "en"
	a.has(a.get(promise.Path), "Mo–Fr 08:00–20:00", "1 fault repaired, within 5\u00a0h")
	a.has(a.get(edit), "22:00-08:00", "72h")
	a.post(edit, http.StatusSeeOther, "service", "pad", "zone", "Europe/Paris", "do", "end")
	if _, stands, err := a.promises.Standing(t.Context(), "pad"); err != nil || stands {
		t.Errorf("it is still promised: %v", err)
	}
	a.ask(http.MethodGet, promise.Path+"/edit", http.StatusNotFound, nil)
}

// run types a command and answers what it prints.
func (a *admin) run(lang string, asJSON bool, line ...string) (string, error) {
	a.t.Helper()
	catalogue, err := words.New(Words, words.Words, console.Words)
	ok(a.t, err)
	var text bytes.Buffer
	out := &console.Out{W: &text, Err: &text, In: strings.NewReader(""), JSON: asJSON, P: catalogue.Printer(lang)}
	root := &cobra.Command{Use: "entrechat", SilenceErrors: true, SilenceUsage: true}
	root.AddCommand(
		Command(out.P, func(*cobra.Command) (*Reporter, *console.Out, error) { return a.Reporter, out, nil }),
		maintenance.Command(out.P, func(*cobra.Command) (*maintenance.Planner, *console.Out, error) { return a.plans, out, nil }),
		promise.Command(out.P, func(*cobra.Command) (*promise.Promises, *console.Out, error) { return a.promises, out, nil }))
	root.SetArgs(line)
	root.SetOut(&text)
	err = root.ExecuteContext(a.t.Context())
	if strings.Contains(text.String(), "⟦") || strings.Contains(text.String(), "\x1b") {
		a.t.Errorf("%v prints %s", line, text.String())
	}
	return text.String(), err
}

func TestCommands(t *testing.T) {
	a := newAdmin(t)
	says := func(want string, line ...string) {
		t.Helper()
		for _, lang := range []string{"en", "fr"} {
			text, err := a.run(lang, false, line...)
			if err != nil {
				t.Fatalf("%v: %v", line, err)
			}
			if lang == "fr" && !strings.Contains(text, want) {
				t.Errorf("%v says %s", line, text)
			}
			if line[1] != "list" && line[1] != "show" {
				break // once
			}
			if json, err := a.run(lang, true, line...); err != nil || !strings.HasPrefix(json, "[") && !strings.HasPrefix(json, "{") {
				t.Errorf("%v as JSON: %s, %v", line, json, err)
			}
		}
	}
	refused := func(code core.Code, line ...string) {
		t.Helper()
		if text, err := a.run("fr", false, line...); core.CodeOf(err) != code {
			t.Errorf("%v: %v, %s", line, err, text)
		}
	}
	says("Aucun incident depuis 90 jours", "incident", "list")
	says("", "incident", "open", "--service", "pad", "--text", "Le pad est lent.\x1b[31m")
	all, err := a.Incidents(t.Context(), a.ID, 0, 5)
	ok(t, err)
	id := all[0].ID[:10]
	says("", "incident", "update", id, "--text", "On cherche.", "--correction")
	says("", "incident", "postmortem", id, "--what", "Le disque.", "--network", "Free", "--answer", "mailto:nous@chaton-a.test")
	refused(core.CodeInvalid, "incident", "postmortem", id, "--what", "Le disque.", "--answer", "nous")
	says("", "incident", "close", id, "--text", "C'est réparé.")
	refused(core.CodeConflict, "incident", "close", id, "--text", "Encore.")
	refused(core.CodeNotFound, "incident", "show", "zzzz")
	says("L'équipe corrige", "incident", "show", id)
	says("Annoncé par l'équipe : pad", "incident", "list")
	story, err := a.Incident(t.Context(), id)
	ok(t, err)
	refused(core.CodeInvalid, "incident", "withdraw", story.Lines[0].Name[:12])
	says("", "incident", "withdraw", story.Lines[0].Name[:12], "--yes")
	says("[texte retiré]", "incident", "show", id)

	says("Aucune maintenance annoncée", "maintenance", "list")
	says("", "maintenance", "plan", "--from", "2026-12-02 22:00", "--for", "90m", "--service", "pad", "--text", "Un disque.")
	refused(core.CodeInvalid, "maintenance", "plan", "--from", "2026-12-02 22:00", "--for", "90m", "--to", "2026-12-02 23:00")
	refused(core.CodeInvalid, "maintenance", "plan", "--from", "demain", "--for", "90m")
	says("02/12/2026 22:00 – 23:30 (Europe/Paris)", "maintenance", "list")
	plans, err := a.plans.Maintenance(t.Context(), a.ID, 0, core.At(a.w.Clock()).Add(90*day))
	ok(t, err)
	refused(core.CodeConflict, "maintenance", "end", plans[0].ID[:10])
	says("", "maintenance", "cancel", plans[0].ID[:10])
	refused(core.CodeConflict, "maintenance", "cancel", plans[0].ID[:10])

	says("Rien n'est promis", "promise", "show")
	says("", "promise", "set", "pad", "--away", "8h", "--night", "22:00-08:00", "--night-by", "12:00")
	says("", "promise", "set", "pad", "--notice", "3d") // the rest stays
	says("En panne au plus 8\u00a0h par mois.", "promise", "show")
	says("est réparée à 12:00", "promise", "show", "--service", "pad")
	refused(core.CodeInvalid, "promise", "set", "pad", "--away", "x")
	refused(core.CodeNotFound, "promise", "show", "--service", "wiki")
}
