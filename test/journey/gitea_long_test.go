//go:build long

package journey

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"entrechat/internal/app/lab/debian"
	"entrechat/internal/app/lab/relying"
)

// What ./check long builds and unpacks.
const (
	giteaProgram = "../../.cache/bin/gitea"
	giteaSource  = "../../.cache/gitea" // has its templates
)

// gitea is a Gitea of hoster B, set up as `identity app add gitea` prints.
type gitea struct {
	w    *world
	dir  string
	at   string // host:port
	conf string
}

func newGitea(w *world) *gitea {
	w.Helper()
	source, err := filepath.EvalSymlinks(giteaSource)
	if err != nil {
		w.Fatalf("Gitea is missing, ./check long builds it: %v", err)
	}
	g := &gitea{w: w, dir: w.TempDir(), at: debian.Port(w)}
	command, settings, ok := strings.Cut(w.app("gitea", "--url", "http://"+g.at), "\n\n")
	if !ok {
		w.Fatalf("no command and settings: %s", command)
	}
	host, port, err := net.SplitHostPort(g.at)
	w.must(err)
	g.conf = debian.Write(w, filepath.Join(g.dir, "app.ini"), fmt.Sprintf(`APP_NAME = forge
RUN_MODE = prod
I_AM_BEING_UNSAFE_RUNNING_AS_ROOT = true
WORK_PATH = %[1]s
[server]
HTTP_ADDR = %[2]s
HTTP_PORT = %[3]s
ROOT_URL = http://%[4]s/
STATIC_ROOT_PATH = %[5]s
OFFLINE_MODE = true
DISABLE_SSH = true
[database]
DB_TYPE = sqlite3
PATH = %[1]s/gitea.db
[security]
INSTALL_LOCK = true
SECRET_KEY = un-cheval-debout-dans-le-pre
[service]
ALLOW_ONLY_EXTERNAL_REGISTRATION = true
[openid]
ENABLE_OPENID_SIGNIN = false
[log]
MODE = console
LEVEL = Error
`, g.dir, host, port, g.at, source)+settings)
	g.run("migrate")
	// The command as it is printed, but for what names the program and its settings.
	g.shell(strings.Replace(command, "gitea admin", "\"$GITEA\" --config \"$CONF\" admin", 1))
	debian.Daemon{Program: giteaProgram, Args: []string{"--config", g.conf, "web"}, Env: g.env(), Address: g.at}.Run(w)
	return g
}

func (g *gitea) env() []string {
	return []string{"HOME=" + g.dir, "GITEA=" + giteaProgram, "CONF=" + g.conf}
}

func (g *gitea) run(words ...string) string {
	g.w.Helper()
	return g.said(exec.CommandContext(g.w.ctx, giteaProgram, append([]string{"--config", g.conf}, words...)...))
}

func (g *gitea) shell(line string) {
	g.w.Helper()
	g.said(exec.CommandContext(g.w.ctx, "sh", "-ec", line))
}

func (g *gitea) said(c *exec.Cmd) string {
	g.w.Helper()
	c.Env = append(os.Environ(), g.env()...)
	out, err := c.CombinedOutput()
	if err != nil {
		g.w.Fatalf("%v: %v\n%s", c.Args, err, out)
	}
	return string(out)
}

// accounts are the names of its accounts.
func (g *gitea) accounts() (names []string) {
	g.w.Helper()
	for line := range strings.SplitSeq(g.run("admin", "user", "list"), "\n") {
		fields := strings.Fields(line) // ID, name, address, ...; what it logs begins otherwise
		if len(fields) < 3 {
			continue
		}
		if _, err := strconv.Atoi(fields[0]); err == nil {
			names = append(names, fields[1]+" "+fields[2])
		}
	}
	return names
}

// enters opens Gitea by the button of ours, and says who is in.
func (g *gitea) enters(ctx context.Context, b *relying.Browser) relying.Page {
	g.w.Helper()
	p, err := b.Open(ctx, "http://"+g.at+"/user/oauth2/entrechat")
	g.w.must(err)
	return p
}

// TestGitea is alice of hoster A at a Gitea of hoster B: an account is made for her, and it is
// the same one in another browser.
func TestGitea(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.account(w.a, "alice")
	g := newGitea(w)
	for round, b := range []*relying.Browser{relying.NewBrowser(), relying.NewBrowser()} {
		p := g.enters(w.ctx, b)
		w.want(p, w.b.URL()+"/sign-in", "")
		p = w.open(b, w.b.URL()+"/sign-in/elsewhere?"+p.URL.RawQuery)
		p = w.send(b, p, "/sign-in/elsewhere", "who", "alice@"+w.a.Name)
		p = w.send(b, p, "/sign-in", "who", "alice", "password", password)
		if round == 0 {
			p = w.send(b, p, "/sign-in/consent")
		}
		if p.URL.Host != g.at || p.Status != 200 || p.URL.Path != "/" {
			t.Fatalf("not in: %s %d %s", p.URL, p.Status, p.Text())
		}
		p = w.open(b, "http://"+g.at+"/user/settings")
		if !strings.Contains(p.Body, `value="alice.chaton-a-test"`) {
			t.Fatalf("not her settings: %s %s", p.URL, p.Text())
		}
		if all := g.accounts(); len(all) != 1 || all[0] != "alice.chaton-a-test alice@"+w.a.Name {
			t.Fatalf("accounts: %v", all)
		}
	}
}
