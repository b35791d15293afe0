package pact

import (
	"cmp"
	"strings"

	"entrechat/internal/core"
	"entrechat/internal/room/trust/document"
)

// Card is what a party of a pact says of itself, each for itself: the proposer
// inside the proposal, the other in its acceptance. It holds a contact, so it
// stays with the two and enters no logbook. Every field may be empty.
type Card struct {
	Name    string `json:"name,omitzero"`    // of the organisation
	Place   string `json:"place,omitzero"`   // where its disks stand: town, country
	Network string `json:"network,omitzero"` // hosting provider or network
	Admin   string `json:"admin,omitzero"`   // who administers it; one label on every node one team runs
	Contact string `json:"contact,omitzero"` // a role address, never a private one
	Limits  string `json:"limits,omitzero"`  // what it cannot do, several lines
}

// Check returns CodeInvalid for a card that could not be printed as it is.
func (c Card) Check() error {
	for _, f := range []struct{ name, value string }{
		{"name", c.Name},
		{"place", c.Place},
		{"network", c.Network},
		{"admin", c.Admin},
		{"contact", c.Contact},
	} {
		if err := document.CheckLine(f.name, f.value); err != nil {
			return err
		}
	}
	return document.CheckProse("limits", c.Limits, document.MaxProse)
}

// Over fills what the card leaves empty from defaults.
func (c Card) Over(defaults Card) Card {
	return Card{
		Name:    cmp.Or(c.Name, defaults.Name),
		Place:   cmp.Or(c.Place, defaults.Place),
		Network: cmp.Or(c.Network, defaults.Network),
		Admin:   cmp.Or(c.Admin, defaults.Admin),
		Contact: cmp.Or(c.Contact, defaults.Contact),
		Limits:  cmp.Or(c.Limits, defaults.Limits),
	}
}

// site is the failure domain the card places its disks in: the place, or the
// network where no place is given. Case and spacing do not make two places.
func (c Card) site() string {
	if s := fold(c.Place); s != "" {
		return s
	}
	return fold(c.Network)
}

func fold(s string) string { return strings.ToLower(strings.Join(strings.Fields(s), " ")) }

// Lender is what the card makes of a grant for the rooms that spread data.
func (c Card) Lender(id core.MemberID, g core.Grant) core.Lender {
	return core.Lender{ID: id, Grant: g, Site: c.site(), Admin: fold(c.Admin)}
}
