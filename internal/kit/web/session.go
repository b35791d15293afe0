package web

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/seal"
)

const (
	adminPath   = "/admin/"
	signInPath  = "/admin/sign-in"
	signOutPath = "/admin/sign-out"

	linkLives    = 15 * time.Minute
	sessionLives = 12 * time.Hour
)

// isAdmin says that a path is of the admin's half.
func isAdmin(path string) bool { return path == "/admin" || strings.HasPrefix(path, adminPath) }

// secret is a new token and the only form of it that is stored.
func secret() (token, hash string) {
	token = rand.Text() // 130 bits: nobody guesses it, so a plain hash will do
	return token, seal.TokenHash(token)
}

// NewLink makes an address that signs one person in, once, within 15 minutes. It
// needs no running node: who can read the data directory is the admin.
func NewLink(ctx context.Context, d *db.DB, base string, now core.Moment) (link string, expires core.Moment, err error) {
	token, hash := secret()
	expires = now.Add(linkLives)
	if err := insertLink(ctx, d, hash, now, expires); err != nil {
		return "", 0, err
	}
	return strings.TrimSuffix(base, "/") + signInPath + "?" + url.Values{"token": {token}}.Encode(), expires, nil
}

// EndSessions signs everybody out and takes back every link; it says how many
// sessions there were.
func EndSessions(ctx context.Context, d *db.DB) (int64, error) { return deleteAll(ctx, d) }

// Entrance is how people who have an account enter the admin's half. A link from the command
// line stays the way in where nobody has one, or nobody can sign in.
type Entrance struct {
	// SignIn is the page where people sign in. It takes the page to go on to as `next`.
	SignIn string
	// Admin says whether the person signed in in this browser is an admin. An error of
	// CodeDenied says why one has to sign in otherwise; the page to sign in shows it.
	Admin func(r *http.Request) (bool, error)
	// Leave signs that person out in this browser.
	Leave func(w http.ResponseWriter, r *http.Request) error
}

// entrance is the sign-in page.
type entrance struct {
	Token, Account string
	Why            string // why who is signed in has to sign in otherwise; empty = nothing to say
}

// signRoutes are the ways in and out.
func (s *Site) signRoutes() []Route {
	// A link is used by a POST: previews and scanners of mails open addresses, and
	// would have used it up before the person.
	enter := func(r *http.Request) (entrance, error) {
		page := entrance{Token: r.URL.Query().Get("token")}
		if s.Entrance != nil {
			page.Account = s.Entrance.SignIn + "?" + url.Values{"next": {adminPath}}.Encode()
			if _, err := s.Entrance.Admin(r); core.CodeOf(err) == core.CodeDenied {
				page.Why = s.sentence(r, err)
			}
		}
		return page, nil
	}
	return []Route{
		{"GET " + signInPath, s.enter.Show(enter)},
		{"POST " + signInPath, http.HandlerFunc(s.signIn)},
		{"POST " + signOutPath, http.HandlerFunc(s.signOut)},
		{"GET /admin", http.RedirectHandler(adminPath, http.StatusSeeOther)},
	}
}

func (s *Site) signIn(w http.ResponseWriter, r *http.Request) {
	if err := parseForm(r); err != nil {
		s.Fail(w, r, err)
		return
	}
	token, hash := secret()
	now := core.At(s.Now())
	used, err := useLink(r.Context(), s.DB, seal.TokenHash(r.PostForm.Get("token")), session{hash, now, now.Add(sessionLives)})
	if err == nil && !used {
		err = core.Denied("web.bad_link", errors.New("no such link"))
	}
	if err != nil {
		s.Fail(w, r, err)
		return
	}
	s.Log.Info("admin signed in")
	http.SetCookie(w, Cookie(s.URL, sessionCookie, token, int(sessionLives.Seconds())))
	http.Redirect(w, r, adminPath, http.StatusSeeOther)
}

func (s *Site) signOut(w http.ResponseWriter, r *http.Request) {
	if c, err := r.Cookie(CookieName(s.URL, sessionCookie)); err == nil {
		if err := deleteSession(r.Context(), s.DB, seal.TokenHash(c.Value)); err != nil {
			s.Fail(w, r, err)
			return
		}
	}
	http.SetCookie(w, Cookie(s.URL, sessionCookie, "", -1))
	if s.Entrance != nil {
		if err := s.Entrance.Leave(w, r); err != nil {
			s.Fail(w, r, err)
			return
		}
	}
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// sessionCookie is the name of the cookie of an admin's session.
const sessionCookie = "entrechat"

type insideKey struct{}

func signedIn(r *http.Request) bool { return r.Context().Value(insideKey{}) != nil }

// ByLink says whether a request for the admin's half came by a link of the command line, and
// not by a person's account.
func ByLink(r *http.Request) bool {
	link, _ := r.Context().Value(insideKey{}).(bool)
	return link
}

// onlyAdmins lets nobody into the admin's half without a session, by the path
// alone: a room cannot forget to ask.
func (s *Site) onlyAdmins(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !isAdmin(r.URL.Path) {
			next.ServeHTTP(w, r)
			return
		}
		link, inside, err := s.hasSession(r)
		switch {
		case err != nil:
			s.Fail(w, r, err)
		case inside:
			next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), insideKey{}, link)))
		case r.URL.Path == signInPath:
			next.ServeHTTP(w, r)
		case r.Method == http.MethodGet || r.Method == http.MethodHead:
			http.Redirect(w, r, signInPath, http.StatusSeeOther)
		default:
			s.Fail(w, r, core.Denied("web.signed_out", errors.New("no session")))
		}
	})
}

// hasSession says whether this browser came by a link, or an admin is signed in in it.
func (s *Site) hasSession(r *http.Request) (link, inside bool, err error) {
	if c, err := r.Cookie(CookieName(s.URL, sessionCookie)); err == nil {
		if open, err := sessionOpen(r.Context(), s.DB, seal.TokenHash(c.Value), core.At(s.Now())); open || err != nil {
			return open, open, err
		}
	}
	if s.Entrance == nil {
		return false, false, nil
	}
	is, err := s.Entrance.Admin(r)
	if core.CodeOf(err) == core.CodeDenied {
		return false, false, nil // the page to sign in says why
	}
	return false, is, err
}
