package move

import (
	"context"
	"embed"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"entrechat/internal/core"
	"entrechat/internal/kit/peer"
	"entrechat/internal/kit/web"
	"entrechat/internal/room/identity/person"
	"entrechat/internal/room/identity/signin"
	"entrechat/internal/room/identity/throttle"
)

//go:embed pages/*.html
var pages embed.FS

// The pages.
const (
	// PathLeave is where a person of ours moves to another hoster from.
	PathLeave = "/account/move"
	// PathArrive is where a person of another hoster comes with ?home= and ?code=.
	PathArrive = "/move"
)

// views are the pages.
type views struct {
	*Moves
	site  *web.Site
	calls *throttle.Meter // of old homes
}

// Pages are where people leave, and where they come.
func (m *Moves) Pages(site *web.Site) web.Pages {
	v := views{m, site, newCalls()}
	leave := web.NewPage[leavePage](site, pages, "pages/leave.html")
	arrive := web.NewPage[arrivePage](site, pages, "pages/arrive.html")
	return web.Pages{Routes: []web.Route{
		{Pattern: PathLeave, Handler: web.NoStore(v.ours(leave.Reveal(v.askLeave, v.leave)))},
		{Pattern: PathArrive, Handler: web.NoStore(arrive.Form(v.askArrive, v.arrive))},
	}}
}

// ours shows a page to people of ours who have just signed in; others are sent to do so.
func (v views) ours(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		found, err := v.n.Sessions.Fresh(r)
		if core.CodeOf(err) == core.CodeDenied && r.Method == http.MethodGet {
			http.Redirect(w, r, "/sign-in?"+url.Values{"next": {PathLeave}}.Encode(), http.StatusSeeOther)
			return
		}
		var p person.Person
		if err == nil {
			p, err = person.Get(r.Context(), v.n.DB, found.Person)
		}
		if err == nil && p.Kind != person.Local {
			err = core.Conflict("identity.person.not_ours", errors.New("a visitor"))
		}
		if err != nil {
			v.site.Fail(w, r, err)
			return
		}
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), ownKey{}, p)))
	})
}

type ownKey struct{}

func own(r *http.Request) person.Person {
	p, _ := r.Context().Value(ownKey{}).(person.Person)
	return p
}

// leavePage asks where somebody moves to, and then shows what to open there.
type leavePage struct {
	Homes web.Field
	Any   bool
	Offer Offer  // the zero value until one is made
	Link  string // to the new home
	Web   bool   // whether the link can be followed
}

func (v views) askLeave(r *http.Request) (page leavePage, err error) {
	homes, err := v.n.Homes.All(r.Context())
	options := []web.Option{{Text: v.site.Printer(r).T("identity.move.pick", nil)}}
	for _, h := range homes {
		if h.Shut == 0 {
			options, page.Any = append(options, web.Option{Value: string(h.Member), Text: string(h.Member)}), true
		}
	}
	page.Homes = web.Field{Name: "home", Label: "identity.move.to", Required: true, Options: options}
	return page, err
}

func (v views) leave(r *http.Request) (page leavePage, err error) {
	to, err := core.ParseMemberID(r.PostForm.Get("home"))
	if err != nil {
		return page, core.Invalid("identity.move.nowhere", err).With("Member", "")
	}
	if page.Offer, err = v.Offer(r.Context(), Asked{own(r).ID, to, signin.From(r)}); err != nil {
		return page, err
	}
	found, err := v.n.Homes.Get(r.Context(), to)
	page.Link = found.Issuer + PathArrive + "?" + url.Values{"home": {string(v.n.Self)}, "code": {page.Offer.Code}}.Encode()
	return page, err
}

// arrivePage asks whose account comes, and then what they want to be called here. It says
// whose it is first: who follows somebody's link does not take a stranger's account for theirs.
type arrivePage struct {
	Home    core.MemberID // empty = nobody was named
	Code    string
	Who     string // what the account is called there; empty = no code was shown, or none that opens
	Problem string // why it does not open; empty = no code was shown
	Fields  []web.Field
	Own     string // the handle of who is signed in here with an account of ours; empty = nobody is
}

