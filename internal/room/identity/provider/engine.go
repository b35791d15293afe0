package provider

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/luikyv/go-oidc/pkg/goidc"
	op "github.com/luikyv/go-oidc/pkg/provider"

	"entrechat/internal/room/identity/client"
	"entrechat/internal/room/identity/key"
)

// The scopes that can be asked for; others are passed over, as OpenID Connect Core 1.0
// section 3.1.2.1 wants.
const (
	scopeOpenID  = "openid"
	scopeProfile = "profile"
	scopeEmail   = "email"
	scopeGroups  = "groups"
	scopeOffline = "offline_access"
)

func scopes() []string {
	return []string{scopeOpenID, scopeProfile, scopeEmail, scopeGroups, scopeOffline}
}

// What acr says: REFEDS, one factor or several.
const (
	ACROne = "https://refeds.org/profile/sfa"
	ACRTwo = "https://refeds.org/profile/mfa"
)

func seconds(d time.Duration) int { return int(d / time.Second) }

// random is a secret of 260 bits that needs no encoding anywhere.
func random(context.Context) string { return strings.ToLower(rand.Text() + rand.Text()) }

// newEngine configures the library. Registration of clients by strangers and federation stay
// off; what it calls its client manager reads our services and members.
func newEngine(p *Provider) (http.Handler, error) {
	m := manager{p}
	all := make([]goidc.Scope, 0, len(scopes()))
	for _, s := range scopes() {
		all = append(all, goidc.NewScope(s))
	}
	algs := []goidc.SignatureAlgorithm{goidc.SigAlgRS256, goidc.SigAlgES256}
	engine, err := op.New(op.Config{Issuer: p.n.Issuer, Manager: m, JWKS: m.signing, IDTokenAlgs: algs},
		op.WithPathPrefix("/oidc"), op.WithAuthorizeEndpoint("/authorize"), op.WithTokenEndpoint("/token"), op.WithUserInfoEndpoint("/userinfo"),
		op.WithJWKSEndpoint("/jwks"), op.WithTokenIntrospectionEndpoint("/introspect"),
		op.WithAuthCodeGrant(op.AuthCodeGrantConfig{Manager: m, ResponseTypes: []goidc.ResponseType{goidc.ResponseTypeCode}},
			op.WithAuthPolicies(goidc.NewPolicy("entrechat", func(*http.Request, *goidc.AuthnSession, *goidc.Client) bool { return true }, policy{p}.authenticate)),
			op.WithAuthCodeFunc(random), op.WithAuthCodeLifetime(seconds(codeLife)), op.WithIssuerResponseParameter(),
			op.WithPKCE([]goidc.CodeChallengeMethod{goidc.CodeChallengeMethodSHA256}),
			op.WithPAR(m, op.WithPAREndpoint("/par"), op.WithPARLifetime(seconds(pushedLife)), op.WithPARIDFunc(random), op.WithPARSessionHandler(pushed)),
			op.WithJAR([]goidc.SignatureAlgorithm{goidc.SigAlgES256}),
		),
		op.WithAuthSessionLifetime(seconds(flowLife)), op.WithAuthnSessionIDFunc(random), op.WithGrantIDFunc(random),
		op.WithRefreshTokenGrant(m, op.WithRefreshTokenRotation(), op.WithRefreshTokenFunc(random), op.WithRefreshTokenLifetime(seconds(refreshLife)),
			// One is made when the code is used: until then nobody would know it.
			op.WithRefreshTokenShouldIssue(func(context.Context, *goidc.Client, *goidc.Grant) bool { return false })),
		op.WithTokenOptions(func(context.Context, *goidc.Grant, *goidc.Client) goidc.TokenOptions {
			return goidc.NewOpaqueTokenOptions(seconds(tokenLife))
		}, op.WithOpaqueTokens(m), op.WithOpaqueTokenFunc(func(ctx context.Context, _ *goidc.Grant) string { return random(ctx) })),
		op.WithDCR(m), op.WithClientSecretVerifier(m.verifySecret), op.WithSecretBasicAuthn(), op.WithSecretPostAuthn(),
		op.WithPrivateKeyJWTAuthn(goidc.SigAlgES256), op.WithJWTLifetime(seconds(assertionLife)), op.WithJWTLeewayTime(seconds(leeway)),
		op.WithJTIConsumer(m.consume), op.WithScopes(all...), op.WithOpenIDScopeRequired(), op.WithIDTokenLifetime(seconds(idLife)),
		op.WithIDTokenClaims(m.idTokenClaims), op.WithUserInfoClaims(m.userinfoClaims), op.WithTokenClaims(m.tokenClaims),
		op.WithTokenIntrospection(m.mayIntrospect), op.WithTokenRevocation(func(context.Context, *goidc.Client) bool { return true },
			op.WithTokenRevocationEndpoint("/revoke"), op.WithTokenRevocationRevokeGrantOnAccessToken()),
		op.WithACRs(ACROne, ACRTwo), op.WithErrorRenderer(m.notRedirected), op.WithErrorHandler(m.logged),
		// Nothing is fetched from anybody: members' keys come from their logbooks.
		op.WithHTTPClientFunc(func(context.Context) *http.Client { return &http.Client{Transport: noNetwork{}} }),
	)
	if err != nil {
		return nil, err
	}
	return engine.Handler(), nil
}

