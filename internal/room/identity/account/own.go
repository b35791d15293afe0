package account

import (
	"context"
	"errors"
	"net/http"
	"net/url"

	"entrechat/internal/core"
	"entrechat/internal/room/identity/person"
)

// need is what a page asks of who opens it.
type need int

const (
	signedIn need = iota // be signed in
	local                // ... with an account of ours: a visitor's keys are at home
	fresh                // ... and have proved it within ten minutes
)

type ownKey struct{}

// of is who a request is of, below guard.
func of(r *http.Request) own {
	me, _ := r.Context().Value(ownKey{}).(own)
	return me
}

// guard shows a page to who may see it. Others are sent to sign in, and come back.
func (v views) guard(next http.Handler, needs need) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		find := v.n.Sessions.Signed
		if needs == fresh {
			find = v.n.Sessions.Fresh
		}
		found, err := find(r)
		if core.CodeOf(err) == core.CodeDenied && (r.Method == http.MethodGet || r.Method == http.MethodHead) {
			http.Redirect(w, r, "/sign-in?"+url.Values{"next": {here(r)}}.Encode(), http.StatusSeeOther)
			return
		}
		var me own
		if err == nil {
			me.session = found
			me.Person, err = v.n.People.Get(r.Context(), found.Person)
		}
		if err == nil && needs != signedIn && me.Kind != person.Local {
			err = core.NotFound("identity.account.at_home", errors.New("a visitor"))
		}
		if err == nil && needs == fresh {
			err = v.strong(r.Context(), me)
		}
		if err != nil {
			v.site.Fail(w, r, err)
			return
		}
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), ownKey{}, me)))
	})
}

// strong refuses an admin who has more than a password and showed the password alone: who knows
// it could take the passkey away, and administer. Returns CodeDenied "identity.account.second".
func (v views) strong(ctx context.Context, me own) error {
	if !me.Is(person.Admin) || me.session.Strong() {
		return nil
	}
	ways, err := v.n.Keys.List(ctx, me.ID)
	if err == nil && ways.More() {
		err = core.Denied("identity.account.second", errors.New("a password alone, and there is more")).With("Handle", me.Handle)
	}
	return err
}

// here is the page of a request, without the language: that is kept by a cookie.
func here(r *http.Request) string {
	query := r.URL.Query()
	query.Del("lang")
	at := url.URL{Path: r.URL.Path, RawQuery: query.Encode()}
	return at.RequestURI()
}
