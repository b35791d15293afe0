package browser

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"entrechat/internal/app/lab"
)

// collective is three hosters that decide together; the pages are those of the first.
type collective struct {
	*night
	id string
}

func newCollective(t *testing.T) *collective {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 12*time.Minute)
	t.Cleanup(cancel)
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv(asProgram, "1")
	c := &collective{night: &night{world: &world{T: t, ctx: ctx}}}
	c.all, err = lab.Found(t.TempDir(), program, 3)
	c.must(err)
	for _, n := range c.all {
		t.Cleanup(n.Stop)
		c.must(n.Init(ctx))
		c.must(n.Up(ctx))
	}
	c.node = c.all[0]
	for _, pair := range [][2]int{{0, 1}, {0, 2}, {1, 2}} {
		c.must(lab.Introduce(ctx, c.all[pair[0]], c.all[pair[1]]))
	}
	charter := c.file("charter.md", "Nous nous aidons.")
	var made struct {
		ID string `json:"id"`
	}
	c.must(c.node.RunJSON(ctx, &made, "collective", "create", "--name", "Grappe", "--text", charter, "--founder", c.all[1].Name, "--founder", c.all[2].Name))
	c.id = made.ID
	for _, n := range c.all[1:] {
		c.until(func() bool {
			_, err := n.Run(ctx, "collective", "join", c.id, "--yes")
			return err == nil
		})
	}
	for _, n := range c.all {
		c.until(func() bool {
			text, err := n.Run(ctx, "--lang", "en", "decision", "electors", c.id)
			return err == nil && strings.Count(text, " yes ") == 3
		})
	}
	c.visits = c.chromium()
	return c
}

func (c *collective) file(name, text string) string {
	c.Helper()
	path := filepath.Join(c.TempDir(), name)
	c.must(os.WriteFile(path, []byte(text), 0o600))
	return path
}

// until waits for a fact, to the limit of the world.
func (c *collective) until(fact func() bool) {
	c.Helper()
	for !fact() {
		select {
		case <-time.After(300 * time.Millisecond):
		case <-c.ctx.Done():
			c.Fatal("it did not come true in time")
		}
	}
}

// propose has a hoster propose in a hurry, and the first one hear it.
func (c *collective) propose(n *lab.Node, words ...string) string {
	c.Helper()
	var made struct {
		ID string `json:"id"`
	}
	text := c.file("text.md", "Chaque hébergeur garde **une copie** de plus.\n\n- 200 Go chacun,\n- à partir de mars.")
	c.must(n.RunJSON(c.ctx, &made, append([]string{"decision", "propose", "--collective", c.id, "--text", text, "--talk", "1s", "--grace", "45s"}, words...)...))
	c.until(func() bool {
		out, err := c.node.Run(c.ctx, "decision", "list")
		return err == nil && strings.Contains(out, made.ID[:12])
	})
	return made.ID
}

// TestDecisions: a need becomes a proposal, a vote is cast by keyboard alone in three clicks, and
// what came out is shown; every page of it is looked at, in both languages, on a phone and on a
// desk.
func TestDecisions(t *testing.T) {
	c := newCollective(t)
	axe := c.axe()
	c.inspect(axe, "/decisions")

	// What will be counted while the other pages are looked at.
	counted := c.propose(c.all[2], "--kind", "choice", "--title", "Comment se parler la nuit", "--option", "Une liste de discussion", "--option", "Un forum commun", "--option", "Le téléphone, à deux", "--review", "2030-01-31", "--commit", "60s", "--reveal", "60s")
	for i, grades := range []string{"4,5,2", "3,5,0", "1,4,4"} {
		n := c.all[i]
		c.until(func() bool {
			_, err := n.Run(c.ctx, "decision", "vote", counted, "--grade", grades)
			return err == nil
		})
	}

	id := c.need(axe)
	mine := c.proposeNeed(axe, id)
	c.run(c.all[1], "decision", "list")
	c.until(func() bool {
		_, err := c.all[1].Run(c.ctx, "decision", "object", mine, "--harm", "Nos disques sont déjà pleins", "--whom", "Les hébergeurs à un seul disque", "--lift", "Seulement là où il y a de la place")
		return err == nil
	})
	c.until(func() bool {
		out, err := c.node.Run(c.ctx, "decision", "show", mine)
		return err == nil && strings.Contains(out, "Nos disques")
	})
	for _, path := range []string{"/decisions", "/decisions/" + mine, "/needs", "/admin/needs/" + id, "/admin/decisions", "/admin/decisions/" + mine, "/admin/decisions/" + mine + "/remark", "/admin/decisions/" + mine + "/withdraw", "/admin/decisions/new?replaces=" + mine} {
		c.inspect(axe, path)
	}
	c.voteByKeyboard(axe)

	last := ""
	defer func() {
		if t.Failed() {
			t.Log(last)
		}
	}()
	c.until(func() bool {
		out, err := c.node.Run(c.ctx, "--lang", "en", "decision", "show", counted)
		last = out
		return err == nil && strings.Contains(out, "3 counted so")
	})
	grades := c.propose(c.all[2], "--kind", "poll", "--title", "Qui tient la liste", "--option", "Chacun son tour, un mois chacun", "--option", "Une personne tirée au sort", "--commit", "30m", "--reveal", "5m")
	for _, path := range []string{"/admin/decisions/" + grades + "/vote", "/decisions", "/decisions/" + counted, "/decisions/" + counted + "/minutes", "/admin/decisions/" + counted} {
		c.inspect(axe, path)
	}
	var wide bool
	c.do(
		chromedp.EmulateViewport(320, 600), chromedp.Navigate(c.node.URL()+"/admin/decisions/"+grades+"/vote?lang=fr"), chromedp.WaitVisible(`input[name="g1"]`),
		chromedp.Evaluate(`document.documentElement.scrollWidth > innerWidth`, &wide),
	)
	if wide {
		t.Error("the grades are wider than 320 pixels")
	}
	c.looked(axe, "decisions_grades-fr-320")
	var text string
	c.do(chromedp.Navigate(c.node.URL()+"/decisions/"+counted+"?lang=en"), chromedp.Text("main", &text))
	for _, want := range []string{"Un forum commun", "Majority grade: Excellent", "Counted alike by 3 of 3"} {
		if !strings.Contains(text, want) {
			t.Errorf("the page lacks %q:\n%s", want, text)
		}
	}
}

