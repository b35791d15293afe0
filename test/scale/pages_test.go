//go:build scale

package scale

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"entrechat/internal/app/lab"
	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/room/directory/access"
	"entrechat/internal/room/directory/catalogue"
)

// servicesEach is how many services each hoster has, ours too; ENTRECHAT_SCALE_EACH
// names another number, for a machine that has less time.
const servicesEach = 200

// TestPublicPages asks everything that anybody may ask a node which knows 2,000 hosters
// with 200 services each, and has 200 of its own: what a page costs in processor time,
// and after how long its first byte comes at 50 requests a second.
func TestPublicPages(t *testing.T) {
	each := servicesEach
	if n, err := strconv.Atoi(os.Getenv("ENTRECHAT_SCALE_EACH")); err == nil {
		each = n
	}
	b := &bench{t: t, dir: t.TempDir(), figures: map[string][]float64{}}
	b.build()
	nodes, err := lab.Found(filepath.Join(b.dir, "nodes"), b.program, 1)
	b.must(err)
	n := nodes[0]
	defer n.Kill()
	t.Setenv("GOMAXPROCS", "2")
	b.must(n.Init(t.Context()))
	b.must(n.Up(t.Context()))
	b.ownFiles(n, each)
	b.world(n, each)
	pages := publicPages()
	cost, size := map[string]time.Duration{}, map[string]int64{}
	for _, page := range pages {
		const rounds = 20
		_, _, err := firstByte(n.URL() + page) // templates are read at the first one
		b.must(err)
		before := processor(b, n.Pid())
		for range rounds {
			_, bytes, err := firstByte(n.URL() + page)
			b.must(err)
			size[page] = bytes
		}
		cost[page] = (processor(b, n.Pid()) - before) / rounds
	}
	var wait sync.WaitGroup
	var lock sync.Mutex
	times := map[string][]time.Duration{}
	tick := time.NewTicker(time.Second / perSecond)
	defer tick.Stop()
	for i, begun := 0, time.Now(); time.Since(begun) < asked; i++ {
		<-tick.C
		wait.Go(func() {
			page := pages[i%len(pages)]
			took, _, err := firstByte(n.URL() + page)
			lock.Lock()
			defer lock.Unlock()
			if err != nil {
				t.Errorf("%s: %v", page, err)
			}
			times[page] = append(times[page], took)
			times["all of them"] = append(times["all of them"], took)
		})
	}
	wait.Wait()
	var out strings.Builder
	fmt.Fprintf(&out, "Measured %s; %d hosters with %d services each, load average %s; %d requests, %d a second.\n\n", time.Now().UTC().Format("2006-01-02"),
		manyHosters, each, load(b), len(times["all of them"]), perSecond)
	out.WriteString("| page | processor time, ms | kB | first byte, median, ms | p99, ms |\n|---|---|---|---|---|\n")
	ms := func(d time.Duration) string { return fmt.Sprintf("%.1f", float64(d)/float64(time.Millisecond)) }
	slices.Sort(times["all of them"])
	for _, page := range pages {
		all := times[page]
		slices.Sort(all)
		fmt.Fprintf(&out, "| `%s` | %s | %d | %s | %s |\n", page, ms(cost[page]), size[page]/1000, ms(all[len(all)/2]), ms(all[len(all)*99/100]))
	}
	all := times["all of them"]
	fmt.Fprintf(&out, "| all of them | | | %s | %s |\n", ms(all[len(all)/2]), ms(all[len(all)*99/100]))
	t.Log("\n" + out.String())
	b.between("pages", out.String())
}

func publicPages() []string {
	return []string{
		"/", "/services", "/services/s3", "/hosters", "/hosters?q=nuage&page=3", "/hosters/one?key=chaton-7.test",
		"/search", "/search?page=40", "/search?q=Nextcloud", "/search?q=lib+oue", "/search?kind=files&language=fr&open=1", "/search?town=Rennes&without_account=1", "/search?q=zebra",
		"/elsewhere", "/elsewhere/pad", "/elsewhere/pad/frame", "/transparency", "/feeds/atom.xml",
		"/api/v1/services", "/api/v1/search?q=pad", "/api/v1/hosters", "/librehost.json", "/nodeinfo/2.1", "/.well-known/chatonsinfos/s3.properties",
	}
}

