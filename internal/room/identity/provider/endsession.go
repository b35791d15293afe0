package provider

import (
	"errors"
	"net/http"
	"net/url"
	"slices"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"entrechat/internal/core"
	"entrechat/internal/room/identity/client"
)

// goodbye is a request to sign out that a client sent a browser with.
type goodbye struct {
	client client.Client
	uri    string // one of the client's; empty = ours
	state  string
	sid    string // of the ID token that came with it; empty = none did
	sub    string
}

type hintClaims struct {
	SID string `json:"sid"`
}

// farewell serves clients that sign a browser out.
type farewell struct{ front }

// readGoodbye reads a request to sign out. An address that is not the client's, sign for
// sign, is refused: CodeInvalid "identity.provider.bad_redirect".
func (p farewell) readGoodbye(r *http.Request, query url.Values) (g goodbye, err error) {
	if err := single(query); err != nil {
		return g, err
	}
	id := query.Get("client_id")
	if hint := query.Get("id_token_hint"); hint != "" {
		audience, err := p.readHint(hint, &g)
		if err != nil || (id != "" && id != audience) {
			return g, core.Invalid("identity.provider.bad_request", errors.Join(err, errors.New("an ID token that is not this client's")))
		}
		id = audience
	}
	if g.uri, g.state = query.Get("post_logout_redirect_uri"), query.Get("state"); id == "" {
		if g.uri != "" {
			return g, core.Invalid("identity.provider.bad_redirect", errors.New("an address, and nobody whose it is")).With("Name", "?")
		}
		return g, nil
	}
	if g.client, err = p.client(r.Context(), id); err != nil {
		return g, err
	}
	if g.uri != "" && !slices.Contains(g.client.PostLogout, g.uri) {
		return g, core.Invalid("identity.provider.bad_redirect", errors.New("not an address of the client")).With("Name", g.client.Called())
	}
	return g, nil
}

// readHint reads an ID token of ours; it may have ended.
func (p farewell) readHint(hint string, g *goodbye) (audience string, err error) {
	token, err := jwt.ParseSigned(hint, []jose.SignatureAlgorithm{jose.RS256, jose.ES256})
	if err != nil || len(token.Headers) != 1 {
		return "", errors.Join(err, errors.New("no ID token"))
	}
	set, err := p.n.Keys.Public("")
	if err != nil {
		return "", err
	}
	keys := set.Key(token.Headers[0].KeyID)
	if len(keys) != 1 || keys[0].Algorithm != token.Headers[0].Algorithm {
		return "", errors.New("signed by no key of ours")
	}
	var c jwt.Claims
	var h hintClaims
	if err := token.Claims(keys[0].Key, &c, &h); err != nil {
		return "", err
	}
	if c.Issuer != p.n.Issuer || len(c.Audience) != 1 {
		return "", errors.New("not issued by us for one client")
	}
	g.sid, g.sub = h.SID, c.Subject
	return c.Audience[0], nil
}

// back is where a goodbye ends: the client's address with its state, or nowhere.
func (g goodbye) back() string {
	u, err := url.Parse(g.uri)
	if g.uri == "" || err != nil {
		return ""
	}
	if g.state != "" {
		q := u.Query()
		q.Set("state", g.state)
		u.RawQuery = q.Encode()
	}
	return u.String()
}

// endSession is where a client sends a browser that signs out there. With an ID token of
// this very session it ends at once; else the person is asked.
func (p farewell) endSession(w http.ResponseWriter, r *http.Request) {
	private(w)
	g, err := p.readGoodbye(r, r.URL.Query())
	if err != nil {
		p.refuse(w, r, err)
		return
	}
	login, in, err := p.n.Browser.Person(r)
	if err != nil {
		p.refuse(w, r, err)
		return
	}
	if in && (g.sid == "" || g.sid != sid(login.Session, g.client.ID)) {
		ask := url.Values{}
		for name, value := range map[string]string{"client_id": g.client.ID, "post_logout_redirect_uri": g.uri, "state": g.state} {
			if value != "" {
				ask.Set(name, value)
			}
		}
		w.Header().Set("Location", pathEndAsk+"?"+ask.Encode())
		w.WriteHeader(http.StatusSeeOther)
		return
	}
	if in {
		if err := p.n.Browser.End(w, r); err != nil {
			p.refuse(w, r, err)
			return
		}
	}
	if to := g.back(); to != "" {
		w.Header().Set("Location", to)
		w.WriteHeader(http.StatusSeeOther)
		return
	}
	w.Header().Set("Content-Security-Policy", pagePolicy)
	if v := p.views.Load(); v != nil {
		v.ended.Show(func(*http.Request) (endPage, error) { return endPage{Done: true}, nil }).ServeHTTP(w, r)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// endPage asks whether to sign out, and says that it is done.
type endPage struct {
	Done               bool
	Name               string // of the client; empty = none
	Client, URI, State string
	Back               string // where to go on; empty = nowhere
}

// askEnd is the question, read anew: what stands in the address is anybody's.
func (p farewell) askEnd(r *http.Request) (endPage, error) {
	if err := r.ParseForm(); err != nil {
		return endPage{}, core.Invalid("identity.provider.bad_request", err)
	}
	from := r.URL.Query()
	if r.Method == http.MethodPost {
		from = r.PostForm
	}
	query := url.Values{}
	for _, name := range []string{"client_id", "post_logout_redirect_uri", "state"} {
		if v := from.Get(name); v != "" {
			query.Set(name, v)
		}
	}
	g, err := p.readGoodbye(r, query)
	page := endPage{Client: g.client.ID, URI: g.uri, State: g.state, Back: g.back()}
	if g.client.ID != "" {
		page.Name = g.client.Called()
	}
	return page, err
}

// end signs the browser out and shows that it is.
func (p farewell) end(w http.ResponseWriter, r *http.Request) (endPage, error) {
	page, err := p.askEnd(r)
	if err != nil {
		return page, err
	}
	_, in, err := p.n.Browser.Person(r)
	if err != nil {
		return page, err
	}
	if in {
		if err := p.n.Browser.End(w, r); err != nil {
			return page, err
		}
	}
	page.Done = true
	return page, nil
}