func (v views) askArrive(r *http.Request) (page arrivePage, err error) {
	get := func(name string) string { return strings.TrimSpace(r.FormValue(name)) }
	if id, err := core.ParseMemberID(get("home")); err == nil && len(get("home")) < 300 {
		page.Home = id
	}
	page.Code = get("code")
	if page.Home != "" && page.Code != "" {
		c, err := v.look(r, page)
		if err != nil {
			page.Problem = v.site.Printer(r).Error(err)
		}
		page.Who = c.Handle
	}
	if page.Who == "" {
		page.Fields = []web.Field{
			{Name: "home", Label: "identity.move.from", Hint: "identity.move.from_hint", Required: true, Value: string(page.Home)},
			{Name: "code", Label: "identity.move.code", Hint: "identity.move.code_hint", Required: true, Value: page.Code},
		}
		return page, nil
	}
	p, err := v.here(r)
	page.Own = p.Handle
	page.Fields = []web.Field{{Name: "handle", Label: "identity.move.handle", Hint: "identity.move.handle_hint", Complete: "username", Value: get("handle")}}
	return page, err
}

// look asks the old home whose account a code opens, as often as strangers may have us ask.
func (v views) look(r *http.Request, page arrivePage) (Comer, error) {
	if !v.mayCall(r) {
		return Comer{}, core.Unsure("identity.move.slow", errors.New("too often"))
	}
	c, err := v.Look(r.Context(), Wish{From: page.Home, Code: page.Code})
	return c, v.explained(r, page.Home, err)
}

// mayCall says whether a request may have us ask an old home. One network does not use up what
// all others may.
func (v views) mayCall(r *http.Request) bool {
	return v.calls.Take(peer.ClientNetwork(r), v.n.Now())
}

// explained says of a refusal that it is the old home's.
func (v views) explained(r *http.Request, from core.MemberID, err error) error {
	if code := core.CodeOf(err); code == core.CodeNotFound || code == core.CodeDenied {
		return core.Invalid("identity.move.not_taken", err).With("Member", string(from)).With("Why", v.site.Printer(r).Error(err))
	}
	return err
}

// here is who is signed in with an account of ours; the zero value for nobody.
func (v views) here(r *http.Request) (person.Person, error) {
	found, ok, err := v.n.Sessions.Find(r)
	if err != nil || !ok {
		return person.Person{}, err
	}
	p, err := person.Get(r.Context(), v.n.DB, found.Person)
	if err != nil || p.Kind != person.Local || p.Status != person.Active {
		return person.Person{}, err
	}
	return p, nil
}

func (v views) arrive(r *http.Request) (string, error) {
	from, err := core.ParseMemberID(r.PostForm.Get("home"))
	if err != nil {
		return "", core.Invalid("identity.move.unknown_home", err).With("Member", "")
	}
	if r.PostForm.Get("seen") != "1" {
		return PathArrive + "?" + url.Values{"home": {string(from)}, "code": {strings.TrimSpace(r.PostForm.Get("code"))}}.Encode(), nil
	}
	if !v.mayCall(r) {
		return "", core.Unsure("identity.move.slow", errors.New("too often"))
	}
	w := Wish{From: from, Code: strings.TrimSpace(r.PostForm.Get("code")), Handle: r.PostForm.Get("handle"), By: signin.From(r)}
	if r.PostForm.Get("own") == "1" {
		p, err := v.here(r)
		if err != nil {
			return "", err
		}
		w.Own = p.ID
	}
	came, err := v.Take(r.Context(), w)
	if err != nil || came.Address == "" {
		return "/account", v.explained(r, from, err)
	}
	return strings.TrimPrefix(came.Address, v.n.URL), nil
}
