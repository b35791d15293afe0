package mastodon

import (
	"embed"
	"net/url"
	"regexp"
	"strings"
	"time"

	"entrechat/internal/room/succession/recipe"
)

// Words are the folder's sentences, French and English.
//
//go:embed words/*.toml
var Words embed.FS

//go:embed example.toml
var example string

// Server is one Mastodon or GoToSocial, as a person writes it.
type Server struct {
	Program string `toml:"program"` // "mastodon" or "gotosocial"
	URL     string `toml:"url"`
	Domain  string `toml:"domain"` // of its people's addresses
}

const social = "gotosocial"

// Person is one who moves. Files are of this machine.
type Person struct {
	Name        string   `toml:"name"`
	OldToken    string   `toml:"old_token"`
	NewToken    string   `toml:"new_token"`
	OldPassword string   `toml:"old_password"`
	CSV         string   `toml:"csv"`
	Archive     string   `toml:"archive"`
	LastMove    string   `toml:"last_move"` // a day
	GiveUp      []string `toml:"give_up"`
}

type settings struct {
	Recipe string   `toml:"recipe"`
	Old    Server   `toml:"old"`
	New    Server   `toml:"new"`
	People []Person `toml:"person"`
}

// Recipe is the recipe.
type Recipe struct{}

// About says what it moves.
func (Recipe) About() recipe.About {
	return recipe.About{
		Name: "mastodon", Programs: []string{"mastodon", "gotosocial"}, Tried: recipe.Against, Versions: "Mastodon 4.3, GoToSocial 0.18", Settings: example,
	}
}

var (
	nameForm   = regexp.MustCompile(`^[A-Za-z0-9_]([A-Za-z0-9_.-]{0,62}[A-Za-z0-9_])?$`)
	domainForm = regexp.MustCompile(`^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?(:[0-9]{1,5})?$`)
)

// Read reads settings. Returns CodeInvalid "succession.recipe.settings".
func (Recipe) Read(text []byte) (recipe.Move, error) {
	m := &move{people: map[string]Person{}}
	if err := recipe.ReadSettings(text, &m.settings); err != nil {
		return nil, err
	}
	for key, s := range map[string]Server{"old": m.Old, "new": m.New} {
		if s.Program != "mastodon" && s.Program != social {
			return nil, recipe.Wrong(key + `.program: "mastodon" or "gotosocial"`)
		}
		if !domainForm.MatchString(s.Domain) {
			return nil, recipe.Wrong(key + ".domain: what stands after the @, in lower case")
		}
		if key == "old" && s.URL == "" {
			continue
		}
		if err := recipe.CheckURL(key+".url", s.URL); err != nil {
			return nil, err
		}
	}
	if len(m.People) == 0 {
		return nil, recipe.Wrong("person: one section for each who moves")
	}
	taken := map[string]bool{}
	for _, p := range m.People {
		if err := m.check(p); err != nil {
			return nil, err
		}
		if taken["name "+p.Name] || taken["token "+p.NewToken] || taken["csv "+p.CSV] {
			return nil, recipe.Wrong("person: " + p.Name + " has a name, a new token or a folder that another has")
		}
		taken["name "+p.Name], taken["token "+p.NewToken], taken["csv "+p.CSV] = true, true, true
		m.people[p.Name] = p
	}
	return m, nil
}

func (m *move) check(p Person) error {
	if !nameForm.MatchString(p.Name) {
		return recipe.Wrong("person.name: " + p.Name)
	}
	files := map[string]string{"new_token": p.NewToken}
	if m.lives() {
		files["old_token"] = p.OldToken
		if m.Old.Program == social {
			files["old_password"] = p.OldPassword
		}
	}
	if p.Archive != "" {
		files["archive"] = p.Archive
	}
	for key, name := range files {
		if err := recipe.CheckFile(p.Name+": "+key, name); err != nil {
			return err
		}
	}
	if _, err := p.lastMove(); err != nil {
		return recipe.Wrong(p.Name + ": last_move: a day such as 2026-11-02")
	}
	return recipe.Folder(p.Name+": csv", p.CSV)
}

func (p Person) lastMove() (time.Time, error) {
	if p.LastMove == "" {
		return time.Time{}, nil
	}
	return time.Parse(time.DateOnly, p.LastMove)
}

// move is one move.
type move struct {
	settings

	people map[string]Person
}

// lives says whether the old server answers.
func (m *move) lives() bool { return m.Old.URL != "" }

// domains says whether both sides know blocked domains: GoToSocial has none of a person.
func (m *move) domains() bool { return m.Old.Program != social && m.New.Program != social }

// Scope is the new server: two moves of one name into it are seen.
func (m *move) Scope() []string { return []string{"mastodon " + m.New.URL} }

// Table is what is kept, archived and lost. Without the old server nobody's followers come along.
func (m *move) Table() []recipe.Row {
	const p = "succession.recipe.mastodon."
	followers := recipe.Row{What: p + "followers", Fate: recipe.Kept, Why: p + "followers_why"}
	if !m.lives() {
		followers = recipe.Row{What: p + "followers", Fate: recipe.Lost, Why: p + "followers_dead"}
	}
	domains := recipe.Row{What: p + "domains", Fate: recipe.Kept}
	if !m.domains() {
		domains = recipe.Row{What: p + "domains", Fate: recipe.Lost, Why: p + "domains_why"}
	}
	posts := recipe.Row{What: p + "posts", Fate: recipe.Archived, Why: p + "posts_why"}
	given := false
	for _, person := range m.People {
		given = given || len(person.GiveUp) > 0
		if person.Archive == "" {
			posts = recipe.Row{What: p + "posts", Fate: recipe.Lost, Why: p + "posts_lost"}
		}
	}
	rows := []recipe.Row{
		{What: p + "follows", Fate: recipe.Kept, Why: p + "follows_why"},
		followers,
		{What: p + "lists", Fate: recipe.Kept},
		{What: p + "blocks", Fate: recipe.Kept},
		{What: p + "mutes", Fate: recipe.Kept},
		domains,
		{What: p + "bookmarks", Fate: recipe.Kept, Why: p + "bookmarks_why"},
		posts,
		{What: p + "details", Fate: recipe.Lost, Why: p + "details_why"},
		{What: p + "replies", Fate: recipe.Lost, Why: p + "replies_why"},
	}
	if given {
		rows = append(rows, recipe.Row{What: p + "given_up", Fate: recipe.Lost, Why: p + "given_up_why"})
	}
	return rows
}

// uri is the name of an account to other servers, as both programs form it.
func (s Server) uri(name string) string {
	return strings.TrimSuffix(s.URL, "/") + "/users/" + url.PathEscape(name)
}
