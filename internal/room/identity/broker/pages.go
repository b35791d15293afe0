package broker

import (
	"embed"
	"errors"
	"net/http"
	"net/url"

	"entrechat/internal/core"
	"entrechat/internal/kit/web"
	"entrechat/internal/room/identity/home"
	"entrechat/internal/room/identity/person"
	"entrechat/internal/room/identity/provider"
	"entrechat/internal/room/identity/signin"
)

//go:embed pages/*.html
var pages embed.FS

// views are the pages.
type views struct {
	*Broker
	site *web.Site
}

// Pages are where people say where they are at home, and what a member may be told. All
// answers are stored by no browser.
func (b *Broker) Pages(site *web.Site) web.Pages {
	v := views{b, site}
	elsewhere := web.NewPage[elsewherePage](site, pages, "pages/elsewhere.html")
	leave := web.NewPage[goPage](site, pages, "pages/go.html")
	consent := web.NewPage[consentPage](site, pages, "pages/consent.html")
	hosters := web.NewPage[hostersPage](site, pages, "pages/hosters.html")
	all := []web.Route{
		{Pattern: PathElsewhere, Handler: elsewhere.Act(v.askHome, v.sendHome)},
		{Pattern: "GET " + pathGo, Handler: leave.Show(v.leaving)},
		{Pattern: "GET " + pathBack, Handler: http.HandlerFunc(v.comeBack)},
		{Pattern: provider.PathConsent, Handler: consent.Form(v.askConsent, v.consent)},
		{Pattern: PathConsents, Handler: v.signedIn(hosters.Form(v.hosters, v.withdrawn))},
	}
	for i := range all {
		all[i].Handler = web.NoStore(all[i].Handler)
	}
	return web.Pages{Routes: all}
}

// elsewherePage asks where somebody is at home.
type elsewherePage struct {
	App        string // the service that waits; empty = none does
	Flow, Next string
	Remembered core.MemberID // where this browser last was at home; empty = not known
	Named      bool          // they typed a name of another hoster at the page to sign in
	Who        web.Field
	Homes      web.Field // zero where there are none
	Any        bool
	Back       string // the sign-in page of this node
}

func (v views) askHome(r *http.Request) (page elsewherePage, err error) {
	form := r.Form
	if form == nil {
		form = r.URL.Query()
	}
	page.Flow, page.Next = signin.Target(form)
	w, err := v.wish(r, page.Flow, page.Next)
	if err != nil {
		return page, err
	}
	page.App, page.Back = v.called(w), "/sign-in"
	if query := (away{flow: page.Flow, next: page.Next}).target().Encode(); query != "" {
		page.Back += "?" + query
	}
	homes, err := v.open(r, w)
	if err != nil {
		return page, err
	}
	last := v.remembered(r)
	options := []web.Option{{Text: v.site.Printer(r).T("identity.broker.pick", nil)}}
	for _, h := range homes {
		if h.Member == last {
			page.Remembered = last
		}
		options = append(options, web.Option{Value: string(h.Member), Text: string(h.Member), Chosen: r.PostForm.Get("home") == string(h.Member)})
	}
	typed := r.PostForm.Get("who")
	if named := r.URL.Query().Get("who"); r.PostForm == nil && len(named) <= maxTyped {
		page.Named, typed = named != "", named
	}
	if typed == "" && len(w.f.Hint) <= maxTyped {
		typed = w.f.Hint
	}
	page.Any = len(homes) > 0
	page.Who = web.Field{Name: "who", Label: "identity.broker.who_label", Hint: "identity.broker.who_hint", Value: typed, Complete: "username"}
	page.Homes = web.Field{Name: "home", Label: "identity.broker.home_label", Options: options}
	return page, nil
}

// wish is what a sign-in is for, as an address carries it.
func (v views) wish(r *http.Request, flow, next string) (wish, error) {
	w := wish{flow: flow, next: next}
	if flow == "" {
		return w, nil
	}
	f, err := v.n.Flow(r, flow)
	w.f = f
	return w, err
}

func (views) called(w wish) string {
	if w.flow == "" {
		return ""
	}
	return w.f.Client.Called()
}

// open are the homes whose people may sign in at what somebody wants. Nobody is sent on from
// a member to a third: who comes from a member is at home here.
func (v views) open(r *http.Request, w wish) ([]home.Home, error) {
	if w.f.Client.Member {
		return nil, core.Denied("identity.broker.not_ours", errors.New("a member waits"))
	}
	return v.n.Homes.LettingAt(r.Context(), w.f.Client.ID) // of nothing, where no service waits
}

