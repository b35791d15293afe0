package crash

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"entrechat/internal/app/lab"
)

// dealing is the first node, which deals box after box to the others while its command is killed.
type dealing struct {
	*opening
	file string // what the box will hold
}

// deals is what `custody deal list` says: which stands, which is on its way, how many ever stood.
func (d *dealing) deals() (standing, pending string, stood int) {
	d.t.Helper()
	var all []struct {
		ID    string `json:"id"`
		State string `json:"state"`
	}
	d.must(d.owner().RunJSON(d.ctx, &all, "custody", "deal", "list"))
	for _, one := range all {
		switch one.State {
		case "standing":
			if standing != "" {
				d.t.Fatalf("two deals stand: %+v", all)
			}
			standing = one.ID
			stood++
		case "pending":
			if pending != "" {
				d.t.Fatalf("two deals are on their way: %+v", all)
			}
			pending = one.ID
		case "cancelled":
		default:
			stood++
		}
	}
	return standing, pending, stood
}

// words are the command that makes a deal, or goes on with the one on its way.
func (d *dealing) words(pending string) []string {
	if pending != "" {
		return []string{"custody", "deal", "bring", "serve"}
	}
	words := []string{"custody", "deal", "make", "serve", "--needed", "2", "--wait", "0s", "--file", d.file}
	for _, n := range d.members() {
		words = append(words, "--to", n.Name)
	}
	return words
}

// next has a new deal of a content stand, and kills what does it up to so many times. Until it
// stands the one before does.
func (d *dealing) next(content string, kills int) {
	d.t.Helper()
	d.must(os.WriteFile(d.file, []byte(content), 0o600))
	before, _, _ := d.deals()
	for range 40 {
		standing, pending, _ := d.deals()
		if standing != before {
			if standing == "" {
				d.t.Fatal("no deal stands any more")
			}
			return
		}
		ctx, cancel := d.ctx, context.CancelFunc(func() {})
		if kills > 0 {
			ctx, cancel = context.WithTimeout(d.ctx, time.Duration(d.rnd.Int64N(int64(d.usual)*3/2)))
		}
		_, err := d.owner().Run(ctx, d.words(pending)...) // the end of its time is SIGKILL
		late := errors.Is(ctx.Err(), context.DeadlineExceeded)
		cancel()
		if err != nil && (!late || d.ctx.Err() != nil) {
			d.t.Fatal(err)
		}
		if err != nil {
			kills--
			d.kills++
		}
	}
	d.t.Fatal("no new deal stands")
}

// TestDealingIsKilled: the command that deals is killed at 15 random moments. The deal before
// stands until the new one does; each is in the logbook once; the last opens its own box.
func TestDealingIsKilled(t *testing.T) {
	d := &dealing{opening: &opening{world: newWorld(t, 4, 6*time.Minute), rnd: random(t)}, file: filepath.Join(t.TempDir(), "zone")}
	d.found(func(*lab.Node) {})
	for _, n := range d.members() {
		d.must(lab.Introduce(d.ctx, d.owner(), n))
		d.must(lab.Promise(d.ctx, d.owner(), n, "--custody"))
	}
	d.must(os.WriteFile(d.file, []byte("the first\n"), 0o600))
	d.eventually("the first deal stands", time.Minute, func() (bool, string) {
		begin := time.Now()
		out, err := d.owner().Run(d.ctx, d.words("")...)
		d.usual = time.Since(begin)
		return err == nil && strings.Contains(out, "stands"), out
	})
	const wanted = 15
	content, rounds := "", 0
	for ; d.kills < wanted && rounds < 2*wanted; rounds++ {
		content = fmt.Sprintf("the zone's key, number %d\n", rounds)
		d.next(content, min(3, wanted-d.kills)) // so that some come late in a deal
	}
	if d.kills < wanted {
		t.Errorf("only %d kills", d.kills)
	}
	_, _, stood := d.deals()
	if got := d.entries(d.owner(), "entrechat/custody-deal/1"); got != stood || stood != rounds+1 {
		t.Errorf("%d deals are in the logbook, %d stood, in %d rounds", got, stood, rounds)
	}
	id, six := d.ask()
	for _, n := range d.members()[:2] {
		_, err := n.Run(d.ctx, "custody", "release", id, "--heard", six, "--yes")
		d.must(err)
	}
	out := filepath.Join(t.TempDir(), "opened")
	_, err := d.owner().Run(d.ctx, "custody", "ask", "collect", id, "--out", out)
	d.must(err)
	// A deal that was begun with the content before goes on with it.
	if got, err := os.ReadFile(out); err != nil || string(got) != content {
		t.Errorf("the box holds %q, not %q; %v", got, content, err)
	}
	t.Logf("%d kills in %d rounds, a deal takes %v", d.kills, rounds, d.usual)
}
