package app

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"entrechat/internal/app/config"
	"entrechat/internal/app/datadir"
	"entrechat/internal/app/founding"
	"entrechat/internal/core"
	"entrechat/internal/kit/console"
	"entrechat/internal/kit/disk"
	"entrechat/internal/kit/logbook"
	"entrechat/internal/kit/logbook/format"
	"entrechat/internal/kit/seal"
	"entrechat/internal/kit/words"
)

// askRounds bounds how often members that were named meanwhile are asked too.
const askRounds = 5

// Rescue is a rescue of a node from nothing, or its rehearsal.
type Rescue struct {
	Plea
	Data    string
	Place   Place
	Replace bool // even while the node that is replaced still answers
	Out     *console.Out
}

// Plea is what a person says who wants a node back.
type Plea struct {
	Seed    seal.Seed
	From    []string        // addresses of members
	Without []core.MemberID // not to be asked
	// Rehearse only reads: nothing changes at anybody, and the node that is made never runs.
	Rehearse bool
	Yes      bool // it may take over without asking
}

// Run makes the node anew under the same root key, fetches its logbook back from
// the members, and goes on with it under a new key when a person agrees. A rescue that
// broke off is taken up where it was; until it has taken over, what was typed last counts. A
// rehearsal stops before.
func (r Rescue) Run(ctx context.Context, c *words.Catalogue) error {
	cfg, err := r.Place.Config(sections())
	if err != nil {
		return err
	}
	before, done, err := r.lay(ctx, cfg, c)
	if err != nil {
		return err
	}
	if !done {
		if err := r.expect(ctx, cfg, c, before); err != nil {
			return err
		}
	}
	// Opened again: the rooms are there once the logbook knows who we are.
	a, err := Open(ctx, r.Data, c, cfg.Node.Lang, quiet())
	if err != nil {
		return err
	}
	defer a.Close() //nolint:errcheck // everything is on disk
	silent, err := r.retrieve(ctx, a)
	if err != nil || done || r.Rehearse {
		return err
	}
	if err := r.agree(ctx, a, silent); err != nil {
		return err
	}
	if _, err = a.Book.Recovery.Resume(ctx, r.Seed.RootKey(), cfg.Node.URL); err != nil {
		return err
	}
	if err := r.unmark(); err != nil {
		return err
	}
	return r.tellComing(ctx, a)
}

// tellComing has each room bring back what our logbook has of it, and say what comes
// later.
func (r Rescue) tellComing(ctx context.Context, a *App) error {
	for _, f := range a.fittings {
		if f.Recovered == nil {
			continue
		}
		told, err := f.Recovered(ctx)
		if err != nil {
			return err
		}
		if told.Key != "" {
			r.Out.Note(told.Key, told.Args)
		}
	}
	return nil
}

// lay makes the data directory, or looks at the one that is there. done: its node has
// taken over already. before is the domain typed last time.
func (r Rescue) lay(ctx context.Context, cfg config.Config, c *words.Catalogue) (before core.MemberID, done bool, err error) {
	switch err := datadir.Vacant(r.Data); core.CodeOf(err) {
	case "":
		return "", false, r.begin(cfg)
	case core.CodeConflict: // a node, or one that is coming back
	default:
		return "", false, err
	}
	switch is := datadir.IsRehearsal(r.Data); {
	case is && !r.Rehearse:
		return "", false, datadir.RefuseRehearsal(r.Data)
	case r.Rehearse && !is:
		return "", false, core.Conflict("app.already", errors.New("a node lives here")).With("Data", r.Data)
	}
	if before, done, err = r.resume(ctx, cfg, c); err != nil {
		return "", false, err
	}
	if r.Rehearse {
		return before, false, r.letRead(cfg)
	}
	if done {
		err = r.unmark()
	}
	return before, done, err
}

