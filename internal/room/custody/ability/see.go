package ability

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"slices"
	"strings"
	"syscall"

	"filippo.io/age"

	"entrechat/internal/core"
	"entrechat/internal/kit/seal"
)

// proofLabel is the name below a domain where the proof stands.
const proofLabel = "_entrechat-proof"

func proofName(domain string) string { return proofLabel + "." + domain }

// see looks at what only who is able can have done; what it answers is evidence. Returns
// CodeDenied "custody.ability.not_seen" while it is not there.
func (s *Abilities) see(ctx context.Context, a Ability, ch Challenge, g Given) (string, error) {
	switch a.Kind { //nolint:exhaustive // the node sees no others
	case DNS:
		texts, err := s.Seer.TXT(ctx, proofName(a.Subject))
		if err != nil {
			return "", err
		}
		if !slices.Contains(texts, ch.TXT()) {
			return "", notSeen("custody.ability.not_seen_dns", errors.New("no such record")).With("Name", proofName(a.Subject)).With("Text", ch.TXT())
		}
		return ch.TXT(), nil
	case Root:
		return seeRoot(s.RootFile, g.Signature)
	case Backup, Seed:
		return s.seeWords(ch, g.Words)
	case Registrar:
		r, err := s.Seer.Domain(ctx, a.Subject)
		if err != nil {
			return "", err
		}
		if ch.Before == "" || r.state() == ch.Before {
			return "", notSeen("custody.ability.not_seen_rdap", errors.New("nothing changed at the registry")).With("Domain", a.Subject)
		}
		return ch.Before + "\n" + r.state(), nil
	}
	return "", core.Denied("custody.ability.needs_witness", errors.New("the node cannot see this kind"))
}

func notSeen(key string, err error) *core.Error { return core.Denied(key, err) }

// seeRoot reads the file that root wrote: a plain file of uid 0 that nobody else may write,
// reached by no link, with exactly the signature in it.
func seeRoot(file, signature string) (string, error) {
	bad := func(err error) (string, error) {
		return "", notSeen("custody.ability.not_seen_root", err).With("File", file)
	}
	f, err := os.OpenFile(file, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if err != nil {
		return bad(err)
	}
	defer f.Close() //nolint:errcheck // only read
	info, err := f.Stat()
	if err != nil {
		return bad(err)
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	switch {
	case !ok || !info.Mode().IsRegular():
		return bad(errors.New("no plain file"))
	case owner.Uid != 0:
		return bad(errors.New("it is not root's"))
	case info.Mode().Perm()&0o022 != 0:
		return bad(errors.New("others may write it"))
	}
	text, err := io.ReadAll(io.LimitReader(f, 8<<10))
	if err != nil {
		return bad(err)
	}
	if strings.TrimSpace(string(text)) != strings.TrimSpace(signature) || signature == "" {
		return bad(errors.New("another text stands in it"))
	}
	return string(text), nil
}

// seeWords has a canary opened: a text sealed to what only the 24 words open. The words are
// not kept.
func (s *Abilities) seeWords(ch Challenge, typed string) (string, error) {
	seed, err := seal.ParseSeed(typed)
	if err != nil {
		return "", err
	}
	to, err := s.Recovery()
	if err != nil {
		return "", err
	}
	var sealed bytes.Buffer
	w, err := age.Encrypt(&sealed, to)
	if err != nil {
		return "", err
	}
	if _, err := io.WriteString(w, ch.ID); err != nil {
		return "", err
	}
	if err := w.Close(); err != nil {
		return "", err
	}
	identity, err := seed.RecoveryIdentity()
	if err != nil {
		return "", err
	}
	opened, err := age.Decrypt(&sealed, identity)
	if err != nil {
		return "", notSeen("custody.ability.other_words", err)
	}
	text, err := io.ReadAll(io.LimitReader(opened, 1<<10))
	if err != nil || string(text) != ch.ID {
		return "", notSeen("custody.ability.other_words", errors.Join(err, errors.New("the canary is another")))
	}
	return "opened " + ch.ID, nil
}
