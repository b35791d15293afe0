package browser

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"entrechat/internal/app/lab"
)

// TestNewHoster is the first hour of somebody who has never seen the program: init,
// up, the introduction, a service drafted from its domain, completed and published;
// the file is valid and reads back as it lies on the disk. A goal of ten minutes is
// for people; what the program takes of it is logged.
func TestNewHoster(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	t.Cleanup(cancel)
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv(asProgram, "1")
	w := &world{T: t, ctx: ctx}
	nodes, err := lab.Found(t.TempDir(), program, 1)
	w.must(err)
	w.node = nodes[0]
	t.Cleanup(w.node.Stop)
	w.visits = w.chromium()
	w.do() // the browser is there before the clock runs
	domain := peertube(t)

	begun := time.Now()
	w.must(w.node.Init(ctx))
	w.must(w.node.Up(ctx))
	w.signIn()
	var facts, title, says string
	w.do(
		chromedp.Navigate(w.node.URL()+"/admin/start?lang=en"), chromedp.WaitVisible("#name"),
		chromedp.SendKeys("#name", "Le Chaton d'Armor"), chromedp.SendKeys("#town", "Rennes"), chromedp.Click("main button"), chromedp.WaitVisible("#seen"),
		chromedp.Navigate(w.node.URL()+"/admin/files"), chromedp.Click(`//a[text()="A new service"]`),
		chromedp.Click(`//a[text()="Begin with what a domain says of itself"]`), chromedp.WaitVisible("#domain"),
		chromedp.SendKeys("#domain", domain), chromedp.Click("main button"), chromedp.WaitVisible("main dl"),
		chromedp.Text("main dl", &facts),
		chromedp.Click(`//a[text()="Begin with this"]`), chromedp.WaitVisible("#software"),
		chromedp.SetValue("#name", "Vidéos"), chromedp.SetValue("#start", "2021-05-01"), chromedp.SetValue("#without", "some"),
		chromedp.Value("#version", &says),
		chromedp.Click(`button[value="save"]`), chromedp.WaitVisible(".buttons"),
		chromedp.Text("h1", &title),
	)
	took := time.Since(begun)
	if !strings.Contains(facts, "6.1.0") || !strings.Contains(facts, "/nodeinfo/2.0") || says != "6.1.0" || title != "Vidéos: published" {
		t.Errorf("facts %q, version %q, the page is called %q", facts, says, title)
	}
	for _, name := range []string{"organization", "videos"} {
		address := w.node.URL() + "/.well-known/chatonsinfos/" + name + ".properties"
		if out := w.run(w.node, "directory", "validate", address); strings.Contains(out, "error") {
			t.Error(out)
		}
		res, err := http.Get(address)
		w.must(err)
		served, err := io.ReadAll(res.Body)
		w.must(err)
		w.must(res.Body.Close())
		lies, err := os.ReadFile(filepath.Join(w.node.Data(), "directory", name+".properties"))
		w.must(err)
		if !bytes.Equal(served, lies) {
			t.Errorf("%s is served as %q and lies there as %q", name, served, lies)
		}
	}
	t.Logf("from nothing to a published service: %s of the program's time", took.Round(100*time.Millisecond))
}

// peertube is a service that says of itself what PeerTube does.
func peertube(t *testing.T) (domain string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	domain = l.Addr().String()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/nodeinfo", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"links":[{"rel":"http://nodeinfo.diaspora.software/ns/schema/2.0","href":"http://%s/nodeinfo/2.0"}]}`, domain)
	})
	mux.HandleFunc("GET /nodeinfo/2.0", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"version":"2.0","software":{"name":"peertube","version":"6.1.0"},"protocols":["activitypub"],"services":{"inbound":[],"outbound":[]},"openRegistrations":true,"usage":{"users":{"total":12}},"metadata":{}}`)
	})
	server := &http.Server{Handler: mux, ReadHeaderTimeout: time.Second}
	go func() { _ = server.Serve(l) }()
	t.Cleanup(func() { _ = server.Close() })
	return domain
}
