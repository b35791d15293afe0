package trust

import (
	"context"
	"errors"
	"net/http"

	"entrechat/internal/core"
	"entrechat/internal/kit/web"
	"entrechat/internal/kit/words"
)

const pactsPath = "/admin/pacts"

func (s *Service) pactPages(site *web.Site) []web.Route {
	list := web.NewPage[pactsPage](site, pages, "pages/pacts.html")
	one := web.NewPage[pactPage](site, pages, "pages/pact.html", "pages/articles.html")
	add := web.NewPage[proposePage](site, pages, "pages/propose.html")
	return []web.Route{
		{Pattern: pactsPath + "/new", Handler: add.Form(s.proposePage, s.propose)},
		{Pattern: "GET " + pactsPath, Handler: list.Show(func(r *http.Request) (pactsPage, error) {
			return s.pactsPage(r, site.Printer(r))
		})},
		{Pattern: pactsPath + "/{id}", Handler: one.Form(func(r *http.Request) (pactPage, error) {
			return s.pactPage(r, site.Printer(r))
		}, s.changePact)},
	}
}

// pactsPage lists pacts: what waits for us, what holds, what is over.
type pactsPage struct {
	Ours, Open, Over []pactLine
}

// pactLine is a pact as a page writes it.
type pactLine struct {
	PactView
	Says       string // its state in words
	Severity   string // class of the state
	Give, Take []string
	Tasks      []string
}

func (s *Service) pactsPage(r *http.Request, p *words.Printer) (page pactsPage, err error) {
	held, err := s.Pacts(r.Context())
	if err != nil {
		return page, err
	}
	waiting, err := s.Tasks.Waiting(r.Context())
	for _, h := range held {
		line, err := s.pactLine(r.Context(), p, h, waiting)
		if err != nil {
			return page, err
		}
		switch {
		case line.State == Proposed && !line.Ours:
			page.Ours = append(page.Ours, line)
		case line.Severity == "none":
			page.Over = append(page.Over, line)
		default:
			page.Open = append(page.Open, line)
		}
	}
	return page, err
}

func (s *Service) pactLine(ctx context.Context, p *words.Printer, h Held, waiting []Waiting) (pactLine, error) {
	says, well, err := s.pactState(ctx, p, h)
	v := h.View(s.self(), s.now(), waiting)
	line := pactLine{
		PactView: v, Says: says, Severity: "none",
		Give: grantsWords(p, v.Gives), Take: grantsWords(p, v.Gets),
	}
	switch v.State {
	case Active:
		line.Severity = map[bool]string{true: "fine", false: "warn"}[well]
	case Proposed, Ending:
		line.Severity = "warn"
	default: // over
	}
	for _, w := range v.Waiting {
		line.Tasks = append(line.Tasks, taskWords(p, w))
	}
	return line, err
}

// pactPage is the convention, and what may be done about it.
type pactPage struct {
	Convention
	Line                          pactLine
	CanSign, CanDecline, CanClose bool
}

func (s *Service) pactPage(r *http.Request, p *words.Printer) (page pactPage, err error) {
	h, err := s.Pact(r.Context(), r.PathValue("id"))
	if err != nil {
		return page, err
	}
	docs, err := s.Signed(r.Context(), h.ID)
	if err != nil {
		return page, err
	}
	waiting, err := s.Tasks.Waiting(r.Context())
	if err != nil {
		return page, err
	}
	if page.Line, err = s.pactLine(r.Context(), p, h, waiting); err != nil {
		return page, err
	}
	page.Convention = NewConvention(p, h, docs.Pact, s.now())
	page.CanSign = page.Line.State == Proposed && !page.Line.Ours
	page.CanDecline = page.Line.State == Proposed
	page.CanClose = page.Line.State == Active
	return page, nil
}

// changePact signs, declines, withdraws or ends. A signature binds the team, so a
// box is ticked first.
func (s *Service) changePact(r *http.Request) (string, error) {
	id := r.PathValue("id")
	if r.PostForm.Get("sure") == "" {
		return "", core.Invalid("trust.tick_first", errors.New("not confirmed"))
	}
	var err error
	switch r.PostForm.Get("do") {
	case "accept":
		_, err = s.Accept(r.Context(), id, Card{})
	case "close":
		_, err = s.Close(r.Context(), id)
	default:
		err = core.Invalid("web.bad_form", errors.New("no such button"))
	}
	return pactsPath + "/" + id, err
}
