package exposition_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/obs"
	"entrechat/internal/room/watch/exposition"
	"entrechat/internal/room/watch/look"
	"entrechat/internal/room/watch/target"
	"entrechat/internal/room/watch/verdict"
)

const ana, bo = core.MemberID("ana.test"), core.MemberID("bo.test")

// program finds a Debian program that a test needs.
func program(t testing.TB, name, debian string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Fatalf("%s is not installed: apt-get install %s", name, debian)
	}
	return path
}

func samples() []exposition.Sample {
	at := core.At(time.Unix(1_790_000_000, 0))
	pad := target.Target{ID: "0000000000000001", Owner: ana, Service: "Pad", Kind: target.HTTP, Address: "https://pad.ana.test/"}
	mail := target.Target{ID: "0000000000000002", Owner: ana, Service: "Courrier \"é\"\n", Kind: target.SMTP, Address: "mail.ana.test:587"}
	night := target.Target{ID: "0000000000000003", Owner: bo, Service: "Sauvegarde", Kind: target.Ping, Address: strings.Repeat("ab", 32)}
	return []exposition.Sample{
		{Target: pad, Vantage: ana, Result: look.Result{
			At: at, Latency: 80 * time.Millisecond, DNS: 5 * time.Millisecond, Connect: 10 * time.Millisecond, TLS: 20 * time.Millisecond, First: 30 * time.Millisecond,
			Family: 6, Ends: at.Add(720 * time.Hour), Status: 200, Detail: "a secret of the body",
		}},
		{Target: pad, Vantage: bo, Result: look.Result{At: at, Class: look.HTTP5xx, Latency: time.Second, Status: 503}},
		{Target: pad, Vantage: bo, Result: look.Result{At: at - 1, Class: look.Fine, Latency: time.Second, Status: 200}},
		{Target: mail, Vantage: ana, Result: look.Result{At: at, Class: look.Cert, Latency: time.Second, Ends: at.Add(-time.Hour)}},
		{Target: mail, Vantage: bo, Result: look.Result{At: at, Class: look.Unfit}},
		{Target: night, Vantage: ana, Result: look.Result{At: at, Class: look.Silent}},
	}
}

func metrics(t testing.TB, read func() []exposition.Sample) http.Handler {
	t.Helper()
	m := obs.NewMetrics()
	m.Collect([]obs.Source{{Part: "watch", Ask: func(context.Context) ([]obs.Metric, error) {
		all := exposition.Metrics(read())
		return append(all, exposition.Verdicts([]verdict.Verdict{{Owner: ana, Target: "0000000000000001", State: verdict.Down}}, func(core.MemberID, string) string { return "Pad" })...), nil
	}}}, slog.New(slog.DiscardHandler))
	return m.Handler()
}

// page is what /metrics answers.
func page(t testing.TB) string {
	t.Helper()
	rec := httptest.NewRecorder()
	metrics(t, samples).ServeHTTP(rec, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil))
	if rec.Code != http.StatusOK {
		t.Fatal(rec.Code, rec.Body.String())
	}
	return rec.Body.String()
}

func TestMetrics(t *testing.T) {
	text := page(t)
	for _, want := range []string{
		`probe_success{hoster="ana.test",id="0000000000000001",kind="http",service="Pad",target="https://pad.ana.test/",vantage="ana.test"} 1`,
		`probe_success{hoster="ana.test",id="0000000000000001",kind="http",service="Pad",target="https://pad.ana.test/",vantage="bo.test"} 0`,
		`probe_http_status_code{hoster="ana.test",id="0000000000000001",kind="http",service="Pad",target="https://pad.ana.test/",vantage="bo.test"} 503`,
		`probe_http_duration_seconds{hoster="ana.test",id="0000000000000001",kind="http",phase="transfer",service="Pad",target="https://pad.ana.test/",vantage="ana.test"} 0.015`,
		`probe_ssl_earliest_cert_expiry{hoster="ana.test",id="0000000000000001",kind="http",service="Pad",target="https://pad.ana.test/",vantage="ana.test"} 1.792592e+09`,
		`probe_success{hoster="bo.test",id="0000000000000003",kind="ping",service="Sauvegarde",target="ping",vantage="ana.test"} 0`,
		`entrechat_watch_verdict{hoster="ana.test",id="0000000000000001",service="Pad",state="down",weak="false"} 1`,
		`entrechat_metrics_ok{part="watch"} 1`,
	} {
		if !strings.Contains(text, want+"\n") {
			t.Errorf("lacks %s", want)
		}
	}
	if strings.Contains(text, "secret") || strings.Contains(text, strings.Repeat("ab", 32)) {
		t.Error("a detail, or the hash of a token, is exposed")
	}
	// Unfit says nothing of the target.
	if regexp.MustCompile(`probe_success\{[^}]*id="0000000000000002"[^}]*vantage="bo.test"`).MatchString(text) {
		t.Error("an unfit look is exposed")
	}
}

