package browser

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// TestClosing is the end of a hoster's accounts as a person lives it: a mail, a banner, a page that
// says what to do, a choice that nothing made beforehand, and a slip that proves it was counted.
func TestClosing(t *testing.T) {
	n := newAccounts(t)
	axe := n.axe()
	n.signUp(axe)
	n.inspect(axe, "/succession")
	n.inspect(axe, "/succession/choice")
	day := time.Now().UTC().AddDate(0, 0, 90).Format(time.DateOnly)
	n.run(n.node, "succession", "close", "accounts", "--last-day", day, "--yes")
	n.run(n.node, "succession", "tell", "accounts", "--fr", "Nous arrêtons, faute de bras. Merci pour ces années.", "--en", "We stop, for want of hands. Thank you for these years.", "--yes")

	// What a node sends and counts from time to time, it sends and counts when it starts.
	n.node.Stop()
	n.must(n.node.Up(n.ctx))
	if letter := n.letter("zoe@chaton-c.test", "/succession/choice"); !strings.Contains(letter, n.node.URL()+"/succession/chaton-a.test") {
		t.Errorf("the mail does not lead to the page:\n%s", letter)
	}
	n.eventually(func() bool { return strings.Contains(n.run(n.node, "log", "show"), "entrechat/choices/1") })
	n.inspect(axe, "/")
	n.inspect(axe, "/succession")
	n.inspect(axe, "/succession/chaton-a.test")
	n.inspect(axe, "/succession/choice")

	n.open("/succession/choice?lang=fr", "fieldset.choices")
	var ticked int
	n.do(chromedp.Evaluate(`document.querySelectorAll("input:checked").length`, &ticked))
	if ticked != 0 {
		t.Error("something is ticked beforehand")
	}
	n.do(chromedp.Click(`input[value="erase"]`), chromedp.Click("fieldset + p button"), chromedp.WaitVisible("main .state.fine"))
	n.inspect(axe, "/succession/choice")
	n.do(chromedp.WaitReady(`main a[href="/succession/choice/slip/accounts"]`))
	leaves := n.plain("/succession/choices/accounts")
	if !strings.HasSuffix(leaves, " handover\n") || strings.Count(leaves, "\n") != 1 || strings.Contains(leaves, "zoe") {
		t.Errorf("choices %q", leaves)
	}
}

// plain is a file for everybody, as a program gets it.
func (n *night) plain(path string) string {
	n.Helper()
	r, err := http.NewRequestWithContext(n.ctx, http.MethodGet, n.node.URL()+path, nil)
	n.must(err)
	res, err := http.DefaultClient.Do(r)
	n.must(err)
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	n.must(err)
	return string(text)
}
