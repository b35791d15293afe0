package browser

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// visits is a browser's tab and what it met since the last look.
type visits struct {
	ctx       context.Context
	mu        sync.Mutex
	asked     []string // addresses
	bytes     float64
	status    int64
	complaint []string // console errors, refusals by the page's policy
	heaviest  float64
}

func (v *visits) enable() chromedp.Tasks {
	return chromedp.Tasks{network.Enable(), network.SetCacheDisabled(true), log.Enable(), runtime.Enable()}
}

func (v *visits) hear(event any) {
	v.mu.Lock()
	defer v.mu.Unlock()
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		v.asked = append(v.asked, e.Request.URL)
	case *network.EventResponseReceived:
		if e.Type == network.ResourceTypeDocument {
			v.status = e.Response.Status
		}
	case *network.EventLoadingFinished:
		v.bytes += e.EncodedDataLength
	case *log.EventEntryAdded:
		v.complaint = append(v.complaint, e.Entry.Text)
	case *runtime.EventExceptionThrown:
		v.complaint = append(v.complaint, e.ExceptionDetails.Text)
	}
}

func (v *visits) forget() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.asked, v.bytes, v.status, v.complaint = nil, 0, 0, nil
}

// screen is how somebody looks at a page.
type screen struct {
	width int64
	dark  bool
	lang  string
}

func (s screen) String() string {
	return fmt.Sprintf("%s-%d%s", s.lang, s.width, map[bool]string{true: "-dark"}[s.dark])
}

// screens are the ways a page is looked at once it is there: the first is the one it is
// opened on.
func screens(lang string) []screen {
	phone, desk := screen{390, false, lang}, screen{1280, false, lang}
	if lang == "en" {
		return []screen{desk, phone}
	}
	return []screen{phone, desk, {390, true, lang}}
}

// seen is what a page turned out to be.
type seen struct {
	Lang     string   `json:"lang"`
	Title    string   `json:"title"`
	Headings int      `json:"headings"`
	Scripts  int      `json:"scripts"`
	Overflow int      `json:"overflow"`
	Text     string   `json:"text"`
	Links    []string `json:"links"`
}

const look = `(() => ({
	lang: document.documentElement.lang,
	title: document.title,
	headings: document.querySelectorAll("h1").length,
	scripts: [...document.scripts].filter(s => s.type != "application/ld+json").length,
	overflow: document.documentElement.scrollWidth - innerWidth,
	text: document.documentElement.innerText,
	links: [...document.querySelectorAll("a[href]")].map(a => a.href),
}))()`

// turn shows what is open on a screen. Nothing moves: colours are at once what they will be.
func turn(s screen) chromedp.Tasks {
	scheme := "light"
	if s.dark {
		scheme = "dark"
	}
	return chromedp.Tasks{
		emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{
			{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"},
		}),
		chromedp.EmulateViewport(s.width, 900),
	}
}

// axeSum is the SHA-256 of axe.min.js of axe-core 4.14.1, which ./check fetches.
const axeSum = "29348999450cdf2849a8e70b7912fc2da85a849da39c0d0d5394f51d4a9ed95c"

// axe is the program that finds what shuts people out of a page.
func (w *world) axe() string {
	w.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", ".cache", "axe.min.js"))
	if err != nil {
		w.Fatalf("axe-core is needed to look at pages: run ./check needs (%v)", err)
	}
	if sum := sha256.Sum256(text); hex.EncodeToString(sum[:]) != axeSum {
		w.Fatal(".cache/axe.min.js is not the one this test was written with: remove it, and run ./check needs")
	}
	return string(text)
}

// What axe looks for: everything, or only what colours decide.
const (
	everything = `{resultTypes: ["violations"]}`
	colours    = `{resultTypes: ["violations"], runOnly: {type: "rule", values: ["color-contrast", "link-in-text-block"]}}`
)

// violations are what axe holds against the page that is open.
func (w *world) violations(axe, rules string) (all []string) {
	w.Helper()
	var there bool
	w.do(chromedp.Evaluate(`typeof axe == "object"`, &there))
	if !there {
		w.do(chromedp.Evaluate(axe, nil))
	}
	var found string
	w.do(chromedp.Evaluate(`axe.run(`+rules+`).then(r => JSON.stringify(
		r.violations.map(v => v.impact + " " + v.id + ": " + v.help + " " + v.nodes.map(n => n.html + " " + n.failureSummary).join("; "))))`,
		&found, func(p *runtime.EvaluateParams) *runtime.EvaluateParams { return p.WithAwaitPromise(true) }))
	w.must(json.Unmarshal([]byte(found), &all))
	return all
}

// maxPage is how much a whole page may weigh with all it loads, in bytes.
const maxPage = 60_000

// complaints are what is wrong with the page just visited.
func (w *world) complaints(got seen, s screen) (all []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	say := func(format string, args ...any) { all = append(all, fmt.Sprintf(format, args...)) }
	for _, address := range w.asked {
		// A data: address is asked of nobody; Chromium draws a date's button by one.
		if !strings.HasPrefix(address, w.node.URL()+"/") && !strings.HasPrefix(address, "data:") {
			say("asks %s, outside the node", address)
		}
	}
	w.heaviest = max(w.heaviest, w.bytes)
	for _, text := range w.complaint {
		say("the browser complains: %s", text)
	}
	if w.bytes > maxPage {
		say("weighs %.0f bytes, at most %d", w.bytes, maxPage)
	}
	if got.Lang != s.lang {
		say("says it is in %q", got.Lang)
	}
	if got.Headings != 1 {
		say("has %d main headings", got.Headings)
	}
	if got.Scripts != 0 {
		say("has scripts")
	}
	if got.Overflow > 0 {
		say("is %d pixels too wide", got.Overflow)
	}
	if i := strings.Index(got.Text, "⟦"); i >= 0 {
		say("shows a key instead of a sentence: %.60s", got.Text[i:])
	}
	return all
}

// keep writes a picture of the page for people, where ENTRECHAT_SHOTS says.
func (w *world) keep(name string) {
	dir := os.Getenv("ENTRECHAT_SHOTS")
	if dir == "" {
		return
	}
	var shot []byte
	w.do(chromedp.FullScreenshot(&shot, 100))
	w.must(os.WriteFile(filepath.Join(dir, name+".png"), shot, 0o600))
}

// looked runs axe on what is open, and keeps a picture.
func (w *world) looked(axe, name string) {
	w.Helper()
	for _, v := range w.violations(axe, everything) {
		w.Errorf("%s: axe: %s", name, v)
	}
	w.keep(name)
}
