package browser

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"entrechat/internal/app/lab"
)

// night is a hoster whose pad fails while its files are well, two members who look with
// it, and all that its team wrote: so that each page of the room has something to show.
type night struct {
	*world
	box    *lab.Mailbox
	lesson string // id of the incident that has a postmortem
}

// newNight founds it. All of it ends with the test, at the latest after eight minutes.
func newNight(t *testing.T) *night {
	t.Helper()
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
	n.node = n.all[0]
	n.box, err = lab.NewMailbox()
	n.must(err)
	t.Cleanup(func() { _ = n.box.Close() })
	for _, each := range n.all {
		t.Cleanup(each.Stop)
		n.must(each.Init(ctx))
		n.writesMail(each)
		n.must(each.Up(ctx))
	}
	for _, other := range n.all[1:] {
		n.must(lab.Introduce(ctx, n.node, other))
		n.must(lab.Promise(ctx, n.node, other, "--watch", "10s"))
	}
	org, pad := filepath.Join(t.TempDir(), "organization.properties"), filepath.Join(t.TempDir(), "agenda.properties")
	n.must(os.WriteFile(org, []byte(wellKnown), 0o600))
	n.must(os.WriteFile(pad, []byte(strings.Replace(service, "service.name = Pad", "service.name = Agenda\nservice.website = http://agenda.chaton-a.test/", 1)), 0o600))
	n.run(n.node, "directory", "publish", org, pad)
	n.team()
	n.services()
	n.writings()
	n.visits = n.chromium()
	return n
}

// writesMail has a node send its mail to the box.
func (n *night) writesMail(node *lab.Node) {
	n.Helper()
	host, port, err := net.SplitHostPort(n.box.Address)
	n.must(err)
	file := filepath.Join(node.Data(), "entrechat.toml")
	text, err := os.ReadFile(file)
	n.must(err)
	written := string(text)
	for name, value := range map[string]string{"smtp_host": "'" + host + "'", "smtp_port": port, "smtp_tls": "'none'", "smtp_from": "'nuit@" + node.Name + "'"} {
		written = regexp.MustCompile("(?m)^"+name+" = .*$").ReplaceAllString(written, name+" = "+value)
	}
	n.must(os.WriteFile(file, []byte(written), 0o600))
}

// team is who is told: one by mail, at any hour; one nobody can reach.
func (n *night) team() {
	n.run(n.node, "alert", "person", "add", "ana", "--name", "Ana", "--quiet", "none")
	n.run(n.node, "alert", "channel", "add", "ana", "mail", "ana@chaton-c.test")
	n.run(n.node, "alert", "person", "add", "bilal", "--name", "Bilal")
	n.run(n.node, "alert", "rota", "add", "ana", "--start", time.Now().Add(-time.Hour).UTC().Format("2006-01-02T15:04"), "--rule", "FREQ=WEEKLY")
}

// services are what is looked at: one is well, one fails, one is paused.
func (n *night) services() {
	for _, one := range []struct {
		name, text string
		mode       lab.Mode
	}{{"Fichiers", "Vos fichiers", lab.Well}, {"Pad", "Bienvenue sur le pad", lab.Busy}, {"Courriel", "Vos lettres", lab.Well}} {
		s, err := lab.NewService(one.text, false)
		n.must(err)
		n.Cleanup(func() { _ = s.Close() })
		s.Behave(one.mode)
		n.run(n.node, "watch", "add", s.URL(), "--kind", "http", "--service", one.name, "--every", "10s")
	}
	n.run(n.node, "watch", "pause", "courriel")
}

// writings are what the team says: an incident that is over with what was learned, a
// planned maintenance, a promise.
func (n *night) writings() {
	var open struct {
		ID string `json:"id"`
	}
	n.must(n.node.RunJSON(n.ctx, &open, "incident", "open", "--service", "Fichiers", "--text", "Les envois de gros fichiers échouent. Nous cherchons.", "--text-lang", "fr"))
	n.lesson = open.ID
	n.run(n.node, "incident", "update", open.ID, "--text", "Le disque était plein. Nous faisons de la place.", "--text-lang", "fr")
	n.run(n.node, "incident", "close", open.ID, "--text", "Les envois marchent à nouveau.", "--text-lang", "fr")
	n.run(n.node, "incident", "postmortem", open.ID, "--what", "Le disque s'est rempli en une nuit.", "--whom", "Les associations qui rendaient un dossier.",
		"--people", "Une seule personne savait agrandir le disque.", "--change", "Une alerte à 80 %, et deux personnes formées.",
		"--answer", "mailto:contact@chaton-a.test", "--text-lang", "fr")
	day := time.Now().AddDate(0, 0, 3).Format("2006-01-02")
	n.run(n.node, "maintenance", "plan", "--from", day+" 22:00", "--for", "90m", "--service", "Fichiers", "--text", "Nous changeons un disque.", "--text-lang", "fr")
	n.run(n.node, "promise", "set", "Fichiers", "--away", "8h", "--night", "22:00-08:00", "--night-by", "12:00", "--notice", "72h", "--zone", "Europe/Paris")
}

// letter waits for a mail that says all of these, and answers its text without the marks
// of its encoding.
func (n *night) letter(says ...string) string {
	n.Helper()
	fits := func(l lab.Letter) bool {
		text := unfold(l.Text)
		return !slices.ContainsFunc(says, func(s string) bool { return !strings.Contains(text, s) })
	}
	l, err := n.box.Await(n.ctx, fits)
	n.must(err)
	return unfold(l.Text)
}

// unfold undoes what quoted-printable does to a link.
func unfold(text string) string {
	return strings.NewReplacer("=\r\n", "", "=\n", "", "=3D", "=").Replace(text)
}

// linkIn is the path of the link to this node in a letter that goes below a path.
func (n *night) linkIn(letter, below string) string {
	n.Helper()
	found := regexp.MustCompile(regexp.QuoteMeta(n.node.URL()) + `(` + regexp.QuoteMeta(below) + `[A-Za-z0-9_./-]+)`).FindStringSubmatch(letter)
	if found == nil {
		n.Fatalf("no link below %s in\n%s", below, letter)
	}
	return found[1]
}

// subscribe asks for news as a visitor does, and answers the pages on the way: the one that
// asks for an address, the one that says what comes next, the one that the mail leads to,
// and the one that leads out again.
func (n *night) subscribe() []string {
	n.Helper()
	var asks, asked string
	n.do(
		chromedp.Navigate(n.node.URL()+"/status?lang=fr"), chromedp.Click(`#follow + ul a[href^="/watch/subscribe"]`), chromedp.WaitVisible("#address"),
		chromedp.Location(&asks),
		chromedp.SendKeys("#address", "usagere@chaton-c.test"), chromedp.Click("main form button"), chromedp.WaitVisible(".note.fine"),
		chromedp.Location(&asked),
	)
	confirm := n.linkIn(n.letter("usagere@chaton-c.test", "/watch/confirm/"), "/watch/confirm/")
	return []string{n.page(asks), n.page(asked), confirm}
}
