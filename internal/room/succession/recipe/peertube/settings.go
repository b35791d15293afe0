package peertube

import (
	"cmp"
	"embed"
	"regexp"
	"time"

	"entrechat/internal/room/succession/recipe"
)

// Words are the folder's sentences, French and English.
//
//go:embed words/*.toml
var Words embed.FS

//go:embed example.toml
var example string

// Server is one PeerTube, as a person writes it.
type Server struct {
	URL string `toml:"url"`
}

// Person is one who moves. Files are of this machine.
type Person struct {
	Name     string `toml:"name"`
	OldToken string `toml:"old_token"`
	NewToken string `toml:"new_token"`
	Archive  string `toml:"archive"`
}

type settings struct {
	Recipe string   `toml:"recipe"`
	Old    Server   `toml:"old"`
	New    Server   `toml:"new"`
	People []Person `toml:"person"`
}

// Recipe is the recipe.
type Recipe struct{ poll time.Duration }

// About says what it moves.
func (Recipe) About() recipe.About {
	return recipe.About{Name: "peertube", Programs: []string{"peertube"}, Tried: recipe.Against, Versions: "PeerTube 6.1", Settings: example}
}

var nameForm = regexp.MustCompile(`^[a-z0-9_.]{1,50}$`)

// Read reads settings. Returns CodeInvalid "succession.recipe.settings".
func (r Recipe) Read(text []byte) (recipe.Move, error) {
	m := &move{people: map[string]Person{}, poll: cmp.Or(r.poll, poll)}
	if err := recipe.ReadSettings(text, &m.settings); err != nil {
		return nil, err
	}
	if err := recipe.CheckURL("new.url", m.New.URL); err != nil {
		return nil, err
	}
	if m.lives() {
		if err := recipe.CheckURL("old.url", m.Old.URL); err != nil {
			return nil, err
		}
	}
	if len(m.People) == 0 {
		return nil, recipe.Wrong("person: one section for each who moves")
	}
	tokens := map[string]bool{}
	for _, p := range m.People {
		if err := m.check(p); err != nil {
			return nil, err
		}
		if _, ok := m.people[p.Name]; ok || tokens[p.NewToken] {
			return nil, recipe.Wrong("person: " + p.Name + " is there twice, or another has the same new account")
		}
		m.people[p.Name], tokens[p.NewToken] = p, true
	}
	return m, nil
}

func (m *move) check(p Person) error {
	if !nameForm.MatchString(p.Name) {
		return recipe.Wrong("person.name: " + p.Name)
	}
	files := map[string]string{"new_token": p.NewToken}
	switch {
	case m.lives() && p.Archive != "":
		return recipe.Wrong("person.archive: the old server lives and makes one; leave old.url out where it is dead")
	case m.lives():
		files["old_token"] = p.OldToken
	default:
		files["archive"] = p.Archive
	}
	for key, name := range files {
		if err := recipe.CheckFile(p.Name+": "+key, name); err != nil {
			return err
		}
	}
	return nil
}

// move is one move.
type move struct {
	settings

	people map[string]Person
	poll   time.Duration
}

// lives says whether the old server answers.
func (m *move) lives() bool { return m.Old.URL != "" }

// Scope is the new server: two moves of one name into it are seen.
func (m *move) Scope() []string { return []string{"peertube " + m.New.URL} }

// Table is what is kept, archived and lost. What only a living server tells is lost where it is dead.
func (m *move) Table() []recipe.Row {
	const p = "succession.recipe.peertube."
	items := recipe.Row{What: p + "playlist_items", Fate: recipe.Kept}
	if !m.lives() {
		items = recipe.Row{What: p + "playlist_items", Fate: recipe.Lost, Why: p + "playlist_items_why"}
	}
	return []recipe.Row{
		{What: p + "videos", Fate: recipe.Kept, Why: p + "videos_why"},
		{What: p + "channels", Fate: recipe.Kept, Why: p + "channels_why"},
		{What: p + "playlists", Fate: recipe.Kept},
		items,
		{What: p + "following", Fate: recipe.Kept},
		{What: p + "profile", Fate: recipe.Archived, Why: p + "profile_why"},
		{What: p + "comments", Fate: recipe.Archived, Why: p + "comments_why"},
		{What: p + "followers", Fate: recipe.Archived, Why: p + "followers_why"},
		{What: p + "addresses", Fate: recipe.Lost, Why: p + "addresses_why"},
		{What: p + "views", Fate: recipe.Lost},
	}
}
