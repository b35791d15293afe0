//go:build scale

package oidc

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"entrechat/internal/app/lab"
	"entrechat/internal/app/lab/relying"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/seal"
	"entrechat/internal/room/identity/person"
)

// What TestCost measures.
const (
	costRounds  = 3
	costLogins  = 500 // in a round
	crowdPeople = 10_000
	crowdRate   = 50 // sign-ins a second
	crowdFor    = 30 * time.Second
	crowdRest   = 30 * time.Second
)

// TestCost compares what a sign-in of somebody who is signed in costs (request, code, tokens,
// userinfo; no hash), ours as the whole node on SQLite and npm oidc-provider with its store in
// memory, each a process of its own, in turn, for each algorithm of ID tokens.
//
//	go test -tags scale ./test/oidc -run TestCost -v
func TestCost(t *testing.T) {
	theirs, theirPid := peer(t)
	n, ours := newReal(t)
	other := theirs
	other.A = theirs.E
	sides := []struct {
		who string
		at  target
		pid int
	}{
		{"theirs RS256", theirs, theirPid},
		{"ours RS256", ours["RS256"], n.Pid()},
		{"theirs ES256", other, theirPid},
		{"ours ES256", ours["ES256"], n.Pid()},
	}
	cost := map[string][]float64{}
	probes, browsers := map[string]*probe{}, map[string]*browser{}
	for round := range costRounds + 1 {
		for _, side := range sides {
			if round == 0 {
				p := &probe{target: side.at, ctx: t.Context()}
				p.meta = p.discovery()
				probes[side.who], browsers[side.who] = p, p.browser()
			}
			p, b := probes[side.who], browsers[side.who]
			before := cpuOf(t, side.pid)
			for range costLogins {
				if a := p.userinfo(p.enter(b, p.A).Access); a.json()["sub"] == nil {
					t.Fatal(a.body)
				}
			}
			if round > 0 { // the first warms up
				cost[side.who] = append(cost[side.who], float64((cpuOf(t, side.pid)-before).Microseconds())/1000/costLogins)
			}
		}
	}
	for _, side := range sides {
		all := cost[side.who]
		slices.Sort(all)
		t.Logf("%s: %.2f ms of CPU for one sign-in [%.2f-%.2f]", side.who, all[len(all)/2], all[0], all[len(all)-1])
	}
	t.Logf("load average %s", loadNow(t))
}

// TestCrowd has 10,000 people, each signed in, sign in at a service of ours, 50 a second.
//
//	go test -tags scale ./test/oidc -run TestCrowd -v
func TestCrowd(t *testing.T) {
	n, ours := newReal(t)
	crowd(t, n, ours["ES256"])
}

// newReal is a whole node of ours with a person, and two services: one for each algorithm.
func newReal(t *testing.T) (*lab.Node, map[string]target) {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	program := filepath.Join(t.TempDir(), "entrechat")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", program, "entrechat/cmd/entrechat").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	nodes, err := lab.Found(t.TempDir(), program, 1)
	must(err)
	n := nodes[0]
	t.Cleanup(n.Kill)
	must(n.Init(t.Context()))
	must(n.Up(t.Context()))
	var made struct {
		Link string `json:"link"`
	}
	must(n.RunJSON(t.Context(), &made, "identity", "person", "add", "alice"))
	b, word := relying.NewBrowser(), "un cheval debout"
	page, err := b.Open(t.Context(), made.Link)
	must(err)
	_, err = b.Send(t.Context(), page, "", map[string]string{"password": word})
	must(err)
	all := map[string]target{}
	for _, alg := range []string{"RS256", "ES256"} {
		id := "app-" + strings.ToLower(alg)
		var added struct {
			Secret string `json:"secret"`
		}
		must(n.RunJSON(t.Context(), &added, "identity", "app", "add", "generic", "--name", id, "--url", "https://"+id+".test", "--redirect", "https://"+id+".test/cb", "--alg", alg))
		all[alg] = target{Issuer: n.URL(), People: [2]somebody{{"alice", word}}, A: client{ID: id, Secret: added.Secret, Redirects: [2]string{"https://" + id + ".test/cb"}, Basic: true}}
	}
	return n, all
}

