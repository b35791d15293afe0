package identity

import (
	"context"
	"net/http"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/room/identity/broker"
	"entrechat/internal/room/identity/client"
	"entrechat/internal/room/identity/federation"
	"entrechat/internal/room/identity/person"
	"entrechat/internal/room/identity/provider"
	"entrechat/internal/room/identity/session"
	"entrechat/internal/room/identity/signin"
)

// OpenID is what services and other members know of the room.
type OpenID struct {
	Clients  *client.Service
	Broker   *broker.Broker
	Provider *provider.Provider
	// Federation is what other federations are told.
	Federation *federation.Federation
}

// openID opens it.
func (r *Room) openID() (d OpenID, err error) {
	issuer := r.issuer()
	d.Clients = client.New(client.Needs{DB: r.DB, Issuer: issuer, Now: r.Now})
	d.Broker = broker.New(broker.Needs{
		DB: r.DB, Self: r.Origin, URL: issuer, Keys: r.Keys, Homes: r.Homes, Follow: r.Moves.Follow, Sessions: r.Sessions, People: r.Persons, PerDay: r.Settings.Visitors,
		Flow: func(req *http.Request, id string) (provider.Flow, error) { return r.Provider.Flow(req, id) },
		EndAt: func(ctx context.Context, q db.Querier, who person.ID, member string) error {
			return r.Provider.EndAt(ctx, q, who, member)
		},
		Private: r.Private, Dial: r.Dial, Now: r.Now, Log: r.Log,
	})
	d.Provider, err = provider.New(provider.Needs{
		DB: r.DB, Issuer: issuer, Keys: r.Keys, Browser: browser{r.Sessions}, People: accounts{r}, Members: d.Broker.Members(), Private: r.Private, Dial: r.Dial, Now: r.Now, Log: r.Log,
	})
	if err != nil {
		return d, err
	}
	d.Federation = federation.New(federation.Needs{
		Self: r.Origin, Issuer: issuer, Keys: r.Keys, Homes: r.Homes, Metadata: d.Provider.Metadata, Now: r.Now, Log: r.Log,
	})
	return d, nil
}

// browser is who is signed in in a browser, as the provider asks it.
type browser struct{ *session.Sessions }

func (b browser) Person(r *http.Request) (provider.Login, bool, error) {
	s, ok, err := b.Find(r)
	return provider.Login{Person: s.Person, At: s.Auth, AMR: s.AMR, Session: s.ID}, ok, err
}

func (b browser) End(w http.ResponseWriter, r *http.Request) error { return b.Leave(w, r) }

// accounts are people as the provider asks for them.
type accounts struct{ room *Room }

func (a accounts) Account(ctx context.Context, id person.ID, clientID string) (provider.Account, bool, error) {
	p, err := a.room.Persons.Get(ctx, id)
	if core.CodeOf(err) == core.CodeNotFound {
		return provider.Account{}, false, nil
	}
	if err != nil {
		return provider.Account{}, false, err
	}
	out := provider.Account{Handle: p.Handle, Name: p.Name, Lang: p.Lang, Mail: p.Mail}
	service := clientID
	if client.IsMember(clientID) {
		service = ""
		shares, err := a.room.Broker.SharesMail(ctx, clientID, id)
		if err != nil {
			return out, false, err
		}
		if !shares {
			out.Mail = ""
		}
		if out.Moves, err = a.room.Moves.Chain(ctx, id); err != nil {
			return out, false, err
		}
	}
	stands, err := a.room.Broker.Stands(ctx, p, service)
	if err != nil || !stands {
		return provider.Account{}, false, err
	}
	out.Groups, err = a.room.Organisations.Groups(ctx, id)
	return out, true, err
}

func (a accounts) May(ctx context.Context, id person.ID, clientID string) (bool, error) {
	return a.room.Organisations.Allowed(ctx, id, clientID)
}

// sessionsEnded tells services of sessions that ended.
func (r *Room) sessionsEnded(ctx context.Context, q db.Querier, ended []session.Session) error {
	for _, s := range ended {
		if err := r.Provider.Ended(ctx, q, s.ID); err != nil {
			return err
		}
	}
	return nil
}

// endGrants ends what a person let services have, also where nobody is signed in any more.
func (r *Room) endGrants(ctx context.Context, q db.Querier, who person.ID) error {
	return r.Provider.EndPerson(ctx, q, who)
}

// flow is a service's request that waits for somebody to sign in.
func (r *Room) flow(req *http.Request, id string) (signin.Flow, bool, error) {
	f, err := r.Provider.Flow(req, id)
	switch core.CodeOf(err) {
	case "":
		return signin.Flow{App: f.Client.Called(), Hint: f.Hint, Anew: f.Anew, TwoFactors: f.TwoFactors}, true, nil
	case core.CodeNotFound, core.CodeDenied:
		return signin.Flow{}, false, nil
	default:
		return signin.Flow{}, false, err
	}
}
