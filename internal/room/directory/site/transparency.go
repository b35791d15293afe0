package site

import (
	"context"
	"net/http"
	"slices"

	"entrechat/internal/core"
	"entrechat/internal/kit/web"
	"entrechat/internal/kit/words"
	"entrechat/internal/room/directory/own"
)

// TransparencyPath is the page of evidence for the collective's charter.
const TransparencyPath = "/transparency"

// transparency are the pages that hold evidence for the collective's charter.
func (r *Site) transparency(site *web.Site) web.Pages {
	shown := web.NewPage[evidencePage](site, pages, "pages/transparency.html")
	return web.Pages{
		Routes: []web.Route{
			{Pattern: "GET " + TransparencyPath, Handler: shown.Show(func(req *http.Request) (evidencePage, error) {
				return r.evidence(req, site.Printer(req))
			})},
		},
		Menu: []web.Entry{
			{Path: TransparencyPath, Key: "directory.menu_transparency", Order: 45},
		},
	}
}

// evidencePage is what this hoster can show, each with where it comes from, and what
// it does not say.
type evidencePage struct {
	Backups  []Backup
	Services []programLine
	Figures  []own.Figure
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

func (r *Site) evidence(req *http.Request, p *words.Printer) (page evidencePage, err error) {
	if page.Backups, err = r.backups(req.Context()); err != nil {
		r.n.Log.Warn("how our backups stand is not known now", "error", err) // the rest still is
	}
	if page.Figures, err = r.n.Own.Figures(req.Context()); err != nil {
		return page, err
	}
	all, err := r.n.Own.Services(req.Context())
	if err != nil {
		return page, err
	}
	for name, s := range all {
		if s.Listing.Ended {
			continue
		}
		page.Services = append(page.Services, programLine{name, s.Listing.Name, s.Listing.Software, s.Listing.Version, s.Listing.Author.Said})
	}
	slices.SortFunc(page.Services, func(a, b programLine) int { return slices.Compare([]string{a.Name, a.Slug}, []string{b.Name, b.Slug}) })
	for _, topic := range own.Topics() {
		text, at, err := r.n.Own.Note(own.NoteName(topic))
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

// Backup is how one of our backups stands, for everybody to read; its name stays
// ours.
type Backup struct {
	Newest core.Moment // the newest snapshot that is off-site; 0 = none
	Places int         // failure domains that hold it
	Losses int         // how many of these may be lost
	Doubt  bool        // whether it can be read back is not known now, or it cannot
}

// backups are how ours stand; none where nothing is saved through this node.
func (r *Site) backups(ctx context.Context) ([]Backup, error) {
	if r.n.Backups == nil {
		return nil, nil
	}
	return r.n.Backups(ctx)
}
