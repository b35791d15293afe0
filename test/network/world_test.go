//go:build linux && long

package network

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"entrechat/internal/app/lab"
)

const (
	count    = 7
	letters  = "abcdefg"
	port     = ":7480"
	tools    = "127.0.0.1:7481"
	mailHost = "10.77.0.1"
	mailPort = "2525"
	// slowness is how much longer than on an idle machine anything may take here.
	slowness = 3
	// every is the time between two looks of all voters.
	every = 10 * time.Second
)

// world is seven hosters around one router, the hub: the network namespace that the test
// itself runs in. place 1 to 7 are the hosters, 8 is where a service stands alone.
type world struct {
	ctx   context.Context
	dir   string
	nodes []*lab.Node
	mail  *lab.Mailbox
	roots sync.Map // root keys, by the name of a node
}

const alone = count + 1

// at is the address of a place, on its side of the link.
func at(place int) string { return fmt.Sprintf("10.77.%d.2", place) }

// space names the network namespace of a place.
func space(place int) string { return fmt.Sprintf("n%d", place) }

// within are the words that run a program at a place.
func within(place int) []string { return []string{"nsenter", "--net=/run/netns/" + space(place), "--"} }

// newWorld makes the network and the hosters; all of them know one another, and look at one
// another's services.
func newWorld(t *testing.T) *world {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Minute)
	t.Cleanup(cancel)
	w := &world{ctx: ctx, dir: t.TempDir()}
	w.network(t)
	var err error
	w.mail, err = lab.MailboxAt(mailHost + ":" + mailPort)
	must(t, err)
	t.Cleanup(func() { must(t, w.mail.Close()) })
	for i := range count {
		name := "chaton-" + letters[i:i+1] + ".test"
		w.nodes = append(w.nodes, &lab.Node{
			Name: name, Dir: filepath.Join(w.dir, name), Public: at(i+1) + port, Tools: tools, Program: os.Getenv(programEnv),
			Within: within(i + 1), Health: "http://" + at(i+1) + port + "/.well-known/entrechat.json",
		})
	}
	t.Cleanup(func() { w.end(t) })
	w.each(t, w.nodes, func(n *lab.Node) error {
		var made struct {
			Root string `json:"root"`
		}
		if err := n.RunJSON(w.ctx, &made, append([]string{"init", "--seed-out", n.SeedFile()}, n.Place()...)...); err != nil {
			return err
		}
		w.roots.Store(n.Name, made.Root)
		if err := setting(n, map[string]string{"smtp_host": "'" + mailHost + "'", "smtp_port": mailPort, "smtp_tls": "'none'", "smtp_from": "'watch@" + n.Name + "'"}); err != nil {
			return err
		}
		return n.Up(w.ctx)
	})
	return w
}

// network makes a namespace for each place, with one link to the hub.
func (w *world) network(t *testing.T) {
	t.Helper()
	// Nothing that is mounted here is seen outside.
	must(t, syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""))
	must(t, syscall.Mount("tmpfs", "/run", "tmpfs", 0, ""))
	ip(t, "link set lo up")
	ip(t, "addr add "+mailHost+"/32 dev lo")
	// Cuts stand before what is local, so that they hold for the mailbox too.
	ip(t, "rule add pref 100 lookup local")
	ip(t, "rule del pref 0 lookup local")
	must(t, os.WriteFile("/proc/sys/net/ipv4/ip_forward", []byte("1"), 0o600))
	for place := 1; place <= alone; place++ {
		ns := space(place)
		ip(t, "netns add "+ns)
		ip(t, "link add to-"+ns+" type veth peer name eth0 netns "+ns)
		ip(t, fmt.Sprintf("addr add 10.77.%d.1/24 dev to-%s", place, ns))
		ip(t, "link set to-"+ns+" up")
		ip(t, "-n "+ns+" link set lo up")
		ip(t, "-n "+ns+" addr add "+at(place)+"/24 dev eth0")
		ip(t, "-n "+ns+" link set eth0 up")
		ip(t, fmt.Sprintf("-n %s route add default via 10.77.%d.1", ns, place))
	}
}

