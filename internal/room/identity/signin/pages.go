package signin

import (
	"context"
	"embed"
	"errors"
	"html/template"
	"net/http"
	"net/url"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/web"
	"entrechat/internal/room/identity/audit"
	"entrechat/internal/room/identity/session"
)

//go:embed pages/*.html
var pages embed.FS

// Scripts is passkey.js, for pages that ask a device for a passkey.
//
//go:embed pages/passkey.js
var Scripts embed.FS

// views are the pages.
type views struct {
	*Service
	site   *web.Site
	beside []web.Panel
}

// Pages are where people get an account, sign in and out, and get back in. All answers are
// stored by no browser. beside stands below the form to sign in, as a way by another hoster.
func (s *Service) Pages(site *web.Site, beside ...web.Panel) web.Pages {
	v := views{s, site, beside}
	in := web.NewPage[signInPage](site, pages, "pages/signin.html")
	second := web.NewPage[secondPage](site, pages, "pages/second.html")
	done := web.NewPage[donePage](site, pages, "pages/done.html")
	out := web.NewPage[outPage](site, pages, "pages/out.html")
	key := web.NewPage[keyPage](site, pages, "pages/passkey.html").Run(web.NewScript(site, Scripts, "pages/passkey.js"))
	invite := web.NewPage[invitePage](site, pages, "pages/invite.html")
	all := append(v.accountRoutes(invite), []web.Route{
		{Pattern: pathSignIn, Handler: in.Act(v.askPassword, v.password)},
		{Pattern: pathSecond, Handler: second.Act(v.askCode, v.second)},
		{Pattern: "GET " + pathDone, Handler: done.Show(v.done)},
		{Pattern: pathOut, Handler: out.Act(v.askOut, v.out)},
		{Pattern: "POST " + pathPasskey, Handler: key.Answer(v.passkeyPage)},
		{Pattern: pathPasskey + "/answer", Handler: in.Act(v.askPassword, v.passkey)},
		{Pattern: "POST " + pathInvite + "/{token}/passkey", Handler: key.Answer(v.invitePasskey)},
		{Pattern: "POST " + pathInvite + "/{token}/passkey/answer", Handler: invite.Act(v.askInvite, v.invitedPasskey)},
	}...)
	for i := range all {
		all[i].Handler = web.NoStore(all[i].Handler)
	}
	return web.Pages{Routes: all, Menu: []web.Entry{{Path: pathHome, Key: "identity.signin.menu", Order: 80}}}
}

type signInPage struct {
	Who, Password web.Field
	Target        target
	App           string // the service that waits; empty = none does
	As            string // who is signed in already
	Anew          bool   // ... and has to sign in once more
	Two           bool   // a passkey, or two factors, are wished for
	Passkeys      bool
	SignUp        bool
	Beside        []template.HTML // other ways to sign in, as at another hoster
}

func (v views) askPassword(r *http.Request) (page signInPage, err error) {
	page.Target = parseTarget(r.Form)
	if r.Form == nil {
		page.Target = parseTarget(r.URL.Query())
	}
	hint := ""
	if page.Target.Flow != "" {
		flow, ok, err := v.n.Flow(r, page.Target.Flow)
		if err != nil {
			return page, err
		}
		if ok {
			page.App, page.Anew, page.Two, hint = flow.App, flow.Anew, flow.TwoFactors, flow.Hint
		}
	}
	open, ok, err := v.n.Sessions.Find(r)
	if err != nil {
		return page, err
	}
	if ok {
		p, err := v.n.People.Get(r.Context(), open.Person)
		if err != nil {
			return page, err
		}
		page.As = p.Called()
		if hint == "" {
			hint = p.Handle
		}
	}
	if typed := r.PostForm.Get("who"); typed != "" {
		hint = typed
	}
	page.Passkeys, page.SignUp = v.n.Passkeys.HavePasskeys(), v.n.Settings.SignUp != ByInvite
	page.Beside = v.site.Render(r, v.beside)
	page.Who = web.Field{Name: "who", Label: "identity.signin.who", Complete: "username", Value: hint, Required: true}
	page.Password = web.Field{Name: "password", Label: "identity.signin.password", Kind: "password", Complete: "current-password", Required: true}
	return page, nil
}

type secondPage struct{ Code web.Field }

func (v views) askCode(r *http.Request) (secondPage, error) {
	_, _, err := v.waiting(r)
	return secondPage{web.Field{
		Name: "code", Label: "identity.signin.code", Hint: "identity.signin.code_hint", Complete: "one-time-code", Required: true,
	}}, err
}

type donePage struct {
	Next string
	App  string
}

// done leads back to the service that waits. It is a page because the POST before it may not
// end at another site.
func (v views) done(r *http.Request) (page donePage, err error) {
	t := parseTarget(r.URL.Query())
	if t.Flow == "" {
		return donePage{Next: t.page()}, nil
	}
	flow, ok, err := v.n.Flow(r, t.Flow)
	if err == nil && !ok {
		err = core.NotFound("identity.signin.flow_gone", errors.New("no such flow in this browser"))
	}
	return donePage{Next: pathFlow + "?" + url.Values{"flow": {t.Flow}}.Encode(), App: flow.App}, err
}

type outPage struct{ As string }

func (v views) askOut(r *http.Request) (page outPage, err error) {
	open, ok, err := v.n.Sessions.Find(r)
	if err != nil || !ok {
		return page, err
	}
	p, err := v.n.People.Get(r.Context(), open.Person)
	return outPage{p.Called()}, err
}

func (v views) out(w http.ResponseWriter, r *http.Request) (string, error) {
	return pathOut, v.n.Sessions.Leave(w, r, func(ctx context.Context, q db.Querier, ended session.Session) error {
		return v.noteIn(ctx, q, r, audit.Event{Person: ended.Person, By: ended.Person, Kind: audit.SignedOut, About: ended.ID})
	})
}
