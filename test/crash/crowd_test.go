package crash

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"entrechat/internal/app/lab"
	"entrechat/internal/core"
	"entrechat/internal/kit/peer"
	"entrechat/internal/kit/seal"
)

// A crowd of strangers that send next to nothing, or wait for news, on a machine that
// gives the node 200 open files: members, visitors and this machine's tools are
// answered as ever.
func TestCrowdOfStrangers(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 2, 90*time.Second)
	n := w.owner()
	few := filepath.Join(w.dir, "few-files")
	w.must(os.WriteFile(few, []byte("#!/bin/sh\nulimit -n 200\nexec "+n.Program+" \"$@\"\n"), 0o700))
	n.Program = few
	w.found(func(*lab.Node) {})
	w.must(lab.Introduce(w.ctx, n, w.members()[0]))

	const drip = "POST %s HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 60000\r\n\r\n"
	ctx, cancel := context.WithCancel(w.ctx)
	defer cancel()
	var crowd sync.WaitGroup
	defer crowd.Wait()
	defer cancel()
	for i := range 195 {
		w.join(ctx, &crowd, n.Public, fmt.Sprintf(drip, []string{"/", "/admin/sign-in", "/ec/v1/keyset"}[i%3]))
	}
	for range 512 {
		w.join(ctx, &crowd, n.Public, "GET /ec/v1/heads?wait=50 HTTP/1.1\r\nHost: x\r\n\r\n")
	}
	for range 195 {
		w.join(ctx, &crowd, n.Tools, "GET /healthz HTTP/1.1\r\nX-Slow: ")
	}
	for range 3 {
		w.serves(n, "a crowd of strangers")
		w.reads(n, "/")
		w.pulls(n, w.members()[0])
	}
	cancel()
	crowd.Wait()
	_, err := n.Run(w.ctx, "log", "verify")
	w.must(err)
}

// join sends the beginning of a request, and then a byte now and then for as long as
// the node and the test bear it.
func (w *world) join(ctx context.Context, crowd *sync.WaitGroup, address, head string) {
	w.t.Helper()
	d := net.Dialer{Timeout: 5 * time.Second}
	conn, err := d.DialContext(ctx, "tcp", address)
	w.must(err)
	if _, err := io.WriteString(conn, head); err != nil {
		w.t.Logf("one of the crowd was turned away at once: %v", err)
	}
	crowd.Go(func() {
		defer conn.Close()
		tick := time.NewTicker(500 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				if _, err := conn.Write([]byte{'x'}); err != nil {
					return
				}
			case <-ctx.Done():
				return
			}
		}
	})
}

// reads opens a page as a visitor does.
func (w *world) reads(n *lab.Node, path string) {
	w.t.Helper()
	client := http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	req, err := http.NewRequestWithContext(w.ctx, http.MethodGet, n.URL()+path, nil)
	w.must(err)
	res, err := client.Do(req)
	if err != nil {
		w.t.Fatalf("a visitor: %v", err)
	}
	if err := res.Body.Close(); err != nil || res.StatusCode != http.StatusOK {
		w.t.Errorf("a visitor is answered %d %v", res.StatusCode, err)
	}
}

// pulls asks n for its news as a member does, signed and ready to wait for them.
func (w *world) pulls(n, from *lab.Node) {
	w.t.Helper()
	key, err := seal.ReadKeyFile(filepath.Join(from.Data(), "secrets", "log.key"))
	w.must(err)
	client := peer.NewClient(peer.Needs{
		Signer: seal.NewSigner(core.MemberID(from.Name), key), Keyring: onlyThem{n.URL()}, Private: true,
		Now: time.Now, Log: slog.New(slog.DiscardHandler),
	})
	defer client.CloseIdle()
	ctx, cancel := context.WithTimeout(w.ctx, 10*time.Second)
	defer cancel()
	res, err := client.Do(ctx, core.MemberID(n.Name), peer.Request{Method: http.MethodGet, Path: "/ec/v1/heads", Query: map[string][]string{"wait": {"1"}}})
	if err != nil {
		w.t.Fatalf("a member's pull: %v", err)
	}
	_, err = io.Copy(io.Discard, res.Body)
	w.must(err)
	w.must(res.Body.Close())
}
