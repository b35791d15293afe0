package vault

import (
	"io"
	"os"
	"testing"

	"github.com/spf13/cobra"

	"entrechat/internal/core"
	"entrechat/internal/kit/console"
	"entrechat/internal/room/vault/rest"
)

// command runs `entrechat vault` on the world's room.
func (w *world) command(words ...string) error {
	w.t.Helper()
	p := printer(w.t)
	vault := Commands(p, func(*cobra.Command) (*Room, *console.Out, error) {
		return w.room, &console.Out{W: io.Discard, Err: io.Discard, P: p}, nil
	}, Rescue{})[0]
	vault.SilenceErrors, vault.SilenceUsage = true, true
	vault.SetArgs(words)
	return vault.ExecuteContext(w.t.Context())
}

// What members lost is not expected of them any more. A check that finds them to have all
// that is expected does not end well while a file cannot be read.
func TestCheckEndsWellOnlyWhereAllCanBeRead(t *testing.T) {
	w := newWorld(t, 4)
	w.create("files")
	c := w.client("files", "")
	c.put(rest.Data, randomBytes(300_000, 9))
	c.put(rest.Snapshots, []byte("a snapshot"))
	w.quiet()
	if err := w.command("check"); err != nil {
		t.Fatal(err)
	}
	for _, m := range w.members[:3] { // two of four are needed
		for _, file := range m.shardFiles() {
			if err := os.Remove(file); err != nil {
				t.Fatal(err)
			}
		}
		if err := m.local.Rescan(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	for _, when := range []string{"first", "second"} {
		for _, words := range [][]string{{"check"}, {"check", "files"}} {
			if err := w.command(words...); core.CodeOf(err) != core.CodeUnsure {
				t.Errorf("the %s time %v ends with %v; the backup is %s", when, words, err, w.status("files").Level)
			}
		}
	}
}
