package demo

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"entrechat/internal/app/lab"
	"entrechat/internal/app/lab/relying"
)

const (
	// letters is the service that its hoster leaves behind, and its backup.
	letters = "letters"
	// served is where its data lies at the hoster, and in its backup.
	served = "srv/letters"
	// reader and other are people who use it.
	reader, other = "ana", "zoe"
	// readers is where both get their mail: at a hoster that takes no part.
	readers = "@lecture.test"
	// bread is what the reader keeps there.
	bread = "Levain : un tiers de farine, un tiers d'eau, une nuit."
)

// errOthers is what somebody who reads what is another's ends the story with.
var errOthers = errors.New("one person reads what is another's")

// leaving is the story while the succession chapter is told.
type leaving struct {
	*story

	making  errgroup.Group
	mailbox *lab.Mailbox // where people who lost their hoster read their mail
	pointer string       // file of what opens the backup
}

// gone is the hoster that vanishes; heir is the one it named; friends are the others that keep its data
// and the shares of its key.
func (s *leaving) gone() *lab.Node      { return s.nodes[6] }
func (s *leaving) heir() *lab.Node      { return s.nodes[5] }
func (s *leaving) friends() []*lab.Node { return []*lab.Node{s.nodes[5], s.nodes[3], s.nodes[1]} }

// place is a folder of the chapter's own.
func (s *leaving) place(name string) string { return filepath.Join(s.dir, "succession", name) }

// post has the heir's mail go to the mailbox of the people.
func (s *leaving) post(n *lab.Node) error {
	if n != s.heir() {
		return nil
	}
	if s.scene != nil {
		s.mailbox = s.scene.mailbox
		return nil
	}
	mailbox, err := lab.NewMailbox()
	if err != nil {
		return err
	}
	s.mailbox = mailbox
	host, port, err := net.SplitHostPort(mailbox.Address)
	if err != nil {
		return err
	}
	return n.Configure(map[string]string{"smtp_host": quoted(host), "smtp_port": port, "smtp_tls": quoted("none"), "smtp_from": quoted("entrechat@" + n.Name)})
}

func (s *leaving) close() {
	_ = s.making.Wait() // what it failed with was told
	if s.scene == nil && s.mailbox != nil {
		_ = s.mailbox.Close()
	}
}

// begin has the hoster do in good times what its successor needs, while other chapters are told.
func (s *leaving) begin(ctx context.Context) error {
	s.making.Go(func() error { return s.promise(ctx) })
	return nil
}

// promise makes the pacts, the backup, the pack and the box.
func (s *leaving) promise(ctx context.Context) error {
	gone := s.gone()
	for _, n := range s.friends() {
		flags := []string{"--ask-store", "2GB", "--give-store", "2GB", "--custody"}
		if n == s.heir() {
			flags = append(flags, "--ask-succeed")
		}
		if err := errors.Join(lab.Introduce(ctx, gone, n), lab.Promise(ctx, gone, n, flags...)); err != nil {
			return err
		}
	}
	if err := s.save(ctx); err != nil {
		return err
	}
	if err := s.until(ctx, gone, "succession", "name", letters, "--to", s.heir().Name, "--backup", letters); err != nil {
		return err
	}
	if err := s.fill(ctx); err != nil {
		return err
	}
	words := []string{"custody", "deal", "make", "data:" + letters, "--needed", "2", "--wait", noWait}
	for _, n := range s.friends() {
		words = append(words, "--to", n.Name)
	}
	return s.until(ctx, gone, words...)
}

// save writes what two people keep at the hoster, and saves it by stock restic.
func (s *leaving) save(ctx context.Context) error {
	gone, site := s.gone(), s.place(served)
	for name, text := range map[string]string{
		reader + "/pain.txt": bread, other + "/secret.txt": "rien que pour moi",
		"mail/" + reader + "/cur/1.a:2,S": "From: bob@asso.test\nSubject: Bonjour\nDate: Mon, 2 Nov 2026 10:00:00 +0000\n\nÀ demain.\n",
	} {
		if err := errors.Join(os.MkdirAll(filepath.Dir(filepath.Join(site, name)), 0o700), os.WriteFile(filepath.Join(site, name), []byte(text), 0o600)); err != nil {
			return err
		}
	}
	restic, err := lab.FindRestic(ctx, func(lab.Building) {})
	if err != nil {
		return err
	}
	if _, err := gone.Run(ctx, "vault", "create", letters); err != nil {
		return err
	}
	vars, err := gone.Env(ctx, letters)
	if err != nil {
		return err
	}
	for _, words := range [][]string{{"init"}, {"backup", filepath.Dir(served)}} {
		c := exec.CommandContext(ctx, restic, words...) //nolint:gosec // the restic we found, fixed words
		c.Dir, c.Env = s.place("."), append(append(os.Environ(), "RESTIC_CACHE_DIR="+s.place("cache")), vars...)
		if out, err := c.CombinedOutput(); err != nil {
			return fmt.Errorf("restic %s: %w\n%s", words[0], err, out)
		}
	}
	return nil
}

