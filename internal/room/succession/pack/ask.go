package pack

import (
	"context"
	"net/http"
	"time"

	"entrechat/internal/core"
)

// Ask is what packs ask of other rooms. Each answers false while there is nobody to ask.
type Ask struct {
	Backups  func() (Backups, bool)
	Offers   func() (Offers, bool)
	Looks    func() (Looks, bool)
	Accounts func() (Accounts, bool)
	Drills   func() (Drills, bool)
	Registry func() (Registry, bool)
	// Fetch gets a public document of ours or of a supplier.
	Fetch func(ctx context.Context, address string, limit int64) ([]byte, http.Header, error)
}

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
