package crash

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"entrechat/internal/app/lab"
)

// promise is a snapshot that restic said it saved, and what was in it.
type promise struct {
	id   string
	tree lab.Tree
}

// Whoever dies at whatever moment of a backup, nothing that was promised is lost
// and nothing has to be repaired by hand.
func TestKilledAtRandomMoments(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 7, 30*time.Minute)
	w.found(func(*lab.Node) {})
	w.agree()
	w.must(lab.WriteMix(w.data, killBytes, w.rng.Uint64()))
	w.open()
	var promises []promise
	var owners, members, during int
	window := 3 * time.Second // about what the first backup takes
	for round := range kills {
		w.change(fmt.Sprintf("%d", round%10), 3_000_000+w.rng.IntN(4_000_000))
		victims := []*lab.Node{w.owner()}
		switch w.rng.IntN(5) {
		case 0, 1:
			owners++
		case 2, 3:
			victims = []*lab.Node{w.members()[w.rng.IntN(6)]}
			members++
		case 4:
			victims = append(victims, w.members()[w.rng.IntN(6)])
			owners, members = owners+1, members+1
		}
		after := time.Duration(w.rng.Int64N(int64(window)))
		p, took := w.backupDespite(victims, after)
		promises = append(promises, p)
		if after < took {
			during++
		}
		window = time.Second // and the later, smaller ones
		if b := w.status().Backups[0]; b.Level == "lost" || b.Snapshot == 0 {
			t.Fatalf("after kill %d the backup is %+v", round, b)
		}
	}
	t.Logf("%d kills of the owner, %d of members, in %d of %d backups; all promised", owners, members, during, len(promises))
	if during == 0 {
		t.Error("no kill fell into a backup: this run showed nothing")
	}
	w.whole(2 * time.Minute)
	w.kept(promises)
	w.ok("unlock")
	w.ok("check", "--read-data")
	w.verifyLogs()
}

// backupDespite saves the data while victims are killed and started again. restic
// is started again when it gives up, as a timer would.
func (w *world) backupDespite(victims []*lab.Node, after time.Duration) (promise, time.Duration) {
	w.t.Helper()
	p := promise{tree: w.tree()}
	begun := time.Now()
	done, up := make(chan struct{}), make(chan struct{})
	var failures []string
	var took time.Duration
	go func() {
		defer close(done)
		for p.id == "" && len(failures) < 5 {
			// Slow enough that a kill falls into it, not before or after.
			out, err := w.run(w.env, "backup", "--json", "--limit-upload", "6000", w.data)
			if err != nil {
				failures = append(failures, fmt.Sprintf("%v: %s", err, tail(out)))
				<-up // before that, whoever was killed answers nobody, however often restic is started
				continue
			}
			p.id = saved(out)
		}
		took = time.Since(begun)
	}()
	select {
	case <-time.After(after):
	case <-w.ctx.Done():
	}
	for _, n := range victims {
		n.Kill()
	}
	w.each(victims, func(n *lab.Node) error { return n.Up(w.ctx) })
	close(up)
	<-done
	if p.id == "" {
		w.t.Fatalf("restic never got through: %s", strings.Join(failures, "\n"))
	}
	for _, f := range failures {
		w.t.Logf("restic had to be started again: %s", f)
	}
	names := make([]string, 0, len(victims))
	for _, n := range victims {
		names = append(names, n.Name)
	}
	w.t.Logf("killed %v after %.2f s; saved %.8s after %.2f s", names, after.Seconds(), p.id, took.Seconds())
	return p, took
}

func tail(text string) string { return text[max(0, len(text)-1500):] }

// kept compares the promised snapshots with those there are, and restores the
// first, the last and one between.
func (w *world) kept(promises []promise) {
	w.t.Helper()
	cmdOut := w.ok("snapshots", "--json")
	var there []struct {
		ID string `json:"id"`
	}
	w.must(json.Unmarshal([]byte(cmdOut[strings.Index(cmdOut, "["):]), &there))
	for _, p := range promises {
		found := false
		for _, s := range there {
			found = found || strings.HasPrefix(s.ID, p.id)
		}
		if !found {
			w.t.Errorf("snapshot %s was promised and is lost", p.id)
		}
	}
	for _, i := range []int{0, w.rng.IntN(len(promises)), len(promises) - 1} {
		w.restoresTo(promises[i].id, promises[i].tree)
	}
}
