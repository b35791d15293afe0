package show_test

import (
	"context"
	"crypto/ed25519"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/dbtest"
	"entrechat/internal/kit/seal"
	"entrechat/internal/kit/web"
	"entrechat/internal/kit/words"
	"entrechat/internal/room/watch/incident/availability"
	"entrechat/internal/room/watch/status"
	"entrechat/internal/room/watch/status/show"
	"entrechat/internal/room/watch/verdict"
)

// now is a Monday evening of the samples.
func now() core.Moment { return core.At(time.Date(2026, 11, 30, 18, 20, 0, 0, time.UTC)) }

func hoursAgo(h float64) core.Moment { return now().Add(-time.Duration(h * float64(time.Hour))) }

// fake is a source that says what it holds.
type fake struct {
	hosters     []status.Hoster
	services    map[core.MemberID][]status.Service
	basis       map[core.MemberID]core.Moment // none = now
	incidents   map[core.MemberID][]status.Incident
	maintenance map[core.MemberID][]status.Maintenance
}

func (f *fake) Hosters(context.Context) ([]status.Hoster, error) { return f.hosters, nil }

func (f *fake) Services(_ context.Context, who status.Hoster, at core.Moment) ([]status.Service, core.Moment, error) {
	if basis, ok := f.basis[who.ID]; ok {
		at = basis
	}
	return f.services[who.ID], at, nil
}

func (f *fake) Incidents(_ context.Context, who core.MemberID, _ core.Moment) ([]status.Incident, error) {
	return f.incidents[who], nil
}

func (f *fake) Maintenance(_ context.Context, who core.MemberID, _ core.Moment) ([]status.Maintenance, error) {
	return f.maintenance[who], nil
}

// history is 90 days in which what changes says happened so many days ago.
func history(t testing.TB, days int, changes map[int]status.Parts) []status.Day {
	t.Helper()
	paris, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		t.Fatal(err)
	}
	from := core.At(time.Date(2026, 11, 30-days+1, 0, 0, 0, 0, paris))
	out := daysOf([]availability.Interval{{From: from, State: verdict.Up}}, from, now(), paris)
	for ago, parts := range changes {
		d := &out[len(out)-1-ago]
		parts.Up = d.Up - parts.Total()
		d.Parts = parts
	}
	return out
}

// daysOf counts days as status/gather does.
func daysOf(row []availability.Interval, from, to core.Moment, zone *time.Location) (out []status.Day) {
	parts := availability.Parts(row, nil, from, to)
	for _, day := range availability.Days(from, to, zone) {
		sum := availability.Of(availability.Cut(parts, []availability.Span{day}))
		whole := func(d time.Duration) int64 { return int64(d / time.Second) }
		out = append(out, status.Day{
			Date:  day.From.Time().In(zone).Format(time.DateOnly),
			Parts: status.Parts{Up: whole(sum.Up), Partial: whole(sum.Partial), Down: whole(sum.Down), Unknown: whole(sum.Unknown)},
		})
	}
	return out
}

func latency(base int64) *status.Latency {
	l := &status.Latency{Day: status.Series{From: hoursAgo(24), Step: 900}, Month: status.Series{From: hoursAgo(720), Step: 21600}}
	for i := range int64(96) {
		v := base + (i*i*7)%23
		if i > 60 && i < 70 {
			v *= 3
		}
		if i >= 40 && i < 44 {
			l.Day.P50, l.Day.P95 = append(l.Day.P50, -1), append(l.Day.P95, -1)
			continue
		}
		l.Day.P50, l.Day.P95 = append(l.Day.P50, v), append(l.Day.P95, v*2+(i*13)%50)
	}
	for i := range int64(120) {
		l.Month.P50, l.Month.P95 = append(l.Month.P50, base+(i*i*3)%31), append(l.Month.P95, base*2+(i*i*5)%90)
	}
	return l
}

func promise() *status.Promise {
	p := &status.Promise{Away: 8 * 3600, AwayNow: 2*3600 + 700, Says: map[string][]string{"fr": {"absent au plus 8 h par mois", "une panne la nuit est réparée avant midi"}, "en": {"away at most 8 h in a month", "a fault at night is repaired by noon"}}, Restored: 3, Outages: 4}
	for i, kept := range []status.Keeping{status.Unsure, status.Kept, status.Kept, status.Kept, status.Missed, status.Kept, status.Kept, status.Kept, status.Kept, status.Kept, status.Kept, status.Kept, status.Kept, status.Running} {
		m := status.Month{Month: time.Date(2025, 10+time.Month(i), 1, 0, 0, 0, 0, time.UTC).Format("2006-01"), Kept: kept, Parts: status.Parts{Up: 2_500_000, Down: 3_000 * int64(i%3)}}
		if kept == status.Missed {
			m.Down = 50_000
		}
		p.Months = append(p.Months, m)
	}
	return p
}

