package account

import (
	"context"
	"errors"
	"net/http"
	"strconv"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/web"
	"entrechat/internal/room/identity/audit"
	"entrechat/internal/room/identity/session"
)

// historyPage is how many events one page shows.
const historyPage = 50

// sessionRoutes are about where a person is signed in, and was.
func (v views) sessionRoutes(add func(pattern string, needs need, h http.Handler)) {
	list := web.NewPage[sessionsPage](v.site, pages, "pages/sessions.html")
	past := web.NewPage[pastPage](v.site, pages, "pages/history.html")
	add(pathSessions, signedIn, list.Form(v.sessions, v.endSession))
	add("GET "+pathSessions+"/history", signedIn, past.Show(v.history))
}

type sessionsPage struct {
	Here  string // the id of the session of this browser
	List  []session.Session
	Other bool // there is another one
}

func (v views) sessions(r *http.Request) (page sessionsPage, err error) {
	me := of(r)
	page.Here = me.session.ID
	page.List, err = v.n.Sessions.List(r.Context(), me.ID)
	page.Other = len(page.List) > 1
	return page, err
}

// endSession ends one session, or all but this one.
func (v views) endSession(r *http.Request) (string, error) {
	me := of(r)
	switch r.PostForm.Get("do") {
	case "end":
		return pathSessions, v.n.Sessions.End(r.Context(), me.ID, r.PostForm.Get("session"), func(ctx context.Context, q db.Querier, ended session.Session) error {
			return v.noteIn(ctx, q, r, audit.Event{Person: me.ID, Kind: audit.SessionEnded, About: ended.ID})
		})
	case "all":
		return pathSessions, v.endOthers(r, me)
	default:
		return "", core.Invalid("web.bad_form", errors.New("no such button"))
	}
}

func (v views) endOthers(r *http.Request, me own) error {
	return v.n.DB.Tx(r.Context(), func(ctx context.Context, q db.Querier) error {
		if _, err := v.n.Sessions.EndAll(ctx, q, me.ID, me.session.ID); err != nil {
			return err
		}
		return v.noteIn(ctx, q, r, audit.Event{Person: me.ID, Kind: audit.SessionEnded})
	})
}

type pastPage struct {
	List  []audit.Event
	Older int64 // the page before begins below this event; 0 = there is none
}

func (v views) history(r *http.Request) (page pastPage, err error) {
	before, _ := strconv.ParseInt(r.URL.Query().Get("before"), 10, 64)
	page.List, err = v.n.Log.Of(r.Context(), of(r).ID, max(before, 0), historyPage)
	if len(page.List) == historyPage {
		page.Older = page.List[historyPage-1].Number
	}
	return page, err
}
