package directory

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"unicode"
	"unicode/utf8"

	"entrechat/internal/core"
	"entrechat/internal/kit/fit"
	"entrechat/internal/kit/web"
	"entrechat/internal/kit/words"
	"entrechat/internal/room/directory/catalogue"
	"entrechat/internal/room/directory/statool"
)

const startPath = "/admin/start"

// introduction is the form that asks who we are, and what it says elsewhere.
func (r *Room) introduction(site *web.Site) web.Pages {
	start := web.NewPage[startPage](site, pages, "pages/start.html")
	return web.Pages{
		Routes: []web.Route{{Pattern: startPath, Handler: start.Form(func(req *http.Request) (startPage, error) {
			return r.startPage(req, site.Printer(req))
		}, r.start)}},
		Menu: []web.Entry{{Path: startPath, Key: "directory.menu.start", Order: 9}},
		Home: []web.Panel{web.NewPanel(site, pages, "pages/who.html", func(req *http.Request) (whoPanel, bool, error) {
			return r.who(req, site.Printer(req))
		})},
		Overview: []web.Panel{web.NewPanel(site, pages, "pages/unknown.html", r.unknown)},
	}
}

// Hoster is what our own file says of us; ok is false while there is none.
func (r *Room) Hoster() (o statool.Organization, ok bool, err error) {
	text, err := r.ownText(hoster)
	if core.CodeOf(err) == core.CodeNotFound {
		return o, false, nil
	}
	if err != nil {
		return o, false, err
	}
	doc, err := statool.Parse(text)
	if err != nil {
		return o, false, err
	}
	return statool.Read[statool.Organization](doc), true, nil
}

// whoPanel is the part of the home page about us.
type whoPanel struct {
	About    string
	Place    string // town level, whatever the file says
	State    string
	Note     string
	Severity string
	Legal    string // address
	Data     linked
}

func (r *Room) who(req *http.Request, p *words.Printer) (panel whoPanel, ok bool, err error) {
	o, known, err := r.Hoster()
	if err != nil || !known {
		return panel, false, err
	}
	h, _, err := r.ownSheets(req.Context())
	if err != nil {
		return panel, false, err
	}
	sheet := hosterSheetOf(p, h, nil, r.now())
	place := strings.Trim(h.Town+", "+o.Country.Name, ", ")
	panel = whoPanel{About: o.Description, Place: place, Note: h.Note, Legal: o.Legal, Data: organizationLD(o, r.n.URL, h.Town)}
	if h.State != catalogue.StateActive {
		panel.State, panel.Severity = sheet.State, sheet.Severity
	}
	return panel, true, nil
}

// unknown reminds the admin of a hoster that said nothing of itself yet.
func (r *Room) unknown(*http.Request) (struct{}, bool, error) {
	_, known, err := r.Hoster()
	return struct{}{}, !known, err
}

// startPage asks who we are, in the words of our own file.
type startPage struct {
	Fields []web.Field
	URL    string // of the file, empty while there is none
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

func (r *Room) startPage(req *http.Request, p *words.Printer) (startPage, error) {
	o, known, err := r.Hoster()
	if err != nil {
		return startPage{}, err
	}
	limits, _, err := r.note(limitsName)
	if err != nil {
		return startPage{}, err
	}
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
	if known {
		page.URL = r.address(hoster)
	}
	return page, nil
}

// start writes the form into our own file; what the form does not ask stays.
func (r *Room) start(req *http.Request) (string, error) {
	o, known, err := r.Hoster()
	if err != nil {
		return "", err
	}
	doc := &statool.Document{}
	if known {
		text, err := r.ownText(hoster)
		if err != nil {
			return "", err
		}
		if doc, err = statool.Parse(text); err != nil {
			return "", err
		}
	} else {
		o.Head = statool.Head{Class: "Organization", Protocol: "ChatonsInfos-0.5", Generator: generator}
		o.Website = r.n.URL
	}
	typed := func(name string) string { return tidy(req.PostForm.Get(name)) }
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
	if err := checkNote(typed("limits")); err != nil {
		return "", err
	}
	if err := statool.Put(doc, o); err != nil {
		return "", err
	}
	if _, err := r.Publish(req.Context(), hoster, doc.Bytes()); err != nil {
		return "", err
	}
	return "/", r.putNote(limitsName, typed("limits"))
}

// tidy makes typed text fit for a file: line ends and spaces around.
func tidy(s string) string {
	return strings.TrimSpace(strings.NewReplacer("\r\n", "\n", "\r", "\n", "\t", " ").Replace(s))
}

// limitsName is where our own words on our limits lie: one a line, as any editor
// may write them. The collective's format has no field for them.
const limitsName = "limits.txt"

const maxNote = 8000 // bytes

func checkNote(text string) error {
	control := func(r rune) bool { return r != '\n' && !unicode.IsGraphic(r) }
	if len(text) > maxNote || !utf8.ValidString(text) || strings.ContainsFunc(text, control) {
		return core.Invalid("directory.bad_limits", errors.New("too long or not plain text")).With("Count", maxNote)
	}
	return nil
}

// limits are our own words, a line each.
func (r *Room) limits(context.Context) ([]fit.Limit, error) {
	text, _, err := r.note(limitsName)
	var all []fit.Limit
	for line := range strings.SplitSeq(text, "\n") {
		if line = strings.TrimSpace(line); line != "" {
			all = append(all, fit.Limit{Key: "directory.own_limit", Args: args{"Text": line}})
		}
	}
	return all, err
}
