package duty

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/dbtest"
	"entrechat/internal/kit/words"
	"entrechat/internal/room/custody/migrations"
	"entrechat/internal/room/custody/person"
)

const day = 24 * time.Hour

func TestJudge(t *testing.T) {
	now := core.At(time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC))
	at := func(version int64, ago time.Duration) *Signature {
		return &Signature{Version: version, Signed: now.Add(-ago)}
	}
	for name, c := range map[string]struct {
		sig  *Signature
		want State
	}{
		"nobody":        {nil, Unsigned},
		"today":         {at(Version, 0), Signed},
		"to be renewed": {at(Version, holds-soon+day), Due},
		"to the day":    {at(Version, holds), Due},
		"a year ago":    {at(Version, holds+day), Ended},
		"an older text": {at(Version-1, day), Outdated},
		"in the future": {at(Version, -400*day), Signed},
	} {
		if got := Judge(c.sig, now); got != c.want || got.Counts() != (c.want == Signed || c.want == Due) {
			t.Errorf("%s: %s, not %s", name, got, c.want)
		}
	}
}

// world is duties of two people, one with a key made by the real program.
type world struct {
	*Service
	t     *testing.T
	now   time.Time
	key   string // path of Ana's private key
	said  []string
	pacts []Pact
}

func newWorld(t *testing.T, d *db.DB) *world {
	t.Helper()
	cat, err := words.New(Words)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, now: time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC), key: filepath.Join(t.TempDir(), "key")}
	w.run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "ana@chaton-a.test", "-f", w.key)
	public, err := os.ReadFile(w.key + ".pub")
	if err != nil {
		t.Fatal(err)
	}
	key, err := person.ParseKey(string(public))
	if err != nil {
		t.Fatal(err)
	}
	w.Service = &Service{
		DB: d, Words: cat, Self: "chaton-a.test", Now: func() time.Time { return w.now },
		People: func(context.Context) ([]Person, error) {
			return []Person{
				{"a1", "Ana", "ana", person.Card{Key: key}.Verify},
				{"b1", "Bob", "", func([]byte, string) error { return core.Denied("other", errors.New("other")) }},
			}, nil
		},
		Accounts: func(context.Context) ([]string, error) { return []string{"ana", "zoe"}, nil },
		Pacts:    func(context.Context) ([]Pact, error) { return w.pacts, nil },
		Said:     func(context.Context) ([]string, error) { return w.said, nil },
	}
	return w
}

func (w *world) run(args ...string) {
	w.t.Helper()
	if out, err := exec.CommandContext(w.t.Context(), args[0], args[1:]...).CombinedOutput(); err != nil {
		w.t.Fatalf("%v: %v\n%s", args, err, out)
	}
}

// sign has the real program sign a text.
func (w *world) sign(text string) string {
	w.t.Helper()
	file := filepath.Join(w.t.TempDir(), "duty.txt")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		w.t.Fatal(err)
	}
	w.run("ssh-keygen", "-q", "-Y", "sign", "-n", person.Namespace, "-f", w.key, file)
	sig, err := os.ReadFile(file + ".sig")
	if err != nil {
		w.t.Fatal(err)
	}
	return string(sig)
}

