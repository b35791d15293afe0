package signin

import (
	"crypto/rand"
	"errors"
	"net/http"

	"entrechat/internal/core"
	"entrechat/internal/kit/seal"
	"entrechat/internal/kit/web"
	"entrechat/internal/room/identity/credential"
	"entrechat/internal/room/identity/session"
)

// begunPasskey asks the device of the browser that sent r for a passkey. The question is bound to
// the browser by a cookie: an answer that somebody else's browser gave is worth nothing.
func (s *Service) begunPasskey(w http.ResponseWriter, r *http.Request) (credential.Ask, error) {
	token := rand.Text()
	ask, err := s.n.Passkeys.BeginLogin(r.Context(), seal.TokenHash(token), "")
	if err == nil {
		http.SetCookie(w, web.Cookie(s.n.URL, stepCookie, token, int(stepLives.Seconds())))
	}
	return ask, err
}

// passkey takes a device's answer, and signs its owner in. Returns CodeInvalid with what was
// wrong about it.
func (s *Service) passkey(w http.ResponseWriter, r *http.Request) (next string, err error) {
	defer func() { s.n.Sessions.Missed(session.ByPasskey, err) }()
	c, err := r.Cookie(web.CookieName(s.n.URL, stepCookie))
	if err != nil {
		return "", core.Invalid("identity.signin.wrong_passkey", errors.New("no cookie"))
	}
	login, err := s.n.Passkeys.FinishLogin(r.Context(), Answer(r, seal.TokenHash(c.Value)))
	if err != nil {
		return "", Again(err)
	}
	http.SetCookie(w, web.Cookie(s.n.URL, stepCookie, "", -1))
	p, err := s.n.People.Get(r.Context(), login.Person)
	if err == nil {
		err = mayEnter(p)
	}
	if err != nil {
		return "", err
	}
	t := parseTarget(r.PostForm)
	if login.Verified {
		return t.page(), s.enter(w, r, p, "pop", "user", "mfa")
	}
	// A device that did not make sure of its owner is one factor, like a password.
	second, err := s.n.Seconds.HasSecond(r.Context(), p.ID)
	if err != nil {
		return "", err
	}
	if second {
		return pathSecond, s.begin(w, r, step{person: p.ID, next: t.page(), amr: "pop"})
	}
	return t.page(), s.enter(w, r, p, "pop")
}

// Answer is what passkey.js put into a form; browser tells the browser from any other.
func Answer(r *http.Request, browser string) credential.Answer {
	return credential.Answer{Browser: browser, Ceremony: r.PostForm.Get("ceremony"), JSON: []byte(r.PostForm.Get("answer"))}
}

// Again lets a form be shown again where a device's answer does not hold.
func Again(err error) error {
	if e, ok := errors.AsType[*core.Error](err); ok && e.Code == core.CodeDenied {
		return &core.Error{Code: core.CodeInvalid, Key: e.Key, Args: e.Args, Err: e.Err}
	}
	return err
}
