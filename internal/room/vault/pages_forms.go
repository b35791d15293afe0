package vault

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"entrechat/internal/core"
	"entrechat/internal/kit/web"
	"entrechat/internal/room/vault/backup"
)

const (
	createPath = statusPath + "/new"
	usePath    = statusPath + "/use"
	kitPath    = statusPath + "/kit"
)

// forms are the pages by which a backup is made and its page printed, without a command.
type forms struct {
	room *Room
	site *web.Site
}

// routes are theirs. All of them show secrets, so no browser may store them.
func (f forms) routes() []web.Route {
	create := web.NewPage[createPage](f.site, pages, "pages/create.html", "pages/restic.html")
	use := web.NewPage[usePage](f.site, pages, "pages/use.html", "pages/restic.html")
	kit := web.NewPage[kitPage](f.site, pages, "pages/kit.html")
	return []web.Route{
		{Pattern: createPath, Handler: create.Reveal(f.ask, f.create)},
		{Pattern: "GET " + usePath, Handler: web.NoStore(use.Show(f.use))},
		{Pattern: kitPath, Handler: web.NoStore(kit.Form(f.kit, f.checkWords))},
	}
}

// createPage asks for a name, or shows what was made: this once.
type createPage struct {
	Name web.Field
	Made *backup.Created
	Use  usePage
}

func (f forms) ask(r *http.Request) (createPage, error) {
	return createPage{Name: web.Field{
		Name: "name", Label: "vault.form.name", Hint: "vault.form.name_hint", Required: true, Value: strings.TrimSpace(r.PostFormValue("name")),
	}}, nil
}

// create answers with the page in any case once the backup exists: its prune token is
// shown nowhere else.
func (f forms) create(r *http.Request) (createPage, error) {
	made, err := f.room.backups.Create(r.Context(), strings.TrimSpace(r.PostForm.Get("name")), nil)
	if err != nil {
		return createPage{}, err
	}
	use, err := f.useOf(r, made.Name)
	if err != nil {
		f.room.n.Log.Warn("how a new backup is used cannot be told", "repo", made.Name, "error", err)
	}
	return createPage{Made: &made, Use: use}, nil
}

// usePage is what restic is given.
type usePage struct {
	Name     string
	Commands string // for a POSIX shell on this machine
	Alone    bool   // nobody stores our backups yet, so a snapshot would not be confirmed
}

func (f forms) use(r *http.Request) (usePage, error) { return f.useOf(r, r.URL.Query().Get("name")) }

func (f forms) useOf(r *http.Request, name string) (usePage, error) {
	env, err := f.room.backups.Env(r.Context(), name, "")
	if err != nil {
		return usePage{}, err
	}
	report, err := f.room.doctor.Public(r.Context())
	return usePage{
		Name: name, Alone: err == nil && report.Lenders == 0,
		Commands: "export RESTIC_REPOSITORY=" + quote(env.Repository) + "\nexport RESTIC_PASSWORD_FILE=" + quote(env.PasswordFile) +
			"\nrestic init\nrestic backup --exclude-caches /srv\n",
	}, err
}

// kitPage is the page to print, and below it the question whether its words are right.
type kitPage struct {
	Kit
	Blanks []int // 1 to 24: where the words are written by hand
	Names  string
	Froms  string
	Words  web.Field
}

func (f forms) kit(r *http.Request) (kitPage, error) {
	kit, err := f.room.Kit(r.Context())
	page := kitPage{Kit: kit, Names: strings.Join(kit.Backups, ", "), Words: web.Field{
		Name: "words", Label: "vault.form.words", Hint: "vault.form.words_hint", Required: true, Rows: 5, Secret: true,
	}}
	for _, address := range kit.From() {
		page.Froms += " --from " + address
	}
	for i := range 24 {
		page.Blanks = append(page.Blanks, i+1)
	}
	return page, err
}

// checkWords compares what was typed with what this node knows of its seed; the words
// themselves go nowhere.
func (f forms) checkWords(r *http.Request) (string, error) {
	typed := slices.DeleteFunc(strings.Fields(r.PostForm.Get("words")), func(word string) bool {
		return strings.Trim(word, "0123456789.") == "" // the numbers before them
	})
	err := f.room.CheckKit(r.Context(), strings.Join(typed, " "))
	if core.CodeOf(err) == core.CodeDenied {
		return "", again(err)
	}
	return kitPath, err
}

// again has the form shown once more with the sentence of an error.
func again(err error) error {
	out := core.Invalid("", err)
	if e, ok := err.(*core.Error); ok { //nolint:errorlint // its own error, not wrapped
		out.Key, out.Args = e.Key, e.Args
	}
	return out
}

// useURL is where a backup's commands stand.
func useURL(name string) string { return usePath + "?" + url.Values{"name": {name}}.Encode() }
