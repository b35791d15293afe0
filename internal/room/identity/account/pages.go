package account

import (
	"embed"
	"html/template"
	"net/http"

	"entrechat/internal/kit/web"
	"entrechat/internal/kit/words"
	"entrechat/internal/room/identity/audit"
	"entrechat/internal/room/identity/credential"
	"entrechat/internal/room/identity/person"
	"entrechat/internal/room/identity/signin"
)

//go:embed pages/*.html
var pages embed.FS

// The pages.
const (
	Path         = "/account"
	pathProfile  = Path + "/profile"
	pathMail     = Path + "/mail"
	pathKeys     = Path + "/keys"
	pathPassword = pathKeys + "/password"
	pathPasskey  = pathKeys + "/passkey"
	pathCodes    = pathKeys + "/codes"
	pathSpare    = pathKeys + "/recovery"
	pathSessions = Path + "/sessions"
	pathChoice   = Path + "/choice"
	pathData     = Path + "/data"
	pathLeave    = Path + "/leave"
	pathApps     = "/my-services"
)

// views are the pages.
type views struct {
	*Service
	site   *web.Site
	beside []web.Panel
}

// Pages are a person's own. beside stands below the services that a person uses, as the
// consents given to other hosters.
func (s *Service) Pages(site *web.Site, beside ...web.Panel) web.Pages {
	v := views{s, site, beside}
	home := web.NewPage[homePage](site, pages, "pages/home.html")
	profile := web.NewPage[formPage](site, pages, "pages/form.html")
	apps := web.NewPage[appsPage](site, pages, "pages/apps.html")
	leave := web.NewPage[leavePage](site, pages, "pages/leave.html")
	left := web.NewPage[struct{}](site, pages, "pages/left.html")
	var all web.Pages
	add := func(pattern string, needs need, h http.Handler) {
		all.Routes = append(all.Routes, web.Route{Pattern: pattern, Handler: web.NoStore(v.guard(h, needs))})
	}
	add("GET "+Path, signedIn, home.Show(v.home))
	add(pathProfile, local, profile.Form(v.askProfile, v.profile))
	add(pathChoice, local, profile.Form(v.askChoice, v.choice))
	add(pathMail, fresh, profile.Form(v.askMail, v.mail))
	add("GET "+pathApps, signedIn, apps.Show(v.apps))
	add("GET "+pathData, fresh, http.HandlerFunc(v.data))
	add(pathLeave, fresh, leave.Act(v.askLeave, v.leave))
	v.keyRoutes(add)
	v.sessionRoutes(add)
	all.Routes = append(all.Routes, web.Route{Pattern: "GET " + pathLeave + "/done", Handler: left.Show(func(*http.Request) (struct{}, error) { return struct{}{}, nil })})
	return all
}

// homePage says what is known of a person, and leads to where it is changed.
type homePage struct {
	person.Person
	Ways     credential.Ways
	Home     string // where a visitor's account is
	Choice   string
	Sent     bool // a mail went to a new address
	Advice   bool // there is only a password
	Keys     bool // browsers allow passkeys here
	Sessions int
	Local    bool
	Admin    bool
}

func (v views) home(r *http.Request) (page homePage, err error) {
	me := of(r)
	page = homePage{
		Person: me.Person, Home: string(me.session.Home), Local: me.Kind == person.Local, Admin: me.Is(person.Admin),
		Sent: r.URL.Query().Get("sent") != "", Choice: v.site.Printer(r).T("identity.signin.choice_"+string(me.Choice), nil), Keys: v.n.Keys.HavePasskeys(),
	}
	if page.Ways, err = v.n.Keys.List(r.Context(), me.ID); err != nil {
		return page, err
	}
	page.Advice = page.Local && !page.Ways.TOTP && len(page.Ways.Passkeys) == 0
	list, err := v.n.Sessions.List(r.Context(), me.ID)
	page.Sessions = len(list)
	return page, err
}

// formPage is one question, or a few that belong together.
type formPage struct {
	Title, Lead, Button string // words keys; Lead may be empty
	Fields              []web.Field
	// Username is whose password it is, for programs that keep passwords; empty = there is none.
	Username string
}

func (v views) askProfile(r *http.Request) (formPage, error) {
	me := of(r)
	name := me.Name
	lang := me.Lang
	if r.PostForm != nil {
		name, lang = r.PostForm.Get("name"), r.PostForm.Get("lang")
	}
	return formPage{
		Title: "identity.account.profile", Button: "identity.account.save",
		Fields: []web.Field{
			{Name: "name", Label: "identity.account.name", Hint: "identity.account.name_hint", Complete: "name", Value: name},
			{Name: "lang", Label: "identity.account.lang", Required: true, Options: []web.Option{
				{Value: words.French, Text: "Français", Chosen: lang == words.French}, {Value: words.English, Text: "English", Chosen: lang == words.English},
			}},
		},
	}, nil
}

func (v views) profile(r *http.Request) (string, error) {
	return Path, v.change(r, of(r), "", func(p *person.Person) error {
		p.Name, p.Lang = r.PostForm.Get("name"), r.PostForm.Get("lang")
		return nil
	})
}

func (v views) askChoice(r *http.Request) (formPage, error) {
	return formPage{
		Title: "identity.signin.choice", Lead: "identity.account.choice_lead", Button: "identity.account.save",
		Fields: []web.Field{signin.ChoiceField(v.site.Printer(r), of(r).Choice)},
	}, nil
}

func (v views) choice(r *http.Request) (string, error) {
	c, err := person.ParseChoice(r.PostForm.Get("choice"))
	if err != nil {
		return "", err
	}
	return Path, v.change(r, of(r), audit.ChoiceChanged, func(p *person.Person) error { p.Choice = c; return nil })
}

func (v views) askMail(r *http.Request) (formPage, error) {
	return formPage{
		Title: "identity.account.mail", Lead: "identity.account.mail_lead", Button: "identity.account.mail_send",
		Fields: []web.Field{{
			Name: "mail", Label: "identity.account.mail_new", Kind: "email", Complete: "email", Required: true, Value: r.PostForm.Get("mail"),
		}},
	}, nil
}

func (v views) mail(r *http.Request) (string, error) {
	return Path + "?sent=1", v.n.SignIn.AskAddress(r.Context(), of(r).Person, r.PostForm.Get("mail"))
}

// appsPage is what a person uses with the account.
type appsPage struct {
	Apps   []App
	Beside []template.HTML
}

func (v views) apps(r *http.Request) (appsPage, error) {
	list, err := v.n.Apps(r.Context(), of(r).ID)
	return appsPage{list, v.site.Render(r, v.beside)}, err
}
