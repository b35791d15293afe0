package debate

import (
	"embed"
	"errors"
	"html/template"
	"net/http"
	"slices"
	"strconv"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/atom"
	"entrechat/internal/kit/markdown"
	"entrechat/internal/kit/web"
	"entrechat/internal/kit/words"
)

//go:embed pages/*.html
var pages embed.FS

// Where people read debates, and where admins lead them.
const (
	Path      = "/debates"
	AdminPath = "/admin/debates"
	pathNew   = AdminPath + "/new"
	pathOwn   = AdminPath + "/own/"
	pathDraft = AdminPath + "/draft/"
	pathTheir = AdminPath + "/their/"
	perPage   = 50
)

// views are the pages.
type views struct {
	*Service
	site    *web.Site
	md      *markdown.Writer
	propose string // where a proposal is written; empty = nowhere
}

// Pages are those for everybody and those of the admins. propose is the address of the form of
// a proposal, which takes ?incident=ID; empty where there is none.
func (s *Service) Pages(site *web.Site, propose string) web.Pages {
	v := views{s, site, markdown.New(), propose}
	list := web.NewPage[listPage](site, pages, "pages/debates.html", "pages/parts.html")
	one := web.NewPage[publicPage](site, pages, "pages/debate.html", "pages/parts.html")
	return web.Pages{
		Routes: slices.Concat([]web.Route{
			{Pattern: "GET " + Path, Handler: list.Show(v.list)},
			{Pattern: "GET " + Path + "/{id}", Handler: one.Show(v.public)},
			v.feedRoute(),
		}, v.adminRoutes()),
		Feeds: []web.Feed{{Path: feedPath, Type: atom.Type}},
		Menu: []web.Entry{
			{Path: Path, Key: "assembly.debate.menu", Order: 52},
			{Path: AdminPath, Key: "assembly.debate.menu_admin", Group: web.GroupPublic, Order: 62},
		},
		Home: []web.Panel{web.NewPanel(site, pages, "pages/late.html", v.late)},
	}
}

// actionLine is an action as a page shows it.
type actionLine struct {
	ID, Debate, What, Role, Says, Link string
	Severity                           web.Severity
	Open                               bool
}

func (v views) action(p *words.Printer, a Action) actionLine {
	line := actionLine{ID: a.ID, Debate: a.Debate, What: a.What, Role: a.Role, Says: v.says(p, a), Link: a.Link, Severity: web.None, Open: a.Done == 0}
	switch {
	case a.Done != 0:
		line.Severity = web.Fine
	case a.Late(v.n.Now()):
		line.Severity = web.Warn
	}
	return line
}

// latePage are the actions whose day is over.
type latePage struct{ Late []actionLine }

// late is the section of the home page; it is there only while something is late.
func (v views) late(r *http.Request) (page latePage, ok bool, err error) {
	all, err := v.Late(r.Context())
	for _, a := range all {
		page.Late = append(page.Late, v.action(v.site.Printer(r), a))
	}
	return page, len(all) > 0, err
}

// line is a debate in a list.
type line struct {
	ID, Title, State, Reason, Member string
	At                               core.Moment
	Severity                         web.Severity
	Waiting                          int // remarks to be read
}

func (v views) line(p *words.Printer, d Debate) line {
	one := line{ID: d.ID, Title: titleOf(p, d), State: v.stands(p, d), Reason: p.T("assembly.debate.reason_"+string(d.Reason), nil), At: max(d.Made, d.Published), Severity: web.None}
	for _, r := range d.Remarks {
		if r.ready() && r.Standing == Waiting {
			one.Waiting++
		}
	}
	switch {
	case d.State == Closed:
		one.Severity = web.Fine
	case d.State == Draft || one.Waiting > 0 || slices.ContainsFunc(d.Actions, func(a Action) bool { return a.Late(v.n.Now()) }):
		one.Severity = web.Warn
	}
	return one
}

// listPage is what we learned, and what is late.
type listPage struct {
	latePage
	Debates []line
	Next    string
}

