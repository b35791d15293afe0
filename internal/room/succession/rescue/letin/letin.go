package letin

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/address"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/jobs"
	"entrechat/internal/kit/seal"
	"entrechat/internal/kit/web"
)

// How long each lasts.
const (
	linkLives    = 30 * time.Minute
	givenLives   = 3 * 24 * time.Hour // a link that an admin gives
	sessionLives = 12 * time.Hour
	programLives = 30 * 24 * time.Hour
)

// Mailer carries mails by the hoster's own server.
type Mailer interface {
	CanMail() bool
	Mail(ctx context.Context, to, title, text string) error
}

// Letter is what is mailed to somebody.
type Letter struct{ To, Title, Text string }

// Needs is what doors are made of; all of it is required.
type Needs struct {
	DB     *db.DB
	URL    string // where browsers reach this node
	Mailer func() (Mailer, bool)
	// Find is who has an address at an owner's services, and their letter around a link; who is
	// empty for nobody.
	Find func(ctx context.Context, owner core.MemberID, mail, lang string, link func(token string) string) (who string, letter func(token string) Letter, err error)
	Now  func() time.Time
	Log  *slog.Logger
}

// Doors let people in. Safe for concurrent use.
type Doors struct {
	n     Needs
	paces paces
	asked chan question
}

// question is an address that somebody typed.
type question struct {
	owner      core.MemberID
	mail, lang string
}

const waiting = 256 // questions at most; what is beyond is dropped, and answered alike

// New makes the doors; Jobs send the mails.
func New(n Needs) *Doors { return &Doors{n: n, asked: make(chan question, waiting)} }

func (d *Doors) now() core.Moment { return core.At(d.n.Now()) }

// CanMail says whether links can be mailed.
func (d *Doors) CanMail() bool {
	m, ok := d.n.Mailer()
	return ok && m.CanMail()
}

// Ask has a link mailed to an address where it is known. It answers at once and always alike;
// CodeInvalid "succession.rescue.bad_address" for what is no address, whoever it is.
func (d *Doors) Ask(owner core.MemberID, mail, lang, network string) error {
	kept, err := address.Mail(mail)
	if err != nil {
		return core.Invalid("succession.rescue.bad_address", err)
	}
	now := d.n.Now()
	if !d.paces.admit("net "+network, perNetwork(), now) || !d.paces.admit(string(owner)+" "+kept, perAddress(), now) {
		return nil
	}
	select {
	case d.asked <- question{owner, kept, lang}:
	default:
	}
	return nil
}

// Jobs mail the links and forget what is over.
func (d *Doors) Jobs() []jobs.Job {
	return []jobs.Job{
		{Name: "succession-rescue-mail", Run: d.deliver},
		{Name: "succession-rescue-forget", Every: time.Hour, Jitter: 10 * time.Minute, Run: func(ctx context.Context) error { return forget(ctx, d.n.DB, d.now()) }},
	}
}

func (d *Doors) deliver(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case q := <-d.asked:
			if err := d.answer(ctx, q); err != nil && ctx.Err() == nil {
				d.n.Log.Warn("a link into a rescue was not mailed", "owner", string(q.owner), "code", string(core.CodeOf(err)))
			}
		}
	}
}

func (d *Doors) answer(ctx context.Context, q question) error {
	m, ok := d.n.Mailer()
	if !ok || !m.CanMail() {
		return nil
	}
	who, letter, err := d.n.Find(ctx, q.owner, q.mail, q.lang, d.Address)
	if err != nil || who == "" {
		return err
	}
	token, err := d.link(ctx, q.owner, who, linkLives)
	if err != nil {
		return err
	}
	l := letter(token)
	return m.Mail(ctx, l.To, l.Title, l.Text)
}

// Address is where a link leads.
func (d *Doors) Address(token string) string { return d.n.URL + InPath + "?code=" + token }

// InPath is the page that a link leads to.
const InPath = "/rescue/in"

func (d *Doors) link(ctx context.Context, owner core.MemberID, who string, lives time.Duration) (token string, err error) {
	token = rand.Text()
	return token, put(ctx, d.n.DB, pass{seal.TokenHash(token), "link", owner, who, d.now().Add(lives)})
}

