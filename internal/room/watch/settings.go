package watch

import (
	"errors"
	"io/fs"
	"os"
	"strings"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/seal"
	"entrechat/internal/room/watch/alert"
	"entrechat/internal/room/watch/software"
)

// Settings is the [watch] section of entrechat.toml.
type Settings struct {
	Zone string `toml:"zone"`
	alert.Settings
	Curator  string `toml:"versions_from"`
	Versions string `toml:"versions_file"`
	Token    string `toml:"alertmanager_token_file"`
}

// DefaultSettings are those of a file that says nothing.
func DefaultSettings() *Settings {
	return &Settings{Zone: "Europe/Paris", Settings: alert.DefaultSettings()}
}

// Check refuses settings that cannot be; it opens no file. Returns CodeInvalid.
func (c Settings) Check() error {
	if c.Curator != "" {
		if _, err := core.ParseMemberID(c.Curator); err != nil {
			return err
		}
	}
	plain := c.Settings
	plain.Password, plain.AccountPassword = "", ""
	_, noZone := c.TimeZone()
	_, noMail := plain.Channels()
	_, noTopic := c.Topics()
	return errors.Join(noZone, noMail, noTopic)
}

// TimeZone is where our users' clocks are. Returns CodeInvalid.
func (c Settings) TimeZone() (*time.Location, error) {
	at, err := time.LoadLocation(c.Zone)
	if err != nil || c.Zone == "Local" {
		return nil, core.Invalid("watch.config_bad_zone", errors.Join(err, errors.New("watch.zone"))).With("Value", c.Zone)
	}
	return at, nil
}

// AlertToken is what an Alertmanager shows to hand us alerts; empty for no file. Returns
// what seal.ReadSecret does.
func (c Settings) AlertToken() (string, error) {
	if c.Token == "" {
		return "", nil
	}
	text, err := seal.ReadSecret(c.Token)
	return strings.TrimSpace(string(text)), err
}

// SafeVersions is the hoster's own table of safe versions; empty for no file. Returns
// CodeNotFound, CodeInvalid.
func (c Settings) SafeVersions() (software.Table, error) {
	if c.Versions == "" {
		return software.Table{}, nil
	}
	text, err := os.ReadFile(c.Versions)
	if errors.Is(err, fs.ErrNotExist) {
		return software.Table{}, core.NotFound("watch.config_no_file", err).With("Path", c.Versions)
	}
	if err != nil {
		return software.Table{}, core.Invalid("watch.config_unread_file", err).With("Path", c.Versions)
	}
	return software.ParseFile(text)
}
