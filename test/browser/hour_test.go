package browser

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"entrechat/internal/app/lab"
)

// TestFirstHour is the first hour of two hosters who know each other, in the browser
// alone: after init and up nothing is typed at a terminal but what a page says to give to
// restic. At its end a first snapshot lies at the other, and the overview asks for no step
// any more.
func TestFirstHour(t *testing.T) {
	a, b := twoAdmins(t)
	a.do(chromedp.Navigate(a.node.URL() + "/admin/?lang=en"))

	// The words, once wrong and once right.
	words := seedWords(t, a.node)
	var alert, typed string
	a.do(
		chromedp.Click(`.steps a[href="/admin/vault/kit"]`), chromedp.WaitVisible("#words"),
		chromedp.SetValue("#words", seedWords(t, b.node)), chromedp.Click("main form button"), chromedp.WaitVisible(`[role="alert"]`),
		chromedp.Text(`[role="alert"]`, &alert),
		chromedp.SetValue("#words", words), chromedp.Click("main form button"), chromedp.WaitVisible("main .state.fine"),
		chromedp.Value("#words", &typed),
	)
	if alert == "" || typed != "" {
		t.Errorf("another node's words: %q; the right ones stay in the page: %q", alert, typed)
	}

	// Who we are.
	a.do(
		chromedp.Navigate(a.node.URL()+"/admin/"), chromedp.Click(`.steps a[href="/admin/start"]`), chromedp.WaitVisible("#town"),
		chromedp.SendKeys("#name", "Le Chaton d'Armor"), chromedp.SendKeys("#town", "Rennes"), chromedp.Click("main button"), chromedp.WaitVisible("#seen"),
	)

	// A link to the other, who adds us; both vouch.
	var link string
	a.do(
		chromedp.Navigate(a.node.URL()+"/admin/"), chromedp.Click(`.steps a[href="/admin/members"]`), chromedp.WaitVisible(`a[href="/admin/members/invite"]`),
		chromedp.Click(`a[href="/admin/members/invite"]`), chromedp.WaitVisible("main form button"), chromedp.Click("main form button"),
		chromedp.WaitVisible("main pre"), chromedp.Text("main pre", &link),
	)
	b.do(
		chromedp.Navigate(b.node.URL()+"/admin/members/add?lang=en"), chromedp.WaitVisible("#who"),
		chromedp.SetValue("#who", link), chromedp.Click("main button"), chromedp.WaitVisible(`button[value="vouch"]`),
		chromedp.Click(`button[value="vouch"]`), chromedp.WaitVisible(`button[value="unvouch"]`),
	)
	a.until("/admin/members", `button[value="vouch"]`)
	a.do(chromedp.Click(`button[value="vouch"]`), chromedp.WaitVisible(`button[value="unvouch"]`))

	// A pact, proposed here and signed there.
	a.do(
		chromedp.Navigate(a.node.URL()+"/admin/pacts/new"), chromedp.WaitVisible("#give_store"),
		chromedp.SetValue("#give_store", "1GB"), chromedp.SetValue("#ask_store", "1GB"), chromedp.Click("main form button"), chromedp.WaitVisible(".deed"),
	)
	b.until("/admin/", `main a[href^="/admin/pacts/"]`)
	b.do(
		chromedp.Click(`main a[href^="/admin/pacts/"]`), chromedp.WaitVisible("#sure"), chromedp.Click("#sure"),
		chromedp.Click(`button[value="accept"]`), chromedp.WaitNotPresent(`button[value="accept"]`),
	)

	a.looksAndTells()

	// A backup, its tokens this once, and what restic is given.
	a.until("/admin/", `.steps li:nth-child(4).fine`)
	var commands string
	a.do(
		chromedp.Click(`.steps a[href="/admin/vault/new"]`), chromedp.WaitVisible("#name"),
		chromedp.SetValue("#name", "Not A Name"), chromedp.Click("main button"), chromedp.WaitVisible(`[role="alert"]`),
		chromedp.SetValue("#name", "files"), chromedp.Click("main form button"), chromedp.WaitVisible(".token"),
		chromedp.Text(".commands", &commands),
	)
	a.printsTokens()
	a.save(commands)

	a.until("/admin/", ".now:not(:has(.steps))")
	if out := a.run(a.node, "vault", "status"); !strings.Contains(out, "files") {
		t.Errorf("the command line sees\n%s", out)
	}
}

