package identity

import (
	"context"
	"embed"
	"errors"
	"io/fs"
	"log/slog"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/fit"
	"entrechat/internal/kit/jobs"
	"entrechat/internal/kit/logbook"
	"entrechat/internal/kit/seal"
	"entrechat/internal/kit/words"
	"entrechat/internal/room/identity/account"
	"entrechat/internal/room/identity/audit"
	"entrechat/internal/room/identity/broker"
	"entrechat/internal/room/identity/client"
	"entrechat/internal/room/identity/credential"
	"entrechat/internal/room/identity/home"
	"entrechat/internal/room/identity/imports"
	"entrechat/internal/room/identity/imports/ldap"
	"entrechat/internal/room/identity/key"
	"entrechat/internal/room/identity/move"
	"entrechat/internal/room/identity/move/legacy"
	"entrechat/internal/room/identity/organisation"
	"entrechat/internal/room/identity/people"
	"entrechat/internal/room/identity/person"
	"entrechat/internal/room/identity/provider"
	"entrechat/internal/room/identity/session"
	"entrechat/internal/room/identity/signin"
	"entrechat/internal/room/identity/throttle"
	"entrechat/internal/room/identity/throttle/captcha"
)

// Words are the room's sentences, French and English.
//
//go:embed words/*.toml
var Words embed.FS

// AllWords are the sentences of the room and of its folders.
func AllWords() []fs.FS {
	return []fs.FS{
		Words,
		account.Words,
		audit.Words,
		broker.Words,
		client.Words,
		credential.Words,
		imports.Words,
		ldap.Words,
		home.Words,
		move.Words,
		key.Words,
		organisation.Words,
		people.Words,
		person.Words,
		provider.Words,
		throttle.Words,
		captcha.Words,
		session.Words,
		signin.Words,
	}
}

// Needs is what the room is wired with; all of it is required but Dial.
type Needs struct {
	DB     *db.DB
	Words  *words.Catalogue
	Origin core.MemberID // who we are
	URL    string        // where browsers reach this node: the issuer that services know
	Dir    string        // where the room's secrets lie
	Book   Book
	Trust  home.Trust
	// Mailer finds who carries mails to people, when there is one to send.
	Mailer func() (signin.Mailer, bool)
	// Signer and Calls speak for us to other members.
	Signer seal.Signer
	Calls  move.Calls
	// Successions and Custodians are other rooms, which open later; false where there is none.
	Successions func() (legacy.Successions, bool)
	Custodians  func() (legacy.Custodians, bool)
	// Root answers a member's root key. Returns CodeNotFound.
	Root func(ctx context.Context, id core.MemberID) (core.RootKey, error)
	// Closings and Adopters know whether our accounts end, and who takes them over.
	Closings func() (Closings, bool)
	Adopters func() (Adopters, bool)
	Private  bool          // a network without names and certificates: for demos and tests
	Dial     provider.Dial // how members are reached; nil = the real network
	Settings Settings
	Now      func() time.Time
	Log      *slog.Logger
}

// Book is what this room needs of the logbooks.
type Book interface {
	Append(ctx context.Context, typ string, aud []core.MemberID, exp core.Moment, body any) (logbook.Entry, error)
	KeySet(ctx context.Context, id core.MemberID) (logbook.KeySet, seal.Envelope, error)
	Entries(ctx context.Context, id core.MemberID, from int64, limit int) ([]logbook.Entry, error)
	Member(ctx context.Context, id core.MemberID) (logbook.Member, error)
}

// Room is identity, open.
type Room struct {
	Needs
	Persons       *person.Service
	Organisations *organisation.Service
	Audit         *audit.Log
	People        *people.Service
	Homes         *home.Homes
	Moves         *move.Moves
	Keys          *key.Set
	Authentication
	OpenID
	Handover
	ending ending
}

// New opens the room. Returns what key.Open and seal.OpenBox do, CodeInvalid for a URL that
// cannot be.
func New(n Needs) (*Room, error) {
	keys, err := key.Open(filepath.Join(n.Dir, keysName), n.Now)
	if err != nil {
		return nil, err
	}
	r := &Room{
		Needs: n, Persons: &person.Service{DB: n.DB, Now: n.Now}, Organisations: &organisation.Service{DB: n.DB, Now: n.Now},
		Audit: &audit.Log{DB: n.DB, Now: n.Now},
		Homes: &home.Homes{
			DB: n.DB, Self: n.Origin, Trust: n.Trust, Root: n.Root, LookupTXT: net.DefaultResolver.LookupTXT, Plain: n.Private, Now: n.Now,
			Entries: func(ctx context.Context, id core.MemberID, from int64, limit int) ([]logbook.Entry, error) {
				return n.Book.Entries(ctx, id, from, limit)
			},
		},
		Keys: keys, ending: ending{n.Closings, n.Adopters, strings.TrimSuffix(n.URL, "/") + "/succession/" + string(n.Origin)},
	}
	r.People = &people.Service{DB: n.DB, People: r.Persons, Organisations: r.Organisations, Log: r.Audit, Now: n.Now, Out: r.signOut, Forget: forget, Invite: r.invite, Admitted: r.admitted, Service: r.hasService, Newcomers: r.ending.newcomers}
	if r.Authentication, err = r.authentication(); err != nil {
		return nil, err
	}
	r.Moves = r.moves()
	r.Handover = Handover{r.Persons, r.Moves}
	r.OpenID, err = r.openID()
	return r, err
}

