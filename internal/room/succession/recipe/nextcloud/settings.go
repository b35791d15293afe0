package nextcloud

import (
	"embed"
	"encoding/hex"
	"path"
	"path/filepath"
	"regexp"
	"strings"

	"entrechat/internal/room/succession/recipe"
)

// Words are the folder's sentences, French and English.
//
//go:embed words/*.toml
var Words embed.FS

//go:embed example.toml
var example string

// Cloud is one Nextcloud, as a person writes it.
type Cloud struct {
	Occ      []string `toml:"occ"`      // how its commands are run
	Data     string   `toml:"data"`     // its datadirectory
	Archives string   `toml:"archives"` // a folder of its own for archives
	Owner    string   `toml:"owner"`    // whom archives belong to; nobody is changed where we are not root
}

// SignIn is one person of the new Nextcloud whose app password is known.
type SignIn struct {
	URL          string `toml:"url"`
	Person       string `toml:"person"`
	PasswordFile string `toml:"password_file"` // on this machine
}

type settings struct {
	recipe.Sides

	People []string `toml:"people"`
	Old    Cloud    `toml:"old"`
	New    Cloud    `toml:"new"`
	SignIn *SignIn  `toml:"sign_in"`
}

// Recipe is the recipe.
type Recipe struct{}

// About says what it moves.
func (Recipe) About() recipe.About {
	return recipe.About{
		Name: "nextcloud", Programs: []string{"nextcloud"}, Tried: recipe.Against, Versions: "user_migration 10", Settings: example,
	}
}

// A person's name is what Nextcloud allows, and a folder's too.
var personForm = regexp.MustCompile(`^[A-Za-z0-9_.@'-][A-Za-z0-9 _.@'-]{0,63}$`)

func valid(name string) bool { return personForm.MatchString(name) && name != "." && name != ".." }

// Read reads settings. Returns CodeInvalid "succession.recipe.settings".
func (Recipe) Read(text []byte) (recipe.Move, error) {
	var s settings
	if err := recipe.ReadSettings(text, &s); err != nil {
		return nil, err
	}
	for key, c := range map[string]Cloud{"old": s.Old, "new": s.New} {
		if len(c.Occ) == 0 || c.Owner == "" {
			return nil, recipe.Wrong(key + ".occ, " + key + ".owner: how its commands are run, and by whom")
		}
		if err := recipe.Folder(key+".data", c.Data); err != nil {
			return nil, err
		}
		if err := recipe.Folder(key+".archives", c.Archives); err != nil {
			return nil, err
		}
	}
	for _, name := range s.People {
		if !valid(name) {
			return nil, recipe.Wrong("people: " + name)
		}
	}
	switch {
	case s.From.Snapshot != "":
		return nil, recipe.Wrong("from.snapshot: a person is exported by a Nextcloud that runs; restore the whole with the recipe generic, start it shut off from the net, and name that machine")
	case s.SignIn != nil && (!strings.HasPrefix(s.SignIn.URL, "http") || !valid(s.SignIn.Person) || !filepath.IsAbs(s.SignIn.PasswordFile)):
		return nil, recipe.Wrong("sign_in: url, person, and password_file (an absolute path)")
	}
	m := &move{settings: s}
	from, to, err := s.Open()
	m.from, m.to = cloud{from, s.Old}, cloud{to, s.New}
	return m, err
}

// move is one move.
type move struct {
	settings

	from, to cloud
}

// cloud is one Nextcloud on its side.
type cloud struct {
	side recipe.Side
	Cloud
}

// folder is where a person's archive lies.
func (c cloud) folder(person string) string {
	return path.Join(c.Archives, "entrechat-"+hex.EncodeToString([]byte(person)))
}

// Table is what is kept, archived and lost.
func (m *move) Table() []recipe.Row {
	const p = "succession.recipe.nextcloud."
	return []recipe.Row{
		{What: p + "files", Fate: recipe.Kept},
		{What: p + "calendars", Fate: recipe.Kept},
		{What: p + "contacts", Fate: recipe.Kept},
		{What: p + "profile", Fate: recipe.Archived, Why: p + "profile_why"},
		{What: p + "apps", Fate: recipe.Archived, Why: p + "apps_why"},
		{What: p + "passwords", Fate: recipe.Lost, Why: p + "passwords_why"},
		{What: p + "shares", Fate: recipe.Lost, Why: p + "shares_why"},
		{What: p + "address", Fate: recipe.Lost, Why: p + "address_why"},
	}
}
