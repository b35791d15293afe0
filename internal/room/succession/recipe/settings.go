package recipe

import (
	"bytes"
	"errors"
	"fmt"
	"path"
	"regexp"
	"strings"

	"github.com/pelletier/go-toml/v2"

	"entrechat/internal/core"
)

// Place is where one side is, as a person writes it:
//
//	[from]
//	host = "old.example.org"     # ssh reaches it; "local" or nothing = this machine
//	user = "root"                # whom ssh signs in as; nothing = as ssh is configured
//
// or, for data of a backup that was restored into a folder of this machine:
//
//	[from]
//	snapshot = "/srv/restored"
type Place struct {
	Host     string   `toml:"host"`
	User     string   `toml:"user"`
	Port     int      `toml:"port"`
	Key      string   `toml:"key"`     // file of a private key
	Options  []string `toml:"options"` // of ssh: "Name=value"
	Snapshot string   `toml:"snapshot"`
}

// Sides are the two sections that every recipe has, and the first lines; embed it in the recipe's
// settings. Domains are the names that the service is reached at: nothing is cut while one of them is
// not ready.
type Sides struct {
	Recipe  string   `toml:"recipe"`
	Domains []string `toml:"domains"`
	From    Place    `toml:"from"`
	To      Place    `toml:"to"`
}

// Open makes the sides "old" and "new". Returns CodeInvalid "succession.recipe.settings".
func (s Sides) Open() (from, to Side, err error) {
	if s.To.Snapshot != "" {
		return nil, nil, Wrong("to.snapshot: nothing is moved into a backup")
	}
	if from, err = s.From.Side("old"); err != nil {
		return nil, nil, err
	}
	to, err = s.To.Side("new")
	return from, to, err
}

var hostName = regexp.MustCompile(`^[A-Za-z0-9_\[:][A-Za-z0-9_.:%\[\]-]*$`)

// Side makes the side; called is its name. Returns CodeInvalid "succession.recipe.settings".
func (p Place) Side(called string) (Side, error) {
	here := p.Host == "" || p.Host == "local"
	switch {
	case p.Snapshot != "" && (p.Host != "" || !path.IsAbs(p.Snapshot)):
		return nil, Wrong("snapshot is an absolute path of this machine, and stands without a host")
	case here && (p.User != "" || p.Port != 0 || p.Key != "" || len(p.Options) > 0):
		return nil, Wrong("user, port, key and options go with a host")
	case p.Snapshot != "":
		return Snapshot{Local: Local{Called: called}, Dir: path.Clean(p.Snapshot)}, nil
	case here:
		return Local{Called: called}, nil
	case !hostName.MatchString(p.Host):
		return nil, Wrong("host: " + p.Host)
	case p.User != "" && !hostName.MatchString(p.User):
		return nil, Wrong("user: " + p.User)
	case p.Port < 0 || p.Port > 65535:
		return nil, Wrong("port")
	}
	return SSH{Called: called, Host: p.Host, User: p.User, Port: p.Port, Key: p.Key, Options: p.Options}, nil
}

// Wrong is the error of settings that cannot be: what says what to change.
func Wrong(what string) error {
	return core.Invalid("succession.recipe.settings", errors.New(what)).With("What", what)
}

// maxSettings is how much of a file of settings is read.
const maxSettings = 64 << 10

// ReadSettings reads settings into a struct with toml tags: a key that it does not have is refused, with
// its line. Returns CodeInvalid "succession.recipe.settings".
func ReadSettings(text []byte, into any) error {
	if len(text) > maxSettings {
		return Wrong("more than 64 KiB")
	}
	err := toml.NewDecoder(bytes.NewReader(text)).DisallowUnknownFields().Decode(into)
	if unknown, ok := errors.AsType[*toml.StrictMissingError](err); ok {
		first := unknown.Errors[0]
		line, _ := first.Position()
		return Wrong(fmt.Sprintf("line %d: %s is unknown", line, strings.Join(first.Key(), ".")))
	}
	if bad, ok := errors.AsType[*toml.DecodeError](err); ok {
		line, _ := bad.Position()
		return Wrong(fmt.Sprintf("line %d: %s", line, bad.Error()))
	}
	if err != nil {
		return Wrong(err.Error())
	}
	return nil
}

// Folder checks a path that settings name: absolute, clean, and no folder that a machine cannot
// do without.
func Folder(key, name string) error {
	if !path.IsAbs(name) || path.Clean(name) != name || strings.Count(name, "/") < 2 {
		return Wrong(key + ": an absolute path of a folder of its own, such as /srv/wiki")
	}
	return nil
}
