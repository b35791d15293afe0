package fill

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"entrechat/internal/kit/db"
	"entrechat/internal/kit/seal"
	"entrechat/internal/room/succession/pack"
	"entrechat/internal/room/succession/promise"

	"entrechat/internal/core"
)

// find is the open room that answers a question; false while there is none.
func find[T any](s *Filler) (answer T, ok bool) {
	for _, room := range s.n.Rooms() {
		if answer, ok = room.(T); ok {
			return answer, true
		}
	}
	return answer, false
}

// Needs is what packs are filled with; all of it is required.
type Needs struct {
	DB       *db.DB
	Dir      string // a folder for each service, which people fill
	Secrets  string // folder of the accounts' own key
	Lang     string // of what is written for our people: "fr", "en"
	Signer   seal.Signer
	Promises *promise.Promises
	Packs    *pack.Service
	// Rooms are the others that are open, see find.
	Rooms func() []any
	// Fetch gets a public document of ours.
	Fetch func(ctx context.Context, address string, limit int64) ([]byte, http.Header, error)
	Now   func() time.Time
	Log   *slog.Logger
}

// Filler makes our packs of what people wrote, and of what the machine proves. Safe for concurrent
// use.
type Filler struct{ n Needs }

// New makes it.
func New(n Needs) *Filler { return &Filler{n} }

func (s *Filler) now() core.Moment { return core.At(s.n.Now()) }

func (s *Filler) self() core.MemberID { return s.n.Signer.ID() }

const day = 24 * time.Hour

// Backups are those of the vault.
type Backups interface {
	Recipient(ctx context.Context, backup string) (string, error) // "age1..." of that backup
	Saved(ctx context.Context, backup string) (bytes int64, newest core.Moment, err error)
}

// Offers are the services of our catalogue: name is that of its file.
type Offers interface {
	EachService(ctx context.Context, fn func(name, title, program, version, website, terms string) error) error
}

// Looks are what watch looks at, and what runs there.
type Looks interface {
	EachTarget(ctx context.Context, fn func(service, address string) error) error
	EachProgram(ctx context.Context, fn func(service, program, version string) error) error
}

// Accounts are the people of ours.
type Accounts interface {
	EachPerson(ctx context.Context, fn func(id, handle, mail, lang, choice string) error) error
}

// Left is what successors make our accounts from; it holds secrets.
type Left interface {
	AccountsPack(ctx context.Context, to core.MemberID) ([]byte, error)
}

// Drills are the rehearsals of runbooks. Returns CodeNotFound for a runbook that there is not;
// at is zero for one that was never rehearsed to its end.
type Drills interface {
	Drilled(ctx context.Context, runbook string) (at core.Moment, took time.Duration, err error)
}

// Registry tells when a domain ends; zero where the registry does not say. Returns CodeUnsure
// where it does not answer.
type Registry interface {
	Expiry(ctx context.Context, domain string) (core.Moment, error)
}
