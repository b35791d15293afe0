package identity

import (
	"context"

	"entrechat/internal/core"
	"entrechat/internal/room/identity/move"
	"entrechat/internal/room/identity/person"
)

// Handover is what other rooms are told of our people, for the day we close or are gone.
type Handover struct {
	people *person.Service
	moves  *move.Moves
}

// AccountsPack is what the successor of our accounts needs to make those of our people who chose to
// be handed over, as JSON of legacy.Left. It holds secrets. Returns CodeDenied
// "identity.move.no_successor" for a member that we do not name for them.
// spec: docs/spec/identity.md#a-home-that-died
func (h Handover) AccountsPack(ctx context.Context, to core.MemberID) ([]byte, error) {
	return h.moves.AccountsPack(ctx, to)
}

// EachPerson calls fn for each person with an active account of ours, by handle. id never
// changes; mail is verified, empty = none; lang is "fr" or "en"; choice is "handover",
// "archive" or "erase". Returns the first error of fn.
func (h Handover) EachPerson(ctx context.Context, fn func(id, handle, mail, lang, choice string) error) error {
	for f := (person.Filter{Kind: person.Local, Status: person.Active}); ; {
		some, err := h.people.List(ctx, f)
		if err != nil || len(some) == 0 {
			return err
		}
		for _, p := range some {
			f.After = p.Handle
			if err := fn(string(p.ID), p.Handle, p.Mail, p.Lang, string(p.Choice)); err != nil {
				return err
			}
		}
	}
}