// Give makes a link for somebody whom our admins know, good for three days and once.
func (d *Doors) Give(ctx context.Context, owner core.MemberID, who string) (string, error) {
	token, err := d.link(ctx, owner, who, givenLives)
	return d.Address(token), err
}

// Whose says for whose services a link is, without using it. Returns CodeDenied
// "succession.rescue.bad_link".
func (d *Doors) Whose(ctx context.Context, token string) (core.MemberID, error) {
	p, err := get(ctx, d.n.DB, seal.TokenHash(token), "link", d.now())
	return p.owner, badLink(err)
}

func badLink(err error) error {
	if errors.Is(err, db.ErrNoRow) {
		return core.Denied("succession.rescue.bad_link", err)
	}
	return err
}

// Guest is somebody who came in.
type Guest struct {
	Owner core.MemberID
	Who   string
}

const sessionCookie = "rescue"

// Enter uses a link up, and signs its person in in this browser. Returns CodeDenied
// "succession.rescue.bad_link".
func (d *Doors) Enter(w http.ResponseWriter, r *http.Request, token string) (g Guest, err error) {
	p, err := take(r.Context(), d.n.DB, seal.TokenHash(token), d.now())
	if err != nil {
		return g, badLink(err)
	}
	g = Guest{p.owner, p.who}
	return g, d.SignIn(w, r, g)
}

// SignIn signs somebody in in this browser.
func (d *Doors) SignIn(w http.ResponseWriter, r *http.Request, g Guest) error {
	session := rand.Text()
	err := put(r.Context(), d.n.DB, pass{seal.TokenHash(session), "session", g.Owner, g.Who, d.now().Add(sessionLives)})
	if err == nil {
		http.SetCookie(w, web.Cookie(d.n.URL, sessionCookie, session, int(sessionLives.Seconds())))
	}
	return err
}

// Guest is who is signed in in a browser, for an owner's services; ok is false for nobody.
func (d *Doors) Guest(r *http.Request, owner core.MemberID) (g Guest, ok bool, err error) {
	c, err := r.Cookie(web.CookieName(d.n.URL, sessionCookie))
	if err != nil {
		return g, false, nil //nolint:nilerr // nobody
	}
	return d.known(r.Context(), c.Value, "session", owner)
}

// Program is who a program says by a password that it is, for an owner's services.
func (d *Doors) Program(r *http.Request, owner core.MemberID) (g Guest, ok bool, err error) {
	_, password, ok := r.BasicAuth()
	if !ok {
		return g, false, nil
	}
	return d.known(r.Context(), password, "program", owner)
}

func (d *Doors) known(ctx context.Context, token, kind string, owner core.MemberID) (g Guest, ok bool, err error) {
	p, err := get(ctx, d.n.DB, seal.TokenHash(token), kind, d.now())
	if errors.Is(err, db.ErrNoRow) {
		return g, false, nil
	}
	return Guest{p.owner, p.who}, err == nil && p.owner == owner, err
}

// Leave signs out in this browser.
func (d *Doors) Leave(w http.ResponseWriter, r *http.Request) error {
	if c, err := r.Cookie(web.CookieName(d.n.URL, sessionCookie)); err == nil {
		if err := drop(r.Context(), d.n.DB, seal.TokenHash(c.Value)); err != nil {
			return err
		}
	}
	http.SetCookie(w, web.Cookie(d.n.URL, sessionCookie, "", -1))
	return nil
}

// Password makes a password for programs, in the place of the one before.
func (d *Doors) Password(ctx context.Context, g Guest) (password string, err error) {
	if err := dropKind(ctx, d.n.DB, g.Owner, g.Who, "program"); err != nil {
		return "", err
	}
	password = rand.Text()
	return password, put(ctx, d.n.DB, pass{seal.TokenHash(password), "program", g.Owner, g.Who, d.now().Add(programLives)})
}

// Passwords are the hashes of the passwords for programs, by who.
func (d *Doors) Passwords(ctx context.Context, owner core.MemberID) (map[string]string, error) {
	all, err := programs(ctx, d.n.DB, owner, d.now())
	out := map[string]string{}
	for _, p := range all {
		out[p.who] = p.hash
	}
	return out, err
}

// End takes every pass of somebody back; of all people of an owner for "".
func (d *Doors) End(ctx context.Context, owner core.MemberID, who string) error {
	return dropAll(ctx, d.n.DB, owner, who)
}
