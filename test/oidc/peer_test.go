//go:build long || scale

package oidc

import (
	"bufio"
	"encoding/json"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"entrechat/internal/app/lab"
)

const peerModule = "oidc-provider@9.13.3"

// peer starts npm oidc-provider, installed by npm when it is not there yet.
func peer(t *testing.T) (target, int) {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(cache, "entrechat-peers", peerModule)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "node_modules", "oidc-provider", "package.json")); err != nil {
		install := exec.CommandContext(t.Context(), "npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", peerModule)
		install.Dir = dir
		if said, err := install.CombinedOutput(); err != nil {
			t.Fatalf("npm: %v\n%s", err, said)
		}
	}
	ports, err := lab.ReservePorts(2)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ports.Close() })
	script, err := filepath.Abs("testdata/peer.mjs")
	if err != nil {
		t.Fatal(err)
	}
	_, port, err := net.SplitHostPort(ports.Addresses[0])
	if err != nil {
		t.Fatal(err)
	}
	node := exec.CommandContext(t.Context(), "node", script, port, ports.Addresses[1])
	node.Dir = dir
	out, err := node.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := node.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		node.Process.Kill() //nolint:errcheck // it may have ended
		node.Wait()         //nolint:errcheck // it was killed
	})
	line, err := bufio.NewReader(out).ReadBytes('\n')
	if err != nil {
		t.Fatal(err)
	}
	var at target
	if err := json.Unmarshal(line, &at); err != nil {
		t.Fatal(err)
	}
	return at, node.Process.Pid
}

// TestPeer holds that the battery is no mirror of ours: another provider, which is certified,
// passes it too, but for what stands in docs/identity-battery.md.
func TestPeer(t *testing.T) {
	at, _ := peer(t)
	known := []string{"discovery-host", "end-post", "introspect-of-another", "pages-framed", "pages-referrer", "post", "type-id-token"}
	failed := newBattery(t, at).report(t)
	if slices.Sort(failed); !slices.Equal(failed, known) {
		t.Errorf("it fails %q; docs/identity-battery.md has %q", failed, known)
	}
}
