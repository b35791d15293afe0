package app

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
	"entrechat/internal/kit/logbook"
)

// Config is entrechat.toml: a section for each part of the house, and one for each room
// that has settings. Keys nobody set keep the values of DefaultConfig; a key nobody knows
// is an error with its line.
type Config struct {
	Node     NodeConfig
	Tools    ToolsConfig
	Database DatabaseConfig
	Log      LogConfig
	Peer     PeerConfig
	// Rooms are pointers to the rooms' sections, by the rooms' names.
	Rooms map[string]any
}

// NodeConfig is the [node] section: who this node is, and what several rooms ask of it.
// What each key is for stands in the words, as app.config.node.<key>.
type NodeConfig struct {
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

// ToolsConfig is the [tools] section.
type ToolsConfig struct {
	Listen string `toml:"listen"`
}

// DatabaseConfig is the [database] section.
type DatabaseConfig struct {
	URL string `toml:"url"`
}

// LogConfig is the [log] section.
type LogConfig struct {
	Level  string `toml:"level"`
	Format string `toml:"format"`
}

// PeerConfig is the [peer] section.
type PeerConfig struct {
	Private bool `toml:"allow_private"`
}

// DefaultConfig is what a node runs with when its file sets nothing but who it is.
func DefaultConfig() Config {
	cfg := Config{
		Node:  NodeConfig{Listen: "127.0.0.1:7480", Lang: "fr", Proxies: []string{}, Floor: 2 * core.GB},
		Tools: ToolsConfig{Listen: "127.0.0.1:7481"},
		Log:   LogConfig{Level: "info", Format: "text"},
		Rooms: map[string]any{},
	}
	for _, m := range modules() {
		if m.section != nil {
			cfg.Rooms[m.name] = m.section()
		}
	}
	return cfg
}

// sectionOf is the settings of a room, as its module makes them. Another type is a mistake
// in the program.
func sectionOf[T any](c Config, room string) T {
	section, ok := c.Rooms[room].(T)
	if !ok {
		panic(fmt.Sprintf("the section of %s is a %T", room, c.Rooms[room]))
	}
	return section
}

// ParseConfig reads a file's text over the defaults. A mistake comes back as
// CodeInvalid with the line and a caret under it.
func ParseConfig(text []byte) (Config, error) {
	cfg := DefaultConfig()
	if err := cfg.decode(text); err != nil {
		line, snippet := explainTOML(err)
		return cfg, core.Invalid("app.bad_config", fmt.Errorf("line %d: %w\n%s", line, err, snippet)).
			With("Line", line).With("Detail", snippet)
	}
	if cfg.Node.URL == "" {
		cfg.Node.URL = "https://" + cfg.Node.Origin
	}
	return cfg, cfg.check()
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

func (c Config) check() error {
	bad := func(sentence, key string, value any) error {
		return core.Invalid(sentence, fmt.Errorf("%s: %v", key, value)).With("Key", key).With("Value", value)
	}
	if id, err := core.ParseMemberID(c.Node.Origin); err != nil || string(id) != c.Node.Origin {
		return bad("app.bad_value", "node.origin", c.Node.Origin)
	}
	if !logbook.GoodURL(c.Node.URL) {
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
	if err := checkSize("node.free_floor", c.Node.Floor); err != nil {
		return err
	}
	for _, m := range modules() {
		if m.checkSection == nil {
			continue
		}
		if err := m.checkSection(c); err != nil {
			return err
		}
	}
	return nil
}

// checkSize refuses sizes without a unit: an integer reaches a size without its text
// being read, so that 20 would be 20 bytes.
func checkSize(key string, size core.Size) error {
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

// proxies are the networks of Proxies, which were checked.
func (n NodeConfig) proxies() []netip.Prefix {
	var all []netip.Prefix
	for _, text := range n.Proxies {
		if p, err := parseProxy(text); err == nil {
			all = append(all, p)
		}
	}
	return all
}

// LoadConfig reads entrechat.toml of a data directory. Returns CodeNotFound when
// there is none: the directory was never initialised.
func LoadConfig(data string) (Config, error) {
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
	return ParseConfig(text)
}
