//go:build scale

package scale

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"entrechat/internal/app/lab"
	"entrechat/internal/kit/db"
)

// How long each program is measured, after a time to settle; ENTRECHAT_SCALE_WINDOW names
// another window.
const (
	watchWindow = 2 * time.Minute
	watchSettle = 30 * time.Second
	watchRounds = 2
)

// watchRun is a farm and what is measured at it.
type watchRun struct {
	*bench
	place  farmPlace
	farm   *process
	window time.Duration
	loads  []string
}

// process is a program that runs beside the test.
type process struct {
	cmd   *exec.Cmd
	in    io.WriteCloser
	lines *bufio.Scanner
}

// TestWatchAgainstBlackbox looks at 5,000 targets each 10 s, by turns with our looks and
// with blackbox_exporter and Prometheus, each target with a real handshake at each look.
// Then a tenth of the targets hang.
func TestWatchAgainstBlackbox(t *testing.T) {
	w := &watchRun{bench: &bench{t: t, dir: t.TempDir(), figures: map[string][]float64{}}, window: watchWindow}
	if d, err := time.ParseDuration(os.Getenv("ENTRECHAT_SCALE_WINDOW")); err == nil {
		w.window = d
	}
	w.farm = w.role("farm", w.dir)
	defer w.farm.end()
	w.farm.read(w.bench, &w.place)
	for range watchRounds {
		w.ours(false)
		w.theirs()
	}
	w.ours(true)
	w.writeWatch()
}

// TestWatchInTheNode has the real binary look at the 5,000 targets, as its own services:
// what the whole node takes with all its rooms, verdicts included, beside what it took at
// rest.
func TestWatchInTheNode(t *testing.T) {
	w := &watchRun{bench: &bench{t: t, dir: t.TempDir(), figures: map[string][]float64{}}, window: watchWindow}
	if d, err := time.ParseDuration(os.Getenv("ENTRECHAT_SCALE_WINDOW")); err == nil {
		w.window = d
	}
	w.build()
	w.farm = w.role("farm", w.dir)
	defer w.farm.end()
	w.farm.read(w.bench, &w.place)
	t.Setenv("SSL_CERT_FILE", w.place.CA)
	nodes, err := lab.Found(filepath.Join(w.dir, "nodes"), w.program, 1)
	w.must(err)
	n := nodes[0]
	defer n.Kill()
	w.must(n.Init(t.Context()))
	w.must(n.Up(t.Context()))
	time.Sleep(watchSettle / 2)
	rest, before := w.resident(n.Pid()), processor(w.bench, n.Pid())
	time.Sleep(watchSettle)
	atRest := (processor(w.bench, n.Pid()) - before).Seconds() / watchSettle.Seconds()
	w.own(n)
	time.Sleep(watchSettle)
	first := w.ask("/counts")
	w.measure("node", n.Pid())
	var out strings.Builder
	fmt.Fprintf(&out, "Measured %s over %v, load average %s: %s processor seconds for 1,000 looks (the same node at rest: %.1f ms a second), %s looks/s, %s MiB at most, %.1f\nmore than at rest (goal <= 64); %d of %d targets were connected to within 30 s of being written down; %s %% of the handshakes.\n",
		time.Now().UTC().Format("2006-01-02"), w.window, strings.Join(w.loads, ", "), w.fine("node cpu"), atRest*1000, w.fine("node looks/s"), w.fine("node peak MiB"), w.median("node peak MiB")-rest,
		first.Seen, farmTargets, w.fine("node handshakes"))
	w.between("watch, the node", out.String())
	t.Log(out.String())
}

