package motion

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"

	"filippo.io/age"

	"entrechat/internal/core"
	"entrechat/internal/room/assembly/tally"
)

const maxOpening = 1 << 10 // bytes

// Ballot is a vote of ours: what is said at once, and what is said later.
type Ballot struct {
	Opening []byte // the bytes that are logged when ballots are opened
	Commit  string // lower-case hex
	Sealed  []byte // the opening for our own recovery: an age file
}

// Vote makes a ballot. Whether the vote fits the question is the caller's to see. Nobody can
// tell from the commit what it says: the nonce is random.
// spec: docs/spec/decision.md#ballot
func Vote(proposal string, by core.MemberID, v tally.Choice, recovery age.Recipient) (b Ballot, err error) {
	var nonce [32]byte
	_, _ = rand.Read(nonce[:]) // never fails
	b.Opening, err = tally.Opening{Proposal: proposal, Member: by, Nonce: hex.EncodeToString(nonce[:]), Choice: v}.Bytes()
	if err != nil {
		return b, err
	}
	if len(b.Opening) > maxOpening {
		return b, core.Invalid("assembly.motion.too_large", fmt.Errorf("%d bytes", len(b.Opening)))
	}
	b.Commit = tally.Commit(b.Opening)
	if recovery != nil {
		b.Sealed, err = sealOpening(b.Opening, recovery)
	}
	return b, err
}

// sealOpening makes all as long: an opening that objects is longer than one that agrees.
func sealOpening(opening []byte, to age.Recipient) ([]byte, error) {
	padded := append(bytes.Clone(opening), bytes.Repeat([]byte(" "), maxOpening-len(opening))...)
	var out bytes.Buffer
	w, err := age.Encrypt(&out, to)
	if err == nil {
		_, err = w.Write(padded)
	}
	if err == nil {
		err = w.Close()
	}
	if err == nil && out.Len() > tally.MaxSealed {
		err = fmt.Errorf("%d bytes", out.Len())
	}
	if err != nil {
		return nil, fmt.Errorf("seal an opening: %w", err)
	}
	return out.Bytes(), nil
}

// Unseal opens what a member sealed in its ballot to its own words. Returns CodeInvalid
// "assembly.motion.not_ours" where they are other words, or it is the opening of another commit.
func Unseal(sealed []byte, commit string, with age.Identity) ([]byte, error) {
	if len(sealed) > tally.MaxSealed {
		return nil, bad("a sealed opening that is too long")
	}
	r, err := age.Decrypt(bytes.NewReader(sealed), with)
	if err != nil {
		return nil, core.Invalid("assembly.motion.not_ours", err)
	}
	text, err := io.ReadAll(io.LimitReader(r, maxOpening+1))
	if err != nil {
		return nil, core.Invalid("assembly.motion.not_ours", err)
	}
	text = bytes.TrimRight(text, " ")
	if len(text) > maxOpening || tally.Commit(text) != commit {
		return nil, core.Invalid("assembly.motion.not_ours", errors.New("the opening of another ballot"))
	}
	return text, nil
}
