package watch

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/dbtest"
	"entrechat/internal/kit/seal"
	"entrechat/internal/kit/words"
	"entrechat/internal/room/watch/alert"
	"entrechat/internal/room/watch/alert/channel"
	"entrechat/internal/room/watch/alert/contact"
	"entrechat/internal/room/watch/incident"
	"entrechat/internal/room/watch/incident/incidenttest"
	"entrechat/internal/room/watch/incident/maintenance"
	"entrechat/internal/room/watch/incident/note"
	"entrechat/internal/room/watch/subscribe"
	"entrechat/internal/room/watch/verdict"
)

var ok = incidenttest.OK

// telling is a hoster and those that vote for it, as the room tells their people.
type telling struct {
	*incidenttest.World
	t     *testing.T
	order []core.MemberID // the owner first
	rooms map[core.MemberID]*Room
	mu    sync.Mutex
	inbox []string
}

// seats answers alerts who tells the owner's people.
type seats struct{ *telling }

func (s seats) Voters(_ context.Context, owner core.MemberID) ([]core.MemberID, error) {
	return slices.DeleteFunc(slices.Clone(s.order), func(m core.MemberID) bool { return m == owner }), nil
}
func (seats) Serves(context.Context, core.MemberID) (bool, error)  { return true, nil }
func (seats) Sees(context.Context, core.MemberID, string) []string { return nil }
func (seats) Domains(_ context.Context, owner core.MemberID) ([]string, error) {
	return []string{string(owner)}, nil
}

// newTelling makes them; the first has a person who is told by a webhook.
func newTelling(t *testing.T, order ...core.MemberID) *telling {
	t.Helper()
	w := &telling{World: incidenttest.New(t, dbtest.SQLite, order...), t: t, order: order, rooms: map[core.MemberID]*Room{}}
	hook := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var m struct{ Kind string }
		_ = json.NewDecoder(r.Body).Decode(&m)
		w.mu.Lock()
		defer w.mu.Unlock()
		w.inbox = append(w.inbox, m.Kind)
	}))
	t.Cleanup(hook.Close)
	texts, err := words.New(append(AllWords(), words.Words)...)
	ok(t, err)
	for _, id := range order {
		w.rooms[id] = w.room(w.Nodes[id], texts)
	}
	owner := w.rooms[order[0]].Alerts
	ok(t, owner.AddPerson(t.Context(), contact.Person{ID: "ana", Name: "Ana", Lang: "en", Zone: "UTC"}))
	_, err = owner.AddChannel(t.Context(), "ana", contact.Channel{Kind: contact.Webhook, Address: hook.URL}, false)
	ok(t, err)
	w.Wait(time.Second) // they meet
	ok(t, owner.PushPlans(t.Context()))
	return w
}

// room is what tells people, without looks and votes.
func (w *telling) room(n *incidenttest.Node, texts *words.Catalogue) *Room {
	quiet := slog.New(slog.DiscardHandler)
	signer := seal.NewSigner(n.ID, n.Key())
	r := &Room{Needs: Needs{DB: n.DB, Signer: signer, URL: "https://" + string(n.ID), Now: w.Clock, Log: quiet}, fresh: make(chan struct{}, 1)}
	to := teller{r}
	r.Alerts = alert.New(alert.Needs{
		DB: n.DB, Signer: signer, Calls: n.Client, Watch: seats{w}, Channels: channel.Needs{Private: true}, Words: texts, URL: r.URL, Now: w.Clock, Log: quiet,
	})
	r.Subscribers = subscribe.New(subscribe.Needs{DB: n.DB, Signer: signer, Hosters: to, Words: texts, URL: r.URL, Now: w.Clock, Log: quiet})
	r.Publisher = incident.NewPublisher(incident.PublisherNeeds{
		DB: n.DB, Book: n.Book, Self: n.ID, Calls: n.Client, Tell: to.tell, TellPlan: func(context.Context, maintenance.Plan) error { return nil },
		ServiceOf: func(_ context.Context, _ core.MemberID, id string) (string, error) {
			return strings.TrimPrefix(id, "t-"), nil
		},
		Now: w.Clock, Log: quiet,
	})
	n.Readers = r.Publisher.Readers()
	n.Serve(append(r.Publisher.Routes(), r.Alerts.Routes()...))
	return r
}