// ip runs the program of that name.
func ip(t *testing.T, words string) {
	t.Helper()
	if out, err := exec.Command(ipProgram(), strings.Fields(words)...).CombinedOutput(); err != nil {
		t.Fatalf("ip %s (it is in the package iproute2): %v\n%s", words, err, out)
	}
}

// ipProgram is in /sbin, which is not in everybody's PATH.
func ipProgram() string {
	if path, err := exec.LookPath("ip"); err == nil {
		return path
	}
	return "/sbin/ip"
}

// cut has nothing pass between two addresses, in either direction, and nobody told.
func cut(t *testing.T, a, b string) {
	t.Helper()
	ip(t, "rule add pref 10 from "+a+" to "+b+" blackhole")
	ip(t, "rule add pref 10 from "+b+" to "+a+" blackhole")
}

// mend ends every cut.
func mend(t *testing.T) {
	t.Helper()
	for exec.Command(ipProgram(), "rule", "del", "pref", "10").Run() == nil { // until there is none
	}
}

// setting changes lines of a node's configuration.
func setting(n *lab.Node, lines map[string]string) error {
	path := filepath.Join(n.Data(), "entrechat.toml")
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	for key, value := range lines {
		line := regexp.MustCompile(`(?m)^` + key + ` = .*$`)
		if !line.Match(text) {
			return fmt.Errorf("entrechat.toml has no %s", key)
		}
		text = line.ReplaceAll(text, []byte(key+" = "+value))
	}
	return os.WriteFile(path, text, 0o600)
}

// end stops the nodes, and prints what they said when something failed.
func (w *world) end(t *testing.T) {
	for _, n := range w.nodes {
		n.Kill()
		if !t.Failed() {
			continue
		}
		text, err := os.ReadFile(filepath.Join(w.dir, n.Name+".log"))
		if err == nil {
			t.Logf("%s said last:\n%s", n.Name, text[max(0, len(text)-4000):])
		}
	}
}

// befriend has all meet, and promise to look at one another's services: in each round of a
// tournament every hoster has one partner.
func (w *world) befriend(t *testing.T) {
	t.Helper()
	begun := time.Now()
	for round := range count {
		var hosts []*lab.Node
		guest := map[*lab.Node]*lab.Node{}
		for i := range w.nodes {
			j := (round - i + count) % count
			if i < j {
				hosts, guest[w.nodes[i]] = append(hosts, w.nodes[i]), w.nodes[j]
			}
		}
		w.each(t, hosts, func(n *lab.Node) error {
			if err := lab.Introduce(w.ctx, n, guest[n]); err != nil {
				return err
			}
			return lab.Promise(w.ctx, n, guest[n], "--watch", every.String())
		})
	}
	t.Logf("%d pacts after %.0f s", count*(count-1)/2, time.Since(begun).Seconds())
}

// each does the same for several nodes at once.
func (w *world) each(t *testing.T, nodes []*lab.Node, do func(*lab.Node) error) {
	t.Helper()
	failed := make(chan error, len(nodes))
	for _, n := range nodes {
		go func() { failed <- do(n) }()
	}
	for range nodes {
		if err := <-failed; err != nil {
			t.Error(err)
		}
	}
	if t.Failed() {
		t.FailNow()
	}
}

// eventually asks until the answer is yes; no is what to say of the last one. limit is that
// of an idle machine. It answers how long it took.
func (w *world) eventually(t *testing.T, what string, limit time.Duration, ask func() (ok bool, no string)) time.Duration {
	t.Helper()
	begun := time.Now()
	for {
		ok, no := ask()
		took := time.Since(begun)
		if ok {
			t.Logf("%s after %.1f s", what, took.Seconds())
			return took
		}
		if took > slowness*limit || w.ctx.Err() != nil {
			t.Fatalf("not %s after %.0f s: %s", what, took.Seconds(), no)
		}
		w.pause(500 * time.Millisecond)
	}
}

// pause waits, but not beyond the test's end.
func (w *world) pause(d time.Duration) {
	select {
	case <-time.After(d):
	case <-w.ctx.Done():
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
