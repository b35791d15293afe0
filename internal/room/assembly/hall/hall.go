package hall

import (
	"context"
	"embed"
	"net/http"
	"net/url"
	"slices"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/atom"
	"entrechat/internal/kit/web"
	"entrechat/internal/kit/words"
	"entrechat/internal/room/assembly/decision"
	"entrechat/internal/room/assembly/elector"
	"entrechat/internal/room/assembly/record"
)

//go:embed pages/*.html
var pages embed.FS

// Where decisions are shown.
const (
	Path      = "/decisions"
	AdminPath = "/admin/decisions"
	feedPath  = Path + "/feed.atom"
	datesPath = Path + "/deadlines.ics"
	// NewPath is where an admin writes a proposal; it takes ?need=ID and ?incident=ID.
	NewPath  = AdminPath + "/new"
	sendPath = AdminPath + "/send"
)

// ProposeNeed is where an admin proposes what comes from a need.
func ProposeNeed(id string) string { return NewPath + "?" + url.Values{"need": {id}}.Encode() }

// most is how many decisions a list, the feed and the calendar have at most.
const most = 100

// Origin is what a proposal may come from: a need or an incident.
type Origin struct {
	Title, Text string // Markdown
	Page        string // where everybody reads it; empty = nowhere
}

// Needs is what the pages are made of. Need, Incident and Account may be nil, all else is required.
type Needs struct {
	Decisions *decision.Service
	// Followed lists the collectives that we follow.
	Followed func(ctx context.Context) ([]elector.Charter, error)
	// Need and Incident read what a proposal comes from. Return CodeNotFound.
	Need, Incident func(ctx context.Context, id string) (Origin, error)
	// Account is a name of the account that is signed in, which never changes; ok is false for nobody.
	Account func(r *http.Request) (id string, ok bool, err error)
	Words   *words.Catalogue
	Self    core.MemberID
	URL     string // where browsers reach this node, without a slash at its end
	Now     func() time.Time
}

// views are the pages.
type views struct {
	Needs
	site  *web.Site
	write *record.Writer
}

func (v Needs) now() core.Moment { return core.At(v.Now()) }

// Pages are those for everybody and those of the admins.
func Pages(site *web.Site, n Needs) web.Pages {
	v := views{n, site, record.New(n.Words)}
	list := web.NewPage[listPage](site, pages, "pages/list.html", "pages/parts.html")
	one := web.NewPage[onePage](site, pages, "pages/one.html")
	return web.Pages{
		Routes: slices.Concat([]web.Route{
			{Pattern: "GET " + Path, Handler: list.Show(v.list)},
			{Pattern: "GET " + Path + "/{id}", Handler: one.Show(v.one)},
			{Pattern: "GET " + Path + "/{id}/minutes", Handler: http.HandlerFunc(v.minutes)},
			{Pattern: "GET " + Path + "/{id}/minutes.md", Handler: http.HandlerFunc(v.markdown)},
			{Pattern: "GET " + feedPath, Handler: http.HandlerFunc(v.feed)},
			{Pattern: "GET " + datesPath, Handler: http.HandlerFunc(v.dates)},
		}, v.adminRoutes(), v.proposeRoutes()),
		Feeds: []web.Feed{{Path: feedPath, Type: atom.Type}},
		Menu: []web.Entry{
			{Path: Path, Key: "assembly.hall.menu", Order: 55},
			{Path: AdminPath, Key: "assembly.hall.menu_admin", Group: web.GroupPartners, Order: 60},
		},
	}
}
