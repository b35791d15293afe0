// Package founding writes what makes a directory a node's: its configuration and its keys.
//
// What never happens: the seed lies in the data directory; a directory counts as whole before
// its configuration is there.
package founding

import (
	"os"
	"path/filepath"

	"entrechat/internal/app/config"
	"entrechat/internal/app/datadir"
	"entrechat/internal/core"
	"entrechat/internal/kit/seal"
	"entrechat/internal/kit/words"
)

// Place is what a person says of a new node: who it is and where it listens.
type Place struct {
	Origin  string
	URL     string // empty = https://<origin>
	Listen  string
	Tools   string
	Private bool
	Lang    string
	Site    string
	// Words says what each key of entrechat.toml is for; nil = the file is bare.
	Words *words.Printer
}

// Config turns a place into a configuration over the defaults of the rooms' sections. Returns
// what core.ParseMemberID and config.Config.Check do.
func (p Place) Config(sections []config.Section) (config.Config, error) {
	cfg := config.Default(sections)
	id, err := core.ParseMemberID(p.Origin)
	if err != nil {
		return cfg, err
	}
	cfg.Node.Origin, cfg.Node.URL = string(id), p.URL
	if p.URL == "" {
		cfg.Node.URL = "https://" + string(id)
	}
	if p.Listen != "" {
		cfg.Node.Listen = p.Listen
	}
	if p.Tools != "" {
		cfg.Tools.Listen = p.Tools
	}
	if p.Lang != "" {
		cfg.Node.Lang = p.Lang
	}
	cfg.Peer.Private, cfg.Node.Site = p.Private, p.Site
	return cfg, cfg.Check()
}

// Lay writes configuration and keys into a data directory; the seed stays out of it.
func Lay(data string, cfg config.Config, p *words.Printer, seed seal.Seed) error {
	if err := os.MkdirAll(filepath.Join(data, datadir.SecretsDir), 0o700); err != nil {
		return core.Denied("app.data_unreadable", err).With("Data", data)
	}
	recovery, err := datadir.RecoveryText(seed)
	if err != nil {
		return err
	}
	secrets := filepath.Join(data, datadir.SecretsDir)
	if _, err := seal.NewKeyFile(filepath.Join(secrets, datadir.LogKeyName)); err != nil {
		return err
	}
	if err := seal.WriteSecret(filepath.Join(secrets, datadir.RecoveryName), recovery); err != nil {
		return err
	}
	// The configuration comes last: a directory that has it is whole.
	file, err := cfg.Render(p)
	if err != nil {
		return err
	}
	return seal.WriteSecret(filepath.Join(data, datadir.ConfigName), file)
}