func (v views) sendHome(rw http.ResponseWriter, r *http.Request) (string, error) {
	flow, next := signin.Target(r.PostForm)
	w, err := v.wish(r, flow, next)
	if err != nil {
		return "", err
	}
	if w.f.Client.Member {
		return "", core.Denied("identity.broker.not_ours", errors.New("a member waits"))
	}
	to, err := v.chosen(r, &w)
	if err != nil {
		return "", err
	}
	w.browse = v.browser(rw, r)
	state, err := v.send(r, to, w)
	if err != nil {
		return "", err
	}
	return pathGo + "?" + url.Values{"state": {state}}.Encode(), nil
}

// chosen is the home that a form names: picked, else typed.
func (v views) chosen(r *http.Request, w *wish) (home.Home, error) {
	picked := r.PostForm.Get("home")
	if picked == "" {
		to, hint, err := finder{v.Broker}.find(r, r.PostForm.Get("who"))
		if err != nil {
			return to, err
		}
		w.hint = hint
		return v.n.Homes.Let(r.Context(), to.Member, w.f.Client.ID)
	}
	id, err := core.ParseMemberID(picked)
	if err != nil {
		return home.Home{}, core.Invalid("identity.broker.who", err)
	}
	return v.n.Homes.Let(r.Context(), id, w.f.Client.ID)
}

// goPage leads to the home. It is a page because a POST of ours may not end at another site.
type goPage struct {
	Next string
	Home core.MemberID
}

func (v views) leaving(r *http.Request) (goPage, error) {
	a, err := v.leads(r, r.URL.Query().Get("state"))
	return goPage{a.address, a.home}, err
}

func (v views) comeBack(w http.ResponseWriter, r *http.Request) {
	next, err := arrival{v.Broker}.back(w, r)
	if err != nil {
		v.site.Fail(w, r, err)
		return
	}
	http.Redirect(w, r, next, http.StatusSeeOther) //nolint:gosec // a page of ours: signin.Target read it
}

// consentPage asks a person of ours what a member may be told.
type consentPage struct {
	Member string
	Flow   string
	As     person.Person
	Cancel string
}

// waiting is a member's request that waits for the person who is signed in.
func (v views) waiting(r *http.Request, id string) (provider.Flow, person.Person, error) {
	f, err := v.n.Flow(r, id)
	if err != nil {
		return f, person.Person{}, err
	}
	if !f.Client.Member {
		return f, person.Person{}, core.NotFound("identity.provider.no_flow", errors.New("no member waits"))
	}
	open, err := v.n.Sessions.Signed(r)
	if err != nil {
		return f, person.Person{}, err
	}
	p, err := v.n.People.Get(r.Context(), open.Person)
	if err == nil && p.Kind != person.Local {
		err = core.Denied("identity.broker.not_ours", errors.New("a visitor"))
	}
	return f, p, err
}

func (v views) askConsent(r *http.Request) (page consentPage, err error) {
	f, p, err := v.waiting(r, r.FormValue("flow"))
	return consentPage{f.Client.Called(), f.ID, p, provider.Cancel(f.ID)}, err
}

func (v views) consent(r *http.Request) (string, error) {
	f, p, err := v.waiting(r, r.PostForm.Get("flow"))
	if err != nil {
		return "", err
	}
	c := Consent{Member: core.MemberID(f.Client.ID), Mail: r.PostForm.Get("mail") == "1" && p.Mail != "", At: v.now()}
	return signin.Done(f.ID), v.agree(r, p.ID, c)
}

// signedIn shows a page to who is signed in; others sign in first, and come back.
func (v views) signedIn(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, ok, err := v.n.Sessions.Find(r)
		if err == nil && !ok && r.Method == http.MethodGet {
			http.Redirect(w, r, signin.Path+"?"+url.Values{"next": {r.URL.Path}}.Encode(), http.StatusSeeOther)
			return
		}
		if err != nil {
			v.site.Fail(w, r, err)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// hostersPage lists what a person agreed to.
type hostersPage struct{ Consents []Consent }

func (v views) hosters(r *http.Request) (page hostersPage, err error) {
	open, err := v.n.Sessions.Signed(r)
	if err != nil {
		return page, err
	}
	page.Consents, err = v.Consents(r.Context(), open.Person)
	return page, err
}

func (v views) withdrawn(r *http.Request) (string, error) {
	open, err := v.n.Sessions.Signed(r)
	if err != nil {
		return "", err
	}
	return PathConsents, v.withdraw(r, open.Person, core.MemberID(r.PostForm.Get("member")))
}
