package lab

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// Node is one hoster: a data directory and, while it lives, a process.
type Node struct {
	Name    string // origin, chaton-a.test
	Dir     string // its whole disk
	Public  string // host:port it listens on for others
	Front   string // host:port others reach instead, a proxy's; empty = Public
	Tools   string // host:port of the restic front
	Program string // the entrechat binary
	// Within are the words that stand before the program, as to run it in a network of its
	// own; empty = none. The program must take the place of what they start.
	Within []string
	// Health is asked until it answers 200; empty = healthz on Tools.
	Health  string
	process *exec.Cmd
	dead    chan struct{}
	ports   *Ports // held as long as anybody has the node
	log     *os.File
}

// Found names count hosters with free ports and disks under dir; nothing is
// started or written yet.
func Found(dir, program string, count int) ([]*Node, error) {
	ports, err := ReservePorts(2 * count)
	if err != nil {
		return nil, err
	}
	var nodes []*Node
	for i := range count {
		name := fmt.Sprintf("chaton-%c.test", 'a'+i)
		nodes = append(nodes, &Node{
			Name: name, Dir: filepath.Join(dir, name), Public: ports.Addresses[2*i], Tools: ports.Addresses[2*i+1], Program: program, ports: ports,
		})
	}
	return nodes, nil
}

// Data is the node's data directory.
func (n *Node) Data() string { return filepath.Join(n.Dir, "data") }

// URL is where the others reach it.
func (n *Node) URL() string {
	if n.Front != "" {
		return "http://" + n.Front
	}
	return "http://" + n.Public
}

// SeedFile is where its seed words lie: beside its disk, never on it.
func (n *Node) SeedFile() string { return n.Dir + ".seed" }

// Place are the flags of init and recover that say where the node listens.
func (n *Node) Place() []string {
	return []string{
		"--origin", n.Name, "--url", n.URL(), "--listen", n.Public, "--tools-listen", n.Tools, "--allow-private",
	}
}

// Init makes the node; its seed words go to SeedFile.
func (n *Node) Init(ctx context.Context) error {
	_, err := n.Run(ctx, append([]string{"init", "--seed-out", n.SeedFile()}, n.Place()...)...)
	return err
}

// Configure changes settings of entrechat.toml by their names, each of which must stand in
// one section alone; values are TOML. It counts from the next start.
func (n *Node) Configure(values map[string]string) error {
	file := filepath.Join(n.Data(), "entrechat.toml")
	text, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("read the settings of %s: %w", n.Name, err)
	}
	lines, found := strings.Split(string(text), "\n"), 0
	for i, line := range lines {
		name, _, set := strings.Cut(line, " = ")
		if value, wanted := values[name]; set && wanted {
			lines[i], found = name+" = "+value, found+1
		}
	}
	if found != len(values) {
		return fmt.Errorf("%s: %d of %d settings stand in %s", n.Name, found, len(values), file)
	}
	return os.WriteFile(file, []byte(strings.Join(lines, "\n")), 0o600) //nolint:gosec // the node's own folder
}

// Meet adds two hosters to each other by an invite link.
func Meet(ctx context.Context, host, guest *Node) error {
	var invite struct {
		Link string `json:"link"`
	}
	if err := host.RunJSON(ctx, &invite, "invite"); err != nil {
		return err
	}
	_, err := guest.Run(ctx, "member", "add", invite.Link)
	return err
}

// Introduce is Meet, and lets them vouch.
func Introduce(ctx context.Context, host, guest *Node) error {
	if err := Meet(ctx, host, guest); err != nil {
		return err
	}
	if _, err := guest.Run(ctx, "member", "vouch", host.Name); err != nil {
		return err
	}
	_, err := host.Run(ctx, "member", "vouch", guest.Name)
	return err
}

// Pact has asker propose that both keep size of each other's backups, and keeper
// accept. Both must be up.
func Pact(ctx context.Context, asker, keeper *Node, size string) error {
	return Promise(ctx, asker, keeper, "--ask-store", size, "--give-store", size)
}

// Promise has asker propose a pact with these flags, and the other accept. Both must be up.
func Promise(ctx context.Context, asker, other *Node, flags ...string) error {
	var pact struct {
		ID string `json:"id"`
	}
	words := append([]string{"pact", "propose", other.Name, "--place", "Ville " + asker.Name}, flags...)
	if err := asker.RunJSON(ctx, &pact, words...); err != nil {
		return err
	}
	_, err := other.Run(ctx, "pact", "accept", pact.ID, "--yes", "--place", "Ville "+other.Name)
	return err
}

