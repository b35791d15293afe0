package identity

import (
	"context"
	"errors"
	"net/http"
	"path/filepath"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/seal"
	"entrechat/internal/kit/web"
	"entrechat/internal/room/identity/account"
	"entrechat/internal/room/identity/audit"
	"entrechat/internal/room/identity/client"
	"entrechat/internal/room/identity/credential"
	"entrechat/internal/room/identity/imports"
	"entrechat/internal/room/identity/imports/ldap"
	"entrechat/internal/room/identity/move"
	"entrechat/internal/room/identity/people"
	"entrechat/internal/room/identity/person"
	"entrechat/internal/room/identity/session"
	"entrechat/internal/room/identity/signin"
	"entrechat/internal/room/identity/throttle"
	"entrechat/internal/room/identity/throttle/captcha"
)

// sealName is the file of the key that seals what proves who people are.
const sealName = "identity.seal"

// Authentication is how people come in: what proves who they are, and where they are signed in.
type Authentication struct {
	Credentials *credential.Service
	Sessions    *session.Sessions
	SignIn      *signin.Service
	Account     *account.Service
	Throttle    *throttle.Throttle
	// Directory is the hoster's living LDAP server; nil = there is none.
	Directory *ldap.Directory
}

// authentication makes how people come in. Returns CodeInvalid for a URL that cannot be.
func (r *Room) authentication() (d Authentication, err error) {
	box, err := seal.OpenBox(filepath.Join(r.Dir, sealName))
	if err != nil {
		return d, err
	}
	n := credential.Needs{DB: r.DB, Box: box, URL: r.URL, Name: string(r.Origin), Now: r.Now}
	others := &ldap.People{DB: r.DB, Imports: &imports.Service{DB: r.DB, Now: r.Now}}
	if other := r.Settings.LDAP; other.On() {
		if d.Directory, err = ldap.NewDirectory(other); err != nil {
			return d, err
		}
		others.Directory, n.Outside, n.Newcomer = d.Directory, others.Check, others.SignIn
	}
	if d.Credentials, err = credential.New(n); err != nil {
		return d, err
	}
	others.Credentials = d.Credentials
	d.Sessions = session.New(session.Needs{DB: r.DB, URL: r.URL, Now: r.Now, Ended: r.sessionsEnded})
	d.Throttle = throttle.New(throttle.Needs{DB: r.DB, Box: box, URL: r.URL, Now: r.Now, Log: r.Log})
	d.SignIn = signin.New(signin.Needs{
		DB: r.DB, URL: r.URL, People: r.Persons, Passwords: d.Credentials, Seconds: d.Credentials, Passkeys: d.Credentials, Sessions: d.Sessions,
		Brake: d.Throttle, Captcha: captcha.New(captcha.Needs{DB: r.DB, Box: box, Now: r.Now}),
		Flow: r.flow, Elsewhere: func(req *http.Request, typed, flow, next string) (string, bool, error) {
			return r.Broker.Elsewhere(req, typed, flow, next)
		},
		Newcomers: r.ending.newcomers, Mailer: lateMailer(r.Mailer), Settings: r.Settings.Settings, Hoster: r.Origin, Words: r.Words, Now: r.Now, Log: r.Log,
	})
	d.Account = account.New(account.Needs{
		DB: r.DB, People: r.Persons, Keys: d.Credentials, Sessions: d.Sessions, SignIn: d.SignIn, Log: r.Audit,
		Apps: r.apps, Close: r.People.Close, Now: r.Now,
	})
	return d, nil
}

// moves are accounts that go to another member, and those that come.
func (r *Room) moves() *move.Moves {
	return move.New(move.Needs{
		DB: r.DB, Self: r.Origin, URL: r.issuer(), Book: r.Book, Signer: r.Signer, Calls: r.Calls, Homes: r.Homes, Sessions: r.Sessions,
		SignUp: r.Settings.SignUp == signin.ByAnybody, Out: r.signOut, Forget: forget, Invite: r.invite, Secrets: r.Credentials, Newcomers: r.ending.newcomers, Adopter: r.ending.adopter,
		Successions: r.Successions, Custodians: r.Custodians, Now: r.Now, Log: r.Log,
		Ways: func(ctx context.Context, who person.ID) (bool, error) {
			w, err := r.Credentials.List(ctx, who)
			return w.Password || len(w.Passkeys) > 0, err
		},
	})
}

