package duty

import (
	"context"
	"errors"
	"slices"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/fit"
	"entrechat/internal/kit/obs"
	"entrechat/internal/kit/words"
)

// Service has the duties of our own admins. All fields are required.
type Service struct {
	DB    *db.DB
	Words *words.Catalogue
	Self  core.MemberID
	// People are our own admins' cards.
	People func(ctx context.Context) ([]Person, error)
	// Accounts are the handles of the accounts here that are admins.
	Accounts func(ctx context.Context) ([]string, error)
	// Pacts are those in force.
	Pacts func(ctx context.Context) ([]Pact, error)
	// Said are the lines a hoster wrote itself of what it cannot do, as they are today.
	Said func(ctx context.Context) ([]string, error)
	Now  func() time.Time
}

func (s *Service) now() core.Moment { return core.At(s.Now()) }

// Stand is how it stands with one of our own admins.
type Stand struct {
	Person string      `json:"person,omitempty"` // id of a card; empty = none
	Name   string      `json:"name"`             // of an account without a card: its handle
	State  State       `json:"state"`
	Way    Way         `json:"way,omitempty"`
	Signed core.Moment `json:"signed_us"`
	Until  core.Moment `json:"until_us"` // 0 = it does not count now
}

// List is everybody who has to sign: who has a card, and admins' accounts without one.
func (s *Service) List(ctx context.Context) ([]Stand, error) {
	people, err := s.People(ctx)
	if err != nil {
		return nil, err
	}
	signed, err := all(ctx, s.DB)
	if err != nil {
		return nil, err
	}
	accounts, err := s.Accounts(ctx)
	if err != nil {
		return nil, err
	}
	out := make([]Stand, 0, len(people)+len(accounts))
	for _, p := range people {
		accounts = slices.DeleteFunc(accounts, func(handle string) bool { return handle == p.Account })
		one := Stand{Person: p.ID, Name: p.Name, State: Unsigned}
		if sig, ok := signed[p.ID]; ok {
			one.State, one.Way, one.Signed = Judge(&sig, s.now()), sig.Way, sig.Signed
			if one.State.Counts() {
				one.Until = sig.Signed.Add(holds)
			}
		}
		out = append(out, one)
	}
	for _, handle := range accounts {
		out = append(out, Stand{Name: handle, State: NoCard})
	}
	return out, nil
}

// Count says how many have signed, of how many.
func (s *Service) Count(ctx context.Context) (signed, total int, err error) {
	list, err := s.List(ctx)
	for _, one := range list {
		if one.State.Counts() {
			signed++
		}
	}
	return signed, len(list), err
}

func (s *Service) find(ctx context.Context, ok func(p Person) bool) (Person, error) {
	people, err := s.People(ctx)
	if err != nil {
		return Person{}, err
	}
	found := slices.DeleteFunc(people, func(p Person) bool { return !ok(p) })
	if len(found) != 1 {
		return Person{}, core.NotFound("custody.duty.no_person", errors.New("not one card"))
	}
	return found[0], nil
}

// Named is the card of that id, or the only one of that name. Returns CodeNotFound.
func (s *Service) Named(ctx context.Context, text string) (Person, error) {
	if p, err := s.find(ctx, func(p Person) bool { return p.ID == text }); err == nil {
		return p, nil
	}
	return s.find(ctx, func(p Person) bool { return p.Name == text })
}

// Of is the card that names an account. Returns CodeNotFound.
func (s *Service) Of(ctx context.Context, handle string) (Person, error) {
	return s.find(ctx, func(p Person) bool { return handle != "" && p.Account == handle })
}

// SignKey takes what ssh-keygen wrote over the text of one of the last seven days. Returns
// what Person.Verify does, CodeDenied "custody.duty.other_text".
func (s *Service) SignKey(ctx context.Context, who Person, signature string) (Stand, error) {
	text, err := verify(s.Words, s.Self, who, signature, s.Now())
	if err != nil {
		return Stand{}, err
	}
	return s.keep(ctx, who, Signature{Way: ByKey, Hash: hashOf(text), Signature: signature})
}

