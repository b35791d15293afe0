package runbook

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/dbtest"
	"entrechat/internal/room/custody/migrations"
)

const zone = "# Zone\n\nYou need root.\n\n## Do\n\n    true\n\n## Done when\n\nIt answers.\n"

// world is runbooks with three people, and a clock of its own.
type world struct {
	*Service
	t   *testing.T
	now time.Time
}

func newWorld(t *testing.T, d *db.DB) *world {
	t.Helper()
	w := &world{t: t, now: time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)}
	w.Service = &Service{
		DB: d, Now: func() time.Time { return w.now }, Log: slog.New(slog.DiscardHandler),
		People: func(context.Context) ([]Person, error) {
			return []Person{{"a1", "Ana", "ana@chaton-a.test"}, {"b1", "Bob", ""}, {"c1", "Zoé", ""}}, nil
		},
		Cards: func(context.Context) ([]Card, error) { return nil, nil },
	}
	return w
}

func (w *world) state(name string) State {
	w.t.Helper()
	v, err := w.Find(w.t.Context(), name)
	if err != nil {
		w.t.Fatal(err)
	}
	return v.State
}

// play reads a runbook through; a step's defect is what stands for it in defects.
func (w *world) play(name, reader string, reached bool, defects ...string) Rehearsal {
	w.t.Helper()
	ctx := w.t.Context()
	v, err := w.Find(ctx, name)
	if err != nil {
		w.t.Fatal(err)
	}
	h, err := w.Begin(ctx, v.ID, Beginning{Reader: reader, Scenario: "ns1 is gone"})
	if err != nil {
		w.t.Fatal(err)
	}
	text, err := Parse(h.Text)
	if err != nil {
		w.t.Fatal(err)
	}
	for i := range text.Steps {
		w.now = w.now.Add(time.Minute)
		defect := ""
		if i < len(defects) {
			defect = defects[i]
		}
		for range 2 { // a button pressed twice
			if _, err := w.Note(ctx, h.ID, i, defect); err != nil {
				w.t.Fatal(err)
			}
		}
	}
	h, err = w.Finish(ctx, h.ID, reached)
	if err != nil {
		w.t.Fatal(err)
	}
	return h
}

func TestRehearsalsOfARunbook(t *testing.T) {
	dbtest.Each(t, "custody", migrations.Files, func(t *testing.T, d *db.DB) {
		ctx, w, r := t.Context(), newWorld(t, d), newRepository(t)
		r.commit("Ana", "dns/zone.md", zone)
		r.commit("Ana", "bad.md", "# \xff")
		got, err := w.Add(ctx, r.dir)
		if err != nil || got.Runbooks != 1 || len(got.Left) != 1 || w.state("zone") != Never {
			t.Fatal(got, err)
		}
		v, err := w.Find(ctx, "dns/zone.md")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Begin(ctx, v.ID, Beginning{Reader: "Ana"}); core.CodeOf(err) != core.CodeDenied {
			t.Errorf("its author reads: %v", err)
		}
		if _, err := w.Begin(ctx, v.ID, Beginning{Reader: "nobody"}); core.CodeOf(err) != core.CodeNotFound {
			t.Errorf("nobody reads: %v", err)
		}
		if h := w.play("zone", "Bob", true, "", "no such command"); h.Outcome != Missed || h.Defects() != 1 || w.state("zone") != Failed {
			t.Errorf("with a defect: %+v", h)
		}
		h := w.play("zone", "b1", true)
		if h.Outcome != Reached || h.Took() != 3*time.Minute || w.state("zone") != Rehearsed {
			t.Errorf("%+v", h)
		}
		if _, err := w.Note(ctx, h.ID, 3, ""); keyOf(err) != "custody.runbook.over" {
			t.Errorf("after its end: %v", err)
		}
		if n, all, err := w.Count(ctx); n != 1 || all != 1 || err != nil {
			t.Error(n, all, err)
		}
		r.commit("Ana", "other.md", "# Other\n")
		if err := w.PullAll(ctx); err != nil || w.state("zone") != Rehearsed {
			t.Errorf("another file changed: %v, %s", err, w.state("zone"))
		}
		r.commit("Zoé", "dns/zone.md", zone+"\nMore.\n")
		if err := w.PullAll(ctx); err != nil || w.state("zone") != Changed {
			t.Errorf("the file changed: %v, %s", err, w.state("zone"))
		}
		if _, err := w.Begin(ctx, v.ID, Beginning{Reader: "Zoé"}); core.CodeOf(err) != core.CodeDenied {
			t.Errorf("who mended it reads: %v", err)
		}
		w.play("zone", "Bob", true)
		w.now = w.now.Add(366 * day)
		if w.state("zone") != Old {
			t.Error(w.state("zone"))
		}
		history, err := w.History(ctx, v.ID)
		if err != nil || len(history) != 3 || history[0].Defects() != 0 || history[2].Done[1].Defect != "no such command" || history[2].Done[1].Heading != "Do" {
			t.Errorf("%+v, %v", history, err)
		}
	})
}

