package site

import (
	"errors"
	"net/http"

	"entrechat/internal/core"
	"entrechat/internal/kit/web"
	"entrechat/internal/room/succession/rescue/letin"
	"entrechat/internal/room/succession/rescue/record"
)

// frontPage is how an owner's services stand, and the way in.
type frontPage struct {
	Owner    core.MemberID
	Self     core.MemberID
	Services []service
	Open     bool // there is something to come in for
	Back     bool // the owner is heard again: nobody new comes in
	Signed   bool
	Account  bool // the account that is signed in is known
	CanMail  bool
	Mail     web.Field
	Public   []item
}

func (v views) front(r *http.Request) (page frontPage, err error) {
	owner, all, err := v.owner(r)
	if err != nil {
		return page, err
	}
	p := v.site.Printer(r)
	page = frontPage{Owner: owner, Self: v.Self, Back: v.Back(r.Context(), owner) != nil, CanMail: v.Doors.CanMail()}
	for _, one := range all {
		if one.State == record.Restoring {
			continue
		}
		s := v.service(p, one, page.Back)
		page.Services, page.Open = append(page.Services, s), page.Open || s.Shown
	}
	if _, page.Signed, err = v.Doors.Guest(r, owner); err != nil {
		return page, err
	}
	if !page.Signed && page.Open {
		if _, page.Account, err = v.byAccount(r, owner); err != nil {
			return page, err
		}
	}
	page.Mail = web.Field{Name: "mail", Label: "succession.rescue.mail", Hint: "succession.rescue.mail_hint", Kind: "email", Complete: "email", Required: true, Value: r.PostForm.Get("mail")}
	items, err := v.Records.Mine(r.Context(), owner, "")
	for _, it := range items {
		page.Public = append(page.Public, v.item(p, owner, it))
	}
	return page, err
}

// ask has a link mailed, or signs the account in. What it answers to an address is always alike.
func (v views) ask(w http.ResponseWriter, r *http.Request) (string, error) {
	owner, _, err := v.owner(r)
	if err == nil {
		err = v.Back(r.Context(), owner)
	}
	if err != nil {
		return "", err
	}
	if r.PostForm.Get("do") == "account" {
		g, ok, err := v.byAccount(r, owner)
		if err == nil && !ok {
			err = core.Denied("succession.rescue.sign_in", errors.New("not known"))
		}
		if err == nil {
			err = v.enters(w, r, g)
		}
		return below(owner, "mine"), err
	}
	return below(owner, "sent"), v.Doors.Ask(owner, r.PostForm.Get("mail"), v.site.Printer(r).Lang, network(r))
}

func (v views) enters(w http.ResponseWriter, r *http.Request, g letin.Guest) error {
	err := v.Doors.SignIn(w, r, g)
	if err == nil {
		err = v.Records.Visited(r.Context(), g.Owner, g.Who)
	}
	v.counted(r, g.Owner, "sign_in")
	return err
}

// sentPage is what everybody reads who typed an address.
type sentPage struct{ Owner core.MemberID }

func (v views) sent(r *http.Request) (page sentPage, err error) {
	page.Owner, _, err = v.owner(r)
	return page, err
}

// inPage asks whoever followed a link to press a button: scanners of mails press none.
type inPage struct {
	Code  string
	Owner core.MemberID
}

func (v views) in(r *http.Request) (page inPage, err error) {
	page.Code = r.FormValue("code")
	page.Owner, err = v.Doors.Whose(r.Context(), page.Code)
	return page, err
}

func (v views) enter(w http.ResponseWriter, r *http.Request) (string, error) {
	code := r.PostForm.Get("code")
	owner, err := v.Doors.Whose(r.Context(), code)
	if err == nil {
		err = v.Back(r.Context(), owner)
	}
	if err != nil {
		return "", err
	}
	g, err := v.Doors.Enter(w, r, code)
	if err == nil {
		err = v.Records.Visited(r.Context(), g.Owner, g.Who)
		v.counted(r, owner, "sign_in")
	}
	return below(owner, "mine"), err
}

func (v views) out(w http.ResponseWriter, r *http.Request) {
	owner, _, err := v.owner(r)
	if err == nil {
		err = v.Doors.Leave(w, r)
	}
	if err != nil {
		v.site.Fail(w, r, err)
		return
	}
	http.Redirect(w, r, below(owner), http.StatusSeeOther) //nolint:gosec // below a path of ours
}

// passwordPage is where a password for programs is made, and shown once.
type passwordPage struct {
	Owner    core.MemberID
	Password string // empty = none was made now
	Address  string // of WebDAV
	User     string // whom IMAP knows; empty = there is no mailbox
}

func (v views) passwordPage(r *http.Request) (page passwordPage, err error) {
	owner, _, err := v.owner(r)
	if err != nil {
		return page, err
	}
	g, err := v.guest(r, owner)
	if err != nil {
		return page, err
	}
	page = passwordPage{Owner: owner, Address: v.site.URL + below(owner, "dav") + "/"}
	items, err := v.Records.Mine(r.Context(), owner, g.Who)
	for _, it := range items {
		if it.Kind == "maildir" {
			page.User = it.User
		}
	}
	return page, err
}

func (v views) newPassword(r *http.Request) (page passwordPage, err error) {
	if page, err = v.passwordPage(r); err != nil {
		return page, err
	}
	g, err := v.guest(r, page.Owner)
	if err == nil {
		page.Password, err = v.Doors.Password(r.Context(), g)
	}
	if err == nil {
		err = v.Changed(r.Context(), page.Owner)
	}
	return page, err
}

// erasePage is where somebody has what is theirs erased.
type erasePage struct {
	Owner   core.MemberID
	Items   int
	Sure    web.Field
	Receipt string // empty = nothing was erased now
	Files   int64
}

func (v views) erasePage(r *http.Request) (page erasePage, err error) {
	owner, _, err := v.owner(r)
	if err != nil {
		return page, err
	}
	g, err := v.guest(r, owner)
	if err != nil {
		return page, err
	}
	items, err := v.Records.Mine(r.Context(), owner, g.Who)
	return erasePage{Owner: owner, Items: len(items), Sure: web.Field{Name: "sure", Label: "succession.rescue.erase_sure", Hint: "succession.rescue.erase_sure_hint", Required: true}}, err
}

func (v views) erase(r *http.Request) (page erasePage, err error) {
	if page, err = v.erasePage(r); err != nil {
		return page, err
	}
	if r.PostForm.Get("sure") != v.site.Printer(r).T("succession.rescue.erase_word", nil) {
		return page, core.Invalid("succession.rescue.erase_not_sure", errors.New("the word was not typed"))
	}
	g, err := v.guest(r, page.Owner)
	if err != nil {
		return page, err
	}
	gone, err := v.Records.Erase(r.Context(), page.Owner, g.Who)
	if err == nil {
		err = v.Doors.End(r.Context(), page.Owner, g.Who)
	}
	if err == nil {
		err = v.Changed(r.Context(), page.Owner)
	}
	if err != nil {
		return page, err
	}
	v.counted(r, page.Owner, "erased")
	page.Files = gone.Files
	page.Receipt, err = v.Receipt(page.Owner, gone)
	return page, err
}
