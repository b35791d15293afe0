package ldap

import (
	"context"
	"errors"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/room/identity/credential"
	"entrechat/internal/room/identity/imports"
	"entrechat/internal/room/identity/person"
)

// Source is how people of a living directory are known again (imports.Service.Adopt).
const Source = "ldap"

// People lets people of a directory in; all of it is required.
type People struct {
	*Directory
	DB          *db.DB
	Credentials *credential.Service
	Imports     *imports.Service
}

// SignIn says who somebody is that no account of ours was found for: when the directory says
// that the password is right, their account here, made at the first time. ok is false for
// a wrong password. The account is never one that was here before under the same name or
// address, but one that came from this directory. Returns what Bind and imports.Service.Adopt do.
func (p *People) SignIn(ctx context.Context, typed, password string) (who person.ID, ok bool, err error) {
	e, ok, err := p.Bind(ctx, typed, password)
	if err != nil || !ok {
		return "", false, err
	}
	if who, err = p.known(ctx, e); who != "" || err != nil {
		return who, err == nil, err
	}
	rec := imports.Record{UID: e.UID, Name: e.Name}
	if p.Verified {
		rec.Mail = e.Mail
	}
	// The lasting name is what they are known by again: a user name can be given to another.
	if err := p.Imports.Adopt(ctx, Source, e.ID, rec, credential.OutsideHash(e.ID)); err != nil {
		return "", false, err
	}
	// Nobody, where their account here has a password of its own by now, or was closed.
	who, err = p.known(ctx, e)
	return who, who != "" && err == nil, err
}

// known is whose password the directory checks under the entry's name; empty = nobody's.
func (p *People) known(ctx context.Context, e Entry) (person.ID, error) {
	who, err := p.Credentials.ByOutsideName(ctx, p.DB, e.ID)
	if errors.Is(err, db.ErrNoRow) {
		return "", nil
	}
	return who, err
}

// Check is credential.Needs.Outside: the password of somebody whom SignIn let in before.
func (p *People) Check(ctx context.Context, name, password string) (bool, error) {
	return p.BindID(ctx, name, password)
}

// off is the error of commands where there is no directory.
func off() error { return core.NotFound("identity.ldap.off", errors.New("no directory")) }
