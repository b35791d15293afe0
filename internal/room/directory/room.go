package directory

import (
	"context"
	"embed"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/room/directory/announce"
	"entrechat/internal/room/directory/api"
	"entrechat/internal/room/directory/catalogue"
	"entrechat/internal/room/directory/draft"
	"entrechat/internal/room/directory/forms"
	"entrechat/internal/room/directory/freshness"
	"entrechat/internal/room/directory/imports"
	"entrechat/internal/room/directory/own"
	"entrechat/internal/room/directory/referral"
	"entrechat/internal/room/directory/site"
	"entrechat/internal/room/directory/statool"
)

// Words are the room's sentences, French and English.
//
//go:embed words/*.toml
var Words embed.FS

// Fetcher gets public documents: it keeps us away from private addresses and from
// redirects into them. peer.Client is one.
type Fetcher interface {
	imports.Fetcher
	Fetch(ctx context.Context, rawURL string, limit int64) ([]byte, http.Header, error)
}

// Backup is how one of our backups stands, for everybody to read.
type Backup = site.Backup

// Closings answers which of our services end.
type Closings = site.Closings

// Needs is what the room is made of.
type Needs struct {
	Dir   string // folder of our own files; empty where there is no node
	URL   string // where this node is reached, without a slash at its end
	Fetch Fetcher
	Now   func() time.Time
	Log   *slog.Logger
	// DB, Book and Self are of a node: without one, what is said of others is not
	// stored, and nothing of ours is said.
	DB   *db.DB // with migrations.Files applied
	Book Book
	Self core.MemberID
	// Backups are how ours stand; nil = not shown.
	Backups func(ctx context.Context) ([]Backup, error)
	// Closings finds who knows which of ours end; nil = nobody does.
	Closings func() (Closings, bool)
	// Plain asks over http: for tests and demos on one machine.
	Plain bool
}

// Book is the logbook as this room uses it.
type Book interface {
	announce.Book
	freshness.Book
}

// Room is the directory of one node. Safe for concurrent use.
type Room struct {
	n     Needs
	draft *draft.Reader
	// Own are our own files.
	Own *own.Files
	node
}

// node is what a room has only where there is a node; nil without.
type node struct {
	Imports   *imports.Importer
	Catalogue *catalogue.Store // what every known hoster says
	Referral  *referral.Referral
	Announcer *announce.Announcer
	api       *api.API
	site      *site.Site
	forms     *forms.Forms
}

// New makes the room.
func New(n Needs) *Room {
	r := &Room{n: n, draft: draft.New(draft.Needs{Fetch: n.Fetch, Now: n.Now, Plain: n.Plain})}
	r.Own = own.New(own.Needs{Dir: n.Dir, URL: n.URL, Self: n.Self, Now: n.Now, Changed: r.changed})
	if n.DB == nil {
		return r
	}
	r.Catalogue = catalogue.New(n.DB)
	r.Imports = imports.New(imports.Needs{DB: n.DB, Fetch: n.Fetch, Catalogue: r.Catalogue, Limits: imports.Usual(), Now: n.Now, Log: n.Log})
	r.Referral = referral.New(referral.Needs{DB: n.DB, Catalogue: r.Catalogue, Book: n.Book, Self: n.Self, Now: n.Now})
	r.Announcer = announce.New(announce.Needs{DB: n.DB, Own: r.Own, Catalogue: r.Catalogue, Book: n.Book, Self: n.Self, Now: n.Now, Log: n.Log})
	r.api = api.New(api.Needs{Own: r.Own, Catalogue: r.Catalogue, Referral: r.Referral, URL: n.URL, Self: n.Self, Now: n.Now})
	r.site = site.New(site.Needs{
		Own: r.Own, Catalogue: r.Catalogue, Referral: r.Referral, Announcer: r.Announcer, Book: n.Book,
		Backups: n.Backups, Closings: n.Closings, URL: n.URL, Self: n.Self, Now: n.Now, Log: n.Log,
	})
	r.forms = forms.New(forms.Needs{Own: r.Own, Catalogue: r.Catalogue, Referral: r.Referral, Draft: r.Draft, URL: n.URL})
	return r
}

// changed is told when a file of ours did.
func (r *Room) changed(ctx context.Context) {
	if r.Announcer != nil {
		r.Announcer.SayNow(ctx)
	}
}

// ServiceNames are the names of our services that have not ended, sorted.
func (r *Room) ServiceNames(ctx context.Context) ([]string, error) {
	services, err := r.Own.Services(ctx)
	var names []string
	for _, s := range services {
		if !s.Listing.Ended {
			names = append(names, s.Listing.Name)
		}
	}
	slices.Sort(names)
	return names, err
}

// HosterPage is the address of a hoster's page, on this site.
func (r *Room) HosterPage(id core.MemberID) string { return site.PageOfHoster(string(id)) }

// Draft asks a domain what it says of itself, see draft.Reader.Files.
func (r *Room) Draft(ctx context.Context, domain string) (draft.Drafted, error) {
	return r.draft.Files(ctx, domain)
}

// Hoster is what our own file says of us; ok is false while there is none.
func (r *Room) Hoster() (o statool.Organization, ok bool, err error) { return r.Own.Hoster() }
