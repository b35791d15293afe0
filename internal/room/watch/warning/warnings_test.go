package warning_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/dbtest"
	"entrechat/internal/kit/logbook"
	"entrechat/internal/room/watch/alert/delivery"
	"entrechat/internal/room/watch/look"
	"entrechat/internal/room/watch/migrations"
	"entrechat/internal/room/watch/target"
	"entrechat/internal/room/watch/warning"
)

const (
	self = core.MemberID("chaton-a.test")
	hour = time.Hour
	day  = 24 * hour
)

func TestStage(t *testing.T) {
	now := core.At(time.Date(2026, 12, 1, 12, 0, 0, 0, time.UTC))
	for _, c := range []struct {
		life, left time.Duration
		want       int
	}{
		{90 * day, 60 * day, 0},
		{90 * day, 14*day + time.Second, 0},
		{90 * day, 14 * day, 14},
		{90 * day, 3*day + time.Second, 14},
		{90 * day, 3 * day, 3},
		{90 * day, 0, 3},
		{90 * day, -day, 3}, // it has ended: nothing more to say
		{45 * day, 15 * day, 0},
		{160 * hour, 80 * hour, 0}, // of six days: renewed at the half of its life
		{160 * hour, 53 * hour, 14},
		{160 * hour, 15 * hour, 3},
	} {
		ends := now.Add(c.left)
		if got := warning.Stage(ends.Add(-c.life), ends, now); got != c.want {
			t.Errorf("%s of %s left: %d, want %d", c.left, c.life, got, c.want)
		}
	}
}

// world is a node whose people are told, with a clock that is turned by hand.
type world struct {
	t    *testing.T
	d    *db.DB
	at   time.Time
	w    *warning.Warnings
	book *logbookStub
	all  *target.Targets
	// told are the notices that last, by kind and name; ever is what was ever told.
	told map[string]delivery.Standing
	ever []string
	// age is what we store of others.
	age map[core.MemberID]age
}

type age struct {
	class    look.Class
	finished core.Moment
}

// Tell keeps a notice once, as the queue does.
func (w *world) Tell(_ context.Context, n delivery.Notice) error {
	name := string(n.Kind) + " " + string(n.Owner) + " " + n.Incident
	if slices.Contains(w.ever, name) {
		return nil
	}
	if (n.Ends > 0) != (n.Kind == delivery.Certificate) || len(n.Incident) > 64 || len(n.Services) == 0 || n.Level != "" || n.Now {
		w.t.Errorf("no notice of the day: %+v", n)
	}
	w.ever = append(w.ever, name)
	w.told[name] = delivery.Standing{Owner: n.Owner, Incident: n.Incident, Kind: n.Kind, Services: n.Services, At: n.At, Ends: n.Ends}
	return nil
}

// lasting is what was told and is not over.
func (w *world) lasting(_ context.Context, kind delivery.Kind) (all []delivery.Standing, err error) {
	for _, s := range w.told {
		if s.Kind == kind {
			all = append(all, s)
		}
	}
	return all, nil
}

// Absorb implements warning.Alerts.
func (w *world) Absorb(_ context.Context, owner core.MemberID, incident string, _ core.Moment) error {
	for name, s := range w.told {
		if s.Owner == owner && s.Incident == incident {
			delete(w.told, name)
		}
	}
	return nil
}

// logbookStub has every entry taken.
type logbookStub struct{ n int64 }

// Append implements target.Book.
func (b *logbookStub) Append(context.Context, string, []core.MemberID, core.Moment, any) (logbook.Entry, error) {
	b.n++
	return logbook.Entry{Log: self, Index: b.n}, nil
}

func newWorld(t *testing.T) *world {
	w := &world{
		t: t, d: dbtest.SQLite(t, "watch", migrations.Files), at: time.Date(2026, 12, 1, 3, 0, 0, 0, time.UTC), book: &logbookStub{},
		told: map[string]delivery.Standing{}, age: map[core.MemberID]age{},
	}
	w.all = target.New(target.Needs{DB: w.d, Book: w.book, Self: self, Now: func() time.Time { return w.at }})
	w.restart()
	return w
}

