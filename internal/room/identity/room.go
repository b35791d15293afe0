package identity

import (
	"io/fs"
	"log/slog"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/fit"
	"entrechat/internal/kit/words"
	"entrechat/internal/room/identity/audit"
	"entrechat/internal/room/identity/client"
	"entrechat/internal/room/identity/key"
	"entrechat/internal/room/identity/organisation"
	"entrechat/internal/room/identity/person"
)

// AllWords are the sentences of the room and of its folders.
func AllWords() []fs.FS {
	return []fs.FS{person.Words, audit.Words, organisation.Words, key.Words, client.Words}
}

// Needs is what the room is wired with; all of it is required.
type Needs struct {
	DB     *db.DB
	Words  *words.Catalogue
	Origin core.MemberID // who we are
	URL    string        // where browsers reach this node: the issuer that services know
	Now    func() time.Time
	Log    *slog.Logger
}

// Room is identity, open.
type Room struct {
	Needs
}

// New opens the room.
func New(n Needs) *Room { return &Room{Needs: n} }

// Fittings are what the room hands to the house.
func (r *Room) Fittings() fit.Fittings { return fit.Fittings{Name: "identity"} }
