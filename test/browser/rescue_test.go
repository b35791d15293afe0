package browser

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"entrechat/internal/app/lab"
)

// TestRescue has a person of a hoster that died come in at its successor by the link in their mail,
// by keyboard, and looks at every page of theirs.
func TestRescue(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 8*time.Minute)
	t.Cleanup(cancel)
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv(asProgram, "1")
	n := &night{world: &world{T: t, ctx: ctx}}
	n.all, err = lab.Found(t.TempDir(), program, 3)
	n.must(err)
	n.box, err = lab.NewMailbox()
	n.must(err)
	t.Cleanup(func() { _ = n.box.Close() })
	a, b := n.all[0], n.all[1]
	n.node = b
	for _, node := range n.all {
		t.Cleanup(node.Stop)
		n.must(node.Init(ctx))
		if node == b {
			n.writesMail(node)
		}
		n.must(node.Up(ctx))
	}
	for _, other := range n.all[1:] {
		n.must(lab.Introduce(ctx, a, other))
		n.must(lab.Pact(ctx, a, other, "2GB"))
	}
	n.must(lab.Promise(ctx, a, b, "--succeed"))
	pointer := n.leaves(a)
	a.Stop()
	n.says("read only", func() string {
		out, err := b.Run(ctx, "succession", "rescue", "open", a.Name, "cloud", "--pointer", pointer)
		if err != nil {
			return err.Error()
		}
		return out + "read only"
	})
	n.visits = n.chromium()
	axe := n.axe()
	at := "/rescue/" + a.Name
	n.inspect(axe, "/rescue")
	n.inspect(axe, at+"/")
	n.do(chromedp.Navigate(n.node.URL()+at+"/?lang=fr"), chromedp.WaitVisible("#mail"))
	n.tabTo("mail")
	n.do(chromedp.KeyEvent("alice@elsewhere.test\r"), chromedp.WaitVisible("main .note[role=status]"))
	n.inspect(axe, at+"/sent")
	link := "/rescue/in?code=" + regexp.MustCompile(`code=([A-Z2-7]+)`).FindStringSubmatch(n.letter("alice@elsewhere.test", "/rescue/in"))[1]
	n.inspect(axe, link)
	n.do(chromedp.Navigate(n.node.URL()+link), chromedp.WaitVisible("main button"), chromedp.Click("main button"), chromedp.WaitVisible("main .cards"))
	links := n.inspect(axe, at+"/mine")
	for _, l := range links {
		u, err := url.Parse(l)
		n.must(err)
		if strings.Contains(u.Path, "/of/") || strings.Contains(u.Path, "/mail/") {
			n.inspect(axe, u.EscapedPath())
		}
		if strings.Contains(u.Path, "/of/") && strings.Contains(n.text(u.EscapedPath()), "start.txt") {
			n.inspect(axe, u.EscapedPath()+"start.txt")
		}
	}
	n.inspect(axe, at+"/erase")
	n.inspect(axe, at+"/password")
	n.do(chromedp.Click("main form button"), chromedp.WaitVisible(".token"))
	n.looked(axe, "rescue_password-shown")
	if out := n.run(b, "succession", "rescue", "show", a.Name, "cloud"); !strings.Contains(out, "1 ") {
		t.Error(out)
	}
}

// text is what a page says.
func (n *night) text(path string) (said string) {
	n.Helper()
	n.do(chromedp.Navigate(n.node.URL()+path), chromedp.Text("main", &said))
	return said
}

// says repeats something until it says what is waited for.
func (n *night) says(want string, try func() string) {
	n.Helper()
	for {
		said := try()
		if strings.Contains(said, want) {
			return
		}
		select {
		case <-n.ctx.Done():
			n.Fatalf("never %q: %s", want, said)
		case <-time.After(time.Second):
		}
	}
}

// leaves makes what a hoster leaves of a service: a backup, a pack at its successor, a pointer.
func (n *night) leaves(a *lab.Node) (pointer string) {
	n.Helper()
	dir := n.TempDir()
	for name, text := range map[string]string{
		"home/alice/notes.txt": "x", "home/alice/Été à Nantes/photo & co.jpg": "x", "home/alice/" + strings.Repeat("très-long-", 20) + ".odt": "x",
		"mail/alice/cur/1700000001.a:2,S": "From: =?utf-8?Q?C=C3=A9leste?= <c@elsewhere.test>\nSubject: Un sujet assez long pour un petit téléphone qui tient debout\n\nx\n",
		"mail/alice/.Archives/cur/1.b:2,": "Subject: vieux\n\nx\n", "mail/alice/.Archives/new/x": "Subject: y\n\nx\n", "cal/alice/a.ics": "BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n",
		"wiki/start.txt": "====== Bienvenue ======\n\n  * un\n  * deux\n",
	} {
		path := filepath.Join(dir, "src", name)
		n.must(os.MkdirAll(filepath.Dir(path), 0o700))
		n.must(os.WriteFile(path, []byte(text), 0o600))
	}
	n.run(a, "vault", "create", "cloud")
	env := os.Environ()
	for line := range strings.Lines(n.run(a, "vault", "env", "cloud")) {
		if set, ok := strings.CutPrefix(strings.TrimSpace(line), "export "); ok {
			env = append(env, strings.ReplaceAll(set, "'", ""))
		}
	}
	for _, words := range [][]string{{"init"}, {"backup", "."}} {
		cmd := exec.CommandContext(n.ctx, "restic", words...)
		cmd.Env, cmd.Dir = env, filepath.Join(dir, "src")
		if out, err := cmd.CombinedOutput(); err != nil {
			n.Fatalf("%v: %s", err, out)
		}
	}
	n.says("safe", func() string { return n.run(a, "vault", "status", "cloud") })
	n.run(a, "succession", "name", "cloud", "--to", n.node.Name, "--backup", "cloud")
	n.run(a, "succession", "pack", "create", "cloud")
	list := filepath.Join(dir, "people.csv")
	n.must(os.WriteFile(list, []byte("user;mail;lang;names\nalice;alice@elsewhere.test;fr;\n"), 0o600))
	conf := filepath.Join(a.Data(), "succession", "cloud", "pack.toml")
	text, err := os.ReadFile(conf)
	n.must(err)
	said := strings.ReplaceAll(strings.ReplaceAll(string(text), `csv = ""`, fmt.Sprintf("csv = %q", list)), "[?]", "x")
	for _, s := range [][2]string{{"files", "home/{user}"}, {"maildir", "mail/{user}"}, {"calendar", "cal/{user}"}, {"wiki", "wiki"}} {
		said += fmt.Sprintf("\n[[share]]\nkind = %q\npath = %q\npublic = %v\n", s[0], s[1], s[0] == "wiki")
	}
	n.must(os.WriteFile(conf, []byte(said), 0o600))
	n.says("has pack", func() string { return n.run(a, "succession", "pack", "check", "cloud") })
	n.says(`"readers_untold": []`, func() string { return n.run(a, "vault", "status", "--json") })
	pointer = filepath.Join(dir, "pointer.json")
	n.run(a, "succession", "pointer", "cloud", "--out", pointer, "--yes")
	return pointer
}
