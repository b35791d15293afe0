package generic

import (
	"embed"
	"regexp"
	"slices"

	"entrechat/internal/room/succession/recipe"
)

// Words are the recipe's sentences, French and English.
//
//go:embed words/*.toml
var Words embed.FS

//go:embed example.toml
var example string

// Recipe makes moves of any program.
type Recipe struct{}

// About says what it is.
func (Recipe) About() recipe.About {
	return recipe.About{
		Name: "generic", Programs: nil, Tried: recipe.With,
		Versions: "PostgreSQL 15.20, SQLite 3.40.1, MariaDB 10.11.19", Settings: example,
	}
}

// settings are what a person writes; example.toml says it key by key.
type settings struct {
	recipe.Sides

	Folder   []piece    `toml:"folder"`
	File     []piece    `toml:"file"`
	Database []database `toml:"database"`
	Freeze   []string   `toml:"freeze"`
	Thaw     []string   `toml:"thaw"`
	Login    []string   `toml:"login"`
	Deliver  []string   `toml:"deliver"`
	Start    []string   `toml:"start"`
}

// piece is a folder or a file.
type piece struct {
	Name    string   `toml:"name"`
	From    string   `toml:"from"`
	To      string   `toml:"to"`
	Without []string `toml:"without"`
}

// database is one of both sides.
type database struct {
	Name string `toml:"name"`
	Kind string `toml:"kind"` // postgresql, mariadb, sqlite
	From server `toml:"from"`
	To   server `toml:"to"`
}

// server is where a database is on its side.
type server struct {
	Database string `toml:"database"`
	Host     string `toml:"host"` // or the folder of its socket
	Port     int    `toml:"port"`
	User     string `toml:"user"`
	Password string `toml:"password"`
	File     string `toml:"file"` // of SQLite
	Dump     string `toml:"dump"` // PostgreSQL in plain SQL, in a snapshot
}

var (
	plainName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,39}$`)
	plainPath = regexp.MustCompile(`^[^'"\x00-\x1f\\]+$`)
)

// Read reads the settings.
func (Recipe) Read(text []byte) (recipe.Move, error) {
	var s settings
	if err := recipe.ReadSettings(text, &s); err != nil {
		return nil, err
	}
	from, to, err := s.Open()
	if err != nil {
		return nil, err
	}
	if err := s.check(from.Lives()); err != nil {
		return nil, err
	}
	return &move{settings: s, from: from, to: to}, nil
}

func (s settings) check(lives bool) error {
	var names, targets []string
	for _, p := range slices.Concat(s.Folder, s.File) {
		for key, path := range map[string]string{"from": p.From, "to": p.To} {
			if err := recipe.Folder(p.Name+"."+key, path); err != nil {
				return err
			}
		}
		names, targets = append(names, p.Name), append(targets, p.To)
	}
	for _, d := range s.Database {
		if err := d.check(lives); err != nil {
			return err
		}
		names = append(names, d.Name)
	}
	if len(names) == 0 {
		return recipe.Wrong("no folder, file or database")
	}
	for _, list := range [][]string{names, targets} {
		slices.Sort(list)
		if len(slices.Compact(slices.Clone(list))) != len(list) {
			return recipe.Wrong("a name or a target stands twice")
		}
	}
	for _, name := range names {
		if !plainName.MatchString(name) {
			return recipe.Wrong("name: 1 to 40 signs a-z 0-9 -")
		}
	}
	if lives && (len(s.Freeze) == 0) != (len(s.Thaw) == 0) {
		return recipe.Wrong("freeze and thaw go together")
	}
	return nil
}

func (d database) check(lives bool) error {
	switch d.Kind {
	case "sqlite":
		for key, path := range map[string]string{"from.file": d.From.File, "to.file": d.To.File} {
			if err := recipe.Folder(d.Name+"."+key, path); err != nil {
				return err
			}
			if !plainPath.MatchString(path) {
				return recipe.Wrong(d.Name + "." + key + ": a path without quotes")
			}
		}
		return nil
	case "postgresql", "mariadb":
	default:
		return recipe.Wrong(d.Name + ".kind: postgresql, mariadb or sqlite")
	}
	switch {
	case d.To.Database == "" || d.To.Dump != "":
		return recipe.Wrong(d.Name + ".to.database")
	case d.From.Dump != "" && (d.From.Database != "" || d.Kind == "mariadb"):
		return recipe.Wrong(d.Name + ".from.dump: of PostgreSQL, in plain SQL, and without a database; load another into a server of your own and name that")
	case d.From.Dump != "":
		return recipe.Folder(d.Name+".from.dump", d.From.Dump)
	case d.From.Database == "" || !lives && d.From.Host == "":
		return recipe.Wrong(d.Name + ".from: a database, or the dump in the snapshot")
	}
	return nil
}
