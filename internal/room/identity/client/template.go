package client

import (
	"embed"
	"errors"
	"net/url"
	"slices"
	"strings"
	"text/template"

	"entrechat/internal/core"
	"entrechat/internal/room/identity/key"
)

//go:embed templates/*.txt
var configurations embed.FS

// Template is what we know of one software as a service that signs people in.
type Template struct {
	Name     string // as typed
	Software string // as people know it
	// Redirects, PostLogout and BackLogout are below the service's address.
	Redirects  []string
	PostLogout []string
	BackLogout string
	// Alg is empty for RS256: what every one of them takes.
	Alg   string
	PKCE  bool // it sends one always
	Names Names
	Grace int64
	// Reads says that it asks about tokens of other services, and signs nobody in itself.
	Reads bool
	// Words has a sentence of its own, "identity.client.hint_NAME".
	Words bool
}

// Templates are all there are, the one for anything else last.
//
// Sources, read in November 2026: nextcloud/user_oidc lib/Command/UpsertProvider.php, mastodon
// config/initializers/3_omniauth.rb, GoToSocial's and Synapse's manuals on OIDC, the official
// PeerTube plugin, go-gitea docs on authentication, dovecot 2.3's manual on oauth2, roundcube 1.6
// config/defaults.inc.php, ether/ep_openid_connect, oidc-wp/openid-connect-generic, cosmocode's
// plugins oauth and oauthgeneric, mod_auth_openidc's and oauth2-proxy's manuals, HedgeDoc 1's.
func Templates() []Template {
	return []Template{
		{Name: "nextcloud", Software: "Nextcloud (user_oidc)", Redirects: []string{"/apps/user_oidc/code", "/index.php/apps/user_oidc/code"}, PostLogout: []string{"/", "/index.php"}, BackLogout: "/index.php/apps/user_oidc/backchannel-logout/entrechat", PKCE: true, Grace: 60, Words: true},
		{Name: "mastodon", Software: "Mastodon", Redirects: []string{"/auth/auth/openid_connect/callback"}, PostLogout: []string{"/"}, Names: Word, Words: true},
		{Name: "gotosocial", Software: "GoToSocial", Redirects: []string{"/auth/callback"}, Names: Word, Words: true},
		{Name: "peertube", Software: "PeerTube (auth-openid-connect)", Redirects: []string{"/plugins/auth-openid-connect/router/code-cb"}, PostLogout: []string{"/"}, Names: Dotted, Words: true},
		{Name: "gitea", Software: "Gitea", Redirects: []string{"/user/oauth2/entrechat/callback"}, Words: true},
		{Name: "forgejo", Software: "Forgejo", Redirects: []string{"/user/oauth2/entrechat/callback"}, Words: true},
		{Name: "dovecot", Software: "Dovecot", Reads: true, Words: true},
		{Name: "roundcube", Software: "Roundcube", Redirects: []string{"/index.php/login/oauth"}, Grace: 120, Words: true},
		{Name: "synapse", Software: "Matrix Synapse", Redirects: []string{"/_synapse/client/oidc/callback"}, BackLogout: "/_synapse/client/oidc/backchannel_logout", PKCE: true, Words: true},
		{Name: "etherpad", Software: "Etherpad (ep_openid_connect)", Redirects: []string{"/ep_openid_connect/callback"}, Words: true},
		{Name: "wordpress", Software: "WordPress (OpenID Connect Generic)", Redirects: []string{"/wp-admin/admin-ajax.php?action=openid-connect-authorize", "/openid-connect-authorize"}, PostLogout: []string{"/", "/wp-login.php?loggedout=true"}, Words: true},
		{Name: "dokuwiki", Software: "DokuWiki (oauth, oauthgeneric)", Redirects: []string{"/doku.php"}, Names: Word, Words: true},
		{Name: "hedgedoc", Software: "HedgeDoc 1", Redirects: []string{"/auth/oauth2/callback"}},
		{Name: "mod_auth_openidc", Software: "Apache (mod_auth_openidc)", Redirects: []string{"/oidc-callback"}, PostLogout: []string{"/"}, BackLogout: "/oidc-callback?logout=backchannel", PKCE: true, Words: true},
		{Name: "oauth2-proxy", Software: "oauth2-proxy", Redirects: []string{"/oauth2/callback"}, PostLogout: []string{"/"}, PKCE: true, Words: true},
		{Name: "generic", Software: "OpenID Connect", PKCE: true, Words: true},
	}
}

