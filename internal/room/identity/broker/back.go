package broker

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/wire"
	"entrechat/internal/room/identity/audit"
	"entrechat/internal/room/identity/home"
	"entrechat/internal/room/identity/move"
	"entrechat/internal/room/identity/person"
	"entrechat/internal/room/identity/provider"
	"entrechat/internal/room/identity/session"
	"entrechat/internal/room/identity/signin"
)

// maxParam bounds what a browser brings back, in bytes each.
const maxParam = 512

// arrival is somebody who comes back from home.
type arrival struct{ *Broker }

// back takes somebody who comes back from home, and says where they go on to.
func (b arrival) back(w http.ResponseWriter, r *http.Request) (next string, err error) {
	defer func() { b.n.Sessions.Missed(session.ByHome, err) }()
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return "", core.Invalid("identity.broker.gone", err)
	}
	for _, list := range query {
		if len(list) != 1 || len(list[0]) > maxParam {
			return "", core.Invalid("identity.broker.gone", errors.New("a parameter twice, or too long"))
		}
	}
	a, err := b.leads(r, query.Get("state"))
	if err != nil {
		return "", err
	}
	// RFC 9207: which home answers must stand in the answer.
	if query.Get("iss") != a.issuer {
		return "", core.Denied("identity.broker.answer", errOther).With("Member", string(a.home))
	}
	if taken, err := takeAway(r.Context(), b.n.DB, a.state); err != nil || !taken {
		return "", errors.Join(err, core.NotFound("identity.broker.gone", errors.New("taken already")))
	}
	if query.Has("error") {
		if query.Get("error") == "access_denied" {
			return PathElsewhere + "?" + a.target().Encode(), nil
		}
		return "", core.Denied("identity.broker.refused", errors.New("an error of the home")).With("Member", string(a.home))
	}
	service, err := b.service(r, a)
	if err != nil {
		return "", err
	}
	from, err := b.n.Homes.Let(r.Context(), a.home, service)
	if err != nil {
		return "", err
	}
	if from.Issuer != a.issuer {
		return "", core.Denied("identity.broker.answer", errOther).With("Member", string(a.home))
	}
	c, err := b.redeem(r.Context(), from, a, query.Get("code"))
	if err != nil {
		return "", err
	}
	return b.enter(w, r, from, a, c)
}

// target is what the sign-in is for, as addresses carry it.
func (a away) target() url.Values {
	switch {
	case a.flow != "":
		return url.Values{"flow": {a.flow}}
	case a.next != "":
		return url.Values{"next": {a.next}}
	default:
		return url.Values{}
	}
}

func (b arrival) service(r *http.Request, a away) (string, error) {
	if a.flow == "" {
		return "", nil
	}
	f, err := b.n.Flow(r, a.flow)
	return f.Client.ID, err
}

// redeem trades the code for what the home says of the person, and checks that it is for
// us, new, and the answer to what we asked.
func (b arrival) redeem(ctx context.Context, from home.Home, a away, code string) (c claims, err error) {
	form, err := b.proof(from)
	if err != nil {
		return c, err
	}
	form.Set("grant_type", "authorization_code")
	form.Set("code", code)
	form.Set("redirect_uri", b.n.URL+pathBack)
	form.Set("code_verifier", a.verifier)
	text, err := b.calls.form(ctx, from.Member, from.Issuer+"/oidc/token", form)
	if err != nil {
		return c, err
	}
	var out struct {
		Token string `json:"id_token"`
	}
	err = wire.Peek(text, &out)
	if err == nil {
		c, err = open(out.Token, "", from)
	}
	if err == nil {
		err = c.answers(a, b.n.Self, b.now())
	}
	if err != nil {
		return c, core.Denied("identity.broker.answer", err).With("Member", string(from.Member))
	}
	return c, nil
}

