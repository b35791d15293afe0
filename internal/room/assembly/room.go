package assembly

import (
	"context"
	"embed"
	"errors"
	"io/fs"
	"log/slog"
	"maps"
	"path/filepath"
	"slices"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/fit"
	"entrechat/internal/kit/jobs"
	"entrechat/internal/kit/seal"
	"entrechat/internal/kit/web"
	"entrechat/internal/kit/words"
	"entrechat/internal/room/assembly/archive"
	"entrechat/internal/room/assembly/debate"
	"entrechat/internal/room/assembly/decision"
	"entrechat/internal/room/assembly/elector"
	"entrechat/internal/room/assembly/hall"
	"entrechat/internal/room/assembly/motion"
	"entrechat/internal/room/assembly/need"
	"entrechat/internal/room/assembly/record"
)

// Words are the room's sentences, French and English.
//
//go:embed words/*.toml
var Words embed.FS

// AllWords are the sentences of the room and of its folders.
func AllWords() []fs.FS {
	return []fs.FS{Words, need.Words, elector.Words, motion.Words, decision.Words, record.Words, debate.Words, hall.Words}
}

// Book is what this room needs of the logbooks.
type Book interface {
	elector.Book
	decision.Book
}

// Directory answers what our own services are, and where a member's page is.
type Directory interface {
	// ServiceNames are those of our services that have not ended.
	ServiceNames(ctx context.Context) ([]string, error)
	// HosterPage is the address of a member's page, on this site.
	HosterPage(id core.MemberID) string
}

// Accounts recognises who is signed in here.
type Accounts = need.Accounts

// Collectives knows charters and their members.
type Collectives = elector.Collectives

// Incidents answers for outages and postmortems.
type Incidents = debate.Incidents

// Members is what is asked of other members.
type Members = need.Members

// Mailer carries mails by the hoster's own server.
type Mailer = need.Mailer

// Needs is what the room is wired with; Accounts, Mailer, Directory, Collectives and Incidents may find none, all else
// is required.
type Needs struct {
	DB    *db.DB
	Words *words.Catalogue
	Self  core.MemberID
	Book  Book
	// Members is what is asked of other members.
	Members need.Members
	URL     string // where browsers reach this node, without a slash at its end
	Dir     string // where the room's secrets lie
	// Accounts and the four below find the rooms that answer, when there is something to ask.
	Accounts    func() (Accounts, bool)
	Mailer      func() (Mailer, bool)
	Directory   func() (Directory, bool)
	Collectives func() (Collectives, bool)
	Incidents   func() (Incidents, bool)
	Deciding    Deciding
	Now         func() time.Time
	Log         *slog.Logger
}

// Room is the assembly, open.
type Room struct {
	Needs
	// Told is what people need.
	Told *need.Service
	// Exchange is needs between members.
	Exchange *need.Exchange
	// Electors is who decides.
	Electors *elector.Service
	// Decisions is what they decide.
	Decisions *decision.Service
	// Debates are what follows incidents.
	Debates *debate.Service
}

// boxName is the file of the key that seals addresses.
const boxName = "assembly.key"

// New opens the room. Returns what seal.OpenBox does.
func New(n Needs) (*Room, error) {
	box, err := seal.OpenBox(filepath.Join(n.Dir, boxName))
	if err != nil {
		return nil, err
	}
	r := &Room{Needs: n}
	r.Told = need.New(need.Needs{
		DB: n.DB, Self: n.Self, Box: box, URL: n.URL, Mailer: n.Mailer, Services: r.services, Words: n.Words, Now: n.Now, Log: n.Log,
		Proposals: r.proposals, Propose: hall.ProposeNeed,
	})
	r.Exchange = need.NewExchange(r.Told, n.Members)
	r.Electors = elector.New(elector.Needs{DB: n.DB, Book: n.Book, Collectives: n.Collectives})
	r.Decisions = r.newDecisions(box)
	r.Debates = r.newDebates()
	return r, nil
}

func (r *Room) services(ctx context.Context) ([]string, error) {
	if directory, ok := r.Directory(); ok {
		return directory.ServiceNames(ctx)
	}
	return nil, nil
}

// Fittings are what the room hands to the house.
func (r *Room) Fittings() fit.Fittings {
	return fit.Fittings{
		Name: "assembly", Web: r.web, Checks: r.checks(), Metrics: r.metrics, Limits: r.limits,
		Peer:    slices.Concat(r.Exchange.Routes(), r.Decisions.Routes(), r.Debates.Routes()),
		Readers: slices.Concat(r.Electors.Readers(), r.Decisions.Readers(), r.Debates.Readers()),
		Jobs:    append(slices.Concat(r.Told.Jobs(), r.Exchange.Jobs(), r.Decisions.Jobs(), r.Debates.Jobs()), jobs.Job{Name: "assembly-say", Every: 6 * time.Hour, Jitter: time.Hour, Run: r.say}),
		Entries: r.entries(), Recovered: r.Decisions.Recovered,
	}
}

// entries are the kinds of entries that the room writes.
func (r *Room) entries() map[string]string {
	all := archive.Entries()
	all[need.TypeNeeds] = "assembly.need.entry"
	maps.Copy(all, debate.Entries())
	return all
}

// say tells the other members once a month how we hear our users, and what became of our
// incidents.
func (r *Room) say(ctx context.Context) error {
	return errors.Join(r.Told.Say(ctx, func(ctx context.Context, typ string, body any) error { return r.append(ctx, typ, nil, body) }), r.Debates.Say(ctx))
}

func (r *Room) web(site *web.Site) web.Pages {
	accounts, _ := r.Accounts()
	var hoster func(core.MemberID) string
	if directory, ok := r.Directory(); ok {
		hoster = directory.HosterPage
	}
	all := r.Exchange.Pages(site, accounts, hoster)
	for _, more := range []web.Pages{r.hall(site, accounts), r.Debates.Pages(site, hall.NewPath)} {
		all.Routes, all.Menu, all.Feeds, all.Home = append(all.Routes, more.Routes...), append(all.Menu, more.Menu...), append(all.Feeds, more.Feeds...), append(all.Home, more.Home...)
	}
	return all
}
