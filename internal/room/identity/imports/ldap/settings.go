package ldap

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/netip"
	"net/url"
	"os"
	"strings"

	goldap "github.com/go-ldap/ldap/v3"

	"entrechat/internal/core"
	"entrechat/internal/kit/seal"
)

// Settings are the keys of the [identity] section that begin with ldap_. The zero value is no
// directory.
type Settings struct {
	URL      string `toml:"ldap_url"` // ldaps://HOST[:PORT], or ldap://HOST[:PORT], which begins TLS but on this machine
	Base     string `toml:"ldap_base"`
	BindDN   string `toml:"ldap_bind_dn"` // who searches; empty = anybody may
	Password string `toml:"ldap_bind_password_file"`
	Filter   string `toml:"ldap_filter"`
	User     string `toml:"ldap_user_attribute"`
	Name     string `toml:"ldap_name_attribute"`
	Mail     string `toml:"ldap_mail_attribute"`
	ID       string `toml:"ldap_id_attribute"`
	CA       string `toml:"ldap_ca_file"`
	// Verified: people cannot change their address in the directory, so that it is theirs.
	Verified bool `toml:"ldap_mail_verified"`
}

// DefaultSettings are those of a file that says nothing: no directory.
func DefaultSettings() Settings {
	return Settings{Filter: "(objectClass=person)", User: "uid", Name: "cn", Mail: "mail", ID: "entryUUID"}
}

// On says whether there is a directory.
func (c Settings) On() bool { return c.URL != "" }

// server is where the directory is, checked.
type server struct {
	url   string
	host  string
	start bool // TLS begins in the connection
}

// Check refuses settings that cannot be; it opens no file and no connection. Returns
// CodeInvalid "identity.ldap.bad_setting", naming the key.
func (c Settings) Check() error {
	if !c.On() {
		return nil
	}
	bad := func(key string, err error) error {
		return core.Invalid("identity.ldap.bad_setting", err).With("Key", key)
	}
	if _, err := c.server(); err != nil {
		return bad("ldap_url", err)
	}
	if _, err := goldap.ParseDN(c.Base); err != nil || c.Base == "" {
		return bad("ldap_base", errors.Join(err, errors.New("no name of an entry")))
	}
	if _, err := goldap.ParseDN(c.BindDN); err != nil {
		return bad("ldap_bind_dn", err)
	}
	if (c.BindDN == "") != (c.Password == "") {
		return bad("ldap_bind_password_file", errors.New("who searches needs both a name and a password, or neither"))
	}
	if _, err := goldap.CompileFilter(c.Filter); err != nil {
		return bad("ldap_filter", err)
	}
	for key, name := range map[string]string{"ldap_user_attribute": c.User, "ldap_name_attribute": c.Name, "ldap_mail_attribute": c.Mail, "ldap_id_attribute": c.ID} {
		if name == "" || strings.Trim(strings.ToLower(name), "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
			return bad(key, errors.New("no name of an attribute"))
		}
	}
	return nil
}

func (c Settings) server() (s server, err error) {
	u, err := url.Parse(c.URL)
	if err != nil {
		return s, err
	}
	if u.Hostname() == "" || u.User != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" {
		return s, errors.New("not the form ldaps://HOST")
	}
	s = server{url: u.Scheme + "://" + u.Host, host: u.Hostname()}
	switch u.Scheme {
	case "ldaps":
	case "ldap":
		s.start = !thisMachine(s.host)
	default:
		return s, errors.New("neither ldaps nor ldap")
	}
	return s, nil
}

func thisMachine(host string) bool {
	at, err := netip.ParseAddr(host)
	return err == nil && at.IsLoopback() || host == "localhost"
}

// tls trusts the system's authorities, or those of the file alone.
func (c Settings) tls(host string) (*tls.Config, error) {
	t := &tls.Config{ServerName: host, MinVersion: tls.VersionTLS12}
	if c.CA == "" {
		return t, nil
	}
	text, err := os.ReadFile(c.CA)
	if err != nil {
		return nil, core.Invalid("identity.ldap.no_ca", err).With("Path", c.CA)
	}
	t.RootCAs = x509.NewCertPool()
	if !t.RootCAs.AppendCertsFromPEM(text) {
		return nil, core.Invalid("identity.ldap.no_ca", errors.New("no certificate in it")).With("Path", c.CA)
	}
	return t, nil
}

// password is who searches'. Returns what seal.ReadSecret does.
func (c Settings) password() (string, error) {
	if c.Password == "" {
		return "", nil
	}
	text, err := seal.ReadSecret(c.Password)
	if err == nil && strings.TrimSpace(string(text)) == "" {
		err = core.Invalid("identity.ldap.bad_setting", errors.New("an empty file")).With("Key", "ldap_bind_password_file")
	}
	return strings.TrimSpace(string(text)), err
}

// dialer reaches the directory.
func dialer() *net.Dialer { return &net.Dialer{Timeout: dialTimeout} }