func (v views) list(r *http.Request) (page listPage, err error) {
	from := 0
	if text := r.URL.Query().Get("from"); text != "" {
		if from, err = strconv.Atoi(text); err != nil || from < 0 || from > 1_000_000 {
			return page, core.NotFound("assembly.debate.unknown", errors.New("no such page"))
		}
	}
	if page.latePage, _, err = v.late(r); err != nil {
		return page, err
	}
	list, err := v.List(r.Context(), []State{Public, Closed}, perPage+1, from)
	if len(list) > perPage {
		list, page.Next = list[:perPage], Path+"?from="+strconv.Itoa(from+perPage)
	}
	for _, d := range list {
		one := v.line(v.site.Printer(r), d)
		one.Waiting = 0 // what waits is for admins
		if d.OpenActions() == 0 {
			one.Severity = web.Fine
		}
		page.Debates = append(page.Debates, one)
	}
	return page, err
}

// told is one text of a story with what was asked.
type told struct {
	Asks string
	Says template.HTML
}

func (v views) story(p *words.Printer, s Story) (out []told) {
	for _, part := range s.Parts() {
		if *part.Text != "" {
			out = append(out, told{p.T("assembly.debate.ask_"+part.Name, nil), v.md.HTML(*part.Text)})
		}
	}
	return out
}

// remarkLine is a remark as a page shows it.
type remarkLine struct {
	ID, Member, Standing, Became, Lang string
	Text                               template.HTML
	At                                 core.Moment
	Severity                           web.Severity
	Waits, Can                         bool
}

func (v views) remarkLine(p *words.Printer, r Remark) remarkLine {
	one := remarkLine{
		ID: r.ID, Member: string(r.Member), Standing: p.T("assembly.debate.standing_"+standingName(r), nil), Lang: r.Lang, Text: v.md.HTML(r.Text), At: r.At,
		Severity: web.None, Waits: r.ready() && r.Standing == Waiting, Can: r.ready(),
	}
	if r.Became != "" {
		one.Became = p.T("assembly.debate.became_"+r.Became, nil)
	}
	switch {
	case one.Waits:
		one.Severity = web.Warn
	case r.Standing == Shown:
		one.Severity = web.Fine
	}
	return one
}

// measuredLine is when it was, and for how long.
type measuredLine struct {
	From, Until core.Moment
	Minutes     int64
}

// publicPage is one debate as everybody sees it.
type publicPage struct {
	line
	measuredLine
	Reader, Lang     string
	Gone, StoryGone  bool
	Story            []told
	Question         template.HTML
	Actions          []actionLine
	Remarks          []remarkLine
	StandingSeverity web.Severity
}

func (v views) public(r *http.Request) (page publicPage, err error) {
	d, err := v.Get(r.Context(), r.PathValue("id"))
	if err == nil && d.State != Public && d.State != Closed {
		err = core.NotFound("assembly.debate.unknown", errors.New("not public"))
	}
	if err != nil {
		return page, err
	}
	p := v.site.Printer(r)
	page = publicPage{
		line: v.line(p, d), measuredLine: measuredLine{d.From, d.Until, int64(d.Down / time.Minute)}, Reader: string(d.Reader), Lang: d.Lang, Gone: d.Withdrawn,
		Story: v.story(p, d.Story), Question: v.md.HTML(d.Question), StandingSeverity: web.None,
	}
	page.StoryGone = !page.Gone && len(page.Story) == 0
	for _, a := range d.Actions {
		one := v.action(p, a)
		if one.Severity == web.Warn {
			page.StandingSeverity = web.Warn
		}
		page.Actions = append(page.Actions, one)
	}
	if d.OpenActions() == 0 {
		page.StandingSeverity = web.Fine
	}
	for _, one := range d.Remarks {
		if one.Standing == Shown && one.ready() {
			page.Remarks = append(page.Remarks, v.remarkLine(p, one))
		}
	}
	return page, nil
}
