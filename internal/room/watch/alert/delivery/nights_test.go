package delivery

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"entrechat/internal/core"
	"entrechat/internal/kit/dbtest"
	"entrechat/internal/room/watch/alert/contact"
	"entrechat/internal/room/watch/migrations"
)

// TestNightsOfTheClockChange: whatever comes and goes in the nights in which the clocks
// change, nothing is lost and nothing is told twice; within the quiet hours only who
// agreed to be woken hears, and only of what is sure.
func TestNightsOfTheClockChange(t *testing.T) {
	d := dbtest.SQLite(t, "watch", migrations.Files)
	run := 0
	rapid.Check(t, func(r *rapid.T) {
		run++
		quiet := contact.Quiet{
			From: rapid.SampledFrom([]contact.Clock{"22:00", "23:30", "01:00", "02:30"}).Draw(r, "from"),
			To:   rapid.SampledFrom([]contact.Clock{"07:00", "02:30", "03:00", "02:00"}).Draw(r, "to"), Wake: rapid.Bool().Draw(r, "wake"),
		}
		if quiet.From == "02:30" {
			quiet.To = "07:00"
		}
		zone := rapid.SampledFrom([]string{"Europe/Paris", "America/New_York", "UTC"}).Draw(r, "zone")
		person := mailer("ana", quiet)
		person.Zone = zone
		w := newWorld(t, d, person)
		w.at = rapid.SampledFrom([]time.Time{
			time.Date(2026, 3, 28, 18, 0, 0, 0, time.UTC), time.Date(2026, 10, 24, 18, 0, 0, 0, time.UTC),
			time.Date(2026, 3, 7, 22, 0, 0, 0, time.UTC), time.Date(2026, 10, 31, 22, 0, 0, 0, time.UTC),
		}).Draw(r, "evening")
		type event struct {
			weak  bool
			level contact.Level
			over  int
		}
		events := map[string]*event{}
		var sentAt []time.Time
		for step := range 2 * 44 { // half an hour each, long enough for the last night to end
			if rapid.IntRange(0, 11).Draw(r, "comes") == 0 && step < 2*20 {
				id := fmt.Sprintf("r%d-%d", run, step)
				e := &event{rapid.Bool().Draw(r, "weak"), rapid.SampledFrom([]contact.Level{contact.Page, contact.Notify}).Draw(r, "level"), 0}
				if rapid.Bool().Draw(r, "goes") {
					e.over = step + rapid.IntRange(1, 14).Draw(r, "lasts")
				}
				events[id] = e
				w.put(Notice{Kind: Down, Incident: id, Level: e.level, Weak: e.weak, Services: []string{"<" + id + ">"}})
			}
			for id, e := range events {
				if e.over == step && step > 0 {
					if err := w.q.Resolve(t.Context(), owner, id, core.At(w.at)); err != nil {
						r.Fatal(err)
					}
				}
			}
			before := len(w.sent)
			if err := w.q.Run(t.Context()); err != nil {
				r.Fatal(err)
			}
			for range w.sent[before:] {
				sentAt = append(sentAt, w.at)
			}
			if rapid.IntRange(0, 20).Draw(r, "restart") == 0 {
				w.q = New(w.q.n)
			}
			w.at = w.at.Add(30 * time.Minute)
		}
		for id, e := range events {
			name := "<" + id + ">"
			alone, line, back := 0, 0, 0
			for i, s := range w.sent {
				m := s.m
				switch {
				case m.Kind == "digest":
					line += strings.Count(m.Text, name)
				case !strings.Contains(m.Title, name):
					continue
				case m.Kind == string(Recovered):
					back++
				default:
					alone++
					if person.Asleep(sentAt[i]) && (e.weak || e.level != contact.Page || !quiet.Wake) {
						r.Errorf("%s woke somebody at %s", id, sentAt[i])
					}
				}
				if m.Kind == "digest" && person.Asleep(sentAt[i]) && !quiet.Wake {
					r.Errorf("a summary at %s", sentAt[i])
				}
			}
			if alone+line != 1 || back > 1 || e.over > 0 && back != alone {
				r.Errorf("%s (%+v): told %d alone, %d in a summary, back %d", id, *e, alone, line, back)
			}
		}
	})
}

func TestTextOfMessages(t *testing.T) {
	d := dbtest.SQLite(t, "watch", migrations.Files)
	w := newWorld(t, d, mailer("ana", contact.Quiet{}), contact.Person{
		ID: "zoe", Name: "Zoé", Lang: "fr", Zone: "Europe/Paris", Channels: []contact.Channel{hook("h", "https://h.test/")},
	})
	for _, k := range []Kind{Down, Partial, Unstable, Maintenance, Certificate, Backup, Silent, Version, Isolated, Test} {
		ends := core.Moment(0)
		if k == Certificate {
			ends = core.At(w.at).Add(14 * 24 * time.Hour)
		}
		w.put(Notice{Kind: k, Incident: "i-" + string(k), Ends: ends, Weak: true, Services: []string{"Pad\r\nBcc: x\u202e", strings.Repeat("é", 500)}, Link: "https://b.test/x"})
	}
	w.pass(2 * time.Second)
	if len(w.sent) != 20 {
		t.Fatalf("%d messages", len(w.sent))
	}
	for _, s := range w.sent {
		if strings.Contains(s.m.Title+s.m.Text, "⟦") || strings.ContainsAny(s.m.Title, "\r\n\u202e") || len([]rune(s.m.Title)) > 260 {
			t.Errorf("%q %q", s.m.Title, s.m.Text)
		}
	}
}
