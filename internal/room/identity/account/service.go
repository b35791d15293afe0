package account

import (
	"context"
	"net/http"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/room/identity/audit"
	"entrechat/internal/room/identity/credential"
	"entrechat/internal/room/identity/person"
	"entrechat/internal/room/identity/session"
	"entrechat/internal/room/identity/signin"
)

// App is a service that a person can sign in to with the account, or did.
type App struct {
	Name, URL string
	Username  string      // what it calls the person; empty = it never heard of them
	Since     core.Moment // when it first did; 0 = never
}

// Needs is what a person's page is made of.
type Needs struct {
	DB       *db.DB
	People   *person.Service
	Keys     *credential.Service
	Sessions *session.Sessions
	SignIn   *signin.Service
	Log      *audit.Log
	// Apps are the services a person may use here; nil = none are known.
	Apps func(ctx context.Context, who person.ID) ([]App, error)
	// Close ends an account, as its owner asks.
	Close func(ctx context.Context, by person.Person, who person.ID) (person.Person, error)
	Now   func() time.Time
}

// Service is what people do with their own account. Safe for concurrent use.
type Service struct{ n Needs }

// New makes the service.
func New(n Needs) *Service {
	if n.Apps == nil {
		n.Apps = func(context.Context, person.ID) ([]App, error) { return nil, nil }
	}
	return &Service{n}
}

// own is somebody on their own page.
type own struct {
	person.Person
	session session.Session
}

// note writes what somebody did to their own account, where it changed nothing.
func (s *Service) note(r *http.Request, me own, kind audit.Kind, about string) error {
	return s.n.Log.Append(r.Context(), audit.Event{Person: me.ID, By: me.ID, Kind: kind, About: about, From: signin.From(r)})
}

// noteIn is note in a transaction of the caller's; e says whose and what.
func (s *Service) noteIn(ctx context.Context, q db.Querier, r *http.Request, e audit.Event) error {
	e.By, e.From = e.Person, signin.From(r)
	return audit.Append(ctx, q, core.At(s.n.Now()), e)
}

// also is noteIn for what writes it in a transaction of its own.
func (s *Service) also(r *http.Request, me own, kind audit.Kind, about string) credential.Also {
	return func(ctx context.Context, q db.Querier) error {
		return s.noteIn(ctx, q, r, audit.Event{Person: me.ID, Kind: kind, About: about})
	}
}

// change changes somebody's own account, and notes it where kind is not empty.
func (s *Service) change(r *http.Request, me own, kind audit.Kind, fn func(p *person.Person) error) error {
	return s.n.DB.Tx(r.Context(), func(ctx context.Context, q db.Querier) error {
		if _, err := person.Change(ctx, q, me.ID, fn); err != nil || kind == "" {
			return err
		}
		return s.noteIn(ctx, q, r, audit.Event{Person: me.ID, Kind: kind})
	})
}