// looksAndTells says what is looked at, once with an address that is none, and who is told.
func (w *world) looksAndTells() {
	w.Helper()
	pad, err := lab.NewService("Bienvenue sur le pad", false)
	w.must(err)
	w.Cleanup(func() { _ = pad.Close() })
	var alert, kept string
	w.do(
		chromedp.Navigate(w.node.URL()+"/admin/"), chromedp.Click(`.steps a[href="/admin/watch/targets"]`), chromedp.WaitVisible("#address"),
		chromedp.SetValue("#address", "not an address"), chromedp.SetValue("#service", "Pad"),
		chromedp.Click(`#add ~ form button`), chromedp.WaitVisible(`[role="alert"]`),
		chromedp.Text(`[role="alert"]`, &alert), chromedp.Value("#service", &kept),
		chromedp.SetValue("#address", pad.URL()), chromedp.Click(`#add ~ form button`), chromedp.WaitVisible(`button[value="pause"]`),
	)
	if !strings.Contains(alert, "not an address") || kept != "Pad" {
		w.Errorf("an address that is none: %q, and the service typed beside it is %q", alert, kept)
	}
	w.do(
		chromedp.Navigate(w.node.URL()+"/admin/"), chromedp.Click(`.steps a[href="/admin/alerts"]`), chromedp.WaitVisible(`a[href="/admin/alerts/new"]`),
		chromedp.Click(`a[href="/admin/alerts/new"]`), chromedp.WaitVisible("#name"),
		chromedp.SetValue("#name", "Zoé"), chromedp.SetValue("#kind", "ntfy"), chromedp.SetValue("#address", pad.URL()+"alerts"),
		chromedp.Click("main form button"), chromedp.WaitVisible(`a[href="/admin/alerts/people/zoe"]`),
	)
}

// twoAdmins are two nodes that nobody has touched since init and up, each with an admin
// who is signed in.
func twoAdmins(t *testing.T) (a, b *world) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 8*time.Minute)
	t.Cleanup(cancel)
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv(asProgram, "1")
	nodes, err := lab.Found(t.TempDir(), program, 2)
	if err != nil {
		t.Fatal(err)
	}
	for i, n := range nodes {
		w := &world{T: t, ctx: ctx, node: n}
		t.Cleanup(n.Stop)
		w.must(n.Init(ctx))
		w.must(n.Up(ctx))
		w.visits = w.chromium()
		w.signIn()
		*[]**world{&a, &b}[i] = w
	}
	return a, b
}

// seedWords are what a hoster has on paper.
func seedWords(t *testing.T, n *lab.Node) string {
	t.Helper()
	text, err := os.ReadFile(n.SeedFile())
	if err != nil {
		t.Fatal(err)
	}
	var words []string
	for line := range strings.Lines(string(text)) {
		if !strings.HasPrefix(line, "#") {
			words = append(words, strings.Fields(line)...)
		}
	}
	return strings.Join(words, " ")
}

// until opens a page until something is on it.
func (w *world) until(path, selector string) {
	w.Helper()
	for there := false; !there; {
		w.do(chromedp.Navigate(w.node.URL()+path), chromedp.Evaluate(`document.querySelector(`+"`"+selector+"`"+`) != null`, &there))
		if !there {
			time.Sleep(200 * time.Millisecond) // until the limit of the world
		}
	}
}

// printsTokens: on paper the tokens are there, and the menu and the commands are not.
func (w *world) printsTokens() {
	w.Helper()
	var tokens, others bool
	w.do(
		emulation.SetEmulatedMedia().WithMedia("print"),
		chromedp.Evaluate(`[...document.querySelectorAll(".token")].every(e => e.offsetHeight > 0)`, &tokens),
		chromedp.Evaluate(`[".menu", ".commands", "button"].some(s => [...document.querySelectorAll(s)].some(e => e.offsetParent != null))`, &others),
		emulation.SetEmulatedMedia().WithMedia(""),
	)
	if !tokens || others {
		w.Errorf("printed: the tokens %v, what only a screen needs %v", tokens, others)
	}
}

// save does at a shell what the page says, with a folder of ours.
func (w *world) save(commands string) {
	w.Helper()
	dir := w.TempDir()
	w.must(os.WriteFile(filepath.Join(dir, "letter.txt"), []byte("Chère voisine,\n"), 0o600))
	script := strings.ReplaceAll(commands, "/srv", dir)
	if script == commands {
		w.Fatalf("the page names no folder to save:\n%s", commands)
	}
	if out := w.shell(nil, "sh", "-e", "-c", script); !strings.Contains(out, "saved") {
		w.Fatalf("restic saved nothing:\n%s", out)
	}
}

// restic runs it as a person with that environment would.
func (w *world) restic(env []string, words ...string) {
	w.Helper()
	w.shell(env, append([]string{"restic"}, words...)...)
}

// shell runs a command that finds restic and has a home of its own.
func (w *world) shell(env []string, words ...string) string {
	w.Helper()
	restic, err := lab.FindRestic(w.ctx, func(lab.Building) {})
	w.must(err)
	program := words[0]
	if program == "restic" {
		program = restic
	}
	c := exec.CommandContext(w.ctx, program, words[1:]...)
	c.Env = slices.Concat(os.Environ(), []string{"PATH=" + filepath.Dir(restic) + ":" + os.Getenv("PATH"), "HOME=" + w.TempDir()}, env)
	out, err := c.CombinedOutput()
	if err != nil {
		w.Fatalf("%v: %v\n%s", words, err, out)
	}
	return string(out)
}