// fill makes the pack: who the people are, and what in the backup is whose.
func (s *leaving) fill(ctx context.Context) error {
	gone := s.gone()
	if _, err := gone.Run(ctx, "succession", "pack", "create", letters); err != nil {
		return err
	}
	dir := filepath.Join(gone.Data(), "succession", letters)
	people := filepath.Join(dir, "users", "people.csv")
	list := "user;mail;lang;names\n" + reader + ";" + reader + readers + ";fr;\n" + other + ";" + other + readers + ";fr;\n"
	text, err := os.ReadFile(filepath.Join(dir, "pack.toml"))
	if err != nil {
		return err
	}
	filled := strings.Replace(string(text), "csv = \"\"", fmt.Sprintf("csv = %q", people), 1) +
		"\n[[share]]\nkind = \"files\"\npath = \"" + served + "/{user}\"\n\n[[share]]\nkind = \"maildir\"\npath = \"" + served + "/mail/{user}\"\n"
	if err := errors.Join(os.MkdirAll(filepath.Dir(people), 0o700), os.WriteFile(people, []byte(list), 0o600)); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "pack.toml"), []byte(filled), 0o600); err != nil { //nolint:gosec // the demo's own folder
		return err
	}
	if _, err = gone.Run(ctx, "succession", "pack", "check", letters); err != nil {
		return err
	}
	return s.sent(ctx)
}

// sent waits until the heir has the pack.
func (s *leaving) sent(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		var pack struct {
			Number     int64 `json:"number"`
			Successors []struct {
				Number  int64  `json:"number"`
				Trouble string `json:"trouble"`
			} `json:"successors"`
		}
		if err := s.gone().RunJSON(ctx, &pack, "succession", "pack", "show", letters); err != nil {
			return err
		}
		if len(pack.Successors) == 1 && pack.Number > 0 && pack.Successors[0].Number == pack.Number {
			return nil
		}
		if err := pause(ctx); err != nil {
			return fmt.Errorf("the pack did not arrive: %+v: %w", pack, err)
		}
	}
}

// until runs a command of a hoster until it succeeds.
func (s *leaving) until(ctx context.Context, n *lab.Node, words ...string) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		_, err := n.Run(ctx, words...)
		if err == nil {
			return nil
		}
		if late := pause(ctx); late != nil {
			return errors.Join(err, late)
		}
	}
}

// vanish waits for what was prepared, and takes the hoster away.
func (s *leaving) vanish(ctx context.Context) error {
	s.title("demo.succession", nil)
	gone := s.gone()
	if err := s.do("demo.named", args{"Name": gone.Name, "Member": s.heir().Name, "Service": letters}, func(func(string)) (string, error) {
		if err := s.making.Wait(); err != nil {
			return "", err
		}
		out, err := gone.Run(ctx, "succession", "pack", "show", letters, "--lang", s.opt.Lang)
		return lastLines(out, 3), err
	}); err != nil {
		return err
	}
	return s.do("demo.vanishes", args{"Name": gone.Name}, func(func(string)) (string, error) {
		gone.Kill()
		return "", os.RemoveAll(gone.Dir)
	})
}

func lastLines(text string, n int) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}

// asked is an ask as its asker lists it.
type asked struct {
	ID    string `json:"id"`
	Scope string `json:"scope"`
	Owner string `json:"owner"`
	Words string `json:"words"`
}

// ask has the heir note that it called, ask the custodians, and open the box.
func (s *leaving) ask(ctx context.Context) error {
	gone, heir := s.gone(), s.heir()
	s.pointer = s.place("pointer.json")
	return s.do("demo.heir_asks", args{"Name": heir.Name, "Member": gone.Name}, func(func(string)) (string, error) {
		if _, err := heir.Run(ctx, "succession", "silent", "called", gone.Name, "--by", "Bob", "--reached", "no"); err != nil {
			return "", err
		}
		if err := s.until(ctx, heir, "succession", "ask", gone.Name, letters); err != nil {
			return "", err
		}
		var all []asked
		if err := heir.RunJSON(ctx, &all, "custody", "ask", "list"); err != nil {
			return "", err
		}
		at := slices.IndexFunc(all, func(a asked) bool { return a.Owner == gone.Name && a.Scope == "data:"+letters })
		if at < 0 {
			return "", fmt.Errorf("no ask for data:%s in %+v", letters, all)
		}
		said, err := s.release(ctx, all[at])
		if err != nil {
			return "", err
		}
		return said, s.until(ctx, heir, "custody", "ask", "collect", all[at].ID, "--out", s.pointer)
	})
}

