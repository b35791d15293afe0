package identity

import (
	"context"
	"embed"
	"errors"
	"io/fs"
	"log/slog"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/fit"
	"entrechat/internal/kit/jobs"
	"entrechat/internal/kit/words"
	"entrechat/internal/room/identity/audit"
	"entrechat/internal/room/identity/client"
	"entrechat/internal/room/identity/credential"
	"entrechat/internal/room/identity/imports"
	"entrechat/internal/room/identity/imports/ldap"
	"entrechat/internal/room/identity/key"
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
		audit.Words,
		client.Words,
		credential.Words,
		imports.Words,
		ldap.Words,
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

// Needs is what the room is wired with; all of it is required.
type Needs struct {
	DB     *db.DB
	Words  *words.Catalogue
	Origin core.MemberID // who we are
	URL    string        // where browsers reach this node: the issuer that services know
	Now    func() time.Time
	Log    *slog.Logger
}

// Room is identity, open.
type Room struct {
	Needs
	Persons       *person.Service
	Organisations *organisation.Service
	Audit         *audit.Log
	People        *people.Service
}

// New opens the room.
func New(n Needs) *Room {
	r := &Room{
		Needs: n, Persons: &person.Service{DB: n.DB, Now: n.Now}, Organisations: &organisation.Service{DB: n.DB, Now: n.Now},
		Audit: &audit.Log{DB: n.DB, Now: n.Now},
	}
	r.People = &people.Service{DB: n.DB, People: r.Persons, Organisations: r.Organisations, Log: r.Audit, Now: n.Now, Out: r.signOut}
	return r
}

// signOut ends everything a person is signed in to, by what each part of the room keeps.
func (r *Room) signOut(ctx context.Context, q db.Querier, who person.ID) error {
	var errs []error
	for _, end := range []func(ctx context.Context, q db.Querier, who person.ID) error{} {
		errs = append(errs, end(ctx, q, who))
	}
	return errors.Join(errs...)
}

// Fittings are what the room hands to the house.
func (r *Room) Fittings() fit.Fittings {
	return fit.Fittings{
		Name: "identity",
		Jobs: []jobs.Job{
			{Name: "identity_audit", Every: 24 * time.Hour, Run: r.Audit.Tidy},
		},
		Checks: []fit.Check{{Name: "identity.check_audit", Run: r.checkAudit}},
	}
}

// checkAudit says whether the log of accounts is as it was written.
func (r *Room) checkAudit(ctx context.Context) (fit.Finding, error) {
	rows, err := r.Audit.Verify(ctx)
	if err != nil {
		return fit.Finding{}, err
	}
	return fit.Well("identity.audit_well", map[string]any{"Rows": rows}), nil
}
