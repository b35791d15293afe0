//go:build scale

package scale

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"entrechat/internal/app/lab"
)

const (
	rounds    = 3
	treeFiles = 45_000
	treeBytes = 2_000_000_000
)

// bench is one measured run: a tree, stock restic and the two places it saves to.
type bench struct {
	t                          *testing.T
	dir, tree, restic, program string
	want                       lab.Tree
	figures                    map[string][]float64
	apart                      bool // the members have cores of their own
}

// Everything shares all cores in the first table. In the second, restic and what it
// talks to have the first half of them, and the members the other: as in life, where
// members' work is not done on the owner's machine.
func TestBackupAgainstRestServer(t *testing.T) {
	b := &bench{t: t, dir: t.TempDir()}
	b.prepare()
	for _, b.apart = range []bool{false, true} {
		b.figures = map[string][]float64{}
		for round := range rounds {
			t.Logf("round %d, members apart: %v", round+1, b.apart)
			// Who goes first has the other's writes to the disk behind it.
			if round%2 == 0 {
				b.restServer(round)
				b.entrechat(round)
			} else {
				b.entrechat(round)
				b.restServer(round)
			}
		}
		b.write()
	}
}

// pin keeps a process and all its threads on the cores of the owner's machine, or
// of the members'.
func (b *bench) pin(pid int, members bool) {
	if !b.apart {
		return
	}
	half := runtime.NumCPU() / 2
	cores := fmt.Sprintf("0-%d", half-1)
	if members {
		cores = fmt.Sprintf("%d-%d", half, runtime.NumCPU()-1)
	}
	if out, err := exec.CommandContext(b.t.Context(), "taskset", "-apc", cores, strconv.Itoa(pid)).CombinedOutput(); err != nil {
		b.t.Fatalf("taskset: %v\n%s", err, out)
	}
}

func (b *bench) must(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) prepare() {
	var err error
	say := func(at lab.Building) { b.t.Log(at) }
	b.restic, err = lab.Restic().Find(b.t.Context(), say)
	b.must(err)
	b.build()
	b.tree = filepath.Join(b.dir, "tree")
	b.must(lab.WriteTree(b.tree, treeFiles, treeBytes, 7))
	b.want, err = lab.ReadTree(b.tree)
	b.must(err)
	b.t.Logf("%d files and folders", len(b.want))
}

// build makes the program as it is released.
func (b *bench) build() {
	b.program = filepath.Join(b.dir, "entrechat")
	out, err := exec.CommandContext(b.t.Context(), "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", b.program, "../../cmd/entrechat").CombinedOutput()
	if err != nil {
		b.t.Fatalf("%v\n%s", err, out)
	}
}