// TestPromtool: Prometheus' own tool reads the page and the rules that are shipped.
func TestPromtool(t *testing.T) {
	tool := program(t, "promtool", "prometheus")
	check := exec.CommandContext(t.Context(), tool, "check", "metrics")
	check.Stdin = strings.NewReader(page(t))
	if out, err := check.CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
	if out, err := exec.CommandContext(t.Context(), tool, "check", "rules", "../../../../packaging/prometheus-watch.yml").CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
}

// TestNamesThatAreShipped: the dashboard and the rules ask for metrics that exist, with
// labels that these have.
func TestNamesThatAreShipped(t *testing.T) {
	text := page(t)
	name := regexp.MustCompile(`\b(probe|entrechat)_[a-z_]+\b`)
	for _, file := range []string{"grafana-watch.json", "prometheus-watch.yml"} {
		b, err := os.ReadFile("../../../../packaging/" + file)
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range name.FindAllString(string(b), -1) {
			if !strings.Contains(text, "\n"+n+"{") {
				t.Errorf("%s: there is no metric %s", file, n)
			}
		}
		if file == "prometheus-watch.yml" {
			continue
		}
		var dashboard struct {
			UID    string `json:"uid"`
			Panels []struct {
				ID      int    `json:"id"`
				Type    string `json:"type"`
				Title   string `json:"title"`
				Targets []struct {
					Expr  string `json:"expr"`
					RefID string `json:"refId"`
				} `json:"targets"`
				GridPos struct{ X, Y, W, H int } `json:"gridPos"`
			} `json:"panels"`
		}
		if err := json.Unmarshal(b, &dashboard); err != nil || dashboard.UID == "" || len(dashboard.Panels) < 5 {
			t.Fatalf("%v, %+v", err, dashboard)
		}
		seen := map[int]bool{}
		for _, p := range dashboard.Panels {
			if seen[p.ID] || p.Title == "" || len(p.Targets) == 0 || p.GridPos.X+p.GridPos.W > 24 {
				t.Errorf("%+v", p)
			}
			seen[p.ID] = true
			for _, q := range p.Targets {
				ask := strings.NewReplacer("$hoster", ".*", "$service", ".*").Replace(q.Expr)
				if out, err := exec.CommandContext(t.Context(), program(t, "promtool", "prometheus"), "check", "rules", rule(t, ask)).CombinedOutput(); err != nil {
					t.Errorf("%s: %s", q.Expr, out)
				}
			}
		}
	}
}

// rule is a file with one rule of an expression, for promtool to read.
func rule(t *testing.T, expr string) string {
	t.Helper()
	b, err := json.Marshal(map[string]any{"groups": []any{map[string]any{"name": "x", "rules": []any{map[string]any{"record": "x", "expr": expr}}}}})
	if err != nil {
		t.Fatal(err)
	}
	file := t.TempDir() + "/rule.yml"
	if err := os.WriteFile(file, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// TestHostileLabels: whatever stands in a target, the page can be read.
func TestHostileLabels(t *testing.T) {
	all := samples()
	for i, text := range []string{"\xff\xfe", strings.Repeat("é", 500), "a\"b\\c\nd{}#", "", "\x00"} {
		s := all[0]
		s.Target.ID, s.Target.Service, s.Target.Address = string(rune('a'+i)), text, text
		all = append(all, s)
	}
	rec := httptest.NewRecorder()
	metrics(t, func() []exposition.Sample { return all }).ServeHTTP(rec, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil))
	if rec.Code != http.StatusOK || !bytes.Contains(rec.Body.Bytes(), []byte(`entrechat_metrics_ok{part="watch"} 1`)) {
		t.Fatal(rec.Code, rec.Body.String()[:200])
	}
	check := exec.CommandContext(t.Context(), program(t, "promtool", "prometheus"), "check", "metrics")
	check.Stdin = rec.Body
	if out, err := check.CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
	many := slices.Repeat(all[:1], exposition.MaxSamples*2)
	for i := range many {
		many[i].Vantage = core.MemberID(strings.Repeat("a", 1+i%200) + strings.Repeat("b", i/200))
	}
	if got := exposition.Metrics(many); len(got) > 20*exposition.MaxSamples {
		t.Error(len(got))
	}
}
