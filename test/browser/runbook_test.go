package browser

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

const runbookText = `# The zone is gone

Who reads this has root on ns1.

## Bring it back

    knotc zone-reload chaton-a.test

| server | where |
|---|---|
| ns1 | cellar |

## Done when

It answers.
`

// TestRunbooks follows a runbook with the keyboard alone, and looks at its pages and at those
// of duties and limits.
func TestRunbooks(t *testing.T) {
	w := newWorld(t, 6*time.Minute)
	axe, dir := w.axe(), t.TempDir()
	program := func(args ...string) {
		c := exec.CommandContext(w.ctx, args[0], args[1:]...)
		c.Dir = dir
		if out, err := c.CombinedOutput(); err != nil {
			t.Fatalf("%v: %v: %s", args, err, out)
		}
	}
	program("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", filepath.Join(dir, "key"))
	texts := filepath.Join(dir, "texts")
	program("git", "init", "-q", texts)
	w.must(os.WriteFile(filepath.Join(texts, "zone.md"), []byte(runbookText), 0o600))
	program("git", "-C", texts, "add", "-A")
	program("git", "-C", texts, "-c", "user.name=Ana", "-c", "user.email=ana@chaton-a.test", "commit", "-q", "-m", "first")
	w.run(w.node, "custody", "person", "add", "Célestine-Marguerite", "--key", filepath.Join(dir, "key.pub"))
	w.run(w.node, "custody", "runbook", "add", texts)
	var list struct {
		Runbooks []struct {
			ID string `json:"id"`
		} `json:"runbooks"`
	}
	w.must(w.node.RunJSON(w.ctx, &list, "custody", "runbook", "list"))
	one := "/admin/custody/runbooks/" + list.Runbooks[0].ID

	w.signIn()
	for _, path := range []string{"/admin/custody/runbooks", one, one + "/rehearse", "/admin/custody/sources", "/admin/custody/drill", "/admin/custody/duties", "/admin/custody/duties/sign", "/admin/custody/limits"} {
		w.inspect(axe, path)
	}
	w.do(chromedp.Navigate(w.node.URL()+one+"/rehearse?lang=fr"), chromedp.WaitVisible("#scenario"))
	w.tabTo("scenario")
	w.do(chromedp.KeyEvent("ns1 est parti\r"), chromedp.WaitVisible("#defect"))
	var at, said string
	w.do(chromedp.Location(&at))
	at = strings.TrimPrefix(at, w.node.URL())
	w.inspect(axe, at)
	for n := range 3 {
		step := fmt.Sprintf(`input[name="number"][value="%d"]`, n)
		w.do(chromedp.Navigate(w.node.URL()+at), chromedp.WaitReady(step), chromedp.Focus(`button[value="next"]`), chromedp.KeyEvent("\r"), chromedp.WaitNotPresent(step))
	}
	w.inspect(axe, at)
	w.do(chromedp.Navigate(w.node.URL()+at+"?lang=fr"), chromedp.WaitVisible(`button[value="yes"]`), chromedp.Focus(`button[value="yes"]`), chromedp.KeyEvent("\r"), chromedp.WaitVisible(".note.fine"), chromedp.Text("main", &said))
	if !strings.Contains(said, "est éprouvée") {
		t.Error(said)
	}
	w.inspect(axe, at)
	w.inspect(axe, one)
}
