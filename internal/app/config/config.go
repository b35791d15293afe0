// Package config is entrechat.toml: what a node is told by its people, read strictly and
// written with what each key is for.
package config

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"syscall"

	"github.com/pelletier/go-toml/v2"

	"entrechat/internal/app/datadir"
	"entrechat/internal/core"
	"entrechat/internal/kit/logbook/format"
)

// Config is entrechat.toml: a section for each part of the house, and one for each room
// that has settings. Keys nobody set keep the values of DefaultConfig; a key nobody knows
// is an error with its line.
type Config struct {
	Node     Node
	Tools    Tools
	Database Database
	Log      Log
	Peer     Peer
	// Rooms are pointers to the rooms' sections, by the rooms' names.
	Rooms map[string]any

	sections []Section
}

// Section is what a room adds to the file.
type Section struct {
	// Name is the table's name ("vault").
	Name string
	// Words begin the keys of its comments ("vault.config."): with "section" for the table,
	// with the name of a key for that key.
	Words string
	// New makes the settings with their defaults, a pointer to a struct with toml tags.
	New func() any
	// Check refuses settings that cannot be; nil = all can.
	Check func(c Config) error
}

// Node is the [node] section: who this node is, and what several rooms ask of it.
// What each key is for stands in the words, as app.config.node.<key>.
type Node struct {
	Origin  string    `toml:"origin"`
	URL     string    `toml:"url"`
	Listen  string    `toml:"listen"`
	Proxies []string  `toml:"proxies"`
	Cert    string    `toml:"cert_file"`
	Key     string    `toml:"key_file"`
	Lang    string    `toml:"lang"`
	Contact string    `toml:"contact"`
	Site    string    `toml:"site"`
	Admin   string    `toml:"administrator"`
	Floor   core.Size `toml:"free_floor"`
}

// Tools is the [tools] section.
type Tools struct {
	Listen string `toml:"listen"`
}

// Database is the [database] section.
type Database struct {
	URL string `toml:"url"`
}

// Log is the [log] section.
type Log struct {
	Level  string `toml:"level"`
	Format string `toml:"format"`
}

// Peer is the [peer] section.
type Peer struct {
	Private bool `toml:"allow_private"`
}

// Default is what a node runs with when its file sets nothing but who it is.
func Default(rooms []Section) Config {
	cfg := Config{
		Node:  Node{Listen: "127.0.0.1:7480", Lang: "fr", Proxies: []string{}, Floor: 2 * core.GB},
		Tools: Tools{Listen: "127.0.0.1:7481"},
		Log:   Log{Level: "info", Format: "text"},
		Rooms: map[string]any{}, sections: rooms,
	}
	for _, s := range rooms {
		cfg.Rooms[s.Name] = s.New()
	}
	return cfg
}

// Of is the settings of a room, as its section makes them. Another type is a mistake in the
// program.
func Of[T any](c Config, room string) T {
	section, ok := c.Rooms[room].(T)
	if !ok {
		panic(fmt.Sprintf("the section of %s is a %T", room, c.Rooms[room]))
	}
	return section
}

// Parse reads a file's text over the defaults. A mistake comes back as CodeInvalid with
// the line and a caret under it.
func Parse(text []byte, rooms []Section) (Config, error) {
	cfg := Default(rooms)
	if err := cfg.decode(text); err != nil {
		line, snippet := explainTOML(err)
		return cfg, core.Invalid("app.bad_config", fmt.Errorf("line %d: %w\n%s", line, err, snippet)).
			With("Line", line).With("Detail", snippet)
	}
	if cfg.Node.URL == "" {
		cfg.Node.URL = "https://" + cfg.Node.Origin
	}
	return cfg, cfg.Check()
}

// explainTOML answers where the decoder's first error is, and the lines around it
// with a caret.
func explainTOML(err error) (line int, snippet string) {
	if strict, ok := errors.AsType[*toml.StrictMissingError](err); ok {
		line, _ = strict.Errors[0].Position()
		return line, strict.String()
	}
	if decode, ok := errors.AsType[*toml.DecodeError](err); ok {
		line, _ = decode.Position()
		return line, decode.String()
	}
	return 1, err.Error()
}

// Check refuses what cannot be, with CodeInvalid and the key.
func (c Config) Check() error {
	bad := func(sentence, key string, value any) error {
		return core.Invalid(sentence, fmt.Errorf("%s: %v", key, value)).With("Key", key).With("Value", value)
	}
	if id, err := core.ParseMemberID(c.Node.Origin); err != nil || string(id) != c.Node.Origin {
		return bad("app.bad_value", "node.origin", c.Node.Origin)
	}
	if !format.GoodURL(c.Node.URL) {
		return bad("app.bad_url", "node.url", c.Node.URL)
	}
	for key, address := range map[string]string{"node.listen": c.Node.Listen, "tools.listen": c.Tools.Listen} {
		if _, port, err := net.SplitHostPort(address); err != nil || port == "" {
			return bad("app.bad_listen", key, address)
		}
	}
	for _, proxy := range c.Node.Proxies {
		if _, err := parseProxy(proxy); err != nil {
			return bad("app.bad_value", "node.proxies", proxy)
		}
	}
	if (c.Node.Cert == "") != (c.Node.Key == "") {
		return core.Invalid("app.half_tls", errors.New("node.cert_file and node.key_file: one is missing"))
	}
	if c.Node.Lang != "fr" && c.Node.Lang != "en" {
		return bad("app.bad_value", "node.lang", c.Node.Lang)
	}
	if err := CheckSize("node.free_floor", c.Node.Floor); err != nil {
		return err
	}
	for _, s := range c.sections {
		if s.Check == nil {
			continue
		}
		if err := s.Check(c); err != nil {
			return err
		}
	}
	return nil
}

// CheckSize refuses sizes without a unit: an integer reaches a size without its text
// being read, so that 20 would be 20 bytes.
func CheckSize(key string, size core.Size) error {
	if size != 0 && size < core.MB {
		return core.Invalid("app.tiny_size", fmt.Errorf("%s: %v", key, size)).With("Key", key).With("Value", size)
	}
	return nil
}

// parseProxy reads an address or a network.
func parseProxy(text string) (netip.Prefix, error) {
	if addr, err := netip.ParseAddr(text); err == nil {
		return addr.Prefix(addr.BitLen())
	}
	return netip.ParsePrefix(text)
}

// Networks are those of Proxies, which were checked.
func (n Node) Networks() []netip.Prefix {
	var all []netip.Prefix
	for _, text := range n.Proxies {
		if p, err := parseProxy(text); err == nil {
			all = append(all, p)
		}
	}
	return all
}

// Load reads entrechat.toml of a data directory. Returns CodeNotFound when there is none:
// the directory was never initialised.
func Load(data string, rooms []Section) (Config, error) {
	text, err := os.ReadFile(filepath.Join(data, datadir.ConfigName))
	if errors.Is(err, syscall.ENOTDIR) {
		return Config{}, core.Invalid("app.data_no_folder", err).With("Data", data)
	}
	if errors.Is(err, os.ErrNotExist) {
		return Config{}, core.NotFound("app.no_data", err).With("Data", data)
	}
	if err != nil {
		return Config{}, datadir.Unreadable(data, err)
	}
	return Parse(text, rooms)
}

// DatabaseURL is where the tables are; SQLite in the data directory unless set.
func (c Config) DatabaseURL(data string) string {
	if c.Database.URL != "" {
		return c.Database.URL
	}
	return "sqlite:" + filepath.Join(data, datadir.DatabaseName)
}