// ownFiles lays our own files down, as an editor does.
func (b *bench) ownFiles(n *lab.Node, each int) {
	dir, rng := filepath.Join(n.Data(), "directory"), rand.New(rand.NewPCG(3, 3))
	b.must(os.MkdirAll(dir, 0o700))
	long := time.Now().Add(-time.Hour)
	write := func(name, text string) {
		path := filepath.Join(dir, name+".properties")
		b.must(os.WriteFile(path, []byte(text), 0o600))
		b.must(os.Chtimes(path, long, long))
	}
	head := "file.class = %s\nfile.protocol = ChatonsInfos-0.5\nfile.datetime = " + long.UTC().Format("2006-01-02T15:04:05") + "\n"
	write("organization", fmt.Sprintf(head, "Organization")+"organization.name = Nous\norganization.type = ASSOCIATION\norganization.country.name = France\norganization.country.code = FR\norganization.description = "+sentence(rng, 30)+"\n")
	for i := range each {
		write(fmt.Sprintf("s%d", i), fmt.Sprintf(head, "Service")+fmt.Sprintf("service.name = Service %d\nservice.description = %s\nservice.website = https://s%d.nous.test/\n", i, sentence(rng, 25), i)+
			"service.status.level = OK\nservice.startdate = 2020-01-01\nservice.registration = Free\nservice.registration.load = OPEN\nsoftware.name = Etherpad\nsoftware.version = 2.0\nentrechat.kind = pad\n"+
			"metrics.service.users.2026.months = 1;2;3;4\nmetrics.service.users.name = Comptes\n")
	}
}

// world fills the node's catalogue as its logbook would.
func (b *bench) world(n *lab.Node, each int) {
	d, err := db.Open(b.t.Context(), "sqlite:"+filepath.Join(n.Data(), "entrechat.db"))
	b.must(err)
	defer d.Close() //nolint:errcheck // a test's
	store, rng := catalogue.New(d), rand.New(rand.NewPCG(7, 7))
	pick := func(all []string) string { return all[rng.IntN(len(all))] }
	said, begun := core.At(time.Now().Add(-time.Hour)), time.Now()
	for i := range manyHosters {
		h := catalogue.Hoster{
			Author: catalogue.Author{Key: fmt.Sprintf("chaton-%d.test", i), Source: catalogue.FromLog, Said: said, Heard: said},
			Name:   fmt.Sprintf("Chaton %s %d", pick(words), i), Town: pick(towns), Country: pick([]string{"FR", "FR", "FR", "BE", "CH", "DE"}), About: sentence(rng, 20),
		}
		var all []catalogue.Service
		for j := range each {
			software := pick(software)
			all = append(all, catalogue.Service{
				Author: catalogue.Author{Said: said, Heard: said},
				Slug:   fmt.Sprintf("s%d", j), Name: pick(words) + " " + software, Software: software, Kind: catalogue.KindOf(software), About: sentence(rng, 8),
				Website: fmt.Sprintf("https://s%d.chaton-%d.test/", j, i), Languages: []string{pick([]string{"fr", "fr", "en", "br"})}, Level: catalogue.LevelOK,
				Access: access.Access{Register: access.Register(pick([]string{"anyone", "members", "nobody"})), Without: access.Without(pick([]string{"", "all", "none"})), Load: "open"},
			})
		}
		b.must(store.Put(b.t.Context(), h, all))
		if i%100 == 99 {
			b.t.Logf("%d hosters after %s", i+1, time.Since(begun).Round(time.Second))
		}
	}
	var chosen []string
	for i := range 50 {
		chosen = append(chosen, fmt.Sprintf("chaton-%d.test", i))
	}
	_, err = n.Run(b.t.Context(), append([]string{"directory", "refer", "pad"}, chosen...)...)
	b.must(err)
}

// firstByte asks for a page as a visitor of no language does.
func firstByte(address string) (time.Duration, int64, error) {
	begun := time.Now()
	res, err := http.Get(address)
	if err != nil {
		return 0, 0, err
	}
	defer res.Body.Close() //nolint:errcheck // only read
	one := make([]byte, 1)
	_, err = res.Body.Read(one)
	took := time.Since(begun)
	var bytes int64 = 1
	for buffer := make([]byte, 1<<16); ; {
		n, err := res.Body.Read(buffer)
		if bytes += int64(n); err != nil {
			break
		}
	}
	if res.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: status %d", url.QueryEscape(address), res.StatusCode)
	}
	return took, bytes, err
}

// processor is the processor time that a process took so far, to a hundredth of a second.
func processor(b *bench, pid int) time.Duration {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	b.must(err)
	_, rest, _ := strings.Cut(string(text), ") ")
	fields := strings.Fields(rest)
	var ticks int64
	for _, field := range fields[11:13] {
		n, err := strconv.ParseInt(field, 10, 64)
		b.must(err)
		ticks += n
	}
	return time.Duration(ticks) * 10 * time.Millisecond
}

func load(b *bench) string {
	text, err := os.ReadFile("/proc/loadavg")
	b.must(err)
	one, _, _ := strings.Cut(string(text), " ")
	return one
}