// Begin makes the directory, with a mark of what it is for.
func (r Rescue) begin(cfg config.Config) error {
	f, err := datadir.Begin(r.Data, "")
	if err != nil {
		return err
	}
	if err = founding.Lay(r.Data, cfg, r.Place.Words, r.Seed); err == nil {
		if r.Rehearse {
			err = r.letRead(cfg)
		} else {
			err = seal.ReplaceSecret(filepath.Join(r.Data, datadir.SecretsDir, datadir.RecoveringName), []byte("taking over is still to come\n"))
		}
	}
	if err != nil {
		return f.Undo(err)
	}
	return f.Settle()
}

// unmark says that the recovery has taken over.
func (r Rescue) unmark() error {
	path := filepath.Join(r.Data, datadir.SecretsDir, datadir.RecoveringName)
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("mark the data directory: %w", err)
	}
	return disk.SyncFolder(filepath.Dir(path))
}

// letRead signs, and keeps, what lets this directory's key read.
func (r Rescue) letRead(cfg config.Config) error {
	key, err := seal.ReadKeyFile(filepath.Join(r.Data, datadir.SecretsDir, datadir.LogKeyName))
	if err != nil {
		return err
	}
	doc, err := format.SignReadingKey(seal.NewSigner(core.MemberID(cfg.Node.Origin), key), r.Seed.RootKey(), core.At(time.Now()))
	if err != nil {
		return err
	}
	text, err := doc.Encode()
	if err != nil {
		return err
	}
	return seal.ReplaceSecret(filepath.Join(r.Data, datadir.SecretsDir, datadir.RehearsalName), text)
}

// expect makes the logbook ready to be read back.
func (r Rescue) expect(ctx context.Context, cfg config.Config, c *words.Catalogue, before core.MemberID) error {
	a, err := Open(ctx, r.Data, c, cfg.Node.Lang, quiet())
	if err != nil {
		return err
	}
	defer a.Close() //nolint:errcheck // everything is on disk
	if before != "" && before != a.Signer.ID() {
		if err := a.Book.Unfollow(ctx, before); err != nil {
			return err
		}
	}
	return a.Book.Recovery.Expect(ctx, r.Seed.Root(), cfg.Node.URL)
}

// retrieve asks the members at the given addresses for our logbook, and then everybody
// it names, wherever they moved to, until it names nobody new. It answers those that
// did not.
func (r Rescue) retrieve(ctx context.Context, a *App) (silent []core.MemberID, err error) {
	asked := map[string]bool{a.Config.Node.URL: true}
	met := map[core.MemberID]bool{}
	var answers []logbook.Answer
	todo := r.From
	for range askRounds {
		for _, address := range todo {
			asked[strings.TrimSuffix(address, "/")] = true
		}
		more, err := a.Book.Recovery.Retrieve(ctx, todo)
		if err != nil {
			return nil, err
		}
		for _, answer := range more {
			if met[answer.Member] = met[answer.Member] || answer.Err == nil; answer.Err != nil && answer.Member == "" {
				r.Out.Note("app.no_answer_at", map[string]any{"URL": answer.Address, "Why": r.Out.P.Error(answer.Err)})
			}
		}
		answers = append(answers, more...)
		if todo, err = r.named(ctx, a, asked, met); err != nil {
			return nil, err
		}
		if len(todo) == 0 {
			break
		}
	}
	contacts, err := a.contacts(ctx)
	for _, c := range contacts {
		if !met[c.ID] && !slices.Contains(r.Without, c.ID) {
			silent = append(silent, c.ID)
		}
	}
	return silent, errors.Join(err, a.Book.Recovery.Retrieved(ctx, answers))
}

func joinIDs(ids []core.MemberID) string {
	names := make([]string, 0, len(ids))
	for _, id := range ids {
		names = append(names, string(id))
	}
	return strings.Join(names, ", ")
}

