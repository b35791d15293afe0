package forms

import (
	"cmp"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"entrechat/internal/core"
	"entrechat/internal/kit/web"
	"entrechat/internal/kit/words"
	"entrechat/internal/room/directory/access"
	"entrechat/internal/room/directory/catalogue"
	"entrechat/internal/room/directory/own"
	"entrechat/internal/room/directory/statool"
)

const (
	servicePath = "/admin/services/"
	newPath     = "/admin/services/new"
	draftPath   = "/admin/services/draft"
)

// service are the pages in which the admin says what there is.
func (r *Forms) service(s *web.Site) web.Pages {
	service := web.NewPage[servicePage](s, pages, "pages/service_form.html")
	published := web.NewPage[publishedPage](s, pages, "pages/published.html")
	drafted := web.NewPage[draftPage](s, pages, "pages/draft.html")
	read := func(req *http.Request) (servicePage, error) { return r.servicePage(req, s.Printer(req)) }
	return web.Pages{Routes: []web.Route{
		{Pattern: newPath, Handler: service.Form(read, r.serviceForm)},
		{Pattern: servicePath + "{name}", Handler: service.Form(read, r.serviceForm)},
		{Pattern: "GET " + servicePath + "{name}" + publishedPath, Handler: published.Show(func(req *http.Request) (publishedPage, error) {
			return r.publishedPage(req.PathValue("name"))
		})},
		{Pattern: "GET " + draftPath, Handler: drafted.Show(func(req *http.Request) (draftPage, error) {
			return r.draftPage(req.Context(), s.Printer(req), strings.TrimSpace(req.URL.Query().Get("domain")))
		})},
	}}
}

// servicePage is the form about one service.
type servicePage struct {
	Name  string // of its file; "" = a new one
	Title string
	From  string // the domain whose facts are filled in; "" = none
	Parts []formPart
}

// formPart is one section of it.
type formPart struct {
	Title  string // words key
	Fields []web.Field
	Folded bool
	Open   bool // folded, and there is something to check in it
	Filled int
}

func (r *Forms) servicePage(req *http.Request, p *words.Printer) (page servicePage, err error) {
	page.Name = req.PathValue("name")
	doc, err := r.formSource(req, &page)
	if err != nil {
		return page, err
	}
	for _, part := range parts() {
		shown := formPart{Title: "directory.form.part_" + part.name, Folded: part.folded}
		for _, q := range part.questions {
			value, _ := doc.Get(q.key)
			if page.Name == "" && value == "" {
				value = q.initial
			}
			if req.Method == http.MethodPost {
				value = req.PostForm.Get(q.name)
			}
			if shown.Fields = append(shown.Fields, q.field(p, value)); value != "" {
				shown.Filled++
			}
		}
		// What a domain says of itself, and what was just typed, is to be looked at.
		shown.Open = shown.Filled > 0 && (page.From != "" || req.Method == http.MethodPost)
		page.Parts = append(page.Parts, shown)
	}
	page.Title, _ = doc.Get("service.name")
	return page, nil
}

// formSource is the document the form begins with: the service's file, what a domain
// says of it, or nothing.
func (r *Forms) formSource(req *http.Request, page *servicePage) (*statool.Document, error) {
	if page.Name != "" {
		doc, err := r.serviceFile(page.Name)
		if err == nil {
			says(doc)
		}
		return doc, err
	}
	domain, kind := req.URL.Query().Get("domain"), req.URL.Query().Get("program")
	if domain == "" || req.Method == http.MethodPost {
		return &statool.Document{}, nil
	}
	d, err := r.n.Draft(req.Context(), domain)
	if err != nil {
		return nil, err
	}
	page.From = string(d.Domain)
	for _, f := range d.Files {
		if f.Name == statool.FileName(kind)+own.Suffix {
			doc, err := statool.Parse(f.Text)
			if err == nil {
				says(doc)
			}
			return doc, err
		}
	}
	return &statool.Document{}, nil
}

// says fills in who may use a service where only the collective's one word says so.
func says(doc *statool.Document) {
	s := statool.Read[statool.Service](doc)
	a := access.FromStatool(s.Registration, s.Load)
	for key, value := range map[string]string{"entrechat.without": string(a.Without), "entrechat.register": string(a.Register)} {
		if have, _ := doc.Get(key); have == "" && value != "" {
			_ = doc.Set(key, value) // our own words: always writable
		}
	}
	if have, _ := doc.Get("entrechat.kind"); have == "" {
		if k := catalogue.KindOf(s.Software.Name); k != catalogue.KindUnknown {
			_ = doc.Set("entrechat.kind", string(k))
		}
	}
}