// apps are the services that a person may use, with what each calls them.
func (r *Room) apps(ctx context.Context, who person.ID) ([]account.App, error) {
	clients, err := client.All(ctx, r.DB)
	if err != nil {
		return nil, err
	}
	subjects, err := client.SubjectsOf(ctx, r.DB, who)
	if err != nil {
		return nil, err
	}
	told := map[string]client.Subject{}
	for _, s := range subjects {
		told[s.Client] = s
	}
	var all []account.App
	for _, c := range clients {
		if c.Member {
			continue // another hoster, not a service
		}
		may, err := r.Organisations.Allowed(ctx, who, c.ID)
		if err != nil {
			return nil, err
		}
		if s, found := told[c.Scope()]; may || found {
			all = append(all, account.App{Name: c.ID, URL: c.URL, Username: s.Username, Since: s.Made})
		}
	}
	return all, nil
}

// lateMailer asks for who carries mails when there is one to carry: that room may open later.
type lateMailer func() (signin.Mailer, bool)

func (m lateMailer) CanMail() bool {
	post, ok := m()
	return ok && post.CanMail()
}

func (m lateMailer) Mail(ctx context.Context, to, title, text string) error {
	post, ok := m()
	if !ok {
		return core.Unsure("identity.signin.no_mail", errors.New("nobody carries mails"))
	}
	return post.Mail(ctx, to, title, text)
}

// endSessions ends what a person is signed in to here.
func (d Authentication) endSessions(ctx context.Context, q db.Querier, who person.ID) error {
	_, err := d.Sessions.EndAll(ctx, q, who, "")
	return err
}

// entrance lets people who have the role of admin into the admin's half, for twelve hours
// after they signed in: with a passkey or two factors, where they have them.
func (r *Room) entrance() *web.Entrance {
	return &web.Entrance{SignIn: signin.Path, Admin: r.admin, Leave: r.leave}
}

// leave signs out of the admin's half, which is signing out.
func (r *Room) leave(w http.ResponseWriter, req *http.Request) error {
	return r.Sessions.Leave(w, req, func(ctx context.Context, q db.Querier, ended session.Session) error {
		return audit.Append(ctx, q, core.At(r.Now()), audit.Event{Person: ended.Person, By: ended.Person, Kind: audit.SignedOut, About: ended.ID, From: signin.From(req)})
	})
}

// SignedIn is the person signed in in this browser, by a name that never changes; ok is false
// for nobody.
func (r *Room) SignedIn(req *http.Request) (id string, ok bool, err error) {
	found, ok, err := r.Sessions.Find(req)
	return string(found.Person), ok, err
}

func (r *Room) admin(req *http.Request) (bool, error) {
	open, ok, err := r.Sessions.Find(req)
	if err != nil || !ok || core.At(r.Now()).Sub(open.Auth) >= session.AdminFor {
		return false, err
	}
	p, err := r.Persons.Get(req.Context(), open.Person)
	if err != nil || !p.Is(person.Admin) || open.Strong() {
		return p.Is(person.Admin), err
	}
	ways, err := r.Credentials.List(req.Context(), p.ID)
	if err == nil && ways.More() {
		return false, core.Denied("identity.admin_second", errors.New("a password alone, and there is more"))
	}
	return err == nil, err
}

// web are the room's pages for people.
func (r *Room) web(site *web.Site) web.Pages {
	needs := people.PageNeeds{By: r.by, Seen: r.Sessions.LastSeen, Asked: r.SignIn.Request}
	var all web.Pages
	for _, p := range []web.Pages{
		r.SignIn.Pages(site, r.Broker.Beside(site)), r.Account.Pages(site), r.Provider.Pages(site), r.Broker.Pages(site), r.Moves.Pages(site),
		r.People.Pages(site, needs), r.Clients.Pages(site), r.doors().Pages(site),
	} {
		all.Routes, all.Menu, all.Overview = append(all.Routes, p.Routes...), append(all.Menu, p.Menu...), append(all.Overview, p.Overview...)
	}
	return all
}

// ByAccount is the admin whose account is signed in in the browser that sent a request; nobody
// for who came by a link of the command line.
func (r *Room) ByAccount(req *http.Request) (person.Person, error) { return r.by(req) }

// by is the admin who does something in the browser that sent a request; nobody for who came
// by a link of the command line. Returns CodeDenied "identity.people.not_allowed" for whose
// role, or session, ended while the page was on its way: nobody may do everything.
func (r *Room) by(req *http.Request) (p person.Person, err error) {
	open, ok, err := r.Sessions.Find(req)
	if err == nil && ok {
		p, err = r.Persons.Get(req.Context(), open.Person)
	}
	switch {
	case err != nil:
		return person.Person{}, err
	case p.Is(person.Admin):
		return p, nil
	case web.ByLink(req):
		return person.Person{}, nil
	}
	return person.Person{}, core.Denied("identity.people.not_allowed", errors.New("no admin any more"))
}