// pushed keeps with a pushed flow how the client wants its answer.
func pushed(ctx context.Context, as *goidc.AuthnSession, _ *goidc.Client) error {
	return facts{FormPost: workOf(ctx).formPost}.put(as.Store)
}

type noNetwork struct{}

func (noNetwork) RoundTrip(*http.Request) (*http.Response, error) {
	return nil, errors.New("the provider fetches nothing")
}

// signing is what the library signs with and checks its own signatures by: the private half
// of the key of each algorithm that signs now, the public halves of all.
func (p manager) signing(context.Context) (set goidc.JSONWebKeySet, err error) {
	for _, alg := range []string{key.RS256, key.ES256} {
		k, err := p.n.Keys.Signing(alg)
		if err != nil {
			return set, err
		}
		set.Keys = append(set.Keys, k)
	}
	all, err := p.n.Keys.Public("")
	for _, k := range all.Keys {
		if k.KeyID != set.Keys[0].KeyID && k.KeyID != set.Keys[1].KeyID {
			set.Keys = append(set.Keys, k)
		}
	}
	return set, err
}

// engineClient is a client as the library knows one.
func engineClient(c client.Client, method goidc.AuthnMethod) *goidc.Client {
	out := &goidc.Client{ID: c.ID, Secret: c.ID, ClientMeta: goidc.ClientMeta{
		Name: c.Called(), RedirectURIs: c.Redirects, GrantTypes: []goidc.GrantType{goidc.GrantAuthorizationCode, goidc.GrantRefreshToken},
		ResponseTypes: []goidc.ResponseType{goidc.ResponseTypeCode}, ScopeIDs: strings.Join(scopes(), " "),
		IDTokenSigAlg: goidc.SignatureAlgorithm(c.Alg), TokenAuthnMethod: method, PostLogoutRedirectURIs: c.PostLogout,
	}}
	if c.Member {
		out.ScopeIDs = strings.Join([]string{scopeOpenID, scopeProfile, scopeEmail}, " ")
		out.TokenAuthnMethod, out.PARRequired, out.JARRequired = goidc.AuthnMethodPrivateKeyJWT, true, true
		out.JARSigAlg, out.TokenAuthnSigAlg = goidc.SigAlgES256, goidc.SigAlgES256
		out.JWKS = &goidc.JSONWebKeySet{}
		if c.Keys != nil {
			out.JWKS = publicOnly(c.Keys)
		}
	}
	return out
}

func publicOnly(set *jose.JSONWebKeySet) *goidc.JSONWebKeySet {
	var out goidc.JSONWebKeySet
	for _, k := range set.Keys {
		if k.IsPublic() && k.Valid() && k.Algorithm == key.ES256 {
			out.Keys = append(out.Keys, k)
		}
	}
	return &out
}
