package crash

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"entrechat/internal/app/lab"
)

// buildOnce makes the real binary; the go command's cache makes it cheap.
var buildOnce = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "entrechat-crash-")
	if err != nil {
		return "", err
	}
	program := filepath.Join(dir, "entrechat")
	out, err := exec.Command("go", "build", "-o", program, "entrechat/cmd/entrechat").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build entrechat: %w\n%s", err, out)
	}
	return program, nil
})

func TestMain(m *testing.M) {
	code := m.Run()
	if program, err := buildOnce(); err == nil {
		_ = os.RemoveAll(filepath.Dir(program))
	}
	os.Exit(code)
}

// world is an owner, the members that keep its backup, and stock restic.
type world struct {
	t      *testing.T
	ctx    context.Context
	dir    string
	data   string // what is backed up
	nodes  []*lab.Node
	restic string
	env    []string
	prune  []string  // env with the token that removes, of the backup that was opened last
	agreed time.Time // since when every pact is signed
	rng    *rand.Rand
}

// slowness is how much longer than on an idle machine anything may take here: many
// nodes, restic and the other tests share it.
const slowness = 3

// newWorld names count hosters and bounds the whole test; nothing is started yet.
func newWorld(t *testing.T, count int, limit time.Duration) *world {
	t.Helper()
	program, err := buildOnce()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), slowness*limit)
	t.Cleanup(cancel)
	w := &world{t: t, ctx: ctx, dir: t.TempDir(), rng: random(t)}
	w.data = filepath.Join(w.dir, "data")
	w.restic, err = lab.FindRestic(ctx, func(b lab.Building) { t.Log(b) })
	w.must(err)
	w.nodes, err = lab.Found(w.dir, program, count)
	w.must(err)
	t.Cleanup(func() {
		for _, n := range w.nodes {
			n.Kill()
			if t.Failed() {
				text, _ := os.ReadFile(filepath.Join(w.dir, n.Name+".log"))
				t.Logf("%s said last:\n%s", n.Name, tail(string(text)))
			}
		}
	})
	return w
}

// random draws from a seed that is printed, or given in CRASH_SEED.
func random(t *testing.T) *rand.Rand {
	t.Helper()
	seed := rand.Uint64()
	if text := os.Getenv("CRASH_SEED"); text != "" {
		var err error
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatalf("CRASH_SEED: %v", err)
		}
	}
	t.Logf("CRASH_SEED=%d repeats this run's randomness", seed)
	return rand.New(rand.NewPCG(seed, 0))
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) owner() *lab.Node     { return w.nodes[0] }
func (w *world) members() []*lab.Node { return w.nodes[1:] }

// found makes and starts every node.
func (w *world) found(prepare func(*lab.Node)) {
	w.t.Helper()
	w.each(w.nodes, func(n *lab.Node) error {
		if err := n.Init(w.ctx); err != nil {
			return err
		}
		prepare(n)
		return n.Up(w.ctx)
	})
}

// setting changes a line of a node's configuration.
func (w *world) setting(n *lab.Node, key, value string) {
	w.t.Helper()
	path := filepath.Join(n.Data(), "entrechat.toml")
	text, err := os.ReadFile(path)
	w.must(err)
	line := regexp.MustCompile(`(?m)^` + key + ` = .*$`)
	if !line.Match(text) {
		w.t.Fatalf("entrechat.toml has no %s", key)
	}
	w.must(os.WriteFile(path, line.ReplaceAll(text, []byte(key+" = '"+value+"'")), 0o600))
}

// each does the same for several nodes at once.
func (w *world) each(nodes []*lab.Node, do func(*lab.Node) error) {
	w.t.Helper()
	failed := make(chan error, len(nodes))
	for _, n := range nodes {
		go func() { failed <- do(n) }()
	}
	for range nodes {
		if err := <-failed; err != nil {
			w.t.Error(err)
		}
	}
	if w.t.Failed() {
		w.t.FailNow()
	}
}

// agree has the owner meet every member and sign a pact with it.
func (w *world) agree() {
	w.t.Helper()
	w.agreeOn("5GB")
}

// agreeOn is agree with pacts of a size.
func (w *world) agreeOn(size string) {
	w.t.Helper()
	for _, n := range w.members() {
		w.must(lab.Introduce(w.ctx, w.owner(), n))
		w.must(lab.Pact(w.ctx, w.owner(), n, size))
	}
	w.eventually("agreed", time.Minute, func() (bool, string) {
		var pacts []struct {
			State string `json:"state"`
		}
		w.must(w.owner().RunJSON(w.ctx, &pacts, "pact", "list"))
		active := 0
		for _, p := range pacts {
			if p.State == "active" {
				active++
			}
		}
		return active == len(w.members()), fmt.Sprintf("%d of %d pacts in force", active, len(w.members()))
	})
	// The node asks every five seconds who lends; until then it would choose a code
	// for fewer members.
	w.agreed = time.Now()
}

// pause waits, but not beyond the test's end.
func (w *world) pause(d time.Duration) {
	select {
	case <-time.After(d):
	case <-w.ctx.Done():
	}
}

// open makes the owner's backup and its restic repository.
func (w *world) open() {
	w.t.Helper()
	w.pause(time.Until(w.agreed.Add(5500 * time.Millisecond)))
	w.env = w.openAt(w.owner(), "files")
}

