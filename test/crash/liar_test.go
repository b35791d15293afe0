package crash

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"entrechat/internal/app/lab"
)

// lie is what a member's front does to the answers of the honest node behind it.
type lie string

const (
	honest    lie = ""
	flipping  lie = "flipping"  // one bit of every shard and proof is wrong
	cutting   lie = "cutting"   // the second half never comes
	swapping  lie = "swapping"  // another shard of ours, whole and signed
	emptied   lie = "emptied"   // "no such shard"
	hanging   lie = "hanging"   // takes the question and says nothing
	replaying lie = "replaying" // keeps nothing, and shows the receipt of another shard
)

// liar stands before a member's node, on the address the others know.
type liar struct {
	node *lab.Node
	mu   sync.Mutex
	now  lie
	seen map[string][]byte // kind of request -> an honest answer to another one
}

const (
	shards = "/ec/v1/vault/shards/"
	audits = "/ec/v1/vault/audits/"
)

// front puts a liar before a node that is not made yet.
func (w *world) front(n *lab.Node) *liar {
	l := &liar{node: n, seen: map[string][]byte{}}
	behind := &url.URL{Scheme: "http", Host: n.Public}
	proxy := &httputil.ReverseProxy{
		Rewrite:        func(r *httputil.ProxyRequest) { r.SetURL(behind); r.Out.Host = r.In.Host },
		ModifyResponse: l.change,
		ErrorHandler:   func(rw http.ResponseWriter, _ *http.Request, _ error) { rw.WriteHeader(http.StatusBadGateway) },
	}
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if l.conduct() == hanging && about(r) != "" {
			select {
			case <-r.Context().Done():
			case <-w.ctx.Done():
			}
			return
		}
		proxy.ServeHTTP(rw, r)
	}))
	w.t.Cleanup(func() {
		n.Kill()
		server.CloseClientConnections()
		server.Close()
	})
	n.Front = server.Listener.Addr().(*net.TCPAddr).String()
	return l
}

// about is what a request wants of a shard, empty when it is about something else:
// a liar that broke its logbook would be found by other means.
func about(r *http.Request) string {
	switch {
	case strings.HasPrefix(r.URL.Path, shards):
		return r.Method
	case strings.HasPrefix(r.URL.Path, audits):
		return "audit"
	}
	return ""
}

func (l *liar) conduct() lie {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.now
}

func (l *liar) set(to lie) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.now = to
}

// change lies about an answer that went well.
func (l *liar) change(res *http.Response) error {
	kind := about(res.Request)
	if kind == "" || res.StatusCode/100 != 2 {
		return nil
	}
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	old, conduct := l.seen[kind], l.now
	if conduct == honest {
		l.seen[kind] = body
	}
	switch {
	case conduct == flipping && kind != http.MethodPut:
		body[len(body)/2] ^= 1
	case conduct == cutting && kind != http.MethodPut:
		body = body[:len(body)/2]
	case conduct == swapping && kind != http.MethodPut && old != nil:
		body = old
	case conduct == replaying && kind == http.MethodPut && old != nil:
		body = old
	case conduct == emptied && kind != http.MethodPut:
		res.StatusCode, res.Status = http.StatusNotFound, ""
		body = []byte(`{"code":"not_found","key":"vault.no_shard","text":"no such shard"}`)
		res.Header.Set("Content-Type", "application/json")
	}
	res.Body, res.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	res.Header.Set("Content-Length", fmt.Sprint(len(body)))
	return nil
}

// A member that returns wrong bytes, cuts them off, answers with another shard,
// shows an old receipt or hangs is named by what it did, restic restores the same
// bytes, and once it is honest again everything is whole again.
func TestLiars(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 7, 10*time.Minute)
	liars := []*liar{w.front(w.members()[1]), w.front(w.members()[4])}
	w.found(func(n *lab.Node) { w.setting(n, "cache_max", "1MB") })
	w.agree()
	w.must(lab.WriteMix(w.data, 8_000_000, w.rng.Uint64()))
	w.open()
	first := w.backup()
	w.whole(time.Minute)
	// Honest answers, for the liars to show again.
	w.restoresTo(first, w.tree())
	if out, err := w.owner().Run(w.ctx, "vault", "check"); err != nil {
		t.Errorf("honest members do not pass: %v\n%s", err, out)
	}
	for _, scene := range []struct {
		conduct lie
		kind    string
	}{
		{flipping, "wrong"}, {cutting, "wrong"}, {swapping, "wrong"}, {emptied, "lost"}, {hanging, "unreachable"},
	} {
		w.change(string(scene.conduct), 3_000_000) // nothing of it is in the owner's cache
		snapshot := w.backup()
		w.whole(time.Minute)
		for _, l := range liars {
			l.set(scene.conduct)
		}
		w.restoresTo(snapshot, w.tree())
		w.auditFinds(2) // all of it, so that nobody is spared by chance
		w.named(scene.kind, liars)
		for _, l := range liars {
			l.set(honest)
		}
		w.whole(2 * time.Minute)
	}
	// Receipts are shown when something is given.
	for _, l := range liars {
		l.set(replaying)
	}
	w.change("replaying", 3_000_000)
	snapshot := w.backup()
	w.named("wrong", liars)
	w.restoresTo(snapshot, w.tree())
	for _, l := range liars {
		l.set(honest)
	}
	w.whole(2 * time.Minute)
	w.ok("check", "--read-data")
}

