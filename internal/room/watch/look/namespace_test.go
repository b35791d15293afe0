//go:build linux

package look

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"entrechat/internal/room/watch/target"
)

// TestNamespace looks with the guard in place: in a network namespace of its own, where
// addresses of the public internet lie on loopback. It runs itself again in there, which
// needs no rights.
func TestNamespace(t *testing.T) {
	if os.Getenv("LOOK_NAMESPACE") == "" {
		inNamespace(t)
		return
	}
	for _, line := range []string{
		"link set lo up",
		"route add local 203.0.114.0/24 dev lo", // 203.0.113.0/24 would be special
		"route add local 2a00:beef::/32 dev lo",
		"addr add 203.0.115.7/32 dev lo", // this machine's own
	} {
		if out, err := exec.Command(ipProgram(), strings.Fields(line)...).CombinedOutput(); err != nil {
			t.Fatalf("ip %s: %v\n%s", line, err, out)
		}
	}
	must(t, os.WriteFile("/proc/sys/net/ipv6/ip_nonlocal_bind", []byte("1"), 0o600))
	w := newWorld(t)
	t.Run("families", w.families)
	t.Run("inward", w.inward)
	t.Run("rebinding", w.rebinding)
	t.Run("our own", w.ourOwn)
	t.Run("resolver", w.resolver)
	t.Run("detect", w.detect)
	t.Run("echo", w.echo)
	if n := w.victim.Load(); n != 0 {
		t.Errorf("the victim on loopback was called %d times", n)
	}
}

func inNamespace(t *testing.T) {
	c := exec.CommandContext(t.Context(), "/proc/self/exe", "-test.run=^TestNamespace$", "-test.v", "-test.timeout=60s")
	c.Env = append(os.Environ(), "LOOK_NAMESPACE=1")
	c.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNET,
		UidMappings: []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}},
		Pdeathsig:   syscall.SIGKILL,
	}
	if out, err := c.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// world is the namespace: names, a web server on a public address that redirects wherever
// it is asked to, and a victim on loopback.
type world struct {
	names  *names
	victim atomic.Int64
}

func newWorld(t *testing.T) *world {
	w := &world{names: newNames(t)}
	w.listen(t, "127.0.0.1:8080", func(c net.Conn) { w.victim.Add(1); c.Close() })
	w.listen(t, "[::1]:8080", func(c net.Conn) { w.victim.Add(1); c.Close() })
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(rw http.ResponseWriter, _ *http.Request) { _, _ = rw.Write([]byte("a page")) })
	mux.HandleFunc("/to", func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("Location", r.URL.Query().Get("a"))
		rw.WriteHeader(http.StatusFound)
	})
	for _, at := range []string{"203.0.114.1:80", "[2a00:beef::1]:80", "203.0.114.1:81", "[2a00:beef::1]:82"} {
		l, err := net.Listen("tcp", at)
		must(t, err)
		s := &http.Server{Handler: mux, ReadHeaderTimeout: time.Minute}
		t.Cleanup(func() { s.Close() })
		go func() { _ = s.Serve(l) }()
	}
	return w
}

func (w *world) listen(t *testing.T, at string, then func(net.Conn)) {
	l, err := net.Listen("tcp", at)
	must(t, err)
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			then(c)
		}
	}()
}

// looker has the guard on.
func (w *world) looker(six bool, change ...func(*Needs)) *Looker {
	n := Needs{Self: "chaton-z.test", Now: time.Now, Resolver: w.names.resolver()}
	for _, c := range change {
		c(&n)
	}
	l := New(n)
	l.pause, l.six = 20*time.Millisecond, func() bool { return six }
	return l
}

