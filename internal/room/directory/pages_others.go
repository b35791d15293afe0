package directory

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/logbook"
	"entrechat/internal/kit/web"
	"entrechat/internal/kit/words"
	"entrechat/internal/room/directory/catalogue"
)

const (
	searchPath  = "/search"
	hostersPath = "/hosters"
	hosterPath  = "/hosters/one"
)

// others are the pages about all hosters we know.
func (r *Room) others(site *web.Site) web.Pages {
	search := web.NewPage[searchPage](site, pages, "pages/search.html", "pages/sheet.html")
	hosters := web.NewPage[hostersPage](site, pages, "pages/hosters.html", "pages/sheet.html")
	one := web.NewPage[hosterPage](site, pages, "pages/hoster.html", "pages/sheet.html")
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

// age is whose words a sheet holds, and how old they are.
type age struct {
	Source     catalogue.Source
	Said       core.Moment // 0 = not known
	Heard      core.Moment
	Silent     bool // the author was not heard for long: his words may be old
	Old        bool // said too long ago to say how things stand
	Suspended  bool // two histories of its logbook are about
	Unverified bool
}

// serviceSheet is one service as a page about all hosters writes it.
type serviceSheet struct {
	catalogue.Service
	Says     []string
	Facts    []string
	State    string
	Severity string
	From     string // the hoster's name
	Page     string // the hoster's page
	Age      age
}

// hosterSheet is one hoster.
type hosterSheet struct {
	catalogue.Hoster
	Place    string
	State    string
	Severity string
	Mail     bool // Contact is a mailbox
	Page     string
	Age      age
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

func pageOf(req *http.Request) int {
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
	Services []serviceSheet
	Pager    pager
}

func (r *Room) searchPage(req *http.Request, p *words.Printer) (page searchPage, err error) {
	q := queryOf(req.URL.Query())
	q.Page, q.Day = pageOf(req), r.n.Now()
	found, err := r.Catalogue.Find(req.Context(), q)
	if err != nil {
		return page, err
	}
	heard, err := r.heard(req.Context(), authorsOf(found.Services)...)
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
		page.Services = append(page.Services, sheetOf(p, f.Service, f.Hoster, heard, r.now()))
	}
	return page, nil
}

// queryOf is a search as an address says it.
func queryOf(v url.Values) catalogue.Query {
	return catalogue.Query{
		Text: bounded(v.Get("q")), Kind: catalogue.Kind(bounded(v.Get("kind"))), Software: bounded(v.Get("software")),
		Language: bounded(strings.TrimSpace(v.Get("language"))), Town: bounded(v.Get("town")), Country: bounded(v.Get("country")),
		Open: asked(v.Get("open")), WithoutAccount: asked(v.Get("without_account")),
	}
}

// asked reads a wish in an address: any text is one but a plain no.
func asked(text string) bool {
	return !slices.Contains([]string{"", "0", "false", "no", "non", "off"}, strings.ToLower(text))
}

// bounded keeps what is shown again and compared within reason.
func bounded(text string) string {
	const most = 200
	runes := []rune(strings.ToValidUTF8(text, ""))
	return string(runes[:min(len(runes), most)])
}

func sheetOf(p *words.Printer, s catalogue.Service, h catalogue.Hoster, heard map[string]logbook.Member, now core.Moment) serviceSheet {
	sheet := serviceSheet{
		Service: s, From: h.Name, Page: pageOfHoster(h.Author.Key), Age: ageOf(s.Author, heard, now),
		Says: accessSays(p, s.Access), Facts: goodToKnow(p, s),
	}
	sheet.Age.Unverified = s.Unverified
	level := strings.ToUpper(string(s.Level))
	if s.Ended {
		level = "OVER"
	}
	sheet.State, sheet.Severity = levelSays(p, level, sheet.Age)
	return sheet
}

func pageOfHoster(key string) string { return hosterPath + "?" + url.Values{"key": {key}}.Encode() }

// heard is when each member among the authors was last heard, by anybody we hear.
func (r *Room) heard(ctx context.Context, authors ...catalogue.Author) (map[string]logbook.Member, error) {
	var ids []core.MemberID
	for _, a := range authors {
		if id := core.MemberID(a.Key); a.Source == catalogue.FromLog && !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	known, err := r.n.Book.Members(ctx, ids)
	out := make(map[string]logbook.Member, len(known))
	for _, m := range known {
		out[string(m.ID)] = m
	}
	return out, err
}

func authorsOf(all []catalogue.Found) []catalogue.Author {
	out := make([]catalogue.Author, 0, 2*len(all))
	for _, f := range all {
		out = append(out, f.Service.Author, f.Hoster.Author)
	}
	return out
}

// isSilent says that a member gave no sign of life for two days or more.
func isSilent(s logbook.State) bool { return s == logbook.NotHeard || s == logbook.Stale }

// silentFile is how long a file may not be reachable before its author counts as
// silent; it is asked for every day.
const silentFile = 7 * 24 * time.Hour

func ageOf(a catalogue.Author, heard map[string]logbook.Member, now core.Moment) age {
	out := age{Source: a.Source, Said: a.Said, Heard: a.Heard, Old: a.Old(now)}
	out.Silent = a.Source == catalogue.FromFile && now > a.Heard.Add(silentFile)
	if m, ok := heard[a.Key]; ok && a.Source == catalogue.FromLog {
		out.Heard = max(out.Heard, m.Heard)
		out.Silent, out.Suspended = isSilent(m.State), m.State == logbook.Suspended
	}
	return out
}

// unknown says since when nobody knows how things stand; empty while the words are
// new and their author is heard.
func (a age) unknown(p *words.Printer) string {
	since := a.Said
	switch {
	case a.Silent || a.Suspended:
		since = a.Heard
	case !a.Old:
		return ""
	}
	if since == 0 {
		return p.T("directory.level.unknown", nil)
	}
	return p.T("directory.level.unknown_since", args{"Day": p.Day(since)})
}

// hostersPage is every hoster we know.
type hostersPage struct {
	Fields  []web.Field
	Hosters []hosterSheet
	Pager   pager
}

func (r *Room) hostersPage(req *http.Request, p *words.Printer) (page hostersPage, err error) {
	q := catalogue.HosterQuery{Text: bounded(req.URL.Query().Get("q")), Page: pageOf(req), Day: r.n.Now()}
	found, err := r.Catalogue.Hosters(req.Context(), q)
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
		page.Hosters = append(page.Hosters, hosterSheetOf(p, h, heard, r.now()))
	}
	return page, nil
}

func hosterSheetOf(p *words.Printer, h catalogue.Hoster, heard map[string]logbook.Member, now core.Moment) hosterSheet {
	sheet := hosterSheet{
		Hoster: h, Place: strings.Trim(h.Town+", "+h.Country, ", "), Page: pageOfHoster(h.Author.Key),
		Mail: strings.Contains(h.Contact, "@") && !strings.Contains(h.Contact, "/"), Age: ageOf(h.Author, heard, now),
	}
	if h.State != "" {
		sheet.State = p.T("directory.hoster."+string(h.State), map[string]any{"Day": p.Day(h.Ends)})
		sheet.Severity = map[catalogue.State]string{catalogue.StateActive: "fine", catalogue.StateIdle: "none", catalogue.StateAway: "warn", catalogue.StateClosing: "warn"}[h.State]
	}
	if unknown := sheet.Age.unknown(p); h.State == catalogue.StateActive && unknown != "" {
		sheet.State, sheet.Severity = unknown, "none"
	}
	return sheet
}

// hosterPage is one hoster with its services, those that are over too.
type hosterPage struct {
	Hoster   hosterSheet
	Services []serviceSheet
}

func (r *Room) hosterPage(ctx context.Context, p *words.Printer, key string) (page hosterPage, err error) {
	h, all, err := r.Catalogue.Hoster(ctx, key)
	if err != nil {
		return page, err
	}
	heard, err := r.heard(ctx, h.Author)
	if err != nil {
		return page, err
	}
	page.Hoster = hosterSheetOf(p, h, heard, r.now())
	for _, s := range all {
		page.Services = append(page.Services, sheetOf(p, s, h, heard, r.now()))
	}
	return page, nil
}
