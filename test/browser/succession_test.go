package browser

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"entrechat/internal/app/lab"
)

// TestPacks looks at what admins see of packs, at the owner and at its successor, and proves one
// again by its page.
func TestPacks(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 8*time.Minute)
	t.Cleanup(cancel)
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv(asProgram, "1")
	n := &night{world: &world{T: t, ctx: ctx}}
	n.all, err = lab.Found(t.TempDir(), program, 2)
	n.must(err)
	for _, node := range n.all {
		t.Cleanup(node.Stop)
		n.must(node.Init(ctx))
		n.must(node.Up(ctx))
	}
	other := n.all[1]
	n.must(lab.Introduce(ctx, n.all[0], other))
	n.must(lab.Promise(ctx, n.all[0], other, "--succeed"))
	n.node = n.all[0]
	n.visits = n.chromium()
	axe := n.axe()
	n.signIn()
	n.inspect(axe, "/admin/succession") // nothing yet
	n.run(n.node, "succession", "name", "accounts", "--to", "chaton-b.test")
	n.run(n.node, "succession", "name", "wiki", "--to", "chaton-b.test")
	n.run(n.node, "succession", "pack", "create", "accounts")
	n.run(n.node, "succession", "pack", "create", "wiki")
	n.eventually(func() bool {
		return strings.Contains(n.run(n.node, "succession", "pack", "check", "accounts"), "has pack")
	})
	one := "/admin/succession/pack/accounts"
	for _, path := range []string{"/admin/succession", one, one + "/check", "/admin/succession/pack/wiki", "/admin/succession/domain"} {
		n.inspect(axe, path)
	}
	n.do(chromedp.Navigate(n.node.URL()+one+"/check?lang=fr"), chromedp.WaitVisible("#seen-domain"), chromedp.Click("#seen-domain"), chromedp.Click("main form button"), chromedp.WaitVisible(`main a.button[href$="/check"]`))
	var says string
	n.do(chromedp.Text("main", &says))
	if !strings.Contains(says, "relu par quelqu") {
		t.Errorf("after proving again: %s", says)
	}
	n.elsewhere(other, axe, "/admin/succession?at=b", "/admin/succession/held/chaton-a.test/accounts")
}