// own writes the farm's targets into the node's database, as local ones of its own.
func (w *watchRun) own(n *lab.Node) {
	d, err := db.Open(w.t.Context(), "sqlite:"+filepath.Join(n.Data(), "entrechat.db"))
	w.must(err)
	defer d.Close()
	w.must(d.Tx(w.t.Context(), func(ctx context.Context, q db.Querier) error {
		for _, item := range farmItems(w.place) {
			t := item.Target
			expect, err := json.Marshal(t.Expect)
			if err != nil {
				return err
			}
			if _, err := db.Exec(ctx, q, `INSERT INTO watch_target (owner, id, service, kind, address, every_s, expect, local, paused, made_us, idx, gone)
				VALUES ($1, $2, $3, $4, $5, $6, $7, TRUE, FALSE, $8, -1, FALSE)`,
				n.Name, t.ID, t.Service, t.Kind, t.Address, int64(t.Every/time.Second), string(expect), time.Now().UnixMicro()); err != nil {
				return err
			}
		}
		return nil
	}))
}

// role starts this binary as something else.
func (w *watchRun) role(name, dir string) *process {
	place, err := json.Marshal(w.place)
	w.must(err)
	return w.start(append(os.Environ(), "ENTRECHAT_SCALE_ROLE="+name, "ENTRECHAT_SCALE_DIR="+dir, "ENTRECHAT_SCALE_FARM="+string(place)), os.Args[0])
}

func (w *watchRun) start(env []string, program string, args ...string) *process {
	p := &process{cmd: exec.CommandContext(w.t.Context(), program, args...)}
	p.cmd.Env, p.cmd.Stderr = env, os.Stderr
	in, err := p.cmd.StdinPipe()
	w.must(err)
	out, err := p.cmd.StdoutPipe()
	w.must(err)
	p.in, p.lines = in, bufio.NewScanner(out)
	p.lines.Buffer(nil, 1<<20)
	w.must(p.cmd.Start())
	return p
}

// read takes the next line of a program's output.
func (p *process) read(b *bench, into any) {
	b.t.Helper()
	if !p.lines.Scan() {
		b.t.Fatalf("%s ended: %v", p.cmd.Path, p.cmd.Wait())
	}
	b.must(json.Unmarshal(p.lines.Bytes(), into))
}

func (p *process) end() {
	_ = p.cmd.Process.Kill()
	_ = p.cmd.Wait()
}

// ask calls the farm.
func (w *watchRun) ask(path string) (c farmCounts) {
	resp, err := http.Get("http://127.0.0.1:" + w.place.Control + path)
	w.must(err)
	defer resp.Body.Close()
	if path == "/counts" {
		w.must(json.NewDecoder(resp.Body).Decode(&c))
	}
	return c
}

// ours runs scheduler, looks and record; hang has a tenth of the targets hang.
func (w *watchRun) ours(hang bool) {
	dir, err := os.MkdirTemp(w.dir, "looker")
	w.must(err)
	p := w.role("looker", dir)
	defer p.end()
	name := "ours"
	if hang {
		name = "hanging"
		w.ask("/reset?hang")
	} else {
		w.ask("/reset")
	}
	var begun, ended lookerSays
	_, err = io.WriteString(p.in, "go\n")
	w.must(err)
	p.read(w.bench, &begun)
	time.Sleep(farmEvery + 5*time.Second)
	first := w.ask("/counts")
	w.figures[name+" seen"] = append(w.figures[name+" seen"], float64(first.Seen))
	w.figures[name+" last first s"] = append(w.figures[name+" last first s"], float64(first.LastFirst-begun.Begun)/1e6)
	time.Sleep(watchSettle - farmEvery)
	w.measure(name, p.cmd.Process.Pid)
	_, err = io.WriteString(p.in, "say\n")
	w.must(err)
	p.read(w.bench, &ended)
	w.figures[name+" unfit"] = append(w.figures[name+" unfit"], float64(ended.Unfit))
	w.t.Logf("%s: %+v", name, ended)
	if ended.Dropped > 0 || len(ended.Examples) > 0 {
		w.t.Errorf("%s: %d results dropped, failures %q", name, ended.Dropped, ended.Examples)
	}
}

