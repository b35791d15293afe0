package forms

import (
	"context"
	"net/http"

	"entrechat/internal/kit/web"
	"entrechat/internal/kit/words"
	"entrechat/internal/room/directory/own"
)

const filesPath = "/admin/files"

// files is the page about how our own files stand.
func (r *Forms) files(s *web.Site) web.Pages {
	files := web.NewPage[filesPage](s, pages, "pages/files.html")
	return web.Pages{
		Routes: []web.Route{{Pattern: "GET " + filesPath, Handler: files.Show(func(req *http.Request) (filesPage, error) {
			return r.filesPage(req.Context(), s.Printer(req))
		})}},
		Menu: []web.Entry{{Path: filesPath, Key: "directory.menu_files", Group: web.GroupPublic, Order: 10}},
	}
}

// filesPage is how our own files stand, for admins.
type filesPage struct{ Files []fileLine }

// fileLine is one file and what there is to say about it.
type fileLine struct {
	own.File
	Severity string
	Says     string
	Findings []string
	Edit     string // the form
}

func (r *Forms) filesPage(ctx context.Context, p *words.Printer) (page filesPage, err error) {
	files, err := r.n.Own.List(ctx)
	if err != nil {
		return page, err
	}
	for _, f := range files {
		line := fileLine{File: f, Edit: servicePath + f.Name, Severity: "fine", Says: p.T("directory.state.valid", nil)}
		if f.Name == own.HosterName {
			line.Edit = StartPath
		}
		if !f.Report.OK() {
			line.Severity, line.Says = "trouble", p.T("directory.state.invalid", nil)
		}
		for _, found := range f.Report.Findings {
			line.Findings = append(line.Findings, p.T("directory.finding", map[string]any{
				"Severity": p.T("directory.severity."+string(found.Severity), nil), "Text": p.T(found.Key, found.Args),
			}))
		}
		page.Files = append(page.Files, line)
	}
	return page, nil
}
