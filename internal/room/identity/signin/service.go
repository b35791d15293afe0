package signin

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/words"
	"entrechat/internal/room/identity/credential"
	"entrechat/internal/room/identity/person"
	"entrechat/internal/room/identity/session"
)

// People are who has an account; person.Service is one.
type People interface {
	Get(ctx context.Context, id person.ID) (person.Person, error)
	// Find finds by handle or verified address. Returns CodeNotFound.
	Find(ctx context.Context, text string) (person.Person, error)
}

// Passwords are what people know; credential.Service is one.
type Passwords interface {
	// CheckPassword says whether a password is a person's. For nobody it does the same work.
	CheckPassword(ctx context.Context, who person.ID, password string) (bool, error)
	// CheckNewcomer is CheckPassword where no account was found: who another directory lets in
	// has one from then on.
	CheckNewcomer(ctx context.Context, typed, password string) (who person.ID, ok bool, err error)
	// Hash checks a password by the rules and hashes it, outside of any transaction.
	Hash(ctx context.Context, password string, own ...string) (credential.Hashed, error)
	PutPassword(ctx context.Context, q db.Querier, who person.ID, h credential.Hashed) error
	List(ctx context.Context, who person.ID) (credential.Ways, error)
}

// Passkeys are what people's devices hold; credential.Service is one.
type Passkeys interface {
	// HavePasskeys says whether browsers allow passkeys at this node.
	HavePasskeys() bool
	BeginLogin(ctx context.Context, browser string, who person.ID) (credential.Ask, error)
	FinishLogin(ctx context.Context, a credential.Answer) (credential.Login, error)
	BeginPasskey(ctx context.Context, browser string, who person.Person) (credential.Ask, error)
	FinishPasskey(ctx context.Context, who person.ID, a credential.Answer, name string, also func(ctx context.Context, q db.Querier, made credential.Passkey) error) (credential.Passkey, error)
}

// Seconds are what people have beside a password.
type Seconds interface {
	// HasSecond says whether a person signs in with more than a password.
	HasSecond(ctx context.Context, who person.ID) (bool, error)
	// CheckTOTP takes a code of six digits, each once.
	CheckTOTP(ctx context.Context, who person.ID, code string) (bool, error)
	// UseRecovery takes a recovery code, each once, and writes also what goes with it.
	UseRecovery(ctx context.Context, who person.ID, code string, also ...credential.Also) (bool, error)
}

// Brake slows down who guesses.
type Brake interface {
	// Try waits as long as it must before a guess at an account from the browser that sent r.
	// Returns CodeUnsure for who must come back later. done says how it went.
	Try(r *http.Request, account string) (done func(good bool), err error)
	// TryOf is Try where one account has several names: its owner's guesses are one tally.
	// late says that there were enough under the other names: the answer must then be that
	// to a wrong guess.
	TryOf(r *http.Request, account, owner string) (done func(good bool), late bool, err error)
	// Remember knows this browser again at these accounts: strangers who guess do not slow
	// it down.
	Remember(w http.ResponseWriter, r *http.Request, accounts ...string)
}

// noBrake slows down nobody.
type noBrake struct{}

func (noBrake) Try(*http.Request, string) (func(bool), error) { return func(bool) {}, nil }

func (noBrake) TryOf(*http.Request, string, string) (func(bool), bool, error) {
	return func(bool) {}, false, nil
}

func (noBrake) Remember(http.ResponseWriter, *http.Request, ...string) {}

// Captcha keeps robots from asking for accounts; captcha.Captcha is one.
type Captcha interface {
	Challenge(purpose string) string
	// Check takes a solution once. Returns CodeInvalid.
	Check(ctx context.Context, purpose, challenge, solution string) error
}

// Flow is a service's request that waits for somebody to sign in.
type Flow struct {
	App  string // what the service is called
	Hint string // whom it expects; may be empty
	// Anew says that it wants its person to sign in once more, though signed in.
	Anew bool
	// TwoFactors says that it would like a passkey, or a password and a code.
	TwoFactors bool
}

// Needs is what signing in is made of.
type Needs struct {
	DB        *db.DB
	URL       string // where browsers reach the node
	People    People
	Passwords Passwords
	Seconds   Seconds
	Passkeys  Passkeys
	Sessions  *session.Sessions
	Brake     Brake // nil = nobody is slowed down
	Captcha   Captcha
	// Flow finds a service's request by its id, as the browser that sent r may see it; nil =
	// there are none.
	Flow func(r *http.Request, id string) (Flow, bool, error)
	// Elsewhere says that what somebody typed names another hoster, and where people of it
	// sign in; nil = there are none.
	Elsewhere func(r *http.Request, typed, flow, next string) (path string, ok bool, err error)
	// Newcomers refuses new accounts: we close; nil = it does not.
	Newcomers func(ctx context.Context) error
	// Mailer carries mails; nil = nobody does.
	Mailer   Mailer
	Settings Settings
	Hoster   core.MemberID // who we are, for mails
	Words    *words.Catalogue
	Now      func() time.Time
	Log      *slog.Logger
}

// Service signs people in. Safe for concurrent use.
type Service struct {
	n Needs
	*Mails
}

// New makes the service.
func New(n Needs) *Service {
	if n.Brake == nil {
		n.Brake = noBrake{}
	}
	if n.Flow == nil {
		n.Flow = func(*http.Request, string) (Flow, bool, error) { return Flow{}, false, nil }
	}
	if n.Elsewhere == nil {
		n.Elsewhere = func(*http.Request, string, string, string) (string, bool, error) { return "", false, nil }
	}
	if n.Newcomers == nil {
		n.Newcomers = func(context.Context) error { return nil }
	}
	return &Service{n, &Mails{n, make(chan struct{}, 1)}}
}