func up(name string, days []status.Day) status.Service {
	return status.Service{Name: name, State: verdict.Up, Since: hoursAgo(300), Voters: 7, Days: days, Latency: latency(120)}
}

// sample is a village of hosters, each in another state. The first is who serves the pages.
func sample(t testing.TB) *fake {
	well := history(t, 90, nil)
	some := history(t, 90, map[int]status.Parts{3: {Down: 5400}, 20: {Partial: 8000}, 21: {Unknown: 20000}, 33: {Maint: 7200}, 55: {Down: 60000}, 56: {Down: 9000}, 70: {Unknown: 86400}})
	f := &fake{
		services: map[core.MemberID][]status.Service{}, basis: map[core.MemberID]core.Moment{},
		incidents: map[core.MemberID][]status.Incident{}, maintenance: map[core.MemberID][]status.Maintenance{},
	}
	add := func(h status.Hoster, services ...status.Service) {
		if h.Zone == "" {
			h.Zone = "Europe/Paris"
		}
		f.hosters = append(f.hosters, h)
		f.services[h.ID] = services
	}
	mail, pad, video := up("Courriel", well), up("Pad", some), up("Visio", some)
	mail.Promise, pad.Promise = promise(), promise()
	add(status.Hoster{ID: "chaton-a.test", Name: "Le Chaton d'Armor", Voters: 7, Heard: now()}, mail, pad, video, up("Nuage", well), up("Forge", well))
	down := pad
	down.State, down.Since, down.Failing = verdict.Down, hoursAgo(5.3), 5
	down.Behind = &status.Behind{Software: "etherpad<b>", Version: "1.9.1", Since: hoursAgo(20 * 24)}
	down.Restore = status.Restore{Count: 12, P50: 2400, P90: 11000}
	add(status.Hoster{ID: "chaton-b.test", Name: "Chaton B", Voters: 7, Hosts: []string{"status.chaton-b.test"}, Heard: now()}, mail, down, video, up("Nuage", well), up("Forge", well))
	f.incidents["chaton-b.test"] = incidents()
	f.maintenance["chaton-b.test"] = []status.Maintenance{
		{ID: "m1", Services: []string{"Nuage"}, Said: hoursAgo(48), From: hoursAgo(-30), To: hoursAgo(-32), Text: "Nous changeons un disque.\nRien ne sera perdu."},
		{ID: "m0", Said: hoursAgo(900), From: hoursAgo(800), To: hoursAgo(798), Text: "Mise à jour."},
	}
	gone := []status.Service{up("Courriel", well), up("Pad", some)}
	for i := range gone {
		gone[i].State, gone[i].Since, gone[i].Latency = verdict.Unknown, hoursAgo(2), nil
	}
	add(status.Hoster{ID: "chaton-c.test", Name: "Chaton C", Voters: 3, Heard: hoursAgo(9), Silent: true}, gone...)
	weak := []status.Service{up("Pad", history(t, 12, map[int]status.Parts{2: {Down: 4000}})), up("Blog", history(t, 12, nil))}
	for i := range weak {
		weak[i].Weak, weak[i].Voters = true, 1
	}
	weak[0].State, weak[0].Failing, weak[0].Since = verdict.Down, 1, hoursAgo(.5)
	add(status.Hoster{ID: "chaton-d.test", Name: "Chaton D", Voters: 1, Heard: now()}, weak...)
	first := up("Pad", history(t, 1, nil))
	first.Latency = nil
	add(status.Hoster{ID: "chaton-e.test", Name: "Chaton E", Voters: 2, Heard: now()}, first)
	add(status.Hoster{ID: "chaton-f.test", Name: "Chaton F", Voters: 2, Heard: now()})
	work := up("Courriel", some)
	work.State, work.Failing = verdict.Down, 7
	add(status.Hoster{ID: "chaton-g.test", Name: "Chaton G", Voters: 7, Heard: now()}, work, up("Pad", well))
	f.maintenance["chaton-g.test"] = []status.Maintenance{{ID: "m2", Services: []string{"Courriel"}, Said: hoursAgo(100), From: hoursAgo(1), To: hoursAgo(-2), Text: "Nouvelle machine."}}
	f.basis["chaton-d.test"] = hoursAgo(.2)
	return f
}