// theirs runs Debian's blackbox_exporter and Prometheus.
func (w *watchRun) theirs() {
	dir, err := os.MkdirTemp(w.dir, "blackbox")
	w.must(err)
	w.ask("/reset")
	exporter, server := w.free(), w.free()
	blackbox := w.start(os.Environ(), w.find("prometheus-blackbox-exporter"), "--config.file="+w.blackboxFile(dir), "--web.listen-address="+exporter, "--log.level=error")
	defer blackbox.end()
	prometheus := w.start(os.Environ(), w.find("prometheus"), "--config.file="+w.prometheusFile(dir, exporter), "--web.listen-address="+server,
		"--storage.tsdb.path="+filepath.Join(dir, "data"), "--log.level=error")
	defer prometheus.end()
	time.Sleep(watchSettle)
	w.measure("theirs", blackbox.cmd.Process.Pid, prometheus.cmd.Process.Pid)
}

// find names a program of Debian's.
func (w *watchRun) find(name string) string {
	path, err := exec.LookPath(name)
	if err != nil {
		w.t.Fatalf("%v: run `apt-get install -y --no-install-recommends prometheus prometheus-blackbox-exporter`", err)
	}
	return path
}

func (w *watchRun) free() string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	w.must(err)
	defer l.Close()
	return l.Addr().String()
}

func (w *watchRun) blackboxFile(dir string) string {
	path := filepath.Join(dir, "blackbox.yml")
	w.must(os.WriteFile(path, []byte(fmt.Sprintf(`modules:
  https:
    prober: http
    timeout: 9s
    http:
      preferred_ip_protocol: ip4
      fail_if_not_ssl: true
      fail_if_body_not_matches_regexp: [%q]
      tls_config: {ca_file: %s}
  http:
    prober: http
    timeout: 9s
    http:
      preferred_ip_protocol: ip4
      fail_if_body_not_matches_regexp: [%q]
  tcp:
    prober: tcp
    timeout: 9s
    tcp:
      preferred_ip_protocol: ip4
      query_response: [{expect: "^220 "}]
`, farmText, w.place.CA, farmText)), 0o600))
	return path
}

func (w *watchRun) prometheusFile(dir, exporter string) string {
	var out strings.Builder
	fmt.Fprintf(&out, "global: {scrape_interval: %v, scrape_timeout: %v}\nscrape_configs:\n", farmEvery, farmEvery)
	for _, kind := range []string{"https", "http", "tcp"} {
		fmt.Fprintf(&out, `- job_name: %s
  metrics_path: /probe
  params: {module: [%s]}
  relabel_configs:
  - {source_labels: [__address__], target_label: __param_target}
  - {source_labels: [__param_target], target_label: instance}
  - {target_label: __address__, replacement: %q}
  static_configs:
  - targets:
`, kind, kind, exporter)
		for i := range farmTargets {
			if farmKind(i) != kind {
				continue
			}
			switch kind {
			case "tcp":
				fmt.Fprintf(&out, "    - %s:%s\n", farmAddress(i), w.place.TCP)
			case "http":
				fmt.Fprintf(&out, "    - http://%s:%s/\n", farmAddress(i), w.place.HTTP)
			default:
				fmt.Fprintf(&out, "    - https://%s:%s/\n", farmAddress(i), w.place.HTTPS)
			}
		}
	}
	path := filepath.Join(dir, "prometheus.yml")
	w.must(os.WriteFile(path, []byte(out.String()), 0o600))
	return path
}

