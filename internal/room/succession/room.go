package succession

import (
	"context"
	"embed"
	"io/fs"
	"log/slog"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"entrechat/internal/core"
	"entrechat/internal/kit/console"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/fit"
	"entrechat/internal/kit/seal"
	"entrechat/internal/kit/words"
	"entrechat/internal/room/succession/closing"
	"entrechat/internal/room/succession/domain"
	"entrechat/internal/room/succession/move"
	"entrechat/internal/room/succession/pack"
	"entrechat/internal/room/succession/pack/fill"
	"entrechat/internal/room/succession/pack/report"
	"entrechat/internal/room/succession/pointer"
	"entrechat/internal/room/succession/promise"
	"entrechat/internal/room/succession/recipe"
	"entrechat/internal/room/succession/rescue"
	"entrechat/internal/room/succession/silence"
)

// Words are the room's sentences, French and English.
//
//go:embed words/*.toml
var Words embed.FS

// AllWords are the sentences of the room and of its folders.
func AllWords() []fs.FS {
	return append([]fs.FS{
		Words,
		promise.Words,
		recipe.Words,
		pack.Words,
		rescue.Words,
		pointer.Words,
		silence.Words,
		domain.Words,
	}, slices.Concat(recipeWords(), closingWords())...)
}

// KindSucceed is what members promise each other for taking services over.
const KindSucceed core.GrantKind = "succeed"

// GrantType describes the promise for pacts.
func GrantType() core.GrantType {
	return core.GrantType{Kind: KindSucceed, Words: "succession.grant.succeed."}
}

// Book is what this room needs of the logbooks.
type Book interface {
	pack.Keys
	rescue.Book
	URL(ctx context.Context, id core.MemberID) (string, error)
}

// Trust answers who promised what.
type Trust = promise.Trust

// Needs is what the room is wired with; all of it is required.
type Needs struct {
	DB      *db.DB
	Words   *words.Catalogue
	Signer  seal.Signer
	Dir     string // the room's own folder
	Secrets string // folder of secret files
	Lang    string // of what is written for our people
	Book    Book
	Trust   Trust
	Peer    pack.Peer
	// Rooms are the others that are open: packs ask those that answer their question.
	Rooms func() []any
	// Vault opens one backup, Letters seal what is for one member's node; false while nobody does.
	Vault   func() (pointer.Vault, bool)
	Letters func() (pointer.Letters, bool)
	URL     string // where browsers reach this node, without a slash at its end
	Asks    closing.Ask
	// Rescuing is what rescues ask of other rooms.
	Rescuing Rescuing
	// Private is a network of tests, without names: nobody waits 30 days.
	Private bool
	Roster  silence.Roster
	Now     func() time.Time
	Log     *slog.Logger
}

// Room is succession, open.
type Room struct {
	Needs
	Promises *promise.Promises
	Pack     *pack.Service // ours and others', sealed
	Fill     *fill.Filler  // makes ours
	Reports  *report.Reports
	Pointers *pointer.Service
	Closings *closing.Service
	Domains  *domain.Service
	Moves    *move.Service
	Rescue   *rescue.Service
	Silence  *silence.Service
}

// New opens the room.
func New(n Needs) (*Room, error) {
	r := &Room{Needs: n, Promises: promise.New(promise.Needs{DB: n.DB, Self: n.Signer.ID(), Kind: KindSucceed, Book: n.Book, Trust: n.Trust, Private: n.Private, Now: n.Now})}
	r.Pointers = r.openPointers()
	r.openPacks()
	r.Closings = r.openClosings()
	r.Domains = r.openDomains()
	r.Moves = r.openMoves()
	r.Silence = r.newSilence()
	return r, r.openRescues()
}

// Fittings are what the room hands to the house.
func (r *Room) Fittings() fit.Fittings {
	f := joined(
		fit.Fittings{Readers: r.Promises.Readers(), Entries: map[string]string{promise.TypeNaming: "succession.promise.entry"}},
		r.packFittings(),
		fit.Fittings{Peer: r.Pointers.Routes()},
		fit.Fittings{Readers: r.Closings.Readers(), Entries: closing.Entries(), Peer: r.Closings.Routes(), Jobs: r.Closings.Jobs(), Web: r.farewells},
		r.rescueFittings(),
		fit.Fittings{Jobs: r.Silence.Jobs(), Web: r.Silence.Pages},
		fit.Fittings{Web: r.Domains.Pages},
	)
	f.Name, f.Front = "succession", r.front
	return f
}

// Commands are `succession ...`; p says what they are for.
func Commands(p *words.Printer, open console.Opener[*Room]) []*cobra.Command {
	subs := promise.Commands(p, console.Part(open, func(r *Room) *promise.Promises { return r.Promises }))
	subs = append(subs, report.Commands(p, console.Part(open, func(r *Room) *report.Reports { return r.Reports }))...)
	subs = append(subs, pointerCommands(p, open)...)
	subs = append(subs, closingCommands(p, open)...)
	subs = append(subs, domain.Command(p, console.Part(open, func(r *Room) *domain.Service { return r.Domains })))
	subs = append(subs, moveCommands(p, open)...)
	subs = append(subs, rescueCommands(p, open)...)
	subs = append(subs, silence.Commands(p, console.Part(open, func(r *Room) *silence.Service { return r.Silence }))...)
	return []*cobra.Command{console.Group("succession", p.T("succession.cmd", nil), subs...)}
}
