package broker

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/go-jose/go-jose/v4"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/room/identity/audit"
	"entrechat/internal/room/identity/client"
	"entrechat/internal/room/identity/key"
	"entrechat/internal/room/identity/person"
	"entrechat/internal/room/identity/signin"
)

// Members are the other members as clients of our provider; provider.Members.
type Members struct{ *Broker }

// Members are the other members as clients of our provider.
func (b *Broker) Members() Members { return Members{b} }

// Member is a member as a client, by its name; everything is from its logbook. Returns
// CodeNotFound "identity.home.none", CodeDenied "identity.home.shut" and
// "identity.home.lets_nobody".
func (m Members) Member(ctx context.Context, id string) (client.Client, error) {
	member := core.MemberID(id)
	if !member.Valid() || member == m.n.Self {
		return client.Client{}, core.NotFound("identity.client.unknown", errors.New("no member")).With("Name", "")
	}
	h, err := m.n.Homes.LetsUs(ctx, member)
	if err != nil {
		return client.Client{}, err
	}
	return client.Client{
		ID: id, Member: true, URL: h.Issuer, Keys: &jose.JSONWebKeySet{Keys: h.Keys.Keys},
		Settings: client.Settings{Redirects: []string{h.Issuer + pathBack}, BackLogout: h.Issuer + pathLogout, Alg: key.ES256, PKCE: true},
	}, nil
}

// Consent says whether a person agreed that a member is told who they are. Returns
// CodeDenied "identity.broker.not_ours" for a visitor: we vouch for our own people only.
func (m Members) Consent(ctx context.Context, id string, who person.ID, wanted []string) (bool, error) {
	p, err := m.n.People.Get(ctx, who)
	if err != nil {
		return false, err
	}
	if p.Kind != person.Local {
		return false, core.Denied("identity.broker.not_ours", errors.New("a visitor"))
	}
	_, agreed, err := consentOf(ctx, m.n.DB, who, core.MemberID(id))
	known := strings.Fields(scopes)
	return agreed && !slices.ContainsFunc(wanted, func(s string) bool { return !slices.Contains(known, s) }), err
}

// SharesMail says whether a person agreed that a member is told their mail address.
func (b *Broker) SharesMail(ctx context.Context, id string, who person.ID) (bool, error) {
	c, _, err := consentOf(ctx, b.n.DB, who, core.MemberID(id))
	return c.Mail, err
}

// Consents lists the members that a person agreed to.
func (b *Broker) Consents(ctx context.Context, who person.ID) ([]Consent, error) {
	return consents(ctx, b.n.DB, who)
}

// agree writes down that a person lets a member know who they are.
func (b *Broker) agree(r *http.Request, who person.ID, c Consent) error {
	e := audit.Event{Person: who, By: who, Kind: audit.ConsentGiven, About: string(c.Member), From: signin.From(r)}
	return b.n.DB.Tx(r.Context(), func(ctx context.Context, q db.Querier) error {
		if err := putConsent(ctx, q, who, c); err != nil {
			return err
		}
		return audit.Append(ctx, q, b.now(), e)
	})
}

// withdraw takes it back: what the member was let have ends, with the sessions there, and the
// next sign-in there asks again. Returns CodeNotFound "identity.broker.no_consent".
func (b *Broker) withdraw(r *http.Request, who person.ID, member core.MemberID) error {
	e := audit.Event{Person: who, By: who, Kind: audit.ConsentWithdrawn, About: string(member), From: signin.From(r)}
	return b.n.DB.Tx(r.Context(), func(ctx context.Context, q db.Querier) error {
		was, err := deleteConsent(ctx, q, who, member)
		if err == nil && !was {
			err = core.NotFound("identity.broker.no_consent", errors.New("no such consent"))
		}
		if err == nil {
			err = b.n.EndAt(ctx, q, who, string(member))
		}
		if err != nil {
			return err
		}
		return audit.Append(ctx, q, b.now(), e)
	})
}
