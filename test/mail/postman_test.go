package mail

import (
	"fmt"
	"maps"
	"net/smtp"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// bulk lays letters into folders of somebody at the old server, as Dovecot would have. Their numbers begin
// at first.
func (w *world) bulk(user string, folders []string, first, letters int) {
	w.Helper()
	home := filepath.Join(w.old.Dir, "mail", user, "Maildir")
	c := w.signIn(w.old, user)
	for _, f := range folders {
		w.must(c.Create(f, nil).Wait())
		w.must(c.Subscribe(f).Wait())
	}
	_, err := c.Select("INBOX", nil).Wait() // its folders are made
	w.must(err)
	w.must(c.Close())
	dirs := []string{filepath.Join(home, "cur")}
	found, err := filepath.Glob(filepath.Join(home, ".*", "cur"))
	w.must(err)
	dirs = append(dirs, found...)
	for i := range letters {
		n := first + i
		name := filepath.Join(dirs[i%len(dirs)], fmt.Sprintf("%d.M%d.else:2,%s", 1700000000+n, n, []string{"", "S", "RS", "FS", "D"}[i%5]))
		w.must(os.WriteFile(name, []byte(strings.ReplaceAll(letter(n, 200+i%11*400), "\r\n", "\n")), 0o600))
		if os.Getuid() == 0 {
			w.must(os.Chown(name, 65534, 65534))
		}
	}
}

// postman brings letters to people at the old server until it is told to stop, each with a number of its
// own.
type postman struct {
	w    *world
	to   []string // whom SMTP without SMTPUTF8 can name
	stop chan struct{}
	done sync.WaitGroup

	mu     sync.Mutex
	lmtp   bool           // some go past Postfix
	taken  map[string]int // Message-ID: how often the server said that it has it
	failed []string       // what it said else
}

// postman begins with number first.
func (w *world) postman(first int, every time.Duration) *postman {
	p := &postman{w: w, stop: make(chan struct{}), taken: map[string]int{}, lmtp: true}
	for _, name := range w.people {
		if !strings.ContainsFunc(name, func(r rune) bool { return r > 127 }) {
			p.to = append(p.to, name)
		}
	}
	p.done.Go(func() {
		for n := first; ; n++ {
			select {
			case <-p.stop:
				return
			case <-time.After(every):
			}
			p.mu.Lock()
			past := p.lmtp && n%3 == 0
			at := w.old.SMTP
			if past {
				at = w.old.LMTP
			}
			err := send(at, p.to[n%len(p.to)], letter(n, 50), past)
			if err == nil {
				p.taken[fmt.Sprintf("<%d@else.test>", n)]++
			} else {
				p.failed = append(p.failed, err.Error())
			}
			p.mu.Unlock()
		}
	})
	return p
}

// throughPostfix has nothing go past it from now on.
func (p *postman) throughPostfix() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lmtp = false
}

func (p *postman) end() {
	close(p.stop)
	p.done.Wait()
}

// arrived counts, over all people at the new server, how often each letter is there.
func (w *world) arrived() map[string]int {
	w.Helper()
	seen := map[string]int{}
	for _, p := range w.people {
		text := w.now.Admin(w.T, "", "-f", "tab", "fetch", "-u", p, "hdr.message-id", "all")
		for line := range strings.Lines(text) {
			if id := strings.TrimSpace(line); strings.HasPrefix(id, "<") {
				seen[id]++
			}
		}
	}
	return seen
}

// wantEach waits until every letter is at the new server, and none twice: the old ones, numbered from 0, of each
// person, and those that were taken meanwhile.
func (w *world) wantEach(old int, taken map[string]int) {
	w.Helper()
	want := maps.Clone(taken)
	for n := range old {
		want[fmt.Sprintf("<%d@else.test>", n)] = 1
	}
	var lost, doubled []string
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(500 * time.Millisecond) {
		seen := w.arrived()
		lost, doubled = nil, nil
		for id, n := range want {
			if seen[id] < n {
				lost = append(lost, id)
			}
		}
		for id, n := range seen {
			if n > 1 {
				doubled = append(doubled, id)
			}
		}
		if len(doubled) > 0 || len(lost) == 0 {
			break
		}
	}
	if len(lost)+len(doubled) > 0 {
		w.Fatalf("of %d letters %d are lost and %d doubled: %.300q %.300q", len(want), len(lost), len(doubled), lost, doubled)
	}
	w.Logf("%d letters that were there and %d that came meanwhile: 0 lost, 0 doubled", old, len(taken))
}

// send gives a letter to an SMTP or LMTP server.
func send(at, to, text string, lmtp bool) error {
	if lmtp {
		return overLMTP(at, to, text)
	}
	c, err := smtp.Dial(at)
	if err != nil {
		return err
	}
	defer c.Close()
	if err := c.Mail("sender@else.test"); err != nil {
		return err
	}
	if err := c.Rcpt(to); err != nil {
		return err
	}
	body, err := c.Data()
	if err != nil {
		return err
	}
	if _, err := body.Write([]byte(text)); err != nil {
		return err
	}
	if err := body.Close(); err != nil {
		return err
	}
	_ = c.Quit() // it was taken
	return nil
}