// families: what one family does and the other does not.
func (w *world) families(t *testing.T) {
	w.names.set("pad.chaton-a.test", "203.0.114.1", "2a00:beef::1")
	w.names.set("four.chaton-a.test", "203.0.114.1")
	w.names.set("six.chaton-a.test", "2a00:beef::1")
	w.names.set("away.chaton-a.test", "203.0.114.1", "2a00:dead::1") // no way to its IPv6
	w.names.set("lost.chaton-a.test", "2a00:dead::1")
	w.names.set("moved.chaton-a.test", "203.0.114.9", "203.0.114.1") // nobody at the first
	w.listen(t, "[2a00:beef::1]:83", func(c net.Conn) { go func() { <-t.Context().Done(); c.Close() }() })
	w.listen(t, "203.0.114.1:83", func(c net.Conn) { _, _ = c.Write([]byte("hello\n")); c.Close() })
	for name, c := range map[string]struct {
		address, text string
		six           bool
		want, half    Class
		family        int
	}{
		"both, four first":       {"pad.chaton-a.test:80", "", false, Fine, "", 4},
		"both, six first":        {"pad.chaton-a.test:80", "", true, Fine, "", 6},
		"only four":              {"four.chaton-a.test:80", "", true, Fine, "", 4},
		"only six":               {"six.chaton-a.test:80", "", false, Fine, "", 6},
		"six refuses":            {"pad.chaton-a.test:81", "", true, Fine, Refused, 4},
		"six refuses, not seen":  {"pad.chaton-a.test:81", "", false, Fine, "", 4},
		"four refuses":           {"pad.chaton-a.test:82", "", false, Fine, Refused, 6},
		"both refuse":            {"pad.chaton-a.test:84", "", true, Refused, "", 4},
		"six hangs":              {"pad.chaton-a.test:83", "hello", true, Fine, Timeout, 4},
		"no way to six":          {"away.chaton-a.test:80", "", true, Fine, "", 4},
		"six is all, and no way": {"lost.chaton-a.test:80", "", true, Unfit, "", 6},
		"another address":        {"moved.chaton-a.test:80", "", false, Fine, "", 4},
		"nothing of that name":   {"none.chaton-a.test:80", "", false, DNS, "", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
			defer cancel()
			r := w.looker(c.six).Look(ctx, target.Target{Owner: "chaton-a.test", Kind: target.TCP, Address: c.address, Expect: target.Expect{Text: c.text}})
			if r.Class != c.want || r.Half != c.half || r.Family != c.family {
				t.Errorf("%+v", r)
			}
		})
	}
}

// inward: where a redirect leads, nobody on loopback is called.
func (w *world) inward(t *testing.T) {
	w.names.set("pad.chaton-a.test", "203.0.114.1")
	w.names.set("wiki.chaton-a.test", "203.0.114.1")
	w.names.set("inward.chaton-a.test", "127.0.0.1", "::1")
	w.names.set("chaton-b.test", "203.0.114.1")
	l := w.looker(false)
	for to, want := range map[string]Class{
		"http://wiki.chaton-a.test/":                       Fine,
		"/page":                                            Fine,
		"http://chaton-b.test/":                            Fine, // not followed: it answers, elsewhere
		"http://chaton-b.test:8080/":                       Fine,
		"http://inward.chaton-a.test:8080/":                Blocked,
		"http://127.0.0.1:8080/":                           Blocked,
		"http://[::1]:8080/":                               Blocked,
		"http://[::ffff:127.0.0.1]:8080/":                  Blocked,
		"http://[::ffff:7f00:1]:8080/":                     Blocked,
		"http://169.254.169.254/latest/meta-data/":         Blocked,
		"//127.0.0.1:8080/":                                Blocked,
		"http://0x7f.1:8080/":                              Fine, // as other domains
		"http://2130706433:8080/":                          Fine,
		"http://127.1:8080/":                               Fine,
		"http://localhost:8080/":                           Fine,
		"http://pad.chaton-a.test@127.0.0.1:8080/":         Blocked,
		"http://u:p@wiki.chaton-a.test/":                   Blocked,
		"http://wiki.chaton-a.test:22/":                    Blocked,
		"http://wiki.chaton-a.test:25/":                    Blocked,
		"http://wiki.chaton-a.test:0/":                     Blocked,
		"http://wiki.chaton-a.test:99999/":                 Blocked,
		"file:///etc/passwd":                               Blocked,
		"gopher://wiki.chaton-a.test/":                     Blocked,
		"javascript:alert(1)":                              Blocked,
		"http://":                                          Content,
		"http://inward.chaton-a.test:8080#@chaton-a.test/": Blocked,
		"http://inward.chaton-a.test.:8080/":               Blocked,
		"http://INWARD.chaton-a.test:8080/":                Blocked,
		"%zz":                                              Content,
	} {
		t.Run(strings.ReplaceAll(to, "/", "_"), func(t *testing.T) {
			t.Parallel()
			u := "http://pad.chaton-a.test/to?a=" + strings.NewReplacer("%", "%25", "#", "%23", "&", "%26").Replace(to)
			if r := l.Look(t.Context(), target.Target{Owner: "chaton-a.test", Kind: target.HTTP, Address: u}); r.Class != want {
				t.Errorf("%q (%s), not %q", r.Class, r.Detail, want)
			}
		})
	}
}

