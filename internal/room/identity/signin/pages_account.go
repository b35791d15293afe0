package signin

import (
	"net/http"
	"strings"

	"entrechat/internal/core"
	"entrechat/internal/kit/web"
	"entrechat/internal/room/identity/person"
	"entrechat/internal/room/identity/throttle/captcha"
)

// The pages with links: behind the last ones stands a token.
const (
	pathSignUp  = "/sign-up"
	pathInvite  = "/invite"
	pathRecover = "/recover"
	pathStop    = "/recover/stop"
	pathAddress = "/account/mail"
)

// accountRoutes are where people get an account, and get back in.
func (v views) accountRoutes(invite *web.Page[invitePage]) []web.Route {
	up := web.NewPage[signUpPage](v.site, pages, "pages/signup.html").Run(web.NewScript(v.site, captcha.Files, "captcha.js"))
	account := web.NewPage[accountPage](v.site, pages, "pages/account.html")
	recovery := web.NewPage[recoverPage](v.site, pages, "pages/recover.html")
	address := web.NewPage[bool](v.site, pages, "pages/address.html")
	stop := web.NewPage[bool](v.site, pages, "pages/stop.html")
	ours := account.Act(v.askAccountOf, v.accountOf)
	theirs := invite.Act(v.askInvite, v.invite)
	either := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		by, err := v.held(r.Context(), r.PathValue("token"), tokenSignUp, tokenInvite, tokenRecover)
		switch {
		case err != nil:
			v.site.Fail(w, r, err)
		case by.person == "":
			ours.ServeHTTP(w, r)
		default:
			theirs.ServeHTTP(w, r)
		}
	})
	return []web.Route{
		{Pattern: pathSignUp, Handler: up.Form(v.askSignUp, v.signUp)},
		{Pattern: pathSignUp + "/{token}", Handler: either},
		{Pattern: "GET " + pathWaits, Handler: account.Show(func(*http.Request) (accountPage, error) { return accountPage{Waits: true}, nil })},
		{Pattern: pathInvite + "/{token}", Handler: either},
		{Pattern: pathRecover, Handler: recovery.Form(v.askRecover, v.recover)},
		{Pattern: pathStop + "/{token}", Handler: stop.Reveal(v.askStop, v.stopped)},
		{Pattern: pathAddress + "/{token}", Handler: address.Reveal(v.askAddress, v.addressTaken)},
	}
}

// forSignUp is what the captcha of that page is good for.
const forSignUp = "sign-up"

// pathWaits is where who asked for an account is told that it waits.
const pathWaits = "/sign-up/waits/"

type signUpPage struct {
	Sent, Closed, Request bool
	Mail                  web.Field
	Challenge             string
}

func (v views) askSignUp(r *http.Request) (page signUpPage, err error) {
	if err := v.n.Newcomers(r.Context()); err != nil {
		return page, err
	}
	page.Sent, page.Request = r.URL.Query().Get("sent") != "", v.n.Settings.SignUp == ByRequest
	page.Closed = v.n.Settings.SignUp == ByInvite || !v.canMail()
	page.Challenge = v.n.Captcha.Challenge(forSignUp)
	page.Mail = web.Field{
		Name: "mail", Label: "identity.signin.mail", Hint: "identity.signin.mail_hint", Kind: "email", Complete: "email", Required: true,
		Value: r.PostForm.Get("mail"),
	}
	return page, nil
}

func (v views) signUp(r *http.Request) (string, error) {
	if err := v.n.Captcha.Check(r.Context(), forSignUp, r.PostForm.Get(captcha.FieldChallenge), r.PostForm.Get(captcha.FieldSolution)); err != nil {
		return "", err
	}
	return pathSignUp + "?sent=1", v.askAccount(r.Context(), r.PostForm.Get("mail"), v.site.Printer(r).Lang)
}

type accountPage struct {
	Handle, Name, Password, Choice, Text web.Field
	Terms                                string
	Waits                                bool
}

