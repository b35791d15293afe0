package demo

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"entrechat/internal/app/lab"
)

const (
	// lookEvery is what the hosters promise each other, and how often the service is looked at.
	lookEvery = "10s"
	// pageText is what must stand on the service's page.
	pageText = "Bienvenue sur le pad"
	// admin is who hears of it, by mail at a hoster that takes no part.
	admin     = "ana"
	adminMail = "ana@boite-aux-lettres.test"
	// lookers are as many as look all the time; those drawn after them only confirm.
	lookers = 5
	// patience is how long one step of the chapter may take at most.
	patience = 2 * time.Minute
	// askEvery is how often a member is asked what it concluded.
	askEvery = 400 * time.Millisecond
)

// scene is what the watch chapter has beside the hosters: what the owner serves, and
// where its admin reads her mail.
type scene struct {
	pad     *lab.Service
	mailbox *lab.Mailbox
	trouble time.Time // when the outage that is told began
}

func newScene() (*scene, error) {
	mailbox, err := lab.NewMailbox()
	if err != nil {
		return nil, err
	}
	pad, err := lab.NewService(pageText, false)
	if err != nil {
		_ = mailbox.Close()
		return nil, err
	}
	return &scene{pad: pad, mailbox: mailbox}, nil
}

func (c *scene) close() {
	_ = c.pad.Close()
	_ = c.mailbox.Close()
}

// sendsMail has a node's mail go to the mailbox, from an address that says which node it is.
func (c *scene) sendsMail(n *lab.Node) error {
	host, port, err := net.SplitHostPort(c.mailbox.Address)
	if err != nil {
		return err
	}
	return n.Configure(map[string]string{
		"smtp_host": quoted(host), "smtp_port": port, "smtp_tls": quoted("none"), "smtp_from": quoted("entrechat@" + n.Name),
	})
}

func quoted(text string) string { return "'" + text + "'" }

// watching is the story while the watch chapter is told.
type watching struct{ *story }

// watchOver has the owner's service looked at by the others, and names who is to be told.
func (s watching) watchOver(ctx context.Context) error {
	s.title("demo.watch", nil)
	owner := s.owner()
	if err := s.do("demo.serve", args{"Name": owner.Name}, func(func(string)) (string, error) {
		out, err := owner.Run(ctx, "watch", "add", s.scene.pad.URL(), "--kind", "http", "--service", "Pad", "--text", pageText, "--every", lookEvery, "--lang", s.opt.Lang)
		return strings.TrimSpace(out), err
	}); err != nil {
		return err
	}
	return s.do("demo.admin", args{"Address": adminMail}, func(func(string)) (string, error) {
		if _, err := owner.Run(ctx, "alert", "person", "add", admin, "--name", "Ana", "--quiet", "none", "--speaks", s.opt.Lang); err != nil {
			return "", err
		}
		_, err := owner.Run(ctx, "alert", "channel", "add", admin, "mail", adminMail)
		return "", err
	})
}

// drawn waits until all others vote on the service, and those that look have looked.
func (s watching) drawn(ctx context.Context) error {
	s.title("demo.outage", nil)
	return s.do("demo.drawn", nil, func(progress func(string)) (string, error) {
		var latest shown
		for _, n := range s.others() {
			progress(n.Name)
			var err error
			latest, err = s.until(ctx, n, func(v shown) bool {
				return len(v.Vote) == len(s.others()) && (v.Newest != nil || slices.Index(v.Vote, n.Name) >= lookers)
			})
			if err != nil {
				return "", err
			}
		}
		return s.words.T("demo.drawn_note", args{"Members": strings.Join(latest.Vote, ", ")}), nil
	})
}

// failService breaks the service, mends it, and tells what is known of it where, and when.
func (s watching) failService(ctx context.Context) error {
	near, far := s.nodes[1], s.nodes[3]
	if err := s.breaks("demo.fails", lab.Busy, args{"Name": s.owner().Name}); err != nil {
		return err
	}
	if err := s.concluded(ctx, near, "down"); err != nil {
		return err
	}
	if err := s.arrives(ctx, 1); err != nil {
		return err
	}
	if err := s.page(ctx, far, "trouble"); err != nil {
		return err
	}
	if err := s.breaks("demo.mended", lab.Well, nil); err != nil {
		return err
	}
	if err := s.concluded(ctx, near, "up"); err != nil {
		return err
	}
	if err := s.arrives(ctx, 2); err != nil {
		return err
	}
	return s.page(ctx, far, "fine")
}

