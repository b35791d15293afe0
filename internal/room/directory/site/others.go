package site

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"entrechat/internal/core"
	"entrechat/internal/kit/logbook"
	"entrechat/internal/kit/web"
	"entrechat/internal/kit/words"
	"entrechat/internal/room/directory/catalogue"
	"entrechat/internal/room/directory/freshness"
)

const (
	searchPath  = "/search"
	hostersPath = "/hosters"
	hosterPath  = "/hosters/one"
)

// others are the pages about all hosters we know.
func (r *Site) others(site *web.Site) web.Pages {
	search := web.NewPage[searchPage](site, pages, "pages/search.html", "pages/listing.html", "pages/states.html")
	hosters := web.NewPage[hostersPage](site, pages, "pages/hosters.html", "pages/listing.html", "pages/states.html")
	one := web.NewPage[hosterPage](site, pages, "pages/hoster.html", "pages/listing.html", "pages/states.html")
	return web.Pages{
		Routes: []web.Route{
			{Pattern: "GET " + searchPath, Handler: search.Show(func(req *http.Request) (searchPage, error) {
				return r.searchPage(req, site.Printer(req))
			})},
			{Pattern: "GET " + hostersPath, Handler: hosters.Show(func(req *http.Request) (hostersPage, error) {
				return r.hostersPage(req, site.Printer(req))
			})},
			{Pattern: "GET " + hosterPath, Handler: one.Show(func(req *http.Request) (hosterPage, error) {
				return r.hosterPage(req.Context(), site.Printer(req), req.URL.Query().Get("key"))
			})},
		},
		Menu: []web.Entry{
			{Path: searchPath, Key: "directory.menu_search", Order: 12},
			{Path: hostersPath, Key: "directory.menu_hosters", Order: 13},
		},
	}
}

// serviceListing is one service as a page about all hosters writes it.
type serviceListing struct {
	catalogue.Service
	Says     []string
	Facts    []string
	State    string
	Severity string
	// Load is whether newcomers find room, while that is news.
	Load, LoadSeverity string
	From               string // the hoster's name
	Page               string // the hoster's page
	Age                freshness.Age
}

// hosterListing is one hoster.
type hosterListing struct {
	catalogue.Hoster
	Place    string
	State    string
	Severity string
	Mail     bool // Contact is a mailbox
	Page     string
	Age      freshness.Age
}

// pager leads through the pages of a result.
type pager struct {
	Total          int
	Before, Behind string // addresses; empty = none
}

func pagerOf(req *http.Request, page, total int) pager {
	at := func(n int) string {
		q := req.URL.Query()
		q.Set("page", strconv.Itoa(n))
		return req.URL.Path + "?" + q.Encode()
	}
	p := pager{Total: total}
	if page > 0 {
		p.Before = at(page - 1)
	}
	if (page+1)*catalogue.PageSize < total {
		p.Behind = at(page + 1)
	}
	return p
}

// maxPage bounds how far anybody turns pages.
const maxPage = 10_000

// PageOf is the page that an address asks for, from 0.
func PageOf(req *http.Request) int {
	n, err := strconv.Atoi(req.URL.Query().Get("page"))
	if err != nil {
		return 0
	}
	return min(max(n, 0), maxPage)
}

// searchPage is what was looked for, and what there is.
type searchPage struct {
	Fields   []web.Field
	Open     bool
	Without  bool
	Services []serviceListing
	Pager    pager
}

func (r *Site) searchPage(req *http.Request, p *words.Printer) (page searchPage, err error) {
	q := QueryOf(req.URL.Query())
	q.Page, q.Day = PageOf(req), r.n.Now()
	found, err := r.n.Catalogue.Find(req.Context(), q)
	if err != nil {
		return page, err
	}
	heard, err := r.heard(req.Context(), freshness.Authors(found.Services)...)
	if err != nil {
		return page, err
	}
	kinds := []web.Option{{Text: p.T("directory.search.any", nil), Chosen: q.Kind == ""}}
	for _, k := range catalogue.Kinds() {
		kinds = append(kinds, web.Option{Value: string(k), Text: p.T("directory.kind."+string(k), nil), Chosen: k == q.Kind})
	}
	slices.SortFunc(kinds[1:], func(a, b web.Option) int { return strings.Compare(a.Text, b.Text) })
	page = searchPage{
		Fields: []web.Field{
			{Name: "q", Label: "directory.search.text", Value: q.Text, Kind: "search"},
			{Name: "kind", Label: "directory.search.kind", Options: kinds},
			{Name: "language", Label: "directory.search.language", Hint: "directory.search.language_hint", Value: q.Language},
			{Name: "town", Label: "directory.search.town", Value: q.Town},
		},
		Open: q.Open, Without: q.WithoutAccount, Pager: pagerOf(req, q.Page, found.Total),
	}
	for _, f := range found.Services {
		page.Services = append(page.Services, listingOf(p, f.Service, f.Hoster, heard, r.now()))
	}
	return page, nil
}

