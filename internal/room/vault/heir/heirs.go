package heir

import (
	"context"
	"crypto/ed25519"
	"errors"
	"log/slog"
	"slices"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/seal"
	"entrechat/internal/kit/words"
	"entrechat/internal/room/vault/catalogue"
	"entrechat/internal/room/vault/holder"
	"entrechat/internal/room/vault/keyring"
	"entrechat/internal/room/vault/lending"
	"entrechat/internal/room/vault/recovery"
)

// Successors says who takes over something of ours.
type Successors interface {
	// OurSuccessors are the members that may take over one of our services or more.
	OurSuccessors(ctx context.Context) ([]core.MemberID, error)
}

// Needs is what Heirs are made of.
type Needs struct {
	Store   catalogue.Store
	Keyring *keyring.Keyring
	Lending *lending.Store // what we hold ourselves; nil = nothing
	Signer  seal.Signer
	Root    core.RootKey
	Dir     string // for scratch folders
	// Lenders are the members that lend to us now.
	Lenders func(ctx context.Context) ([]core.Lender, error)
	// Contacts are the members this node knows.
	Contacts func(ctx context.Context) ([]recovery.Contact, error)
	Holder   func(core.MemberID) holder.Holder
	// KeysOf is a member's root key, and the keys it ever signed with. Returns CodeNotFound.
	KeysOf func(ctx context.Context, id core.MemberID) (core.RootKey, []ed25519.PublicKey, error)
	// Successors answers who says who takes over; false while nobody does. Nil = nobody.
	Successors func() (Successors, bool)
	Words      *words.Printer
	Now        func() time.Time
	Log        *slog.Logger
}

// Heirs makes pointers to our backups and opens those of others. Safe for concurrent use.
type Heirs struct{ n Needs }

// New makes it.
func New(n Needs) *Heirs { return &Heirs{n} }

// Pointer is what opens one of our backups, as JSON: a secret. Returns CodeNotFound for an
// unknown backup, CodeInternal when its key is not here, CodeDenied when the kept password
// opens none of its keys, CodeUnsure when no member holds anything.
func (h *Heirs) Pointer(ctx context.Context, backup string) ([]byte, error) {
	repo, err := h.n.Store.Repos.Get(ctx, backup)
	if err != nil {
		return nil, err
	}
	if repo.Password == catalogue.PasswordWrong {
		return nil, core.Denied("vault.password_wrong", errors.New("the kept password opens no key")).With("Name", backup)
	}
	key, err := h.n.Keyring.Own(repo)
	if err != nil {
		return nil, err
	}
	password, err := h.n.Keyring.Secret(backup, keyring.Password)
	if err != nil {
		return nil, err
	}
	members, err := h.places(ctx, backup)
	if err != nil {
		return nil, err
	}
	if len(members) == 0 {
		return nil, core.Unsure("vault.heir_no_holder", errors.New("no member holds anything of it")).With("Name", backup)
	}
	return Pointer{
		Owner: h.n.Signer.ID(), Backup: backup, Password: password, Identity: key.String(), Made: core.At(h.n.Now()), Root: h.n.Root, Members: members,
	}.Encode()
}

// places are the members that hold something of a backup, then the others that lend.
func (h *Heirs) places(ctx context.Context, backup string) (out []Place, err error) {
	held, err := h.n.Store.Summaries.ByMember(ctx)
	if err != nil {
		return nil, err
	}
	var ids []core.MemberID
	for _, m := range held {
		if m.Repo == backup {
			ids = append(ids, m.Member)
		}
	}
	lenders, err := h.n.Lenders(ctx)
	if err != nil {
		return nil, err
	}
	for _, l := range lenders {
		ids = append(ids, l.ID)
	}
	contacts, err := h.n.Contacts(ctx)
	if err != nil {
		return nil, err
	}
	for i, id := range ids {
		at := slices.IndexFunc(contacts, func(c recovery.Contact) bool { return c.ID == id })
		if at >= 0 && !slices.Contains(ids[:i], id) {
			out = append(out, Place{id, contacts[at].URL})
		}
	}
	return out, nil
}

// Recipient is the age recipient of a backup of ours ("age1..."). Returns CodeNotFound.
func (h *Heirs) Recipient(ctx context.Context, backup string) (string, error) {
	repo, err := h.n.Store.Repos.Get(ctx, backup)
	if err != nil {
		return "", err
	}
	key, err := h.n.Keyring.Own(repo)
	if err != nil {
		return "", err
	}
	return key.Recipient().String(), nil
}

// Older counts the files of a backup of ours that its pointer does not open: they are sealed to
// the key that all backups once shared.
func (h *Heirs) Older(ctx context.Context, backup string) (int64, error) {
	shared, err := h.n.Store.Summaries.SharedKey(ctx)
	return shared[backup], err
}
