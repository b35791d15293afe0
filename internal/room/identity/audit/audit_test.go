package audit_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/dbtest"
	"entrechat/internal/room/identity/audit"
	"entrechat/internal/room/identity/migrations"
	"entrechat/internal/room/identity/person"
)

const day = 24 * time.Hour

type world struct {
	*audit.Log
	at time.Time
}

func each(t *testing.T, fn func(t *testing.T, w *world)) {
	t.Helper()
	dbtest.Each(t, "identity", migrations.Files, func(t *testing.T, d *db.DB) {
		w := &world{at: time.Unix(1_800_000_000, 0)}
		w.Log = &audit.Log{DB: d, Now: func() time.Time { return w.at }}
		fn(t, w)
	})
}

func (w *world) happened(t *testing.T, who person.ID, days int) {
	t.Helper()
	for range days {
		if err := w.Append(t.Context(), audit.Event{
			Person: who, Kind: audit.SignedIn, By: who, From: audit.From{Network: "192.0.2.77", Agent: "Firefox, Linux"},
		}); err != nil {
			t.Fatal(err)
		}
		w.at = w.at.Add(day)
	}
}

func (w *world) verify(t *testing.T, rows int64) {
	t.Helper()
	if n, err := w.Verify(t.Context()); err != nil || n != rows {
		t.Errorf("%d rows, %v; want %d", n, err, rows)
	}
}

func TestTheChainHoldsAsItGrowsAndIsShortened(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.verify(t, 0)
		w.happened(t, "a", 40)
		w.verify(t, 40)
		if err := w.Tidy(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.verify(t, 40)
		events, err := w.Of(t.Context(), "a", 0, 100)
		if err != nil || len(events) != 40 {
			t.Fatal(len(events), err)
		}
		if events[0].From.Network != "192.0.2.77" || events[39].From.Network != "192.0.2.0/24" || events[39].From.Agent != "" {
			t.Errorf("newest %+v, oldest %+v", events[0], events[39])
		}
		if page, err := w.Of(t.Context(), "a", events[9].Number, 5); err != nil || len(page) != 5 || page[0].Number != 30 {
			t.Error(page, err)
		}
		w.at = w.at.Add(audit.Kept - 20*day)
		if err := w.Tidy(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.verify(t, 20)
		w.at = w.at.Add(audit.Kept)
		if err := w.Tidy(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.verify(t, 0)
		w.happened(t, "b", 1) // goes on where the erased rows ended
		w.verify(t, 1)
		if events, err := w.Of(t.Context(), "b", 0, 1); err != nil || events[0].Number != 41 {
			t.Error(events, err)
		}
	})
}

// Whatever one writes into the table by hand is found.
func TestAChangedRowIsFound(t *testing.T) {
	for _, change := range []string{
		`UPDATE identity_audit SET person = 'c' WHERE number = 3`,
		`UPDATE identity_audit SET at_us = at_us + 1 WHERE number = 3`,
		`UPDATE identity_audit SET kind = 'signed_out' WHERE number = 3`,
		`UPDATE identity_audit SET by = 'c' WHERE number = 3`,
		`UPDATE identity_audit SET about = 'c' WHERE number = 3`,
		`UPDATE identity_audit SET network = '192.0.2.78' WHERE number = 3`,
		`UPDATE identity_audit SET agent = '' WHERE number = 3`,
		`UPDATE identity_audit SET veil = 'x', salt = '' WHERE number = 3`,
		`DELETE FROM identity_audit WHERE number = 3`,
		`DELETE FROM identity_audit WHERE number = 1`,
	} {
		d := dbtest.SQLite(t, "identity", migrations.Files)
		w := &world{at: time.Unix(1_800_000_000, 0)}
		w.Log = &audit.Log{DB: d, Now: func() time.Time { return w.at }}
		w.happened(t, "a", 5)
		if _, err := db.Exec(t.Context(), d, change); err != nil {
			t.Fatal(err)
		}
		var e *core.Error
		if _, err := w.Verify(t.Context()); !errors.As(err, &e) || e.Key != "identity.audit.broken" {
			t.Errorf("%s: %v", change, err)
		}
	}
}

// An event of a transaction that failed did not happen.
func TestWhatIsRolledBackDidNotHappen(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		failed := errors.New("failed")
		err := w.DB.Tx(t.Context(), func(ctx context.Context, q db.Querier) error {
			return errors.Join(failed, audit.Append(ctx, q, 1, audit.Event{Person: "a", Kind: audit.SignedIn}))
		})
		if !errors.Is(err, failed) {
			t.Error(err)
		}
		w.happened(t, "a", 1)
		w.verify(t, 1)
	})
}

func TestNetworksAreShortened(t *testing.T) {
	for text, want := range map[string]string{
		"192.0.2.77": "192.0.2.0/24", "::ffff:192.0.2.77": "192.0.2.0/24", "2001:db8:1:2::3": "2001:db8:1::/48", "fe80::1%eth0": "fe80::/48",
		"192.0.2.0/24": "192.0.2.0/24", "": "", "localhost": "",
	} {
		if got := audit.Shortened(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		once := audit.Shortened(fmt.Sprintf("%d.%d.%d.%d", rapid.Byte().Draw(t, "a"), rapid.Byte().Draw(t, "b"), rapid.Byte().Draw(t, "c"), rapid.Byte().Draw(t, "d")))
		if twice := audit.Shortened(once); once == "" || once != twice {
			t.Errorf("%q, then %q", once, twice)
		}
	})
}

func TestBrowsers(t *testing.T) {
	for header, want := range map[string]string{
		"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0":                                              "Firefox, Linux",
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0 Safari/537.36 Edg/150": "Edge, Windows",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 Version/19.0 Safari/604.1":               "Safari, iPhone",
		"curl/8.0": "", "": "",
	} {
		if got := audit.Browser(header); got != want {
			t.Errorf("%q: %q, want %q", header, got, want)
		}
	}
}
