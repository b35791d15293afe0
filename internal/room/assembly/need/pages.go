package need

import (
	"embed"
	"errors"
	"html/template"
	"net/http"
	"slices"
	"strings"

	"entrechat/internal/core"
	"entrechat/internal/kit/atom"
	"entrechat/internal/kit/markdown"
	"entrechat/internal/kit/peer"
	"entrechat/internal/kit/web"
	"entrechat/internal/kit/words"
)

//go:embed pages/*.html
var pages embed.FS

// Where people tell and read needs.
const (
	Path        = "/needs"
	pathNew     = "/needs/new"
	pathMine    = "/needs/mine/"
	pathConfirm = "/needs/confirm/"
	perPage     = 50
)

// Accounts recognises who is signed in here.
type Accounts interface {
	// SignedIn is a name of the account that never changes; ok is false for nobody.
	SignedIn(r *http.Request) (id string, ok bool, err error)
}

// views are the pages.
type views struct {
	*Service
	site     *web.Site
	x        *Exchange
	accounts Accounts // nil = nobody has an account here
	md       *markdown.Writer
	hoster   func(id core.MemberID) string
}

// Pages are those for everybody and those of the admins. accounts may be nil; hoster is the
// address of a member's page in our directory.
func (x *Exchange) Pages(site *web.Site, accounts Accounts, hoster func(core.MemberID) string) web.Pages {
	s := x.s
	v := views{s, site, x, accounts, markdown.New(), hoster}
	list := web.NewPage[listPage](site, pages, "pages/needs.html", "pages/parts.html")
	form := web.NewPage[formPage](site, pages, "pages/new.html")
	mine := web.NewPage[minePage](site, pages, "pages/mine.html", "pages/parts.html")
	also := web.NewPage[alsoPage](site, pages, "pages/also.html")
	confirm := web.NewPage[confirmPage](site, pages, "pages/confirm.html")
	routes := slices.Concat([]web.Route{
		{Pattern: "GET " + Path, Handler: list.Show(v.list)},
		{Pattern: pathNew, Handler: web.NoStore(form.Form(v.form, v.tell))},
		{Pattern: pathMine + "{token}", Handler: private(mine.Form(v.mine, v.mineDo))},
		{Pattern: Path + "/also/{id}", Handler: web.NoStore(also.Form(v.also, v.alsoDo))},
		{Pattern: pathConfirm + "{claim}/{sig}", Handler: private(confirm.Reveal(v.confirm, v.confirmed))},
		v.feedRoute(),
	}, v.adminRoutes())
	return web.Pages{
		Routes: routes,
		Feeds:  []web.Feed{{Path: feedPath, Type: atom.Type}},
		Menu: []web.Entry{
			{Path: Path, Key: "assembly.need.menu", Order: 50},
			{Path: AdminPath, Key: "assembly.need.menu_admin", Group: web.GroupPublic, Order: 60},
		},
	}
}

// private keeps a page whose address is a secret out of caches and search engines.
func private(next http.Handler) http.Handler {
	return web.NoStore(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Robots-Tag", "noindex, nofollow")
		w.Header().Set("Referrer-Policy", "no-referrer")
		next.ServeHTTP(w, r)
	}))
}

// network is where a request comes from; empty = not known.
func network(r *http.Request) string {
	if p := peer.ClientNetwork(r); p.IsValid() {
		return p.String()
	}
	return ""
}

// account is who is signed in.
func (v views) account(r *http.Request) (id string, ok bool, err error) {
	if v.accounts == nil {
		return "", false, nil
	}
	return v.accounts.SignedIn(r)
}

// said is an answer as a page shows it.
type said struct {
	Says, Link, Page string
	Text             template.HTML
	Severity         web.Severity
	Days             int // how long ago
}

// shown is a need as a page shows it.
type shown struct {
	ID, Service, Title string
	Goal, Obstacle     template.HTML // Goal is empty where the title says all of it
	Days               int           // its age
	Late               bool
	Voices             int64
	Answers            []said
	// Asked and Offered are at how many hosters it is asked, and how many do it; Asked is 0 where
	// nobody said that others ask for it too.
	Asked, Offered int
	// Proposal is where what we asked the collective stands; empty = nowhere.
	Proposal string
	// Also is where one says "me too"; empty = nowhere.
	Also string
	Too  bool // who looks said so
}

func (v views) shown(p *words.Printer, n Need) shown {
	now := v.now()
	one := shown{ID: n.ID, Service: n.Service, Title: short(n.ShownGoal), Obstacle: v.md.HTML(n.ShownObstacle), Days: int(now.Sub(n.Made) / day), Voices: n.Voices}
	if one.Title != n.ShownGoal {
		one.Goal = v.md.HTML(n.ShownGoal)
	}
	one.Late = n.Unanswered(now) >= Late
	for _, a := range n.Answers {
		one.Answers = append(one.Answers, v.said(p, a))
	}
	return one
}