// need has somebody tell a need, and answers its id once it is published.
func (c *collective) need(axe string) string {
	c.Helper()
	c.do(chromedp.Navigate(c.node.URL()+"/needs/new?lang=fr"), chromedp.WaitVisible("#goal"), chromedp.SetValue("#goal", "Partager un agenda avec ma chorale"), chromedp.SetValue("#obstacle", "Aucun formulaire"))
	c.sent()
	var all []struct {
		ID string `json:"id"`
	}
	c.must(c.node.RunJSON(c.ctx, &all, "need", "list"))
	c.run(c.node, "need", "publish", all[0].ID)
	c.signIn()
	c.inspect(axe, "/admin/needs/"+all[0].ID)
	return all[0].ID
}

// proposeNeed proposes what comes from a need by pages alone, and answers its id.
func (c *collective) proposeNeed(axe, need string) string {
	c.Helper()
	c.inspect(axe, "/admin/decisions/new?need="+need)
	var now string
	c.do(
		chromedp.Navigate(c.node.URL()+"/admin/needs/"+need+"?lang=fr"), chromedp.Click(`main a[href^="/admin/decisions/new"]`), chromedp.WaitVisible("#title"),
		chromedp.Click("main form button"), chromedp.WaitVisible(`button[value="change"]`),
	)
	c.looked(axe, "decisions_preview-fr")
	c.do(
		chromedp.Click(`form[action="/admin/decisions/send"] button:not([value])`), chromedp.WaitVisible(`main a[href$="/remark"]`), chromedp.Location(&now),
	)
	return now[strings.LastIndex(now, "/")+1:]
}

// voteByKeyboard opens the page that a mail leads to and votes without a mouse: three presses of
// Enter at the most.
func (c *collective) voteByKeyboard(axe string) {
	c.Helper()
	id := c.propose(c.all[1], "--title", "Une copie de plus", "--review", "2030-01-31", "--commit", "30m", "--reveal", "5m")
	here := "/admin/decisions/" + id
	c.until(func() bool {
		var page string
		c.do(chromedp.Navigate(c.node.URL()+here+"?lang=fr"), chromedp.Text("main", &page))
		return strings.Contains(page, "Sceller") || strings.Contains(page, "C'est à nous")
	})
	for _, path := range []string{"/admin/decisions", here, here + "/vote", here + "/object"} {
		c.inspect(axe, path)
	}
	c.do(chromedp.Navigate(c.node.URL() + here + "?lang=fr"))
	c.tabUntil(`document.activeElement.matches('main a[href$="/vote"]')`)
	c.do(chromedp.KeyEvent(kb.Enter), chromedp.WaitVisible(`input[value="agree"]`))
	c.tabUntil(`document.activeElement.name == "stance"`)
	c.do(chromedp.KeyEvent(" "), chromedp.KeyEvent(kb.ArrowDown))
	c.tabUntil(`document.activeElement.matches("main form button")`)
	var said string
	c.do(chromedp.KeyEvent(kb.Enter), chromedp.WaitVisible(`main .note[role="status"]`), chromedp.Text(`main .note[role="status"]`, &said))
	if !strings.Contains(said, "scellé : D'accord, avec une réserve") && !strings.Contains(said, "scellé\u00a0: D'accord, avec une réserve") {
		c.Errorf("after the vote: %q", said)
	}
	c.inspect(axe, here)
}

// tabUntil presses the tabulator until a thing is true of what has the focus.
func (c *collective) tabUntil(fact string) {
	c.Helper()
	for range 80 {
		var there bool
		c.do(chromedp.KeyEvent(kb.Tab), chromedp.Evaluate(fact, &there))
		if there {
			return
		}
	}
	c.Fatalf("no key leads to where %s", fact)
}
