package watch

import (
	"context"
	"crypto/ed25519"
	"embed"
	"io/fs"
	"log/slog"
	"maps"
	"net"
	"slices"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/fit"
	"entrechat/internal/kit/logbook"
	"entrechat/internal/kit/seal"
	"entrechat/internal/kit/web"
	"entrechat/internal/kit/words"
	"entrechat/internal/room/watch/alert"
	"entrechat/internal/room/watch/alert/channel"
	"entrechat/internal/room/watch/alert/contact"
	"entrechat/internal/room/watch/deadman"
	"entrechat/internal/room/watch/exposition"
	"entrechat/internal/room/watch/freshness"
	"entrechat/internal/room/watch/imports"
	"entrechat/internal/room/watch/incident"
	"entrechat/internal/room/watch/incident/note"
	"entrechat/internal/room/watch/look"
	"entrechat/internal/room/watch/look/kinds"
	"entrechat/internal/room/watch/record"
	"entrechat/internal/room/watch/schedule"
	"entrechat/internal/room/watch/software"
	"entrechat/internal/room/watch/status"
	"entrechat/internal/room/watch/status/show"
	"entrechat/internal/room/watch/status/tonight"
	"entrechat/internal/room/watch/subscribe"
	"entrechat/internal/room/watch/target"
	"entrechat/internal/room/watch/verdict"
	"entrechat/internal/room/watch/verdict/quorum"
	"entrechat/internal/room/watch/warning"
)

// Words are the room's sentences, French and English.
//
//go:embed words/*.toml
var Words embed.FS

// AllWords are the sentences of the room and of its folders.
func AllWords() []fs.FS {
	return []fs.FS{
		Words, target.Words, look.Words, record.Words, verdict.Words, incident.Words, alert.Words, subscribe.Words, status.Words,
		deadman.Words, software.Words, imports.Words,
	}
}

// Book is what this room needs of the logbooks.
type Book interface {
	Append(ctx context.Context, typ string, aud []core.MemberID, exp core.Moment, body any) (logbook.Entry, error)
}

// Trust answers who may ask us to look, and who promised to look for us.
type Trust interface {
	May(ctx context.Context, who core.MemberID, kind core.GrantKind) (core.Allowance, error)
	Lenders(ctx context.Context, kind core.GrantKind) ([]core.Lender, error)
}

// Peer calls other members; peer.Client is one.
type Peer interface {
	JSON(ctx context.Context, to core.MemberID, method, path string, in, out any) error
}

// Needs is what the room is wired with; all of it is required.
type Needs struct {
	DB     *db.DB
	Signer seal.Signer
	Book   Book
	Trust  Trust
	// Peer calls other members; Calls fetches texts, Tellers tells of pings.
	Peer    Peer
	Calls   note.Calls
	Tellers deadman.Members
	// Channels are our own mail server and what else carries messages.
	Channels channel.Needs
	// Topics are public channels that our own incidents go to.
	Topics []contact.Channel
	Words  *words.Catalogue
	// URL is where browsers reach this node, without a slash at its end.
	URL string
	// Zone is where our users' clocks are.
	Zone *time.Location
	// Heard is when a member's logbook was last heard.
	Heard func(ctx context.Context, id core.MemberID) (core.Moment, error)
	// Name is how people call a member; empty = as its domain.
	Name func(ctx context.Context, id core.MemberID) string
	// Curator is whose table of safe versions counts; empty = nobody's. Safe is our own.
	Curator core.MemberID
	Safe    software.Table
	// Members are those whose logbook we hold, without ourselves.
	Members func(ctx context.Context) ([]core.MemberID, error)
	// Keys are the keys a member signs with, or signed with.
	Keys func(ctx context.Context, id core.MemberID) ([]ed25519.PublicKey, error)
	// Meet fetches a member's logbook now.
	Meet func(ctx context.Context, id core.MemberID) error
	// Site is where our node stands, in our own words; may be empty.
	Site string
	// Home is where a member's node is. Returns CodeNotFound.
	Home func(ctx context.Context, id core.MemberID) (target.Home, error)
	// Root is the root key of the node that answers at an address.
	Root func(ctx context.Context, address string) (core.RootKey, error)
	// Fetch gets a public document, guarded against private addresses unless Private.
	Fetch func(ctx context.Context, address string, limit int64) ([]byte, error)
	// Offers are the services of our own catalogue; nil = there is none.
	Offers func(ctx context.Context) ([]Offer, error)
	// Agent is the User-Agent of looks.
	Agent string
	// Unread is why a file that the settings name could not be read; nil = all were.
	Unread error
	// Token is what an Alertmanager shows to hand us alerts; empty = none may.
	Token string
	// Stored answers what we store of others' backups; nil = nothing.
	Stored freshness.Stored
	// Private allows plain http and addresses of this machine: for demos and tests.
	Private bool
	Now     func() time.Time
	Log     *slog.Logger
}

