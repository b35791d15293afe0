package forms

import (
	"cmp"
	"net/http"
	"strings"

	"entrechat/internal/core"
	"entrechat/internal/kit/web"
	"entrechat/internal/kit/words"
	"entrechat/internal/room/directory/own"
	"entrechat/internal/room/directory/statool"
)

// StartPath is where a hoster says who it is.
const StartPath = "/admin/start"

// introduction is the form that asks who we are.
func (r *Forms) introduction(s *web.Site) web.Pages {
	start := web.NewPage[startPage](s, pages, "pages/start.html")
	published := web.NewPage[publishedPage](s, pages, "pages/published.html")
	return web.Pages{
		Routes: []web.Route{
			{Pattern: StartPath, Handler: start.Form(func(req *http.Request) (startPage, error) {
				return r.startPage(req, s.Printer(req))
			}, r.start)},
			{Pattern: "GET " + StartPath + publishedPath, Handler: published.Show(func(*http.Request) (publishedPage, error) {
				return r.publishedPage(own.HosterName)
			})},
		},
		Menu: []web.Entry{{Path: StartPath, Key: "directory.menu.start", Group: web.GroupPublic, Order: 9}},
	}
}

// startPage asks who we are, in the words of our own file.
type startPage struct {
	Fields  []web.Field
	URL     string // of the file, empty while there is none
	Trouble string // why a file of ours is not in the form, empty when all are
}

// countries are those the form offers; a file may name any.
func countries() [][2]string {
	return [][2]string{
		{"FR", "France"},
		{"BE", "Belgique"},
		{"CH", "Suisse"},
		{"LU", "Luxembourg"},
		{"CA", "Canada"},
		{"DE", "Deutschland"},
		{"ES", "España"},
		{"IT", "Italia"},
		{"NL", "Nederland"},
		{"PT", "Portugal"},
		{"GB", "United Kingdom"},
	}
}

func (r *Forms) startPage(req *http.Request, p *words.Printer) (startPage, error) {
	o, known, badFile := r.n.Own.Hoster()
	limits, _, badNote := r.n.Own.Note(own.LimitsName)
	field := func(name, value string) web.Field {
		if req.Method == http.MethodPost {
			value = req.PostForm.Get(name)
		}
		return web.Field{Name: name, Label: "directory.start." + name, Hint: "directory.start." + name + "_hint", Value: value}
	}
	name, kind, about := field("name", o.Name), field("type", o.Type), field("about", o.Description)
	town, country, contact, cannot := field("town", o.Place.Address), field("country", o.Country.Code), field("contact", o.Contact.Email), field("limits", limits)
	name.Required, kind.Required, country.Required = true, true, true
	about.Rows, cannot.Rows, contact.Kind, contact.Complete = 5, 6, "email", "email"
	for _, value := range []string{"ASSOCIATION", "INFORMAL", "COOPERATIVE", "MICROCOMPANY", "COMPANY", "INDIVIDUAL", "OTHER"} {
		kind.Options = append(kind.Options, web.Option{
			Value: value, Text: p.T("directory.type."+strings.ToLower(value), nil), Chosen: value == kind.Value,
		})
	}
	offered := false
	for _, c := range countries() {
		offered = offered || c[0] == country.Value
		country.Options = append(country.Options, web.Option{Value: c[0], Text: c[1], Chosen: c[0] == country.Value})
	}
	if !offered && o.Country.Name != "" {
		country.Options = append(country.Options, web.Option{Value: o.Country.Code, Text: o.Country.Name, Chosen: true})
	}
	state, note, ends := field("state", o.Status.Level), field("note", o.Status.Description), field("ends", o.EndDate)
	legal := field("legal", o.Legal)
	ends.Kind, legal.Kind = "date", "url"
	for _, value := range []string{"", "ACTIVE", "IDLE", "AWAY"} {
		text := p.T("directory.form.unsaid", nil)
		if value != "" {
			text = p.T("directory.hoster."+strings.ToLower(value), nil)
		}
		state.Options = append(state.Options, web.Option{Value: value, Text: text, Chosen: value == state.Value})
	}
	page := startPage{Fields: []web.Field{name, kind, about, town, country, contact, legal, cannot, state, note, ends}}
	if err := cmp.Or(badFile, badNote); err != nil && req.Method != http.MethodPost {
		page.Trouble = p.Error(err)
	}
	if known {
		page.URL = r.n.Own.Address(own.HosterName)
	}
	return page, nil
}

// start writes the form into our own file; what the form does not ask stays, and a file that
// cannot be read is never written over.
func (r *Forms) start(req *http.Request) (string, error) {
	o, known, err := r.n.Own.Hoster()
	if err != nil {
		return "", err
	}
	doc := &statool.Document{}
	if known {
		text, err := r.n.Own.Text(own.HosterName)
		if err != nil {
			return "", err
		}
		if doc, err = statool.Parse(text); err != nil {
			return "", err
		}
	} else {
		o.Head = statool.Head{Class: "Organization", Protocol: "ChatonsInfos-0.5", Generator: statool.Generator}
		o.Website = r.n.URL
	}
	typed := func(name string) string { return own.Tidy(req.PostForm.Get(name)) }
	o.Name, o.Type, o.Description = typed("name"), typed("type"), typed("about")
	o.Place.Address, o.Contact.Email = typed("town"), typed("contact")
	o.Legal = typed("legal")
	o.Status, o.EndDate = statool.Status{Level: typed("state"), Description: typed("note")}, typed("ends")
	if code := typed("country"); code != o.Country.Code {
		o.Country = statool.Country{}
		for _, c := range countries() {
			if c[0] == code {
				o.Country = statool.Country{Name: c[1], Code: c[0]}
			}
		}
	}
	if _, _, err := r.n.Own.Note(own.LimitsName); err != nil && core.CodeOf(err) != core.CodeInvalid {
		return "", err // what the form could not show is not written over
	}
	if err := own.CheckNote(typed("limits")); err != nil {
		return "", err
	}
	if err := statool.Put(doc, o); err != nil {
		return "", err
	}
	if _, err := r.n.Own.Publish(req.Context(), own.HosterName, doc.Bytes()); err != nil {
		return "", err
	}
	return StartPath + publishedPath, r.n.Own.PutNote(own.LimitsName, typed("limits"))
}
