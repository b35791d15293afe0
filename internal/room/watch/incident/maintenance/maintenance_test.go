package maintenance

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/dbtest"
	"entrechat/internal/kit/logbook"
	"entrechat/internal/room/watch/incident/incidenttest"
	"entrechat/internal/room/watch/incident/note"
	"entrechat/internal/room/watch/migrations"
)

func paris(t testing.TB) *time.Location {
	t.Helper()
	at, err := Zone("Europe/Paris")
	incidenttest.OK(t, err)
	return at
}

func TestParseTime(t *testing.T) {
	for typed, want := range map[string]string{
		"2026-12-01 22:00": "2026-12-01T21:00:00Z", "2026-12-01T22:00": "2026-12-01T21:00:00Z", "01/12/2026 22:00": "2026-12-01T21:00:00Z",
		"2026-12-01T22:00:00-05:00": "2026-12-02T03:00:00Z", "2026-07-01 22:00": "2026-07-01T20:00:00Z",
		"2026-10-25 02:30": "2026-10-25T00:30:00Z", // shown twice: the first
		"2026-03-29 02:30": "", "2026-02-30 10:00": "", "22:00": "", "": "", "2026-12-01": "", "2026-12-01 22:00:00": "",
	} {
		m, err := ParseTime(typed, paris(t), 0)
		if want == "" {
			if core.CodeOf(err) != core.CodeInvalid {
				t.Errorf("%s: %v", typed, err)
			}
			continue
		}
		if err != nil || m.Time().Format(time.RFC3339) != want {
			t.Errorf("%s: %s, %v", typed, m.Time(), err)
		}
	}
	first, err := ParseTime("2026-10-25 02:30", paris(t), 0)
	incidenttest.OK(t, err)
	if second, err := ParseTime("2026-10-25 02:30", paris(t), first); err != nil || second.Sub(first) != time.Hour {
		t.Errorf("%v, %v", second.Time(), err)
	}
}

type node struct {
	*Planner
	*incidenttest.Node
	texts *note.Texts
	told  []string
	deaf  bool
}

func open(w *incidenttest.World, n *incidenttest.Node) *node {
	one := &node{Node: n}
	quiet := slog.New(slog.DiscardHandler)
	one.texts = note.New(note.Needs{DB: n.DB, Self: n.ID, Calls: n.Client, Now: w.Clock, Log: quiet})
	one.Planner = New(Needs{DB: n.DB, Book: n.Book, Self: n.ID, Texts: one.texts, Now: w.Clock, Log: quiet, Tell: func(_ context.Context, p Plan) error {
		if one.deaf {
			return errors.New("nobody takes it")
		}
		one.told = append(one.told, string(p.State(0)))
		return nil
	}})
	n.Readers = one.Planner.Readers()
	n.Serve(one.texts.Routes())
	return one
}