// FindTemplate finds one by its name. Returns CodeNotFound "identity.client.no_template".
func FindTemplate(name string) (Template, error) {
	all := Templates()
	i := slices.IndexFunc(all, func(t Template) bool { return t.Name == strings.ToLower(name) })
	if i < 0 {
		names := make([]string, 0, len(all))
		for _, t := range all {
			names = append(names, t.Name)
		}
		return Template{}, core.NotFound("identity.client.no_template", errors.New("no such template")).With("Name", name).With("All", strings.Join(names, ", "))
	}
	return all[i], nil
}

// Client is a service by this template, at an address. Returns CodeInvalid
// "identity.client.no_url", "identity.client.bad_url".
func (t Template) Client(name, address string) (Client, error) {
	if strings.TrimSpace(address) == "" {
		return Client{}, core.Invalid("identity.client.no_url", errors.New("no address given"))
	}
	address, err := ParseURL(strings.TrimRight(address, "/"))
	if err != nil {
		return Client{}, err
	}
	if name == "" {
		name = strings.ReplaceAll(t.Name, "_", "-")
	}
	c := Client{ID: name, Template: t.Name, URL: address, Settings: Settings{Alg: t.Alg, PKCE: t.PKCE, Names: t.Names, Grace: t.Grace}}
	if c.Alg == "" {
		c.Alg = key.RS256
	}
	for _, path := range t.Redirects {
		c.Redirects = append(c.Redirects, address+path)
	}
	for _, path := range t.PostLogout {
		c.PostLogout = append(c.PostLogout, address+path)
	}
	if t.BackLogout != "" {
		c.BackLogout = address + t.BackLogout
	}
	return c, nil
}

// complete refuses a service that lacks what its template cannot know. Returns CodeInvalid
// "identity.client.no_redirect" and "identity.client.no_reads".
func (t Template) complete(c Client) error {
	if len(c.Redirects) == 0 && !t.Reads {
		return core.Invalid("identity.client.no_redirect", errNoRedirect)
	}
	if t.Reads && len(c.Reads) == 0 {
		return core.Invalid("identity.client.no_reads", errNoRedirect)
	}
	return nil
}

// configuration is what the text of a template is filled with.
type configuration struct {
	Client

	Issuer, Host, Secret string
}

// Braces writes a text in the double braces of Jinja.
func (configuration) Braces(text string) string { return `"{{ ` + text + ` }}"` }

// WithSecret is the issuer with the client's name and secret in it, for programs that take
// no other way.
func (c configuration) WithSecret() string {
	u, err := url.Parse(c.Issuer)
	if err != nil {
		return c.Issuer
	}
	u.User = url.UserPassword(c.ID, c.Secret)
	return u.String()
}

// Configuration is what has to stand in the service's own configuration. secret may be
// empty: then a placeholder stands in its place.
func (s *Service) Configuration(c Client, secret string) (string, error) {
	if secret == "" {
		secret = "SECRET"
	}
	name := c.Template
	if _, err := FindTemplate(name); err != nil {
		name = "generic"
	}
	t, err := template.ParseFS(configurations, "templates/"+name+".txt")
	if err != nil {
		return "", err
	}
	host := s.n.Issuer
	if u, err := url.Parse(host); err == nil {
		host = u.Host
	}
	var out strings.Builder
	err = t.Execute(&out, configuration{c, s.n.Issuer, host, secret})
	return out.String(), err
}