// rebinding: a name that answers well first and leads inward then, in one look and in the
// next.
func (w *world) rebinding(t *testing.T) {
	l := w.looker(false)
	for name, kinds := range map[string]target.Kind{"http://%s:8080/": target.HTTP, "%s:8080": target.TCP, "ws://%s:8080/": target.WebSocket, "http://%[1]s/to?a=http://%[1]s:8080/": target.HTTP} {
		w.names.turn("rebind.chaton-a.test", "203.0.114.1", "127.0.0.1")
		for range 4 {
			r := l.Look(t.Context(), target.Target{Owner: "chaton-a.test", Kind: kinds, Address: fmt.Sprintf(name, "rebind.chaton-a.test")})
			if r.Class == Fine {
				t.Errorf("%s: %+v", name, r)
			}
		}
	}
	w.names.set("mixed.chaton-a.test", "203.0.114.1", "127.0.0.1", "::1")
	for range 6 {
		l.Look(t.Context(), target.Target{Owner: "chaton-a.test", Kind: target.TCP, Address: "mixed.chaton-a.test:8080"})
	}
}

// resolver: a zone that is broken is the target's trouble, a resolver that is down ours.
func (w *world) resolver(t *testing.T) {
	w.names.fail("broken.chaton-a.test")
	look := func(change func(*Needs), host string) Result {
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		return w.looker(false, change).Look(ctx, target.Target{Owner: "chaton-a.test", Kind: target.TCP, Address: host + ":80"})
	}
	if r := look(func(*Needs) {}, "broken.chaton-a.test"); r.Class != DNS {
		t.Errorf("a broken zone: %+v", r)
	}
	gone := &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp", "127.0.0.1:9")
	}}
	for _, host := range []string{"broken.chaton-a.test", "pad.chaton-a.test"} {
		if r := look(func(n *Needs) { n.Resolver = gone }, host); r.Class != Unfit {
			t.Errorf("no resolver: %+v", r)
		}
	}
}

// ourOwn: our addresses are called for our targets, and for nobody else's.
func (w *world) ourOwn(t *testing.T) {
	w.listen(t, "203.0.115.7:80", func(c net.Conn) { _, _ = c.Write([]byte("hello\n")); c.Close() })
	hairpin := w.looker(false, func(n *Needs) { n.OwnPrefixes = []netip.Prefix{netip.MustParsePrefix("203.0.114.0/24")} })
	for name, c := range map[string]struct {
		l       *Looker
		t       target.Target
		blocked bool
	}{
		"an address of this machine":      {w.looker(false), target.Target{Owner: "chaton-a.test", Address: "203.0.115.7:80"}, true},
		"the same for us":                 {w.looker(false), target.Target{Owner: "chaton-z.test", Address: "203.0.115.7:80"}, false},
		"an address that leads back here": {hairpin, target.Target{Owner: "chaton-a.test", Address: "203.0.114.1:80"}, true},
		"that one for us":                 {hairpin, target.Target{Owner: "chaton-z.test", Address: "203.0.114.1:80"}, false},
		"another":                         {w.looker(false), target.Target{Owner: "chaton-a.test", Address: "203.0.114.1:80"}, false},
		"loopback, local says a stranger": {w.looker(false), target.Target{Owner: "chaton-a.test", Local: true, Address: "127.0.0.1:8080"}, true},
	} {
		c.t.Kind = target.TCP
		if r := c.l.Look(t.Context(), c.t); (r.Class == Blocked) != c.blocked {
			t.Errorf("%s: %+v", name, r)
		}
	}
}