func (w *world) openAt(n *lab.Node, vault string) []string {
	w.t.Helper()
	var made struct {
		Prune string `json:"prune_token"`
	}
	w.must(n.RunJSON(w.ctx, &made, "vault", "create", vault))
	cache := "RESTIC_CACHE_DIR=" + filepath.Join(w.dir, "cache-"+n.Name)
	prune, err := n.Env(w.ctx, vault, "--token", made.Prune)
	w.must(err)
	w.prune = append(prune, cache)
	env, err := n.Env(w.ctx, vault)
	w.must(err)
	env = append(env, cache)
	if out, err := w.run(env, "init"); err != nil {
		w.t.Fatal(err, out)
	}
	return env
}

// run runs restic to its end and answers what it printed, on both streams.
func (w *world) run(env []string, words ...string) (string, error) {
	// restic tries for 15 minutes by itself; a run gets less, and is started again.
	ctx, cancel := context.WithTimeout(w.ctx, slowness*90*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, w.restic, words...)
	cmd.Env = append(os.Environ(), env...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		err = fmt.Errorf("restic %s: %w", words[0], err)
	}
	return string(out), err
}

// ok runs restic, which must succeed.
func (w *world) ok(words ...string) string {
	w.t.Helper()
	out, err := w.run(w.env, words...)
	if err != nil {
		w.t.Fatalf("%v\n%s", err, out)
	}
	return out
}

// saved reads the id of the snapshot that restic says it saved.
func saved(out string) (id string) {
	for line := range strings.Lines(out) {
		var m struct {
			Snapshot string `json:"snapshot_id"`
		}
		if json.Unmarshal([]byte(line), &m) == nil && m.Snapshot != "" {
			id = m.Snapshot
		}
	}
	return id
}

// backup saves the data and answers the snapshot's id.
func (w *world) backup() string {
	w.t.Helper()
	id := saved(w.ok("backup", "--json", w.data))
	if id == "" {
		w.t.Fatal("restic named no snapshot")
	}
	return id
}

// restoresTo restores a snapshot and compares every byte.
func (w *world) restoresTo(snapshot string, want lab.Tree, flags ...string) {
	w.t.Helper()
	target, err := os.MkdirTemp(w.dir, "restored-")
	w.must(err)
	w.ok(append([]string{"restore", snapshot, "--target", target}, flags...)...)
	got, err := lab.ReadTree(filepath.Join(target, w.data))
	w.must(err)
	if diff := want.Differences(got); len(diff) > 0 {
		w.t.Errorf("snapshot %s came back different: %v", snapshot, diff)
	}
	w.must(os.RemoveAll(target))
}

func (w *world) tree() lab.Tree {
	w.t.Helper()
	tree, err := lab.ReadTree(w.data)
	w.must(err)
	return tree
}

// nameOf is what restic calls a file: the SHA-256 of its content.
func nameOf(body []byte) string {
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:])
}

// status is what we read of `vault status --json`.
type status struct {
	Backups []struct {
		Name     string `json:"name"`
		Level    string `json:"level"`
		Domains  int    `json:"domains"`
		Losses   int    `json:"survives_losses"`
		Placed   int    `json:"placed_losses"`
		Pending  int64  `json:"not_offsite"`
		Waiting  int64  `json:"on_the_way"`
		Snapshot int64  `json:"snapshot_us"`
	} `json:"backups"`
	Troubles []trouble `json:"troubles"`
}

type trouble struct {
	Member string `json:"member"`
	Kind   string `json:"kind"`
	Over   int64  `json:"over_us"`
}

func (w *world) status() status {
	w.t.Helper()
	var s status
	w.must(w.owner().RunJSON(w.ctx, &s, "vault", "status", "files"))
	if len(s.Backups) != 1 {
		w.t.Fatalf("status lists %d backups", len(s.Backups))
	}
	return s
}

// eventually asks until the answer is yes; no is what to say of the last one. limit is
// that of an idle machine.
func (w *world) eventually(what string, limit time.Duration, ask func() (ok bool, no string)) {
	w.t.Helper()
	begun := time.Now()
	for {
		ok, no := ask()
		if ok {
			w.t.Logf("%s after %.1f s", what, time.Since(begun).Seconds())
			return
		}
		if time.Since(begun) > slowness*limit || w.ctx.Err() != nil {
			w.t.Fatalf("not %s after %.0f s: %s", what, time.Since(begun).Seconds(), no)
		}
		select {
		case <-time.After(300 * time.Millisecond):
		case <-w.ctx.Done():
		}
	}
}

// whole waits until every shard lies where it should and no member is missed.
func (w *world) whole(limit time.Duration) {
	w.t.Helper()
	w.eventually("whole", limit, func() (bool, string) {
		s := w.status()
		b := s.Backups[0]
		want := min(len(w.members())-1, 2)
		if b.Level == "safe" && b.Pending == 0 && b.Waiting == 0 && b.Losses >= want {
			return true, ""
		}
		text, err := w.owner().Run(w.ctx, "vault", "status", "files")
		w.must(err)
		return false, text
	})
}

// verifyLogs recomputes every logbook at every node.
func (w *world) verifyLogs() {
	w.t.Helper()
	w.each(w.nodes, func(n *lab.Node) error {
		_, err := n.Run(w.ctx, "log", "verify")
		return err
	})
	for _, n := range w.members() {
		_, err := w.owner().Run(w.ctx, "log", "verify", n.Name)
		w.must(err)
	}
}

// change writes bytes of noise into a file of the data.
func (w *world) change(name string, size int) {
	w.t.Helper()
	var noise bytes.Buffer
	for noise.Len() < size {
		fmt.Fprintf(&noise, "%016x", w.rng.Uint64())
	}
	path := filepath.Join(w.data, "changed", name)
	w.must(os.MkdirAll(filepath.Dir(path), 0o700))
	w.must(os.WriteFile(path, noise.Bytes()[:size], 0o600))
}
