package assembly

import (
	"context"
	"path/filepath"

	"filippo.io/age"

	"entrechat/internal/kit/seal"
	"entrechat/internal/room/assembly/archive"
	"entrechat/internal/room/assembly/decision"
)

// Settings is the [assembly] section of entrechat.toml.
type Settings struct {
	// FourEyes: the hoster's vote waits for a second admin.
	FourEyes bool `toml:"four_eyes"`
}

// DefaultSettings are those of a file that says nothing.
func DefaultSettings() *Settings { return &Settings{} }

// Admins knows who the admins of this hoster are.
type Admins interface {
	// AdminMails are the addresses of those that have one.
	AdminMails(ctx context.Context) ([]string, error)
}

// Deciding is what decisions need of the node besides; Admins may find none.
type Deciding struct {
	Settings Settings
	Peer     archive.Peer
	Lang     string // of mails, and of what is written here: fr, en
	// Recovery is what only the 24 words open. Returns CodeNotFound on a node without words.
	Recovery func() (*age.X25519Recipient, error)
	Admins   func() (Admins, bool)
}

// lockName is the file that one process at a time locks to write decisions into the logbook.
const lockName = "assembly.lock"

// newDecisions wires the decisions.
func (r *Room) newDecisions(box seal.Box) *decision.Service {
	return decision.New(decision.Needs{
		DB: r.DB, Signer: r.Members.Signer, Book: r.Book, Peer: r.Deciding.Peer, Electors: r.Electors, Box: box, Lock: filepath.Join(r.Dir, lockName),
		Recovery: r.Deciding.Recovery, FourEyes: r.Deciding.Settings.FourEyes, URL: r.URL, Lang: r.Deciding.Lang,
		Mailer: func() (decision.Mailer, bool) { return r.Mailer() },
		Mails: func(ctx context.Context) ([]string, error) {
			if admins, ok := r.Deciding.Admins(); ok {
				return admins.AdminMails(ctx)
			}
			return nil, nil
		},
		Say: says{r}, Now: r.Now, Log: r.Log,
	})
}

// says says sentences in the node's language.
type says struct{ r *Room }

// T implements decision.Says.
func (s says) T(key string, args map[string]any) string {
	return s.r.Words.Printer(s.r.Deciding.Lang).T(key, args)
}
