package identity

import (
	"context"

	"entrechat/internal/room/identity/person"
)

// Handover is what other rooms are told of our people, for the day we close or are gone.
type Handover struct {
	people *person.Service
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
