package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"entrechat/internal/app/config"
	"entrechat/internal/app/datadir"
	"entrechat/internal/app/founding"
	"entrechat/internal/core"
	"entrechat/internal/kit/logbook"
	"entrechat/internal/kit/logbook/format"
	"entrechat/internal/kit/seal"
	"entrechat/internal/kit/words"
)

// Place is what a person says of a new node: who it is and where it listens.
type Place = founding.Place

// Init makes a node and opens its logbook. The words of its seed are written to
// wordsTo before anything is made, unless that is empty, and show hands them to the
// person before the node counts: when either fails, nothing is left. A process that is
// killed on the way leaves a directory that says so and that the next Init clears.
func Init(ctx context.Context, data string, place Place, wordsTo string, show func(seal.Seed) error) (err error) {
	cfg, err := place.Config(sections())
	if err != nil {
		return err
	}
	seed, err := seal.NewSeed()
	if err != nil {
		return err
	}
	f, err := datadir.Begin(data, wordsTo)
	if err != nil {
		return err
	}
	if wordsTo != "" {
		err = f.Write(wordsTo, seed.Words())
	}
	if err == nil {
		err = founding.Lay(data, cfg, place.Words, seed)
	}
	if err == nil {
		err = openLogbook(ctx, data, cfg, seed)
	}
	if err == nil {
		err = show(seed)
	}
	if err != nil {
		return f.Undo(err)
	}
	return f.Settle()
}

// openLogbook writes the first key set, signed by the seed's root key.
func openLogbook(ctx context.Context, data string, cfg config.Config, seed seal.Seed) error {
	a := &App{Data: data, Log: quiet(), alone: true}
	if err := a.openWith(ctx, datadir.LogKeyName); err != nil {
		return err
	}
	defer a.Close() //nolint:errcheck // everything is on disk
	keys := logbook.KeySet{
		Origin: a.Signer.ID(), Version: 1, URL: cfg.Node.URL,
		Keys: []logbook.Key{format.NewKey(a.Signer.Public())}, Made: core.At(time.Now()),
	}
	doc, err := keys.Sign(seed.RootKey())
	if err != nil {
		return err
	}
	return a.Book.Init(ctx, doc, seed.Root())
}

// resume looks at a directory that has a node. done: it is ours and has taken over.
// Until then the configuration and the recovery key are replaced with those of what
// was typed now: an address or even the words may have been wrong. before is the domain
// typed then. Returns CodeConflict for any other node and for another domain than the one
// that came back, CodeDenied for a domain that is known here under other words.
func (r Rescue) resume(ctx context.Context, cfg config.Config, c *words.Catalogue) (before core.MemberID, done bool, err error) {
	a, err := Open(ctx, r.Data, c, cfg.Node.Lang, quiet())
	if err != nil {
		return "", false, err
	}
	defer a.Close() //nolint:errcheck // only read
	if done, err := r.compare(ctx, a, core.MemberID(cfg.Node.Origin)); done || err != nil {
		return "", done, err
	}
	text, err := datadir.RecoveryText(r.Seed)
	if err != nil {
		return "", false, err
	}
	if err := seal.ReplaceSecret(filepath.Join(r.Data, datadir.SecretsDir, datadir.RecoveryName), text); err != nil {
		return "", false, err
	}
	if text, err = cfg.Render(r.Place.Words); err != nil {
		return "", false, err
	}
	return a.Signer.ID(), false, seal.ReplaceSecret(filepath.Join(r.Data, datadir.ConfigName), text)
}

// compare holds what was typed now against what this directory knows. done: its node
// has taken over, or never had to: it is one still when another took its name.
func (r Rescue) compare(ctx context.Context, a *App, origin core.MemberID) (done bool, err error) {
	self, known, err := knownAs(ctx, a, a.Signer.ID())
	if err != nil {
		return false, err
	}
	ours := known && self.Root == r.Seed.Root()
	switch begun := r.Rehearse || r.marked(); {
	case known && !begun && (!ours || self.ID != origin):
		return false, core.Conflict("app.already", errors.New("another node lives here")).With("Data", r.Data)
	case known && !begun:
		return true, nil
	case ours && self.ID != origin:
		return false, core.Conflict("app.recovering_other", fmt.Errorf("%s comes back here, not %s", self.ID, origin)).
			With("Data", r.Data).With("Origin", self.ID)
	case ours && !r.Rehearse:
		return a.Book.Recovery.InForce(ctx)
	}
	// Members that were asked before are known here: one of them may have been typed.
	if other, known, err := knownAs(ctx, a, origin); err != nil || known && other.Root != r.Seed.Root() {
		return false, errors.Join(err, core.Denied("logbook.other_words", errors.New("known under another root key")).With("Member", origin))
	}
	return false, nil
}

// knownAs is what our mirrors say of a member, if any key set of it was read.
func knownAs(ctx context.Context, a *App, id core.MemberID) (m logbook.Member, known bool, err error) {
	m, err = a.Book.Member(ctx, id)
	if core.CodeOf(err) == core.CodeNotFound {
		return m, false, nil
	}
	return m, err == nil && m.Version != 0, err
}

// marked says whether taking over is still to come.
func (r Rescue) marked() bool {
	_, err := os.Lstat(filepath.Join(r.Data, datadir.SecretsDir, datadir.RecoveringName))
	return !errors.Is(err, fs.ErrNotExist)
}
