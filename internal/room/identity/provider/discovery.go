package provider

import (
	"encoding/json"
	"net/http"
)

// metadata is what OpenID Connect Discovery 1.0 and RFC 8414 have a provider say of itself.
type metadata struct {
	Issuer             string   `json:"issuer"`
	Authorization      string   `json:"authorization_endpoint"`
	Token              string   `json:"token_endpoint"`
	Userinfo           string   `json:"userinfo_endpoint"`
	JWKS               string   `json:"jwks_uri"`
	Introspection      string   `json:"introspection_endpoint"`
	Revocation         string   `json:"revocation_endpoint"`
	PAR                string   `json:"pushed_authorization_request_endpoint"`
	EndSession         string   `json:"end_session_endpoint"`
	Scopes             []string `json:"scopes_supported"`
	ResponseTypes      []string `json:"response_types_supported"`
	ResponseModes      []string `json:"response_modes_supported"`
	GrantTypes         []string `json:"grant_types_supported"`
	Subjects           []string `json:"subject_types_supported"`
	IDTokenAlgs        []string `json:"id_token_signing_alg_values_supported"`
	AuthMethods        []string `json:"token_endpoint_auth_methods_supported"`
	AuthAlgs           []string `json:"token_endpoint_auth_signing_alg_values_supported"`
	IntroMethods       []string `json:"introspection_endpoint_auth_methods_supported"`
	RevokeMethods      []string `json:"revocation_endpoint_auth_methods_supported"`
	Challenges         []string `json:"code_challenge_methods_supported"`
	RequestAlgs        []string `json:"request_object_signing_alg_values_supported"`
	Claims             []string `json:"claims_supported"`
	ACR                []string `json:"acr_values_supported"`
	Prompts            []string `json:"prompt_values_supported"`
	Locales            []string `json:"ui_locales_supported"`
	Iss                bool     `json:"authorization_response_iss_parameter_supported"`
	BackLogout         bool     `json:"backchannel_logout_supported"`
	BackLogoutSession  bool     `json:"backchannel_logout_session_supported"`
	Request            bool     `json:"request_parameter_supported"`
	RequestURI         bool     `json:"request_uri_parameter_supported"`
	RequireRequestURIs bool     `json:"require_request_uri_registration"`
	ClaimsParameter    bool     `json:"claims_parameter_supported"`
}

func (p front) metadata() metadata {
	at := func(path string) string { return p.n.Issuer + path }
	secret := []string{"client_secret_basic", "client_secret_post", "private_key_jwt"}
	return metadata{
		Issuer: p.n.Issuer, Authorization: at(pathAuthorize), Token: at(pathToken), Userinfo: at(pathUserinfo), JWKS: at(pathJWKS),
		Introspection: at(pathIntro), Revocation: at(pathRevoke), PAR: at(pathPAR), EndSession: at(pathEnd),
		Scopes: scopes(), ResponseTypes: []string{"code"}, ResponseModes: []string{"query", "fragment", "form_post"},
		GrantTypes: []string{"authorization_code", "refresh_token"}, Subjects: []string{"public"}, IDTokenAlgs: []string{"RS256", "ES256"},
		AuthMethods: secret, AuthAlgs: []string{"ES256"}, IntroMethods: secret, RevokeMethods: secret, Challenges: []string{"S256"}, RequestAlgs: []string{"ES256"},
		Claims: []string{"sub", "iss", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "sid", "azp", "preferred_username", "nickname", "name", "locale", "email", "email_verified", "groups"},
		ACR:    []string{ACROne, ACRTwo}, Prompts: []string{"none", "login", "consent", "select_account"}, Locales: []string{"fr", "en"},
		Iss: true, BackLogout: true, BackLogoutSession: true, Request: true, RequireRequestURIs: true,
	}
}

// Metadata is what the provider says of itself, as it is encoded to JSON.
func (p *Provider) Metadata() any { return front{p}.metadata() }

func (p front) discovery(w http.ResponseWriter, r *http.Request) {
	p.public(w, r, p.metadata())
}

func (p front) jwks(w http.ResponseWriter, r *http.Request) {
	set, err := p.n.Keys.Public("")
	if err != nil {
		p.refuse(w, r, err)
		return
	}
	p.public(w, r, set)
}

// public answers what everybody may read, and any page's script too.
func (p front) public(w http.ResponseWriter, r *http.Request, v any) {
	text, err := json.Marshal(v)
	if err != nil {
		p.refuse(w, r, err)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "public, max-age=300")
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("X-Content-Type-Options", "nosniff")
	w.Write(text)
}
