package browser

import (
	"strings"

	"github.com/chromedp/chromedp"
)

// accounts is the hoster's side: somebody asks for an account, an admin who signed in with
// theirs accepts, makes another, suspends it.
func (n *night) accounts(axe string) {
	n.Helper()
	n.node.Stop()
	n.must(n.node.Configure(map[string]string{"sign_up": "'request'"}))
	n.must(n.node.Up(n.ctx))
	n.open("/sign-up?lang=fr", "#mail")
	n.do(chromedp.SendKeys("#mail", "rex@chaton-c.test"), chromedp.Click("main form button"), chromedp.WaitVisible(".note.fine"))
	n.open(n.linkIn(n.letter("rex@chaton-c.test", "/sign-up/"), "/sign-up/"), "#text")
	n.do(
		chromedp.SetValue("#handle", "rex"), chromedp.SetValue("#password", "un cheval debout"), chromedp.SetValue("#text", "Je fais partie de l'atelier vélo."),
		chromedp.Click("#terms"), chromedp.Click("main form button"), chromedp.WaitNotPresent("#text"),
	)
	n.inspect(axe, "/sign-up/waits/")

	var made struct {
		Link string `json:"link"`
	}
	n.must(n.node.RunJSON(n.ctx, &made, "identity", "person", "add", "ana", "--name", "Ana", "--role", "admin"))
	n.do(chromedp.Navigate(made.Link), chromedp.WaitVisible("#password"))
	n.looked(axe, "invited")
	n.do(chromedp.SendKeys("#password", "un lapin assis"), chromedp.Click(`form:has(#password) button`), chromedp.WaitVisible(".cards"))
	n.open("/admin/?lang=fr", "#identity-waits")
	n.inspect(axe, "/admin/")
	n.do(chromedp.Click("#identity-waits + p a"), chromedp.WaitVisible(".cards"))
	n.inspect(axe, "/admin/people")
	var rex string
	n.do(chromedp.AttributeValue(`.cards a[href$="/close"]`, "href", &rex, nil))
	n.inspect(axe, rex)
	n.open("/admin/people?lang=fr", ".cards")
	n.do(chromedp.Click(".cards form button"), chromedp.WaitNotPresent(".cards"))

	n.inspect(axe, "/admin/people/add")
	n.open("/admin/people/add", "#handle")
	n.tabTo("handle")
	var leo string
	n.do(
		chromedp.KeyEvent("leo\r"), chromedp.WaitVisible("main pre"),
		chromedp.AttributeValue(`main a[href^="/admin/people/"]`, "href", &leo, nil),
	)
	n.looked(axe, "people-link")
	if !strings.HasPrefix(leo, "/admin/people/") {
		n.Fatal(leo)
	}
	for _, path := range []string{leo, leo + "/roles", leo + "/close"} {
		n.inspect(axe, path)
	}
	n.open(leo, `button[value="suspend"]`)
	n.do(chromedp.Click(`button[value="suspend"]`), chromedp.WaitVisible(`button[value="resume"]`))
	n.looked(axe, "people-suspended")
	for _, path := range []string{"/admin/people?show=suspended", "/admin/homes", "/admin/apps", "/admin/apps/add"} {
		n.inspect(axe, path)
	}
}
