package identity

import (
	"context"

	"entrechat/internal/core"
	"entrechat/internal/room/identity/person"
)

// ProvedMail is the address that a person of ours proved to be theirs; empty for who has none, or
// no active account here. What another member says of its people's addresses proves nothing here.
func (h Handover) ProvedMail(ctx context.Context, id string) (string, error) {
	p, err := h.people.Get(ctx, person.ID(id))
	if core.CodeOf(err) == core.CodeNotFound {
		return "", nil
	}
	if err != nil || p.Kind != person.Local || p.Status != person.Active {
		return "", err
	}
	return p.Mail, nil
}