// timed runs restic and keeps its wall time in seconds under a name.
func (b *bench) timed(name string, env []string, words ...string) {
	b.t.Helper()
	cmd := exec.CommandContext(b.t.Context(), b.restic, words...)
	cmd.Env = append(os.Environ(), env...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	begun := time.Now()
	b.must(cmd.Start())
	b.pin(cmd.Process.Pid, false)
	if err := cmd.Wait(); err != nil {
		b.t.Fatalf("restic %s: %v\n%s", words[0], err, out.String())
	}
	took := time.Since(begun).Seconds()
	if name != "" {
		b.figures[name] = append(b.figures[name], took)
		b.t.Logf("%-28s %6.1f s", name, took)
	}
}

func (b *bench) saveAndRestore(prefix string, env []string, round int) {
	b.timed("", env, "init")
	b.timed(prefix+" backup", env, "backup", "--quiet", b.tree)
	b.restore(prefix+" restore", env, round == 0 && !b.apart)
}

// restore times a restore and, when asked, compares every byte.
func (b *bench) restore(name string, env []string, compare bool) {
	target := filepath.Join(b.dir, "restored")
	b.timed(name, env, "restore", "--quiet", "latest", "--target", target)
	if compare {
		got, err := lab.ReadTree(filepath.Join(target, b.tree))
		b.must(err)
		if diff := b.want.Differences(got); len(diff) > 0 {
			b.t.Fatalf("%s is not identical: %v", name, diff)
		}
	}
	b.must(os.RemoveAll(target))
}

func (b *bench) env(round int, repository, password string) []string {
	return []string{
		"RESTIC_REPOSITORY=" + repository, "RESTIC_PASSWORD=" + password,
		"RESTIC_CACHE_DIR=" + filepath.Join(b.dir, fmt.Sprintf("cache-%d-%d", round, len(repository))),
	}
}

func (b *bench) restServer(round int) {
	server, err := lab.RestServer().Find(b.t.Context(), func(at lab.Building) { b.t.Log(at) })
	b.must(err)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	b.must(err)
	address := l.Addr().String()
	b.must(l.Close())
	store := filepath.Join(b.dir, "rest-server")
	ctx, cancel := context.WithCancel(b.t.Context())
	cmd := exec.CommandContext(ctx, server, "--path", store, "--listen", address, "--no-auth", "--append-only")
	b.must(cmd.Start())
	b.pin(cmd.Process.Pid, false)
	defer func() {
		cancel()
		_ = cmd.Wait()
		b.must(os.RemoveAll(store))
	}()
	for range 100 {
		if conn, err := net.Dial("tcp", address); err == nil {
			_ = conn.Close()
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	b.saveAndRestore("rest-server", b.env(round, "rest:http://"+address+"/r/", "x"), round)
}

func (b *bench) entrechat(round int) {
	ctx := b.t.Context()
	dir := filepath.Join(b.dir, "nodes")
	b.must(os.MkdirAll(dir, 0o700))
	nodes, err := lab.Found(dir, b.program, 7)
	b.must(err)
	defer func() {
		for _, n := range nodes {
			n.Kill()
		}
		b.must(os.RemoveAll(dir))
	}()
	for _, n := range nodes {
		b.must(n.Init(ctx))
		b.must(n.Up(ctx))
		b.pin(n.Pid(), n != nodes[0])
	}
	owner := nodes[0]
	time.Sleep(5 * time.Second)
	b.rss("idle node MB", "VmRSS", owner)
	for _, n := range nodes[1:] {
		b.must(lab.Introduce(ctx, owner, n))
		b.must(lab.Pact(ctx, owner, n, "20GB"))
	}
	_, err = owner.Run(ctx, "vault", "create", "files")
	b.must(err)
	vars, err := owner.Env(ctx, "files")
	b.must(err)
	env := append(vars, "RESTIC_CACHE_DIR="+filepath.Join(b.dir, fmt.Sprintf("cache-e-%d", round)))
	b.saveAndRestore("entrechat", env, round)
	b.rss("front peak MB", "VmHWM", owner)
	b.rss("member peak MB", "VmHWM", nodes[1])
	nodes[2].Kill()
	nodes[5].Kill()
	b.restore("entrechat restore, 2 dead", env, round == 0 && !b.apart)
}

var kilobytes = regexp.MustCompile(`(VmRSS|VmHWM):\s+(\d+) kB`)

func (b *bench) rss(name, which string, n *lab.Node) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", n.Pid()))
	b.must(err)
	for _, m := range kilobytes.FindAllStringSubmatch(string(text), -1) {
		if m[1] == which {
			var kb float64
			_, err = fmt.Sscan(m[2], &kb)
			b.must(err)
			mb := kb * 1024 / 1e6
			b.figures[name] = append(b.figures[name], mb)
			b.t.Logf("%-28s %6.1f MB", name, mb)
		}
	}
}

func (b *bench) median(name string) float64 {
	all := slices.Clone(b.figures[name])
	slices.Sort(all)
	return all[len(all)/2]
}

func (b *bench) spread(name string) string {
	all := slices.Clone(b.figures[name])
	slices.Sort(all)
	return fmt.Sprintf("%.1f [%.1f-%.1f]", all[len(all)/2], all[0], all[len(all)-1])
}

// write puts the figures into docs/benchmarks.md between its marks.
func (b *bench) write() {
	var out strings.Builder
	ratio := func(name, peer string) string { return fmt.Sprintf("%.2f", b.median(name)/b.median(peer)) }
	fmt.Fprintf(&out, "Measured %s, %d rounds in turn, medians [least-most], seconds of wall time; %d files, %.1f GB; restic %s, rest-server %s.\n\n",
		time.Now().UTC().Format("2006-01-02"), rounds, len(b.want), treeBytes/1e9, lab.Restic().Version, lab.RestServer().Version)
	out.WriteString("| step | rest-server | entrechat, 4-of-6 | ratio | goal |\n|---|---|---|---|---|\n")
	fmt.Fprintf(&out, "| first backup | %s | %s | %s | <= 1.15 |\n", b.spread("rest-server backup"), b.spread("entrechat backup"), ratio("entrechat backup", "rest-server backup"))
	fmt.Fprintf(&out, "| restore, all up | %s | %s | %s | <= 1.15 |\n", b.spread("rest-server restore"), b.spread("entrechat restore"), ratio("entrechat restore", "rest-server restore"))
	fmt.Fprintf(&out, "| restore, 2 of 6 members dead | | %s | %s | <= 1.3 |\n\n", b.spread("entrechat restore, 2 dead"), ratio("entrechat restore, 2 dead", "rest-server restore"))
	out.WriteString("| memory (resident), MB | measured | goal |\n|---|---|---|\n")
	fmt.Fprintf(&out, "| idle node | %s | <= 40 |\n| owner's node, peak | %s | |\n| one member, peak | %s | |\n| both together | %.1f | <= 128 |\n",
		b.spread("idle node MB"), b.spread("front peak MB"), b.spread("member peak MB"), b.median("front peak MB")+b.median("member peak MB"))
	mark := "backup"
	if b.apart {
		mark = "backup, members apart"
	}
	b.between(mark, out.String())
}