func TestRehearsalGoesOnAndIsDropped(t *testing.T) {
	dbtest.Each(t, "custody", migrations.Files, func(t *testing.T, d *db.DB) {
		ctx, w, r := t.Context(), newWorld(t, d), newRepository(t)
		r.commit("Ana", "zone.md", zone)
		if _, err := w.Add(ctx, r.dir); err != nil {
			t.Fatal(err)
		}
		v, err := w.Find(ctx, "zone")
		if err != nil {
			t.Fatal(err)
		}
		first, err := w.Begin(ctx, v.ID, Beginning{Reader: "Bob"})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Note(ctx, first.ID, 1, ""); keyOf(err) != "custody.runbook.other_step" {
			t.Errorf("a step too far: %v", err)
		}
		if _, err := w.Note(ctx, first.ID, 0, ""); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Finish(ctx, first.ID, true); keyOf(err) != "custody.runbook.not_through" {
			t.Errorf("ended too early: %v", err)
		}
		// The text changes while it is read: the reading stays with the one it began with.
		r.commit("Ana", "zone.md", "# Zone\n\n## Otherwise\n")
		if err := w.PullAll(ctx); err != nil {
			t.Fatal(err)
		}
		again, err := w.Begin(ctx, v.ID, Beginning{Reader: "Bob"})
		if err != nil || again.ID != first.ID || len(again.Done) != 1 || again.Text != zone {
			t.Fatal(again, err)
		}
		w.now = w.now.Add(longest + time.Hour)
		if err := w.Tidy(ctx); err != nil {
			t.Fatal(err)
		}
		if h, err := w.Rehearsal(ctx, first.ID); err != nil || h.Outcome != Dropped || w.state("zone") != Never {
			t.Error(h, err)
		}
		second, err := w.Begin(ctx, v.ID, Beginning{Reader: "Bob"})
		if err != nil || second.ID == first.ID {
			t.Fatal(second, err)
		}
		if h, err := w.GiveUp(ctx, second.ID); err != nil || h.Outcome != Missed || w.state("zone") != Failed {
			t.Error(h, err)
		}
	})
}

// What a repository that went away had said stays readable, and its trouble is said.
func TestTextsStayWhenTheRepositoryIsAway(t *testing.T) {
	dbtest.Each(t, "custody", migrations.Files, func(t *testing.T, d *db.DB) {
		ctx, w, r := t.Context(), newWorld(t, d), newRepository(t)
		r.commit("Ana", "zone.md", zone)
		if _, err := w.Add(ctx, r.dir); err != nil {
			t.Fatal(err)
		}
		whole := w.play("zone", "Bob", true)
		r.git("update-ref", "-d", "HEAD")
		if err := w.PullAll(ctx); err != nil || w.state("zone") != Rehearsed {
			t.Errorf("%v, %s", err, w.state("zone"))
		}
		sources, err := w.Sources(ctx)
		if err != nil || len(sources) != 1 || sources[0].Trouble == "" || sources[0].Pulled == 0 {
			t.Errorf("%+v, %v", sources, err)
		}
		if err := w.Remove(ctx, r.dir); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Find(ctx, "zone"); core.CodeOf(err) != core.CodeNotFound {
			t.Error(err)
		}
		if err := w.Remove(ctx, r.dir); core.CodeOf(err) != core.CodeNotFound {
			t.Error(err)
		}
		r.git("reset", "--quiet", "--hard")
		r.commit("Ana", "zone.md", zone)
		if _, err := w.Add(ctx, r.dir); err != nil {
			t.Fatal(err)
		}
		if v, err := w.Find(ctx, "zone"); err != nil || v.Last == nil || v.Last.ID != whole.ID || v.Reader != "Bob" {
			t.Errorf("what was rehearsed did not come back: %+v, %v", v, err)
		}
	})
}

func TestDrillsKeepNothingOfTheCard(t *testing.T) {
	dbtest.Each(t, "custody", migrations.Files, func(t *testing.T, d *db.DB) {
		ctx, w := t.Context(), newWorld(t, d)
		if _, err := w.Draw(ctx); core.CodeOf(err) != core.CodeNotFound {
			t.Errorf("no card: %v", err)
		}
		w.Cards = func(context.Context) ([]Card, error) {
			return []Card{{Member: "chaton-b.test", At: 1, What: "a disk"}}, nil
		}
		if c, err := w.Draw(ctx); err != nil || c.What != "a disk" {
			t.Error(c, err)
		}
		if _, err := w.Played(ctx, 45, []string{"nobody had the number", ""}); err != nil {
			t.Fatal(err)
		}
		all, err := w.Drills(ctx)
		if err != nil || len(all) != 1 || all[0].Minutes != 45 || len(all[0].Defects) != 1 || all[0].Took != 45*time.Minute {
			t.Errorf("%+v, %v", all, err)
		}
	})
}