// restart is a node that begins anew: it knows what is stored, and nothing else.
func (w *world) restart() {
	w.w = warning.New(warning.Needs{
		Targets: target.NewKnown(w.d), Self: self, Alerts: w, Lasting: w.lasting, Now: func() time.Time { return w.at },
		Age: func(_ context.Context, t target.Target) (look.Result, core.Moment) {
			a := w.age[t.Owner]
			return look.Result{Class: a.class}, a.finished
		},
	})
}

func (w *world) add(service string) target.Target {
	w.t.Helper()
	t, err := w.all.Add(w.t.Context(), target.Target{Service: service, Kind: target.HTTP, Address: "https://" + service + ".chaton-a.test/"})
	if err != nil {
		w.t.Fatal(err)
	}
	return t
}

// saw is a look that is well and sees a certificate of 90 days.
func (w *world) saw(t target.Target, leaf byte, left time.Duration) {
	ends := core.At(w.at.Add(left))
	w.w.Found(t, look.Result{At: core.At(w.at), Leaf: [32]byte{leaf}, Ends: ends, Starts: ends.Add(-90 * day)})
}

func (w *world) expect(want ...string) {
	w.t.Helper()
	if err := w.w.Certificates(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
	if err := w.w.Backups(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
	var got []string
	for _, s := range w.told {
		got = append(got, fmt.Sprintf("%s %s", s.Incident, strings.Join(s.Services, "+")))
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		w.t.Errorf("lasting: %q, want %q", got, want)
	}
}

const (
	first = "cert-0100000000000000"
	other = "cert-0200000000000000"
)

func TestCertificateIsToldOnceAtEachStage(t *testing.T) {
	w := newWorld(t)
	pad, site := w.add("pad"), w.add("site")
	w.saw(pad, 1, 15*day)
	w.saw(site, 1, 15*day)
	w.expect()
	w.at = w.at.Add(day)
	w.expect(first + "-14 pad+site")
	for range 10 {
		w.at = w.at.Add(day)
		w.expect(first + "-14 pad+site")
	}
	w.restart() // nothing was looked at yet: what stands, stands
	w.expect(first + "-14 pad+site")
	w.at = w.at.Add(day)
	w.saw(pad, 1, 3*day)
	w.expect(first+"-14 pad+site", first+"-3 pad") // the other one may tell more
	w.saw(site, 1, 3*day)
	w.expect(first + "-3 pad")
	// A look that fails, or one that saw none, ends nothing.
	w.w.Found(pad, look.Result{At: core.At(w.at), Class: look.Timeout})
	w.w.Found(site, look.Result{At: core.At(w.at), Class: look.Unfit})
	w.expect(first + "-3 pad")
	// One service has a new one, and then the other.
	w.saw(pad, 2, 90*day)
	w.expect(first + "-3 pad")
	w.saw(site, 2, 90*day)
	w.expect()
	w.at = w.at.Add(80 * day)
	w.expect(other + "-14 pad+site")
	if len(w.ever) != 3 {
		t.Errorf("told %q", w.ever)
	}
}

func TestCertificateOfWhatIsGoneOrEnded(t *testing.T) {
	w := newWorld(t)
	pad, site := w.add("pad"), w.add("site")
	w.saw(pad, 1, 2*day)
	w.saw(site, 2, -day) // found after its end: its looks fail, and that is told
	w.expect(first + "-3 pad")
	w.at = w.at.Add(3 * day)
	w.expect(first + "-3 pad") // it ended meanwhile
	if _, err := w.all.Change(t.Context(), pad.ID, func(t *target.Target) { t.Paused = true }); err != nil {
		t.Fatal(err)
	}
	w.expect()
	// What is not ours is its owner's to say, and a signature of DNSSEC is no certificate.
	theirs := site
	theirs.Owner = "chaton-b.test"
	w.w.Found(theirs, look.Result{Leaf: [32]byte{9}, Starts: 1, Ends: core.At(w.at.Add(time.Hour))})
	w.w.Found(site, look.Result{Ends: core.At(w.at.Add(time.Hour))})
	w.expect()
	if len(w.ever) != 1 {
		t.Errorf("told %q", w.ever)
	}
}
