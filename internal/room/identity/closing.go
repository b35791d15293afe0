package identity

import (
	"context"
	"errors"

	"entrechat/internal/core"
	"entrechat/internal/room/identity/move/legacy"
)

// Closings knows which services of ours end.
type Closings interface {
	// Closing says whether a service ends, or has ended, and its last day, "2026-12-24".
	Closing(ctx context.Context, service string) (lastDay string, closing bool, err error)
}

// Adopters knows who takes services of ours over.
type Adopters interface {
	// AdopterOf is who does, by a handover that both signed; false = nobody.
	AdopterOf(ctx context.Context, service string) (member core.MemberID, found bool, err error)
}

// ending knows whether our accounts end. Closings and Adopters may be nil: they do not.
type ending struct {
	closings func() (Closings, bool)
	adopters func() (Adopters, bool)
	page     string // where people read what to do
}

// lastDay is that of our accounts; empty while they do not end.
func (r ending) lastDay(ctx context.Context) (day string, err error) {
	if r.closings == nil {
		return "", nil
	}
	rooms, ok := r.closings()
	if !ok {
		return "", nil
	}
	day, ends, err := rooms.Closing(ctx, legacy.Accounts)
	if !ends {
		day = ""
	}
	return day, err
}

// newcomers refuses new accounts once ours end: nobody settles in a house that is torn down.
// Returns CodeDenied "identity.closing" with Day and Page, where people read where to go.
func (r ending) newcomers(ctx context.Context) error {
	day, err := r.lastDay(ctx)
	if err == nil && day != "" {
		err = core.Denied("identity.closing", errors.New("the accounts end")).With("Day", day).With("Page", r.page)
	}
	return err
}

// adopter is to whom alone a list may be signed over; empty while our accounts do not end. Returns
// CodeConflict "identity.no_adopter" where they end and nobody takes them over.
func (r ending) adopter(ctx context.Context) (core.MemberID, error) {
	day, err := r.lastDay(ctx)
	if err != nil || day == "" {
		return "", err
	}
	none := core.Conflict("identity.no_adopter", errors.New("no handover")).With("Day", day)
	if r.adopters == nil {
		return "", none
	}
	rooms, ok := r.adopters()
	if !ok {
		return "", none
	}
	to, found, err := rooms.AdopterOf(ctx, legacy.Accounts)
	if err == nil && !found {
		err = none
	}
	return to, err
}
