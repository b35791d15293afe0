package ability

import (
	"embed"
	"html/template"
	"net/http"
	"slices"

	"entrechat/internal/core"
	"entrechat/internal/kit/web"
	"entrechat/internal/kit/words"
	"entrechat/internal/room/custody/figure"
	"entrechat/internal/room/custody/person"
)

//go:embed pages/*.html
var pages embed.FS

// Path is where our own admins see who can do what.
const Path = "/admin/custody/people"

const (
	abilityPath = "/admin/custody/ability"
	provePath   = "/admin/custody/prove"
	proofPath   = "/admin/custody/proof"
)

// views are the pages: those below /admin/ show names, to our own admins alone.
type views struct {
	*Abilities
	site *web.Site
}

// Pages are who can do what, with the figures, for our own admins; and where a mail to a
// mailbox is answered, for whoever reads it.
func (s *Abilities) Pages(site *web.Site) web.Pages {
	v := views{s, site}
	people := web.NewPage[peoplePage](site, pages, "pages/people.html")
	one := web.NewPage[cardPage](site, pages, "pages/card.html")
	add := web.NewPage[formPage](site, pages, "pages/add.html")
	need := web.NewPage[formPage](site, pages, "pages/need.html")
	prove := web.NewPage[formPage](site, pages, "pages/prove.html")
	proof := web.NewPage[proofPage](site, pages, "pages/proof.html")
	answer := web.NewPage[answerPage](site, pages, "pages/answer.html")
	return web.Pages{
		Routes: []web.Route{
			{Pattern: "GET " + Path, Handler: people.Show(v.people)},
			{Pattern: Path + "/add", Handler: add.Form(v.askCard, v.addCard)},
			{Pattern: Path + "/{id}", Handler: one.Form(v.card, v.leave)},
			{Pattern: abilityPath + "/add", Handler: need.Form(v.askNeed, v.addNeed)},
			{Pattern: provePath, Handler: prove.Form(v.askProof, v.beginProof)},
			{Pattern: proofPath + "/{id}", Handler: proof.Form(v.proof, v.endProof)},
			{Pattern: AnswerPath + "{token}", Handler: web.NoStore(answer.Reveal(v.asked, v.answered))},
		},
		Menu: []web.Entry{{Path: Path, Key: "custody.ability.menu", Group: web.GroupCustody, Order: 20}},
	}
}

// serviceRow is the figure of one service.
type serviceRow struct {
	Name     string
	Severity web.Severity
	Says     string
	Lost     string // who would be enough to lose
	Places   int
}

type peoplePage struct {
	Services []serviceRow
	Picture  template.HTML
	People   []cardRow
	Needs    bool // something is noted
	Oldest   core.Moment
	Besides  []besideRow
}

// besideRow is a box, and with which members it would be lost.
type besideRow struct{ Scope, Lost string }

type cardRow struct {
	ID     person.ID
	Name   string
	Duties int
}

func (v views) people(r *http.Request) (page peoplePage, err error) {
	f, err := v.Facts(r.Context())
	if err != nil {
		return page, err
	}
	duties, err := v.Persons.Duties(r.Context())
	if err != nil {
		return page, err
	}
	names := map[person.ID]string{}
	for _, c := range f.People {
		names[c.ID] = c.Name
		row := cardRow{ID: c.ID, Name: c.Name}
		for _, d := range duties {
			if d.Person == c.ID {
				row.Duties++
			}
		}
		page.People = append(page.People, row)
	}
	p := v.site.Printer(r)
	report := f.Figures(core.At(v.Now()))
	for _, s := range report.Services {
		page.Services = append(page.Services, serviceRow{serviceOf(p, s.Name), severity(s.People), says(p, s), namesOf(names, s.People.Lost), s.Places.Count})
	}
	page.Needs, page.Oldest = len(report.Abilities) > 0, report.Oldest
	for _, b := range f.Besides() {
		page.Besides = append(page.Besides, besideRow{b.Scope, besideSays(p, b)})
	}
	page.Picture = picture(p, f, report, names)
	return page, nil
}

// severity of a figure: one person is trouble, two are little.
func severity(f figure.Figure) web.Severity {
	switch {
	case f.Count <= 1:
		return web.Trouble
	case f.Count == 2:
		return web.Warn
	default:
		return web.Fine
	}
}

// picture is people x abilities, with a table of the same in words.
func picture(p *words.Printer, f Facts, r Report, names map[person.ID]string) template.HTML {
	g := web.Grid{Caption: web.Caption{Title: p.T("custody.ability.picture", nil), Words: p.T("custody.ability.picture_words", nil)}}
	head := make([]string, 0, 2+len(f.People))
	head = append(head, p.T("custody.ability.head_kind", nil), p.T("custody.ability.head_figure", nil))
	for _, c := range f.People {
		g.Columns = append(g.Columns, c.Name)
		head = append(head, c.Name)
	}
	table := make([][]string, 0, len(r.Abilities))
	for _, a := range r.Abilities {
		row := web.GridRow{Name: kindOf(p, a.Ability)}
		line := make([]string, 0, 2+len(f.People))
		line = append(line, kindOf(p, a.Ability)+", "+serviceOf(p, a.Service), figureSays(p, a.People, kindOf(p, a.Ability)))
		for _, c := range f.People {
			cell := cellOf(p, f, a.Ability, c.ID, r.At)
			line = append(line, cell.Says)
			cell.Says = p.Pair(names[c.ID], cell.Says)
			row.Cells = append(row.Cells, cell)
		}
		g.Rows, table = append(g.Rows, row), append(table, line)
	}
	if len(table) == 0 || len(f.People) == 0 {
		return ""
	}
	g.Behind = web.Table{Summary: p.T("custody.ability.in_words", nil), Head: head, Rows: table}
	return g.HTML()
}

// cellOf says whether a person proved an ability, and how long ago.
func cellOf(p *words.Printer, f Facts, a Ability, who person.ID, now core.Moment) web.GridCell {
	i := slices.IndexFunc(f.Holdings, func(h Holding) bool { return h.Ability == a.ID && h.Person == who })
	if i < 0 {
		return web.GridCell{Severity: web.None, Says: p.T("custody.ability.cell_none", nil)}
	}
	h := f.Holdings[i]
	said := args{"Ago": p.Ago(h.Proved, now.Time())}
	switch {
	case !h.Counts(now):
		return web.GridCell{Severity: web.Trouble, Says: p.T("custody.ability.cell_over", said)}
	case h.Ends(now):
		return web.GridCell{Severity: web.Warn, Says: p.T("custody.ability.cell_ends", said)}
	default:
		return web.GridCell{Severity: web.Fine, Says: p.T("custody.ability.cell_fine", said)}
	}
}

// answerPage is where a mail to a mailbox leads: a question with one button, then that it
// was answered.
type answerPage struct {
	Done    bool
	Node    string
	Address string
}

func (v views) asked(r *http.Request) (answerPage, error) {
	a, err := v.Asked(r.Context(), r.PathValue("token"))
	return answerPage{Node: string(v.Node), Address: a.Subject}, err
}

func (v views) answered(r *http.Request) (answerPage, error) {
	return answerPage{Done: true, Node: string(v.Node)}, v.Answer(r.Context(), r.PathValue("token"))
}
