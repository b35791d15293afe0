package show_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"entrechat/internal/kit/dbtest"
	"entrechat/internal/kit/web"
	"entrechat/internal/kit/words"
	"entrechat/internal/room/watch/alert"
	"entrechat/internal/room/watch/look"
	"entrechat/internal/room/watch/status"
	"entrechat/internal/room/watch/status/tonight"
	"entrechat/internal/room/watch/verdict"
)

// night is what an admin finds when woken.
type night struct{ tonight.Night }

func (n *night) Acknowledge(context.Context, string) error { return nil }

func (n *night) Again(context.Context, string) error { return nil }

// source makes a night a tonight.Source: the embedded field has the method's name.
type source struct{ *night }

func (s source) Night(context.Context) (tonight.Night, error) { return s.night.Night, nil }

func badNight() *night {
	return &night{tonight.Night{
		Troubles: []tonight.Trouble{
			{
				ID: "ours", Hoster: "chaton-a.test", Ours: true, Services: []string{"Pad"}, State: verdict.Down, Since: hoursAgo(.3),
				Told: []tonight.Told{
					{Person: "Ana", Channel: "ntfy", At: hoursAgo(.28), State: tonight.Sent}, {Person: "Bo", Channel: "courriel", At: hoursAgo(.27), State: tonight.Failed}, {Person: "Cy", Channel: "XMPP", State: tonight.Held},
				},
				Targets: []tonight.Target{{
					Service: "Pad", Address: "https://pad.chaton-a.test/",
					Here: tonight.View{Who: "chaton-a.test", At: hoursAgo(.01), State: verdict.Up, Took: 48 * time.Millisecond, Detail: "200, 14 kB"},
					Voters: []tonight.View{
						{Who: "chaton-b.test", At: hoursAgo(.02), State: verdict.Down, Class: look.Timeout, Took: 10 * time.Second},
						{Who: "chaton-c.test", At: hoursAgo(.02), State: verdict.Down, Class: look.Timeout, Took: 10 * time.Second},
						{Who: "chaton-d.test", At: hoursAgo(.02), State: verdict.Up, Class: look.Slow, Took: 4 * time.Second},
						{Who: "chaton-e.test"},
					},
				}},
			},
			{ID: "ours2", Hoster: "chaton-a.test", Ours: true, Services: []string{"Courriel"}, State: verdict.Partial, Since: hoursAgo(2), Acknowledged: hoursAgo(1.8), By: "Ana", Write: "/admin/incidents"},
			{ID: "theirs", Hoster: "chaton-b.test", Name: "Chaton B", Services: []string{"Visio"}, State: verdict.Down, Weak: true, Since: hoursAgo(30)},
		},
		Awake: []tonight.Person{{Name: "Ana", Until: hoursAgo(-6)}, {Name: "Bo", Until: hoursAgo(-6), Quiet: true}},
	}}
}

// TestTonightInChromium looks at the admin's pages of a bad night and of a good one.
func TestTonightInChromium(t *testing.T) {
	d := dbtest.SQLite(t, "web", web.Migrations())
	all, err := words.New(web.Words, status.Words, alert.Words)
	if err != nil {
		t.Fatal(err)
	}
	var handler http.Handler
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { handler.ServeHTTP(w, r) }))
	t.Cleanup(server.Close)
	clock := func() time.Time { return now().Time() }
	site := web.New(web.Needs{
		DB: d, Words: all, Lang: "fr", URL: server.URL, Now: clock, Log: slog.New(slog.DiscardHandler),
		Host: func(context.Context) web.Host { return web.Host{Name: "Le Chaton d'Armor", Origin: "chaton-a.test"} },
	})
	n := badNight()
	pages := tonight.New(tonight.Needs{Source: source{n}}).Pages(site)
	pages.Routes = append(pages.Routes, web.Route{Pattern: "GET /admin/{$}", Handler: http.RedirectHandler(tonight.Path, http.StatusSeeOther)})
	handler = site.Handler([]web.Pages{pages})
	link, _, err := web.NewLink(t.Context(), d, server.URL, now())
	if err != nil {
		t.Fatal(err)
	}
	b := newBrowser(t)
	b.do(chromedp.Navigate(link), chromedp.Click("main button"), chromedp.WaitVisible("#awake"))
	look := func(name, path string) {
		for _, width := range []int64{390, 1280} {
			for _, lang := range []string{"fr", "en"} {
				dark := (width == 390) == (lang == "en")
				b.look(server.URL+path+"lang="+lang, fmt.Sprintf("%s-%s-%d", name, lang, width)+map[bool]string{true: "-dark"}[dark], width, dark)
			}
		}
	}
	look("tonight", tonight.Path+"?")
	look("tonight_one", tonight.OnePath+"?incident=ours&")
	n.Troubles[0].Acknowledged, n.Troubles[0].By = hoursAgo(.1), "Bo"
	look("tonight_taken", tonight.Path+"?")
	n.Night = tonight.Night{Isolated: hoursAgo(.1)}
	look("tonight_isolated", tonight.Path+"?")
	n.Night = tonight.Night{Awake: badNight().Awake, Watched: 3, Newest: hoursAgo(.01)}
	look("tonight_well", tonight.Path+"?")
	n.Night = tonight.Night{}
	look("tonight_nothing", tonight.Path+"?")
}
