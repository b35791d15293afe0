package mail

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"

	"entrechat/internal/app/lab/debian"
	"entrechat/internal/room/succession/recipe"
	"entrechat/internal/room/succession/recipe/mail"
)

// world is two hosters of the same domain: the old one with people, the new one empty.
type world struct {
	*testing.T
	old, now *debian.Hoster
	people   []string
	dir      string // of the move
	password string // file with the probe's
}

const domain = "old.test"

// odd are names of people and of folders that programs stumble over.
var (
	oddPeople  = []string{"jean.dupont", "o.neil+x", "a&b", "été", "x_y=z", "probe"}
	oddFolders = []string{"R&D", "Été/À lire", "日本語", "two  spaces", "&amp;", "it's", "Archives/2024/Q1", "dollar$(x)", "100 percent", "semi;colon"}
)

func newWorld(t *testing.T, people ...string) *world {
	t.Helper()
	w := &world{T: t, dir: t.TempDir()}
	w.old = debian.MailHoster(t, "old", "maildir:~/Maildir", domain)
	w.now = debian.MailHoster(t, "now", "mdbox:~/mdbox", domain, "new.test")
	for _, p := range people {
		w.people = append(w.people, p+"@"+domain)
	}
	slices.Sort(w.people)
	w.old.People(t, w.people...)
	boxes := ""
	for _, p := range w.people {
		boxes += p + " x\n"
	}
	w.now.Table(t, w.now.Boxes, boxes) // at the new server the adopter makes the domain ready
	w.password = filepath.Join(t.TempDir(), "password")
	w.must(os.WriteFile(w.password, []byte("pw\n"), 0o600))
	return w
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// letter is one, with a number that says which.
func letter(n, bytes int) string {
	return fmt.Sprintf("From: <sender@else.test>\r\nTo: <you@%s>\r\nSubject: letter %d\r\nMessage-ID: <%d@else.test>\r\nDate: Mon, 30 Nov 2026 10:00:00 +0000\r\n\r\nbody %d\r\n%s\r\n",
		domain, n, n, n, strings.Repeat("x", bytes))
}

// signIn opens a mailbox as its owner.
func (w *world) signIn(h *debian.Hoster, user string) *imapclient.Client {
	w.Helper()
	c, err := imapclient.DialInsecure(h.IMAP, nil)
	w.must(err)
	w.must(c.Login(user, "pw").Wait())
	return c
}

// put appends a letter.
func (w *world) put(c *imapclient.Client, folder, text string, flags ...imap.Flag) {
	w.Helper()
	a := c.Append(folder, int64(len(text)), &imap.AppendOptions{Flags: flags})
	_, err := a.Write([]byte(text))
	w.must(err)
	w.must(a.Close())
	_, err = a.Wait()
	w.must(err)
}

// fill gives somebody folders with letters, flags, filters and a shared folder.
func (w *world) fill(user string, folders []string, letters int) {
	w.Helper()
	c := w.signIn(w.old, user)
	defer c.Close()
	for _, f := range folders {
		w.must(c.Create(f, nil).Wait())
		w.must(c.Subscribe(f).Wait())
	}
	all := append([]string{"INBOX"}, folders...)
	kinds := [][]imap.Flag{nil, {imap.FlagSeen}, {imap.FlagSeen, imap.FlagAnswered, "$Forwarded"}, {imap.FlagFlagged, "projet"}, {imap.FlagDraft}}
	for i := range letters {
		w.put(c, all[i%len(all)], letter(i, 100+i%7*300), kinds[i%len(kinds)]...)
	}
	w.old.Admin(w.T, "require \"fileinto\";\nif header :contains \"subject\" \"sorted\" { fileinto \""+all[len(all)-1]+"\"; }\n", "sieve", "put", "-u", user, "-a", "main")
	w.old.Admin(w.T, "keep;\n", "sieve", "put", "-u", user, "absent")
	if len(folders) > 0 {
		w.old.Admin(w.T, "", "acl", "set", "-u", user, folders[0], "user="+w.people[0], "lookup", "read")
	}
}

// state tells of everybody at a hoster what matters, and what its own tables say of moves.
func (w *world) state(h *debian.Hoster) string {
	w.Helper()
	var text strings.Builder
	for _, table := range []string{h.Deny, h.Users, strings.TrimPrefix(h.Transport, "hash:")} {
		body, err := os.ReadFile(table)
		w.must(err)
		fmt.Fprintf(&text, "%s:\n%s", filepath.Base(table), body)
	}
	users := string(mustRead(w, h.Users))
	for _, p := range w.people {
		if !strings.Contains(users, p+":") {
			continue
		}
		fmt.Fprintf(&text, "%s\n%s%s", p, h.Admin(w.T, "", "-f", "tab", "mailbox", "status", "-u", p, "messages unseen", "*"), h.Admin(w.T, "", "sieve", "list", "-u", p))
	}
	return text.String()
}

func mustRead(w *world, name string) []byte {
	w.Helper()
	text, err := os.ReadFile(name)
	w.must(err)
	return text
}

// settings are those of the move, with lines that go before the sections.
func (w *world) settings(more string) string {
	return fmt.Sprintf(`recipe = "mail"
how = "dovecot"
probe = "probe@%s"
probe_password = %q
%s
[old]
doveadm = ["doveadm", "-c", %q]
through = ["tcp:%s"]
deny = %q
postfix = %q
transport = %q
aliases = [%q]
users = %q
smtp = %q
[new]
doveadm = ["doveadm", "-c", %q]
postfix = %q
aliases = [%q]
users = %q
imap = %q
smtp = %q
relay = "smtp:[127.0.0.1]:%s"
`, domain, w.password, more, w.old.Dovecot, w.old.Doveadm, w.old.Deny, w.old.Postfix, w.old.Transport, w.old.Aliases, w.old.Users, w.old.SMTP,
		w.now.Dovecot, w.now.Postfix, w.now.Aliases, w.now.Users, w.now.IMAP, w.now.SMTP, port(w.now.SMTP))
}

func port(address string) string {
	_, p, _ := net.SplitHostPort(address)
	return p
}

// move reads settings.
func (w *world) move(settings string) recipe.Move {
	w.Helper()
	m, err := mail.Recipe{}.Read([]byte(settings))
	w.must(err)
	return m
}

// until does the steps up to and with a phase.
func (w *world) until(ctx context.Context, m recipe.Move, last recipe.Phase) {
	w.Helper()
	w.phases(ctx, m, recipe.Preflight, last)
}

// phases does the steps of some phases.
func (w *world) phases(ctx context.Context, m recipe.Move, first, last recipe.Phase) {
	w.Helper()
	for _, s := range m.Steps() {
		at := slices.Index(recipe.Phases(), s.Phase)
		if at < slices.Index(recipe.Phases(), first) || at > slices.Index(recipe.Phases(), last) {
			continue
		}
		if err := w.step(ctx, m, s); err != nil {
			w.Fatalf("step %s: %v", s.Name, err)
		}
	}
}

func (w *world) step(ctx context.Context, m recipe.Move, s recipe.Step) error {
	w.Helper()
	units := []string{""}
	if s.Each {
		var err error
		units, err = m.Units(ctx)
		w.must(err)
	}
	for _, u := range units {
		if err := s.Do(ctx, recipe.Work{Unit: u, Dir: w.dir, Say: func(int64, int64) {}}); err != nil {
			return err
		}
	}
	return nil
}
