package delivery

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/dbtest"
	"entrechat/internal/kit/words"
	"entrechat/internal/room/watch/alert/channel"
	"entrechat/internal/room/watch/alert/contact"
	"entrechat/internal/room/watch/migrations"
)

const owner = core.MemberID("chaton-a.test")

// world is one node's queue with a clock that the test moves.
type world struct {
	t     *testing.T
	q     *Queue
	plan  contact.Plan
	rank  int
	mu    sync.Mutex
	at    time.Time
	sent  []sentMessage
	fails map[string]error // by channel id
	told  []Receipt
	sees  []string // words keys
	// What the others answer, and how many there are.
	answers map[core.MemberID][]Receipt
	others  int
}

type sentMessage struct {
	to string
	m  channel.Message
}

func (w *world) Send(_ context.Context, to contact.Channel, m channel.Message) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.fails[to.ID]; err != nil {
		return err
	}
	w.sent = append(w.sent, sentMessage{to.ID, m})
	return nil
}

func catalogue(t testing.TB) *words.Catalogue {
	t.Helper()
	c, err := words.New(os.DirFS(".."), words.Words)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func newWorld(t *testing.T, d *db.DB, people ...contact.Person) *world {
	w := &world{t: t, at: time.Date(2026, 11, 30, 14, 0, 0, 0, time.UTC), fails: map[string]error{}}
	w.plan = contact.Plan{Owner: owner, At: 1, People: people}
	if err := w.plan.Check(); err != nil {
		t.Fatal(err)
	}
	w.q = New(Needs{
		Self: owner, DB: d,
		Plan:    func(_ context.Context, o core.MemberID) (contact.Plan, bool, error) { return w.plan, o == owner, nil },
		Rank:    func(context.Context, core.MemberID) (int, error) { return w.rank, nil },
		Domains: func(context.Context, core.MemberID) ([]string, error) { return []string{"chaton-a.test"}, nil },
		Sees:    func(context.Context, core.MemberID, string) []string { return w.sees },
		Sender:  w, Tell: func(_ context.Context, r Receipt) { w.told = append(w.told, r) },
		Ask: func(context.Context, core.MemberID, string) (map[core.MemberID][]Receipt, int) {
			return w.answers, w.others
		},
		Link: func(key, person string) string {
			return "https://chaton-b.test/watch/ack/" + key + "/" + person + "/sig"
		},
		Words: catalogue(t), Now: func() time.Time { w.mu.Lock(); defer w.mu.Unlock(); return w.at },
		Log: slog.New(slog.DiscardHandler),
	})
	return w
}

// pass lets time go by in steps of a second, or more, and sends what is due.
func (w *world) pass(d time.Duration) {
	w.t.Helper()
	step := max(time.Second, d/60)
	for end := w.at.Add(d); ; {
		if err := w.q.Run(w.t.Context()); err != nil {
			w.t.Fatal(err)
		}
		if !w.at.Before(end) {
			return
		}
		w.mu.Lock()
		w.at = w.at.Add(step)
		w.mu.Unlock()
	}
}

func (w *world) put(n Notice) {
	w.t.Helper()
	n.Owner = owner
	if n.Incident == "" {
		n.Incident = "i1"
	}
	if n.At == 0 {
		n.At = core.At(w.at)
	}
	if err := w.q.Put(w.t.Context(), n); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) resolve() {
	w.t.Helper()
	if err := w.q.Resolve(w.t.Context(), owner, "i1", core.At(w.at)); err != nil {
		w.t.Fatal(err)
	}
}

// expect compares what went out since the last time: channel and beginning of the title.
func (w *world) expect(want ...string) {
	w.t.Helper()
	var got []string
	for _, s := range w.sent {
		got = append(got, s.to+" "+strings.SplitN(s.m.Title, ":", 2)[0])
	}
	w.sent = nil
	if strings.Join(got, "|") != strings.Join(want, "|") {
		w.t.Errorf("sent %q, want %q", got, want)
	}
}

func mailer(id string, quiet contact.Quiet, extra ...contact.Channel) contact.Person {
	return contact.Person{
		ID: id, Name: id, Lang: "en", Zone: "Europe/Paris", Quiet: quiet,
		Channels: append([]contact.Channel{{ID: id + "-mail", Kind: contact.Mail, Address: id + "@elsewhere.test"}}, extra...),
	}
}

func hook(id, address string) contact.Channel {
	return contact.Channel{ID: id, Kind: contact.Webhook, Address: address}
}

func each(t *testing.T, fn func(t *testing.T, d *db.DB)) {
	t.Helper()
	dbtest.Each(t, "watch", migrations.Files, fn)
}

var night = contact.Quiet{From: "22:00", To: "07:00"}

func TestOneMessageAndOneRecovery(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d, mailer("ana", contact.Quiet{}))
		w.put(Notice{Kind: Down, Services: []string{"Pad"}, Link: "https://chaton-b.test/status/x"})
		w.put(Notice{Kind: Down, Services: []string{"Pad"}})
		w.pass(time.Minute)
		w.expect("ana-mail Down")
		w.resolve()
		w.resolve()
		w.pass(time.Minute)
		w.expect("ana-mail Back")
		w.put(Notice{Kind: Down, Services: []string{"Pad"}})
		w.pass(time.Hour)
		w.expect()
	})
}

