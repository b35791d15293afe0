package duty

import (
	"embed"
	"errors"
	"net/http"
	"strings"

	"entrechat/internal/core"
	"entrechat/internal/kit/web"
)

//go:embed pages/*.html
var pages embed.FS

var errTick = errors.New("the box is not ticked")

// Where the admins' pages are.
const (
	Path       = "/admin/custody/duties"
	signPath   = Path + "/sign"
	limitsPath = "/admin/custody/limits"
)

type views struct {
	*Service
	site *web.Site
	// account is the handle of the admin who is signed in with an account; empty for who
	// came by a link of the command line.
	account func(r *http.Request) (string, error)
}

// Pages are the admins' pages about duties and limits. account is the handle of the admin
// who is signed in with an account; empty for who came by a link of the command line.
func (s *Service) Pages(site *web.Site, account func(r *http.Request) (string, error)) web.Pages {
	v := views{s, site, account}
	all := web.NewPage[listPage](site, pages, "pages/list.html")
	sign := web.NewPage[signPage](site, pages, "pages/sign.html")
	limits := web.NewPage[limitsPageData](site, pages, "pages/limits.html")
	return web.Pages{
		Routes: []web.Route{
			{Pattern: "GET " + Path, Handler: web.NoStore(all.Show(v.list))},
			{Pattern: signPath, Handler: web.NoStore(sign.Form(v.askSign, v.sign))},
			{Pattern: limitsPath, Handler: web.NoStore(limits.Form(v.limits, v.readLimits))},
		},
		Menu: []web.Entry{
			{Path: Path, Key: "custody.duty.menu", Group: web.GroupCustody, Order: 60},
			{Path: limitsPath, Key: "custody.duty.limits_menu", Group: web.GroupCustody, Order: 65},
		},
	}
}

// shown is how it stands with a person, as a page writes it.
type shown struct {
	Stand
	Severity web.Severity
	StateKey string
	WayKey   string // empty = there is none
	Mine     bool   // it is who is signed in
}

type listPage struct {
	People        []shown
	Signed, Total int
	Mine          bool // who is signed in may sign now
}

func severity(s State) web.Severity {
	switch s {
	case Signed:
		return web.Fine
	case Due, Outdated:
		return web.Warn
	case Ended, Unsigned, NoCard:
		return web.Trouble
	}
	return web.None
}

func (v views) list(r *http.Request) (page listPage, err error) {
	all, err := v.List(r.Context())
	if err != nil {
		return page, err
	}
	me, err := v.me(r)
	for _, one := range all {
		s := shown{Stand: one, Severity: severity(one.State), StateKey: "custody.duty.state_" + string(one.State), Mine: me != nil && me.ID == one.Person}
		if one.Way != "" {
			s.WayKey = "custody.duty.way_" + string(one.Way)
		}
		if one.State.Counts() {
			page.Signed++
		}
		page.People = append(page.People, s)
	}
	page.Total, page.Mine = len(all), me != nil
	return page, err
}

// me is the card of who is signed in; nil = none.
func (v views) me(r *http.Request) (*Person, error) {
	handle, err := v.account(r)
	if err != nil || handle == "" {
		return nil, err
	}
	who, err := v.Of(r.Context(), handle)
	if core.CodeOf(err) == core.CodeNotFound {
		return nil, nil //nolint:nilnil // nobody is an answer
	}
	return &who, err
}

type signPage struct {
	Me     *Person
	Points []string // words keys
}

func (v views) askSign(r *http.Request) (page signPage, err error) {
	page.Points = points()
	page.Me, err = v.me(r)
	return page, err
}

func (v views) sign(r *http.Request) (string, error) {
	if r.PostForm.Get("known") != "yes" {
		return "", core.Invalid("custody.duty.not_ticked", errTick)
	}
	handle, err := v.account(r)
	if err != nil {
		return "", err
	}
	_, err = v.SignAccount(r.Context(), handle, v.site.Printer(r).Lang)
	return Path, err
}

// shownLimits is one pact's limits as a page writes them.
type shownLimits struct {
	Standing
	Hash     string
	Lines    []string
	Severity web.Severity
	StateKey string
}

type limitsPageData struct{ Pacts []shownLimits }

func (v views) limits(r *http.Request) (page limitsPageData, err error) {
	all, err := v.Limits(r.Context())
	for _, one := range all {
		s := shownLimits{Standing: one, Hash: hashOf(one.Theirs), Severity: web.Fine, StateKey: "custody.duty.limits_state_read"}
		if one.Theirs != "" {
			s.Lines = strings.Split(one.Theirs, "\n")
		}
		switch {
		case one.Theirs == "":
			s.Severity, s.StateKey = web.None, "custody.duty.limits_state_silent"
		case one.Read == 0:
			s.Severity, s.StateKey = web.Warn, "custody.duty.limits_state_unread"
		}
		page.Pacts = append(page.Pacts, s)
	}
	return page, err
}

func (v views) readLimits(r *http.Request) (string, error) {
	return limitsPath, v.Read(r.Context(), r.PostForm.Get("pact"), r.PostForm.Get("hash"))
}
