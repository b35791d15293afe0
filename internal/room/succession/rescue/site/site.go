package site

import (
	"context"
	"embed"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strings"

	"entrechat/internal/core"
	"entrechat/internal/kit/peer"
	"entrechat/internal/kit/web"
	"entrechat/internal/kit/words"
	"entrechat/internal/room/succession/rescue/letin"
	"entrechat/internal/room/succession/rescue/record"
	"entrechat/internal/room/succession/rescue/whose"
)

//go:embed pages/*.html
var pages embed.FS

// Path is where all rescues are listed; those of one owner are below it.
const Path = "/rescue"

// Accounts recognises who is signed in here.
type Accounts interface {
	SignedIn(r *http.Request) (id string, ok bool, err error)
	// ProvedMail is the address of a person that they proved to be theirs; empty = none.
	ProvedMail(ctx context.Context, id string) (string, error)
}

// Needs is what the site is made of; Accounts may find none, all else is required.
type Needs struct {
	Records *record.Records
	Doors   *letin.Doors
	// Back is an error of CodeConflict "succession.rescue.owner_back" while an owner is heard
	// again: nobody new comes in.
	Back     func(ctx context.Context, owner core.MemberID) error
	Accounts func() (Accounts, bool)
	// Receipt signs what was erased for somebody.
	Receipt func(owner core.MemberID, gone record.Gone) (string, error)
	// Changed is told after who has a password for programs changed.
	Changed func(ctx context.Context, owner core.MemberID) error
	Self    core.MemberID
	Log     *slog.Logger
}

type views struct {
	Needs
	site *web.Site
}

// Pages are what people see.
func Pages(s *web.Site, n Needs) web.Pages {
	v := views{n, s}
	mail := mailboxes{v}
	list := web.NewPage[listPage](s, pages, "pages/list.html", "pages/parts.html")
	front := web.NewPage[frontPage](s, pages, "pages/front.html", "pages/parts.html")
	in := web.NewPage[inPage](s, pages, "pages/in.html")
	sent := web.NewPage[sentPage](s, pages, "pages/sent.html")
	mine := web.NewPage[minePage](s, pages, "pages/mine.html", "pages/parts.html")
	folder := web.NewPage[folderPage](s, pages, "pages/folder.html", "pages/parts.html")
	text := web.NewPage[textPage](s, pages, "pages/text.html", "pages/parts.html")
	mails := web.NewPage[mailPage](s, pages, "pages/mail.html", "pages/parts.html")
	password := web.NewPage[passwordPage](s, pages, "pages/password.html")
	erase := web.NewPage[erasePage](s, pages, "pages/erase.html")
	routes := []web.Route{
		{Pattern: "GET " + Path, Handler: list.Show(v.list)},
		{Pattern: "GET " + letin.InPath, Handler: in.Act(v.in, v.enter)},
		{Pattern: "POST " + letin.InPath, Handler: in.Act(v.in, v.enter)},
		{Pattern: Path + "/{owner}/{$}", Handler: front.Act(v.front, v.ask)},
		{Pattern: "GET " + Path + "/{owner}", Handler: http.HandlerFunc(slash)},
		{Pattern: "GET " + Path + "/{owner}/sent", Handler: sent.Show(v.sent)},
		{Pattern: "POST " + Path + "/{owner}/out", Handler: http.HandlerFunc(v.out)},
		{Pattern: "GET " + Path + "/{owner}/mine", Handler: mine.Show(v.mine)},
		{Pattern: Path + "/{owner}/password", Handler: password.Reveal(v.passwordPage, v.newPassword)},
		{Pattern: Path + "/{owner}/erase", Handler: erase.Reveal(v.erasePage, v.erase)},
		{Pattern: "GET " + Path + "/{owner}/of/{item}/{path...}", Handler: v.files(folder, text)},
		{Pattern: "GET " + Path + "/{owner}/zip/{item}/{path...}", Handler: v.sends(v.zip)},
		{Pattern: "GET " + Path + "/{owner}/one/{item}", Handler: v.sends(v.joined)},
		{Pattern: "GET " + Path + "/{owner}/mail/{item}", Handler: mails.Show(mail.mails)},
		{Pattern: "GET " + Path + "/{owner}/message/{item}", Handler: v.sends(mail.message)},
		{Pattern: "GET " + Path + "/{owner}/mbox/{item}", Handler: v.sends(mail.mbox)},
	}
	for i, r := range routes {
		routes[i].Handler = private(r.Handler)
	}
	return web.Pages{Routes: routes}
}

// Programs are what programs ask for, without a page around it: WebDAV and git.
func Programs(n Needs) []web.Route {
	v := programs{views{Needs: n}}
	return []web.Route{
		{Pattern: Path + "/{owner}/dav/{path...}", Handler: http.HandlerFunc(v.dav)},
		{Pattern: Path + "/{owner}/git/{item}/{path...}", Handler: http.HandlerFunc(v.git)},
	}
}

// Front answers for the name rescue.ORIGIN: nothing but rescues is served under it, so that what
// others stored never comes from the name that our own pages have.
func Front(self core.MemberID, own string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host, _, _ := strings.Cut(strings.ToLower(r.Host), ":")
		switch path := r.URL.Path; {
		case strings.TrimSuffix(host, ".") != "rescue."+string(self):
			next.ServeHTTP(w, r)
		case path == Path || strings.HasPrefix(path, Path+"/") || strings.HasPrefix(path, "/site/") || path == "/favicon.ico":
			next.ServeHTTP(w, r)
		case path == "/":
			http.Redirect(w, r, Path, http.StatusSeeOther)
		case r.Method != http.MethodGet && r.Method != http.MethodHead:
			http.Error(w, http.StatusText(http.StatusMisdirectedRequest), http.StatusMisdirectedRequest)
		default:
			http.Redirect(w, r, own+(&url.URL{Path: "/" + strings.TrimLeft(path, "/"), RawQuery: r.URL.RawQuery}).String(), http.StatusFound)
		}
	})
}

