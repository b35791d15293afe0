package oidc

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

func s256(verifier string) string {
	sum := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// nextcloud sends PKCE when discovery has it, asks for claims one by one, sends its secret in
// the form, and reads the ID token alone. A user id longer than 64 is replaced by a hash.
func nextcloud() software {
	return software{
		template: "nextcloud",
		source:   "github.com/nextcloud/user_oidc 82fefe37 lib/Controller/LoginController.php, 075be876 lib/Service/LocalIdService.php, 12f3c9f9 lib/Db/UserMapper.php",
		name:     regexp.MustCompile(`^[a-zA-Z0-9_.@'-]{1,64}$`),
		enter: func(s *shop, b *browser) customer {
			s.discover(s.config(`--discoveryuri='([^']+)'`))
			s.id, s.secret = s.config(`--clientid='([^']+)'`), s.config(`--clientsecret='([^']+)'`)
			uid := s.config(`--mapping-uid=(\S+)`)
			want := map[string]any{uid: map[string]bool{"essential": true}, "email": nil, "name": nil, "quota": nil, "groups": nil}
			wish, err := json.Marshal(map[string]any{"id_token": want, "userinfo": want})
			s.ok(err)
			verifier, state, nonce := (rand.Text() + rand.Text() + rand.Text() + rand.Text() + rand.Text())[:128], rand.Text(), rand.Text()
			back := s.address + "/apps/user_oidc/code"
			end := s.goes(b, form("client_id", s.id, "response_type", "code", "scope", s.config(`--scope='([^']+)'`), "redirect_uri", back, "claims", string(wish),
				"state", state, "nonce", nonce, "code_challenge", s256(verifier), "code_challenge_method", "S256"))
			tokens, id := s.redeem(form("code", end.code(), "redirect_uri", back, "grant_type", "authorization_code", "code_verifier", verifier, "client_id", s.id, "client_secret", s.secret), nil, nonce)
			s.want(s.config(`--unique-uid=(\d)`) == "0" && text(id, s.config(`--mapping-display-name=(\S+)`)) != "" && id[s.config(`--mapping-groups=(\S+)`)] != nil, "claims %v", id)
			key := text(id, uid)
			if len(key) > 64 {
				sum := sha256.Sum256([]byte(key))
				key = hex.EncodeToString(sum[:])
			}
			return customer{key, key, text(id, s.config(`--mapping-email=(\S+)`)), id, tokens.field("id_token")}
		},
	}
}

// mastodon sends no PKCE, its secret in the header and the scope with the code, and reads
// userinfo. Its uid has no issuer; the username is what of it is plain, cut at 30.
func mastodon() software {
	return software{
		template: "mastodon",
		source:   "github.com/mastodon/mastodon 2970d93a app/models/concerns/user/omniauthable.rb, a90e77b1 config/omniauth.yml; github.com/omniauth/omniauth_openid_connect 00dd96b1 lib/omniauth/strategies/openid_connect.rb",
		name:     regexp.MustCompile(`^[a-z0-9_]{1,30}$`),
		enter: func(s *shop, b *browser) customer {
			s.discover(s.config(`OIDC_ISSUER=(\S+)`))
			s.id, s.secret = s.config(`OIDC_CLIENT_ID=(\S+)`), s.config(`OIDC_CLIENT_SECRET=(\S+)`)
			scope, back := strings.ReplaceAll(s.config(`OIDC_SCOPE=(\S+)`), ",", " "), s.config(`OIDC_REDIRECT_URI=(\S+)`)
			state, nonce := rand.Text(), rand.Text()
			end := s.goes(b, form("client_id", s.id, "response_type", "code", "scope", scope, "redirect_uri", back, "state", state, "nonce", nonce))
			tokens, id := s.redeem(form("grant_type", "authorization_code", "code", end.code(), "redirect_uri", back, "scope", scope), s.basic(false), nonce)
			info := s.about(tokens, id)
			uid := text(info, s.config(`OIDC_UID_FIELD=(\S+)`))
			name, _, _ := strings.Cut(uid, "@")
			name = regexp.MustCompile(`(?i)[^a-z0-9_]+`).ReplaceAllString(name, "")
			// It counts every address as verified: so none may come that is not.
			s.want(info["email"] == nil || info["email_verified"] == true, "an address that is not verified: %v", info)
			return customer{"openid_connect " + uid, name[:min(len(name), 30)], text(info, "email"), id, ""}
		},
	}
}

// gotosocial uses coreos/go-oidc, as this does, without PKCE and nonce. It reads the ID token.
func gotosocial() software {
	return software{
		template: "gotosocial",
		source:   "github.com/superseriousbusiness/gotosocial b34ffc77 internal/oidc/idp.go, 89a82636 internal/oidc/claims.go",
		name:     regexp.MustCompile(`^[a-z0-9_]{1,64}$`),
		enter: func(s *shop, b *browser) customer {
			s.id, s.secret = s.config(`oidc-client-id: "(.+)"`), s.config(`oidc-client-secret: "(.+)"`)
			ctx := oidc.ClientContext(s.ctx, program())
			known, err := oidc.NewProvider(ctx, s.config(`oidc-issuer: "(.+)"`))
			s.ok(err)
			scopes := strings.Split(strings.ReplaceAll(s.config(`oidc-scopes: \[(.+)\]`), `"`, ""), ", ")
			c := oauth2.Config{ClientID: s.id, ClientSecret: s.secret, RedirectURL: s.address + "/auth/callback", Endpoint: known.Endpoint(), Scopes: scopes}
			at, err := url.Parse(c.AuthCodeURL(rand.Text()))
			s.ok(err)
			return s.goSocial(ctx, known.Verifier(&oidc.Config{ClientID: s.id}), &c, s.goes(b, at.Query()).code())
		},
	}
}

func (s *shop) goSocial(ctx context.Context, v *oidc.IDTokenVerifier, c *oauth2.Config, code string) customer {
	tokens, err := c.Exchange(ctx, code)
	s.ok(err)
	raw, _ := tokens.Extra("id_token").(string)
	id, err := v.Verify(ctx, raw)
	s.ok(err)
	var said struct {
		Sub      string   `json:"sub"`
		Mail     string   `json:"email"`
		Verified bool     `json:"email_verified"`
		Groups   []string `json:"groups"`
		Name     string   `json:"preferred_username"`
	}
	s.ok(id.Claims(&said))
	s.want(said.Mail == "" || said.Verified, "an address that is not verified: %+v", said)
	return customer{said.Sub, said.Name, said.Mail, s.claims(raw), raw}
}

// peertube takes the answer as a form, needs one algorithm, and finds accounts by their mail
// address. Its plugin uses openid-client.
func peertube() software {
	return software{
		template: "peertube",
		source:   "framagit.org/framasoft/peertube/official-plugins auth-openid-connect 1.0.2, as www.authelia.com/integration/openid-connect/clients/peertube has it (v4.39.4); github.com/Chocobozzz/PeerTube v7.2.1 server/core/lib/auth/external-auth.ts",
		name:     regexp.MustCompile(`^[a-z0-9._]{1,50}$`),
		mailed:   true,
		enter: func(s *shop, b *browser) customer {
			s.discover(s.config(`Discover URL +(\S+)`))
			s.id, s.secret = s.config(`Client ID +(\S+)`), s.config(`Client secret +(\S+)`)
			verifier, state, back := rand.Text()+rand.Text(), rand.Text(), s.address+"/plugins/auth-openid-connect/router/code-cb"
			end := s.goes(b, form("client_id", s.id, "response_type", "code", "response_mode", "form_post", "scope", s.config(`Scope +(.+)`), "redirect_uri", back, "state", state,
				"code_challenge", s256(verifier), "code_challenge_method", "S256"))
			s.want(end.form && end.at.RawQuery == "", "the code is in an address: %s", end.at)
			tokens, id := s.redeem(form("grant_type", "authorization_code", "code", end.code(), "redirect_uri", back, "code_verifier", verifier, "client_id", s.id, "client_secret", s.secret), nil, "")
			head, err := base64.RawURLEncoding.DecodeString(strings.Split(tokens.field("id_token"), ".")[0])
			s.want(err == nil && strings.Contains(string(head), `"`+s.config(`Token signature algorithm +(\S+)`)+`"`), "signed by %s", head)
			info := s.about(tokens, id)
			mail := strings.ToLower(text(info, s.config(`Email property +(\S+)`)))
			return customer{mail, text(info, s.config(`Username property +(\S+)`)), mail, id, ""}
		},
	}
}

// synapse sends PKCE when discovery has it and a header that it does not encode. The account
// is found by sub; its localpart is what the template makes.
func synapse() software {
	return software{
		template: "synapse",
		source:   "github.com/element-hq/synapse 23740eaa synapse/handlers/oidc.py",
		name:     regexp.MustCompile(`^[a-z0-9._=/+-]{1,200}$`),
		enter: func(s *shop, b *browser) customer {
			s.discover(s.config(`issuer: "(.+)"`))
			s.id, s.secret = s.config(`client_id: "(.+)"`), s.config(`client_secret: "(.+)"`)
			scope := strings.Join(strings.Split(strings.ReplaceAll(s.config(`scopes: \[(.+)\]`), `"`, ""), ", "), " ")
			verifier, state, nonce, back := rand.Text()+rand.Text(), rand.Text(), rand.Text(), s.address+"/_synapse/client/oidc/callback"
			end := s.goes(b, form("response_type", "code", "client_id", s.id, "redirect_uri", back, "scope", scope, "state", state, "nonce", nonce,
				"code_challenge_method", "S256", "code_challenge", s256(verifier)))
			_, id := s.redeem(form("grant_type", "authorization_code", "code", end.code(), "redirect_uri", back, "code_verifier", verifier), s.basic(true), nonce)
			name := text(id, s.config(`localpart_template: "\{\{ user\.(\w+) \}\}"`))
			return customer{"oidc-entrechat " + text(id, s.config(`subject_claim: (\w+)`)), name, text(id, s.config(`email_template: "\{\{ user\.(\w+) \}\}"`)), id, ""}
		},
	}
}

// gitea, and Forgejo, use markbates/goth: no PKCE, no nonce, no look at the signature; what
// userinfo says replaces what the ID token said.
func gitea(template string) software {
	return software{
		template: template,
		source:   "github.com/markbates/goth 0c89e860 providers/openidConnect/openidConnect.go; github.com/go-gitea/gitea v1.26.0 routers/web/auth/oauth.go",
		name:     regexp.MustCompile(`^[a-z0-9]+([._-][a-z0-9]+)*$`),
		enter: func(s *shop, b *browser) customer {
			s.discover(s.config(`--auto-discover-url '([^']+)'`))
			s.id, s.secret = s.config(`--key '([^']+)'`), s.config(`--secret '([^']+)'`)
			var scopes []string
			for _, m := range regexp.MustCompile(`--scopes (\w+)`).FindAllStringSubmatch(s.printed, -1) {
				scopes = append(scopes, m[1])
			}
			c := oauth2.Config{
				ClientID: s.id, ClientSecret: s.secret, RedirectURL: s.address + "/user/oauth2/entrechat/callback", Scopes: scopes,
				Endpoint: oauth2.Endpoint{AuthURL: s.probe.at("authorization_endpoint"), TokenURL: s.probe.at("token_endpoint")},
			}
			at, err := url.Parse(c.AuthCodeURL(rand.Text()))
			s.ok(err)
			tokens, err := c.Exchange(context.WithValue(s.ctx, oauth2.HTTPClient, program()), s.goes(b, at.Query()).code())
			s.ok(err)
			raw, _ := tokens.Extra("id_token").(string)
			id := s.claims(raw)
			info := s.userinfo(tokens.AccessToken)
			s.want(info.status == http.StatusOK && info.field("sub") == text(id, "sub"), "userinfo: %d %s", info.status, info.body)
			// Never by the mail address: "auto" would be.
			s.want(s.config(`ACCOUNT_LINKING = (\w+)`) == "login" && info.json()[s.config(`--group-claim-name (\w+)`)] != nil, "printed: %s", s.printed)
			return customer{info.field("sub"), info.field(s.config(`USERNAME = (\w+)`)), info.field("email"), id, raw}
		},
	}
}