func (w *world) states() string {
	w.t.Helper()
	list, err := w.List(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	all := make([]string, 0, len(list))
	for _, one := range list {
		all = append(all, one.Name+" "+string(one.State))
	}
	return strings.Join(all, ", ")
}

func TestSigningByKey(t *testing.T) {
	dbtest.Each(t, "custody", migrations.Files, func(t *testing.T, d *db.DB) {
		ctx, w := t.Context(), newWorld(t, d)
		ana, err := w.Named(ctx, "Ana")
		if err != nil || w.states() != "Ana unsigned, Bob unsigned, zoe no_card" {
			t.Fatal(w.states(), err)
		}
		signature := w.sign(Text(w.Words.Printer("en"), w.Self, ana.ID, w.now))
		for name, c := range map[string]struct {
			text string
			code core.Code
		}{
			"another person's": {w.sign(Text(w.Words.Printer("en"), w.Self, "b1", w.now)), core.CodeDenied},
			"another hoster's": {w.sign(Text(w.Words.Printer("en"), "chaton-b.test", ana.ID, w.now)), core.CodeDenied},
			"an old one":       {w.sign(Text(w.Words.Printer("en"), w.Self, ana.ID, w.now.Add(-fresh*day))), core.CodeDenied},
			"of tomorrow":      {w.sign(Text(w.Words.Printer("en"), w.Self, ana.ID, w.now.Add(day))), core.CodeDenied},
			"no signature":     {"nonsense", core.CodeInvalid},
		} {
			if _, err := w.SignKey(ctx, ana, c.text); core.CodeOf(err) != c.code {
				t.Errorf("%s: %v", name, err)
			}
		}
		bob, err := w.Named(ctx, "Bob")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.SignKey(ctx, bob, signature); core.CodeOf(err) != core.CodeDenied {
			t.Errorf("Bob with Ana's: %v", err)
		}
		w.now = w.now.Add(3 * day)
		if _, err := w.SignKey(ctx, ana, signature); err != nil || w.states() != "Ana signed, Bob unsigned, zoe no_card" {
			t.Fatal(w.states(), err)
		}
		w.now = w.now.Add(holds + day)
		if w.states() != "Ana ended, Bob unsigned, zoe no_card" {
			t.Error(w.states())
		}
		if _, err := w.SignKey(ctx, ana, signature); core.CodeOf(err) != core.CodeDenied {
			t.Errorf("last year's again: %v", err)
		}
		if n, all, err := w.Count(ctx); n != 0 || all != 3 || err != nil {
			t.Error(n, all, err)
		}
	})
}

func TestSigningByAccount(t *testing.T) {
	dbtest.Each(t, "custody", migrations.Files, func(t *testing.T, d *db.DB) {
		ctx, w := t.Context(), newWorld(t, d)
		for _, handle := range []string{"zoe", "", "Ana"} {
			if _, err := w.SignAccount(ctx, handle, "fr"); core.CodeOf(err) != core.CodeNotFound {
				t.Errorf("%q signs: %v", handle, err)
			}
		}
		if one, err := w.SignAccount(ctx, "ana", "fr"); err != nil || one.Way != ByAccount || one.Until != core.At(w.now.Add(holds)) {
			t.Error(one, err)
		}
		if w.states() != "Ana signed, Bob unsigned, zoe no_card" {
			t.Error(w.states())
		}
	})
}

func TestLimitsAreReadAndReviewed(t *testing.T) {
	dbtest.Each(t, "custody", migrations.Files, func(t *testing.T, d *db.DB) {
		ctx, w := t.Context(), newWorld(t, d)
		w.said = []string{"No  night shift", "Back by noon"}
		w.pacts = []Pact{{ID: "p1", Member: "chaton-b.test", Ours: "no night shift\nTwo people", Theirs: "No weekends"}, {ID: "p2", Member: "chaton-c.test", Ours: "no night shift\nback by noon"}}
		limits := func() []Standing {
			t.Helper()
			all, err := w.Limits(ctx)
			if err != nil {
				t.Fatal(err)
			}
			return all
		}
		all := limits()
		if len(all[0].Missing) != 1 || all[0].Missing[0] != "Back by noon" || all[0].Read != 0 || !all[1].Well() {
			t.Errorf("%+v", all)
		}
		if err := w.Read(ctx, "p1", hashOf("something else")); core.CodeOf(err) != core.CodeConflict {
			t.Errorf("not what was shown: %v", err)
		}
		if err := w.Read(ctx, "p9", ""); core.CodeOf(err) != core.CodeNotFound {
			t.Errorf("no pact: %v", err)
		}
		if err := w.Read(ctx, "p1", hashOf("No weekends")); err != nil || limits()[0].Read == 0 || limits()[0].Well() {
			t.Error(err)
		}
		w.said = w.said[:1] // fewer limits than were signed
		if !limits()[0].Well() {
			t.Errorf("%+v", limits())
		}
		w.pacts[0].Theirs = "No weekends\nNo August"
		if limits()[0].Read != 0 {
			t.Error("another text counts as read")
		}
	})
}

func TestChecksSayHowMany(t *testing.T) {
	ctx, w := t.Context(), newWorld(t, dbtest.SQLite(t, "custody", migrations.Files))
	_, err := w.Checks()[0].Run(ctx)
	if e, ok := errors.AsType[*core.Error](err); !ok || e.Args["Count"] != 3 || strings.Contains(w.Words.Printer("fr").Error(err), "Ana") {
		t.Error(err)
	}
	if f, err := w.Checks()[1].Run(ctx); err != nil || !f.Unknown {
		t.Error(f, err)
	}
	numbers, err := w.Metrics(ctx)
	if err != nil || len(numbers) != 2 || numbers[0].Value != 3 {
		t.Error(numbers, err)
	}
}