// private keeps what is somebody's out of caches and search engines.
func private(next http.Handler) http.Handler {
	return web.NoStore(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Robots-Tag", "noindex, nofollow")
		next.ServeHTTP(w, r)
	}))
}

func slash(w http.ResponseWriter, r *http.Request) {
	http.Redirect(w, r, below(core.MemberID(r.PathValue("owner"))), http.StatusSeeOther) //nolint:gosec // below a path of ours
}

// below is where an owner's services are.
func below(owner core.MemberID, more ...string) string {
	out := Path + "/" + url.PathEscape(string(owner)) + "/"
	parts := make([]string, 0, len(more))
	for _, part := range more {
		parts = append(parts, url.PathEscape(part))
	}
	return out + strings.Join(parts, "/")
}

func network(r *http.Request) string {
	if p := peer.ClientNetwork(r); p.IsValid() {
		return p.String()
	}
	return ""
}

// service is a rescue as a page shows it.
type service struct {
	Owner    core.MemberID
	Page     string
	Name     string
	Severity web.Severity
	State    string
	AsOf     core.Moment
	Until    core.Moment
	Shown    bool
}

func (v views) service(p *words.Printer, one record.Rescue, back bool) service {
	s := service{Owner: one.Owner, Page: below(one.Owner), Name: one.Service, Severity: web.None, AsOf: one.AsOf, Until: one.Until, Shown: one.Shown(v.Records.Now())}
	key := string(one.State)
	switch {
	case s.Shown && back:
		key, s.Severity = "back", web.Warn
	case s.Shown:
		s.Severity = web.Warn // it is not the service: it is what is left of it
	case one.State == record.Open:
		key = string(record.Ended)
	}
	s.State = p.T("succession.rescue.state_"+key, map[string]any{"Day": one.AsOf})
	return s
}

// listPage is all that is rescued here.
type listPage struct{ Services []service }

func (v views) list(r *http.Request) (page listPage, err error) {
	all, err := v.Records.List(r.Context(), "")
	for _, one := range all {
		if one.State == record.Open {
			page.Services = append(page.Services, v.service(v.site.Printer(r), one, v.Back(r.Context(), one.Owner) != nil))
		}
	}
	return page, err
}

// owner is the owner that a request is about, with all of its rescues. Returns CodeNotFound.
func (v views) owner(r *http.Request) (owner core.MemberID, all []record.Rescue, err error) {
	none := core.NotFound("succession.rescue.none", errors.New("no rescue"))
	owner, err = core.ParseMemberID(r.PathValue("owner"))
	if err != nil {
		return owner, nil, none
	}
	all, err = v.Records.List(r.Context(), owner)
	if err == nil && len(all) == 0 {
		err = none
	}
	return owner, all, err
}

// guest is who is signed in for an owner's services, here or by their account. Returns CodeDenied
// "succession.rescue.sign_in" for nobody.
func (v views) guest(r *http.Request, owner core.MemberID) (letin.Guest, error) {
	g, ok, err := v.Doors.Guest(r, owner)
	if err == nil && !ok {
		err = core.Denied("succession.rescue.sign_in", errors.New("nobody is signed in"))
	}
	return g, err
}

// byAccount is who an account that is signed in here is in an owner's services; ok is false where
// it is nobody.
func (v views) byAccount(r *http.Request, owner core.MemberID) (g letin.Guest, ok bool, err error) {
	accounts, ok := v.Accounts()
	if !ok {
		return g, false, nil
	}
	id, ok, err := accounts.SignedIn(r)
	if err != nil || !ok {
		return g, false, err
	}
	mail, err := accounts.ProvedMail(r.Context(), id)
	if err != nil || mail == "" {
		return g, false, err
	}
	g = letin.Guest{Owner: owner, Who: v.Records.WhoMail(owner, mail)}
	_, ok, err = v.Records.Person(r.Context(), owner, g.Who)
	return g, ok, err
}

// found is an item that somebody may read. What is another's is not found, like what is not there.
func (v views) found(r *http.Request, g letin.Guest) (record.Owned, error) {
	owner, _, err := v.owner(r)
	if err != nil {
		return record.Owned{}, err
	}
	lists := []string{""}
	if g.Who != "" && g.Owner == owner {
		lists = append(lists, g.Who)
	}
	for _, who := range lists {
		items, err := v.Records.Mine(r.Context(), owner, who)
		if err != nil {
			return record.Owned{}, err
		}
		for _, it := range items {
			if it.ID == r.PathValue("item") {
				return it, nil
			}
		}
	}
	return record.Owned{}, core.NotFound("succession.rescue.no_file", errors.New("no such item"))
}

// reached is the item of a request of a browser, open.
func (v views) reached(r *http.Request) (it record.Owned, view whose.View, err error) {
	owner, _, err := v.owner(r)
	if err != nil {
		return it, view, err
	}
	g, _, err := v.Doors.Guest(r, owner)
	if err == nil {
		it, err = v.found(r, g)
	}
	if err == nil {
		view, err = it.Open()
	}
	return it, view, err
}

// counted counts one more of something; that it could not be counted stops nobody.
func (v views) counted(r *http.Request, owner core.MemberID, what string) {
	if err := v.Records.Count(context.WithoutCancel(r.Context()), owner, what, 1); err != nil {
		v.Log.Warn("a reading was not counted", "code", string(core.CodeOf(err)))
	}
}
