package provider

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/luikyv/go-oidc/pkg/goidc"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/seal"
	"entrechat/internal/room/identity/client"
	"entrechat/internal/room/identity/person"
)

var (
	errTooLong  = errors.New("longer than we read")
	errNoMember = errors.New("no member of ours")
	// errEnded says that the person signed out before the code was shown.
	errEnded = errors.New("the session ended")
	// errTwice says that another request took the code, token or flow first.
	errTwice = errors.New("taken already")
	errFull  = errors.New("too many sign-ins wait")
)

// work is what one request reads and wants written. The library fills it by way of manager;
// commit writes it.
type work struct {
	now      core.Moment
	path     string // the endpoint
	basic    bool   // the client shows its secret in the Authorization header
	browser  string // hash of the browser's cookie
	kept     bool   // the library saved the grant
	formPost bool   // the client wants the answer as a form
	cancel   bool   // the person does not want to

	client  client.Client // the last one that was read
	flow    *goidc.AuthnSession
	waiting bool // flow is in the database
	grant   *goidc.Grant
	loaded  bool         // grant was made by a request before
	waits   *waitingCode // the code that was shown, when it is the first time
	used    bool         // the code of the loaded grant was used before
	revoked bool         // the loaded grant was revoked before
	token   *goidc.Token
	known   bool   // token is in the database
	refresh string // hash of the refresh token that was shown
	seen    []string
	reused  string // id of a grant whose refresh token came a second time
	account *account
	failed  error // what we met where the library takes no error
	shown   error // what the person is shown instead of an answer
}

// account is what of a person a client is told.
type account struct {
	Account

	username string
	told     string // the address; empty = none
}

type workKey struct{}

func withWork(ctx context.Context, k *work) context.Context {
	return context.WithValue(ctx, workKey{}, k)
}

// workOf is the work of a request that withWork began.
func workOf(ctx context.Context) *work {
	k, _ := ctx.Value(workKey{}).(*work)
	if k == nil {
		return &work{}
	}
	return k
}

// facts are what we keep with a flow and its grant.
type facts struct {
	Browser  string      `json:"browser,omitempty"` // hash of its cookie
	Begun    core.Moment `json:"begun"`
	FormPost bool        `json:"form_post,omitempty"`
	Person   person.ID   `json:"person,omitempty"`
	Session  string      `json:"session,omitempty"`
	SID      string      `json:"sid,omitempty"`
	At       core.Moment `json:"at,omitempty"`
	AMR      []string    `json:"amr,omitempty"`
	Username string      `json:"username,omitempty"` // what the client was told first
	Mail     string      `json:"mail,omitempty"`
}

const factsKey = "entrechat"

func factsOf(store map[string]any) (f facts) {
	if text, ok := store[factsKey].(string); ok {
		_ = json.Unmarshal([]byte(text), &f) // we wrote it
	}
	return f
}

func (f facts) put(store map[string]any) error {
	text, err := json.Marshal(f)
	store[factsKey] = string(text)
	return err
}

// manager is the library's storage. It reads the database, and keeps what is to be written
// in the request's work.
type manager struct{ *Provider }

// SaveClient is asked for nowhere: registration is not routed.
func (manager) SaveClient(context.Context, *goidc.Client) error { return errNoMember }

// DeleteClient is asked for nowhere.
func (manager) DeleteClient(context.Context, string) error { return errNoMember }

// Client finds a client. A service may show its secret in either form.
func (m manager) Client(ctx context.Context, id string) (*goidc.Client, error) {
	k := workOf(ctx)
	if k.client.ID != id || id == "" {
		c, err := m.client(ctx, id)
		if core.CodeOf(err) == core.CodeNotFound {
			return nil, goidc.ErrNotFound
		}
		if err != nil {
			return nil, err
		}
		k.client = c
	}
	method := goidc.AuthnMethodSecretPost
	if k.basic {
		method = goidc.AuthnMethodSecretBasic
	}
	return engineClient(k.client, method), nil
}

func (manager) verifySecret(ctx context.Context, _, secret string) error {
	if k := workOf(ctx); k.client.Member || !k.client.Holds(secret, k.now) {
		return errors.New("wrong secret")
	}
	return nil
}