// named answers the addresses not asked yet of those our logbook names.
func (r Rescue) named(ctx context.Context, a *App, asked map[string]bool, met map[core.MemberID]bool) ([]string, error) {
	// What stops one reader is met again when the node runs.
	if err := a.Book.Deliver(ctx, a.readers()); err != nil {
		a.Log.Info("the logbook was not read to its end", "error", err)
	}
	members, err := a.added(ctx)
	if err != nil {
		return nil, err
	}
	for _, m := range members {
		if slices.Contains(r.Without, m.ID) {
			continue
		}
		if err := a.Book.Follow(ctx, m.ID, m.URL, m.Root); err != nil {
			a.Log.Info("a member of our logbook is not followed", "member", m.ID, "error", err)
			continue
		}
		if !met[m.ID] && asked[m.URL] { // no longer there
			if err := a.Book.Recovery.LookUp(ctx, m.ID); err != nil {
				return nil, err
			}
		}
	}
	contacts, err := a.contacts(ctx)
	var out []string
	for _, c := range contacts {
		if !asked[c.URL] && !slices.Contains(r.Without, c.ID) {
			out = append(out, c.URL)
		}
	}
	return out, err
}

// added are the members our logbook says we added, where a room reads that in it.
func (a *App) added(ctx context.Context) ([]logbook.Member, error) {
	if room, ok := opened[interface {
		Added(ctx context.Context) ([]logbook.Member, error)
	}](a); ok {
		return room.Added(ctx)
	}
	return nil, nil
}

// contacts are the members whose logbook we hold, without ourselves.
func (a *App) contacts(ctx context.Context) ([]logbook.Member, error) {
	known, err := a.Book.Known(ctx)
	return slices.DeleteFunc(known, func(m logbook.Member) bool { return m.ID == a.Signer.ID() }), err
}

// agree says what a recovery takes over, and asks. A node that still answers at our
// address is the one it would be taken from; silent are the members that were not heard. Returns CodeConflict where a script takes
// over from one, and what Confirm returns.
func (r Rescue) agree(ctx context.Context, a *App, silent []core.MemberID) error {
	before, err := a.Book.URL(ctx, a.Signer.ID())
	if err != nil {
		return err
	}
	looking, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	there, err := a.Book.Discover(looking, before)
	lives := err == nil && there.Origin == a.Signer.ID()
	if lives && r.Yes && !r.Replace {
		return core.Conflict("app.still_answers", fmt.Errorf("a node of ours answers at %s", before)).With("URL", before).With("Origin", a.Signer.ID())
	}
	return r.Out.Confirm(r.Yes, func(o *console.Out) {
		if lives {
			o.Say("app.takes_from_living", map[string]any{"URL": before})
		}
		o.Say("app.takes_over", map[string]any{
			"Origin": a.Signer.ID(), "URL": a.Config.Node.URL, "Before": before, "Silent": joinIDs(silent),
		})
	})
}

// standing says whether this node still speaks for its member: members take only the
// key of our newest key set. Returns CodeDenied when a recovery or a rotation elsewhere
// took it over, or the key's file is not ours, CodeConflict for a rehearsal.
func (a *App) standing(ctx context.Context) error {
	if err := datadir.RefuseRehearsal(a.Data); err != nil {
		return err
	}
	ours, err := a.Book.Recovery.InForce(ctx)
	if err != nil || ours {
		return err
	}
	self, err := a.Book.Member(ctx, a.Signer.ID())
	if err != nil || self.Version == 0 {
		return err
	}
	ever, err := a.ownKeys(ctx)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(ever, func(k ed25519.PublicKey) bool { return k.Equal(a.Signer.Public()) }) {
		return core.Denied("app.key_damaged", errors.New("no key set of ours ever named this key")).
			With("Origin", self.ID).With("Path", filepath.Join(a.Data, datadir.SecretsDir, datadir.LogKeyName))
	}
	return core.Denied("app.key_replaced", errors.New("our newest key set names another key")).
		With("Origin", self.ID).With("URL", self.URL)
}