// What became a part of another incident asks nobody else, and its end is the other's to
// tell.
func TestAbsorbed(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d, mailer("ana", contact.Quiet{}), mailer("bob", contact.Quiet{}))
		w.plan.Rota = contact.Rota{Zone: "Europe/Paris", Shifts: []contact.Shift{{Person: "ana", Start: "2026-11-30T09:00", Minutes: 7 * 24 * 60, Rule: "FREQ=WEEKLY"}}}
		w.put(Notice{Kind: Down, Services: []string{"Pad"}, Level: contact.Page})
		w.pass(time.Minute)
		w.expect("ana-mail Down")
		if err := w.q.Absorb(t.Context(), owner, "i1", w.q.now()); err != nil {
			t.Fatal(err)
		}
		w.pass(2 * time.Hour)
		w.expect()
		if open, _, err := w.q.Of(t.Context(), owner, "i1"); err != nil || len(open) != 1 || open[0].Over == 0 {
			t.Errorf("%+v %v", open, err)
		}
	})
}

func TestFallback(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d, mailer("ana", contact.Quiet{}, hook("hook", "https://hook.test/x")))
		w.fails["ana-mail"] = &channel.SendError{Why: "refused"}
		w.put(Notice{Kind: Down})
		w.pass(10 * time.Second)
		w.expect("hook Down")
		// Both fail: everything again later, and nothing is lost.
		w.fails["hook"] = &channel.SendError{Why: "status 503"}
		w.put(Notice{Kind: Backup})
		w.pass(20 * time.Minute)
		w.expect()
		delete(w.fails, "hook")
		w.pass(2 * time.Hour)
		w.expect("hook Backup too old")
	})
}

func TestUnsureAtMostTwice(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d, mailer("ana", contact.Quiet{}))
		tries := 0
		w.q.n.Sender = senderFunc(func() error { tries++; return &channel.SendError{Why: "timeout", Unsure: true} })
		w.put(Notice{Kind: Down})
		w.pass(5 * time.Hour)
		if tries != 2 {
			t.Errorf("%d tries that may have arrived", tries)
		}
	})
}

type senderFunc func() error

func (f senderFunc) Send(context.Context, contact.Channel, channel.Message) error { return f() }

func TestVictimsChannelIsPassedOver(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d, contact.Person{ID: "ana", Name: "Ana", Lang: "fr", Zone: "Europe/Paris", Channels: []contact.Channel{
			{ID: "own", Kind: contact.Mail, Address: "ana@mail.chaton-a.test"}, hook("out", "https://hook.test/x"),
		}})
		w.put(Notice{Kind: Down})
		w.put(Notice{Kind: Certificate, Incident: "c", Ends: core.At(w.at).Add(time.Hour)})
		w.pass(5 * time.Second)
		if len(w.sent) != 2 || w.sent[0].to == w.sent[1].to {
			t.Errorf("an outage passes over the own channel, a certificate does not: %+v", w.sent)
		}
		w.plan.People[0].Channels = w.plan.People[0].Channels[:1]
		w.sent = nil
		w.put(Notice{Kind: Down, Incident: "i2"})
		w.pass(5 * time.Second)
		w.expect("own En panne\u00a0")
	})
}