// answers says whether claims are the answer to what we asked, for us, and new.
func (c claims) answers(a away, self core.MemberID, now core.Moment) error {
	switch {
	case c.Issuer != a.issuer:
		return errors.New("another issuer")
	case !c.Audience.only(self) || c.Party != "" && c.Party != string(self):
		return errors.New("for another member")
	case c.Nonce != a.nonce || c.Nonce == "":
		return errors.New("another nonce")
	case seconds(c.Expiry) <= now.Add(-leeway):
		return errors.New("has ended")
	case seconds(c.Issued) > now.Add(leeway) || seconds(c.Issued) < now.Add(-idMax):
		return errors.New("made at another time")
	case c.AuthTime <= 0 || seconds(c.AuthTime) > now.Add(leeway):
		return errors.New("no time of signing in")
	case a.fresh != 0 && seconds(c.AuthTime) < a.fresh.Add(-leeway):
		return errors.New("signed in too long ago")
	case len(c.SID) > 200:
		return errors.New("a sid too long")
	}
	return nil
}

// enter makes a visitor of who came back, and opens their session.
func (b arrival) enter(w http.ResponseWriter, r *http.Request, from home.Home, a away, c claims) (string, error) {
	moved := move.Arrival{Home: from.Member, Sub: c.Sub, Handle: c.Handle, Moves: c.Moves, From: signin.From(r)}
	if err := b.n.Follow(r.Context(), moved); err != nil {
		return "", err
	}
	p, fresh, err := b.admit(r.Context(), from, c)
	if err != nil {
		return "", err
	}
	if p.Status != person.Active {
		return "", core.Denied("identity.broker.suspended", errors.New("suspended"))
	}
	// When they signed in at home; the home's clock may be behind ours by the leeway.
	at := min(b.now(), max(seconds(c.AuthTime), a.fresh))
	with := func(ctx context.Context, q db.Querier, opened session.Session) error {
		if err := home.Lets(ctx, q, from.Member); err != nil {
			return err
		}
		// A session that a sign-out at home would not end is none.
		if err := putPair(ctx, q, pair{opened.ID, p.ID, from.Member, c.Sub, c.SID, b.now()}); err != nil {
			return err
		}
		if fresh {
			e := audit.Event{Person: p.ID, By: p.ID, Kind: audit.SignedUp, About: string(from.Member), From: moved.From}
			if err := audit.Append(ctx, q, b.now(), e); err != nil {
				return err
			}
		}
		return audit.Append(ctx, q, b.now(), audit.Event{Person: p.ID, By: p.ID, Kind: audit.SignedIn, About: opened.ID, From: moved.From})
	}
	if _, err := b.n.Sessions.Start(w, r, session.Login{Person: p.ID, Home: from.Member, AMR: amr(c.AMR), At: at, With: with}); err != nil {
		return "", err
	}
	b.remember(w, from.Member)
	switch {
	case a.flow != "":
		return provider.Next(a.flow), nil
	case a.next != "":
		return a.next, nil
	default:
		return "/account", nil
	}
}

// admit finds or makes the visitor. Their address is kept while the home may vouch for it
// and nobody else here has it.
func (b arrival) admit(ctx context.Context, from home.Home, c claims) (p person.Person, fresh bool, err error) {
	mail := ""
	if c.Mail != "" && c.Verified {
		good, err := b.n.Homes.Mail(ctx, from, c.Mail)
		if err != nil {
			return p, false, err
		}
		if good {
			mail = strings.ToLower(c.Mail)
		}
	}
	told := home.Told{Sub: c.Sub, Handle: c.Handle, Name: c.Name, Lang: c.Locale, Mail: mail}
	err = b.n.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		p, fresh, err = home.Coming{Home: from.Member, Most: b.n.PerDay, Now: b.now()}.Admit(ctx, q, told)
		return err
	})
	if err != nil || p.Mail == mail || p.Status == person.Closed {
		return p, fresh, err
	}
	err = b.n.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		changed, err := person.Change(ctx, q, p.ID, func(p *person.Person) error { p.Mail = mail; return nil })
		if err == nil {
			p = changed
		}
		return err
	})
	if code := core.CodeOf(err); code == core.CodeConflict || code == core.CodeInvalid {
		err = nil // somebody else's here: they stay without one
	}
	return p, fresh, err
}

// amr are the ways of signing in that a home named, as far as they are in RFC 8176.
func amr(said []string) []string {
	known := []string{"pwd", "otp", "hwk", "swk", "mfa", "user", "pop", "sc", "fpt", "face"}
	out := slices.DeleteFunc(slices.Compact(slices.Sorted(slices.Values(said))), func(s string) bool { return !slices.Contains(known, s) })
	if len(out) == 0 {
		return []string{"pwd"}
	}
	return out
}
