package directory

import (
	"net/http"
	"slices"

	"entrechat/internal/core"
	"entrechat/internal/kit/web"
	"entrechat/internal/kit/words"
)

const (
	transparencyPath = "/transparency"
	charterPath      = "/admin/transparency"
)

// transparency are the pages that hold evidence for the collective's charter.
func (r *Room) transparency(site *web.Site) web.Pages {
	shown := web.NewPage[evidencePage](site, pages, "pages/transparency.html")
	form := web.NewPage[charterPage](site, pages, "pages/transparency_form.html")
	return web.Pages{
		Routes: []web.Route{
			{Pattern: "GET " + transparencyPath, Handler: shown.Show(func(req *http.Request) (evidencePage, error) {
				return r.evidence(req, site.Printer(req))
			})},
			{Pattern: charterPath, Handler: form.Form(r.charterForm, r.charter)},
		},
		Menu: []web.Entry{
			{Path: transparencyPath, Key: "directory.menu_transparency", Order: 45},
			{Path: charterPath, Key: "directory.menu_transparency", Order: 11},
		},
	}
}

// evidencePage is what this hoster can show, each with where it comes from, and what
// it does not say.
type evidencePage struct {
	Backups  []Backup
	Services []programLine
	Figures  []figure
	Notes    []noteLine
	Silent   []string // topics of which nothing is said
}

type programLine struct {
	Slug, Name, Software, Version string
	Said                          core.Moment // file.datetime; 0 = not known
}

type noteLine struct {
	Topic, Text string
	At          core.Moment // when the text was written
}

func (r *Room) evidence(req *http.Request, p *words.Printer) (page evidencePage, err error) {
	if page.Backups, err = r.backups(req.Context()); err != nil {
		r.n.Log.Warn("how our backups stand is not known now", "error", err) // the rest still is
	}
	own, err := r.Own(req.Context())
	if err != nil {
		return page, err
	}
	page.Figures = figures(own)
	all, err := r.services(req.Context())
	if err != nil {
		return page, err
	}
	for name, s := range all {
		if s.sheet.Ended {
			continue
		}
		page.Services = append(page.Services, programLine{name, s.sheet.Name, s.sheet.Software, s.sheet.Version, s.sheet.Author.Said})
	}
	slices.SortFunc(page.Services, func(a, b programLine) int { return slices.Compare([]string{a.Name, a.Slug}, []string{b.Name, b.Slug}) })
	for _, topic := range topics() {
		text, at, err := r.note(noteName(topic))
		if core.CodeOf(err) == core.CodeInvalid {
			text, err = "", nil // an editor left something else there: doctor's business, not visitors'
		}
		if err != nil {
			return page, err
		}
		if text == "" {
			page.Silent = append(page.Silent, p.T("directory.charter."+topic, nil))
			continue
		}
		page.Notes = append(page.Notes, noteLine{p.T("directory.charter."+topic, nil), text, at})
	}
	if len(page.Backups) == 0 {
		page.Silent = append(page.Silent, p.T("directory.charter.backups", nil))
	}
	if len(page.Figures) == 0 {
		page.Silent = append(page.Silent, p.T("directory.charter.statistics", nil))
	}
	return page, nil
}

// charterPage asks what only the hoster can say.
type charterPage struct{ Fields []web.Field }

func (r *Room) charterForm(req *http.Request) (page charterPage, err error) {
	for _, topic := range topics() {
		text, _, err := r.note(noteName(topic))
		if err != nil && core.CodeOf(err) != core.CodeInvalid {
			return page, err
		}
		if req.Method == http.MethodPost {
			text = req.PostForm.Get(topic)
		}
		page.Fields = append(page.Fields, web.Field{
			Name: topic, Label: "directory.charter." + topic, Hint: "directory.charter." + topic + "_how", Value: text, Rows: 4,
		})
	}
	return page, nil
}

func (r *Room) charter(req *http.Request) (string, error) {
	for _, topic := range topics() {
		if err := checkNote(tidy(req.PostForm.Get(topic))); err != nil {
			return "", err
		}
	}
	for _, topic := range topics() {
		if err := r.putNote(noteName(topic), tidy(req.PostForm.Get(topic))); err != nil {
			return "", err
		}
	}
	return transparencyPath, nil
}
