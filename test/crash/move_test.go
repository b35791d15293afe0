package crash

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"entrechat/internal/app/lab"
)

// A member that moved, and of which our last logbook only has the old address, is found
// again by a recovery: whoever answers says where it is now.
func TestRecoveryFollowsAMove(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 4, 4*time.Minute)
	w.found(func(*lab.Node) {})
	w.agree()
	w.must(lab.WriteMix(w.data, 300_000, w.rng.Uint64()))
	w.open()
	saved, tree := w.backup(), w.tree()
	w.whole(time.Minute)
	owner, first, moves := w.owner(), w.members()[0], w.members()[1]
	w.must(lab.Introduce(w.ctx, first, moves))
	owner.Stop() // before the move, so that its logbook never hears of it
	w.must(os.RemoveAll(owner.Data()))

	moves.Stop()
	config := filepath.Join(moves.Data(), "entrechat.toml")
	text, err := os.ReadFile(config)
	w.must(err)
	swap := strings.NewReplacer(moves.Public, moves.Tools, moves.Tools, moves.Public)
	w.must(os.WriteFile(config, []byte(swap.Replace(string(text))), 0o600))
	moves.Public, moves.Tools = moves.Tools, moves.Public
	_, err = moves.Run(w.ctx, "log", "move", "--seed-file", moves.SeedFile())
	w.must(err)
	w.must(moves.Up(w.ctx))
	w.eventually("heard of the move", time.Minute, func() (bool, string) {
		out, err := first.Run(w.ctx, "member", "show", moves.Name)
		return err == nil && strings.Contains(out, moves.Public), out
	})

	words := append([]string{"vault", "recover", "--yes", "--seed-file", owner.SeedFile(), "--from", first.URL()}, owner.Place()...)
	out, err := owner.Run(w.ctx, words...)
	if err != nil || strings.Contains(out, "did not answer") {
		t.Fatalf("the recovery ended with %v\n%s", err, out)
	}
	w.must(owner.Up(w.ctx))
	w.env, err = owner.Env(w.ctx, "files")
	w.must(err)
	w.whole(time.Minute)
	w.restoresTo(saved, tree)
}
