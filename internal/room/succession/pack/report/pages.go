package report

import (
	"embed"
	"html/template"
	"net/http"
	"strconv"

	"entrechat/internal/room/succession/pack"
	"entrechat/internal/room/succession/pack/fill"

	"entrechat/internal/core"
	"entrechat/internal/kit/web"
	"entrechat/internal/kit/words"
)

//go:embed pages/*.html
var pages embed.FS

// Path is where admins see how ready each service is to be taken over.
const Path = "/admin/succession"

type views struct {
	*Reports
	site *web.Site
}

// Pages are the admins' pages.
func (s *Reports) Pages(site *web.Site) web.Pages {
	v := views{s, site}
	list := web.NewPage[listPage](site, pages, "pages/list.html")
	one := web.NewPage[onePage](site, pages, "pages/one.html")
	held := web.NewPage[onePage](site, pages, "pages/held.html")
	check := web.NewPage[onePage](site, pages, "pages/check.html")
	return web.Pages{
		Routes: []web.Route{
			{Pattern: "GET " + Path, Handler: list.Show(v.list)},
			{Pattern: "GET " + Path + "/pack/{service}", Handler: one.Show(v.one)},
			{Pattern: Path + "/pack/{service}/check", Handler: check.Form(v.one, v.check)},
			{Pattern: "GET " + Path + "/held/{member}/{service}", Handler: held.Show(v.held)},
		},
		Menu: []web.Entry{{Path: Path, Key: "succession.pack.menu", Group: web.GroupCustody, Order: 80}},
	}
}

func lineSeverity(l pack.Line) web.Severity {
	switch {
	case l.Red && l.State != pack.There:
		return web.Trouble
	case l.Red:
		return web.Warn
	}
	return web.Fine
}

func kindSeverity(k pack.Kind) web.Severity {
	switch k {
	case pack.Warm, pack.Hot:
		return web.Fine
	case pack.Cold:
		return web.Warn
	}
	return web.Trouble
}

// shownLine is an item as a page writes it.
type shownLine struct {
	Name, State, Proof string
	Severity           web.Severity
	Gaps               []string
}

type shownSuccessor struct {
	pack.Successor
	Text, KindText string
	Severity       web.Severity
}

// shown is a pack as a page writes it.
type shown struct {
	pack.View
	Lines      []shownLine
	To         []shownSuccessor
	Weekend    string
	Why        string       // what lacks for it
	Severity   web.Severity // of the weekend
	RedText    string
	Kind       string
	KindLooks  web.Severity
	Path       string
	ProgramIs  string
	GapsThere  bool
	FolderPath string
}

func (v views) shownOf(p *words.Printer, view pack.View) shown {
	s := shown{View: view, Severity: web.Warn, FolderPath: view.Dir}
	s.Weekend, s.Why = weekendText(p, view)
	if view.Weekend {
		s.Severity = web.Fine
	}
	for _, l := range view.Items {
		line := shownLine{Name: itemText(p, l.Name), State: stateText(p, l), Proof: proofText(p, l), Severity: lineSeverity(l)}
		for _, g := range l.Gaps {
			line.Gaps = append(line.Gaps, gapText(p, view, g))
		}
		s.GapsThere = s.GapsThere || len(line.Gaps) > 0
		s.Lines = append(s.Lines, line)
	}
	for _, one := range view.Successors {
		to := shownSuccessor{one, successorText(p, view, one), kindText(p, one.Kind, one.Until), kindSeverity(one.Kind)}
		if one.Trouble != "" {
			to.Severity = web.Trouble
		}
		s.To = append(s.To, to)
	}
	kind, until := view.Best()
	s.Kind, s.KindLooks = kindText(p, kind, until), kindSeverity(kind)
	s.RedText = p.T("succession.pack.reds", args{"Count": view.Red()})
	s.ProgramIs = view.Program
	if view.Version != "" {
		s.ProgramIs += " " + view.Version
	}
	s.Path = Path + "/pack/" + view.Service
	if view.Owner != v.self() {
		s.Path = Path + "/held/" + string(view.Owner) + "/" + view.Service
	}
	return s
}

// broken is a folder that cannot be read.
type broken struct{ Service, Why string }

type listPage struct {
	Picture template.HTML
	Ours    []shown
	Theirs  []shown
	Broken  []broken
	Unnamed []string
}

func (v views) list(r *http.Request) (page listPage, err error) {
	p := v.site.Printer(r)
	ours, bad, err := v.Fill.Ours(r.Context())
	if err != nil {
		return page, err
	}
	for service, err := range bad {
		page.Broken = append(page.Broken, broken{service, p.Error(err)})
	}
	theirs, err := v.Packs.Theirs(r.Context())
	if err != nil {
		return page, err
	}
	for _, view := range ours {
		page.Ours = append(page.Ours, v.shownOf(p, view))
	}
	for _, view := range theirs {
		page.Theirs = append(page.Theirs, v.shownOf(p, view))
	}
	if len(ours) > 0 {
		page.Picture = picture(p, ours)
	}
	page.Unnamed, err = v.Fill.Unnamed(r.Context())
	return page, err
}

// picture is a row for each item, a column for each service.
func picture(p *words.Printer, ours []pack.View) template.HTML {
	red := 0
	g := web.Grid{Behind: web.Table{Summary: p.T("succession.pack.picture_behind", nil), Head: []string{p.T("succession.pack.col_item", nil)}}}
	for _, v := range ours {
		g.Columns = append(g.Columns, v.Service)
		g.Behind.Head = append(g.Behind.Head, v.Service)
		red += v.Red()
	}
	for i, name := range pack.Names() {
		row := web.GridRow{Name: itemText(p, name)}
		cells := append(make([]string, 0, 1+len(ours)), row.Name)
		for _, v := range ours {
			l := v.Items[i]
			says := stateText(p, l)
			row.Cells = append(row.Cells, web.GridCell{Severity: lineSeverity(l), Says: v.Service + ", " + row.Name + ": " + says})
			cells = append(cells, says)
		}
		g.Rows, g.Behind.Rows = append(g.Rows, row), append(g.Behind.Rows, cells)
	}
	g.Caption = web.Caption{Title: p.T("succession.pack.picture", nil), Words: p.T("succession.pack.picture_words", args{"Count": red, "Total": strconv.Itoa(len(ours) * len(pack.Names()))})}
	return g.HTML()
}

type onePage struct{ shown }

func (v views) one(r *http.Request) (page onePage, err error) {
	view, err := v.Fill.Show(r.Context(), r.PathValue("service"))
	if err != nil {
		return page, err
	}
	return onePage{v.shownOf(v.site.Printer(r), view)}, nil
}

func (v views) held(r *http.Request) (page onePage, err error) {
	owner, err := core.ParseMemberID(r.PathValue("member"))
	if err != nil {
		return page, err
	}
	view, err := v.Packs.ShowHeld(r.Context(), owner, r.PathValue("service"))
	if err != nil {
		return page, err
	}
	return onePage{v.shownOf(v.site.Printer(r), view)}, nil
}

func (v views) check(r *http.Request) (string, error) {
	service := r.PathValue("service")
	var seen []fill.Seen
	for _, text := range r.PostForm["seen"] {
		one, err := fill.ParseSeen(text)
		if err != nil {
			return "", err
		}
		seen = append(seen, one)
	}
	if _, err := v.Fill.Check(r.Context(), service, seen); err != nil {
		return "", err
	}
	return Path + "/pack/" + service, v.Packs.DeliverNow(r.Context(), service)
}
