package custody

import (
	"context"
	"embed"
	"io/fs"
	"log/slog"
	"path/filepath"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/fit"
	"entrechat/internal/kit/jobs"
	"entrechat/internal/kit/logbook"
	"entrechat/internal/kit/seal"
	"entrechat/internal/kit/words"
	"entrechat/internal/room/custody/ask"
	"entrechat/internal/room/custody/person"
	"entrechat/internal/room/custody/recipient"
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
		ask.Words,
		person.Words,
		recipient.Words,
		share.Words,
	}
}

// Book is what this room needs of the logbooks.
type Book interface {
	Append(ctx context.Context, typ string, aud []core.MemberID, exp core.Moment, body any) (logbook.Entry, error)
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
	Now    func() time.Time
	Log    *slog.Logger
}

// Room is custody, open.
type Room struct {
	Needs
	Recipients *recipient.Recipients
	Persons    *person.Persons
	Box        seal.Box // seals what of persons and shares lies in the database
}

// keyName is the file of the age key that members encrypt our shares to.
const keyName = "custody.key"

// boxName is the file of the key that seals what lies in the database.
const boxName = "custody.box"

// New opens the room. Returns what recipient.OpenKey and seal.OpenBox do.
func New(n Needs) (*Room, error) {
	key, err := recipient.OpenKey(filepath.Join(n.Dir, keyName))
	if err != nil {
		return nil, err
	}
	box, err := seal.OpenBox(filepath.Join(n.Dir, boxName))
	if err != nil {
		return nil, err
	}
	return &Room{
		Needs: n, Recipients: &recipient.Recipients{DB: n.DB, Self: n.Signer.ID(), Key: key, Now: n.Now},
		Persons: &person.Persons{DB: n.DB, Box: box, Own: key.Identity(), Now: n.Now}, Box: box,
	}, nil
}

// Fittings are what the room hands to the house.
func (r *Room) Fittings() fit.Fittings {
	return fit.Fittings{
		Name:    "custody",
		Readers: r.Recipients.Readers(),
		Jobs: []jobs.Job{
			{Name: "custody-key", Every: 10 * time.Minute, Run: r.sayKey},
			{Name: "custody-forget", Every: 24 * time.Hour, Run: r.Persons.Forget},
		},
		Entries: map[string]string{recipient.TypeKey: "custody.recipient.entry"},
	}
}

// sayKey tells the other members what to encrypt our shares to, when that changed.
func (r *Room) sayKey(ctx context.Context) error {
	return r.Recipients.Say(ctx, func(ctx context.Context, typ string, body any) error {
		_, err := r.Book.Append(ctx, typ, nil, 0, body)
		return err
	})
}
