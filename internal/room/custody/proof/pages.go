package proof

import (
	"embed"
	"errors"
	"net/http"
	"strconv"

	"entrechat/internal/core"
	"entrechat/internal/kit/web"
	"entrechat/internal/room/custody/deal"
	"entrechat/internal/room/custody/share"
)

//go:embed pages/*.html
var pages embed.FS

// Path is where our own admins see which secrets several people can open.
const Path = "/admin/custody"

// views are the pages, for our own admins alone.
type views struct {
	*Proofs
	site *web.Site
}

// Pages are what is dealt and held, and where a person takes a share.
func (p *Proofs) Pages(site *web.Site) web.Pages {
	v := views{p, site}
	all := web.NewPage[dealsPage](site, pages, "pages/deals.html")
	one := web.NewPage[sharePage](site, pages, "pages/share.html")
	have := web.NewPage[sharePage](site, pages, "pages/have.html")
	return web.Pages{
		Routes: []web.Route{
			{Pattern: "GET " + Path, Handler: all.Show(v.deals)},
			{Pattern: Path + "/share/{deal}/{number}", Handler: web.NoStore(one.Reveal(v.ask, v.reveal))},
			{Pattern: Path + "/have/{deal}/{number}", Handler: web.NoStore(have.Form(v.ask, v.have))},
		},
		Menu: []web.Entry{{Path: Path, Key: "custody.proof.menu", Group: web.GroupCustody, Order: 10}},
	}
}

type dealsPage struct {
	Deals []dealRow
	Held  []heldRow
}

// dealRow is a deal of ours that goes on.
type dealRow struct {
	ID       share.ID
	Scope    string
	Severity web.Severity
	State    string // words key
	Says     string // words key
	Args     map[string]any
	Sealed   core.Moment
	Shares   []shareRow
}

type shareRow struct {
	Number   int64
	Name     string
	Severity web.Severity
	Says     string // words key
	Args     map[string]any
	Last     core.Moment
	Fetch    bool // a person has still to take it
}

type heldRow struct {
	Owner    core.MemberID
	Scope    string
	Severity web.Severity
	Says     string // words key
	Args     map[string]any
	Since    core.Moment
}

func (v views) deals(r *http.Request) (page dealsPage, err error) {
	list, err := v.Views(r.Context())
	if err != nil {
		return page, err
	}
	for _, d := range list {
		page.Deals = append(page.Deals, rowOf(d))
	}
	held, err := v.Keeper.Views(r.Context())
	for _, h := range held {
		row := heldRow{Owner: h.Owner, Scope: string(h.Scope), Severity: web.Fine, Says: "custody.deal.share_good", Since: h.Received}
		if !h.Good {
			row.Severity, row.Says = web.Trouble, "custody.deal.share_bad"
		}
		if h.State == deal.Superseded || h.State == deal.Burnt {
			row.Severity, row.Says = web.None, "custody.deal.state_"+string(h.State)
		}
		page.Held = append(page.Held, row)
	}
	return page, err
}

func rowOf(d View) dealRow {
	row := dealRow{
		ID: d.ID, Scope: string(d.Scope), Severity: web.Fine, State: "custody.deal.state_" + string(d.State), Says: "custody.proof.page_enough",
		Args: map[string]any{"Good": d.Good, "K": d.K, "N": d.N}, Sealed: d.Sealed,
	}
	switch {
	case d.State == deal.Pending:
		row.Severity, row.Says = web.Warn, "custody.proof.page_pending"
	case !d.Enough():
		row.Severity, row.Says = web.Trouble, "custody.proof.page_too_few"
	case d.Late():
		row.Severity = web.Warn
	}
	for _, s := range d.Shares {
		row.Shares = append(row.Shares, shareRow{
			Number: s.Number, Name: s.Name(), Severity: severityOf(s.Standing), Says: "custody.proof.standing_" + string(s.Standing), Last: s.Last,
			Fetch: s.Member == "" && s.Acked == 0,
		})
	}
	return row
}

func severityOf(s Standing) web.Severity {
	switch s {
	case Proved:
		return web.Fine
	case Waiting, Late:
		return web.Warn
	case Missing, Wrong, Gone:
	}
	return web.Trouble
}

// sharePage is one share that a person is to keep.
type sharePage struct {
	Deal   share.ID
	Number int64
	Scope  string
	K, N   int64
	Paper  bool   // it is in the clear: whoever made the deal prints it
	Text   string // the share, once it was asked for: an armoured age file
	Six    web.Field
}

func (v views) ask(r *http.Request) (page sharePage, err error) {
	id, number, err := where(r)
	if err != nil {
		return page, err
	}
	own, err := v.Deals.Deal(r.Context(), id)
	if err != nil {
		return page, err
	}
	h, ok := own.Holder(number)
	if !ok || h.Person == "" {
		return page, core.NotFound("custody.deal.no_share", errors.New("no person's"))
	}
	shown, err := v.Deals.View(r.Context(), id)
	if err != nil {
		return page, err
	}
	return sharePage{
		Paper: shown.Holders[number-1].Paper(), Deal: id, Number: number, Scope: string(own.Scope), K: own.K, N: own.N,
		Six: web.Field{Name: "six", Label: "custody.proof.six", Hint: "custody.proof.six_hint", Required: true},
	}, nil
}

// where is the share that an address names.
func where(r *http.Request) (share.ID, int64, error) {
	id, err := share.ParseID(r.PathValue("deal"))
	if err != nil {
		return "", 0, core.NotFound("custody.deal.unknown", err)
	}
	number, err := strconv.ParseInt(r.PathValue("number"), 10, 64)
	if err != nil {
		return "", 0, core.NotFound("custody.deal.no_share", err)
	}
	return id, number, nil
}

// reveal shows the share: again and again, until the person has it. A GET shows nothing.
func (v views) reveal(r *http.Request) (page sharePage, err error) {
	if page, err = v.ask(r); err != nil {
		return page, err
	}
	f, err := v.Deals.Fetch(r.Context(), page.Deal, page.Number)
	if err == nil {
		page.Text, err = f.Text()
	}
	return page, err
}

func (v views) have(r *http.Request) (string, error) {
	id, number, err := where(r)
	if err != nil {
		return "", err
	}
	return Path, v.Deals.Acknowledge(r.Context(), id, number, r.PostForm.Get("six"))
}
