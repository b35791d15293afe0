package signin

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/room/identity/person"
	"entrechat/internal/room/identity/session"
)

// People are who has an account; person.Service is one.
type People interface {
	Get(ctx context.Context, id person.ID) (person.Person, error)
	// Find finds by handle or verified address. Returns CodeNotFound.
	Find(ctx context.Context, text string) (person.Person, error)
}

// Passwords are what people know.
type Passwords interface {
	// CheckPassword says whether a password is a person's. For nobody it does the same work.
	CheckPassword(ctx context.Context, who person.ID, password string) (bool, error)
}

// Seconds are what people have beside a password.
type Seconds interface {
	// HasSecond says whether a person signs in with more than a password.
	HasSecond(ctx context.Context, who person.ID) (bool, error)
	// CheckTOTP takes a code of six digits, each once.
	CheckTOTP(ctx context.Context, who person.ID, code string) (bool, error)
	// UseRecovery takes a recovery code, each once.
	UseRecovery(ctx context.Context, who person.ID, code string) (bool, error)
}

// Brake slows down who guesses.
type Brake interface {
	// Try waits as long as it must before a guess at an account from the browser that sent r.
	// Returns CodeUnsure for who must come back later. done says how it went.
	Try(r *http.Request, account string) (done func(good bool), err error)
}

// Flow is a service's request that waits for somebody to sign in.
type Flow struct {
	App  string // what the service is called
	Hint string // whom it expects; may be empty
}

// Needs is what signing in is made of.
type Needs struct {
	DB        *db.DB
	URL       string // where browsers reach the node
	People    People
	Passwords Passwords
	Seconds   Seconds
	Sessions  *session.Sessions
	Brake     Brake
	// Flow finds a service's request by its id, as the browser that sent r may see it; nil =
	// there are none.
	Flow func(r *http.Request, id string) (Flow, bool, error)
	Now  func() time.Time
	Log  *slog.Logger
}

// Service signs people in. Safe for concurrent use.
type Service struct{ n Needs }

// New makes the service.
func New(n Needs) *Service {
	if n.Flow == nil {
		n.Flow = func(*http.Request, string) (Flow, bool, error) { return Flow{}, false, nil }
	}
	return &Service{n}
}

func (s *Service) now() core.Moment { return core.At(s.n.Now()) }