func (v views) askAccountOf(r *http.Request) (page accountPage, err error) {
	t, err := v.held(r.Context(), r.PathValue("token"), tokenSignUp, tokenInvite)
	if err == nil {
		err = v.n.Newcomers(r.Context())
	}
	if err != nil {
		return page, err
	}
	typed := r.PostForm.Get
	page.Terms = v.n.Settings.Terms
	page.Handle = web.Field{Name: "handle", Label: "identity.signin.handle", Hint: "identity.signin.handle_hint", Complete: "username", Value: typed("handle"), Required: true}
	page.Name = web.Field{Name: "name", Label: "identity.signin.name", Hint: "identity.signin.name_hint", Complete: "name", Value: typed("name")}
	page.Password = newPassword()
	if v.decided(t) == person.Waiting {
		page.Text = web.Field{Name: "text", Label: "identity.signin.text", Hint: "identity.signin.text_hint", Rows: 3, Value: typed("text")}
	}
	page.Choice = ChoiceField(v.site.Printer(r), person.Choice(typed("choice")))
	return page, nil
}

func newPassword() web.Field {
	return web.Field{Name: "password", Label: "identity.signin.new_password", Hint: "identity.signin.new_password_hint", Kind: "password", Complete: "new-password", Required: true}
}

// accountOf makes the account and signs its owner in, unless an admin decides first.
func (v views) accountOf(w http.ResponseWriter, r *http.Request) (string, error) {
	typed := r.PostForm.Get
	if typed("terms") == "" {
		return "", core.Invalid("identity.signin.no_terms", nil)
	}
	p, err := v.makeAccount(r, r.PathValue("token"), account{
		new:      person.New{Handle: typed("handle"), Name: typed("name"), Lang: v.site.Printer(r).Lang, Choice: person.Choice(typed("choice"))},
		password: typed("password"), text: typed("text"),
	})
	if err != nil {
		return "", err
	}
	if p.Status == person.Waiting {
		return pathWaits, nil
	}
	return pathHome, v.enter(w, r, p, "pwd")
}

type recoverPage struct {
	Sent, NoMail bool
	Who          web.Field
}

func (v views) askRecover(r *http.Request) (recoverPage, error) {
	return recoverPage{r.URL.Query().Get("sent") != "", !v.canMail(), web.Field{
		Name: "who", Label: "identity.signin.who", Complete: "username", Required: true, Value: r.PostForm.Get("who"),
	}}, nil
}

func (v views) recover(r *http.Request) (string, error) {
	// Each request counts, so that nobody is written to without end.
	if _, err := v.n.Brake.Try(r, "recover/"+strings.ToLower(strings.TrimSpace(r.PostForm.Get("who")))); err != nil {
		return "", err
	}
	return pathRecover + "?sent=1", v.askRecovery(r, r.PostForm.Get("who"))
}

func (v views) askStop(r *http.Request) (bool, error) {
	_, err := v.held(r.Context(), r.PathValue("token"), tokenStop)
	return false, err
}

func (v views) stopped(r *http.Request) (bool, error) {
	return true, v.stop(r, r.PathValue("token"))
}

func (v views) askAddress(r *http.Request) (bool, error) {
	_, err := v.held(r.Context(), r.PathValue("token"), tokenAddress)
	return false, err
}

func (v views) addressTaken(r *http.Request) (bool, error) {
	return true, v.takeAddress(r, r.PathValue("token"))
}

type invitePage struct {
	Handle   string
	Password web.Field
	Passkey  string // where a passkey is made; empty = none can be
}

func (v views) askInvite(r *http.Request) (page invitePage, err error) {
	by, err := v.invitee(r.Context(), r.PathValue("token"))
	page.Handle, page.Password = by.who.Handle, newPassword()
	if by.passkey {
		page.Passkey = pathInvite + "/" + r.PathValue("token") + "/passkey"
	}
	return page, err
}

func (v views) invite(w http.ResponseWriter, r *http.Request) (string, error) {
	return v.choosePassword(w, r, r.PathValue("token"), r.PostForm.Get("password"))
}
