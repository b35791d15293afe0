package custody

import (
	"context"
	"strings"

	"entrechat/internal/room/custody/deal"
	"entrechat/internal/room/custody/person"
)

// people are our own persons, as deals know them.
type people struct{ *person.Persons }

// Admin finds a person by what somebody typed. Returns CodeNotFound.
func (p people) Admin(ctx context.Context, typed string) (deal.Admin, error) {
	card, err := p.Find(ctx, typed)
	if err != nil {
		return deal.Admin{}, err
	}
	to, err := card.Recipient()
	return deal.Admin{ID: string(card.ID), Place: card.Place(), Recipient: to}, err
}

// Cards are the keys of all who are here.
func (p people) Cards(ctx context.Context) ([]deal.Card, error) {
	all, err := p.All(ctx)
	out := make([]deal.Card, 0, len(all))
	for _, c := range all {
		out = append(out, deal.Card{ID: string(c.ID), Key: c.Key})
	}
	return out, err
}

// Contacts says whom a holder calls back: what each person wrote, below the name.
func (p people) Contacts(ctx context.Context) ([]byte, error) {
	const most = 12 << 10 // bytes, so that it fits sealed
	all, err := p.All(ctx)
	if err != nil {
		return nil, err
	}
	var b strings.Builder
	for _, c := range all {
		text, err := p.Persons.Contacts(ctx, c.ID)
		if err != nil {
			return nil, err
		}
		if text != "" && b.Len()+len(c.Name)+len(text)+3 <= most {
			b.WriteString(c.Name + "\n" + text + "\n\n")
		}
	}
	return []byte(b.String()), nil
}