// crowd has 10,000 people, each signed in, sign in at a service at a rate, whatever the
// answers take. The time of a sign-in is that of its three requests.
func crowd(t *testing.T, n *lab.Node, at target) {
	t.Helper()
	tokens := fill(t, n)
	p := &probe{target: at, ctx: t.Context()}
	p.meta = p.discovery()
	time.Sleep(crowdRest)
	t.Logf("at rest with %d people: %.1f MB resident", crowdPeople, residentOf(t, n.Pid()))
	before := cpuOf(t, n.Pid())
	time.Sleep(crowdRest)
	t.Logf("at rest: %.1f ms of CPU a second", float64((cpuOf(t, n.Pid())-before).Milliseconds())/crowdRest.Seconds())
	http.DefaultTransport.(*http.Transport).MaxIdleConnsPerHost = 100
	var mu sync.Mutex
	var times []time.Duration
	var crew sync.WaitGroup
	failed := 0
	tick := time.NewTicker(time.Second / crowdRate)
	defer tick.Stop()
	before = cpuOf(t, n.Pid())
	for i := range int(crowdRate * crowdFor.Seconds()) {
		<-tick.C
		crew.Go(func() {
			begun := time.Now()
			ok := arrives(p, tokens[i%len(tokens)])
			took := time.Since(begun)
			mu.Lock()
			defer mu.Unlock()
			if !ok {
				failed++
			}
			times = append(times, took)
		})
	}
	crew.Wait()
	slices.Sort(times)
	t.Logf("%d people, %d sign-ins a second for %s: half within %s, 99 of 100 within %s, the slowest %s; %d failed; %.2f ms of CPU each; load average %s", crowdPeople, crowdRate, crowdFor,
		times[len(times)/2], times[len(times)*99/100], times[len(times)-1], failed, float64((cpuOf(t, n.Pid())-before).Microseconds())/1000/float64(len(times)), loadNow(t))
	t.Logf("after it: %.1f MB resident", residentOf(t, n.Pid()))
}

// arrives is one sign-in of who has a session's cookie.
func arrives(p *probe, token string) bool {
	a := p.newAsk(p.A)
	r := p.request(http.MethodGet, p.link(a), nil)
	r.AddCookie(&http.Cookie{Name: "entrechat-person", Value: token})
	to := p.do(program(), r).to
	if to == nil || to.Query().Get("code") == "" {
		return false
	}
	t := p.call("token_endpoint", p.A, exchange(a, to.Query().Get("code")))
	return p.userinfo(t.field("access_token")).status == http.StatusOK
}

// fill writes people who are signed in, and gives their cookies.
func fill(t *testing.T, n *lab.Node) (tokens []string) {
	t.Helper()
	d, err := db.Open(t.Context(), "sqlite:"+filepath.Join(n.Data(), "entrechat.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	now := time.Now().UnixMicro()
	for from := 0; from < crowdPeople; from += 1000 {
		if err := d.Tx(t.Context(), func(ctx context.Context, q db.Querier) error {
			for i := from; i < from+1000; i++ {
				token, id := fmt.Sprintf("token-of-person-%08d", i), string(person.NewID())
				if _, err := db.Exec(ctx, q, `INSERT INTO identity_person (id, handle, name, lang, kind, status, mail, choice, roles, made_us, ended_us)
					VALUES ($1, $2, $2, 'fr', 'local', 'active', '', 'archive', '', $3, 0)`, id, fmt.Sprintf("p%05d", i), now); err != nil {
					return err
				}
				if _, err := db.Exec(ctx, q, `INSERT INTO identity_session (id, hash, person, home, amr, made_us, auth_us, seen_us, network, agent)
					VALUES ($1, $2, $1, '', 'pwd', $3, $3, $3, '', '')`, id, seal.TokenHash(token), now); err != nil {
					return err
				}
				tokens = append(tokens, token)
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	return tokens
}

// cpuOf is what a process has used, in hundredths of a second (proc(5), fields 14 and 15).
func cpuOf(t *testing.T, pid int) time.Duration {
	t.Helper()
	_, rest, _ := strings.Cut(proc(t, pid, "stat"), ") ")
	ticks := 0
	for _, field := range strings.Fields(rest)[11:13] {
		n, err := strconv.Atoi(field)
		if err != nil {
			t.Fatal(err)
		}
		ticks += n
	}
	return time.Duration(ticks) * 10 * time.Millisecond
}

// residentOf is a process' memory in MB.
func residentOf(t *testing.T, pid int) float64 {
	t.Helper()
	_, rest, _ := strings.Cut(proc(t, pid, "status"), "VmRSS:")
	var kb float64
	if _, err := fmt.Sscan(rest, &kb); err != nil {
		t.Fatal(err)
	}
	return kb * 1024 / 1e6
}

func proc(t *testing.T, pid int, file string) string {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", pid, file))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func loadNow(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		t.Fatal(err)
	}
	one, _, _ := strings.Cut(string(text), " ")
	return one
}
