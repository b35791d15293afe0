package signin

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"strings"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/peer"
	"entrechat/internal/kit/seal"
	"entrechat/internal/kit/web"
	"entrechat/internal/room/identity/audit"
	"entrechat/internal/room/identity/person"
	"entrechat/internal/room/identity/session"
)

const (
	// stepLives is how long the second factor may take.
	stepLives = 10 * time.Minute
	// stepTries is how many codes may be typed for one right password.
	stepTries = 5
	// maxSecret is the longest password or code anybody may send, in bytes.
	maxSecret = 1024
)

// wrong is the one answer to every sign-in that fails, whatever it fails of.
func wrong(why string) error { return core.Invalid("identity.signin.wrong", errors.New(why)) }

// password takes a handle or an address and a password. Where a second factor stands it
// answers the page that asks for it; else the person is signed in and goes on. Returns
// CodeInvalid "identity.signin.wrong", CodeDenied "identity.signin.suspended" and
// "identity.signin.waiting", CodeUnsure for who guesses too often.
func (s *Service) password(w http.ResponseWriter, r *http.Request) (next string, err error) {
	defer func() { s.n.Sessions.Missed(session.ByPassword, err) }()
	who, secret := strings.TrimSpace(r.PostForm.Get("who")), r.PostForm.Get("password")
	if len(who) > 300 || len(secret) > maxSecret {
		return "", wrong("too long")
	}
	p, err := s.n.People.Find(r.Context(), who)
	if err != nil && core.CodeOf(err) != core.CodeNotFound {
		return "", err
	}
	done, late, err := s.n.Brake.TryOf(r, strings.ToLower(who), ownerOf(p, who))
	if err != nil {
		return "", err
	}
	if p.Kind != person.Local || p.Status == person.Closed {
		p = person.Person{} // nobody who signs in here; the same work is done
	}
	var good bool
	if late { // nobody's password: the same work is done, and a right one is not told from a wrong one
		good, err = s.n.Passwords.CheckPassword(r.Context(), "", secret)
	} else {
		p, good, err = s.proved(r.Context(), p, who, secret)
	}
	if err != nil {
		return "", err
	}
	done(good)
	t := parseTarget(r.PostForm)
	if !good {
		return s.elsewhere(r, who, t, s.failed(r, p.ID, "password"))
	}
	if err := mayEnter(p); err != nil {
		return "", err
	}
	second, err := s.n.Seconds.HasSecond(r.Context(), p.ID)
	if err != nil {
		return "", err
	}
	if second {
		return pathSecond, s.begin(w, r, step{person: p.ID, next: t.page(), amr: "pwd"})
	}
	return t.page(), s.enter(w, r, p, "pwd")
}

// elsewhere is what follows on a wrong password: where the name that was typed is of another
// hoster, the page that leads there. Whether such a name is known here makes no difference.
func (s *Service) elsewhere(r *http.Request, typed string, t target, wrong error) (next string, err error) {
	if core.CodeOf(wrong) != core.CodeInvalid {
		return "", wrong
	}
	path, ok, err := s.n.Elsewhere(r, typed, t.Flow, t.Next)
	if err == nil && !ok {
		err = wrong
	}
	return path, err
}

// ownerOf is whose tally a guess counts in, beside that of the name that was typed. For
// nobody it is the name once more, so that the same is written.
func ownerOf(p person.Person, typed string) string {
	if p.ID != "" {
		return string(p.ID)
	}
	return "nobody/" + strings.ToLower(typed)
}

// proved says whether a password is that of a person found by what was typed, or lets in whom
// another directory knows, where nobody was found.
func (s *Service) proved(ctx context.Context, p person.Person, typed, secret string) (person.Person, bool, error) {
	if p.ID != "" {
		good, err := s.n.Passwords.CheckPassword(ctx, p.ID, secret)
		return p, good, err
	}
	id, good, err := s.n.Passwords.CheckNewcomer(ctx, typed, secret)
	if err != nil || !good {
		return p, false, err
	}
	p, err = s.n.People.Get(ctx, id)
	return p, err == nil, err
}

// mayEnter refuses who has proved who they are and may not sign in all the same, as who went to
// another hoster since.
func mayEnter(p person.Person) error {
	if p.Kind != person.Local {
		return core.Conflict("identity.person.not_ours", errors.New("at home elsewhere"))
	}
	switch p.Status {
	case person.Active:
		return nil
	case person.Waiting:
		return core.Denied("identity.signin.waiting", errors.New("not admitted yet"))
	case person.Suspended, person.Closed:
	}
	return core.Denied("identity.signin.suspended", errors.New("suspended"))
}

// failed writes a failure where its owner sees it, and is the answer to it.
func (s *Service) failed(r *http.Request, who person.ID, what string) error {
	if who != "" {
		err := s.note(r, audit.Event{Person: who, Kind: audit.SignInFailed, About: what})
		if err != nil {
			return err
		}
	}
	return wrong("wrong " + what)
}

// note writes what happened to an account, and from where, where nothing else changed.
func (s *Service) note(r *http.Request, e audit.Event) error {
	e.From = From(r)
	log := audit.Log{DB: s.n.DB, Now: s.n.Now}
	return log.Append(r.Context(), e)
}

