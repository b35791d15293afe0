package site

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"path/filepath"
	"strconv"

	"entrechat/internal/app/datadir"
	"entrechat/internal/core"
	"entrechat/internal/kit/web"
	"entrechat/internal/kit/words"
)

// adminPages are the admins' pages that no room has; of the rooms' they show the panels.
func (s *Site) adminPages(rooms web.Pages) web.Pages {
	book := web.NewPage[logbookPage](s.web, pages, "pages/logbook.html")
	settings := web.NewPage[settingsPage](s.web, pages, "pages/settings.html")
	return web.Pages{
		Routes: []web.Route{
			{Pattern: "GET /admin/{$}", Handler: s.overviewPages(rooms)},
			{Pattern: "GET /admin/logbook", Handler: book.Show(s.logbookPage)},
			{Pattern: "GET /admin/settings", Handler: settings.Show(s.settingsPage)},
		},
		Menu: []web.Entry{
			{Path: "/admin/", Key: "app.menu_overview", Group: web.GroupToday, Order: 0},
			{Path: "/admin/logbook", Key: "app.menu_logbook", Group: web.GroupNode, Order: 80},
			{Path: "/admin/settings", Key: "app.menu_settings", Group: web.GroupNode, Order: 90},
		},
	}
}

// logbookPage is part of a member's logbook, newest entry first.
type logbookPage struct {
	Of      core.MemberID
	Members []logOption
	Size    int64
	State   string // words key
	Heard   core.Moment
	Entries []logLine
	Newer   string // address, empty = none
	Older   string
}

type logOption struct {
	ID   core.MemberID
	Here bool
}

type logLine struct {
	Index int64
	Says  string // what kind of entry it is, empty = no room here knows
	Typ   string
	At    core.Moment
	Body  string
}

// onePage is how many entries a page of a logbook has.
const onePage = 25

func (s *Site) logbookPage(r *http.Request) (logbookPage, error) {
	page := logbookPage{Of: s.n.Self}
	if of := r.FormValue("of"); of != "" {
		id, err := core.ParseMemberID(of)
		if err != nil {
			return page, err
		}
		page.Of = id
	}
	member, err := s.n.Book.Member(r.Context(), page.Of)
	if err != nil {
		return page, err
	}
	page.Size, page.State, page.Heard = member.Size, "app.logbook_"+string(member.State), member.Heard
	known, err := s.n.Book.Known(r.Context())
	if err != nil {
		return page, err
	}
	for _, m := range known {
		page.Members = append(page.Members, logOption{m.ID, m.ID == page.Of})
	}
	from, to, err := page.window(r.FormValue("from"))
	if err != nil {
		return page, err
	}
	p := s.web.Printer(r)
	entries, err := s.n.Book.Entries(r.Context(), page.Of, from, int(to-from))
	for _, e := range entries {
		page.Entries = append([]logLine{{e.Index, s.kind(p, e.Typ), e.Typ, e.Iat, indent(e.Body)}}, page.Entries...)
	}
	return page, err
}

// kind says what an entry is, by the room that writes such entries.
func (s *Site) kind(p *words.Printer, typ string) string {
	for _, f := range s.n.Fittings {
		if key, ok := f.Entries[typ]; ok {
			return p.T(key, nil)
		}
	}
	return ""
}

// window is which entries the page shows, and where those around it are.
func (p *logbookPage) window(typed string) (from, to int64, err error) {
	from = max(p.Size-onePage, 0)
	if typed != "" {
		if from, err = strconv.ParseInt(typed, 10, 64); err != nil || from < 0 || from > p.Size {
			return 0, 0, core.Invalid("app.bad_entry", errors.New("no such entry")).With("Size", p.Size)
		}
	}
	to = min(from+onePage, p.Size)
	at := func(first int64) string {
		return "/admin/logbook?" + url.Values{"of": {string(p.Of)}, "from": {strconv.FormatInt(first, 10)}}.Encode()
	}
	if to < p.Size {
		p.Newer = at(min(from+onePage, p.Size-onePage))
	}
	if from > 0 {
		p.Older = at(max(from-onePage, 0))
	}
	return from, to, nil
}

// indent writes JSON for eyes.
func indent(body []byte) string {
	out, err := json.MarshalIndent(json.RawMessage(body), "", "  ")
	if err != nil {
		return string(body)
	}
	return string(out)
}

// settingsPage shows the configuration; it is changed in its file.
type settingsPage struct{ Path, Text string }

func (s *Site) settingsPage(*http.Request) (settingsPage, error) {
	cfg := s.n.Config()
	if u, err := url.Parse(cfg.Database.URL); err == nil {
		cfg.Database.URL = u.Redacted()
	}
	text, err := cfg.Render(s.n.Lang)
	return settingsPage{filepath.Join(s.n.Data, datadir.ConfigName), string(text)}, err
}
