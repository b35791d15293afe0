package heir

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"

	"filippo.io/age"

	"entrechat/internal/core"
	"entrechat/internal/room/vault/catalogue"
	"entrechat/internal/room/vault/export"
	"entrechat/internal/room/vault/keyring"
	"entrechat/internal/room/vault/recovery"
	"entrechat/internal/room/vault/rest"
)

// Inherit writes the backup that a pointer opens into a folder, as a plain restic repository, and
// answers restic's password. Run again it goes on where it broke off. say is told, now and then,
// how many files are there and how many bytes came. Returns CodeInvalid for no pointer, CodeDenied
// when the owner's root key is another, CodeNotFound when the members have no such backup,
// CodeUnsure when files are missing or may be, and what export.Export does.
func (h *Heirs) Inherit(ctx context.Context, pointer []byte, dir string, say func(files, bytes int64)) (password string, err error) {
	p, err := Read(pointer)
	if err != nil {
		return "", err
	}
	identity, err := p.identity()
	if err != nil {
		return "", err
	}
	keys, err := h.keysOf(ctx, p)
	if err != nil {
		return "", err
	}
	s, err := h.scratch(ctx, p, keys, identity)
	if err != nil {
		return "", fullDisk(err, h.n.Dir)
	}
	defer func() { err = errors.Join(err, s.close()) }()
	found, err := h.find(ctx, s, p, identity)
	if err != nil {
		return "", fullDisk(err, h.n.Dir)
	}
	older, opens, err := s.older(ctx, p.Backup, identity.Recipient().String())
	if err != nil {
		return "", err
	}
	if _, err = s.exporter.Export(ctx, p.Backup, dir, func(e export.Exported) { say(e.Files+e.Skipped, e.Bytes) }); err != nil {
		return "", fullDisk(err, h.n.Dir)
	}
	switch {
	case found.Hidden:
		return "", core.Unsure("vault.heir_hidden", fmt.Errorf("%d members silent", len(found.Silent))).
			With("Name", p.Backup).With("Dir", dir).With("Members", catalogue.Joined(found.Silent))
	case !opens:
		return "", core.Unsure("vault.heir_unopened", errors.New("no config, or no key")).With("Name", p.Backup).With("Dir", dir)
	case older > 0:
		return "", core.Unsure("vault.heir_older", fmt.Errorf("%d files sealed to another key", older)).
			With("Name", p.Backup).With("Dir", dir).With("Count", older)
	}
	return s.password(ctx, p)
}

// keysOf are the keys that the owner ever signed with; none of an owner whose logbook is not
// here. Returns CodeDenied when its root key is not the pointer's.
func (h *Heirs) keysOf(ctx context.Context, p Pointer) ([]ed25519.PublicKey, error) {
	root, keys, err := h.n.KeysOf(ctx, p.Owner)
	switch {
	case core.CodeOf(err) == core.CodeNotFound:
		return nil, nil
	case err == nil && root != p.Root:
		err = core.Denied("vault.heir_other_root", errors.New("another root key")).With("Owner", string(p.Owner))
	}
	return keys, err
}

// find asks the members, and writes what they hold of the backup into the scratch catalogue.
func (h *Heirs) find(ctx context.Context, s *scratch, p Pointer, identity age.Identity) (recovery.Recovered, error) {
	found, err := s.recovery.Recover(ctx, identity, func(m recovery.MemberFound) {
		if m.Err != nil {
			h.n.Log.Warn("a member does not give what it holds of another's backup", "member", m.Member, "owner", p.Owner, "error", m.Err)
		}
	})
	if err != nil {
		return found, err
	}
	if slices.ContainsFunc(found.Backups, func(b recovery.BackupFound) bool { return b.Name == p.Backup }) {
		return found, nil
	}
	if len(found.Silent) > 0 {
		return found, core.Unsure("vault.heir_silent", errors.New("nothing found")).
			With("Name", p.Backup).With("Owner", string(p.Owner)).With("Members", catalogue.Joined(found.Silent))
	}
	return found, core.NotFound("vault.heir_nothing", errors.New("nothing found")).With("Name", p.Backup).With("Owner", string(p.Owner))
}

// older counts the files that the pointer names and does not open, and says whether it opens
// what no repository is without.
func (s *scratch) older(ctx context.Context, backup, recipient string) (n int64, opens bool, err error) {
	all, err := s.store.Objects.All(ctx, backup)
	config, keys := false, false
	for _, o := range all {
		switch {
		case openedBy(o, recipient):
			config, keys = config || o.File.Type == rest.Config, keys || o.File.Type == rest.Keys
		case o.File.Type != catalogue.Meta:
			n++
		}
	}
	return n, config && keys, err
}

func openedBy(o catalogue.Object, recipient string) bool { return o.SealedTo == recipient }

// password is the newest recorded one that opens a key, else the pointer's.
func (s *scratch) password(ctx context.Context, p Pointer) (string, error) {
	repo, err := s.store.Repos.Get(ctx, p.Backup)
	if core.CodeOf(err) == core.CodeNotFound { // no record could be read
		return p.Password, nil
	}
	if err != nil || repo.Password != catalogue.PasswordOpens {
		return p.Password, err
	}
	return s.keyring.Secret(p.Backup, keyring.Password)
}

// fullDisk says that our own disk took no more, and where that is.
func fullDisk(err error, dir string) error {
	if core.CodeOf(err) == core.CodeInternal && (errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)) {
		return core.Full("vault.heir_full", err).With("Dir", dir)
	}
	return err
}

// abandoned removes what inheritances that were killed left.
func abandoned(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), scratchName) {
			continue
		}
		if err := removeDead(dir, e.Name()); err != nil {
			return err
		}
	}
	return nil
}
