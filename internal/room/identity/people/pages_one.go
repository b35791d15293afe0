package people

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"entrechat/internal/core"
	"entrechat/internal/kit/web"
	"entrechat/internal/room/identity/person"
)

// onePage is one account, with what may be done to it.
type onePage struct {
	shown
	Organisations string
	Choice        string // for the day the hoster closes
	Drawn         *drawn
	Admin, Mod    bool
}

func (v views) one(r *http.Request) (page onePage, err error) {
	p, err := v.People.Get(r.Context(), person.ID(r.PathValue("id")))
	if err != nil {
		return page, err
	}
	return v.page(r, p)
}

func (v views) page(r *http.Request, p person.Person) (page onePage, err error) {
	if page.shown, err = v.show(r, p); err != nil {
		return page, err
	}
	groups, err := v.Organisations.Groups(r.Context(), p.ID)
	page.Organisations = strings.Join(groups, ", ")
	page.Choice = v.site.Printer(r).T("identity.people.choice_"+string(p.Choice), nil)
	page.Admin, page.Mod = slices.Contains(p.Roles, person.Admin), slices.Contains(p.Roles, person.Moderator)
	return page, err
}

// whom is who acts, and on whose account.
func (v views) whom(r *http.Request) (by, on person.Person, err error) {
	if by, err = v.needs.By(r); err == nil {
		on, err = v.People.Get(r.Context(), person.ID(r.PathValue("id")))
	}
	return by, on, err
}

// act does what a button says, and shows what came of it.
func (v views) act(r *http.Request) (page onePage, err error) {
	by, p, err := v.whom(r)
	if err != nil {
		return page, err
	}
	link := ""
	switch r.PostForm.Get("do") {
	case "admit":
		p, err = v.Admit(r.Context(), by, p.ID)
	case "suspend":
		p, err = v.Suspend(r.Context(), by, p.ID)
	case "resume":
		p, err = v.Resume(r.Context(), by, p.ID)
	case "link":
		link, err = v.Link(r.Context(), by, p.ID)
	default:
		err = core.Invalid("web.bad_form", errButton)
	}
	if err != nil {
		return page, err
	}
	page, err = v.page(r, p)
	if link != "" {
		page.Drawn = &drawn{p.Handle, link}
	}
	return page, err
}

// setRoles gives the roles that are ticked, and takes away those that are not.
func (v views) setRoles(r *http.Request) (string, error) {
	by, p, err := v.whom(r)
	if err != nil {
		return "", err
	}
	for _, role := range []person.Role{person.Admin, person.Moderator} {
		has := r.PostForm.Get(string(role)) == "yes"
		if has == slices.Contains(p.Roles, role) {
			continue
		}
		if _, err := v.SetRole(r.Context(), by, p.ID, role, has); err != nil {
			return "", err
		}
	}
	return Path + "/" + string(p.ID), nil
}

// closePage asks whether somebody is refused, or their account is closed.
type closePage struct {
	shown
	Refuse bool
	Typed  web.Field
}

func (v views) askClose(r *http.Request) (page closePage, err error) {
	p, err := v.People.Get(r.Context(), person.ID(r.PathValue("id")))
	if err != nil {
		return page, err
	}
	page.Refuse = p.Status == person.Waiting
	page.Typed = web.Field{Name: "handle", Label: "identity.people.ask_typed", Required: true}
	page.shown, err = v.show(r, p)
	return page, err
}

// close refuses who waits, or closes the account whose handle was typed.
func (v views) close(r *http.Request) (string, error) {
	by, p, err := v.whom(r)
	if err != nil {
		return "", err
	}
	if p.Status == person.Waiting && r.PostForm.Get("do") == "refuse" {
		_, err := v.Refuse(r.Context(), by, p.ID)
		return Path, err
	}
	if strings.TrimSpace(r.PostForm.Get("handle")) != p.Handle {
		return "", core.Invalid("identity.people.close_typed", errors.New("another handle"))
	}
	_, err = v.Close(r.Context(), by, p.ID)
	return Path, err
}