// serviceFile is a service's own file. Returns CodeNotFound, for the hoster's too.
func (r *Forms) serviceFile(name string) (*statool.Document, error) {
	if name == own.HosterName {
		return nil, core.NotFound("directory.no_service", errors.New("not a service"))
	}
	text, err := r.n.Own.Text(name)
	if err != nil {
		return nil, err
	}
	return statool.Parse(text)
}

func (q question) field(p *words.Printer, value string) web.Field {
	f := web.Field{Name: q.name, Label: "directory.form." + q.name, Value: value, Kind: q.kind, Rows: q.rows, Required: q.needed}
	if q.hinted {
		f.Hint = "directory.form." + q.name + "_hint"
	}
	if q.values == nil {
		return f
	}
	f.Options = append(f.Options, web.Option{Text: p.T("directory.form.unsaid", nil), Chosen: value == ""})
	for _, v := range q.values {
		word := v
		if q.name != "level" {
			word = strings.ToLower(v)
		}
		f.Options = append(f.Options, web.Option{Value: v, Text: p.T(q.says+word, nil), Chosen: strings.EqualFold(v, value)})
	}
	if q.name == "kind" {
		slices.SortFunc(f.Options[1:], func(a, b web.Option) int { return cmp.Compare(a.Text, b.Text) })
	}
	return f
}

// serviceForm writes what was typed into the service's file, or takes the file away.
func (r *Forms) serviceForm(req *http.Request) (string, error) {
	name := req.PathValue("name")
	switch req.PostForm.Get("do") {
	case "withdraw":
		if req.PostForm.Get("sure") == "" {
			return "", core.Invalid("directory.form.not_sure", errors.New("not ticked"))
		}
		return filesPath, r.n.Own.Withdraw(req.Context(), name)
	case "save":
	default:
		return "", core.Invalid("directory.form.not_sure", errors.New("no button"))
	}
	doc := &statool.Document{}
	if name != "" {
		var err error
		if doc, err = r.serviceFile(name); err != nil {
			return "", err
		}
	} else {
		name = statool.FileName(fold(req.PostForm.Get("name")))
		if _, err := r.n.Own.Text(name); core.CodeOf(err) != core.CodeNotFound {
			return "", core.Conflict("directory.form.there", errors.New(name)).With("Name", name)
		}
		for _, pair := range [][2]string{{"file.class", "Service"}, {"file.protocol", "ChatonsInfos-0.5"}, {"file.generator", statool.Generator}} {
			if err := doc.Set(pair[0], pair[1]); err != nil {
				return "", err
			}
		}
	}
	if err := answer(doc, req.PostForm); err != nil {
		return "", err
	}
	if _, err := r.n.Own.Publish(req.Context(), name, doc.Bytes()); err != nil {
		return "", err
	}
	return servicePath + name + publishedPath, nil
}

// answer puts the form's answers into a file. Returns CodeInvalid.
func answer(doc *statool.Document, typed url.Values) error {
	for _, q := range questions() {
		value, err := q.answer(typed)
		if err == nil {
			err = set(doc, q.key, value)
		}
		if err != nil {
			return err
		}
	}
	a := access.Access{Without: access.Without(typed.Get("without")), Register: access.Register(typed.Get("register")), Load: access.Load(strings.ToLower(typed.Get("load")))}
	word, load, _ := a.Statool()
	if word == "" {
		return core.Invalid("directory.form.who", errors.New("nobody may register, and an account is needed"))
	}
	for key, value := range map[string]string{"service.registration": word, "service.registration.load": load} {
		if sameAccess(doc, key, a) {
			continue
		}
		if err := set(doc, key, value); err != nil {
			return err
		}
	}
	return nil
}

func (q question) answer(typed url.Values) (string, error) {
	value := own.Tidy(typed.Get(q.name))
	if q.needed && value == "" {
		return "", core.Invalid("directory.form.needed", errors.New(q.name)).With("Field", q.name)
	}
	return value, own.CheckValue(q.key, value, q.values)
}

// set changes a key only where it says something else; "" takes it away.
func set(doc *statool.Document, key, value string) error {
	if had, _ := doc.Get(key); had == value {
		return nil
	}
	if value == "" {
		doc.Delete(key)
		return nil
	}
	return doc.Set(key, value)
}

// sameAccess says whether the file's registration says already what it can say of a:
// then its own words stay.
func sameAccess(doc *statool.Document, key string, a access.Access) bool {
	s := statool.Read[statool.Service](doc)
	word, load, _ := access.FromStatool(s.Registration, s.Load).Statool()
	want, wantLoad, _ := a.Statool()
	return key == "service.registration" && word == want && load == wantLoad
}

// fold makes plain letters of accented ones, for a file's name.
func fold(text string) string {
	return strings.Join(catalogue.Fold(text), "-")
}