// hasService returns CodeNotFound for a name that no service has.
func (r *Room) hasService(ctx context.Context, name string) error {
	_, err := r.Clients.Get(ctx, name)
	return err
}

// invite draws the address where a person chooses how to sign in.
func (r *Room) invite(ctx context.Context, q db.Querier, who person.ID, now core.Moment) (string, error) {
	text, err := signin.NewInvite(ctx, q, who, now)
	return r.issuer() + signin.InvitePath(text), err
}

// admitted tells a person who waited; sign-in is opened after people are.
func (r *Room) admitted(ctx context.Context, q db.Querier, p person.Person) error {
	return r.SignIn.Admitted(ctx, q, p)
}

// issuer is our public address as tokens and cards have it: without a slash at its end.
func (r *Room) issuer() string { return strings.TrimSuffix(r.URL, "/") }

// keysName is the file of the keys that sign sign-ins.
const keysName = "identity.keys"

// card is what we say of ourselves to the other members.
func (r *Room) card() (home.Card, error) {
	keys, err := r.Keys.Public(key.ES256)
	if err != nil {
		return home.Card{}, err
	}
	own, err := r.Keys.Public(key.Federation)
	return home.Card{Issuer: r.issuer(), Keys: keys, Federation: own, Domains: slices.Compact(slices.Sorted(slices.Values(r.Settings.Mail)))}, err
}

// sayCard tells the other members how we sign our people in, when that changed.
func (r *Room) sayCard(ctx context.Context) error {
	card, err := r.card()
	if err != nil {
		return err
	}
	return r.Homes.Say(ctx, card, func(ctx context.Context, typ string, body any) error {
		_, err := r.Book.Append(ctx, typ, nil, 0, body)
		return err
	})
}

// doors are the homes, and what ends when one is shut.
func (r *Room) doors() home.Doors {
	return home.Doors{Homes: r.Homes, PerDay: r.Settings.Visitors, Ended: func(ctx context.Context, q db.Querier, v home.Visitor) error { return r.signOut(ctx, q, v.Person) }}
}

// signOut ends everything a person is signed in to, by what each part of the room keeps.
func (r *Room) signOut(ctx context.Context, q db.Querier, who person.ID) error {
	ends := []func(ctx context.Context, q db.Querier, who person.ID) error{r.endSessions, r.endGrants}
	errs := make([]error, 0, len(ends))
	for _, end := range ends {
		errs = append(errs, end(ctx, q, who))
	}
	return errors.Join(errs...)
}

// forget removes what lies here of a person who leaves, beside the account.
func forget(ctx context.Context, q db.Querier, p person.Person) error {
	return errors.Join(move.Arriving(ctx, q, p.ID), signin.Forget(ctx, q, p), broker.ForgetPerson(ctx, q, p.ID), legacy.EndOf(ctx, q, p.ID))
}

// Fittings are what the room hands to the house.
func (r *Room) Fittings() fit.Fittings {
	return fit.Fittings{
		Name:     "identity",
		Web:      r.web,
		Pages:    slices.Concat(r.Provider.Routes(), r.Broker.Routes(), r.Federation.Routes()),
		Peer:     r.Moves.PeerRoutes(),
		Entrance: r.entrance(),
		Jobs: append(slices.Concat(r.Keys.Jobs(), r.Sessions.Jobs(), r.SignIn.Jobs(), r.Throttle.Jobs(), r.Provider.Jobs(), r.Broker.Jobs(), r.Moves.Jobs(), r.doors().Jobs()),
			jobs.Job{Name: "identity-audit", Every: 24 * time.Hour, Run: r.Audit.Tidy},
			jobs.Job{Name: "identity-card", Every: 10 * time.Minute, Run: r.sayCard},
			jobs.Job{Name: "identity-mail-domains", Every: time.Hour, Run: r.Homes.Prove},
		),
		Readers: append(r.Homes.Readers(), r.Moves.Readers()...),
		Entries: map[string]string{home.TypeCard: "identity.entry_card", move.TypeEntry: "identity.move.entry", legacy.Type: "identity.move.entry_legacy", legacy.TypeInherit: "identity.move.entry_inherit"},
		Checks:  r.checks(),
		Metrics: r.metrics,
	}
}
