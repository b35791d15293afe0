package custody

import (
	"context"
	"crypto/ed25519"
	"embed"
	"io/fs"
	"log/slog"
	"path/filepath"
	"slices"
	"time"

	"filippo.io/age"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/fit"
	"entrechat/internal/kit/jobs"
	"entrechat/internal/kit/logbook"
	"entrechat/internal/kit/seal"
	"entrechat/internal/kit/words"
	"entrechat/internal/room/custody/ability"
	"entrechat/internal/room/custody/ask"
	"entrechat/internal/room/custody/box"
	"entrechat/internal/room/custody/breakglass"
	"entrechat/internal/room/custody/collect"
	"entrechat/internal/room/custody/deal"
	"entrechat/internal/room/custody/duty"
	"entrechat/internal/room/custody/evidence"
	"entrechat/internal/room/custody/heir"
	"entrechat/internal/room/custody/mandate"
	"entrechat/internal/room/custody/person"
	"entrechat/internal/room/custody/proof"
	"entrechat/internal/room/custody/recipient"
	"entrechat/internal/room/custody/rehearsal"
	"entrechat/internal/room/custody/rescue"
	"entrechat/internal/room/custody/runbook"
	"entrechat/internal/room/custody/share"
)

// Words are the room's sentences, French and English.
//
//go:embed words/*.toml
var Words embed.FS

// AllWords are the sentences of the room and of its folders.
func AllWords() []fs.FS {
	return []fs.FS{
		Words,
		ability.Words,
		ask.Words,
		box.Words,
		breakglass.Words,
		collect.Words,
		deal.Words,
		mandate.Words,
		duty.Words,
		evidence.Words,
		heir.Words,
		person.Words,
		proof.Words,
		recipient.Words,
		runbook.Words,
		rehearsal.Words,
		rescue.Words,
		share.Words,
	}
}

// Book is what this room needs of the logbooks.
type Book interface {
	Append(ctx context.Context, typ string, aud []core.MemberID, exp core.Moment, body any) (logbook.Entry, error)
	Keys(ctx context.Context, id core.MemberID) ([]ed25519.PublicKey, error)
	Member(ctx context.Context, id core.MemberID) (logbook.Member, error)
	Entries(ctx context.Context, id core.MemberID, from int64, limit int) ([]logbook.Entry, error)
	breakglass.Roster
}

// Trust answers who may entrust us shares, and who keeps ours.
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
	Words  *words.Catalogue
	Signer seal.Signer
	Dir    string // where the room's secrets lie
	Book   Book
	Trust  Trust
	Peer   Peer
	// Private is a network of tests, without names: holders need not wait.
	Private bool
	URL     string // where browsers reach this node
	// Recovery is what only the 24 words open. Returns CodeNotFound on a node without words.
	Recovery func() (*age.X25519Recipient, error)
	// Mailer is who carries mails; false while nobody does.
	Mailer func() (breakglass.Mailer, bool)
	// Decisions knows what collectives decided; false while nobody does.
	Decisions func() (mandate.Decisions, bool)
	// Pointers makes the content of boxes about backups; false while nobody does.
	Pointers func() (deal.Pointers, bool)
	// Successors knows who was named to take services over; false while nobody does.
	Successors func() (heir.Successors, bool)
	Lang       string // of mails
	Now        func() time.Time
	Log        *slog.Logger
	Texts      Texts
}

// Room is custody, open.
type Room struct {
	Needs
	Recipients *recipient.Recipients
	Persons    *person.Persons
	Abilities  *ability.Abilities
	Runbooks   *runbook.Service
	Duties     *duty.Service
	Box        seal.Box // seals what of persons and shares lies in the database
	Deals      *deal.Deals
	Keeper     *deal.Keeper // of others' shares
	Asks       *breakglass.Asks
	Proofs     *proof.Proofs
	Rehearsals *rehearsal.Rehearsals
}

// The files of the age key that members encrypt our shares to, and of the key that seals small
// secrets in the database.
const (
	keyName = "custody.key"
	boxName = "custody.box"
)

