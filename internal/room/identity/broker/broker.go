package broker

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"code.dny.dev/ssrf"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/fit"
	"entrechat/internal/kit/jobs"
	"entrechat/internal/room/identity/home"
	"entrechat/internal/room/identity/key"
	"entrechat/internal/room/identity/move"
	"entrechat/internal/room/identity/person"
	"entrechat/internal/room/identity/provider"
	"entrechat/internal/room/identity/session"
	"entrechat/internal/room/identity/throttle"
)

// Where browsers, members and strangers reach the broker.
const (
	// PathElsewhere is where people say which hoster has their account; it takes the
	// ?flow= or ?next= of the sign-in page.
	PathElsewhere = "/sign-in/elsewhere"
	// PathConsents is a person's page of the members they agreed to.
	PathConsents = "/account/hosters"

	pathGo     = "/sign-in/elsewhere/go"
	pathBack   = "/oidc/back"
	pathLogout = "/oidc/logout"
	pathFinger = "/.well-known/webfinger"
)

const (
	awayLife = 30 * time.Minute // to sign in at home
	signLife = 50 * time.Second // of what we sign for a home, which takes a minute at most
	leeway   = 10 * time.Second // clocks of members
	idMax    = time.Hour + leeway
	seenLife = 10 * time.Minute
	pairLife = 100 * 24 * time.Hour // a session has surely ended then
	maxAway  = 20_000               // strangers make them
	homeYear = 365 * 24 * 60 * 60   // seconds that a browser remembers its home
)

// Needs is what the broker is made of; all of it is required but Private and Dial.
type Needs struct {
	DB   *db.DB
	Self core.MemberID
	// URL is our node's public address, without a slash at its end.
	URL   string
	Keys  *key.Set
	Homes *home.Homes
	// Follow takes over a visitor whose home changed, when what the new home shows holds;
	// move.Moves'.
	Follow   func(ctx context.Context, a move.Arrival) error
	Sessions *session.Sessions
	People   People
	// Flow finds a service's request in the browser it began in; provider.Provider's.
	Flow func(r *http.Request, id string) (provider.Flow, error)
	// EndAt ends, in a transaction, what a person let a member have; provider.Provider's.
	EndAt func(ctx context.Context, q db.Querier, who person.ID, member string) error
	// PerDay is how many new people a home may bring within a day.
	PerDay int64
	// Private allows members at addresses of this machine: for demos and tests.
	Private bool
	Dial    provider.Dial // nil = the real network
	Now     func() time.Time
	Log     *slog.Logger
}

// People answers who has an account here; person.Service is one.
type People interface {
	Get(ctx context.Context, id person.ID) (person.Person, error)
}

// Broker goes between people, homes and services. Safe for concurrent use.
type Broker struct {
	n       Needs
	calls   caller // of members, at any port: a member's name may have one
	fingers caller // of domains that strangers type
	meter   throttle.Meter
	finger  throttle.Meter
}

// New makes the broker.
func New(n Needs) *Broker {
	n.URL = strings.TrimSuffix(n.URL, "/")
	return &Broker{
		n: n, calls: newCaller(n.Private, n.Dial, ssrf.WithAnyPort()), fingers: newCaller(n.Private, n.Dial),
		meter:  throttle.Meter{Burst: 20, Every: 3 * time.Second, AllBurst: 200, AllEvery: 50 * time.Millisecond},
		finger: throttle.Meter{Burst: 5, Every: 20 * time.Second, AllBurst: 20, AllEvery: time.Second},
	}
}

func (b *Broker) now() core.Moment { return core.At(b.n.Now()) }

// Routes are for programs: members and who asks where our people sign in.
func (b *Broker) Routes() []fit.Route {
	return []fit.Route{
		{Pattern: "POST " + pathLogout, Handler: http.HandlerFunc(farewell{b}.logout)},
		{Pattern: "GET " + pathFinger, Handler: http.HandlerFunc(finder{b}.answerFinger)},
	}
}

// Jobs are the work of the running node.
func (b *Broker) Jobs() []jobs.Job {
	return []jobs.Job{{Name: "identity-away", Every: 10 * time.Minute, Jitter: time.Minute, Run: b.Forget}}
}

// Forget drops what ended.
func (b *Broker) Forget(ctx context.Context) error {
	return b.n.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		return forget(ctx, q, b.now(), b.now().Add(-pairLife))
	})
}

// Stands says whether a person may use a service here now, as far as their home is
// concerned: that of a visitor must be let in still, at this service (empty: at any). It is
// asked at each sign-in at a service and each use of a token, so that a member that was
// expelled or shut is out at once.
func (b *Broker) Stands(ctx context.Context, p person.Person, service string) (bool, error) {
	if p.Status != person.Active {
		return false, nil
	}
	if p.Kind == person.Local {
		return true, nil
	}
	places, err := b.n.Homes.Of(ctx, p.ID)
	if err != nil {
		return false, err
	}
	for _, v := range places {
		if v.State != home.Active {
			continue
		}
		switch _, err := b.n.Homes.Let(ctx, v.Home, service); core.CodeOf(err) {
		case "":
			return true, nil
		case core.CodeDenied, core.CodeNotFound:
		default:
			return false, err
		}
	}
	return false, nil
}

var errOther = errors.New("not what was asked for")
