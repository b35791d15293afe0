package crash

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"entrechat/internal/app/lab"
)

// village is an owner and four lenders on which one disaster after the other falls.
type village struct {
	*world
	disk     string // where the first lender's store really lies
	drip     *dripping
	snapshot string
	saved    lab.Tree // what is in it
}

// What a bad day brings, one after the other at the same hosters: each is seen, said
// with a name, and every byte comes back.
func TestDisasters(t *testing.T) {
	t.Parallel()
	v := newVillage(t)
	for _, d := range []struct {
		name    string
		happens func()
	}{
		{"changed password", v.changedPassword},
		{"export twice", v.exportTwice},
		{"empty mount", v.emptyMount},
		{"head damage", v.headDamage},
		{"dripping contact", v.drippingContact},
	} {
		if !t.Run(d.name, func(t *testing.T) {
			v.t = t
			d.happens()
		}) {
			return // the next would begin with what this one left
		}
	}
}

func newVillage(t *testing.T) *village {
	t.Helper()
	v := &village{world: newWorld(t, 5, 4*time.Minute)}
	mounted, last := v.members()[0], v.members()[3]
	v.disk = filepath.Join(v.dir, "disk")
	v.drip = v.dripper(last)
	v.must(os.Mkdir(v.disk, 0o700))
	t.Cleanup(func() {
		mounted.Kill()
		_ = exec.Command("umount", "-l", storeOf(mounted)).Run() // not there when a test took it away and failed
	})
	v.found(func(n *lab.Node) {
		if n == mounted {
			v.must(os.MkdirAll(storeOf(n), 0o700))
			v.mount(v.disk, storeOf(n))
		}
	})
	v.agree()
	v.must(lab.WriteMix(v.data, 1_500_000, v.rng.Uint64()))
	v.open()
	v.snapshot, v.saved = v.backup(), v.tree()
	v.whole(time.Minute)
	return v
}

func storeOf(n *lab.Node) string { return filepath.Join(n.Data(), "store") }

// mount shows a folder at another place, as a disk of its own would be.
func (w *world) mount(disk, at string) {
	w.t.Helper()
	if out, err := exec.CommandContext(w.ctx, "mount", "--bind", disk, at).CombinedOutput(); err != nil {
		w.t.Fatalf("cannot mount a folder: %v\n%s\nrun the test as root, or in a namespace of your own: unshare -rm go test ./test/crash", err, out)
	}
}

// says runs a command to its end and answers what it printed, on both streams, and its
// exit status.
func (w *world) says(n *lab.Node, words ...string) (string, int) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.ctx, slowness*2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, n.Program, words...)
	cmd.Env = append(os.Environ(), "ENTRECHAT_DATA="+n.Data(), "ENTRECHAT_LANG=en")
	out, err := cmd.CombinedOutput()
	if exit := new(exec.ExitError); err != nil && (!errors.As(err, &exit) || !exit.Exited()) {
		w.t.Fatalf("%s: entrechat %s: %v\n%s", n.Name, strings.Join(words, " "), err, out)
	}
	return string(out), cmd.ProcessState.ExitCode()
}

// tells is says with what must be in the answer.
func (w *world) tells(n *lab.Node, status int, words []string, wants ...string) string {
	w.t.Helper()
	out, code := w.says(n, words...)
	for _, want := range wants {
		if !strings.Contains(out, want) {
			w.t.Errorf("%s: entrechat %s does not say %q:\n%s", n.Name, strings.Join(words, " "), want, out)
		}
	}
	if code != status {
		w.t.Errorf("%s: entrechat %s ended with status %d, not %d:\n%s", n.Name, strings.Join(words, " "), code, status, out)
	}
	return out
}

// allThere waits until every member is seen to have what it was given.
func (w *world) allThere() {
	w.t.Helper()
	w.eventually("all there", time.Minute, func() (bool, string) {
		out, code := w.says(w.owner(), "vault", "check")
		return code == 0, out
	})
}

// forget takes from the owner's disk what it could read without the members, and keeps
// restic from its own copies: what is restored comes from others.
func (w *world) forget() {
	w.t.Helper()
	cached, err := filepath.Glob(filepath.Join(w.owner().Data(), "vault", "cache", "*"))
	w.must(err)
	for _, path := range cached {
		w.must(os.RemoveAll(path))
	}
	for _, v := range w.env {
		if path, ok := strings.CutPrefix(v, "RESTIC_CACHE_DIR="); ok {
			w.must(os.RemoveAll(path))
		}
	}
}

