package person

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"time"

	"filippo.io/age"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/seal"
)

// Persons keeps the cards. Safe for concurrent use.
type Persons struct {
	DB  *db.DB
	Box seal.Box // seals mail addresses at rest
	// Own opens contact sheets on this node; each of our admins can open them without it.
	Own *age.X25519Identity
	Now func() time.Time
}

// Add makes a card. Returns what ParseKey and ParseRecipient do, CodeInvalid
// "custody.person.bad_name", "custody.person.bad_mail" or "custody.person.bad_text",
// CodeConflict "custody.person.taken" where somebody here has that name or key, CodeFull
// "custody.person.too_many".
func (p *Persons) Add(ctx context.Context, n New) (Card, error) {
	c, err := n.card(core.At(p.Now()))
	if err != nil {
		return c, err
	}
	err = p.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		rows, err := list(ctx, q)
		if err != nil {
			return err
		}
		if len(rows) >= maxPeople {
			return core.Full("custody.person.too_many", errors.New("too many cards")).With("Most", maxPeople)
		}
		for _, w := range rows {
			if w.Here() && (strings.EqualFold(w.Name, c.Name) || w.Key == c.Key) {
				return core.Conflict("custody.person.taken", errors.New("the name or the key is another's")).With("Name", w.Name)
			}
		}
		w := row{Card: c}
		if c.Mail != "" {
			w.mail = p.Box.Seal(mailLabel(c.ID), []byte(c.Mail))
		}
		if err := insert(ctx, q, w); err != nil {
			return err
		}
		return p.sealAgain(ctx, q)
	})
	return c, err
}

func mailLabel(id ID) string { return "custody person mail " + string(id) }

// open gives a stored card its address. One that cannot be opened is left out: the card is
// good without it, and doctor tells.
func (p *Persons) open(w row) Card {
	if len(w.mail) > 0 {
		if address, err := p.Box.Open(mailLabel(w.ID), w.mail); err == nil {
			w.Mail = string(address)
		}
	}
	return w.Card
}

// Get answers a card by its id, of who left too. Returns CodeNotFound "custody.person.none".
func (p *Persons) Get(ctx context.Context, id ID) (Card, error) {
	w, err := get(ctx, p.DB, id)
	return p.open(w), err
}

// All are the cards of who is here, by name.
func (p *Persons) All(ctx context.Context) ([]Card, error) {
	all, err := p.Ever(ctx)
	here := make([]Card, 0, len(all))
	for _, c := range all {
		if c.Here() {
			here = append(here, c)
		}
	}
	return here, err
}

// Ever are all cards, those who left last.
func (p *Persons) Ever(ctx context.Context) ([]Card, error) {
	rows, err := list(ctx, p.DB)
	cards := make([]Card, 0, len(rows))
	for _, w := range rows {
		cards = append(cards, p.open(w))
	}
	return cards, err
}

// Find finds who is here by what people type: the name, the account, or at least six signs
// of the id. Returns CodeNotFound "custody.person.none".
func (p *Persons) Find(ctx context.Context, text string) (Card, error) {
	text = strings.TrimSpace(text)
	all, err := p.All(ctx)
	if err != nil {
		return Card{}, err
	}
	for _, c := range all {
		if text != "" && (strings.EqualFold(c.Name, text) || strings.EqualFold(c.Account, text) || len(text) >= 6 && strings.HasPrefix(string(c.ID), text)) {
			return c, nil
		}
	}
	return Card{}, core.NotFound("custody.person.none", errors.New("nobody has that name, account or id"))
}

// Names are the names of all cards by id, for pages of our own admins. A name that was
// forgotten is left out.
func (p *Persons) Names(ctx context.Context) (map[ID]string, error) {
	rows, err := list(ctx, p.DB)
	names := make(map[ID]string, len(rows))
	for _, w := range rows {
		if w.Name != "" {
			names[w.ID] = w.Name
		}
	}
	return names, err
}

// SetRole says what a person does for a service; the empty role takes it away.
func (p *Persons) SetRole(ctx context.Context, d Duty) error {
	service, err := ParseService(d.Service)
	if err != nil {
		return err
	}
	d.Service = service
	if d.Role == "" {
		return dropRole(ctx, p.DB, d.Service, d.Person)
	}
	return setRole(ctx, p.DB, d)
}

// Duties are all roles, by service.
func (p *Persons) Duties(ctx context.Context) ([]Duty, error) { return duties(ctx, p.DB) }

