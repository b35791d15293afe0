package crash

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"entrechat/internal/app/lab"
	"entrechat/internal/core"
	"entrechat/internal/kit/peer"
	"entrechat/internal/kit/seal"
)

// maxMemory is what a node may take at its worst, in bytes.
const maxMemory = 256_000_000

// attack is something a stranger sends, many times at once.
type attack struct {
	name string
	at   string // host:port
	send func(io.Writer) error
	want string // what the answer must match; empty = any, or a closed connection
}

// Whatever strangers send, to either listener, is answered with a fixed error or a
// closed door: no panic, no secret, bounded memory, and the node goes on.
func TestStrangers(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 3, 5*time.Minute)
	w.found(func(*lab.Node) {})
	w.agree()
	w.must(lab.WriteMix(w.data, 3_000_000, w.rng.Uint64()))
	w.open()
	snapshot := w.backup()
	n := w.owner()
	for _, a := range w.attacks(n) {
		begun := time.Now()
		for range 3 {
			w.together(40, func() error { return a.run(w.ctx) }, a.name)
		}
		if took := time.Since(begun); took > slowness*45*time.Second {
			t.Errorf("%s took %s", a.name, took)
		}
		w.serves(n, a.name)
	}
	w.unknownMember(n)
	w.drip(n)
	w.serves(n, "everything")
	w.restoresTo(snapshot, w.tree())
	w.verifyLogs()
	t.Logf("the node has had %d MB at most", w.peak(n)/1_000_000)
	log, err := os.ReadFile(filepath.Join(w.dir, n.Name+".log"))
	w.must(err)
	if strings.Contains(string(log), "panic") {
		t.Errorf("the node panicked:\n%s", tail(string(log)))
	}
}

func (w *world) attacks(n *lab.Node) []attack {
	const post = "POST %s HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
	hello, keySet, front := "/ec/v1/trust/hello", "/ec/v1/keyset", w.frontPath()
	deep := strings.Repeat("[", 1_000_000)
	closed := `^$|^HTTP/1\.1 4\d\d`
	all := []attack{
		{"deep JSON, hello", n.Public, text(post+"%s", hello, len(deep), deep), `^HTTP/1\.1 4\d\d`},
		{"deep JSON, key set", n.Public, text(post+"%s", keySet, len(deep), deep), `^HTTP/1\.1 4\d\d`},
		{"small deep JSON", n.Public, text(post+"%s", keySet, 60_000, deep[:60_000]), `^HTTP/1\.1 4\d\d`},
		{"wrong token", n.Tools, text("GET %s HTTP/1.1\r\nHost: x\r\n\r\n", strings.Replace(front, "files", "files2", 1)), `^HTTP/1\.1 4\d\d`},
		{"wrong type", n.Tools, text("GET %s../secrets HTTP/1.1\r\nHost: x\r\n\r\n", front), `^HTTP/1\.1 [34]\d\d`},
		{"wrong name", n.Tools, text("POST %sdata/%064d HTTP/1.1\r\nHost: x\r\nContent-Length: 20000000\r\n\r\n%s", front, 0, strings.Repeat("x", 20_000_000)), closed},
		{"no end to a body", n.Public, func(out io.Writer) error {
			if _, err := fmt.Fprintf(out, post, hello, int64(10_000_000_000)); err != nil {
				return err
			}
			_, err := io.CopyN(out, zeros{}, 50_000_000)
			return err
		}, closed},
		{"not HTTP", n.Public, func(out io.Writer) error {
			_, err := io.CopyN(out, zeros{}, 1_000_000)
			return err
		}, closed},
	}
	for _, address := range []string{n.Public, n.Tools} {
		all = append(all,
			attack{"10 MB header", address, text("GET / HTTP/1.1\r\nHost: x\r\nX-Long: %s\r\n\r\n", strings.Repeat("a", 10_000_000)), closed},
			attack{"many headers", address, text("GET / HTTP/1.1\r\nHost: x\r\n%s\r\n", strings.Repeat("X-Many: a\r\n", 100_000)), closed},
			attack{"10 MB address", address, text("GET /%s HTTP/1.1\r\nHost: x\r\n\r\n", strings.Repeat("a", 10_000_000)), closed},
		)
	}
	for _, path := range []string{
		"/log/../../secrets/log.key", "/log/..%2f..%2fsecrets%2flog.key", "/ec/v1/mirror/../secrets/log.key", "/static/..%2f..%2fentrechat.toml",
		"/ec/v1/vault/shards/..%2f..%2fentrechat.toml?owner=x", "/.well-known/../entrechat.toml", "//etc/passwd", "/%2e%2e/%2e%2e/etc/passwd",
	} {
		all = append(all, attack{path, n.Public, text("GET %s HTTP/1.1\r\nHost: x\r\n\r\n", path), `^HTTP/1\.1 [34]\d\d`})
	}
	return all
}

// frontPath is the path of the repository with its token, as restic has it.
func (w *world) frontPath() string {
	for _, v := range w.env {
		if address, ok := strings.CutPrefix(v, "RESTIC_REPOSITORY=rest:http://"); ok {
			_, path, _ := strings.Cut(address, "/")
			return "/" + path
		}
	}
	w.t.Fatal("no repository")
	return ""
}

func text(format string, args ...any) func(io.Writer) error {
	whole := fmt.Sprintf(format, args...)
	return func(out io.Writer) error {
		_, err := io.WriteString(out, whole)
		return err
	}
}

