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

// TestDebates leads a debate by its pages, with another hoster that reads and answers; every
// page of it is looked at, in both languages, on a phone and on a desk.
func TestDebates(t *testing.T) {
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
	n.must(lab.Introduce(ctx, n.all[0], n.all[1]))
	n.node = n.all[0]
	other := n.all[1]
	n.visits = n.chromium()
	axe := n.axe()
	n.inspect(axe, "/debates")
	n.signIn()
	n.inspect(axe, "/admin/debates")
	n.inspect(axe, "/admin/debates/new")
	n.do(chromedp.Navigate(n.node.URL()+"/admin/debates/new?lang=fr"), chromedp.WaitVisible("#title"))
	n.tabTo("title")
	n.do(chromedp.KeyEvent("Deux jours de pads perdus"), chromedp.SetValue("#reason", "data"), chromedp.Click("main form button"), chromedp.WaitVisible(`main a.button[href$="/text"]`))
	var all []struct {
		ID  string `json:"id"`
		Doc string `json:"doc"`
	}
	n.must(n.node.RunJSON(ctx, &all, "debate", "list"))
	own := "/admin/debates/own/" + all[0].ID
	for _, path := range []string{own, own + "/text", own + "/action"} {
		n.inspect(axe, path)
	}
	n.do(chromedp.Navigate(n.node.URL()+own+"/text?lang=fr"), chromedp.WaitVisible("#what"))
	n.do(chromedp.SetValue("#what", "Une erreur humaine."), chromedp.SetValue("#question", "Comment voyez-vous qu'une sauvegarde s'est arrêtée ?"), chromedp.Click("main form button"), chromedp.WaitVisible("[role=alert]"))
	n.do(chromedp.SetValue("#what", "La sauvegarde échouait depuis deux jours, et rien à l'écran ne le disait."), chromedp.Click("main form button"), chromedp.WaitVisible(`button[value="ask"]`))
	n.inspect(axe, own)
	n.run(n.node, "debate", "action", "add", all[0].ID, "--what", "Montrer l'âge de la dernière sauvegarde", "--role", "astreinte", "--due", "2027-12-31")
	n.do(chromedp.Navigate(n.node.URL()+own), chromedp.WaitVisible(`button[value="ask"]`), chromedp.Click(`button[value="ask"]`), chromedp.WaitReady(`main details button[value="ask"]`))
	n.inspect(axe, own)
	var drafts []struct {
		ID string `json:"id"`
	}
	n.must(other.RunJSON(ctx, &drafts, "debate", "drafts"))

	// The other's pages: what it is asked to read.
	n.elsewhere(other, axe, "/admin/debates", "/admin/debates/draft/"+drafts[0].ID)
	n.run(other, "debate", "read", drafts[0].ID, "--note", "Dites quel âge a la sauvegarde maintenant.")
	n.node.Stop()
	n.must(n.node.Up(ctx))
	n.eventually(func() bool {
		return strings.Contains(n.run(n.node, "debate", "list"), "chaton-b.test") && strings.Contains(n.run(n.node, "debate", "show", all[0].ID, "--json"), `"read_us"`)
	})
	n.inspect(axe, own)
	n.do(chromedp.Navigate(n.node.URL()+own), chromedp.WaitVisible(`button[value="publish"]`), chromedp.Click(`button[value="publish"]`), chromedp.WaitReady(`main details button[value="withdraw"]`))
	n.must(n.node.RunJSON(ctx, &all, "debate", "list"))
	n.eventually(func() bool { return strings.Contains(n.run(other, "debate", "theirs"), "pads") })
	n.elsewhere(other, axe, "/admin/debates", "/admin/debates/their/"+all[0].Doc)
	n.run(other, "debate", "answer", all[0].Doc, "Un veilleur qui attend un signe après chaque sauvegarde.")
	n.elsewhere(other, axe, "/admin/debates/their/"+all[0].Doc)
	n.eventually(func() bool { return strings.Contains(n.run(n.node, "debate", "show", all[0].ID), "veilleur") })
	n.inspect(axe, own)
	n.do(chromedp.Navigate(n.node.URL()+own), chromedp.WaitVisible(`button[value="show"]`), chromedp.Click(`button[value="show"]`), chromedp.WaitNotPresent(`button[value="show"]`))
	for _, path := range []string{own, "/admin/debates", "/debates", "/debates/" + all[0].ID} {
		n.inspect(axe, path)
	}
}

// elsewhere looks at pages of another node, signed in there.
func (n *night) elsewhere(other *lab.Node, axe string, paths ...string) {
	n.Helper()
	own := n.node
	n.node = other
	n.signIn()
	for _, path := range paths {
		n.inspect(axe, path)
	}
	n.node = own
	n.signIn()
}

// eventually waits for a fact, a minute and a half at most.
func (n *night) eventually(fact func() bool) {
	n.Helper()
	for range 180 {
		if fact() {
			return
		}
		time.Sleep(500 * time.Millisecond)
	}
	n.Fatal("it did not come")
}
