package person

import (
	"context"
	"errors"

	"entrechat/internal/core"
	"entrechat/internal/kit/fit"
)

// Checks are what doctor asks of the cards.
func (p *Persons) Checks() []fit.Check {
	return []fit.Check{{Name: "custody.person.check_sealed", Run: p.checkSealed}}
}

// checkSealed: the addresses and contacts of who is here can be opened.
func (p *Persons) checkSealed(ctx context.Context) (fit.Finding, error) {
	rows, err := list(ctx, p.DB)
	if err != nil {
		return fit.Finding{}, err
	}
	here, lost := 0, 0
	for _, w := range rows {
		if !w.Here() {
			continue
		}
		here++
		if _, err := p.Box.Open(mailLabel(w.ID), w.mail); len(w.mail) > 0 && err != nil {
			lost++
		} else if _, err := p.unseal(w.contacts); len(w.contacts) > 0 && err != nil {
			lost++
		}
	}
	if here == 0 {
		return fit.Unknown("custody.person.nobody", nil), nil
	}
	if lost > 0 {
		return fit.Finding{}, core.Invalid("custody.person.sealed_lost", errors.New("sealed with another key")).With("Count", lost)
	}
	return fit.Well("custody.person.sealed_well", args{"Count": here}), nil
}
