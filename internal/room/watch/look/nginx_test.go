//go:build linux

package look

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"entrechat/internal/room/watch/target"
)

// nginxServer is a real nginx in a directory of its own.
type nginxServer struct {
	dir         string
	plain, safe string // addresses
	cmd         *exec.Cmd
}

const nginxConf = `
worker_processes 1;
error_log %[1]s/error.log;
pid %[1]s/pid;
%[5]s
events { worker_connections 200; }
http {
  access_log off; default_type text/plain; keepalive_timeout 60s;
  client_body_temp_path %[1]s/a; proxy_temp_path %[1]s/b; fastcgi_temp_path %[1]s/c; uwsgi_temp_path %[1]s/d; scgi_temp_path %[1]s/e;
  server {
    listen %[2]s; listen %[3]s ssl; root %[1]s/www;
    ssl_certificate %[1]s/chain.pem; ssl_certificate_key %[1]s/key.pem;
    location = /ok { return 200 "all well\n"; }
    location = /503 { return 503; }
    location = /error-page { return 200 "<h1>Internal error</h1>"; }
    location = /cut { return 444; }
    location = /hang { proxy_pass http://%[4]s; }
    location = /gone-backend { proxy_pass http://127.0.0.1:1; }
    location = /dripping { limit_rate 1; try_files /page =404; }
    location = /mid { limit_rate 2k; try_files /page =404; }
    location = /bomb { add_header Content-Encoding gzip; try_files /bomb.gz =404; }
    location = /lies { add_header Content-Encoding gzip; try_files /page =404; }
    location = /away { return 302 https://sso.example.org/login; }
  }
}`

// startNginx starts nginx with a certificate; its end is the test's.
func startNginx(t *testing.T, cert tls.Certificate) *nginxServer {
	t.Helper()
	program, err := exec.LookPath("nginx")
	if err != nil {
		program = "/usr/sbin/nginx"
	}
	n := &nginxServer{dir: t.TempDir(), plain: free(t), safe: free(t)}
	n.certificate(t, cert)
	must(t, os.Mkdir(filepath.Join(n.dir, "www"), 0o755))
	must(t, os.WriteFile(filepath.Join(n.dir, "www/page"), []byte("begin "+strings.Repeat("x", 30<<10)+" end"), 0o600))
	must(t, os.WriteFile(filepath.Join(n.dir, "www/large"), append([]byte("begin "), make([]byte, 10<<20)...), 0o600))
	var bomb bytes.Buffer
	z := gzip.NewWriter(&bomb)
	_, _ = z.Write(make([]byte, 50<<20))
	must(t, z.Close())
	must(t, os.WriteFile(filepath.Join(n.dir, "www/bomb.gz"), bomb.Bytes(), 0o600))
	user := ""
	if os.Getuid() == 0 {
		user = "user root;"
	}
	conf := filepath.Join(n.dir, "nginx.conf")
	must(t, os.WriteFile(conf, fmt.Appendf(nil, nginxConf, n.dir, n.plain, n.safe, holds(t), user), 0o600))
	n.cmd = exec.Command(program, "-p", n.dir, "-c", conf, "-e", filepath.Join(n.dir, "error.log"), "-g", "daemon off;")
	n.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	n.cmd.Stderr = os.Stderr
	must(t, n.cmd.Start())
	t.Cleanup(func() {
		_ = syscall.Kill(-n.cmd.Process.Pid, syscall.SIGKILL)
		_ = n.cmd.Wait()
	})
	until(t, func() bool {
		c, err := net.Dial("tcp", n.plain)
		return err == nil && c.Close() == nil
	})
	return n
}

func (n *nginxServer) certificate(t testing.TB, cert tls.Certificate) {
	t.Helper()
	var chain bytes.Buffer
	for _, raw := range cert.Certificate {
		must(t, pem.Encode(&chain, &pem.Block{Type: "CERTIFICATE", Bytes: raw}))
	}
	key, err := x509.MarshalPKCS8PrivateKey(cert.PrivateKey)
	must(t, err)
	must(t, os.WriteFile(filepath.Join(n.dir, "chain.pem"), chain.Bytes(), 0o600))
	must(t, os.WriteFile(filepath.Join(n.dir, "key.pem"), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}), 0o600))
}

// group sends a signal to nginx and its workers.
func (n *nginxServer) group(t *testing.T, s syscall.Signal) {
	t.Helper()
	must(t, syscall.Kill(-n.cmd.Process.Pid, s))
}

// workers are their process ids.
func (n *nginxServer) workers() (pids []int) {
	list, err := os.ReadFile(fmt.Sprintf("/proc/%[1]d/task/%[1]d/children", n.cmd.Process.Pid))
	if err != nil {
		return nil
	}
	for word := range strings.FieldsSeq(string(list)) {
		var pid int
		if _, err := fmt.Sscan(word, &pid); err == nil && pid > 1 {
			pids = append(pids, pid)
		}
	}
	return pids
}

// killWorkers ends the workers; the master starts others.
func (n *nginxServer) killWorkers() {
	for _, pid := range n.workers() {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
}

// free is a port nobody listens on.
func free(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer l.Close()
	return l.Addr().String()
}

// holds is a server that takes connections and says nothing.
func holds(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() { <-t.Context().Done(); c.Close() }()
		}
	}()
	return l.Addr().String()
}

