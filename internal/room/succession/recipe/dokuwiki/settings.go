package dokuwiki

import (
	"embed"

	"entrechat/internal/room/succession/recipe"
)

// Words are the recipe's sentences, French and English.
//
//go:embed words/*.toml
var Words embed.FS

//go:embed example.toml
var example string

// Recipe makes moves of DokuWiki.
type Recipe struct{}

// About says what it is.
func (Recipe) About() recipe.About {
	return recipe.About{Name: "dokuwiki", Programs: []string{"dokuwiki"}, Tried: recipe.With, Versions: "DokuWiki 2022-07-31a (Debian 12), PHP 8.2", Settings: example}
}

// settings are what a person writes; example.toml says it key by key.
type settings struct {
	recipe.Sides

	Old   place    `toml:"old"`
	New   place    `toml:"new"`
	Owner string   `toml:"owner"`
	Index []string `toml:"indexer"`
	Login login    `toml:"login"`
}

// place is where a wiki is on its side.
type place struct {
	Data  string `toml:"data"`
	Conf  string `toml:"conf"`
	Users string `toml:"users"` // of users.auth.php and acl.auth.php; empty = conf
	URL   string `toml:"url"`   // where it answers; empty = not asked
}

// login is what one real sign-in is done with.
type login struct {
	User     string `toml:"user"`
	Password string `toml:"password"`
	Page     string `toml:"page"`
	Search   string `toml:"search"` // a word that the page has
}

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
	for key, p := range map[string]*place{"old": &s.Old, "new": &s.New} {
		if p.Users == "" {
			p.Users = p.Conf
		}
		for part, folder := range map[string]string{"data": p.Data, "conf": p.Conf, "users": p.Users} {
			if err := recipe.Folder(key+"."+part, folder); err != nil {
				return nil, err
			}
		}
	}
	if len(s.Index) == 0 {
		return nil, recipe.Wrong("indexer: the command that makes the search index")
	}
	if s.Login.User != "" && (s.New.URL == "" || s.Login.Page == "") {
		return nil, recipe.Wrong("login: with new.url and a page")
	}
	return &move{settings: s, from: from, to: to}, nil
}
