package browser

import (
	"context"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"entrechat/internal/app/lab"
)

// TestNeeds has somebody say what they need by keyboard alone, and an admin answer; every page
// of it is looked at, in both languages, on a phone and on a desk.
func TestNeeds(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 6*time.Minute)
	t.Cleanup(cancel)
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv(asProgram, "1")
	n := &night{world: &world{T: t, ctx: ctx}}
	n.all, err = lab.Found(t.TempDir(), program, 1)
	n.must(err)
	n.node = n.all[0]
	n.box, err = lab.NewMailbox()
	n.must(err)
	t.Cleanup(func() { _ = n.box.Close() })
	t.Cleanup(n.node.Stop)
	n.must(n.node.Init(ctx))
	n.writesMail(n.node)
	n.must(n.node.Up(ctx))
	pad := filepath.Join(t.TempDir(), "pad.properties")
	n.must(os.WriteFile(pad, []byte(service), 0o600))
	n.run(n.node, "directory", "publish", pad)
	n.visits = n.chromium()
	axe := n.axe()

	n.inspect(axe, "/needs")
	n.inspect(axe, "/needs/new")
	n.do(chromedp.Navigate(n.node.URL()+"/needs/new?lang=fr"), chromedp.WaitVisible("#goal"))
	n.tabTo("goal")
	n.do(chromedp.KeyEvent("Partager un agenda avec ma chorale"))
	n.tabTo("obstacle")
	n.do(chromedp.KeyEvent("Aucun formulaire"), chromedp.SetValue("#address", "ana@elsewhere.test"))
	n.sent()
	var mine string
	n.do(chromedp.Location(&mine))
	at, err := url.Parse(mine)
	n.must(err)
	n.inspect(axe, at.Path)
	n.inspect(axe, n.linkIn(n.letter("ana@elsewhere.test", "/needs/confirm/"), "/needs/confirm/"))

	var all []struct {
		ID string `json:"id"`
	}
	n.must(n.node.RunJSON(ctx, &all, "need", "list"))
	id := all[0].ID
	n.signIn()
	n.inspect(axe, "/admin/needs")
	n.inspect(axe, "/admin/needs/"+id)
	n.do(chromedp.Navigate(n.node.URL()+"/admin/needs/"+id), chromedp.WaitVisible(`button[value="publish"]`), chromedp.Click(`button[value="publish"]`), chromedp.WaitVisible(`button[value="answer"]`))
	n.do(
		chromedp.SetValue("#state", "elsewhere"), chromedp.SetValue("#member", "chaton-b.test"),
		chromedp.SetValue("#text", "Chez eux :\n\n- il y a un **agenda**,\n- et une [aide](https://chaton-b.test/aide)."),
		chromedp.Click(`button[value="answer"]`), chromedp.WaitVisible("main .note"),
	)
	for _, path := range []string{"/admin/needs", "/admin/needs/" + id, "/needs", "/needs/also/" + id, at.Path} {
		n.inspect(axe, path)
	}
	if text := n.run(n.node, "need", "show", id); !strings.Contains(text, "chaton-b.test") {
		t.Error(text)
	}
}

// sent presses the button of the form until a person's pace has passed.
func (n *night) sent() {
	n.Helper()
	for range 40 {
		var now string
		n.do(chromedp.Click("main form button"), chromedp.WaitReady("main"), chromedp.Location(&now))
		if strings.Contains(now, "/needs/mine/") {
			return
		}
		time.Sleep(200 * time.Millisecond) // until the pace is a person's: the form says so
	}
	n.Fatal("the form was not taken")
}
