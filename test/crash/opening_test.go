package crash

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"entrechat/internal/app/lab"
)

// opening is a box of the first node's, 2 of 3, of which the others hold shares.
type opening struct {
	*world
	rnd   *rand.Rand
	kills int
	usual time.Duration // of a command that nobody kills
}

// killed runs a command and kills it at a random moment, again and again until one run comes
// to its end.
func (o *opening) killed(n *lab.Node, words ...string) {
	o.t.Helper()
	for range 12 {
		after := time.Duration(o.rnd.Int64N(int64(o.usual) * 3 / 2))
		ctx, cancel := context.WithTimeout(o.ctx, after)
		_, err := n.Run(ctx, words...) // its end is SIGKILL
		late := errors.Is(ctx.Err(), context.DeadlineExceeded)
		cancel()
		if err == nil || strings.Contains(err.Error(), "has opened the box already") {
			return // or the run before came so far
		}
		if !late {
			o.t.Fatalf("%v: %v", words, err)
		}
		o.kills++
	}
	if _, err := n.Run(o.ctx, words...); err != nil && !strings.Contains(err.Error(), "has opened the box already") {
		o.t.Fatal(err)
	}
}

// ask opens an ask and waits until it may be decided at all holders.
func (o *opening) ask() (id, six string) {
	o.t.Helper()
	var made struct {
		ID    string `json:"id"`
		Words string `json:"words"`
	}
	o.must(o.owner().RunJSON(o.ctx, &made, "custody", "ask", "open", "serve", "--reason", "incident"))
	for _, n := range o.members() {
		o.eventually("the ask is to be decided", time.Minute, func() (bool, string) {
			var seen struct {
				State string `json:"state"`
			}
			err := n.RunJSON(o.ctx, &seen, "custody", "ask", "show", made.ID)
			return err == nil && seen.State == "ready", seen.State
		})
	}
	return made.ID, made.Words
}

// entries counts what a node's logbook says of a kind.
func (o *opening) entries(n *lab.Node, kind string) int {
	o.t.Helper()
	out, err := n.Run(o.ctx, "log", "show")
	o.must(err)
	return strings.Count(out, kind)
}

// TestOpeningIsKilled: commands that release shares and open the box are killed at random
// moments: nothing stands in a logbook twice, nothing is released in part, and the box opens.
func TestOpeningIsKilled(t *testing.T) {
	o := &opening{world: newWorld(t, 4, 4*time.Minute), rnd: random(t)}
	o.found(func(*lab.Node) {})
	to := []string{"custody", "deal", "make", "serve", "--needed", "2", "--wait", "0s"}
	for _, n := range o.members() {
		o.must(lab.Introduce(o.ctx, o.owner(), n))
		o.must(lab.Promise(o.ctx, o.owner(), n, "--custody"))
		to = append(to, "--to", n.Name)
	}
	zone := filepath.Join(t.TempDir(), "zone")
	o.must(os.WriteFile(zone, []byte("key of the zone\n"), 0o600))
	begin := time.Now()
	_, err := o.owner().Run(o.ctx, "custody", "ask", "list")
	o.must(err)
	o.usual = max(time.Since(begin)*2, 50*time.Millisecond)
	const rounds = 3
	for range rounds {
		o.eventually("the deal is made", time.Minute, func() (bool, string) {
			out, err := o.owner().Run(o.ctx, append(to, "--file", zone)...)
			return err == nil && strings.Contains(out, "stands"), out
		})
		id, six := o.ask()
		for _, n := range o.members() {
			o.killed(n, "custody", "release", id, "--heard", six, "--yes")
		}
		out := filepath.Join(t.TempDir(), "opened")
		o.killed(o.owner(), "custody", "ask", "collect", id, "--out", out)
		if text, err := os.ReadFile(out); err != nil || string(text) != "key of the zone\n" {
			t.Errorf("%q, %v", text, err)
		}
	}
	for _, n := range o.members() {
		if got := o.entries(n, "entrechat/custody-release/1"); got != rounds {
			t.Errorf("%s says %d times that it released, of %d", n.Name, got, rounds)
		}
	}
	o.eventually("the openings are in the logbook", time.Minute, func() (bool, string) {
		got := o.entries(o.owner(), "entrechat/custody-opened/1")
		return got >= rounds, strconv.Itoa(got)
	})
	if got := o.entries(o.owner(), "entrechat/custody-opened/1"); got != rounds {
		t.Errorf("%d openings in the logbook, of %d", got, rounds)
	}
	t.Logf("%d kills, a command takes %v", o.kills, o.usual/2)
}