// consume notes the id of a signed request; commit refuses one that was taken before.
func (m manager) consume(ctx context.Context, id string) error {
	if len(id) > maxClientID {
		return errTooLong
	}
	k := workOf(ctx)
	k.seen = append(k.seen, seal.TokenHash(k.client.ID+"\n"+id))
	return nil
}

// SaveSession keeps a flow for commit.
func (manager) SaveSession(ctx context.Context, s *goidc.AuthnSession) error {
	workOf(ctx).flow = s
	return nil
}

// Session finds a flow by its id.
func (m manager) Session(ctx context.Context, id string) (*goidc.AuthnSession, error) {
	return m.flow(ctx, `id = $1`, id)
}

// SessionByPushedAuthReqID finds a pushed flow.
func (m manager) SessionByPushedAuthReqID(ctx context.Context, id string) (*goidc.AuthnSession, error) {
	return m.flow(ctx, `pushed = $1`, seal.TokenHash(id))
}

func (m manager) flow(ctx context.Context, where, value string) (*goidc.AuthnSession, error) {
	k := workOf(ctx)
	body, err := readFlow(ctx, m.n.DB, where, value, k.now)
	if errors.Is(err, db.ErrNoRow) {
		return nil, goidc.ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	s := &goidc.AuthnSession{}
	k.flow, k.waiting = s, true
	return s, json.Unmarshal([]byte(body), s)
}

// SaveGrant keeps a grant for commit.
func (manager) SaveGrant(ctx context.Context, g *goidc.Grant) error {
	k := workOf(ctx)
	k.grant, k.kept = g, true
	return nil
}

// Grant finds a grant; one of a person who may no longer sign in is revoked.
func (m manager) Grant(ctx context.Context, id string) (*goidc.Grant, error) {
	if k := workOf(ctx); k.grant != nil && k.grant.ID == id {
		return k.grant, nil
	}
	return m.grant(ctx, `id = $1`, id)
}

func (m manager) grant(ctx context.Context, where, value string) (*goidc.Grant, error) {
	row, err := readGrant(ctx, m.n.DB, where, value)
	if errors.Is(err, db.ErrNoRow) {
		return nil, goidc.ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	return m.load(ctx, row)
}

// load reads a grant's row; one of a person who may no longer sign in is revoked.
func (m manager) load(ctx context.Context, row grantRow) (*goidc.Grant, error) {
	k, g := workOf(ctx), &goidc.Grant{}
	err := json.Unmarshal([]byte(row.body), g)
	if err != nil {
		return nil, err
	}
	if row.used != 0 {
		g.AuthCodeConsumedAt = int(row.used / 1e6)
	}
	k.grant, k.loaded, k.used, k.revoked = g, true, row.used != 0, row.revoked != 0
	open := row.revoked == 0 && row.until > k.now
	if open {
		if k.account, open, err = m.accountOf(ctx, g, row.person); err != nil {
			return nil, err
		}
	}
	if !open {
		g.RevokedAt = int(k.now / 1e6)
	}
	return g, nil
}

// accountOf is what of a person a grant's client is told; false when the person may not sign
// in any more, or the client is gone.
func (m manager) accountOf(ctx context.Context, g *goidc.Grant, id person.ID) (*account, bool, error) {
	if workOf(ctx).client.ID != g.ClientID {
		if _, err := m.client(ctx, g.ClientID); err != nil {
			if core.CodeOf(err) == core.CodeNotFound {
				return nil, false, nil
			}
			return nil, false, err
		}
	}
	a, ok, err := m.n.People.Account(ctx, id, g.ClientID)
	if err != nil || !ok {
		return nil, false, err
	}
	f := factsOf(g.Store)
	return &account{a, f.Username, f.Mail}, true, nil
}

// GrantByAuthCode finds the grant of a code, and makes the refresh token that it may have.
func (m manager) GrantByAuthCode(ctx context.Context, code string) (*goidc.Grant, error) {
	g, err := m.grantOf(ctx, seal.TokenHash(code))
	if err != nil {
		return nil, err
	}
	if g.RevokedAt != 0 {
		workOf(ctx).grant = nil
		return nil, goidc.ErrNotFound // the library would call it expired_token
	}
	if offline(g.Scopes) {
		g.RefreshToken = random(ctx)
	}
	return g, nil
}

// grantOf finds the grant of a code by its hash: one that waits, or one that was used.
func (m manager) grantOf(ctx context.Context, hash string) (*goidc.Grant, error) {
	k := workOf(ctx)
	one, ok := m.codes.get(hash, k.now)
	if !ok {
		return m.grant(ctx, `code = $1`, hash)
	}
	k.waits = &one
	return m.load(ctx, one.grant)
}

// offline says whether scopes let a client go on without the person.
func offline(scopes string) bool { return slices.Contains(strings.Fields(scopes), scopeOffline) }

// GrantByRefreshToken finds the grant of a refresh token. At the token endpoint one that was
// used before ends its grant.
func (m manager) GrantByRefreshToken(ctx context.Context, token string) (*goidc.Grant, error) {
	k := workOf(ctx)
	hash := seal.TokenHash(token)
	row, err := readRefresh(ctx, m.n.DB, hash)
	if errors.Is(err, db.ErrNoRow) {
		return nil, goidc.ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	g, err := m.grant(ctx, `id = $1`, row.grant)
	if err != nil {
		return nil, err
	}
	again := row.used != 0 && k.now >= row.used.Add(graceOf(k.client))
	if again && k.path == pathToken && k.client.ID == g.ClientID {
		k.reused = g.ID
	}
	if again || row.until <= k.now || g.RevokedAt != 0 {
		k.grant = nil
		return nil, goidc.ErrNotFound
	}
	k.refresh = hash
	g.RefreshToken, g.RefreshTokenExpiresAt = token, int(row.until/1e6)
	return g, nil
}

// SaveToken keeps an access token for commit.
func (manager) SaveToken(ctx context.Context, t *goidc.Token) error {
	workOf(ctx).token = t
	return nil
}

// Token finds an access token, and its grant.
func (m manager) Token(ctx context.Context, value string) (*goidc.Token, error) {
	k := workOf(ctx)
	t, row, err := readToken(ctx, m.n.DB, seal.TokenHash(value))
	if errors.Is(err, db.ErrNoRow) {
		return nil, goidc.ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	t.ID = value
	k.token, k.known = t, true
	_, err = m.load(ctx, row)
	return t, err
}

// commit writes what a request did, or nothing. It returns errTwice when another request
// took the code, token or flow first.
func (p *Provider) commit(ctx context.Context, k *work) error {
	if k.idle() {
		return nil
	}
	if k.flow != nil && k.flow.Status == goidc.StatusPending && !k.waiting && !p.flows.room(ctx, p) {
		return core.Unsure("identity.provider.too_many", errFull)
	}
	err := p.write(ctx, k)
	if err == nil && k.kept && !k.loaded {
		err = p.handOut(k)
	}
	if err == nil {
		p.count(k)
	}
	if k.waits != nil && k.token != nil && (err == nil || errors.Is(err, errTwice) || errors.Is(err, errEnded)) {
		p.codes.remove(k.waits.grant.code)
	}
	if errors.Is(err, errTwice) && k.loaded && k.kept {
		k.reused = k.grant.ID
	}
	if k.reused != "" {
		return errors.Join(err, p.n.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error { return revokeGrant(ctx, q, k.reused, k.now) }))
	}
	return err
}

// write writes what lasts, in one transaction.
func (p *Provider) write(ctx context.Context, k *work) error {
	ended := k.flow != nil && k.flow.Status != goidc.StatusPending && !k.waiting
	if (k.flow == nil || ended) && (!k.kept || !k.loaded) && k.token == nil && len(k.seen) == 0 {
		return nil
	}
	return p.n.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		for _, id := range k.seen {
			if err := insertSeen(ctx, q, id, k.now.Add(2*assertionLife)); err != nil {
				return err
			}
		}
		if err := k.writeFlow(ctx, q); err != nil {
			return err
		}
		if err := p.writeGrant(ctx, q, k); err != nil {
			return err
		}
		return k.writeToken(ctx, q)
	})
}

func (k *work) idle() bool {
	return k.flow == nil && !k.kept && k.token == nil && len(k.seen) == 0 && k.reused == ""
}

func (k *work) writeFlow(ctx context.Context, q db.Querier) error {
	if k.flow == nil {
		return nil
	}
	if k.flow.Status != goidc.StatusPending {
		if k.waiting {
			return deleteFlow(ctx, q, k.flow.ID)
		}
		return nil
	}
	pushed := ""
	if k.flow.PushedAuthReqID != "" {
		pushed = seal.TokenHash(k.flow.PushedAuthReqID)
	}
	body, err := json.Marshal(k.flow)
	if err != nil {
		return fmt.Errorf("write flow: %w", err)
	}
	return putFlow(ctx, q, flowRow{k.flow.ID, k.flow.ClientID, pushed, string(body), core.Moment(k.flow.ExpiresAt) * 1e6}, k.waiting)
}

func (p *Provider) writeGrant(ctx context.Context, q db.Querier, k *work) error {
	g := k.grant
	switch {
	case g == nil || !k.kept || !k.loaded:
		return nil
	case g.RevokedAt != 0:
		if k.revoked {
			return nil
		}
		return revokeGrant(ctx, q, g.ID, k.now)
	case k.path != pathToken:
		return nil
	case k.refresh != "":
		if err := useRefresh(ctx, q, k.refresh, k.now, graceOf(k.client)); err != nil {
			return err
		}
	case g.AuthCodeConsumedAt != 0 && k.waits != nil:
		if err := p.useCode(ctx, q, k); err != nil {
			return err
		}
	case g.AuthCodeConsumedAt != 0 && !k.used: // handed out by a version that kept codes in the database
		if err := useCode(ctx, q, g.ID, k.now); err != nil {
			return err
		}
	default:
		return nil
	}
	if g.RefreshToken == "" {
		return nil
	}
	return insertRefresh(ctx, q, seal.TokenHash(g.RefreshToken), g.ID, k.now)
}

// useCode writes the grant of a code that is shown for the first time, and that the session
// is signed in at its client. Returns errEnded for a session that is over, errTwice.
func (p *Provider) useCode(ctx context.Context, q db.Querier, k *work) error {
	lives, err := p.n.Browser.Lives(ctx, q, k.waits.session.Session)
	if err == nil && !lives {
		err = errEnded
	}
	if err != nil {
		return err
	}
	if err := insertGrant(ctx, q, k.waits.grant, k.now); err != nil {
		return err
	}
	return putClientSession(ctx, q, k.waits.session)
}

// handOut keeps a new grant until its client shows the code.
func (p *Provider) handOut(k *work) error {
	g, f := *k.grant, factsOf(k.grant.Store)
	code := seal.TokenHash(g.AuthCode)
	g.AuthCode, g.RefreshToken = "", ""
	g.AuthParams = goidc.AuthorizationParameters{
		RedirectURI: g.AuthParams.RedirectURI, Nonce: g.AuthParams.Nonce, CodeChallenge: g.AuthParams.CodeChallenge, CodeChallengeMethod: g.AuthParams.CodeChallengeMethod,
	}
	body, err := json.Marshal(&g) //nolint:gosec // code and tokens were taken out
	if err != nil {
		return fmt.Errorf("write grant: %w", err)
	}
	row := grantRow{id: g.ID, client: g.ClientID, person: f.Person, session: f.Session, offline: offline(g.Scopes), code: code, body: string(body), until: k.now.Add(codeLife + tokenLife)}
	if row.offline {
		row.until = k.now.Add(offlineLife)
	}
	in := clientSession{Session: f.Session, Client: g.ClientID, Person: f.Person, Sub: g.Subject, SID: f.SID, Since: k.now}
	if !p.codes.put(waitingCode{row, in, k.now.Add(codeLife)}, k.now) {
		return core.Unsure("identity.provider.too_many", errFull)
	}
	return nil
}

func (k *work) writeToken(ctx context.Context, q db.Querier) error {
	t := k.token
	if t == nil {
		return nil
	}
	if k.known {
		if t.RevokedAt == 0 {
			return nil
		}
		return revokeToken(ctx, q, seal.TokenHash(t.ID), k.now)
	}
	return insertToken(ctx, q, t, seal.TokenHash(t.ID))
}