func (v views) said(p *words.Printer, a Answer) said {
	s := said{Says: v.says(p, Answer{State: a.State, Month: a.Month, Member: a.Member}), Text: v.md.HTML(a.Text), Days: int(v.now().Sub(a.At) / day), Severity: web.None}
	if a.State == Done {
		s.Link, s.Severity = a.Link, web.Fine
	}
	if a.State == Elsewhere && v.hoster != nil {
		s.Page = v.hoster(a.Member)
	}
	return s
}

// says is an answer in one sentence, and what the hoster wrote below.
func (s *mails) says(p *words.Printer, a Answer) string {
	lines := []string{p.T("assembly.need.state_"+string(a.State), map[string]any{"Month": a.Month, "Member": string(a.Member)})}
	for _, more := range []string{a.Text, a.Link} {
		if more != "" {
			lines = append(lines, more)
		}
	}
	return strings.Join(lines, "\n\n")
}

// listPage is what people told, with answers and ages.
type listPage struct {
	Needs  []shown
	Median int // days to the first answer, of those of the last year
	Known  bool
	Count  int64
	Next   string
}

func (v views) list(r *http.Request) (page listPage, err error) {
	from := 0
	if text := r.URL.Query().Get("from"); text != "" {
		if from, err = pageFrom(text); err != nil {
			return page, err
		}
	}
	p := v.site.Printer(r)
	list, err := v.List(r.Context(), Published, perPage+1, from)
	if err != nil {
		return page, err
	}
	if len(list) > perPage {
		list, page.Next = list[:perPage], nextPage(from)
	}
	account, signed, err := v.account(r)
	if err != nil {
		return page, err
	}
	arounds, err := v.x.Arounds(r.Context(), list)
	if err != nil {
		return page, err
	}
	var too map[string]bool
	if signed {
		if too, err = v.SaidAlso(r.Context(), idsOf(list), account); err != nil {
			return page, err
		}
	}
	proposals, err := v.proposals(r)
	if err != nil {
		return page, err
	}
	for _, n := range list {
		one := v.shown(p, n)
		one.Too, one.Proposal = too[n.ID], proposals[n.ID]
		if around := arounds[n.ID]; around.Asked > 1 {
			one.Asked, one.Offered = around.Asked, around.Offered
		}
		if signed || v.CanMail() {
			one.Also = Path + "/also/" + n.ID
		}
		page.Needs = append(page.Needs, one)
	}
	stats, err := v.Stats(r.Context())
	page.Median, page.Known, page.Count = int(stats.MedianDays), stats.Answered > 0, stats.Published
	return page, err
}

// proposals are those that come from needs, by need.
func (v views) proposals(r *http.Request) (map[string]string, error) {
	if v.n.Proposals == nil {
		return nil, nil //nolint:nilnil // none
	}
	return v.n.Proposals(r.Context())
}

// formPage is where people tell what they need.
type formPage struct {
	Service, Goal, Obstacle, Address web.Field
	Services, CanMail                bool
	Stamp                            string
}

func (v views) form(r *http.Request) (page formPage, err error) {
	page.Stamp = v.keys.stamp(v.n.Now())
	if typed := r.PostFormValue("stamp"); typed != "" && v.keys.made(typed, v.n.Now()) {
		page.Stamp = typed // a form that comes back keeps its age
	}
	page.CanMail = v.CanMail()
	page.Goal = web.Field{Name: "goal", Label: "assembly.need.goal", Hint: "assembly.need.goal_hint", Rows: 4, Required: true, Value: r.PostFormValue("goal")}
	page.Obstacle = web.Field{Name: "obstacle", Label: "assembly.need.obstacle", Hint: "assembly.need.obstacle_hint", Rows: 4, Value: r.PostFormValue("obstacle")}
	page.Address = web.Field{Name: "address", Label: "assembly.need.address", Hint: "assembly.need.address_hint", Kind: "email", Complete: "email", Value: r.PostFormValue("address")}
	names, err := v.n.Services(r.Context())
	page.Service = web.Field{Name: "service", Label: "assembly.need.service", Options: []web.Option{{Text: v.site.Printer(r).T("assembly.need.service_none", nil)}}}
	for _, name := range names {
		page.Services = true
		page.Service.Options = append(page.Service.Options, web.Option{Value: name, Text: name, Chosen: name == r.PostFormValue("service")})
	}
	return page, err
}

func (v views) tell(r *http.Request) (string, error) {
	if r.PostForm.Get("website") != "" {
		return "", core.Invalid("assembly.need.bad_form", errors.New("the trap was filled in"))
	}
	if err := v.keys.checkStamp(r.PostForm.Get("stamp"), v.n.Now()); err != nil {
		return "", err
	}
	_, signed, err := v.account(r)
	if err != nil {
		return "", err
	}
	f := r.PostForm
	token, err := v.Tell(r.Context(), Told{
		Service: f.Get("service"), Goal: f.Get("goal"), Obstacle: f.Get("obstacle"), Address: strings.TrimSpace(f.Get("address")),
		Lang: v.site.Printer(r).Lang, Network: network(r), Signed: signed,
	})
	return pathMine + token, err
}
