package provider

import (
	"context"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/fit"
	"entrechat/internal/kit/web"
	"entrechat/internal/room/identity/client"
	"entrechat/internal/room/identity/key"
	"entrechat/internal/room/identity/person"
)

// The lives of what is handed out.
const (
	codeLife    = time.Minute
	tokenLife   = 10 * time.Minute
	idLife      = time.Hour
	refreshLife = 30 * 24 * time.Hour // from its last use
	offlineLife = 180 * 24 * time.Hour
	flowLife    = 30 * time.Minute
	pushedLife  = time.Minute
	leeway      = 10 * time.Second // clocks of members
	// assertionLife bounds `exp` of what a member signs.
	assertionLife = time.Minute
)

// maxFlows bounds how many flows wait: strangers make them.
const maxFlows = 50_000

// Login says who is signed in in a browser.
type Login struct {
	Person  person.ID
	At      core.Moment // when they last proved that it is them
	AMR     []string    // how, by RFC 8176; "mfa" says with two factors, or a passkey that asked
	Session string      // of this browser; it ends at sign-out
}

// Browser is the session in the browser that sent a request.
type Browser interface {
	Person(r *http.Request) (Login, bool, error)
	// Lives says whether a session (Login.Session) has not ended.
	Lives(ctx context.Context, q db.Querier, session string) (bool, error)
	// End signs the browser out; it leads to Provider.Ended.
	End(w http.ResponseWriter, r *http.Request) error
}

// Account is what of a person a service may be told.
type Account struct {
	Handle string
	Name   string // may be empty
	Lang   string
	Mail   string   // verified; empty = none
	Groups []string // organisations, as far as they concern the service
	// Moves are the releases by which the person came to this hoster, for other members only.
	Moves []string
}

// People answers who somebody is, and where they may go.
type People interface {
	// Account is a person as a client may see it; false for who may not sign in now.
	Account(ctx context.Context, id person.ID, clientID string) (Account, bool, error)
	// May says whether a person may use a service.
	May(ctx context.Context, id person.ID, clientID string) (bool, error)
}

// Members are the other hosters whose services our people may sign in at.
type Members interface {
	// Member is a member as a client, by its name (core.MemberID). Returns CodeNotFound, and
	// CodeDenied for one whose services our people may not sign in at.
	Member(ctx context.Context, id string) (client.Client, error)
	// Consent says whether a person agreed that this member is told these scopes.
	Consent(ctx context.Context, member string, id person.ID, scopes []string) (bool, error)
}

// Needs is what the provider is made of; all of it is required but Members and Dial.
type Needs struct {
	DB *db.DB
	// Issuer is our node's public address, without a slash at its end.
	Issuer  string
	Keys    *key.Set
	Browser Browser
	People  People
	Members Members // nil = there are none
	// Private allows logout tokens to members at addresses of this machine: for demos and tests.
	Private bool
	Dial    Dial // nil = the real network
	Now     func() time.Time
	Log     *slog.Logger
}

// Provider is the OpenID Provider. Safe for concurrent use.
type Provider struct {
	n        Needs
	engine   http.Handler
	site     atomic.Pointer[web.Site]
	views    atomic.Pointer[views]
	flows    counter
	codes    codes
	counts   counts
	services services
	calls    callers
	slow     slow
}

// New makes the provider.
func New(n Needs) (*Provider, error) {
	p := &Provider{n: n, calls: newCallers(n.Private, n.Dial)}
	var err error
	p.engine, err = newEngine(p)
	return p, err
}

// Where people are sent on their way.
const (
	// PathSignIn gets the flow as ?flow=.
	PathSignIn = "/sign-in"
	// PathConsent gets the flow as ?flow=.
	PathConsent = "/sign-in/consent"
	// PathNext goes on with ?flow= when somebody is signed in; &cancel=1 ends it.
	PathNext = "/oidc/authorize/next"

	pathAuthorize = "/oidc/authorize"
	pathPAR       = "/oidc/par"
	pathToken     = "/oidc/token"
	pathUserinfo  = "/oidc/userinfo"
	pathIntro     = "/oidc/introspect"
	pathRevoke    = "/oidc/revoke"
	pathJWKS      = "/oidc/jwks"
	pathEnd       = "/oidc/end-session"
	pathEndAsk    = "/sign-out/service"
	pathDiscovery = "/.well-known/openid-configuration"
)

// front answers browsers and programs.
type front struct{ *Provider }

// Routes are the provider's endpoints, for programs and for browsers on their way.
func (p *Provider) Routes() []fit.Route {
	f := front{p}
	route := func(pattern string, h http.HandlerFunc) fit.Route {
		return fit.Route{Pattern: pattern, Handler: f.bounded(h)}
	}
	return []fit.Route{
		route("GET "+pathDiscovery, f.discovery),
		route("GET "+pathJWKS, f.jwks),
		route("GET "+pathAuthorize, f.authorize),
		route("POST "+pathAuthorize, f.again),
		route("GET "+PathNext, f.next),
		route("POST "+pathPAR, f.program(pathPAR)),
		route("POST "+pathToken, f.program(pathToken)),
		route("POST "+pathIntro, f.program(pathIntro)),
		route("POST "+pathRevoke, f.program(pathRevoke)),
		route("GET "+pathUserinfo, f.userinfo),
		route("POST "+pathUserinfo, f.userinfo),
		route("GET "+pathEnd, farewell{f}.endSession),
		route("POST "+pathEnd, f.again),
	}
}

const (
	maxQuery = 8 << 10  // bytes of an address
	maxBody  = 64 << 10 // bytes of a form
)

// bounded keeps what a stranger can send small. What is done then does not end when the
// caller goes away: it takes a few statements, and being able to break off each costs two
// goroutines a statement.
func (p front) bounded(next http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if len(r.URL.RawQuery) > maxQuery {
			p.refuse(w, r, core.Invalid("identity.provider.too_long", errTooLong))
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		next(w, r.WithContext(context.WithoutCancel(r.Context())))
	})
}

func (p *Provider) now() core.Moment { return core.At(p.n.Now()) }

// client finds a client by its id: a service of ours, or a member by its name, which has a
// dot or a port.
func (p *Provider) client(ctx context.Context, id string) (client.Client, error) {
	if len(id) > maxClientID {
		return client.Client{}, core.NotFound("identity.client.unknown", errTooLong).With("Name", "")
	}
	if client.IsMember(id) {
		if p.n.Members == nil {
			return client.Client{}, core.NotFound("identity.client.unknown", errNoMember).With("Name", id)
		}
		return p.n.Members.Member(ctx, id)
	}
	return p.services.get(ctx, p, id)
}

const maxClientID = 300