// Room puts looks, verdicts, incidents, alerts and status pages together. Safe for
// concurrent use.
type Room struct {
	Needs
	Post    // our mail server
	Stories // what incidents were
	Handover
	Silence // what is seen of members that nobody hears
	Targets *target.Targets
	Prover  *target.Prover
	// Recorder has what our own looks found.
	Recorder *record.Recorder
	// Verdicts is our part in what members conclude together.
	Verdicts *quorum.Engine
	// Publisher has incidents, maintenance and promises.
	Publisher *incident.Publisher
	// Alerts is who is told.
	Alerts *alert.Service
	// Subscribers are users who asked for news.
	Subscribers *subscribe.Service
	// Pings is what backups and other work tell by themselves.
	Pings *deadman.Pings
	// Warnings is what is told that is no outage yet.
	Warnings *warning.Warnings
	// Versions is what services run.
	Versions *software.Watch
	// Board has what everybody sees.
	Board     *status.Board
	list      *target.Known
	circle    *circle
	show      *show.Show
	onDemand  *onDemand
	fresh     chan struct{} // there is news to show
	age       freshness.Looker
	looker    *look.Looker
	scheduler *schedule.Scheduler
}

// New makes the room. Codes as for db.One.
func New(ctx context.Context, n Needs) (*Room, error) {
	r := &Room{Needs: n, Post: Post{n.Channels, n.Now}, list: target.NewKnown(n.DB), fresh: make(chan struct{}, 1)}
	r.Targets = target.New(target.Needs{DB: n.DB, Book: n.Book, Self: n.Signer.ID(), Now: n.Now})
	r.Prover = target.NewProver(target.ProofNeeds{
		DB: n.DB, Known: r.list, Home: n.Home, Root: n.Root, Fetch: n.Fetch, LookupTXT: net.DefaultResolver.LookupTXT, Plain: n.Private, Now: n.Now,
	})
	r.looker = look.New(look.Needs{Self: n.Signer.ID(), Private: n.Private, Agent: n.Agent, Kinds: kinds.All(), Network: schedule.Dialing, Now: n.Now})
	if err := r.equip(ctx); err != nil {
		return nil, err
	}
	r.Stories, r.Silence = Stories{r.Publisher}, Silence{r}
	r.show = show.New(show.Needs{Board: r.Board, URL: n.URL, Subscribe: r.subscribePage()})
	return r, nil
}

// Fittings is what the house gets of this room.
func (r *Room) Fittings() fit.Fittings {
	return fit.Fittings{
		Name:    "watch",
		Start:   r.Verdicts.Start,
		Web:     r.web,
		Readers: slices.Concat(r.Targets.Readers(), r.Verdicts.Readers(), r.Publisher.Readers(), r.Versions.Readers()),
		Peer:    slices.Concat(r.Verdicts.Routes(), r.Publisher.Routes(), r.Alerts.Routes(), r.Pings.PeerRoutes(), r.onDemand.routes()),
		Pages:   r.Pings.Routes(),
		Front:   r.show.Front,
		Tools:   []fit.Route{exposition.Webhook(r.Token, receiver{r}, r.Now)},
		Jobs:    slices.Concat(r.Targets.Jobs(), r.Prover.Jobs(r.proving), r.looking()),
		Metrics: r.metrics,
		Checks:  doctor{r}.checks(),
		Entries: r.entries(),
		Steps:   r.steps,
	}
}

// web are the room's pages.
func (r *Room) web(site *web.Site) web.Pages {
	var all web.Pages
	for _, p := range []web.Pages{targetForms{r}.pages(site), r.Publisher.Pages(site), r.Alerts.Pages(site), r.show.Pages(site), r.Subscribers.Pages(site), tonight.New(tonight.Needs{Source: night{r}}).Pages(site)} {
		all.Routes, all.Menu, all.Feeds = append(all.Routes, p.Routes...), append(all.Menu, p.Menu...), append(all.Feeds, p.Feeds...)
		all.Home, all.Overview, all.Alarms = append(all.Home, p.Home...), append(all.Overview, p.Overview...), append(all.Alarms, p.Alarms...)
	}
	return all
}

// entries are the kinds of logbook entries the room writes.
func (r *Room) entries() map[string]string {
	all := map[string]string{target.TypeTarget: "watch.entry.target", target.TypeGone: "watch.entry.target_gone"}
	maps.Copy(all, quorum.Entries())
	maps.Copy(all, incident.Entries())
	maps.Copy(all, software.Entries())
	return all
}

// watched are the targets of the members whose services we promised to look at.
func (r *Room) watched(ctx context.Context) ([]target.Target, error) {
	all, err := r.list.All(ctx)
	if err != nil {
		return nil, err
	}
	granted := map[core.MemberID]bool{r.Signer.ID(): false} // our own need no proof
	var out []target.Target
	for _, t := range all {
		may, asked := granted[t.Owner]
		if !asked {
			if _, may, err = r.circle.serves(ctx, t.Owner); err != nil {
				return nil, err
			}
			granted[t.Owner] = may
		}
		if may {
			out = append(out, t)
		}
	}
	return out, nil
}

// targets are all that may be looked at: our own, and what members whose services we
// promised to look at published under proven domains.
func (r *Room) targets(ctx context.Context) ([]target.Target, error) {
	own, err := r.list.Of(ctx, r.Signer.ID())
	if err != nil {
		return nil, err
	}
	watched, err := r.watched(ctx)
	if err != nil {
		return nil, err
	}
	allowed, err := r.Prover.Allowed(ctx, watched)
	return append(own, allowed...), err
}
