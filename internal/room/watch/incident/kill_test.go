package incident

import (
	"bufio"
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"entrechat/internal/kit/db"
	"entrechat/internal/kit/dbtest"
	"entrechat/internal/room/watch/migrations"
	"entrechat/internal/room/watch/verdict"
)

// The environment of a process that is there to be killed.
const (
	killAddress = "ENTRECHAT_TEST_INCIDENT_DB"
	killTold    = "ENTRECHAT_TEST_INCIDENT_TOLD"
	killFrom    = "ENTRECHAT_TEST_INCIDENT_FROM"
)

// stormed is the n-th change of a stormy week.
func stormed(n int) verdict.Verdict {
	states := []verdict.State{verdict.Down, verdict.Partial, verdict.Up, verdict.Down, verdict.Up}
	services := []string{"pad", "wiki", "cloud", "forge"}
	return verdict.Verdict{
		Owner: "a.test", Target: "t-" + services[n%4], State: states[n/4%5], Since: noon.Add(time.Duration(n) * 3 * time.Minute), Case: fmt.Sprintf("%032x", n), Voters: 7,
	}
}

const storm = 400

func stormReporter(d *db.DB, tell func(Event) error) *Reporter {
	return New(Needs{
		DB: d, Self: "b.test", ServiceOf: serviceOf, Now: func() time.Time { return noon.Add(20 * time.Hour).Time() }, Log: slog.New(slog.DiscardHandler),
		Tell: func(_ context.Context, e Event) error { return tell(e) },
	})
}

// TestToBeKilled takes a storm in until it is killed; TestKilledAtRandom starts it.
func TestToBeKilled(t *testing.T) {
	address := os.Getenv(killAddress)
	if address == "" {
		return // nothing to do in a run of all tests
	}
	from, err := strconv.Atoi(os.Getenv(killFrom))
	ok(t, err)
	d, err := db.Open(t.Context(), address)
	ok(t, err)
	told, err := os.OpenFile(os.Getenv(killTold), os.O_APPEND|os.O_WRONLY|os.O_CREATE, 0o600)
	ok(t, err)
	r := stormReporter(d, func(e Event) error {
		_, err := fmt.Fprintf(told, "%s %s\n", e.Kind, e.Incident.ID)
		return err
	})
	for n := from; n < storm; n++ {
		ok(t, r.Changed(t.Context(), verdict.Verdict{}, stormed(n)))
		fmt.Fprintf(os.Stderr, "done %d\n", n)
	}
}

// A process that takes changes in is killed again and again; it is told from the first one
// on that it did not confirm, as the engine does. No incident is lost, and each was told.
func TestKilledAtRandom(t *testing.T) {
	address, told := dbtest.Address(t), filepath.Join(t.TempDir(), "told")
	d, err := db.Open(t.Context(), address)
	ok(t, err)
	defer d.Close()
	ok(t, db.Migrate(t.Context(), d, "watch", migrations.Files))
	next := 0
	for kill := 0; next < storm; kill++ {
		next = runUntilKilled(t, address, told, next, 7+kill*13%29)
	}
	r := stormReporter(d, func(Event) error { return nil })
	got, err := r.Incidents(t.Context(), "", 0, 1000)
	ok(t, err)
	var steps []step
	for n := range storm {
		v := stormed(n)
		steps = append(steps, step{Key: keyOf(v), Target: v.Target, Service: v.Target[2:], State: v.State, At: v.Since})
	}
	var want []Incident
	for _, one := range derive("a.test", steps) {
		want = append([]Incident{one.Incident}, want...)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	text, err := os.ReadFile(told)
	ok(t, err)
	waiting, err := events(t.Context(), d, 10_000)
	ok(t, err)
	for _, i := range got {
		n := strings.Count(string(text), "opened "+i.ID)
		for _, e := range waiting {
			if e.Kind == Opened && e.Incident.ID == i.ID {
				n++
			}
		}
		if n == 0 {
			t.Errorf("%s was never told", i.ID)
		}
	}
}

// runUntilKilled runs the storm from a change on, kills it soon after some more were taken,
// and answers the first that was not confirmed.
func runUntilKilled(t *testing.T, address, told string, from, more int) (next int) {
	t.Helper()
	c := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestToBeKilled$")
	c.Env = append(os.Environ(), killAddress+"="+address, killTold+"="+told, killFrom+"="+strconv.Itoa(from))
	out, err := c.StderrPipe()
	ok(t, err)
	ok(t, c.Start())
	next = from
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		n, found := strings.CutPrefix(lines.Text(), "done ")
		if !found {
			continue
		}
		done, err := strconv.Atoi(n)
		ok(t, err)
		if next = done + 1; next == from+more {
			ok(t, c.Process.Kill()) // what it does meanwhile is cut anywhere
		}
	}
	if err := c.Wait(); err != nil && !strings.Contains(err.Error(), "killed") {
		t.Fatal(err)
	}
	return next
}