// release has two custodians let their share go.
func (s *leaving) release(ctx context.Context, a asked) (string, error) {
	var said []string
	for _, n := range s.friends()[:2] {
		if err := (keeping{s.story}).ready(ctx, n, a.ID); err != nil {
			return "", err
		}
		out, err := n.Run(ctx, "custody", "release", a.ID, "--heard", a.Words, "--yes", "--lang", s.opt.Lang)
		if err != nil {
			return "", err
		}
		said = append(said, s.words.T("demo.said", args{"Name": n.Name, "Text": lastLines(out, 1)}))
	}
	return strings.Join(said, "\n"), nil
}

var filesForm = regexp.MustCompile(`/rescue/[^"/]+/of/[^"/]+/`)

var linkForm = regexp.MustCompile(`https?://\S+/rescue/in\S*`)

// read has the people read what is theirs at the heir.
func (s *leaving) read(ctx context.Context) error {
	gone, heir := s.gone(), s.heir()
	if err := s.do("demo.rescue", args{"Name": heir.Name}, func(func(string)) (string, error) {
		out, err := heir.Run(ctx, "succession", "rescue", "open", gone.Name, letters, "--pointer", s.pointer, "--lang", s.opt.Lang)
		return strings.TrimSpace(out), err
	}); err != nil {
		return err
	}
	return s.do("demo.reads", args{"Person": reader, "Name": heir.Name}, func(func(string)) (string, error) {
		return s.enter(ctx, relying.NewBrowser())
	})
}

// adopt moves what was rescued into the heir's own service, counted on both sides.
func (s *leaving) adopt(ctx context.Context) error {
	heir := s.heir()
	return s.do("demo.adopts", args{"Name": heir.Name, "Service": letters}, func(func(string)) (string, error) {
		from, to := filepath.Join(heir.Data(), "succession", "rescue", s.gone().Name, letters, "files"), s.place("adopted")
		file := s.place("move.toml")
		text := fmt.Sprintf("recipe = \"generic\"\nfreeze = []\nthaw = []\n[from]\nsnapshot = %q\n[[folder]]\nname = \"people\"\nfrom = %q\nto = %q\n", from, "/"+served, to)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			return "", err
		}
		var move struct {
			ID string `json:"id"`
		}
		if err := heir.RunJSON(ctx, &move, "succession", "move", "start", file); err != nil {
			return "", err
		}
		if _, err := heir.Run(ctx, "succession", "move", "freeze", move.ID); err != nil {
			return "", err
		}
		out, err := heir.Run(ctx, "succession", "move", "finish", move.ID, "--lang", s.opt.Lang)
		if err != nil {
			return "", err
		}
		if kept, err := os.ReadFile(filepath.Join(to, reader, "pain.txt")); err != nil || string(kept) != bread {
			return "", errors.Join(errDiffers, err)
		}
		return strings.TrimSpace(out), nil
	})
}

// enter signs the reader in by a link that is mailed to her, and answers what her page says.
func (s *leaving) enter(ctx context.Context, b *relying.Browser) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	front := s.heir().URL() + "/rescue/" + s.gone().Name + "/"
	before := len(s.mailbox.Letters())
	p, err := b.Open(ctx, front)
	if err != nil {
		return "", err
	}
	address := reader + readers
	if _, err = b.Send(ctx, p, "", map[string]string{"mail": address}); err != nil {
		return "", err
	}
	l, err := s.mailbox.Await(ctx, func(l lab.Letter) bool {
		return strings.Contains(strings.Join(l.To, " "), address) && len(s.mailbox.Letters()) > before
	})
	if err != nil {
		return "", err
	}
	link := linkForm.FindString(strings.ReplaceAll(strings.ReplaceAll(l.Text, "=\r\n", ""), "=3D", "="))
	if p, err = b.Open(ctx, link); err != nil {
		return "", fmt.Errorf("open %q: %w", link, err)
	}
	if p, err = b.Send(ctx, p, "", nil); err != nil {
		return "", err
	}
	// What is hers is on a page of its own, file by file.
	for _, link := range filesForm.FindAllString(p.Body, -1) {
		files, err := b.Open(ctx, s.heir().URL()+link)
		if err != nil {
			return "", err
		}
		if strings.Contains(files.Body, "secret.txt") {
			return "", errOthers
		}
		if text, err := b.Open(ctx, s.heir().URL()+link+"pain.txt"); err == nil && strings.Contains(text.Body, bread[:6]) {
			return s.words.T("demo.reads_note", args{"File": "pain.txt"}), nil
		}
	}
	return "", fmt.Errorf("%w: %s", errDiffers, p.Text())
}