func TestQuietHoursHoldDelivery(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		wakes := night
		wakes.Wake = true
		w := newWorld(t, d, mailer("ana", night), mailer("bob", wakes))
		w.at = time.Date(2026, 11, 30, 23, 0, 0, 0, time.UTC)
		w.put(Notice{Kind: Down, Level: contact.Page, Services: []string{"Pad"}})
		w.put(Notice{Kind: Backup, Incident: "b"})
		w.put(Notice{Kind: Down, Incident: "weak", Level: contact.Page, Weak: true})
		w.pass(time.Minute)
		w.expect("bob-mail Down")
		w.resolve() // the first
		w.pass(time.Minute)
		w.expect("bob-mail Back")
		w.pass(8 * time.Hour)
		got := map[string]int{}
		for _, s := range w.sent {
			got[s.to+" "+strings.SplitN(s.m.Title, ":", 2)[0]]++
		}
		want := map[string]int{
			"ana-mail Down": 1, "ana-mail Backup too old": 1, "ana-mail What happened": 1, "bob-mail Down": 1, "bob-mail Backup too old": 1,
		}
		for k, n := range want {
			if got[k] != n {
				t.Errorf("%s: %d, want %d", k, got[k], n)
			}
		}
		if len(got) != len(want) {
			t.Errorf("sent %v", got)
		}
	})
}

// TestOneSummary: what came and went in the night is one message.
func TestOneSummary(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d, mailer("ana", night))
		w.at = time.Date(2026, 11, 30, 23, 0, 0, 0, time.UTC)
		for _, id := range []string{"i1", "i2", "i3"} {
			w.put(Notice{Kind: Down, Incident: id, Services: []string{"<" + id + ">"}})
		}
		for _, id := range []string{"i1", "i2"} {
			if err := w.q.Resolve(t.Context(), owner, id, core.At(w.at.Add(time.Hour))); err != nil {
				t.Fatal(err)
			}
		}
		w.pass(9 * time.Hour)
		if len(w.sent) != 2 || w.sent[0].m.Kind != "down" || !strings.Contains(w.sent[0].m.Title, "<i3>") {
			t.Fatalf("%d messages: %+v", len(w.sent), w.sent)
		}
		if m := w.sent[1].m; m.Kind != "digest" || !strings.Contains(m.Text, "<i1>") || !strings.Contains(m.Text, "<i2>") || strings.Contains(m.Text, "<i3>") {
			t.Errorf("%+v", m)
		}
	})
}

func TestEscalation(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d, mailer("ana", contact.Quiet{}), mailer("bob", contact.Quiet{}), mailer("team", contact.Quiet{}))
		w.plan.Rota = contact.Rota{Zone: "Europe/Paris", Shifts: []contact.Shift{{Person: "ana", Start: "2026-11-30T09:00", Minutes: 7 * 24 * 60, Rule: "FREQ=WEEKLY"}}}
		n := Notice{Kind: Down, Level: contact.Page}
		w.put(n)
		w.pass(29 * time.Minute)
		w.expect("ana-mail Down")
		w.pass(3 * time.Minute)
		w.expect("bob-mail Down")
		w.pass(31 * time.Minute)
		w.expect("team-mail Down")
		w.put(Notice{Kind: Down, Incident: "i2", Level: contact.Page})
		w.pass(time.Minute)
		w.expect("ana-mail Down")
		n.Owner, n.Incident = owner, "i2"
		if first, err := w.q.Acknowledge(t.Context(), n.Key(), "ana"); err != nil || !first {
			t.Fatal(first, err)
		}
		w.pass(2 * time.Hour)
		w.expect()
	})
}

func TestNobodyReachedAsksTheNextAtOnce(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d, mailer("ana", contact.Quiet{}), mailer("bob", contact.Quiet{}))
		w.plan.Rota = contact.Rota{Shifts: []contact.Shift{{Person: "ana", Start: "2026-11-30T09:00", Minutes: 24 * 60, Rule: "FREQ=DAILY"}}}
		w.fails["ana-mail"] = &channel.SendError{Why: "refused"}
		w.put(Notice{Kind: Down, Level: contact.Page})
		w.pass(20 * time.Second)
		w.expect("bob-mail Down")
	})
}

