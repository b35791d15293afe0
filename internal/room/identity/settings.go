package identity

import (
	"errors"
	"fmt"

	"entrechat/internal/core"
	"entrechat/internal/room/identity/imports/ldap"
	"entrechat/internal/room/identity/person"
	"entrechat/internal/room/identity/signin"
)

// LDAP are the settings of a living directory.
type LDAP = ldap.Settings

// Settings is the [identity] section of entrechat.toml.
type Settings struct {
	signin.Settings
	LDAP
	// Mail are the domains of our people's addresses that we vouch for to other members.
	Mail []string `toml:"mail_domains"`
	// Visitors is how many new people another hoster may bring within a day.
	Visitors int64 `toml:"visitors_per_day"`
}

// DefaultSettings are those of a file that says nothing.
func DefaultSettings() *Settings {
	return &Settings{Settings: signin.DefaultSettings(), LDAP: ldap.DefaultSettings(), Mail: []string{}, Visitors: 200}
}

// Check refuses settings that cannot be. Returns CodeInvalid.
func (c Settings) Check() error {
	if err := errors.Join(c.Settings.Check(), c.LDAP.Check()); err != nil {
		return err
	}
	if c.Visitors < 0 {
		return core.Invalid("identity.config_visitors", errors.New("identity.visitors_per_day"))
	}
	for _, domain := range c.Mail {
		if address, err := person.ParseMail("a@" + domain); err != nil || person.MailDomain(address) != domain {
			return core.Invalid("identity.config_mail", fmt.Errorf("identity.mail_domains: %w", errors.Join(err, errors.New("not a domain")))).With("Value", domain)
		}
	}
	return nil
}
