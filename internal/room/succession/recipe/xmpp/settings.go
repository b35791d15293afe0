package xmpp

import (
	"embed"
	"path"
	"regexp"
	"slices"
	"sync"

	"entrechat/internal/room/succession/recipe"
)

// Words are the folder's sentences, French and English.
//
//go:embed words/*.toml
var Words embed.FS

// Server is one of the two XMPP servers, as a person writes it.
type Server struct {
	Program string `toml:"program"` // "ejabberd" or "prosody"
	// Data is Prosody's data_path; of ejabberd, any folder that it may write into.
	Data string `toml:"data"`
	// User owns what lies there; empty = the program's name. Nobody is changed where we are not root.
	User string `toml:"user"`
	// Control is how ejabberd is spoken to; empty = ejabberdctl.
	Control []string `toml:"control"`
	// Stop and Start end and begin its service for the people who use it.
	Stop  []string `toml:"stop"`
	Start []string `toml:"start"`
}

// SignIn is one account that signs in at the new server with the password it had.
type SignIn struct {
	Server       string `toml:"server"`        // host:port
	Account      string `toml:"account"`       // before the @
	PasswordFile string `toml:"password_file"` // on this machine
	// Trust is a file with certificates that the new server's may be signed by; empty = those this
	// machine trusts.
	Trust string `toml:"trust"`
}

type settings struct {
	recipe.Sides

	Domain string  `toml:"domain"` // of the accounts
	Old    Server  `toml:"old"`
	New    Server  `toml:"new"`
	SignIn *SignIn `toml:"sign_in"`
}

//go:embed example.toml
var example string

// Recipe is the recipe.
type Recipe struct{}

// About says what it moves.
func (Recipe) About() recipe.About {
	return recipe.About{
		Name: "xmpp", Programs: []string{"prosody", "ejabberd"}, Tried: recipe.With, Versions: "ejabberd 23.01, Prosody 0.12.3", Settings: example,
	}
}

var domainForm = regexp.MustCompile(`^[a-z0-9]([a-z0-9.-]{0,252}[a-z0-9])?$`)

// Read reads settings. Returns CodeInvalid "succession.recipe.settings".
func (Recipe) Read(text []byte) (recipe.Move, error) {
	var s settings
	if err := recipe.ReadSettings(text, &s); err != nil {
		return nil, err
	}
	for key, server := range map[string]*Server{"old": &s.Old, "new": &s.New} {
		if server.User == "" {
			server.User = server.Program
		}
		if err := recipe.Folder(key+".data", server.Data); err != nil {
			return nil, err
		}
	}
	switch {
	case !domainForm.MatchString(s.Domain):
		return nil, recipe.Wrong("domain: the XMPP host, in lower case")
	case !slices.Contains([]string{"ejabberd", "prosody"}, s.Old.Program):
		return nil, recipe.Wrong(`old.program: "ejabberd" or "prosody"`)
	case s.New.Program != "prosody":
		return nil, recipe.Wrong(`new.program: "prosody"; nothing else can be moved to yet`)
	case s.From.Snapshot != "" && s.Old.Program == "ejabberd":
		return nil, recipe.Wrong("from.snapshot: ejabberd's files are its own database; restore it, start it there, and name that machine")
	case s.From.Snapshot == "" && (len(s.Old.Stop) == 0 || len(s.Old.Start) == 0):
		return nil, recipe.Wrong("old.stop and old.start: what closes the old server to its people, and opens it again")
	case len(s.New.Stop) == 0 || len(s.New.Start) == 0:
		return nil, recipe.Wrong("new.stop and new.start: accounts are put in place while the new server is off")
	case s.SignIn != nil && (s.SignIn.Server == "" || !nameForm.MatchString(s.SignIn.Account) || !path.IsAbs(s.SignIn.PasswordFile)):
		return nil, recipe.Wrong("sign_in: server (host:port), account, and password_file (an absolute path)")
	}
	if len(s.Old.Control) == 0 {
		s.Old.Control = []string{"ejabberdctl"}
	}
	m := &move{settings: s, seen: map[string]seen{}}
	var err error
	m.from, m.to, err = s.Open()
	return m, err
}

// move is one move.
type move struct {
	settings

	from, to recipe.Side

	mu   sync.Mutex
	seen map[string]seen // by side: one export serves the counts of all accounts
}

type seen struct {
	all     []account
	counted map[string]bool
}

// Table is what is kept and lost.
func (m *move) Table() []recipe.Row {
	const p = "succession.recipe.xmpp."
	rows := []recipe.Row{
		{What: p + "accounts", Fate: recipe.Kept, Why: p + "accounts_why"},
		{What: p + "roster", Fate: recipe.Kept},
		{What: p + "card", Fate: recipe.Kept},
		{What: p + "private", Fate: recipe.Kept},
	}
	if m.Old.Program == "prosody" {
		return append(rows, recipe.Row{What: p + "published", Fate: recipe.Kept}, recipe.Row{What: p + "archive", Fate: recipe.Kept},
			recipe.Row{What: p + "offline", Fate: recipe.Lost, Why: p + "offline_why"}, recipe.Row{What: p + "rooms", Fate: recipe.Lost, Why: p + "rooms_why"})
	}
	return append(rows, recipe.Row{What: p + "published", Fate: recipe.Kept},
		recipe.Row{What: p + "archive", Fate: recipe.Lost, Why: p + "archive_why"},
		recipe.Row{What: p + "offline", Fate: recipe.Lost, Why: p + "offline_why"}, recipe.Row{What: p + "rooms", Fate: recipe.Lost, Why: p + "rooms_why"})
}