// until waits for what must come.
func until(t *testing.T, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	last := time.After(20 * time.Second)
	for !ok() {
		select {
		case <-tick.C:
		case <-last:
			t.Fatal("it did not come")
		}
	}
}

func TestNginx(t *testing.T) {
	t.Parallel()
	now := time.Now()
	day := 24 * time.Hour
	a := newAuthority(t, 2048, now.Add(-day), now.Add(1000*day))
	good := a.leaf(t, "127.0.0.1", now.Add(-day), now.Add(90*day))
	n := startNginx(t, good)
	var cut sync.Once
	l := looker(t, func(x *Needs) { x.Roots = a.roots })
	look := func(address string, e target.Expect) Result {
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		return l.Look(ctx, target.Target{Kind: target.HTTP, Address: address, Expect: e})
	}
	t.Run("modes", func(t *testing.T) {
		for path, c := range map[string]struct {
			e    target.Expect
			want Class
		}{
			"/ok":           {target.Expect{Text: "all well"}, Fine},
			"/503":          {target.Expect{}, HTTP5xx},
			"/error-page":   {target.Expect{Text: "all well"}, Content},
			"/cut":          {target.Expect{}, Reset},
			"/hang":         {target.Expect{}, Timeout},
			"/gone-backend": {target.Expect{}, HTTP5xx},
			"/dripping":     {target.Expect{}, Timeout},
			"/large":        {target.Expect{Text: "begin"}, Fine},
			"/bomb":         {target.Expect{Absent: "x"}, Fine},
			"/lies":         {target.Expect{}, Content},
			"/away":         {target.Expect{Status: []string{"302"}}, Fine},
			"/nothing":      {target.Expect{}, HTTP4xx},
		} {
			for _, base := range []string{"http://" + n.plain, "https://" + n.safe} {
				t.Run(base[:5]+path, func(t *testing.T) {
					t.Parallel()
					r := look(base+path, c.e)
					if r.Class != c.want {
						t.Errorf("%q (%s), not %q", r.Class, r.Detail, c.want)
					}
					if r.Class == Fine && (r.Connect == 0 || r.First == 0 || r.Latency < r.Connect+r.TLS+r.First || (r.TLS == 0) == (base[4] == 's')) {
						t.Errorf("the parts of its time: %+v", r)
					}
				})
			}
		}
	})
	t.Run("killed in the middle of an answer", func(t *testing.T) {
		killing := looker(t, func(x *Needs) {
			x.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
				c, err := (&net.Dialer{}).DialContext(ctx, network, address)
				return &watched{Conn: c, then: n.killWorkers}, err
			}
		})
		r := killing.Look(t.Context(), target.Target{Kind: target.HTTP, Address: "http://" + n.plain + "/mid", Expect: target.Expect{Text: "begin"}})
		if r.Class != Reset {
			t.Errorf("%+v", r)
		}
	})
	t.Run("another certificate", func(t *testing.T) {
		before := look("https://"+n.safe+"/ok", target.Expect{})
		n.swap(t, look, a.leaf(t, "127.0.0.1", now.Add(-day), now.Add(30*day)), Fine)
		if after := look("https://"+n.safe+"/ok", target.Expect{}); after.Leaf == before.Leaf || after.Ends >= before.Ends {
			t.Errorf("%+v", after)
		}
		n.swap(t, look, a.leaf(t, "127.0.0.1", now.Add(-day), now.Add(-time.Hour)), Cert)
		n.swap(t, look, good, Fine)
		n.swap(t, look, a.leaf(t, "pad.chaton-a.test", now.Add(-day), now.Add(day)), Cert)
		n.swap(t, look, good, Fine)
	})
	t.Run("stopped and gone", func(t *testing.T) {
		n.group(t, syscall.SIGSTOP)
		if r := look("https://"+n.safe+"/ok", target.Expect{}); r.Class != Timeout {
			t.Errorf("stopped: %+v", r)
		}
		n.group(t, syscall.SIGCONT)
		if r := look("https://"+n.safe+"/ok", target.Expect{}); r.Class != Fine {
			t.Errorf("going on: %+v", r)
		}
		cut.Do(func() { n.group(t, syscall.SIGKILL) })
		until(t, func() bool { return look("http://"+n.plain+"/ok", target.Expect{}).Class == Refused })
	})
}

// swap has nginx take another certificate, and waits until looks say so.
func (n *nginxServer) swap(t *testing.T, look func(string, target.Expect) Result, cert tls.Certificate, want Class) {
	t.Helper()
	before := n.workers()
	n.certificate(t, cert)
	must(t, n.cmd.Process.Signal(syscall.SIGHUP))
	until(t, func() bool {
		now := n.workers()
		return len(now) > 0 && !slices.ContainsFunc(before, func(pid int) bool { return slices.Contains(now, pid) })
	})
	r := look("https://"+n.safe+"/ok", target.Expect{})
	if leaf := sha256.Sum256(cert.Certificate[0]); r.Leaf != leaf || r.Class != want {
		t.Errorf("after the change of the certificate: %+v", r)
	}
}

// watched calls then when the first bytes came.
type watched struct {
	net.Conn

	then func()
	once sync.Once
}

func (w *watched) Read(p []byte) (int, error) {
	n, err := w.Conn.Read(p)
	if n > 0 {
		w.once.Do(w.then)
	}
	return n, err
}
