package crash

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"entrechat/internal/app/lab"
	"entrechat/internal/app/lab/relying"
	"entrechat/internal/kit/db"
)

// moments is how often a node is killed while people sign in.
const moments = 30

// TestKilledWhilePeopleSignIn: a node that is killed at whatever moment of a sign-up, of the
// exchange of a code or of a rotation of keys comes back, by itself, with accounts that are
// whole or were never made, with codes that were taken once at most, and with keys that sign.
func TestKilledWhilePeopleSignIn(t *testing.T) {
	t.Parallel()
	p := newPeople(t, 4*time.Minute)
	p.learn()
	for i := range moments {
		switch i % 3 {
		case 0:
			p.killedSigningUp(fmt.Sprintf("p%02d", i), i%2 == 0)
		case 1:
			p.killedExchanging()
		case 2:
			p.killedRotating(i%2 == 0)
		}
	}
	for what, cut := range p.cut {
		t.Logf("%s: %d of %d kills fell into it", what, cut, moments/3)
		if cut == 0 {
			t.Errorf("no kill fell into a %s: this run showed nothing of it", what)
		}
	}
	p.whole()
}

// learn has each of the three happen once, unharmed, for how long it takes.
func (p *people) learn() {
	p.t.Helper()
	p.cut = map[string]int{signingUp: 0, exchanging: 0, rotating: 0}
	p.window = map[string]time.Duration{}
	timed := func(what string, do func()) {
		begun := time.Now()
		do()
		p.window[what] = time.Since(begun) * 5 / 4
	}
	link := p.invite("")
	b := relying.NewBrowser()
	page := p.open(b, link)
	timed(signingUp, func() {
		if page, err := b.Send(p.ctx, page, "", account("alice")); err != nil || page.URL.Path != "/account" {
			p.t.Fatalf("no account: %v %s", err, page.Text())
		}
	})
	p.alice = b
	code, verifier := p.code(b)
	timed(exchanging, func() {
		if _, err := p.app.Exchange(p.ctx, code, oauth2.VerifierOption(verifier)); err != nil {
			p.t.Fatal(err)
		}
	})
	timed(rotating, func() {
		_, err := p.node.Run(p.ctx, "identity", "key", "rotate")
		p.must(err)
	})
	p.t.Logf("unharmed: %v", p.window)
}

// kill ends the node, and what else it is given, at a random moment of something; done says
// that it had ended before. It runs again when kill returns.
func (p *people) kill(what string, done <-chan struct{}, also func()) {
	p.t.Helper()
	after := time.Duration(p.rng.Int64N(int64(p.window[what])))
	select {
	case <-time.After(after):
	case <-p.ctx.Done():
	}
	ended := false
	select {
	case <-done:
		ended = true
	default:
	}
	also()
	p.node.Kill()
	<-done
	if !ended {
		p.cut[what]++
	}
	p.must(p.node.Up(p.ctx))
}

// killedSigningUp has somebody make an account with a link, or choose a password for one that
// an admin made.
func (p *people) killedSigningUp(handle string, own bool) {
	p.t.Helper()
	whose, fields := handle, map[string]string{"password": password}
	if own {
		whose, fields = "", account(handle)
	}
	link := p.invite(whose)
	b := relying.NewBrowser()
	page := p.open(b, link)
	told, done := false, make(chan struct{})
	go func() {
		defer close(done)
		answer, err := b.Send(p.ctx, page, "", fields)
		told = err == nil && answer.URL.Path == "/account"
	}()
	p.kill(signingUp, done, func() {})
	in := p.enters(relying.NewBrowser(), handle)
	if told && !in {
		p.t.Fatalf("%s was told that the account is made, and cannot sign in", handle)
	}
	if !in { // then the link is good still, and the handle free
		again := relying.NewBrowser()
		page, err := again.Send(p.ctx, p.open(again, link), "", fields)
		if err != nil || page.URL.Path != "/account" {
			p.t.Fatalf("%s can neither sign in nor use the link: %v, %d %s", handle, err, page.Status, page.Text())
		}
		if !p.enters(relying.NewBrowser(), handle) {
			p.t.Fatalf("%s cannot sign in after the second time", handle)
		}
	}
	if page := p.open(relying.NewBrowser(), link); page.Status != 404 {
		p.t.Errorf("the link of %s is good for a second account: %d", handle, page.Status)
	}
}

// exchanges is how many try the same code at once.
const exchanges = 3

// killedExchanging has several trade one code while the node dies, and once more afterwards.
func (p *people) killedExchanging() {
	p.t.Helper()
	code, verifier := p.code(p.alice)
	var crew sync.WaitGroup
	var mu sync.Mutex
	got := 0
	try := func() {
		if _, err := p.app.Exchange(p.ctx, code, oauth2.VerifierOption(verifier)); err == nil {
			mu.Lock()
			got++
			mu.Unlock()
		}
	}
	done := make(chan struct{})
	for range exchanges {
		crew.Go(try)
	}
	go func() { crew.Wait(); close(done) }()
	p.kill(exchanging, done, func() {})
	try()
	if got > 1 {
		p.t.Errorf("one code was taken %d times", got)
	}
	p.signsIn(p.alice)
}

