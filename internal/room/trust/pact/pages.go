package pact

import (
	"errors"
	"html/template"
	"net/http"

	"entrechat/internal/core"
	"entrechat/internal/kit/web"
	"entrechat/internal/room/trust/task"
)

// Path is where the page of pacts is.
const Path = "/admin/pacts"

// views are the pages about pacts.
type views struct {
	*Service
	site *web.Site
}

// Pages are the pages about pacts.
func (s *Service) Pages(site *web.Site) []web.Route {
	v := views{s, site}
	list := web.NewPage[listPage](site, pages, "pages/pacts.html")
	one := web.NewPage[onePage](site, pages, "pages/pact.html", "pages/articles.html")
	add := web.NewPage[proposePage](site, pages, "pages/propose.html")
	return []web.Route{
		{Pattern: Path + "/new", Handler: add.Form(v.askTerms, v.propose)},
		{Pattern: "GET " + Path, Handler: list.Show(v.list)},
		{Pattern: Path + "/{id}", Handler: one.Form(v.one, v.change)},
	}
}

// listPage lists pacts: what waits for us, what holds, what is over.
type listPage struct {
	Ours, Open, Over []listed
}

// listed is a pact as a page writes it.
type listed struct {
	View
	Says       string // its state in words
	Severity   string // class of the state
	Give, Take []string
	Balance    template.HTML // of the room both promise; empty for none
	Tasks      []string
}

func (v views) list(r *http.Request) (page listPage, err error) {
	records, err := v.List(r.Context())
	if err != nil {
		return page, err
	}
	waiting, err := v.Tasks.Waiting(r.Context())
	for _, h := range records {
		one, err := v.listed(r, h, waiting)
		if err != nil {
			return page, err
		}
		switch {
		case one.State == Proposed && !one.Ours:
			page.Ours = append(page.Ours, one)
		case one.Severity == "none":
			page.Over = append(page.Over, one)
		default:
			page.Open = append(page.Open, one)
		}
	}
	return page, err
}

func (v views) listed(r *http.Request, h Record, waiting []task.Waiting) (listed, error) {
	p := v.site.Printer(r)
	says, well, err := v.stateOf(r.Context(), p, h)
	seen := h.View(v.self(), v.now(), waiting)
	one := listed{
		View: seen, Says: says, Severity: "none",
		Give: v.Types.Words(p, seen.Gives), Take: v.Types.Words(p, seen.Gets),
		Balance: balance(p, v.Types, seen),
	}
	switch seen.State {
	case Active:
		one.Severity = map[bool]string{true: "fine", false: "warn"}[well]
	case Proposed, Ending:
		one.Severity = "warn"
	default: // over
	}
	for _, w := range seen.Waiting {
		one.Tasks = append(one.Tasks, task.Words(p, w))
	}
	return one, err
}

// onePage is the convention, and what may be done about it.
type onePage struct {
	Convention
	Pact                          listed
	CanSign, CanDecline, CanClose bool
}

func (v views) one(r *http.Request) (page onePage, err error) {
	h, err := v.Get(r.Context(), r.PathValue("id"))
	if err != nil {
		return page, err
	}
	docs, err := v.Signed(r.Context(), h.ID)
	if err != nil {
		return page, err
	}
	waiting, err := v.Tasks.Waiting(r.Context())
	if err != nil {
		return page, err
	}
	if page.Pact, err = v.listed(r, h, waiting); err != nil {
		return page, err
	}
	page.Convention = NewConvention(v.site.Printer(r), v.Types, h, docs.Pact, v.now())
	page.CanSign = page.Pact.State == Proposed && !page.Pact.Ours
	page.CanDecline = page.Pact.State == Proposed
	page.CanClose = page.Pact.State == Active
	return page, nil
}

// change signs, declines, withdraws or ends. A signature binds the team, so a
// box is ticked first.
func (v views) change(r *http.Request) (string, error) {
	id := r.PathValue("id")
	if r.PostForm.Get("sure") == "" {
		return "", core.Invalid("trust.tick_first", errors.New("not confirmed"))
	}
	var err error
	switch r.PostForm.Get("do") {
	case "accept":
		_, err = v.Accept(r.Context(), id, Card{})
	case "close":
		_, err = v.Close(r.Context(), id)
	default:
		err = core.Invalid("web.bad_form", errors.New("no such button"))
	}
	return Path + "/" + id, err
}