// noteIn is note in a transaction of the caller's.
func (s *Service) noteIn(ctx context.Context, q db.Querier, r *http.Request, e audit.Event) error {
	e.From = From(r)
	return audit.Append(ctx, q, s.now(), e)
}

// From is where a request comes from, as the audit log keeps it.
func From(r *http.Request) audit.From {
	from := audit.From{Agent: audit.Browser(r.UserAgent())}
	if at := peer.ClientOf(r.Context()); at.IsValid() {
		from.Network = at.Addr().String()
	}
	return from
}

// enter signs a person in. amr is how they proved who they are, RFC 8176.
func (s *Service) enter(w http.ResponseWriter, r *http.Request, p person.Person, amr ...string) error {
	_, err := s.n.Sessions.Start(w, r, session.Login{Person: p.ID, AMR: amr, With: func(ctx context.Context, q db.Querier, opened session.Session) error {
		return s.noteIn(ctx, q, r, audit.Event{Person: p.ID, By: p.ID, Kind: audit.SignedIn, About: opened.ID})
	}})
	if err != nil {
		return err
	}
	known := []string{p.Handle, secondOf(p.ID)}
	if p.Mail != "" {
		known = append(known, p.Mail)
	}
	s.n.Brake.Remember(w, r, known...)
	return nil
}

// secondOf is the account that guesses at a person's codes count for.
func secondOf(who person.ID) string { return "second/" + string(who) }

// begin opens a step in this browser: who comes back with its cookie knew the password.
func (s *Service) begin(w http.ResponseWriter, r *http.Request, at step) error {
	token := rand.Text()
	now := s.now()
	if err := insertStep(r.Context(), s.n.DB, seal.TokenHash(token), at, now.Add(stepLives)); err != nil {
		return err
	}
	http.SetCookie(w, web.Cookie(s.n.URL, stepCookie, token, int(stepLives.Seconds())))
	return nil
}

// waiting is the step of the browser that sent r. Returns CodeNotFound
// "identity.signin.step_gone".
func (s *Service) waiting(r *http.Request) (hash string, found step, err error) {
	gone := core.NotFound("identity.signin.step_gone", errors.New("no such step"))
	c, err := r.Cookie(web.CookieName(s.n.URL, stepCookie))
	if err != nil {
		return "", step{}, gone
	}
	hash = seal.TokenHash(c.Value)
	found, err = stepOf(r.Context(), s.n.DB, hash, s.now())
	if errors.Is(err, db.ErrNoRow) || err == nil && found.tries >= stepTries {
		err = gone
	}
	return hash, found, err
}

// second takes a code of six digits, or a recovery code. Returns CodeInvalid
// "identity.signin.wrong_code", CodeNotFound "identity.signin.step_gone".
func (s *Service) second(w http.ResponseWriter, r *http.Request) (next string, err error) {
	defer func() { s.n.Sessions.Missed(session.ByCode, err) }()
	hash, at, err := s.waiting(r)
	if err != nil {
		return "", err
	}
	code := strings.Join(strings.Fields(r.PostForm.Get("code")), "")
	if len(code) > maxSecret {
		return "", core.Invalid("identity.signin.wrong_code", errors.New("too long"))
	}
	done, err := s.n.Brake.Try(r, secondOf(at.person))
	if err != nil {
		return "", err
	}
	// Each try is counted before it is made: parallel ones do not share one.
	if left, err := tryStep(r.Context(), s.n.DB, hash, stepTries); err != nil || !left {
		return "", errors.Join(err, core.NotFound("identity.signin.step_gone", errors.New("too many tries")))
	}
	good, err := s.checkCode(r, at.person, code)
	if err != nil {
		return "", err
	}
	done(good)
	if !good {
		if err := s.failed(r, at.person, "code"); core.CodeOf(err) != core.CodeInvalid {
			return "", err
		}
		return "", core.Invalid("identity.signin.wrong_code", errors.New("wrong code"))
	}
	p, err := s.n.People.Get(r.Context(), at.person)
	if err == nil {
		err = mayEnter(p)
	}
	if err != nil {
		return "", err
	}
	if ended, err := endStep(r.Context(), s.n.DB, hash); err != nil || !ended {
		return "", errors.Join(err, core.NotFound("identity.signin.step_gone", errors.New("used meanwhile")))
	}
	http.SetCookie(w, web.Cookie(s.n.URL, stepCookie, "", -1))
	return at.next, s.enter(w, r, p, append(strings.Fields(at.amr), "otp", "mfa")...)
}

// checkCode says whether six digits are a person's one-time code now, or anything else one of
// their recovery codes: that one is used up, and its owner sees that it was.
func (s *Service) checkCode(r *http.Request, who person.ID, code string) (bool, error) {
	if len(code) == 6 && strings.Trim(code, "0123456789") == "" {
		return s.n.Seconds.CheckTOTP(r.Context(), who, code)
	}
	return s.n.Seconds.UseRecovery(r.Context(), who, code, func(ctx context.Context, q db.Querier) error {
		return s.noteIn(ctx, q, r, audit.Event{Person: who, By: who, Kind: audit.RecoveryUsed})
	})
}

// stepCookie is the name of the cookie that holds the token of a step.
const stepCookie = "entrechat-step"