// measure keeps what programs took and what the farm saw of them in one window.
func (w *watchRun) measure(name string, pids ...int) {
	w.loads = append(w.loads, load(w.bench))
	used := func() (sum time.Duration) {
		for _, pid := range pids {
			sum += processor(w.bench, pid)
		}
		return sum
	}
	before, cpu, farmCPU, begun := w.ask("/counts"), used(), processor(w.bench, w.farm.cmd.Process.Pid), time.Now()
	time.Sleep(w.window)
	after, lasted := w.ask("/counts"), time.Since(begun)
	cpu, farmCPU = used()-cpu, processor(w.bench, w.farm.cmd.Process.Pid)-farmCPU
	looks := float64(after.Answered - before.Answered + after.Hung - before.Hung)
	keep := func(what string, v float64) {
		w.figures[name+" "+what] = append(w.figures[name+" "+what], v)
		w.t.Logf("%-28s %8.3f", name+" "+what, v)
	}
	keep("looks/s", looks/lasted.Seconds())
	keep("cpu", cpu.Seconds()/looks*1000)
	keep("farm cpu", farmCPU.Seconds()/looks*1000)
	keep("handshakes", float64(after.Handshakes-before.Handshakes)/(looks*0.6)*100)
	quick := 0
	for i := range farmTargets {
		if !farmHangs(i) {
			quick++
		}
	}
	keep("quick rate", float64(after.Quick-before.Quick)/(float64(quick)*lasted.Seconds()/farmEvery.Seconds())*100)
	memory := 0.0
	for _, pid := range pids {
		memory += w.resident(pid)
	}
	keep("peak MiB", memory)
}

// resident is the most memory a process had, in MiB.
func (w *watchRun) resident(pid int) float64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	w.must(err)
	for _, m := range kilobytes.FindAllStringSubmatch(string(text), -1) {
		if m[1] == "VmHWM" {
			var kb float64
			_, err = fmt.Sscan(m[2], &kb)
			w.must(err)
			return kb / 1024
		}
	}
	w.t.Fatal("no VmHWM")
	return 0
}

func (w *watchRun) writeWatch() {
	var out strings.Builder
	fmt.Fprintf(&out, "Measured %s, %d rounds in turn of %v each, medians [least-most]; %d targets each %v of %d hosters; %d cores, load average at each beginning %s.\n\n",
		time.Now().UTC().Format("2006-01-02"), watchRounds, w.window, farmTargets, farmEvery, farmHosters, runtime.NumCPU(), strings.Join(w.loads, ", "))
	out.WriteString("| | ours | blackbox_exporter and Prometheus | ratio | goal |\n|---|---|---|---|---|\n")
	row := func(title, what, format, goal string) {
		fmt.Fprintf(&out, "| %s | %s | %s | "+format+" | %s |\n", title, w.fine("ours "+what), w.fine("theirs "+what), w.median("ours "+what)/w.median("theirs "+what), goal)
	}
	row("processor seconds for 1,000 looks", "cpu", "%.2f", "<= 0.6, ratio <= 0.25")
	row("most memory, MiB", "peak MiB", "%.2f", "<= 64")
	row("looks/s that the targets saw", "looks/s", "%.2f", "500")
	row("handshakes of looks with TLS, %", "handshakes", "%.2f", "100")
	row("the targets' own processor seconds for 1,000", "farm cpu", "%.2f", "")
	fmt.Fprintf(&out, "\nOurs from the start: %.0f of %d targets were connected to, the last one after %s s (goal: one interval, 10 s). With a tenth of the targets hanging: the others had %.1f %% of their\nrate (goal: 99), %s processor seconds for 1,000 looks, %s MiB; all were connected to within %s s. Looks that we called unfit: %s, and %s while some hung.\n",
		w.median("ours seen"), farmTargets, w.fine("ours last first s"), w.median("hanging quick rate"), w.fine("hanging cpu"), w.fine("hanging peak MiB"),
		w.fine("hanging last first s"), w.fine("ours unfit"), w.fine("hanging unfit"))
	w.between("watch", out.String())
	w.t.Log(out.String())
}

// fine is a median with its spread, to two digits.
func (w *watchRun) fine(name string) string {
	all := w.figures[name]
	low, high := all[0], all[0]
	for _, v := range all {
		low, high = min(low, v), max(high, v)
	}
	if len(all) == 1 {
		return fmt.Sprintf("%.2f", low)
	}
	return fmt.Sprintf("%.2f [%.2f-%.2f]", w.median(name), low, high)
}