// loseOwner kills the owner's node: its page stays where the others are.
func (s watching) loseOwner(ctx context.Context) error {
	owner := s.owner()
	if err := s.do("demo.kill", args{"Name": owner.Name}, func(func(string)) (string, error) {
		owner.Kill()
		s.scene.trouble = time.Now()
		return "", nil
	}); err != nil {
		return err
	}
	if err := s.page(ctx, s.nodes[4], "fine"); err != nil {
		return err
	}
	return s.do("demo.returns", args{"Name": owner.Name}, func(func(string)) (string, error) { return "", owner.Up(ctx) })
}

// breaks changes how the service behaves; times are told from then on.
func (s watching) breaks(key string, mode lab.Mode, a args) error {
	return s.do(key, a, func(func(string)) (string, error) {
		s.scene.pad.Behave(mode)
		s.scene.trouble = time.Now()
		return "", nil
	})
}

// concluded waits until a member knows that the service is in a state.
func (s watching) concluded(ctx context.Context, n *lab.Node, state string) error {
	return s.do("demo.concluded_"+state, args{"Name": n.Name}, func(func(string)) (string, error) {
		v, err := s.until(ctx, n, func(v shown) bool { return v.State == state })
		return s.after(time.Now()) + s.words.T("demo.concluded_note", args{"Failing": v.Failing, "Voters": v.Voters, "Certificate": v.Certificate}), err
	})
}

// after says how long after the trouble, or its end, something was.
func (s watching) after(at time.Time) string {
	return s.words.T("demo.after", args{"Took": seconds(max(at.Sub(s.scene.trouble), 0))}) + " "
}

// arrives waits for the admin's letter of a number, counted from one.
func (s watching) arrives(ctx context.Context, number int) error {
	return s.do("demo.letter", args{"Address": adminMail}, func(func(string)) (string, error) {
		ctx, cancel := context.WithTimeout(ctx, patience)
		defer cancel()
		if _, err := s.scene.mailbox.Await(ctx, func(lab.Letter) bool { return len(s.scene.mailbox.Letters()) >= number }); err != nil {
			return "", err
		}
		l := s.scene.mailbox.Letters()[number-1]
		subject, err := l.Subject()
		return s.after(l.At) + s.words.T("demo.letter_note", args{"Subject": subject, "From": l.From}), err
	})
}

// page waits until a member's page of the owner is in a state, and tells its first sentence.
func (s watching) page(ctx context.Context, n *lab.Node, state string) error {
	address := n.URL() + "/status/" + s.owner().Name
	return s.do("demo.page", args{"Address": address}, func(func(string)) (string, error) {
		ctx, cancel := context.WithTimeout(ctx, patience)
		defer cancel()
		for {
			sentence, now, err := readStatus(ctx, address, s.opt.Lang)
			if err != nil && !errors.Is(err, errNoPage) {
				return "", err
			}
			if err == nil && now == state {
				return s.after(time.Now()) + s.words.T("demo.page_note", args{"Sentence": sentence}), nil
			}
			if err := pause(ctx); err != nil {
				return sentence, err
			}
		}
	})
}

// readMailbox lists all that the admin was written, and makes sure that nothing came twice.
func (s watching) readMailbox(context.Context) error {
	s.title("demo.mailbox", args{"Address": adminMail})
	letters := s.scene.mailbox.Letters()
	rows := make([][]string, 0, len(letters))
	var texts []string
	for _, l := range letters {
		subject, err := l.Subject()
		if err != nil {
			return err
		}
		rows = append(rows, []string{l.At.Format(time.TimeOnly), l.From, subject})
		texts = append(texts, subject)
	}
	s.table([]string{s.words.T("demo.time_of_day", nil), s.words.T("demo.sender", nil), s.words.T("demo.subject", nil)}, rows)
	if len(letters) != 2 {
		return fmt.Errorf("%d letters came, not one of the outage and one of its end: %s", len(letters), strings.Join(texts, "; "))
	}
	return nil
}

// shown is what `watch show --json` answers of one target, as far as it is told.
type shown struct {
	Owner       string    `json:"owner"`
	State       string    `json:"state"`
	Failing     int       `json:"failing"`
	Voters      int       `json:"voters"`
	Certificate string    `json:"certificate"`
	Vote        []string  `json:"vote"`
	Newest      *struct{} `json:"newest_look"`
}

// until asks a member about the owner's service until its answer fits.
func (s watching) until(ctx context.Context, n *lab.Node, fits func(shown) bool) (shown, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var last shown
	for {
		var all []shown
		if err := n.RunJSON(ctx, &all, "watch", "show"); err != nil {
			return last, err
		}
		if i := slices.IndexFunc(all, func(v shown) bool { return v.Owner == s.owner().Name }); i >= 0 {
			if last = all[i]; fits(last) {
				return last, nil
			}
		}
		if err := pause(ctx); err != nil {
			return last, fmt.Errorf("%s still says %+v: %w", n.Name, last, err)
		}
	}
}

// pause waits a moment before the next question.
func pause(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(askEvery):
		return nil
	}
}
