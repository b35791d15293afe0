package app

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"syscall"

	"github.com/pelletier/go-toml/v2"

	"entrechat/internal/core"
	"entrechat/internal/kit/logbook"
)

// configName is the one configuration file, inside the data directory.
const configName = "entrechat.toml"

// Config is entrechat.toml. Keys nobody set keep the values of DefaultConfig;
// a key nobody knows is an error with its line.
type Config struct {
	Node     NodeConfig     `toml:"node" comment:"Who this node is and where the others reach it."`
	Tools    ToolsConfig    `toml:"tools" comment:"What only this machine may reach: the restic front, /metrics, /healthz."`
	Database DatabaseConfig `toml:"database" comment:"Where the node keeps its tables."`
	Log      LogConfig      `toml:"log" comment:"What the node writes to standard error."`
	Peer     PeerConfig     `toml:"peer" comment:"How the node talks to other members."`
	Vault    VaultConfig    `toml:"vault" comment:"Backups: ours at the others, the others' here."`
}

// NodeConfig is the [node] section.
type NodeConfig struct {
	Origin  string   `toml:"origin" comment:"The domain others know this hoster by. It never changes."`
	URL     string   `toml:"url" comment:"Where the others reach this node. It may move: change it here, then run entrechat log move."`
	Listen  string   `toml:"listen" comment:"Public listener. Plain HTTP behind your proxy, unless cert_file and key_file are set."`
	Proxies []string `toml:"proxies" comment:"Addresses or networks of proxies that name the visitor in X-Forwarded-For; loopback always may. Addresses are counted, never kept."`
	Cert    string   `toml:"cert_file" comment:"Certificate chain (PEM); empty = a proxy does TLS."`
	Key     string   `toml:"key_file" comment:"Private key (PEM) of the certificate."`
	Lang    string   `toml:"lang" comment:"Language of pages and texts when nothing else decides: fr or en."`
	Contact string   `toml:"contact" comment:"A role address shown to other members and users, never a private one."`
}

// ToolsConfig is the [tools] section.
type ToolsConfig struct {
	Listen string `toml:"listen" comment:"Keep it on loopback: whoever reaches it can use the restic front with a token."`
}

// DatabaseConfig is the [database] section.
type DatabaseConfig struct {
	URL string `toml:"url" comment:"Empty = SQLite in the data directory; or postgres://user@host/name."`
}

// LogConfig is the [log] section.
type LogConfig struct {
	Level  string `toml:"level" comment:"debug, info, warn or error."`
	Format string `toml:"format" comment:"text or json."`
}

// PeerConfig is the [peer] section.
type PeerConfig struct {
	Private bool `toml:"allow_private" comment:"Allow members on private addresses and plain http. Only for demos and tests on one machine."`
}

// VaultConfig is the [vault] section.
type VaultConfig struct {
	Spool core.Size `toml:"spool_max" comment:"At most this much waits on this disk for the members to take it."`
	Cache core.Size `toml:"cache_max" comment:"At most this much read back from the members is kept at hand during a restore."`
	Floor core.Size `toml:"free_floor" comment:"Keep this much of the disk free: shards of others and new backups are refused below it."`
	Site  string    `toml:"site" comment:"Where our disks stand (town or data centre). Two members in one place count as one."`
	Admin string    `toml:"admin" comment:"Who administers this node, if one team runs several members. Empty = only us."`
}

// DefaultConfig is what a node runs with when its file sets nothing but who it is.
func DefaultConfig() Config {
	return Config{
		Node:  NodeConfig{Listen: "127.0.0.1:7480", Lang: "fr", Proxies: []string{}},
		Tools: ToolsConfig{Listen: "127.0.0.1:7481"},
		Log:   LogConfig{Level: "info", Format: "text"},
		Vault: VaultConfig{Spool: 10 * core.GB, Cache: core.GB, Floor: 2 * core.GB},
	}
}

// ParseConfig reads a file's text over the defaults. A mistake comes back as
// CodeInvalid with the line and a caret under it.
func ParseConfig(text []byte) (Config, error) {
	cfg := DefaultConfig()
	dec := toml.NewDecoder(bytes.NewReader(text)).DisallowUnknownFields()
	if err := dec.Decode(&cfg); err != nil {
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
	// An integer reaches a size without its text being read: 20 would be 20 bytes.
	for key, size := range map[string]core.Size{"vault.spool_max": c.Vault.Spool, "vault.cache_max": c.Vault.Cache, "vault.free_floor": c.Vault.Floor} {
		if size != 0 && size < core.MB {
			return bad("app.tiny_size", key, size)
		}
	}
	if c.Vault.Spool < minSpool {
		return core.Invalid("app.small_spool", fmt.Errorf("vault.spool_max: %v", c.Vault.Spool)).With("Value", c.Vault.Spool).With("Least", minSpool)
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

// minSpool is the smallest spool that takes a few of restic's packs.
const minSpool = 64 * core.MB

// LoadConfig reads entrechat.toml of a data directory. Returns CodeNotFound when
// there is none: the directory was never initialised.
func LoadConfig(data string) (Config, error) {
	text, err := os.ReadFile(filepath.Join(data, configName))
	if errors.Is(err, syscall.ENOTDIR) {
		return Config{}, core.Invalid("app.data_no_folder", err).With("Data", data)
	}
	if errors.Is(err, os.ErrNotExist) {
		return Config{}, core.NotFound("app.no_data", err).With("Data", data)
	}
	if err != nil {
		return Config{}, unreadable(data, err)
	}
	return ParseConfig(text)
}

// unreadable says what keeps this user from a file of the data directory: whose it is,
// where the rest is its own.
func unreadable(data string, err error) error {
	if cured := notOurs(data, err); cured != err { //nolint:errorlint // the same or another
		return cured
	}
	return core.Denied("app.data_unreadable", err).With("Data", data)
}

// Render is the documented file for a configuration: every key, its value, and
// above it what it is for.
func (c Config) Render() ([]byte, error) {
	var out bytes.Buffer
	enc := toml.NewEncoder(&out).SetIndentTables(false)
	if err := enc.Encode(c); err != nil {
		return nil, fmt.Errorf("write configuration: %w", err)
	}
	return out.Bytes(), nil
}
