// Package site is what visitors see of the directory: our services, those of everybody
// we know, where else to go, evidence for the charter, feeds.
//
// What never happens here: a stranger's text is anything but text; somebody's silence is
// shown as good news, or as a verdict.
package site

import (
	"context"
	"embed"
	"log/slog"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/logbook"
	"entrechat/internal/kit/web"
	"entrechat/internal/room/directory/announce"
	"entrechat/internal/room/directory/catalogue"
	"entrechat/internal/room/directory/freshness"
	"entrechat/internal/room/directory/own"
	"entrechat/internal/room/directory/referral"
)

//go:embed pages/*.html
var pages embed.FS

// Closings answers which of our services end.
type Closings interface {
	// Closing is the announced last day of a service, "2026-12-24"; closing is false for none.
	Closing(ctx context.Context, service string) (lastDay string, closing bool, err error)
}

// Needs is what the pages are made of; all of it is required but Backups and Closings.
type Needs struct {
	Own       *own.Files
	Catalogue *catalogue.Store
	Referral  *referral.Referral
	Announcer *announce.Announcer
	Book      freshness.Book
	// Backups are how ours stand; nil = not shown.
	Backups func(ctx context.Context) ([]Backup, error)
	// Closings finds who knows which of ours end.
	Closings func() (Closings, bool)
	URL      string // where this node is reached, without a slash at its end
	Self     core.MemberID
	Now      func() time.Time
	Log      *slog.Logger
}

// Site is the pages.
type Site struct{ n Needs }

// New makes them.
func New(n Needs) *Site { return &Site{n} }

// Pages are all of them.
func (r *Site) Pages(site *web.Site) []web.Pages {
	return []web.Pages{r.own(site), r.transparency(site), r.others(site), r.elsewhere(site), r.feeds(site)}
}

func (r *Site) now() core.Moment { return core.At(r.n.Now()) }

func (r *Site) heard(ctx context.Context, authors ...catalogue.Author) (map[string]logbook.Member, error) {
	return freshness.Heard(ctx, r.n.Book, authors...)
}