// RunJSON is Run with --json, its answer read into a value.
func (n *Node) RunJSON(ctx context.Context, into any, words ...string) error {
	out, err := n.Run(ctx, append(words, "--json")...)
	if err != nil {
		return err
	}
	if err := json.Unmarshal([]byte(out), into); err != nil {
		return fmt.Errorf("%s: read what entrechat %s answered: %w", n.Name, words[0], err)
	}
	return nil
}

// Alive says whether the process runs.
func (n *Node) Alive() bool {
	if n.process == nil {
		return false
	}
	select {
	case <-n.dead:
		return false
	default:
		return true
	}
}

// Pid is the process id of a node that was started, otherwise zero.
func (n *Node) Pid() int {
	if n.process == nil {
		return 0
	}
	return n.process.Process.Pid
}

// Run executes one entrechat command as this hoster would and returns what it
// printed.
func (n *Node) Run(ctx context.Context, args ...string) (string, error) {
	words := n.words(args...)
	cmd := exec.CommandContext(ctx, words[0], words[1:]...) //nolint:gosec // this binary, fixed words
	cmd.Env = n.env()
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		return out.String(), fmt.Errorf("%s: entrechat %s: %w\n%s", n.Name, strings.Join(args, " "), err, errs.String())
	}
	return out.String(), nil
}

// words are a command line of this node.
func (n *Node) words(args ...string) []string {
	return append(append(slices.Clone(n.Within), n.Program), args...)
}

func (n *Node) env() []string {
	return append(os.Environ(), "ENTRECHAT_DATA="+n.Data(), "ENTRECHAT_LANG=en")
}

// Up starts the node and waits until it answers that it is healthy.
func (n *Node) Up(ctx context.Context) error {
	logFile, err := os.OpenFile(filepath.Join(filepath.Dir(n.Dir), n.Name+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	// The process outlives the context of this call on purpose: Stop ends it.
	words := n.words("up")
	cmd := exec.Command(words[0], words[1:]...) //nolint:gosec,noctx // this binary; see above
	cmd.Env = n.env()
	cmd.Stdout, cmd.Stderr = logFile, logFile
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	endWithParent(cmd.SysProcAttr)
	if err := cmd.Start(); err != nil {
		return errors.Join(err, logFile.Close())
	}
	n.process, n.log, n.dead = cmd, logFile, make(chan struct{})
	go func() {
		_ = cmd.Wait()
		close(n.dead)
	}()
	return n.awaitHealth(ctx)
}

func (n *Node) awaitHealth(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute) // one of many, on a machine that does other things
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, cmp.Or(n.Health, "http://"+n.Tools+"/healthz"), nil)
		if err != nil {
			return err
		}
		if res, err := http.DefaultClient.Do(req); err == nil {
			_ = res.Body.Close()
			if res.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-n.dead:
			return fmt.Errorf("%s ended at once:\n%s", n.Name, n.lastWords())
		case <-ctx.Done():
			return fmt.Errorf("%s did not get healthy in two minutes:\n%s", n.Name, n.lastWords())
		case <-tick.C:
		}
	}
}

// lastWords are the last lines of the node's log.
func (n *Node) lastWords() string {
	text, err := os.ReadFile(n.log.Name())
	if err != nil {
		return err.Error()
	}
	return string(text[max(0, len(text)-8000):])
}

// Kill ends the process the hard way, as a power cut would.
func (n *Node) Kill() { n.signal(syscall.SIGKILL) }

// Stop asks the node to end and insists after a minute.
func (n *Node) Stop() {
	n.signal(syscall.SIGTERM)
	if n.process == nil {
		return
	}
	select {
	case <-n.dead:
	case <-time.After(time.Minute):
		n.Kill()
	}
}

func (n *Node) signal(sig syscall.Signal) {
	if n.process == nil {
		return
	}
	_ = n.process.Process.Signal(sig)
	if sig == syscall.SIGKILL {
		<-n.dead
	}
}

// Env are the variables that `vault env` prints for a shell.
func (n *Node) Env(ctx context.Context, vault string, flags ...string) ([]string, error) {
	out, err := n.Run(ctx, append([]string{"vault", "env", vault}, flags...)...)
	if err != nil {
		return nil, err
	}
	var env []string
	for line := range strings.Lines(out) {
		if assign, ok := strings.CutPrefix(strings.TrimSpace(line), "export "); ok {
			name, value, _ := strings.Cut(assign, "=")
			env = append(env, name+"="+strings.Trim(value, `'"`))
		}
	}
	return env, nil
}
