package silence

import (
	"embed"
	"net/http"

	"entrechat/internal/core"
	"entrechat/internal/kit/web"
	"entrechat/internal/kit/words"
)

//go:embed pages/*.html
var pages embed.FS

// Path is where admins see who is not heard.
const Path = "/admin/succession/silent"

type views struct {
	*Service
	site *web.Site
}

// Pages are the admins' pages about members that are not heard. Each offers one action: to note a
// call.
func (s *Service) Pages(site *web.Site) web.Pages {
	v := views{s, site}
	list := web.NewPage[listPage](site, pages, "pages/list.html")
	one := web.NewPage[onePage](site, pages, "pages/one.html")
	return web.Pages{
		Routes: []web.Route{
			{Pattern: "GET " + Path, Handler: web.NoStore(list.Show(v.list))},
			{Pattern: Path + "/{member}", Handler: web.NoStore(one.Form(v.one, v.called))},
		},
		Menu: []web.Entry{{Path: Path, Key: "succession.silence.menu", Group: web.GroupPartners, Order: 66}},
	}
}

// line is a member as a page writes it.
type line struct {
	View
	Says, Do string
	Severity web.Severity
}

type listPage struct{ Members []line }

func lineOf(p *words.Printer, v View) line {
	l := line{v, v.says(p), v.NextSays(p), web.None}
	switch {
	case v.State == Silent && v.Tied():
		l.Severity = web.Trouble
	case v.State == Silent, v.State == OwnLine:
		l.Severity = web.Warn
	}
	return l
}

func (v views) list(r *http.Request) (page listPage, err error) {
	all, err := v.Views(r.Context())
	for _, one := range all {
		page.Members = append(page.Members, lineOf(v.site.Printer(r), one))
	}
	return page, err
}

type onePage struct {
	line
	Called   []string
	By, Note web.Field
	Reached  string
}

func (v views) one(r *http.Request) (page onePage, err error) {
	m, err := core.ParseMemberID(r.PathValue("member"))
	if err != nil {
		return page, err
	}
	found, err := v.View(r.Context(), m)
	if err != nil {
		return page, err
	}
	p := v.site.Printer(r)
	page.line = lineOf(p, found)
	for _, c := range found.Calls {
		page.Called = append(page.Called, c.says(p))
	}
	page.By = web.Field{Name: "by", Label: "succession.silence.by", Required: true, Value: r.PostFormValue("by")}
	page.Note = web.Field{Name: "note", Label: "succession.silence.note", Rows: 3, Value: r.PostFormValue("note")}
	page.Reached = r.PostFormValue("reached")
	return page, nil
}

func (v views) called(r *http.Request) (string, error) {
	m, err := core.ParseMemberID(r.PathValue("member"))
	if err != nil {
		return "", err
	}
	reached := r.PostForm.Get("reached")
	if reached != "yes" && reached != "no" {
		return "", core.Invalid("succession.silence.yes_or_no", nil)
	}
	return Path + "/" + string(m), v.Called(r.Context(), Call{Member: m, By: r.PostForm.Get("by"), Reached: reached == "yes", Note: r.PostForm.Get("note")})
}
