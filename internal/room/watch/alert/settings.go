package alert

import (
	"strings"

	"entrechat/internal/kit/seal"
	"entrechat/internal/room/watch/alert/channel"
	"entrechat/internal/room/watch/alert/contact"
)

// Settings are what a node's file says of how it writes to people, in the section
// [watch]. Without them the node sends no mail and writes no XMPP.
type Settings struct {
	Host     string `toml:"smtp_host"`
	Port     int    `toml:"smtp_port"`
	TLS      string `toml:"smtp_tls"` // starttls, tls, none
	User     string `toml:"smtp_user"`
	Password string `toml:"smtp_password_file"` // a file, readable by this user alone
	From     string `toml:"smtp_from"`

	Account         string `toml:"xmpp_account"`
	AccountPassword string `toml:"xmpp_password_file"`
	AccountServer   string `toml:"xmpp_server"` // empty = as DNS says

	// Topic is an ntfy address that everybody may listen to; our own incidents go there.
	Topic string `toml:"public_ntfy"`
}

// DefaultSettings are those of a node whose file says nothing.
func DefaultSettings() Settings { return Settings{Port: 587, TLS: "starttls"} }

// Channels reads the secrets and checks all of it. Returns CodeInvalid for settings that
// cannot be, CodeNotFound for a file that is not there.
func (s Settings) Channels() (channel.Needs, error) {
	n := channel.Needs{
		SMTP: channel.SMTP{Host: s.Host, Port: s.Port, TLS: s.TLS, User: s.User, From: s.From},
		XMPP: channel.Account{JID: s.Account, Server: s.AccountServer},
	}
	if err := n.SMTP.Check(); err != nil {
		return n, err
	}
	var err error
	if n.SMTP.Password, err = read(s.Password); err != nil {
		return n, err
	}
	n.XMPP.Password, err = read(s.AccountPassword)
	return n, err
}

// read reads a secret's file; none is no secret.
func read(file string) (string, error) {
	if file == "" {
		return "", nil
	}
	secret, err := seal.ReadSecret(file)
	return strings.TrimSpace(string(secret)), err
}

// Topics are the public channels of our own events. Returns CodeInvalid for an address
// that is no topic.
func (s Settings) Topics() ([]contact.Channel, error) {
	if s.Topic == "" {
		return nil, nil
	}
	c := contact.Channel{ID: "public", Kind: contact.Ntfy, Address: s.Topic}
	return []contact.Channel{c}, c.Check()
}
