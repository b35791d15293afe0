package directory

import (
	"context"
	"slices"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/fit"
	"entrechat/internal/kit/jobs"
	"entrechat/internal/kit/web"
	"entrechat/internal/room/directory/announce"
	"entrechat/internal/room/directory/forms"
	"entrechat/internal/room/directory/own"
)

// Fittings is what the room hands to the house.
func (r *Room) Fittings() fit.Fittings {
	f := fit.Fittings{
		Name:    "directory",
		Pages:   r.Own.Routes(),
		Checks:  []fit.Check{{Name: "directory.check_files", Run: r.checkFiles}},
		Limits:  r.Own.Limits,
		Entries: map[string]string{announce.TypeHoster: "directory.entry.hoster", announce.TypeService: "directory.entry.service"},
	}
	if r.Catalogue != nil {
		f.Web = r.web
		f.Steps = r.steps
		f.Jobs = append(r.Imports.Jobs(),
			jobs.Job{Name: "directory-say", Every: time.Minute, Jitter: 10 * time.Second, Run: r.Announcer.Say},
			jobs.Job{Name: "directory-index", Every: 30 * time.Second, Jitter: 5 * time.Second, Run: func(ctx context.Context) error {
				return r.Catalogue.Index(ctx, core.At(r.n.Now()))
			}})
		f.Readers = r.Announcer.Readers()
		f.Pages = append(f.Pages, r.api.Routes()...)
	}
	return f
}

// web is the room's pages for people.
func (r *Room) web(site *web.Site) (all web.Pages) {
	for _, p := range slices.Concat(r.site.Pages(site), r.forms.Pages(site)) {
		all.Routes = append(all.Routes, p.Routes...)
		all.Menu = append(all.Menu, p.Menu...)
		all.Feeds = append(all.Feeds, p.Feeds...)
		all.Home = append(all.Home, p.Home...)
		all.Overview = append(all.Overview, p.Overview...)
	}
	return all
}

// steps are our presentation. It is not done while its file cannot be read or is none:
// doctor says which.
func (r *Room) steps(context.Context) ([]fit.Step, error) {
	_, known, err := r.Hoster()
	return []fit.Step{{Order: 20, Key: "directory.unknown", Why: "directory.unknown_text", Path: forms.StartPath, Done: known && err == nil}}, nil
}

// checkFiles is doctor's question whether what we publish is valid.
func (r *Room) checkFiles(ctx context.Context) (fit.Finding, error) {
	files, err := r.Own.List(ctx)
	if err != nil {
		return fit.Finding{}, err
	}
	if len(files) == 0 {
		return fit.Unknown("directory.none_yet", nil), nil
	}
	for _, f := range files {
		if !f.Report.OK() {
			return fit.Finding{}, core.Invalid("directory.own_not_valid", own.Invalid(f.Name, f.Report)).With("Name", f.Name).With("File", f.Name+own.Suffix)
		}
	}
	return fit.Finding{}, nil
}