// hear has all that are there conclude the same of a service of the first one's.
func (w *telling) hear(service string, state verdict.State) {
	w.t.Helper()
	at := core.At(w.Clock())
	v := verdict.Verdict{Owner: w.order[0], Target: "t-" + service, State: state, Since: at, Failing: 3, Voters: 3, Case: fmt.Sprint(service, state, at)}
	for _, id := range w.order {
		if !w.Nodes[id].Offline.Load() {
			ok(w.t, w.rooms[id].Publisher.Incidents.Changed(w.t.Context(), verdict.Verdict{}, v))
		}
	}
}

// pass lets time go by at all that are there.
func (w *telling) pass(d time.Duration) {
	w.t.Helper()
	step := max(5*time.Second, d/60)
	for at := time.Duration(0); at < d; at += step {
		for _, id := range w.order {
			if w.Nodes[id].Offline.Load() {
				continue
			}
			if step > 15*time.Second || at%(15*time.Second) == 0 {
				ok(w.t, w.rooms[id].Publisher.Incidents.Remind(w.t.Context()))
			}
			ok(w.t, w.rooms[id].Alerts.Deliver(w.t.Context()))
		}
		w.Wait(step)
	}
}

// expect compares what the person got since the last time.
func (w *telling) expect(when string, want ...string) {
	w.t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	if strings.Join(w.inbox, " ") != strings.Join(want, " ") {
		w.t.Errorf("%s: told %q, want %q", when, w.inbox, want)
	}
	w.inbox = nil
}

// TestAnOutageThatOutlastsItsMaintenance: what announced maintenance holds back is told when
// it ends, once, by the owner's node or by the voter whose turn it is.
func TestAnOutageThatOutlastsItsMaintenance(t *testing.T) {
	for name, gone := range map[string]bool{"the owner's node is there": false, "the owner's node is dead": true} {
		t.Run(name, func(t *testing.T) {
			w := newTelling(t, "chaton-a.test", "chaton-b.test", "chaton-c.test")
			now := core.At(w.Clock())
			_, err := w.rooms[w.order[0]].Publisher.Plans.Plan(t.Context(), maintenance.Plan{Start: now.Add(time.Minute), End: now.Add(4 * time.Minute), Services: []string{"pad", "wiki"}}, note.Document{})
			ok(t, err)
			w.Wait(90 * time.Second)
			w.Nodes[w.order[0]].Offline.Store(gone)
			w.hear("pad", verdict.Down)
			w.hear("wiki", verdict.Down)
			w.pass(time.Minute)
			w.hear("wiki", verdict.Up)
			w.pass(80 * time.Second)
			w.expect("while it runs")
			w.pass(3 * time.Minute)
			w.expect("after its end", "down")
			w.Nodes[w.order[0]].Offline.Store(false)
			w.hear("pad", verdict.Up)
			w.pass(2 * time.Minute)
			w.expect("when it is well", "recovered")
		})
	}
}

// TestWhatFlapsIsToldToBeSteady: the last word on what kept going away is that it stays.
func TestWhatFlapsIsToldToBeSteady(t *testing.T) {
	w := newTelling(t, "chaton-a.test", "chaton-b.test", "chaton-c.test")
	for range 4 {
		w.hear("pad", verdict.Down)
		w.pass(2 * time.Minute)
		w.hear("pad", verdict.Up)
		w.pass(2 * time.Minute)
	}
	w.expect("while it flaps", "down", "recovered", "down", "recovered", "unstable")
	w.pass(56 * time.Minute)
	w.expect("not an hour yet")
	w.pass(5 * time.Minute)
	w.expect("an hour later", "steady")
}
