package trust

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/logbook"
	"entrechat/internal/kit/seal"
	"entrechat/internal/kit/web"
	"entrechat/internal/kit/words"
)

const membersPath = "/admin/members"

// web is the room's pages for people.
func (r *Room) web(site *web.Site) web.Pages {
	s := r.Service
	list := web.NewPage[membersPage](site, pages, "pages/members.html")
	add := web.NewPage[addPage](site, pages, "pages/add.html")
	invite := web.NewPage[invitePage](site, pages, "pages/invite.html")
	all := web.Pages{
		Routes: []web.Route{
			{Pattern: membersPath, Handler: list.Form(s.membersPage(site), s.changeMember)},
			{Pattern: membersPath + "/add", Handler: add.Form(s.addPage, s.addMember)},
			{Pattern: "GET " + membersPath + "/invite", Handler: invite.Show(func(*http.Request) (invitePage, error) { return invitePage{}, nil })},
			// Shown and not gone on to: the link stands in no address and no log.
			{Pattern: "POST " + membersPath + "/invite", Handler: invite.Show(s.makeInvite)},
		},
		Menu: []web.Entry{
			{Path: membersPath, Key: "trust.menu.members", Group: web.GroupPartners, Order: 30},
			{Path: pactsPath, Key: "trust.menu.pacts", Group: web.GroupPartners, Order: 40},
		},
		Overview: []web.Panel{web.NewPanel(site, pages, "pages/attention.html", s.attention)},
	}
	all.Routes = append(all.Routes, s.pactPages(site)...)
	return all
}

// membersPage lists everybody known here.
type membersPage struct {
	Asking, Members []memberLine
}

// memberLine is a member as a page writes it.
type memberLine struct {
	MemberView
	Key      string // words key of the standing
	LogKey   string
	Severity string // class of the logbook's state
	Tasks    []string
	CanVouch bool
	Company  string // who vouches for it
}

func (s *Service) membersPage(site *web.Site) func(r *http.Request) (membersPage, error) {
	return func(r *http.Request) (membersPage, error) {
		var page membersPage
		list, err := s.Members(r.Context())
		for _, v := range list {
			line := memberLineOf(site.Printer(r), v)
			if v.Standing == Asked && !v.Refused {
				page.Asking = append(page.Asking, line)
			} else {
				page.Members = append(page.Members, line)
			}
		}
		return page, err
	}
}

func memberLineOf(p *words.Printer, v MemberView) memberLine {
	line := memberLine{
		MemberView: v, Key: "trust.standing." + string(v.Standing), LogKey: "trust.log." + string(v.Log),
		CanVouch: v.Standing == Added && !v.Refused, Company: names(p, v.VouchedBy),
	}
	if v.Refused {
		line.Key = "trust.standing.refused"
	}
	switch v.Log {
	case logbook.Fresh:
		line.Severity = "fine"
	case logbook.Suspended:
		line.Severity = "trouble"
	case logbook.Unknown:
		line.Severity = "none"
	default:
		line.Severity = "warn"
	}
	for _, w := range v.Waiting {
		line.Tasks = append(line.Tasks, taskWords(p, w))
	}
	return line
}

// changeMember does what a button beside a member says.
func (s *Service) changeMember(r *http.Request) (string, error) {
	id, err := core.ParseMemberID(r.PostForm.Get("member"))
	if err != nil {
		return "", err
	}
	switch r.PostForm.Get("do") {
	case "vouch":
		err = s.Vouch(r.Context(), id)
	case "unvouch":
		err = s.Unvouch(r.Context(), id)
	case "refuse":
		err = s.Refuse(r.Context(), id, true)
	case "readmit":
		err = s.Refuse(r.Context(), id, false)
	default:
		err = core.Invalid("web.bad_form", errors.New("no such button"))
	}
	return membersPath, err
}

// addPage asks for a link or a domain; for a domain it then shows the six words
// that two people compare before anything is added.
type addPage struct {
	Who     web.Field
	Compare *compared
}

type compared struct {
	Address
	Fingerprint string
}

func (s *Service) addPage(r *http.Request) (addPage, error) {
	page := addPage{Who: web.Field{
		Name: "who", Label: "trust.add.who", Hint: "trust.add.who_hint", Required: true, Value: r.FormValue("who"),
	}}
	typed := r.URL.Query().Get("who")
	if typed == "" || r.Method == http.MethodPost {
		return page, nil
	}
	a, err := s.Locate(r.Context(), typed)
	if err != nil {
		return page, err
	}
	page.Compare = &compared{a, seal.Fingerprint(a.Root)}
	return page, nil
}

// addMember takes an invitation, or sends on to the comparison of a domain's
// words, or adds what was compared.
func (s *Service) addMember(r *http.Request) (string, error) {
	typed := r.PostForm.Get("who")
	if IsInvite(typed) {
		in, err := ParseInvite(typed)
		if err != nil {
			return "", err
		}
		_, err = s.Add(r.Context(), in.Address, in.Code)
		return membersPath, err
	}
	a, err := s.Locate(r.Context(), typed)
	if err != nil {
		return "", tryAgain(err)
	}
	six := r.PostForm.Get("words")
	if six == "" {
		return membersPath + "/add?" + url.Values{"who": {typed}}.Encode(), nil
	}
	// What answers now must still be what the two people compared.
	if six != seal.Fingerprint(a.Root) {
		return "", core.Conflict("trust.fingerprint_differs", errors.New("another key answers now"))
	}
	if r.PostForm.Get("same") == "" {
		return "", core.Invalid("trust.tick_same", errors.New("not compared"))
	}
	_, err = s.Add(r.Context(), a, "")
	return membersPath, err
}

// tryAgain lets a form be shown again where a node did not answer: the domain may
// be mistyped.
func tryAgain(err error) error {
	e, ok := errors.AsType[*core.Error](err)
	if !ok || e.Code != core.CodeUnsure && e.Code != core.CodeNotFound {
		return err
	}
	return &core.Error{Code: core.CodeInvalid, Key: e.Key, Args: e.Args, Err: e.Err}
}

// invitePage offers to make an invitation, or shows one.
type invitePage struct {
	Link        string
	Until       core.Moment
	Fingerprint string
}

// inviteLives is how long a link from the page is good.
const inviteLives = 72 * time.Hour

func (s *Service) makeInvite(r *http.Request) (invitePage, error) {
	in, err := s.Invite(r.Context(), inviteLives)
	return invitePage{in.String(), s.now().Add(inviteLives), seal.Fingerprint(in.Root)}, err
}

// attentionPanel is what of this room waits for a person.
type attentionPanel struct {
	Asking    []core.MemberID
	Proposals []PactView
}

func (s *Service) attention(r *http.Request) (attentionPanel, bool, error) {
	panel, err := s.waitsForUs(r.Context())
	return panel, len(panel.Asking)+len(panel.Proposals) > 0, err
}

func (s *Service) waitsForUs(ctx context.Context) (panel attentionPanel, err error) {
	list, err := members(ctx, s.DB)
	if err != nil {
		return panel, err
	}
	for _, m := range list {
		if m.Standing == Asked && !m.Refused {
			panel.Asking = append(panel.Asking, m.ID())
		}
	}
	held, err := s.Pacts(ctx)
	for _, h := range held {
		if v := h.View(s.self(), s.now(), nil); v.State == Proposed && !v.Ours {
			panel.Proposals = append(panel.Proposals, v)
		}
	}
	return panel, err
}