// QueryOf is a search as an address says it.
func QueryOf(v url.Values) catalogue.Query {
	return catalogue.Query{
		Text: Bounded(v.Get("q")), Kind: catalogue.Kind(Bounded(v.Get("kind"))), Software: Bounded(v.Get("software")),
		Language: Bounded(strings.TrimSpace(v.Get("language"))), Town: Bounded(v.Get("town")), Country: Bounded(v.Get("country")),
		Open: asked(v.Get("open")), WithoutAccount: asked(v.Get("without_account")),
	}
}

// asked reads a wish in an address: any text is one but a plain no.
func asked(text string) bool {
	return !slices.Contains([]string{"", "0", "false", "no", "non", "off"}, strings.ToLower(text))
}

// Bounded keeps what is shown again and compared within reason.
func Bounded(text string) string {
	const most = 200
	runes := []rune(strings.ToValidUTF8(text, ""))
	return string(runes[:min(len(runes), most)])
}

func listingOf(p *words.Printer, s catalogue.Service, h catalogue.Hoster, heard map[string]logbook.Member, now core.Moment) serviceListing {
	listing := serviceListing{
		Service: s, From: h.Name, Page: PageOfHoster(h.Author.Key), Age: freshness.Of(s.Author, heard, now),
		Says: AccessWords(p, s.Access), Facts: goodToKnow(p, s),
	}
	listing.Age.Unverified = s.Unverified
	level := strings.ToUpper(string(s.Level))
	if s.Ended {
		level = "OVER"
	}
	listing.State, listing.Severity = levelSays(p, level, listing.Age)
	if !s.Ended && listing.Age.Unknown(p) == "" {
		listing.Load, listing.LoadSeverity = loadSays(p, s.Access)
		listing.Says = accessBeside(p, s.Access, listing.LoadSeverity)
	}
	return listing
}

// PageOfHoster is the address of a hoster's page.
func PageOfHoster(key string) string { return hosterPath + "?" + url.Values{"key": {key}}.Encode() }

// hostersPage is every hoster we know.
type hostersPage struct {
	Fields  []web.Field
	Hosters []hosterListing
	Pager   pager
}

func (r *Site) hostersPage(req *http.Request, p *words.Printer) (page hostersPage, err error) {
	q := catalogue.HosterQuery{Text: Bounded(req.URL.Query().Get("q")), Page: PageOf(req), Day: r.n.Now()}
	found, err := r.n.Catalogue.Hosters(req.Context(), q)
	if err != nil {
		return page, err
	}
	var authors []catalogue.Author
	for _, h := range found.Hosters {
		authors = append(authors, h.Author)
	}
	heard, err := r.heard(req.Context(), authors...)
	if err != nil {
		return page, err
	}
	page.Fields = []web.Field{{Name: "q", Label: "directory.search.hoster", Value: q.Text, Kind: "search"}}
	page.Pager = pagerOf(req, q.Page, found.Total)
	for _, h := range found.Hosters {
		page.Hosters = append(page.Hosters, hosterListingOf(p, h, heard, r.now()))
	}
	return page, nil
}

func hosterListingOf(p *words.Printer, h catalogue.Hoster, heard map[string]logbook.Member, now core.Moment) hosterListing {
	listing := hosterListing{
		Hoster: h, Place: strings.Trim(h.Town+", "+h.Country, ", "), Page: PageOfHoster(h.Author.Key),
		Mail: strings.Contains(h.Contact, "@") && !strings.Contains(h.Contact, "/"), Age: freshness.Of(h.Author, heard, now),
	}
	if h.State != "" {
		listing.State = p.T("directory.hoster."+string(h.State), map[string]any{"Day": p.Day(h.Ends)})
		listing.Severity = map[catalogue.State]string{catalogue.StateActive: "fine", catalogue.StateIdle: "none", catalogue.StateAway: "warn", catalogue.StateClosing: "warn"}[h.State]
	}
	if unknown := listing.Age.Unknown(p); h.State == catalogue.StateActive && unknown != "" {
		listing.State, listing.Severity = unknown, "none"
	}
	return listing
}

// hosterPage is one hoster with its services, those that are over too.
type hosterPage struct {
	Hoster   hosterListing
	Services []serviceListing
}

func (r *Site) hosterPage(ctx context.Context, p *words.Printer, key string) (page hosterPage, err error) {
	h, all, err := r.n.Catalogue.Hoster(ctx, key)
	if err != nil {
		return page, err
	}
	heard, err := r.heard(ctx, h.Author)
	if err != nil {
		return page, err
	}
	page.Hoster = hosterListingOf(p, h, heard, r.now())
	for _, s := range all {
		page.Services = append(page.Services, listingOf(p, s, h, heard, r.now()))
	}
	return page, nil
}
