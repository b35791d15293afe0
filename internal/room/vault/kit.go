package vault

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"entrechat/internal/core"
	"entrechat/internal/kit/seal"
	"entrechat/internal/room/vault/catalogue"
)

// noteKit is when the seed words were last typed back and found right.
const noteKit = "kit_checked_us"

// Kit is what a recovery from nothing needs, but for the seed words, which only
// paper has.
type Kit struct {
	Origin      core.MemberID `json:"origin"`
	Root        string        `json:"root"`
	Fingerprint string        `json:"fingerprint"`
	Recipient   string        `json:"recovery_recipient"` // what backups are also encrypted to
	Backups     []string      `json:"backups"`
	Locked      []string      `json:"wrong_password"` // those whose kept password opens no key
	Contacts    []KitContact  `json:"members"`
	Checked     core.Moment   `json:"checked_us"` // zero = never
	Made        core.Moment   `json:"made_us"`
}

// KitContact is a member that may hold our shards.
type KitContact struct {
	Member      core.MemberID `json:"member"`
	URL         string        `json:"url"`
	Fingerprint string        `json:"fingerprint"`
	Lends       bool          `json:"lends"` // it keeps our backups
}

// From are the addresses to begin a recovery with: every lender's, or where there are
// fewer than three, others' too.
func (k Kit) From() []string {
	var out []string
	for _, c := range k.Contacts { // lenders first
		if c.Lends || len(out) < 3 {
			out = append(out, c.URL)
		}
	}
	return out
}

// Kit answers the page to print.
func (r *Room) Kit(ctx context.Context) (Kit, error) {
	k := Kit{
		Origin: r.n.Signer.ID(), Root: r.n.Root.String(), Fingerprint: seal.Fingerprint(r.n.Root),
		Recipient: r.n.Recovery.String(), Made: core.At(r.n.Now()),
		Backups: []string{}, Locked: []string{}, Contacts: []KitContact{},
	}
	contacts, err := r.n.Contacts(ctx)
	if err != nil {
		return k, err
	}
	for _, c := range contacts {
		k.Contacts = append(k.Contacts, KitContact{c.ID, c.URL, seal.Fingerprint(c.Root), c.Lends})
	}
	slices.SortStableFunc(k.Contacts, func(a, b KitContact) int {
		switch {
		case a.Lends == b.Lends:
			return 0
		case a.Lends:
			return -1
		}
		return 1
	})
	repos, err := r.store.Repos.All(ctx)
	if err != nil {
		return k, err
	}
	for _, repo := range repos {
		k.Backups = append(k.Backups, repo.Name)
		if repo.Password == catalogue.PasswordWrong {
			k.Locked = append(k.Locked, repo.Name)
		}
	}
	k.Checked, err = r.kitChecked(ctx)
	return k, err
}

func (r *Room) kitChecked(ctx context.Context) (core.Moment, error) {
	text, err := r.store.Notes.Get(ctx, noteKit)
	if err != nil || text == "" {
		return 0, err
	}
	var at int64
	if _, err := fmt.Sscan(text, &at); err != nil {
		return 0, fmt.Errorf("read the note %s: %w", noteKit, err)
	}
	return core.Moment(at), nil
}

// CheckKit compares typed words with what this node knows of the seed: its root
// key, and what backups are encrypted to. Returns CodeInvalid when they are no seed
// words, CodeDenied when they are another node's.
func (r *Room) CheckKit(ctx context.Context, words string) error {
	seed, err := seal.ParseSeed(words)
	if err != nil {
		return err
	}
	recovery, err := seed.RecoveryIdentity()
	if err != nil {
		return err
	}
	if seed.Root() != r.n.Root || !strings.EqualFold(recovery.Recipient().String(), r.n.Recovery.String()) {
		return core.Denied("seal.other_seed", errors.New("words of another node")).With("Origin", r.n.Signer.ID())
	}
	return r.store.Notes.Set(ctx, noteKit, fmt.Sprint(int64(core.At(r.n.Now()))))
}