// files lists the files below a folder, but for those that say what the folder is.
func (w *world) files(root string) (names []string) {
	w.t.Helper()
	w.must(filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() && d.Name() != "CACHEDIR.TAG" && d.Name() != ".entrechat-folder" {
			names = append(names, path)
		}
		return err
	}))
	return names
}

func (w *world) read(path string) string {
	w.t.Helper()
	text, err := os.ReadFile(path)
	w.must(err)
	return string(text)
}

// setting of the environment of restic.
func setting(env []string, name string) string {
	for _, v := range env {
		if value, ok := strings.CutPrefix(v, name+"="); ok {
			return value
		}
	}
	return ""
}

// The disk of a lender's store is not mounted: that is said, nothing is called lost,
// nothing is written in its place, and what is saved meanwhile goes to the others.
func (v *village) emptyMount() {
	lender, store := v.members()[0], storeOf(v.members()[0])
	before, err := lab.ReadTree(v.disk)
	v.must(err)
	lender.Stop()
	if out, err := exec.CommandContext(v.ctx, "umount", store).CombinedOutput(); err != nil {
		v.t.Fatalf("umount: %v\n%s", err, out)
	}
	v.must(lender.Up(v.ctx))
	v.doctorSays(lender, store+" is empty or its disk is not mounted. Mount it")
	out, code := v.says(v.owner(), "vault", "check")
	if code == 0 || strings.Contains(out, "lost,") || !strings.Contains(out, "503 vault.store_away") {
		v.t.Errorf("vault check ended with %d:\n%s", code, out)
	}
	v.change("while it is away", 400_000)
	v.snapshot, v.saved = v.backup(), v.tree()
	v.forget()
	v.restoresTo(v.snapshot, v.saved)
	if names := v.files(store); len(names) > 0 {
		v.t.Errorf("written where the disk should be mounted: %v", names)
	}

	v.mount(v.disk, store) // while the node runs
	v.allThere()
	v.tells(lender, 0, []string{"doctor"}, "kept for others")
	after, err := lab.ReadTree(v.disk)
	v.must(err)
	for name, was := range before {
		if after[name] != was {
			v.t.Errorf("%s was %q and is %q", name, was, after[name])
		}
	}
	v.whole(time.Minute)
}

// One bit of the line that says what a shard is, in every shard of two lenders: found
// when the owner asks, made again and read back; then these two alone give every byte.
func (v *village) headDamage() {
	damaged := v.members()[1:3]
	for _, n := range damaged {
		v.spoil(n, func(path string, text []byte) error {
			line := strings.Split(string(text[:min(len(text), 8192)]), "\n")
			if len(line) < 3 || !strings.HasPrefix(line[1], "{") {
				return fmt.Errorf("%s is no shard: %.80q", path, text)
			}
			text[len(line[0])+1+v.rng.IntN(len(line[1]))] ^= 1 << v.rng.IntN(7)
			return os.WriteFile(path, text, 0o600)
		})
	}
	v.auditFinds(len(damaged))
	named := map[string]bool{}
	for _, trouble := range v.status().Troubles {
		if trouble.Kind == "lost" || trouble.Kind == "wrong" {
			named[trouble.Member] = true
		}
	}
	if len(named) != 2 || !named[damaged[0].Name] || !named[damaged[1].Name] {
		v.t.Errorf("for damage %v are named", named)
	}
	v.eventually("made again and read back", time.Minute, func() (bool, string) {
		v.says(v.owner(), "vault", "check")
		out, err := v.owner().Run(v.ctx, "vault", "status", "files")
		v.must(err)
		for _, trouble := range v.status().Troubles {
			if trouble.Over == 0 {
				return false, out
			}
		}
		return strings.Contains(out, "- mended"), out
	})
	v.allThere()
	v.whole(time.Minute)

	others := []*lab.Node{v.members()[0], v.members()[3]}
	for _, n := range others {
		n.Stop()
	}
	v.forget()
	v.restoresTo(v.snapshot, v.saved)
	v.each(others, func(n *lab.Node) error { return n.Up(v.ctx) })
}