func incidents() []status.Incident {
	return []status.Incident{
		{
			ID: "0a1b2c3d4e5f", Services: []string{"Pad"}, State: verdict.Down, Opened: hoursAgo(5.3),
			Timeline: []status.Line{
				{At: hoursAgo(5.3), Kind: status.LineSuspected, Service: "Pad"},
				{At: hoursAgo(5.28), Kind: status.LineDown, Service: "Pad", Count: 5, Of: 7},
				{At: hoursAgo(5.27), Kind: status.LineTold, Count: 2},
				{At: hoursAgo(5.1), Kind: status.LineAcknowledged},
			},
			Notes: []status.Note{{At: hoursAgo(4), Kind: status.NoteUpdate, Text: "Un disque est plein. Nous faisons de la place ; comptez deux heures."}},
		},
		{
			ID: "ffee00112233", Whole: true, State: verdict.Down, Opened: hoursAgo(1330), Closed: hoursAgo(1313),
			Timeline: []status.Line{{At: hoursAgo(1330), Kind: status.LineDown, Count: 7, Of: 7}, {At: hoursAgo(1313), Kind: status.LineUp, Count: 6, Of: 7}},
			Notes:    []status.Note{{At: hoursAgo(1320), Kind: status.NoteUpdate, Withdrawn: true}, {At: hoursAgo(1313), Kind: status.NoteClose, Text: "Tout est revenu."}},
			Lesson: &status.Postmortem{
				At: hoursAgo(1200), Happened: "L'onduleur a lâché à 2 h du matin, et la machine ne s'est pas rallumée seule.",
				Whom: "Les associations qui préparaient leur assemblée sur le pad.", Depended: "Du courant d'un seul local, et d'une personne qui a la clé.",
				Without: "D'un onduleur de quinze ans.", Change: "Deux personnes ont la clé. La machine se rallume seule.", Answer: "contact@chaton-b.test",
			},
		},
		{ID: "abc", Services: []string{"Visio", "Pad"}, State: verdict.Partial, Unstable: true, Weak: true, Opened: hoursAgo(490), Closed: hoursAgo(485)},
	}
}

// village is a node that shows a source's hosters.
type village struct {
	testing.TB
	board *status.Board
	at    core.Moment
	*httptest.Server
	handler http.Handler
}

func newVillage(t testing.TB, f status.Source) *village {
	t.Helper()
	v := &village{TB: t, at: now()}
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	clock := func() time.Time { return v.at.Time() }
	v.board = status.New(status.Needs{Source: f, Signer: seal.NewSigner("chaton-a.test", key), Now: clock})
	if err := v.board.Rebuild(t.Context()); err != nil {
		t.Fatal(err)
	}
	all, err := words.New(web.Words, status.Words)
	if err != nil {
		t.Fatal(err)
	}
	site := web.New(web.Needs{
		DB: dbtest.SQLite(t, "web", web.Migrations()), Words: all, Lang: "fr", URL: "https://chaton-a.test",
		Host: func(context.Context) web.Host { return web.Host{Name: "Le Chaton d'Armor", Origin: "chaton-a.test"} },
		Now:  clock, Log: slog.New(slog.DiscardHandler),
	})
	pages := show.New(show.Needs{Board: v.board, URL: "https://chaton-a.test"})
	v.handler = pages.Front(site.Handler([]web.Pages{pages.Pages(site)}))
	v.Server = httptest.NewServer(v.handler)
	t.Cleanup(v.Close)
	return v
}

// get is a page's status and text.
func (v *village) get(path string, headers ...string) (int, string, http.Header) {
	v.Helper()
	r := httptest.NewRequestWithContext(v.Context(), http.MethodGet, "https://chaton-a.test"+path, nil)
	for i := 0; i+1 < len(headers); i += 2 {
		if r.Header.Set(headers[i], headers[i+1]); headers[i] == "Host" {
			r.Host = headers[i+1]
		}
	}
	w := httptest.NewRecorder()
	v.handler.ServeHTTP(w, r)
	return w.Code, strings.ReplaceAll(w.Body.String(), "\u00a0", " "), w.Header()
}