func TestAPlanFromItsAnnouncementToItsEnd(t *testing.T) {
	w := incidenttest.New(t, dbtest.SQLite, "chaton-a.test", "chaton-b.test")
	a, b := open(w, w.Nodes["chaton-a.test"]), open(w, w.Nodes["chaton-b.test"])
	ctx, now := t.Context(), core.At(w.Clock())
	plan := Plan{Start: now.Add(24 * time.Hour), End: now.Add(26 * time.Hour), Zone: "Europe/Paris", Services: []string{"pad"}}
	b.deaf = true
	p, err := a.Plan(ctx, plan, note.Document{Text: "On change un disque."})
	incidenttest.OK(t, err)
	w.Wait(time.Minute)
	incidenttest.OK(t, b.texts.Fetch(ctx))
	seen, err := b.Maintenance(ctx, a.ID, now, now.Add(48*time.Hour))
	incidenttest.OK(t, err)
	if diff := cmp.Diff([]Plan{p}, seen); diff != "" || seen[0].Text.Text != "On change un disque." {
		t.Errorf("%s", diff)
	}
	for when, want := range map[time.Duration]bool{0: false, 24 * time.Hour: true, 25 * time.Hour: true, 26 * time.Hour: false} {
		if _, muted, err := b.Muted(ctx, a.ID, "pad", now.Add(when)); err != nil || muted != want {
			t.Errorf("after %v: %v, %v", when, muted, err)
		}
	}
	if _, muted, err := b.Muted(ctx, a.ID, "wiki", now.Add(25*time.Hour)); err != nil || muted {
		t.Errorf("another service is muted: %v", err)
	}
	if _, err := a.End(ctx, p.ID); core.CodeOf(err) != core.CodeConflict {
		t.Errorf("ended before it began: %v", err)
	}
	w.Wait(25 * time.Hour)
	if _, err := a.Cancel(ctx, p.ID[:6]); core.CodeOf(err) != core.CodeConflict {
		t.Errorf("cancelled while it runs: %v", err)
	}
	p, err = a.End(ctx, p.ID[:6])
	incidenttest.OK(t, err)
	if p.State(core.At(w.Clock())) != Ended || p.Until() != core.At(w.Clock()) {
		t.Errorf("%+v", p)
	}
	other, err := a.Plan(ctx, Plan{Start: now.Add(50 * time.Hour), End: now.Add(51 * time.Hour)}, note.Document{})
	incidenttest.OK(t, err)
	if other, err = a.Cancel(ctx, other.ID); err != nil || other.State(0) != Cancelled || len(Windows([]Plan{other}, "pad")) != 0 {
		t.Errorf("%+v, %v", other, err)
	}
	b.deaf = false
	w.Wait(time.Minute)
	incidenttest.OK(t, b.Deliver(ctx))
	if diff := cmp.Diff([]string{"planned", "ended", "planned", "cancelled"}, a.told); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"ended", "planned", "cancelled"}, b.told); diff != "" { // what was not taken in time is told as it is now
		t.Error(diff)
	}
	for name, bad := range map[string]Plan{
		"past": {Start: now, End: now + 1}, "backwards": {Start: now.Add(90 * time.Hour), End: now.Add(80 * time.Hour)},
		"a month": {Start: now.Add(90 * time.Hour), End: now.Add(900 * time.Hour)}, "zone": {Start: now.Add(90 * time.Hour), End: now.Add(91 * time.Hour), Zone: "Mars"},
		"service": {Start: now.Add(90 * time.Hour), End: now.Add(91 * time.Hour), Services: []string{"pad\r\nBcc: x"}},
	} {
		if _, err := a.Plan(ctx, bad, note.Document{}); core.CodeOf(err) != core.CodeInvalid {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestForeignEntries(t *testing.T) {
	dbtest.Each(t, "watch", migrations.Files, func(t *testing.T, d *db.DB) {
		now := core.Moment(1_796_040_000_000_000)
		quiet := slog.New(slog.DiscardHandler)
		clock := func() time.Time { return now.Time() }
		s := New(Needs{DB: d, Self: "chaton-a.test", Texts: note.New(note.Needs{DB: d, Self: "chaton-a.test", Now: clock, Log: quiet}), Now: clock, Log: quiet})
		index := int64(0)
		say := func(who core.MemberID, iat core.Moment, body string) string {
			index++
			e := logbook.Entry{Log: who, Index: index, Typ: TypeMaintenance, Iat: iat, Body: []byte(body)}
			e.Hash[0], e.Hash[1] = byte(index), byte(index>>8)
			for range 2 {
				incidenttest.OK(t, s.read(t.Context(), e))
			}
			return fmt.Sprintf("%x", e.Hash[:])
		}
		plan := fmt.Sprintf(`{"kind":"plan","start_us":%d,"end_us":%d,"zone":"UTC"}`, now.Add(time.Hour), now.Add(2*time.Hour))
		id := say("b.test", now, plan)
		// Nobody announces in the past, and nobody ends what is another's.
		late := say("b.test", now.Add(-time.Hour), plan)
		say("c.test", now, `{"kind":"cancel","plan":"`+id+`","at_us":1}`)
		for _, nonsense := range []string{`{}`, `[]`, `{"kind":"plan"}`, `{"kind":"end","plan":"x"}`, `{"kind":"cancel","plan":"` + strings.Repeat("0", 64) + `"}`, strings.Replace(plan, "UTC", "../x", 1)} {
			say("b.test", now, nonsense)
		}
		all, err := s.Maintenance(t.Context(), "", 0, now.Add(day))
		incidenttest.OK(t, err)
		if len(all) != 2 || all[0].Cancelled || all[1].Cancelled {
			t.Fatalf("%+v", all)
		}
		for _, p := range all {
			if p.ID == late && p.Announced != now {
				t.Errorf("announced at %v", p.Announced.Time())
			}
		}
		say("b.test", now.Add(90*time.Minute), `{"kind":"cancel","plan":"`+id+`","at_us":1}`) // it runs: so it ends
		p, err := s.get(t.Context(), id)
		incidenttest.OK(t, err)
		if p.Cancelled || p.Until() != now.Add(90*time.Minute) {
			t.Errorf("%+v", p)
		}
		for range maxPlans + 5 {
			say("d.test", now, plan)
		}
		if all, err = s.Maintenance(t.Context(), "d.test", 0, now.Add(day)); err != nil || len(all) != maxPlans {
			t.Errorf("%d plans, %v", len(all), err)
		}
		incidenttest.OK(t, cut(t.Context(), d, "b.test", 3)) // the end is taken back
		if p, err = s.get(t.Context(), id); err != nil || p.Closed != 0 {
			t.Errorf("%+v, %v", p, err)
		}
	})
}