// echo needs the system's leave; without it nobody is to blame.
func (w *world) echo(t *testing.T) {
	l := w.looker(false)
	look := func(address string) Result {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		return l.Look(ctx, target.Target{Owner: "chaton-a.test", Kind: target.ICMP, Address: address})
	}
	if r := look("203.0.114.1"); r.Class != Unfit || !strings.Contains(r.Detail, "ping_group_range") {
		t.Errorf("without leave: %+v", r)
	}
	must(t, os.WriteFile("/proc/sys/net/ipv4/ping_group_range", []byte("0 0"), 0o600))
	for address, want := range map[string]Class{"203.0.114.1": Fine, "2a00:beef::1": Fine, "pad.chaton-a.test": Fine, "127.0.0.1": Blocked, "inward.chaton-a.test": Blocked} {
		if r := look(address); r.Class != want {
			t.Errorf("%s: %+v", address, r)
		}
	}
}

// names answers for names: the system's resolver asks it over UDP.
type names struct {
	c net.PacketConn

	mu    sync.Mutex
	known map[string][]netip.Addr
	turns map[string][]netip.Addr // one address an answer, the last for ever
	mail  map[string]string       // MX of a domain
	bad   map[string]bool         // answered with SERVFAIL
}

func newNames(t *testing.T) *names {
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	must(t, err)
	t.Cleanup(func() { c.Close() })
	n := &names{c: c, known: map[string][]netip.Addr{}, turns: map[string][]netip.Addr{}, mail: map[string]string{}, bad: map[string]bool{}}
	go n.serve()
	return n
}

func (n *names) resolver() *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp", n.c.LocalAddr().String())
	}}
}

func (n *names) set(name string, ips ...string)  { n.put(n.known, name, ips) }
func (n *names) turn(name string, ips ...string) { n.put(n.turns, name, ips) }

func (n *names) put(in map[string][]netip.Addr, name string, ips []string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	in[name] = nil
	for _, ip := range ips {
		in[name] = append(in[name], netip.MustParseAddr(ip))
	}
}

func (n *names) fail(name string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.bad[name] = true
}

func (n *names) serve() {
	buf := make([]byte, 1500)
	for {
		size, from, err := n.c.ReadFrom(buf)
		if err != nil {
			return
		}
		var m dnsmessage.Message
		if m.Unpack(buf[:size]) != nil || len(m.Questions) != 1 {
			continue
		}
		m.Response, m.Authoritative, m.RecursionAvailable, m.Additionals = true, true, true, nil
		n.answer(&m)
		if out, err := m.Pack(); err == nil {
			_, _ = n.c.WriteTo(out, from)
		}
	}
}

func (n *names) answer(m *dnsmessage.Message) {
	n.mu.Lock()
	defer n.mu.Unlock()
	q := m.Questions[0]
	name := strings.ToLower(strings.TrimSuffix(q.Name.String(), "."))
	ips, ok := n.known[name]
	if list, turning := n.turns[name]; turning {
		ips, ok = list[:1], true
		if q.Type == dnsmessage.TypeA && len(list) > 1 {
			n.turns[name] = list[1:]
		}
	}
	if n.bad[name] {
		m.RCode = dnsmessage.RCodeServerFailure
		return
	}
	if !ok {
		m.RCode = dnsmessage.RCodeNameError
		return
	}
	if mx := n.mail[name]; mx != "" && q.Type == dnsmessage.TypeMX {
		m.Answers = append(m.Answers, dnsmessage.Resource{
			Header: dnsmessage.ResourceHeader{Name: q.Name, Class: dnsmessage.ClassINET},
			Body:   &dnsmessage.MXResource{Pref: 10, MX: dnsmessage.MustNewName(mx + ".")},
		})
	}
	for _, ip := range ips {
		h := dnsmessage.ResourceHeader{Name: q.Name, Class: dnsmessage.ClassINET}
		switch {
		case ip.Is4() && q.Type == dnsmessage.TypeA:
			m.Answers = append(m.Answers, dnsmessage.Resource{Header: h, Body: &dnsmessage.AResource{A: ip.As4()}})
		case ip.Is6() && q.Type == dnsmessage.TypeAAAA:
			m.Answers = append(m.Answers, dnsmessage.Resource{Header: h, Body: &dnsmessage.AAAAResource{AAAA: ip.As16()}})
		}
	}
}

// ipProgram stands in /sbin, which not everybody's PATH has.
func ipProgram() string {
	if path, err := exec.LookPath("ip"); err == nil {
		return path
	}
	return "/sbin/ip"
}
