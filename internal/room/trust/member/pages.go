package member

import (
	"embed"
	"errors"
	"net/http"
	"net/url"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/logbook"
	"entrechat/internal/kit/seal"
	"entrechat/internal/kit/web"
	"entrechat/internal/kit/words"
	"entrechat/internal/room/trust/task"
)

//go:embed pages
var pages embed.FS

// Path is where the page of members is.
const Path = "/admin/members"

// views are the pages about members.
type views struct {
	*Service
	site *web.Site
}

// Pages are the pages about members.
func (s *Service) Pages(site *web.Site) []web.Route {
	v := views{s, site}
	list := web.NewPage[listPage](site, pages, "pages/members.html")
	add := web.NewPage[addPage](site, pages, "pages/add.html")
	invite := web.NewPage[invitePage](site, pages, "pages/invite.html")
	return []web.Route{
		{Pattern: Path, Handler: list.Form(v.list, v.change)},
		{Pattern: Path + "/add", Handler: add.Form(v.askWho, v.add)},
		{Pattern: "GET " + Path + "/invite", Handler: invite.Show(func(*http.Request) (invitePage, error) { return invitePage{}, nil })},
		// Shown and not gone on to: the link stands in no address and no log.
		{Pattern: "POST " + Path + "/invite", Handler: invite.Show(v.makeInvite)},
	}
}

type listPage struct {
	Asking, Members []listed
}

// listed is a member as a page writes it.
type listed struct {
	View
	Key      string // words key of the standing
	LogKey   string
	Severity string // class of the logbook's state
	Tasks    []string
	CanVouch bool
	Company  string // who vouches for it
}

func (v views) list(r *http.Request) (listPage, error) {
	var page listPage
	list, err := v.List(r.Context())
	for _, m := range list {
		one := listedOf(v.site.Printer(r), m)
		if m.Standing == Asked && !m.Refused {
			page.Asking = append(page.Asking, one)
		} else {
			page.Members = append(page.Members, one)
		}
	}
	return page, err
}

func listedOf(p *words.Printer, v View) listed {
	one := listed{
		View: v, Key: "trust.standing." + string(v.Standing), LogKey: "trust.log." + string(v.Log),
		CanVouch: v.Standing == Added && !v.Refused, Company: Names(p, v.VouchedBy),
	}
	if v.Refused {
		one.Key = "trust.standing.refused"
	}
	switch v.Log {
	case logbook.Fresh:
		one.Severity = "fine"
	case logbook.Suspended:
		one.Severity = "trouble"
	case logbook.Unknown:
		one.Severity = "none"
	default:
		one.Severity = "warn"
	}
	for _, w := range v.Waiting {
		one.Tasks = append(one.Tasks, task.Words(p, w))
	}
	return one
}

// change does what a button beside a member says.
func (v views) change(r *http.Request) (string, error) {
	id, err := core.ParseMemberID(r.PostForm.Get("member"))
	if err != nil {
		return "", err
	}
	switch r.PostForm.Get("do") {
	case "vouch":
		err = v.Vouch(r.Context(), id)
	case "unvouch":
		err = v.Unvouch(r.Context(), id)
	case "refuse":
		err = v.Refuse(r.Context(), id, true)
	case "readmit":
		err = v.Refuse(r.Context(), id, false)
	default:
		err = core.Invalid("web.bad_form", errors.New("no such button"))
	}
	return Path, err
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

func (v views) askWho(r *http.Request) (addPage, error) {
	page := addPage{Who: web.Field{
		Name: "who", Label: "trust.add.who", Hint: "trust.add.who_hint", Required: true, Value: r.FormValue("who"),
	}}
	typed := r.URL.Query().Get("who")
	if typed == "" || r.Method == http.MethodPost {
		return page, nil
	}
	a, err := v.Locate(r.Context(), typed)
	if err != nil {
		return page, err
	}
	page.Compare = &compared{a, seal.Fingerprint(a.Root)}
	return page, nil
}

// add takes an invitation, or sends on to the comparison of a domain's
// words, or adds what was compared.
func (v views) add(r *http.Request) (string, error) {
	typed := r.PostForm.Get("who")
	if IsInvite(typed) {
		in, err := ParseInvite(typed)
		if err != nil {
			return "", err
		}
		_, err = v.Add(r.Context(), in.Address, in.Code)
		return Path, err
	}
	a, err := v.Locate(r.Context(), typed)
	if err != nil {
		return "", tryAgain(err)
	}
	six := r.PostForm.Get("words")
	if six == "" {
		return Path + "/add?" + url.Values{"who": {typed}}.Encode(), nil
	}
	// What answers now must still be what the two people compared.
	if six != seal.Fingerprint(a.Root) {
		return "", core.Conflict("trust.fingerprint_differs", errors.New("another key answers now"))
	}
	if r.PostForm.Get("same") == "" {
		return "", core.Invalid("trust.tick_same", errors.New("not compared"))
	}
	_, err = v.Add(r.Context(), a, "")
	return Path, err
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

func (v views) makeInvite(r *http.Request) (invitePage, error) {
	in, err := v.Invite(r.Context(), inviteLives)
	return invitePage{in.String(), v.now().Add(inviteLives), seal.Fingerprint(in.Root)}, err
}
