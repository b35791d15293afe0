package browser

import (
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"entrechat/internal/app/lab"
)

// TestMove is alice, who takes her account to another hoster that gave her one, in a real
// browser: no step is held up by a page's own policy, and each is looked at.
func TestMove(t *testing.T) {
	w, _ := newNeighbours(t)
	axe, to := w.axe(), w.all[1]
	for !strings.Contains(w.run(w.node, "identity", "home", "list"), to.URL()) {
		time.Sleep(100 * time.Millisecond) // until the limit of the world
	}
	for _, n := range []*lab.Node{to, w.node} {
		var made struct {
			Link string `json:"link"`
		}
		w.must(n.RunJSON(w.ctx, &made, "identity", "person", "add", "alice"))
		w.do(
			chromedp.Navigate(made.Link+"?lang=fr"), chromedp.SendKeys("#password", "un cheval debout"),
			chromedp.Click(`form:has(#password) button`), chromedp.WaitVisible(".cards"),
		)
	}
	w.looked(axe, "move-account")
	w.do(chromedp.Click(`a[href="/account/move"]`), chromedp.WaitVisible("#home"))
	w.looked(axe, "move-leave")
	w.do(
		chromedp.SetValue("#home", to.Name), chromedp.Click(`form[action="/account/move"] button`),
		chromedp.WaitVisible("pre code"),
	)
	w.looked(axe, "move-code")
	w.do(chromedp.Click(`main a.button`), chromedp.WaitVisible("#own"))
	w.looked(axe, "move-arrive")
	w.do(chromedp.Click("#own"), chromedp.Click(`form[action="/move"] button`), chromedp.WaitVisible(".cards"))
	if out := w.run(to, "identity", "move", "show"); !strings.Contains(out, "alice") || !strings.Contains(out, w.node.Name) {
		t.Error(out)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.complaint) > 0 {
		t.Errorf("the browser complains: %q", w.complaint)
	}
}