// Leave notes that a person left: mail, contacts, account and roles are removed at once, the
// name a year later. Returns CodeNotFound "custody.person.none".
func (p *Persons) Leave(ctx context.Context, id ID) error {
	return p.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		if _, err := get(ctx, q, id); err != nil {
			return err
		}
		if err := leave(ctx, q, id, core.At(p.Now())); err != nil {
			return err
		}
		if err := dropRoles(ctx, q, id); err != nil {
			return err
		}
		return p.sealAgain(ctx, q)
	})
}

// Forget removes the names of who left a year ago.
func (p *Persons) Forget(ctx context.Context) error {
	return forget(ctx, p.DB, core.At(p.Now()).Add(-remember))
}

// SetMail changes where notices go; empty removes it. Returns CodeNotFound
// "custody.person.none", CodeInvalid "custody.person.bad_mail".
func (p *Persons) SetMail(ctx context.Context, id ID, typed string) error {
	address, err := parseMail(typed)
	if err != nil {
		return err
	}
	var sealed []byte
	if address != "" {
		sealed = p.Box.Seal(mailLabel(id), []byte(address))
	}
	return setMail(ctx, p.DB, id, sealed)
}

// SetContacts keeps how a person is reached: plain text, at most 4 KiB, sealed to this node and
// to each of our admins. Empty removes it. Returns CodeInvalid "custody.person.bad_contacts".
func (p *Persons) SetContacts(ctx context.Context, id ID, text string) error {
	if len(text) > maxContacts {
		return core.Invalid("custody.person.bad_contacts", errors.New("too long")).With("Most", core.Size(maxContacts))
	}
	return p.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		if _, err := get(ctx, q, id); err != nil {
			return err
		}
		if text == "" {
			return setContacts(ctx, q, id, nil)
		}
		rows, err := list(ctx, q)
		if err != nil {
			return err
		}
		sealed, err := p.seal(rows, []byte(text))
		if err != nil {
			return err
		}
		return setContacts(ctx, q, id, sealed)
	})
}

// Contacts opens how a person is reached; empty = nothing was written. Returns CodeNotFound
// "custody.person.none", CodeInvalid "custody.person.sealed_otherwise" where this node's key
// is not the one it was sealed to.
func (p *Persons) Contacts(ctx context.Context, id ID) (string, error) {
	w, err := get(ctx, p.DB, id)
	if err != nil || len(w.contacts) == 0 {
		return "", err
	}
	text, err := p.unseal(w.contacts)
	return string(text), err
}

// SealedContacts is the age file of a contacts, which each of our admins opens with `age -d`;
// nil = nothing was written.
func (p *Persons) SealedContacts(ctx context.Context, id ID) ([]byte, error) {
	w, err := get(ctx, p.DB, id)
	if len(w.contacts) == 0 {
		return nil, err
	}
	return w.contacts, err
}

// seal encrypts to this node and to everybody who is here.
func (p *Persons) seal(rows []row, text []byte) ([]byte, error) {
	to := []age.Recipient{p.Own.Recipient()}
	for _, w := range rows {
		if !w.Here() {
			continue
		}
		r, err := w.Recipient()
		if err != nil {
			return nil, err
		}
		to = append(to, r)
	}
	var out bytes.Buffer
	w, err := age.Encrypt(&out, to...)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(text); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

func (p *Persons) unseal(sealed []byte) ([]byte, error) {
	r, err := age.Decrypt(bytes.NewReader(sealed), p.Own)
	if err != nil {
		return nil, core.Invalid("custody.person.sealed_otherwise", err)
	}
	return io.ReadAll(io.LimitReader(r, maxContacts))
}

// sealAgain seals every sheet to exactly who is here now. A sheet that this node cannot open
// stays as it is.
func (p *Persons) sealAgain(ctx context.Context, q db.Querier) error {
	rows, err := list(ctx, q)
	if err != nil {
		return err
	}
	for _, w := range rows {
		if len(w.contacts) == 0 {
			continue
		}
		text, err := p.unseal(w.contacts)
		if core.CodeOf(err) == core.CodeInvalid {
			continue
		}
		if err != nil {
			return err
		}
		sealed, err := p.seal(rows, text)
		if err != nil {
			return err
		}
		if err := setContacts(ctx, q, w.ID, sealed); err != nil {
			return err
		}
	}
	return nil
}
