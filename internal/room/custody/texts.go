package custody

import (
	"context"
	"errors"
	"net/http"

	"entrechat/internal/kit/fit"
	"entrechat/internal/kit/web"
	"entrechat/internal/room/custody/duty"
	"entrechat/internal/room/custody/runbook"
)

// Postmortems answers what members told after incidents, the newest first.
type Postmortems interface {
	Postmortems(ctx context.Context) ([]runbook.Card, error)
}

// Pacts answers those in force, with what both said they cannot do.
type Pacts interface {
	Agreed(ctx context.Context) ([]duty.Pact, error)
}

// Accounts answers who has an admin's account here. A handle is empty for who came by a link
// of the command line.
type Accounts interface {
	AdminHandles(ctx context.Context) ([]string, error)
	SignedIn(r *http.Request) (handle string, err error)
}

// Texts is what runbooks and duties need of other rooms; whatever is nil has nothing to say.
type Texts struct {
	// Cards are what members told after incidents.
	Cards func(ctx context.Context) ([]runbook.Card, error)
	Pacts func(ctx context.Context) ([]duty.Pact, error)
	// Said are the lines we wrote of what we cannot do.
	Said     func(ctx context.Context) ([]string, error)
	Accounts Accounts
}

// none answers nothing.
func none[T any](context.Context) ([]T, error) { return nil, nil }

// nobody has no account.
type nobody struct{}

func (nobody) AdminHandles(context.Context) ([]string, error) { return nil, nil }

func (nobody) SignedIn(*http.Request) (string, error) { return "", nil }

// whole is t with an answer in every place.
func (t Texts) whole() Texts {
	if t.Cards == nil {
		t.Cards = none[runbook.Card]
	}
	if t.Pacts == nil {
		t.Pacts = none[duty.Pact]
	}
	if t.Said == nil {
		t.Said = none[string]
	}
	if t.Accounts == nil {
		t.Accounts = nobody{}
	}
	return t
}

// openTexts makes the runbooks and duties, for the people we have cards of.
func (r *Room) openTexts() {
	r.Texts = r.Texts.whole()
	r.Runbooks = &runbook.Service{DB: r.DB, People: r.readers, Cards: r.Texts.Cards, Now: r.Now, Log: r.Log}
	r.Duties = &duty.Service{
		DB: r.DB, Words: r.Words, Self: r.Signer.ID(), People: r.signers, Accounts: r.Texts.Accounts.AdminHandles, Pacts: r.Texts.Pacts, Said: r.Texts.Said, Now: r.Now,
	}
}

// signers are our own admins as those who sign what they answer for.
func (r *Room) signers(ctx context.Context) ([]duty.Person, error) {
	cards, err := r.Persons.All(ctx)
	out := make([]duty.Person, 0, len(cards))
	for _, c := range cards {
		out = append(out, duty.Person{ID: string(c.ID), Name: c.Name, Account: c.Account, Verify: c.Verify})
	}
	return out, err
}

// readers are our own admins as those who may read a runbook.
func (r *Room) readers(ctx context.Context) ([]runbook.Person, error) {
	cards, err := r.Persons.All(ctx)
	out := make([]runbook.Person, 0, len(cards))
	for _, c := range cards {
		out = append(out, runbook.Person{ID: string(c.ID), Name: c.Name, Mail: c.Mail})
	}
	return out, err
}

// withTexts adds what runbooks and duties hand to the house to what the other folders do.
func (r *Room) withTexts(f fit.Fittings) fit.Fittings {
	f.Jobs = append(f.Jobs, r.Runbooks.Jobs()...)
	f.Checks = append(append(f.Checks, r.Runbooks.Check()), r.Duties.Checks()...)
	duties := func(site *web.Site) web.Pages { return r.Duties.Pages(site, r.Texts.Accounts.SignedIn) }
	f.Web = pagesOf(f.Web, r.Runbooks.Pages, duties)
	f.Limits = joinLists(f.Limits, r.Runbooks.Limits)
	f.Metrics = joinLists(f.Metrics, r.Runbooks.Metrics, r.Duties.Metrics)
	return f
}

// joinLists makes one question of several; nil ones are left out.
func joinLists[T any](all ...func(context.Context) ([]T, error)) func(context.Context) ([]T, error) {
	return func(ctx context.Context) (out []T, err error) {
		for _, ask := range all {
			if ask == nil {
				continue
			}
			some, failed := ask(ctx)
			out, err = append(out, some...), errors.Join(err, failed)
		}
		return out, err
	}
}