// run sends once and looks at what came back. That the node closes the door while
// we still talk is fine.
func (a attack) run(ctx context.Context) error {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", a.at)
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(slowness * 40 * time.Second)); err != nil {
		return err
	}
	go func() { _ = a.send(conn) }()
	answer := make([]byte, 64<<10)
	got, _ := conn.Read(answer)
	if !regexp.MustCompile(a.want).Match(answer[:got]) {
		return fmt.Errorf("answered %.300q", answer[:got])
	}
	if bytes.Contains(answer[:got], []byte("goroutine")) || bytes.Contains(answer[:got], []byte("root:")) {
		return fmt.Errorf("answered too much: %.300q", answer[:got])
	}
	return nil
}

// together does the same many times at once.
func (w *world) together(times int, do func() error, name string) {
	w.t.Helper()
	var all sync.WaitGroup
	failed := make(chan error, times)
	for range times {
		all.Go(func() {
			if err := do(); err != nil {
				failed <- err
			}
		})
	}
	all.Wait()
	close(failed)
	if err := <-failed; err != nil {
		w.t.Errorf("%s: %d of %d: %v", name, len(failed)+1, times, err)
	}
}

// serves checks that a node answers at once and is not bloated.
func (w *world) serves(n *lab.Node, after string) {
	w.t.Helper()
	client := http.Client{Timeout: 5 * time.Second}
	for _, address := range []string{"http://" + n.Tools + "/healthz", n.URL() + "/.well-known/entrechat.json"} {
		req, err := http.NewRequestWithContext(w.ctx, http.MethodGet, address, nil)
		w.must(err)
		res, err := client.Do(req)
		if err != nil {
			w.t.Fatalf("after %s: %v", after, err)
		}
		if err := res.Body.Close(); err != nil || res.StatusCode != http.StatusOK {
			w.t.Errorf("after %s: %s answers %d", after, address, res.StatusCode)
		}
	}
	if peak := w.peak(n); peak > maxMemory {
		w.t.Errorf("after %s the node has taken %d MB", after, peak/1_000_000)
	}
}

var highWater = regexp.MustCompile(`VmHWM:\s+(\d+) kB`)

// peak is the most memory a node has had, in bytes.
func (w *world) peak(n *lab.Node) int {
	w.t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", n.Pid()))
	w.must(err)
	found := highWater.FindSubmatch(status)
	if found == nil {
		w.t.Fatalf("no VmHWM in %s", status)
	}
	kilobytes, err := strconv.Atoi(string(found[1]))
	w.must(err)
	return kilobytes << 10
}

// onlyThem is a keyring that knows where one member is, and nothing of keys.
type onlyThem struct{ url string }

func (onlyThem) Keys(context.Context, core.MemberID) ([]ed25519.PublicKey, error) { return nil, nil }

func (o onlyThem) URL(context.Context, core.MemberID) (string, error) { return o.url, nil }

// unknownMember signs well, with a key nobody here knows.
func (w *world) unknownMember(n *lab.Node) {
	w.t.Helper()
	_, key, err := ed25519.GenerateKey(nil)
	w.must(err)
	for _, who := range []core.MemberID{"stranger.test", core.MemberID(w.members()[0].Name)} {
		client := peer.NewClient(peer.Needs{
			Signer: seal.NewSigner(who, key), Keyring: onlyThem{n.URL()}, Private: true, Now: time.Now, Log: slog.New(slog.DiscardHandler),
		})
		for _, path := range []string{"/ec/v1/vault/shards", "/ec/v1/vault/audits/x", "/ec/v1/trust/pacts/x"} {
			res, err := client.Do(w.ctx, core.MemberID(n.Name), peer.Request{Method: http.MethodGet, Path: path})
			if err == nil {
				_ = res.Body.Close()
			}
			if code := core.CodeOf(err); code != core.CodeDenied {
				w.t.Errorf("%s asks for %s and is answered %v", who, path, err)
			}
		}
	}
}

// drip opens many uploads that never end and hardly move; the node serves others
// meanwhile, and throws the slow ones out.
func (w *world) drip(n *lab.Node) {
	w.t.Helper()
	const slow = 200
	ctx, cancel := context.WithTimeout(w.ctx, 25*time.Second)
	defer cancel()
	var all sync.WaitGroup
	for i := range slow {
		address := []string{n.Public, n.Tools}[i%2]
		all.Go(func() {
			var d net.Dialer
			conn, err := d.DialContext(ctx, "tcp", address)
			if err != nil {
				return
			}
			defer conn.Close()
			head := fmt.Sprintf("POST %sdata/%064d HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n", w.frontPath(), i)
			if i%2 == 0 {
				head = "POST /ec/v1/trust/hello HTTP/1.1\r\nHost: x\r\nContent-Length: 60000\r\n\r\n"
			}
			if i%4 == 0 {
				head = "GET / HTTP/1.1\r\nHost: x\r\nX-Slow: " // the head itself never ends
			}
			if _, err := io.WriteString(conn, head); err != nil {
				return
			}
			for ctx.Err() == nil {
				if _, err := conn.Write([]byte{' '}); err != nil {
					return
				}
				w.pause(500 * time.Millisecond)
			}
		})
	}
	for range 5 {
		w.pause(3 * time.Second)
		w.serves(n, "slow uploads")
	}
	all.Wait()
}