// killedRotating ends `identity key rotate` and the node at once.
func (p *people) killedRotating(atOnce bool) {
	p.t.Helper()
	before := p.signsIn(p.alice)
	words := []string{"identity", "key", "rotate"}
	if atOnce {
		words = append(words, "--now")
	}
	ctx, cancel := context.WithCancel(p.ctx)
	defer cancel()
	cmd := exec.CommandContext(ctx, p.node.Program, words...)
	cmd.Env = append(os.Environ(), "ENTRECHAT_DATA="+p.node.Data())
	p.must(cmd.Start())
	done := make(chan struct{})
	go func() { _ = cmd.Wait(); close(done) }()
	p.kill(rotating, done, cancel)
	p.signing()
	p.signsIn(p.alice)
	if !atOnce {
		if _, err := p.verifier().Verify(p.ctx, before); err != nil {
			p.t.Errorf("what was signed before a rotation without --now: %v", err)
		}
	}
}

// whole looks at everything once more: doctor, the audit log, the codes of the whole run, a
// rotation that nobody disturbs.
func (p *people) whole() {
	p.t.Helper()
	_, err := p.node.Run(p.ctx, "identity", "key", "rotate", "--now")
	p.must(err)
	p.signing()
	p.signsIn(p.alice)
	var found []struct {
		ID, State, Says string
	}
	p.must(p.node.RunJSON(p.ctx, &found, "doctor"))
	for _, f := range found {
		if strings.HasPrefix(f.ID, "identity.") && f.State == "not_well" {
			p.t.Errorf("doctor: %s: %s", f.ID, f.Says)
		}
	}
	d, err := db.Open(p.ctx, "sqlite:"+filepath.Join(p.node.Data(), "entrechat.db"))
	p.must(err)
	defer d.Close()
	for what, query := range map[string]string{
		"codes that gave two tokens":         `SELECT count(*) FROM (SELECT grant_id FROM identity_oidc_token GROUP BY grant_id HAVING count(*) > 1) t`,
		"handles without a person":           `SELECT count(*) FROM identity_handle h WHERE NOT EXISTS (SELECT 1 FROM identity_person p WHERE p.id = h.person)`,
		"people without a way to sign in":    `SELECT count(*) FROM identity_person p WHERE NOT EXISTS (SELECT 1 FROM identity_password w WHERE w.person = p.id)`,
		"tokens without what they stand for": `SELECT count(*) FROM identity_oidc_token t WHERE NOT EXISTS (SELECT 1 FROM identity_oidc_grant g WHERE g.id = t.grant_id)`,
	} {
		if n, err := db.One(p.ctx, d, db.Int64, query); err != nil || n != 0 {
			p.t.Errorf("%s: %d, %v", what, n, err)
		}
	}
}

// TestFullDiskWhileKeysRotate: on a disk full to the last byte a rotation fails and says why,
// the keys stay as they were, and all is well again once there is room.
func TestFullDiskWhileKeysRotate(t *testing.T) {
	t.Parallel()
	p := newPeopleOn(t, 2*time.Minute, func(w *world, n *lab.Node) { w.disk(n, "80m") })
	b := relying.NewBrowser()
	if page, err := b.Send(p.ctx, p.open(b, p.invite("")), "", account("alice")); err != nil || page.URL.Path != "/account" {
		t.Fatalf("no account: %v %s", err, page.Text())
	}
	p.alice = b
	before := p.signsIn(b)
	keys := filepath.Join(p.node.Data(), "secrets", "identity.keys")
	held, err := os.ReadFile(keys)
	p.must(err)
	p.fill(p.node, 0)
	out, err := p.node.Run(p.ctx, "identity", "key", "rotate")
	if err == nil || !strings.Contains(out+err.Error(), "space") && !strings.Contains(out+err.Error(), "disk") {
		t.Errorf("a rotation on a full disk: %v %s", err, out)
	}
	if now, err := os.ReadFile(keys); err != nil || string(now) != string(held) {
		t.Errorf("the keys were touched: %v, %d bytes, %d before", err, len(now), len(held))
	}
	if _, err := p.verifier().Verify(p.ctx, before); err != nil { // its keys are read from the node
		t.Errorf("what was signed before: %v", err)
	}
	p.must(os.Remove(filepath.Join(p.node.Dir, "filler")))
	_, err = p.node.Run(p.ctx, "identity", "key", "rotate")
	p.must(err)
	p.signing()
	p.signsIn(b)
}
