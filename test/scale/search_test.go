//go:build scale

package scale

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"entrechat/internal/app/lab"
	"entrechat/internal/kit/db"
	"entrechat/internal/room/directory/access"
	"entrechat/internal/room/directory/catalogue"
)

const (
	manyHosters = 2_000
	perHoster   = 10
	perSecond   = 50
	asked       = 60 * time.Second
)

// TestSearch asks the search page of a node that knows 2,000 hosters with 20,000
// services, 50 times a second, all kinds of questions in turn, and writes down how
// long the whole page took. The node runs on two cores.
func TestSearch(t *testing.T) {
	b := &bench{t: t, dir: t.TempDir(), figures: map[string][]float64{}, apart: true}
	b.build()
	nodes, err := lab.Found(filepath.Join(b.dir, "nodes"), b.program, 1)
	b.must(err)
	n := nodes[0]
	defer n.Kill()
	t.Setenv("GOMAXPROCS", "2")
	b.must(n.Init(t.Context()))
	b.must(n.Up(t.Context()))
	b.crowd(n)
	b.pin(n.Pid(), false)
	begun := time.Now()
	var wait sync.WaitGroup
	var lock sync.Mutex
	times := map[string][]time.Duration{}
	tick := time.NewTicker(time.Second / perSecond)
	defer tick.Stop()
	for i := 0; time.Since(begun) < asked; i++ {
		<-tick.C
		wait.Go(func() {
			name, query := question(i)
			took, bytes, err := fetch(n.URL() + "/search?" + query)
			lock.Lock()
			defer lock.Unlock()
			if err != nil || bytes < 1000 {
				t.Errorf("%s: %d bytes, %v", query, bytes, err)
			}
			times[name] = append(times[name], took)
			times["all of them"] = append(times["all of them"], took)
		})
	}
	wait.Wait()
	b.writeSearch(times)
}

// crowd fills the node's catalogue as its logbook and imports would.
func (b *bench) crowd(n *lab.Node) {
	d, err := db.Open(b.t.Context(), "sqlite:"+filepath.Join(n.Data(), "entrechat.db"))
	b.must(err)
	defer d.Close() //nolint:errcheck // a test's
	store, rng := catalogue.New(d), rand.New(rand.NewPCG(7, 7))
	pick := func(all []string) string { return all[rng.IntN(len(all))] }
	for i := range manyHosters {
		h := catalogue.Hoster{
			Author: catalogue.Author{Key: fmt.Sprintf("chaton-%d.test", i), Source: catalogue.FromLog, Said: 1, Heard: 2},
			Name:   fmt.Sprintf("Chaton %s %d", pick(words), i), Town: pick(towns), Country: pick([]string{"FR", "FR", "FR", "BE", "CH", "DE"}),
			About: sentence(rng, 20),
		}
		var all []catalogue.Service
		for j := range perHoster {
			software := pick(software)
			all = append(all, catalogue.Service{
				Slug: fmt.Sprintf("s%d", j), Name: pick(words) + " " + software, Software: software, Kind: catalogue.KindOf(software), About: sentence(rng, 25),
				Website: fmt.Sprintf("https://s%d.chaton-%d.test/", j, i), Languages: []string{pick([]string{"fr", "fr", "en", "br"})}, Level: catalogue.LevelOK,
				Access: access.Access{Register: access.Register(pick([]string{"anyone", "members", "nobody"})), Without: access.Without(pick([]string{"", "all", "none"}))},
			})
		}
		b.must(store.Put(b.t.Context(), h, all))
	}
	found, err := store.Find(b.t.Context(), catalogue.Query{})
	b.must(err)
	b.t.Logf("%d services", found.Total)
}

var (
	towns    = strings.Fields("Rennes Nantes Brest Lyon Lille Toulouse Grenoble Strasbourg Paris Marseille Bruxelles Genève Berlin Saint-Malo Quimper")
	software = strings.Fields("Nextcloud Etherpad PeerTube Mastodon Jitsi Forgejo Framadate PrivateBin Lufi WordPress Mattermost Synapse Wekan CryptPad SearXNG")
	words    = strings.Fields("libre ouest nuage bloc partage voisin ensemble maison commun jardin atelier quartier village école musique photo texte fichier courrier agenda vidéo forum sondage carte lien projet équipe table outil service données sauvegarde ami bois rivière montagne")
)

func sentence(rng *rand.Rand, length int) string {
	out := make([]string, length)
	for i := range out {
		out[i] = words[rng.IntN(len(words))] + fmt.Sprint(rng.IntN(50))
	}
	return strings.Join(out, " ")
}

// question is one of the kinds of question that people ask.
func question(i int) (name, query string) {
	v := url.Values{}
	switch i % 6 {
	case 0:
		name = "no filter at all"
		v.Set("page", fmt.Sprint(i%20))
	case 1:
		name = "one common word"
		v.Set("q", software[i%len(software)])
	case 2:
		name = "two beginnings"
		v.Set("q", words[i%len(words)][:3]+" "+words[(i*7)%len(words)][:3])
	case 3:
		name = "kind and language, open"
		v.Set("kind", "files")
		v.Set("language", "fr")
		v.Set("open", "1")
	case 4:
		name = "town, without account"
		v.Set("town", towns[i%len(towns)])
		v.Set("without_account", "1")
	default:
		name = "nothing is found"
		v.Set("q", "zebra")
	}
	return name, v.Encode()
}

func fetch(address string) (time.Duration, int64, error) {
	begun := time.Now()
	res, err := http.Get(address)
	if err != nil {
		return 0, 0, err
	}
	defer res.Body.Close() //nolint:errcheck // only read
	n, err := io.Copy(io.Discard, res.Body)
	if res.StatusCode != http.StatusOK {
		err = fmt.Errorf("status %d", res.StatusCode)
	}
	return time.Since(begun), n, err
}

func (b *bench) writeSearch(times map[string][]time.Duration) {
	var out strings.Builder
	fmt.Fprintf(&out, "Measured %s; %d requests, %d a second, the node on two cores, milliseconds for the whole page.\n\n", time.Now().UTC().Format("2006-01-02"), len(times["all of them"]), perSecond)
	out.WriteString("| question | median | p99 | slowest | goal (p99) |\n|---|---|---|---|---|\n")
	names := []string{}
	for name := range times {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		all := times[name]
		slices.Sort(all)
		ms := func(d time.Duration) string { return fmt.Sprintf("%.1f", float64(d)/float64(time.Millisecond)) }
		fmt.Fprintf(&out, "| %s | %s | %s | %s | <= 50 |\n", name, ms(all[len(all)/2]), ms(all[len(all)*99/100]), ms(all[len(all)-1]))
	}
	b.t.Log("\n" + out.String())
	b.between("search", out.String())
}

// between puts a text into docs/benchmarks.md between its marks.
func (b *bench) between(mark, text string) {
	path := filepath.Join("..", "..", "docs", "benchmarks.md")
	whole, err := os.ReadFile(path)
	b.must(err)
	open, shut := "<!-- "+mark+" -->\n", "<!-- /"+mark+" -->"
	before, rest, ok := strings.Cut(string(whole), open)
	_, after, ok2 := strings.Cut(rest, shut)
	if !ok || !ok2 {
		b.t.Fatalf("docs/benchmarks.md lacks its mark %q", mark)
	}
	b.must(os.WriteFile(path, []byte(before+open+text+shut+after), 0o644))
}
