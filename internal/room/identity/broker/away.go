package broker

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/peer"
	"entrechat/internal/kit/seal"
	"entrechat/internal/kit/web"
	"entrechat/internal/kit/wire"
	"entrechat/internal/room/identity/home"
	"entrechat/internal/room/identity/provider"
)

// scopes are what we ask of a home; the person says there what we get.
const scopes = "openid profile email"

// wish is what a sign-in is for.
type wish struct {
	flow   string // a service's request that waits; empty = none does
	next   string // else a page of ours
	hint   string // whom the person said to be
	f      provider.Flow
	browse string // hash of the browser's cookie
}

// send asks a home to sign somebody in, and says under which name the page that leads there
// is found. Returns what home.Homes.Let and caller.form do, CodeUnsure
// "identity.broker.too_many" and "identity.broker.slow".
func (b *Broker) send(r *http.Request, to home.Home, w wish) (state string, err error) {
	ctx, now := r.Context(), b.n.Now()
	if !b.meter.Take(peer.ClientNetwork(r), now) {
		return "", core.Unsure("identity.broker.slow", errors.New("too often"))
	}
	if n, err := countAway(ctx, b.n.DB); err != nil || n >= maxAway {
		return "", errors.Join(err, core.Unsure("identity.broker.too_many", errors.New("too many are away")))
	}
	state = rand.Text() + rand.Text()
	a := away{
		state: seal.TokenHash(state), browser: w.browse, home: to.Member, issuer: to.Issuer, nonce: rand.Text(), verifier: rand.Text() + rand.Text(),
		flow: w.flow, next: w.next, until: core.At(now).Add(awayLife),
	}
	ask := b.request(to, w, a, state)
	if w.flow != "" && w.f.Anew {
		ask["prompt"], a.fresh = "login", core.At(now)
	} else if w.flow != "" && w.f.MaxAge >= 0 {
		ask["max_age"], a.fresh = int64(w.f.MaxAge/time.Second), max(core.At(now).Add(-w.f.MaxAge), 1)
	}
	uri, err := b.push(ctx, to, ask)
	if err != nil {
		return "", err
	}
	a.address = to.Issuer + "/oidc/authorize?" + url.Values{"client_id": {string(b.n.Self)}, "request_uri": {uri}}.Encode()
	return state, insertAway(ctx, b.n.DB, a)
}

// request is the claims of the request object, RFC 9101.
func (b *Broker) request(to home.Home, w wish, a away, state string) map[string]any {
	now := b.n.Now()
	ask := map[string]any{
		"iss": b.n.Self, "aud": to.Issuer, "client_id": b.n.Self, "jti": rand.Text(), "iat": now.Unix(), "nbf": now.Unix(), "exp": now.Add(signLife).Unix(),
		"response_type": "code", "redirect_uri": b.n.URL + pathBack, "scope": scopes, "state": state, "nonce": a.nonce,
		"code_challenge": challenge(a.verifier), "code_challenge_method": "S256",
	}
	if w.hint != "" {
		ask["login_hint"] = w.hint
	}
	if w.f.TwoFactors {
		ask["acr_values"] = provider.ACRTwo
	}
	return ask
}

// push hands a signed request to a home, RFC 9126.
func (b *Broker) push(ctx context.Context, to home.Home, ask map[string]any) (uri string, err error) {
	form, err := b.proof(to)
	if err != nil {
		return "", err
	}
	request, err := b.sign("oauth-authz-req+jwt", ask)
	if err != nil {
		return "", err
	}
	form.Set("request", request)
	text, err := b.calls.form(ctx, to.Member, to.Issuer+"/oidc/par", form)
	if err != nil {
		return "", err
	}
	var out struct {
		URI string `json:"request_uri"`
	}
	if err := wire.Peek(text, &out); err != nil || out.URI == "" || len(out.URI) > 500 {
		return "", core.Denied("identity.broker.refused", errors.Join(err, errors.New("no request_uri"))).With("Member", string(to.Member))
	}
	return out.URI, nil
}

// leads is where the browser of a sign-in that is away has to go. Returns CodeNotFound
// "identity.broker.gone".
func (b *Broker) leads(r *http.Request, state string) (away, error) {
	a, err := awayOf(r.Context(), b.n.DB, seal.TokenHash(state), b.browser(nil, r), b.now())
	if errors.Is(err, db.ErrNoRow) {
		err = core.NotFound("identity.broker.gone", err)
	}
	return a, err
}

// The names of our cookies: which browser a sign-in was sent from, and its last home.
const (
	awayCookie = "entrechat-away"
	homeCookie = "entrechat-home"

	browserAge = 24 * 60 * 60 // seconds
)

// browser is the hash of the cookie that tells this browser from others; with w it is given
// one.
func (b *Broker) browser(w http.ResponseWriter, r *http.Request) string {
	if c, err := r.Cookie(web.CookieName(b.n.URL, awayCookie)); err == nil && len(c.Value) == len(rand.Text()) {
		return seal.TokenHash(c.Value)
	}
	if w == nil {
		return "none" // no hash
	}
	value := rand.Text()
	http.SetCookie(w, web.Cookie(b.n.URL, awayCookie, value, browserAge))
	return seal.TokenHash(value)
}

// remembered is the home that this browser last signed in at; it only proposes one.
func (b *Broker) remembered(r *http.Request) core.MemberID {
	c, err := r.Cookie(web.CookieName(b.n.URL, homeCookie))
	if err != nil || !core.MemberID(strings.ReplaceAll(c.Value, "_", ":")).Valid() {
		return ""
	}
	return core.MemberID(strings.ReplaceAll(c.Value, "_", ":"))
}

func (b *Broker) remember(w http.ResponseWriter, id core.MemberID) {
	http.SetCookie(w, web.Cookie(b.n.URL, homeCookie, strings.ReplaceAll(string(id), ":", "_"), homeYear))
}
