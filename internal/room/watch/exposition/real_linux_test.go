package exposition_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"entrechat/internal/room/watch/exposition"
	"entrechat/internal/room/watch/look"
)

// start runs a program of Debian until the test ends; it dies with the test binary too.
func start(t *testing.T, path string, args ...string) {
	t.Helper()
	log, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	c := exec.CommandContext(ctx, path, args...)
	c.Stdout, c.Stderr, c.SysProcAttr = log, log, &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		_ = c.Wait() // killed
		if t.Failed() {
			if text, err := os.ReadFile(log.Name()); err == nil {
				t.Logf("%s:\n%.4000s", path, text)
			}
		}
		_ = log.Close()
	})
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

func write(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "config.yml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// TestPrometheusAndAlertmanager: Debian's Prometheus scrapes our looks, its rule finds one
// that fails, and Debian's Alertmanager tells us by the webhook, with its token; then that
// it is over.
func TestPrometheusAndAlertmanager(t *testing.T) {
	prometheus, alertmanager := program(t, "prometheus", "prometheus"), program(t, "prometheus-alertmanager", "prometheus-alertmanager")
	var mu sync.Mutex
	class := look.Timeout
	got := &received{wake: make(chan struct{}, 1)}
	mux := http.NewServeMux()
	mux.Handle("/metrics", metrics(t, func() []exposition.Sample {
		mu.Lock()
		defer mu.Unlock()
		s := samples()[:1]
		s[0].Result.Class = class
		return s
	}))
	hook := exposition.Webhook("jeton-de-test", got, time.Now)
	mux.Handle(hook.Pattern, hook.Handler)
	us := httptest.NewServer(mux)
	t.Cleanup(us.Close)

	at := freePort(t)
	start(t, alertmanager, "--web.listen-address="+at, "--cluster.listen-address=", "--storage.path="+t.TempDir(), "--config.file="+write(t, fmt.Sprintf(`
route: {receiver: entrechat, group_wait: 0s, group_interval: 1s, repeat_interval: 1h}
receivers:
  - name: entrechat
    webhook_configs:
      - url: %s/watch/alerts
        http_config: {authorization: {credentials: jeton-de-test}}
`, us.URL)))
	rules := write(t, `
groups:
  - name: x
    rules:
      - alert: ProbeFails
        expr: probe_success == 0
        labels: {entrechat_target: routeur}
        annotations: {summary: "{{ $labels.service }} from {{ $labels.vantage }}"}
`)
	start(t, prometheus, "--web.listen-address="+freePort(t), "--storage.tsdb.path="+t.TempDir(), "--config.file="+write(t, fmt.Sprintf(`
global: {scrape_interval: 1s, evaluation_interval: 1s}
rule_files: [%s]
alerting: {alertmanagers: [{static_configs: [{targets: [%q]}]}]}
scrape_configs:
  - job_name: entrechat
    static_configs: [{targets: [%q]}]
`, rules, at, strings.TrimPrefix(us.URL, "http://"))))

	wait := func(want string) {
		t.Helper()
		late := time.NewTimer(90 * time.Second)
		defer late.Stop()
		for !strings.Contains(got.all(), want) {
			select {
			case <-got.wake:
			case <-late.C:
				t.Fatalf("%s did not come, but: %s", want, got.all())
			}
		}
	}
	wait(`found routeur "failed" "ProbeFails: Pad from ana.test"`)
	mu.Lock()
	class = look.Fine
	mu.Unlock()
	wait(`found routeur "" "ProbeFails: Pad from ana.test"`)
}
