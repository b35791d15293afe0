package crash

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"entrechat/internal/app/lab"
)

func databaseOf(n *lab.Node) string { return filepath.Join(n.Data(), "entrechat.db") }

func walOf(n *lab.Node) string { return databaseOf(n) + "-wal" }

// A node that is told to stop, while neighbours wait for its news, leaves no log
// beside its database.
func TestACleanStopLeavesNoLog(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 3, 3*time.Minute)
	w.found(func(*lab.Node) {})
	w.agree()
	w.must(lab.WriteMix(w.data, 1_000_000, w.rng.Uint64()))
	w.open()
	w.backup()
	w.owner().Stop()
	if info, err := os.Stat(walOf(w.owner())); err == nil && info.Size() > 0 {
		t.Errorf("after a clean stop %d bytes lie beside the database", info.Size())
	}
}
