package farewell

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"entrechat/internal/core"
	"entrechat/internal/kit/static"
	"entrechat/internal/kit/web"
	"entrechat/internal/kit/wire"
	"entrechat/internal/room/succession/closing/choice"
	"entrechat/internal/room/succession/closing/stage"
)

const (
	slipPath   = "/succession/choice/slip/"
	leavesPath = "/succession/choices/"
)

// choicePage is what a person chooses for each service of ours that ends.
type choicePage struct{ Services []choosing }

// choosing is one of them.
type choosing struct {
	ID, Service, Name string
	Day               core.Moment
	Open              bool // it can be chosen still
	Mine              string
	Options           []option
	Slip              *choice.Slip // how it was counted last; nil = it was not yet
	Counted           string       // in words
	SlipPath          string
	LeavesPath        string
}

type option struct{ Value, Label, Hint string }

// choiceRoutes are for people of ours who are signed in; the list of all choices, which says of none
// whose it is, is for everybody.
func (v views) choiceRoutes() []web.Route {
	page := web.NewPage[choicePage](v.site, pages, "pages/choice.html")
	form := v.guard(web.NoStore(page.Form(v.choices, v.choose)))
	return []web.Route{
		{Pattern: "GET " + ChoicePath, Handler: form},
		{Pattern: "POST " + ChoicePath, Handler: form},
		{Pattern: "GET " + slipPath + "{service}", Handler: v.guard(http.HandlerFunc(v.slip))},
		{Pattern: "GET " + leavesPath + "{service}", Handler: http.HandlerFunc(v.leaves)},
	}
}

type personKey struct{}

// guard lets who is signed in through; others are sent to sign in, and come back.
func (v views) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		accounts, ok := v.Accounts()
		if !ok {
			v.site.Fail(w, r, core.NotFound("succession.choice.no_accounts", errors.New("nobody has an account here")))
			return
		}
		id, ok, err := accounts.SignedIn(r)
		switch {
		case err != nil:
			v.site.Fail(w, r, err)
		case !ok && r.Method == http.MethodPost:
			v.site.Fail(w, r, core.Denied("succession.choice.signed_out", errors.New("not signed in")))
		case !ok:
			http.Redirect(w, r, "/sign-in?"+url.Values{"next": {r.URL.RequestURI()}}.Encode(), http.StatusSeeOther)
		default:
			next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), personKey{}, id)))
		}
	})
}

func person(r *http.Request) string {
	id, _ := r.Context().Value(personKey{}).(string)
	return id
}

func (v views) choices(r *http.Request) (page choicePage, err error) {
	ctx, p := r.Context(), v.site.Printer(r)
	all, err := v.Closings.Of(ctx, v.Self)
	for _, st := range all {
		if err != nil {
			return page, err
		}
		if !st.Open() {
			continue
		}
		c := choosing{ID: "choose-" + st.Service, Service: st.Service, Name: nameOf(p, st.Service), Day: st.LastDay.Start(), Open: v.open(st), SlipPath: slipPath + st.Service, LeavesPath: leavesPath + st.Service}
		mine, err := v.Closings.Choices.Of(ctx, st.Service, person(r))
		if err != nil {
			return page, err
		}
		if mine != "" {
			c.Mine = p.T("succession.choice.is_"+mine, nil)
		}
		slip, err := v.Closings.Choices.SlipOf(ctx, v.Self, st.Service, person(r))
		switch core.CodeOf(err) {
		case "":
			c.Slip, c.Counted = &slip, p.T("succession.choice.is_"+slip.Leaf.Choice, nil)
		case core.CodeNotFound:
		default:
			return page, err
		}
		for _, one := range choice.All() {
			c.Options = append(c.Options, option{one, p.T("succession.choice.can_"+one, nil), p.T("succession.choice.can_"+one+"_hint", nil)})
		}
		page.Services = append(page.Services, c)
	}
	return page, err
}

// open says whether people may still choose: to the end of the last day, and not once it is
// read-only.
func (v views) open(st stage.Standing) bool {
	return st.Open() && !st.Late()
}

func (v views) choose(r *http.Request) (string, error) {
	service := r.PostForm.Get("service")
	st, err := v.Closings.One(r.Context(), v.Self, service)
	if err != nil {
		return "", err
	}
	if !v.open(st) {
		return "", core.Conflict("succession.choice.too_late", errors.New("it cannot be chosen any more"))
	}
	return ChoicePath + "#choose-" + service, v.Closings.Choices.Set(r.Context(), service, person(r), r.PostForm.Get("choice"))
}

// slip is what a person takes home.
func (v views) slip(w http.ResponseWriter, r *http.Request) {
	slip, err := v.Closings.Choices.SlipOf(r.Context(), v.Self, r.PathValue("service"), person(r))
	var text []byte
	if err == nil {
		text, err = wire.Encode(slip)
	}
	if err != nil {
		v.site.Fail(w, r, err)
		return
	}
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Type", "application/json")
	h.Set("Content-Disposition", `attachment; filename="choice-`+slip.Service+`.json"`)
	_, _ = w.Write(append(text, '\n')) //nolint:gosec // JSON to be saved, of our own
}

// leaves lists all choices as they were counted last, a line each, so that anybody can count.
func (v views) leaves(w http.ResponseWriter, r *http.Request) {
	w.Header().Del("Set-Cookie")
	service := r.PathValue("service")
	t, err := v.Closings.Choices.Tree(r.Context(), service)
	if err == nil && len(t.Leaves) == 0 {
		err = core.NotFound("succession.choice.no_count", errors.New("not counted")).With("Member", string(v.Self)).With("Service", service)
	}
	if err != nil {
		v.site.Fail(w, r, err)
		return
	}
	var b strings.Builder
	for _, l := range t.Leaves {
		b.WriteString(l.Salt + " " + l.Choice + "\n")
	}
	w.Header().Set("Access-Control-Allow-Origin", "*")
	static.Serve(w, r, "text/plain; charset=utf-8", "public, max-age=60", []byte(b.String()))
}
