package need

import (
	"errors"
	"net/http"
	"slices"
	"strconv"

	"entrechat/internal/core"
	"entrechat/internal/kit/web"
)

// pageFrom reads where a page of a list begins.
func pageFrom(text string) (int, error) {
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 || n > 1_000_000 {
		return 0, core.NotFound("assembly.need.unknown", errors.New("no such page"))
	}
	return n, nil
}

func nextPage(from int) string { return Path + "?from=" + strconv.Itoa(from+perPage) }

// minePage is a need as its author reads it.
type minePage struct {
	Need
	Link    string // the page's own address
	Shown   shown
	Changed bool // other words are published than were typed
	Asked   bool // an address waits to be confirmed
	Address web.Field
	CanMail bool
	To      core.MemberID // whom it can be passed on to; empty = nobody
	Passed  []passed
}

func (v views) mine(r *http.Request) (page minePage, err error) {
	n, err := v.ByToken(r.Context(), r.PathValue("token"))
	if err != nil {
		return page, err
	}
	page = minePage{Need: n, Link: v.n.URL + pathMine + r.PathValue("token"), Asked: n.HasAddress && n.Confirmed == 0}
	if n.MergedInto != "" {
		// The answers are those of what it was merged into.
		into, err := v.Get(r.Context(), n.MergedInto)
		if err != nil {
			return page, err
		}
		n.Answers = append(n.Answers, into.Answers...)
		n.Voices = into.Voices
	}
	page.Shown = v.shown(v.site.Printer(r), n)
	page.CanMail = v.CanMail() && !n.HasAddress && n.Standing != Refused
	page.Address = web.Field{Name: "address", Label: "assembly.need.address", Hint: "assembly.need.address_hint", Kind: "email", Complete: "email", Required: true, Value: r.PostFormValue("address")}
	if page.Passed, err = v.x.passedOn(r.Context(), page.ID); err != nil {
		return page, err
	}
	to, ok := passesTo(page.Need)
	if ok && to != v.n.Self && !slices.ContainsFunc(page.Passed, func(p passed) bool { return p.Member == to && p.Link != "" }) {
		page.To = to
	}
	page.Changed = n.Standing == Published && (n.ShownGoal != n.Goal || n.ShownObstacle != n.Obstacle)
	return page, nil
}

func (v views) mineDo(r *http.Request) (string, error) {
	n, err := v.ByToken(r.Context(), r.PathValue("token"))
	if err != nil {
		return "", err
	}
	here := pathMine + r.PathValue("token")
	switch r.PostForm.Get("do") {
	case "withdraw":
		return Path, v.Withdraw(r.Context(), n.ID)
	case "pass":
		_, err := v.x.Pass(r.Context(), n.ID)
		return here, err
	case "address":
		return here, v.GiveAddress(r.Context(), n.ID, r.PathValue("token"), r.PostForm.Get("address"), network(r))
	case "forget":
		return here, v.ForgetAddress(r.Context(), n.ID)
	}
	return "", core.Invalid("web.bad_form", errors.New("no such button"))
}

// alsoPage is where one says "me too".
type alsoPage struct {
	Goal    string
	Signed  bool
	Too     bool // said already
	CanMail bool
	Asked   bool // a mail is on its way
	Address web.Field
}

func (v views) also(r *http.Request) (page alsoPage, err error) {
	n, err := open(r.Context(), v.n.DB, r.PathValue("id"))
	if err != nil {
		return page, err
	}
	account, signed, err := v.account(r)
	if err != nil {
		return page, err
	}
	page = alsoPage{Goal: n.ShownGoal, Signed: signed, CanMail: v.CanMail(), Asked: r.URL.Query().Get("asked") != ""}
	page.Address = web.Field{Name: "address", Label: "assembly.need.also_address", Hint: "assembly.need.also_hint", Kind: "email", Complete: "email", Required: true, Value: r.PostFormValue("address")}
	if signed {
		said, err := v.SaidAlso(r.Context(), []string{n.ID}, account)
		page.Too = said[n.ID]
		return page, err
	}
	return page, nil
}

func (v views) alsoDo(r *http.Request) (string, error) {
	account, signed, err := v.account(r)
	if err != nil {
		return "", err
	}
	id := r.PathValue("id")
	if signed {
		return Path + "#need-" + id, v.AlsoAccount(r.Context(), id, account)
	}
	return Path + "/also/" + id + "?asked=1", v.AskAlso(r.Context(), id, r.PostForm.Get("address"), v.site.Printer(r).Lang, network(r))
}

// confirmPage is where a mailed link leads: a question with one button, then what it did.
type confirmPage struct {
	Voice bool // "me too"; otherwise an address
	Goal  string
	Done  bool
}

func (v views) confirm(r *http.Request) (page confirmPage, err error) {
	c, err := v.keys.readClaim(r.PathValue("claim"), r.PathValue("sig"), v.n.Now())
	if err != nil {
		return page, err
	}
	if c.kind == claimVoice {
		n, err := open(r.Context(), v.n.DB, c.need)
		return confirmPage{Voice: true, Goal: n.ShownGoal}, err
	}
	n, err := get(r.Context(), v.n.DB, c.need)
	return confirmPage{Goal: n.Goal}, err
}

func (v views) confirmed(r *http.Request) (page confirmPage, err error) {
	if page, err = v.confirm(r); err != nil {
		return page, err
	}
	page.Done = true
	return page, v.Confirm(r.Context(), r.PathValue("claim"), r.PathValue("sig"))
}
