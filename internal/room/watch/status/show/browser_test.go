package show_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"entrechat/internal/room/watch/status"
)

// axeSum is the SHA-256 of axe.min.js of axe-core 4.14.1, which ./check fetches.
const axeSum = "29348999450cdf2849a8e70b7912fc2da85a849da39c0d0d5394f51d4a9ed95c"

// browser is a tab, and what it met on the page it shows.
type browser struct {
	testing.TB
	ctx       context.Context
	axe       string
	mu        sync.Mutex
	bytes     float64
	complaint []string
}

func newBrowser(t *testing.T) *browser {
	t.Helper()
	axe, err := os.ReadFile(filepath.Join("..", "..", "..", "..", "..", ".cache", "axe.min.js"))
	if err != nil {
		t.Fatalf("axe-core is needed to look at pages: run ./check needs (%v)", err)
	}
	if sum := sha256.Sum256(axe); hex.EncodeToString(sum[:]) != axeSum {
		t.Fatal(".cache/axe.min.js is not the one this test was written with: remove it, and run ./check needs")
	}
	program, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatal("Chromium is needed to look at pages: apt-get install chromium")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	t.Cleanup(cancel)
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(program), chromedp.WSURLReadTimeout(2*time.Minute))
	if os.Getuid() == 0 {
		options = append(options, chromedp.NoSandbox) // its sandbox refuses root; it only meets our own pages
	}
	allocated, stop := chromedp.NewExecAllocator(ctx, options...)
	t.Cleanup(stop)
	tab, end := chromedp.NewContext(allocated)
	t.Cleanup(func() {
		_ = chromedp.Cancel(tab) // it waits for the browser, and removes its directory
		end()
	})
	b := &browser{TB: t, ctx: tab, axe: string(axe)}
	chromedp.ListenTarget(tab, func(event any) {
		b.mu.Lock()
		defer b.mu.Unlock()
		switch e := event.(type) {
		case *network.EventLoadingFinished:
			b.bytes += e.EncodedDataLength
		case *log.EventEntryAdded:
			b.complaint = append(b.complaint, e.Entry.Text)
		case *runtime.EventExceptionThrown:
			b.complaint = append(b.complaint, e.ExceptionDetails.Text)
		}
	})
	b.do(network.Enable(), network.SetCacheDisabled(true), log.Enable(), runtime.Enable())
	return b
}

func (b *browser) do(actions ...chromedp.Action) {
	b.Helper()
	if err := chromedp.Run(b.ctx, actions...); err != nil {
		b.Fatal(err)
	}
}

// maxPage is how much a whole page may weigh with all it loads, in bytes.
const maxPage = 60_000

// look opens a page on a screen, says what is wrong with it, and keeps a picture of it
// where ENTRECHAT_SHOTS says.
func (b *browser) look(address, name string, width int64, dark bool) {
	b.Helper()
	b.mu.Lock()
	b.bytes, b.complaint = 0, nil
	b.mu.Unlock()
	scheme := map[bool]string{true: "dark", false: "light"}[dark]
	var found string
	var all []string
	var overflow, headings int
	var text string
	b.do(
		emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}),
		chromedp.EmulateViewport(width, 900), chromedp.Navigate(address),
		chromedp.Evaluate(`document.documentElement.scrollWidth - innerWidth`, &overflow),
		chromedp.Evaluate(`document.querySelectorAll("h1").length`, &headings),
		chromedp.Evaluate(`document.documentElement.innerText`, &text),
		chromedp.Evaluate(b.axe, nil),
		chromedp.Evaluate(`axe.run({resultTypes: ["violations"]}).then(r => JSON.stringify(
			r.violations.map(v => v.impact + " " + v.id + ": " + v.help + " " + v.nodes.map(n => n.html + " " + n.failureSummary).join("; "))))`,
			&found, func(p *runtime.EvaluateParams) *runtime.EvaluateParams { return p.WithAwaitPromise(true) }),
	)
	if err := json.Unmarshal([]byte(found), &all); err != nil {
		b.Fatal(err)
	}
	b.mu.Lock()
	all = append(all, b.complaint...)
	if b.bytes > maxPage {
		all = append(all, fmt.Sprintf("weighs %.0f bytes", b.bytes))
	}
	b.mu.Unlock()
	if overflow > 0 {
		all = append(all, fmt.Sprintf("is %d pixels too wide", overflow))
	}
	if headings != 1 {
		all = append(all, fmt.Sprintf("has %d main headings", headings))
	}
	if i := strings.Index(text, "⟦"); i >= 0 {
		all = append(all, fmt.Sprintf("shows a key: %.60s", text[i:]))
	}
	for _, problem := range all {
		b.Errorf("%s: %s", name, problem)
	}
	if dir := os.Getenv("ENTRECHAT_SHOTS"); dir != "" {
		var shot []byte
		b.do(chromedp.FullScreenshot(&shot, 100))
		if err := os.WriteFile(filepath.Join(dir, name+".png"), shot, 0o600); err != nil {
			b.Fatal(err)
		}
	}
}

// TestPagesInChromium looks at each kind of page in each state, on a phone and on a desk,
// in French and in English, by day and by night.
func TestPagesInChromium(t *testing.T) {
	v, b := newVillage(t, sample(t)), newBrowser(t)
	pad := status.ServiceID("Pad")
	for name, path := range map[string]string{
		"well": "/status", "down": "/status/chaton-b.test", "silent": "/status/chaton-c.test", "weak": "/status/chaton-d.test",
		"first": "/status/chaton-e.test", "none": "/status/chaton-f.test", "work": "/status/chaton-g.test",
		"service": "/status/chaton-b.test/services/" + pad, "service_first": "/status/chaton-e.test/services/" + pad,
		"incident": "/status/chaton-b.test/incidents/0a1b2c3d4e5f", "lesson": "/status/chaton-b.test/incidents/ffee00112233",
		"learned": "/status/learned", "hosters": "/status/hosters",
	} {
		for _, width := range []int64{390, 1280} {
			for _, lang := range []string{"fr", "en"} {
				dark := (width == 390) == (lang == "en")
				b.look(v.URL+path+"?lang="+lang, fmt.Sprintf("%s-%s-%d", name, lang, width)+map[bool]string{true: "-dark"}[dark], width, dark)
			}
		}
	}
}