// TestBrokenPlanStopsNobodyElse: one owner's plan that cannot be read keeps no other's
// people waiting.
func TestBrokenPlanStopsNobodyElse(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d, mailer("ana", contact.Quiet{}), mailer("bob", contact.Quiet{}))
		w.plan.Rota = contact.Rota{Shifts: []contact.Shift{{Person: "ana", Start: "2026-11-30T09:00", Minutes: 24 * 60}}}
		broken := false
		w.q.n.Plan = func(_ context.Context, o core.MemberID) (contact.Plan, bool, error) {
			if broken && o == "broken.test" {
				return contact.Plan{}, false, errors.New("not readable")
			}
			return w.plan, true, nil
		}
		n := Notice{Owner: "broken.test", Incident: "x", Kind: Down, Level: contact.Page, At: core.At(w.at)}
		if err := w.q.Put(t.Context(), n); err != nil {
			t.Fatal(err)
		}
		broken = true
		w.put(Notice{Kind: Down, Level: contact.Page})
		w.pass(time.Minute)
		w.expect("ana-mail Down")
		w.pass(31 * time.Minute)
		w.expect("bob-mail Down")
	})
}

func TestRankedSenders(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d, mailer("ana", contact.Quiet{}))
		w.rank = 1
		n := Notice{Owner: owner, Incident: "i1", Kind: Down, Level: contact.Page}
		w.put(n)
		w.pass(19 * time.Second)
		w.expect()
		w.pass(3 * time.Second)
		w.expect("ana-mail Down")
		if len(w.told) != 1 || w.told[0].Check(core.At(w.at)) != nil {
			t.Errorf("receipts %+v", w.told)
		}
		// The owner's own node said in time that it sent the next one; its receipt may come
		// before the notice does.
		n.Incident = "i2"
		r := Receipt{Owner: owner, Key: n.Key(), Person: "ana", Step: "oncall", State: "sent", At: core.At(w.at)}
		if err := w.q.Receive(t.Context(), owner, r); err != nil {
			t.Fatal(err)
		}
		w.put(n)
		w.pass(time.Minute)
		w.expect()
		if err := w.q.Resolve(t.Context(), owner, "i2", core.At(w.at)); err != nil {
			t.Fatal(err)
		}
		w.pass(time.Minute)
		w.expect("ana-mail Back")
	})
}

func TestAcknowledgedBeforeItWasKnown(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d, mailer("ana", contact.Quiet{}), mailer("bob", contact.Quiet{}))
		n := Notice{Owner: owner, Incident: "i1", Kind: Down, Level: contact.Page}
		r := Receipt{Owner: owner, Key: n.Key(), Person: "ana", Step: "ack", State: "ack", At: core.At(w.at)}
		if err := w.q.Receive(t.Context(), owner, r); err != nil {
			t.Fatal(err)
		}
		w.put(n)
		w.pass(2 * time.Hour)
		if w.sent == nil || !strings.Contains(w.sent[0].m.Text, "already looking after it") {
			t.Errorf("%+v", w.sent)
		}
	})
}

// TestIncidentUnderAnotherName: who was told of an incident is not told again when it goes
// on as another, and is told once when that is over; what was not sent is sent once.
func TestIncidentUnderAnotherName(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d, mailer("ana", contact.Quiet{}))
		replace := func(incident, into string) {
			t.Helper()
			if err := w.q.Replace(t.Context(), owner, incident, into); err != nil {
				t.Fatal(err)
			}
		}
		w.put(Notice{Kind: Down, Incident: "i0"})
		w.pass(time.Second)
		w.expect("ana-mail Down")
		w.told = nil
		replace("i0", "i1")
		w.put(Notice{Kind: Down, Incident: "i1"})
		w.pass(time.Minute)
		w.expect()
		if len(w.told) != 1 || w.told[0].Key != (Notice{Owner: owner, Incident: "i1", Kind: Down}).Key() {
			t.Errorf("the others are told %+v", w.told)
		}
		w.resolve()
		w.pass(time.Minute)
		w.expect("ana-mail Back")
		// A voter waits for its turn meanwhile.
		w.rank = 1
		w.put(Notice{Kind: Down, Incident: "i2"})
		w.pass(5 * time.Second)
		replace("i2", "i3")
		w.put(Notice{Kind: Down, Incident: "i3"})
		w.pass(time.Minute)
		w.expect("ana-mail Down")
		// One that never was, before anybody was told of it.
		w.put(Notice{Kind: Down, Incident: "i4"})
		replace("i4", "")
		if err := w.q.Resolve(t.Context(), owner, "i4", core.At(w.at)); err != nil {
			t.Fatal(err)
		}
		w.pass(time.Minute)
		w.expect()
	})
}