// Members whose disks give other bytes, none, or those of another shard are found
// out by the owner in the same way.
func TestRottenDisks(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 7, 10*time.Minute)
	w.found(func(n *lab.Node) { w.setting(n, "cache_max", "1MB") })
	w.agree()
	w.must(lab.WriteMix(w.data, 20_000_000, w.rng.Uint64()))
	w.open()
	snapshot := w.backup()
	w.whole(time.Minute)
	flipped, cut := w.members()[0], w.members()[3]
	w.spoil(flipped, func(path string, text []byte) error {
		text[len(text)-1-w.rng.IntN(len(text)/2)] ^= 4
		return os.WriteFile(path, text, 0o600)
	})
	w.spoil(cut, func(path string, text []byte) error { return os.WriteFile(path, text[:len(text)*2/3], 0o600) })
	w.restoresTo(snapshot, w.tree())
	w.auditFinds(2)
	named := w.troubles()
	for _, n := range []*lab.Node{flipped, cut} {
		if kind := named[n.Name]; kind != "wrong" && kind != "lost" {
			t.Errorf("%s is named %q", n.Name, kind)
		}
	}
	if len(named) != 2 {
		t.Errorf("named %v", named)
	}
	w.whole(2 * time.Minute)
	w.ok("check", "--read-data")
}

// spoil does something to every shard on a member's disk.
func (w *world) spoil(n *lab.Node, do func(path string, text []byte) error) {
	w.t.Helper()
	count := 0
	w.must(filepath.WalkDir(filepath.Join(n.Data(), "store"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() || !strings.Contains(strings.TrimLeft(d.Name(), "."), ".") || d.Name() == "CACHEDIR.TAG" {
			return err // no shard
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		count++
		return do(path, text)
	}))
	if count == 0 {
		w.t.Fatalf("%s has no shards", n.Name)
	}
}

// auditFinds has the owner ask everybody; so many members must not pass.
func (w *world) auditFinds(want int) {
	w.t.Helper()
	out, err := w.owner().Run(w.ctx, "vault", "check", "--lang", "en")
	if err == nil || !strings.Contains(err.Error()+out, fmt.Sprint(want)) {
		w.t.Errorf("vault check ended with %v and said:\n%s", err, out)
	}
}

// troubles is what each member is named for in `vault status`, mended or not.
func (w *world) troubles() map[string]string {
	w.t.Helper()
	named := map[string]string{}
	for _, trouble := range w.status().Troubles {
		// An answer that was cut short makes a member unreachable too, beside what is known
		// of its shards.
		if before := named[trouble.Member]; before == "" || trouble.Over == 0 && (trouble.Kind != "unreachable" || before == "unreachable") {
			named[trouble.Member] = trouble.Kind
		}
	}
	return named
}

// named checks that the liars, and nobody else, are named for what they do now.
func (w *world) named(kind string, liars []*liar) {
	w.t.Helper()
	said := map[string][]string{}
	for _, trouble := range w.status().Troubles {
		said[trouble.Member] = append(said[trouble.Member], trouble.Kind)
	}
	if len(said) != len(liars) {
		w.t.Errorf("named %v", said)
	}
	for _, l := range liars {
		if !slices.Contains(said[l.node.Name], kind) {
			w.t.Errorf("%s is %s, and named %v", l.node.Name, l.conduct(), said[l.node.Name])
		}
	}
	text, err := w.owner().Run(w.ctx, "vault", "status")
	w.must(err)
	for _, l := range liars {
		if !strings.Contains(text, l.node.Name) {
			w.t.Errorf("vault status does not name %s:\n%s", l.node.Name, text)
		}
	}
}
