package person

import (
	"context"
	"errors"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
)

// Depart makes a person of ours a visitor: their account is at another home now. Id, handle
// and what services were told stay theirs; roles end. Returns CodeNotFound, CodeConflict
// "identity.person.not_ours" for who has no account here, and "identity.person.last_admin".
func Depart(ctx context.Context, q db.Querier, id ID) (Person, error) {
	p, err := Get(ctx, q, id)
	if err != nil {
		return p, err
	}
	if p.Kind != Local || p.Status != Active {
		return p, core.Conflict("identity.person.not_ours", errors.New("no active account here"))
	}
	was := p
	p.Kind, p.Roles = Visitor, nil
	if err := relocate(ctx, q, p); err != nil {
		return p, err
	}
	return p, keepAdmin(ctx, q, was, p)
}

// Arrive makes a visitor a person of ours, under a handle that Reserve set aside for them.
// Returns CodeNotFound, CodeConflict "identity.person.not_visitor".
func Arrive(ctx context.Context, q db.Querier, id ID, handle string) (Person, error) {
	p, err := Get(ctx, q, id)
	if err != nil {
		return p, err
	}
	owner, err := ownerOf(ctx, q, handle)
	if err != nil {
		return p, err
	}
	if p.Kind != Visitor || p.Status != Active || owner != id {
		return p, core.Conflict("identity.person.not_visitor", errors.New("no active visitor, or another's handle"))
	}
	p.Kind, p.Handle = Local, handle
	return p, relocate(ctx, q, p)
}

// Reserve sets a handle aside for somebody; one that was theirs before is theirs. Returns
// what ParseHandle does, CodeConflict "identity.person.handle_taken".
func Reserve(ctx context.Context, q db.Querier, id ID, typed string, now core.Moment) (string, error) {
	handle, err := ParseHandle(typed)
	if err != nil {
		return "", err
	}
	taken, err := takeHandle(ctx, q, handle, id, now)
	if err != nil || taken {
		return handle, err
	}
	owner, err := ownerOf(ctx, q, handle)
	if err == nil && owner != id {
		err = core.Conflict("identity.person.handle_taken", errors.New("the handle was given before")).With("Handle", handle)
	}
	return handle, err
}
