package browser

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/pquerna/otp/totp"

	"entrechat/internal/app/lab"
)

// newAccounts is a node where anybody makes an account, at a name, as passkeys want it; its
// mails come to a box.
func newAccounts(t *testing.T) *night {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 8*time.Minute)
	t.Cleanup(cancel)
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv(asProgram, "1")
	n := &night{world: &world{T: t, ctx: ctx}}
	n.all, err = lab.Found(t.TempDir(), program, 1)
	n.must(err)
	n.node = n.all[0]
	n.node.Front = strings.Replace(n.node.Public, "127.0.0.1", "localhost", 1)
	n.box, err = lab.NewMailbox()
	n.must(err)
	t.Cleanup(func() { _ = n.box.Close() })
	t.Cleanup(n.node.Stop)
	n.must(n.node.Init(ctx))
	n.writesMail(n.node)
	n.must(n.node.Configure(map[string]string{"sign_up": "'open'", "terms": "'https://chaton-a.test/cgu'"}))
	n.must(n.node.Up(ctx))
	n.visits = n.chromium()
	n.authenticator()
	return n
}

// go opens a page of the node.
func (n *night) open(path, there string) {
	n.Helper()
	n.do(chromedp.Navigate(n.node.URL()+path), chromedp.WaitVisible(there))
}

// TestAccount is a person's life at a hoster: an account by mail, a passkey, codes, a way
// back that is stopped, and the way out.
func TestAccount(t *testing.T) {
	n := newAccounts(t)
	axe := n.axe()
	n.signUp(axe)
	n.addPasskey(axe)
	secret, spare := n.addCodes(axe)

	// In by the passkey, without the code: the device made sure of its owner.
	n.signOut()
	n.open("/sign-in?lang=en", "#who")
	n.do(chromedp.Click(`form[action="/sign-in/passkey"] button`), chromedp.WaitVisible(".cards"))

	// In by keys alone, with the password and a code.
	n.signOut()
	n.open("/sign-in", "#who")
	n.tabTo("who")
	n.do(chromedp.KeyEvent("zoe"), chromedp.KeyEvent(kb.Tab), chromedp.KeyEvent("un cheval debout"), chromedp.KeyEvent(kb.Enter), chromedp.WaitVisible("#code"))
	n.looked(axe, "sign-in-second")
	n.do(chromedp.SendKeys("#code", "000000"), chromedp.Click("main form button"), chromedp.WaitVisible(`[role="alert"]`),
		chromedp.SetValue("#code", spare), chromedp.Click("main form button"), chromedp.WaitVisible(".cards"))
	if code, err := totp.GenerateCode(secret, time.Now()); err != nil || len(code) != 6 {
		t.Error(code, err)
	}

	paths := []string{
		"/account", "/account/profile", "/account/choice", "/account/mail", "/account/keys", "/account/keys/password", "/account/sessions",
		"/account/sessions/history", "/my-services", "/account/hosters", "/account/leave", "/sign-in", "/sign-up", "/recover", "/sign-out", "/admin/sign-in",
	}
	for _, path := range append(paths, n.stopRecovery()) {
		n.inspect(axe, path)
	}

	n.open("/account/leave?lang=fr", "#handle")
	n.do(chromedp.SendKeys("#handle", "zoe"), chromedp.Click("main form button"), chromedp.WaitVisible(".note.fine"))
	n.looked(axe, "account-left")
	n.open("/sign-in", "#who")
	n.do(chromedp.SendKeys("#who", "zoe"), chromedp.SendKeys("#password", "un cheval debout"), chromedp.Click(`form[action="/sign-in"] button`), chromedp.WaitVisible(`[role="alert"]`))
	n.accounts(axe)
}

// signUp makes an account: the script works the captcha out, a mail brings the link.
func (n *night) signUp(axe string) {
	n.Helper()
	n.open("/sign-up?lang=fr", "#mail")
	n.do(chromedp.SendKeys("#mail", "zoe@chaton-c.test"), chromedp.Click("main form button"), chromedp.WaitVisible(".note.fine"))
	n.looked(axe, "sign-up-sent")
	link := n.linkIn(n.letter("zoe@chaton-c.test", "/sign-up/"), "/sign-up/")
	n.inspect(axe, link)
	n.open(link, "#handle")
	n.do(
		chromedp.SetValue("#handle", "zoe"), chromedp.SetValue("#name", "Zoé"), chromedp.SetValue("#password", "court"), chromedp.SetValue("#choice", "handover"),
		chromedp.Click("#terms"), chromedp.Click("main form button"), chromedp.WaitVisible(`[role="alert"]`),
	)
	var kept string
	n.do(
		chromedp.Value("#choice", &kept), chromedp.SetValue("#password", "un cheval debout"), chromedp.Click("#terms"),
		chromedp.Click("main form button"), chromedp.WaitVisible(".cards"),
	)
	if kept != "handover" {
		n.Errorf("the choice came back as %q", kept)
	}
}

func (n *night) addPasskey(axe string) {
	n.Helper()
	n.open("/account/keys?lang=fr", `form[action="/account/keys/passkey"]`)
	n.do(chromedp.Click(`form[action="/account/keys/passkey"] button`), chromedp.WaitVisible("#passkey-ask"))
	n.looked(axe, "account-passkey")
	n.do(chromedp.SendKeys("#name", "portable"), chromedp.Click("#passkey-ask"), chromedp.WaitVisible(`input[value="portable"]`))
}

// addCodes switches one-time codes on, and answers their secret and one recovery code.
func (n *night) addCodes(axe string) (secret, spare string) {
	n.Helper()
	n.do(chromedp.Click(`form[action="/account/keys/codes"] button`), chromedp.WaitVisible(".qr"), chromedp.Text("main p code", &secret))
	n.looked(axe, "account-codes")
	secret = strings.ReplaceAll(secret, " ", "")
	code, err := totp.GenerateCode(secret, time.Now())
	n.must(err)
	n.do(
		chromedp.SendKeys("#code", code), chromedp.Click(`form[action="/account/keys/codes/answer"] button`), chromedp.WaitVisible(".note.fine"),
		chromedp.Click(`.note form button`), chromedp.WaitVisible("ol.mono"), chromedp.Text("ol.mono li", &spare),
	)
	n.looked(axe, "account-recovery")
	return secret, spare
}

func (n *night) signOut() {
	n.Helper()
	n.open("/sign-out", "main form button")
	n.do(chromedp.Click("main form button"), chromedp.WaitVisible(".note.fine"))
}

// stopRecovery asks for a way back, which waits because of the passkey, and is the page that
// stops it.
func (n *night) stopRecovery() string {
	n.Helper()
	n.open("/recover?lang=fr", "#who")
	n.do(chromedp.SendKeys("#who", "zoe"), chromedp.Click("main form button"), chromedp.WaitVisible(".note.fine"))
	return n.linkIn(n.letter("zoe@chaton-c.test", "/recover/stop/"), "/recover/stop/")
}

// tabTo presses the key that goes on until a field has the focus.
func (w *world) tabTo(id string) {
	w.Helper()
	for range 60 {
		var at string
		w.do(chromedp.KeyEvent(kb.Tab), chromedp.Evaluate(`document.activeElement.id`, &at))
		if at == id {
			return
		}
	}
	w.Fatalf("no key leads to %s", id)
}