// New opens the room. Returns what recipient.OpenKey and seal.OpenBox do.
func New(n Needs) (*Room, error) {
	key, err := recipient.OpenKey(filepath.Join(n.Dir, keyName))
	if err != nil {
		return nil, err
	}
	sealer, err := seal.OpenBox(filepath.Join(n.Dir, boxName))
	if err != nil {
		return nil, err
	}
	r := &Room{
		Needs: n, Recipients: &recipient.Recipients{DB: n.DB, Self: n.Signer.ID(), Key: key, Now: n.Now},
		Persons: &person.Persons{DB: n.DB, Box: sealer, Own: key.Identity(), Now: n.Now}, Box: sealer,
	}
	needs := deal.Needs{
		DB: n.DB, Signer: n.Signer, Kind: KindCustody, Book: n.Book, Trust: n.Trust, Peer: n.Peer, People: people{r.Persons}, Recipients: r.Recipients, Box: sealer, Pointers: n.Pointers,
		LeastWait: r.leastWait(), Now: n.Now, Log: n.Log,
	}
	r.Deals, r.Keeper = deal.New(needs), deal.NewKeeper(needs)
	r.Asks = r.newAsks()
	r.Rehearsals = r.newRehearsals()
	r.Abilities = r.newAbilities()
	r.openTexts()
	r.Proofs = &proof.Proofs{DB: n.DB, Signer: n.Signer, Book: n.Book, Peer: n.Peer, Deals: r.Deals, Keeper: r.Keeper, Now: n.Now, Log: n.Log}
	return r, nil
}

// leastWait is the shortest time between an ask and a share.
func (r *Room) leastWait() time.Duration {
	if r.Private {
		return 0
	}
	return 24 * time.Hour
}

// Fittings are what the room hands to the house.
func (r *Room) Fittings() fit.Fittings {
	f := r.withTexts(r.withAbilities(fit.Fittings{
		Name:    "custody",
		Readers: slices.Concat(r.Recipients.Readers(), r.Deals.Readers(), r.Asks.Readers()),
		Peer:    slices.Concat(r.Keeper.PeerRoutes(), r.Proofs.PeerRoutes(), r.Asks.PeerRoutes()),
		Jobs: append(slices.Concat(r.Deals.Jobs(), r.Keeper.Jobs(), r.Proofs.Jobs(), r.Asks.Jobs(), r.Rehearsals.Jobs()),
			jobs.Job{Name: "custody-key", Every: 10 * time.Minute, Run: r.sayKey},
			jobs.Job{Name: "custody-forget", Every: 24 * time.Hour, Run: r.Abilities.Forget},
		),
		Web: pagesOf(r.Proofs.Pages, r.Asks.Pages),
		Entries: map[string]string{
			recipient.TypeKey: "custody.recipient.entry", deal.TypeEntry: "custody.deal.entry", proof.TypeState: "custody.proof.entry",
			breakglass.TypeRelease: "custody.breakglass.entry_release", breakglass.TypeOpened: "custody.breakglass.entry_opened",
		},
		Checks:  slices.Concat(r.Proofs.Checks(), r.Asks.Checks(), r.Rehearsals.Checks()),
		Metrics: r.metrics,
		Limits:  r.Proofs.Limits,
	}))
	use := fit.Use{Name: "custody.use", For: "custody.use_for", Begun: r.begun}
	use.Checks(f.Checks...)
	return f
}

// begun says whether there is anything of ours: a secret that was dealt or is kept for another, a
// card, an ability, a runbook.
func (r *Room) begun(ctx context.Context) (bool, error) {
	for _, has := range []func(context.Context) (bool, error){
		some(r.Deals.All), some(r.Keeper.Held), some(r.Persons.All), some(r.Abilities.All), some(r.Runbooks.List),
	} {
		if is, err := has(ctx); is || err != nil {
			return is, err
		}
	}
	return false, nil
}

func some[T any](list func(context.Context) ([]T, error)) func(context.Context) (bool, error) {
	return func(ctx context.Context) (bool, error) {
		all, err := list(ctx)
		return len(all) > 0, err
	}
}

// sayKey tells the other members what to encrypt our shares to, when that changed.
func (r *Room) sayKey(ctx context.Context) error {
	return r.Recipients.Say(ctx, func(ctx context.Context, typ string, body any) error {
		_, err := r.Book.Append(ctx, typ, nil, 0, body)
		return err
	})
}
