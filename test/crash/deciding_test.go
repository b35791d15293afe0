package crash

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"entrechat/internal/app/lab"
)

// deciding is a decision of three hosters, whose commands and nodes are killed.
type deciding struct {
	*world
	rnd   *rand.Rand
	kills int
	usual time.Duration // of a command that nobody kills
}

// killed runs a command and kills it at random moments, so many times; then it runs to its end.
// done is how it complains when a run before came so far.
func (d *deciding) killed(n *lab.Node, times int, done string, words ...string) {
	d.t.Helper()
	for range times {
		ctx, cancel := context.WithTimeout(d.ctx, time.Duration(d.rnd.Int64N(int64(d.usual)*3/2)))
		_, err := n.Run(ctx, words...) // its end is SIGKILL
		late := errors.Is(ctx.Err(), context.DeadlineExceeded)
		cancel()
		if late {
			d.kills++
		} else if err != nil && !strings.Contains(err.Error(), done) {
			d.t.Fatalf("%v: %v", words, err)
		}
	}
	if _, err := n.Run(d.ctx, words...); err != nil && !strings.Contains(err.Error(), done) {
		d.t.Fatal(err)
	}
}

// collective has all nodes know each other, and founds a collective of them.
func (d *deciding) collective() (id string) {
	d.t.Helper()
	d.found(func(*lab.Node) {})
	charter := filepath.Join(d.dir, "charter.md")
	d.must(os.WriteFile(charter, []byte("We help each other.\n"), 0o600))
	create := []string{"collective", "create", "--name", "Grappe", "--text", charter}
	for i, n := range d.nodes {
		for _, other := range d.nodes[i+1:] {
			d.must(lab.Introduce(d.ctx, n, other))
		}
		if i > 0 {
			create = append(create, "--founder", n.Name)
		}
	}
	var made struct {
		ID string `json:"id"`
	}
	d.must(d.owner().RunJSON(d.ctx, &made, create...))
	for _, n := range d.members() {
		d.eventually("the collective is followed", time.Minute, func() (bool, string) {
			out, err := n.Run(d.ctx, "collective", "join", made.ID, "--yes")
			return err == nil, out
		})
	}
	for _, n := range d.nodes {
		d.eventually("all decide", time.Minute, func() (bool, string) {
			out, err := n.Run(d.ctx, "decision", "electors", made.ID)
			return err == nil && strings.Count(out, " yes ") == len(d.nodes), out
		})
	}
	return made.ID
}

// decision is what a node says of one.
type decision struct {
	ID     string `json:"id"`
	Phase  string `json:"phase"`
	Result string `json:"result"`
	Tally  string `json:"tally"`
	Alike  int    `json:"alike"`
	Differ int    `json:"differ"`
	Commit int64  `json:"commit_until_us"`
	Reveal int64  `json:"reveal_until_us"`
}

func (d *deciding) list(n *lab.Node) (all []decision) {
	d.t.Helper()
	d.must(n.RunJSON(d.ctx, &all, "decision", "list"))
	return all
}

// entries counts what a node's logbook says of a kind.
func (d *deciding) entries(n *lab.Node, kind string) int {
	d.t.Helper()
	out, err := n.Run(d.ctx, "log", "show")
	d.must(err)
	return strings.Count(out, kind)
}

// TestDecidingIsKilled: commands that propose and vote are killed at random moments, and nodes
// while ballots are opened: nothing stands in a logbook twice, every ballot opens, and all count
// alike.
func TestDecidingIsKilled(t *testing.T) {
	d := &deciding{world: newWorld(t, 3, 5*time.Minute), rnd: random(t)}
	group := d.collective()
	text := filepath.Join(d.dir, "text.md")
	d.must(os.WriteFile(text, []byte("One backup more.\n"), 0o600))
	begin := time.Now()
	d.list(d.owner())
	d.usual = max(time.Since(begin)*2, 50*time.Millisecond)
	d.killed(d.owner(), 6, "open in this collective already", "decision", "propose", "--collective", group, "--title", "One backup more", "--text", text,
		"--review", time.Now().AddDate(1, 0, 0).Format(time.DateOnly), "--talk", "1s", "--commit", "2m", "--reveal", "75s", "--grace", "15s")
	var made decision
	for _, n := range d.nodes {
		d.eventually("the proposal is here", time.Minute, func() (bool, string) {
			all := d.list(n)
			if len(all) == 1 {
				made = all[0]
			}
			return len(all) == 1 && all[0].Phase == "commit", ""
		})
	}
	for _, n := range d.nodes {
		d.killed(n, 10, "nothing", "decision", "vote", made.ID, "--stance", "agree")
	}
	commands := d.kills
	// While the ballots open, a node is killed every few seconds. The witnesses of three hosters
	// are all needed: they are left alone.
	time.Sleep(time.Until(time.UnixMicro(made.Commit).Add(16 * time.Second)))
	for time.Now().Before(time.UnixMicro(made.Reveal).Add(-20 * time.Second)) {
		n := d.nodes[d.rnd.IntN(len(d.nodes))]
		n.Kill()
		d.kills++
		d.must(n.Up(d.ctx))
		time.Sleep(time.Duration(d.rnd.Int64N(int64(2 * time.Second))))
	}
	first := ""
	for _, n := range d.nodes {
		d.eventually("all counted alike", 2*time.Minute, func() (bool, string) {
			all := d.list(n)
			one := all[0]
			if first == "" {
				first = one.Tally
			}
			return len(all) == 1 && one.Result == "passed" && one.Alike == len(d.nodes) && one.Differ == 0 && one.Tally == first, one.Result
		})
		for _, kind := range []string{"entrechat/ballot/1", "entrechat/ballot-open/1", "entrechat/outcome/1"} {
			if got := d.entries(n, kind); got != 1 {
				t.Errorf("%s says %s %d times", n.Name, kind, got)
			}
		}
	}
	if got := d.entries(d.owner(), "entrechat/proposal/1"); got != 1 {
		t.Errorf("%d proposals", got)
	}
	t.Logf("%d kills of commands, %d of nodes, a command takes %v", commands, d.kills-commands, d.usual/2)
}