// SignAccount takes the word of who is signed in with an account here. Returns CodeNotFound
// for an account that no card names.
func (s *Service) SignAccount(ctx context.Context, handle, lang string) (Stand, error) {
	who, err := s.Of(ctx, handle)
	if err != nil {
		return Stand{}, err
	}
	return s.keep(ctx, who, Signature{Way: ByAccount, Hash: hashOf(Text(s.Words.Printer(lang), s.Self, who.ID, s.Now()))})
}

func (s *Service) keep(ctx context.Context, who Person, sig Signature) (Stand, error) {
	sig.Person, sig.Version, sig.Signed = who.ID, Version, s.now()
	return Stand{who.ID, who.Name, Signed, sig.Way, sig.Signed, sig.Signed.Add(holds)}, put(ctx, s.DB, sig)
}

// Limits is how it stands with the limits in each pact.
func (s *Service) Limits(ctx context.Context) ([]Standing, error) {
	pacts, err := s.Pacts(ctx)
	if err != nil {
		return nil, err
	}
	today, err := s.Said(ctx)
	if err != nil {
		return nil, err
	}
	seen, err := allRead(ctx, s.DB)
	out := make([]Standing, 0, len(pacts))
	for _, p := range pacts {
		one := Standing{Pact: p, Missing: p.missing(today)}
		if r, ok := seen[p.ID]; ok && r.hash == hashOf(p.Theirs) {
			one.Read = r.at
		}
		out = append(out, one)
	}
	return out, err
}

// Read notes that one of us read what a member says it cannot do. hash is of what was shown:
// a text that changed meanwhile is not read. Returns CodeNotFound, CodeConflict
// "custody.duty.other_limits".
func (s *Service) Read(ctx context.Context, pact, hash string) error {
	pacts, err := s.Pacts(ctx)
	if err != nil {
		return err
	}
	for _, p := range pacts {
		if p.ID != pact {
			continue
		}
		if hashOf(p.Theirs) != hash {
			return core.Conflict("custody.duty.other_limits", errors.New("not what was shown"))
		}
		return putRead(ctx, s.DB, read{p.ID, hash, s.now()})
	}
	return noPact()
}

func noPact() error { return core.NotFound("custody.duty.no_pact", errors.New("no pact in force")) }

// Checks ask whether everybody signed, and whether limits are read and those of today.
func (s *Service) Checks() []fit.Check {
	return []fit.Check{
		{Name: "custody.duty.check", Run: func(ctx context.Context) (fit.Finding, error) {
			signed, total, err := s.Count(ctx)
			switch {
			case err != nil:
				return fit.Finding{}, err
			case total == 0:
				return fit.Unknown("custody.duty.check_none", nil), nil
			case signed < total:
				return fit.Finding{}, core.Unsure("custody.duty.check_bad", errors.New("not everybody signed")).With("Count", total-signed)
			}
			return fit.Well("custody.duty.check_well", map[string]any{"Count": total}), nil
		}},
		{Name: "custody.duty.check_limits", Run: func(ctx context.Context) (fit.Finding, error) {
			open, total, err := s.countLimits(ctx)
			switch {
			case err != nil:
				return fit.Finding{}, err
			case total == 0:
				return fit.Unknown("custody.duty.limits_none", nil), nil
			case open > 0:
				return fit.Finding{}, core.Unsure("custody.duty.limits_bad", errors.New("limits to be read or told")).With("Count", open)
			}
			return fit.Well("custody.duty.limits_well", map[string]any{"Count": total}), nil
		}},
	}
}

func (s *Service) countLimits(ctx context.Context) (open, total int, err error) {
	list, err := s.Limits(ctx)
	for _, one := range list {
		if !one.Well() {
			open++
		}
	}
	return open, len(list), err
}

// Metrics are how many of our own admins have not signed, and in how many pacts limits are
// to be read or told.
func (s *Service) Metrics(ctx context.Context) ([]obs.Metric, error) {
	signed, total, err := s.Count(ctx)
	if err != nil {
		return nil, err
	}
	open, _, err := s.countLimits(ctx)
	return []obs.Metric{
		{Name: "entrechat_custody_duties_unsigned", Help: "Own admins who have not signed within a year that they know what they answer for.", Value: float64(total - signed)},
		{Name: "entrechat_custody_limits_open", Help: "Pacts in which limits are still to be read, or are no longer those of today.", Value: float64(open)},
	}, err
}
