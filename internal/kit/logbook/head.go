package logbook

import (
	"crypto"
	"crypto/ed25519"
	"fmt"
	"io"
	"slices"
	"strings"

	"filippo.io/torchwood"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"entrechat/internal/core"
	"entrechat/internal/kit/seal"
)

// maxHead bounds a signed checkpoint with its cosignatures, in bytes.
const maxHead = 16 << 10

// Head is a verified checkpoint.
type Head struct {
	Origin core.MemberID
	Tree   tlog.Tree
	Note   []byte      // as signed, with whatever cosignatures it came with
	Signed core.Moment // the author's own time stamp
}

// onlineKey lets torchwood cosign with a Signer.
type onlineKey struct{ seal.Signer }

func (k onlineKey) Public() crypto.PublicKey { return k.Signer.Public() }

func (k onlineKey) Sign(_ io.Reader, message []byte, _ crypto.SignerOpts) ([]byte, error) {
	return k.Signer.Sign(message), nil
}

// noteSigner signs notes under a member's name with the plain Ed25519 algorithm.
type noteSigner struct {
	seal.Signer
	hash uint32
}

func (s noteSigner) Name() string                    { return string(s.ID()) }
func (s noteSigner) KeyHash() uint32                 { return s.hash }
func (s noteSigner) Sign(msg []byte) ([]byte, error) { return s.Signer.Sign(msg), nil }

// VerifierKey is a member's key in the text form of c2sp.org/signed-note, for
// other programs.
func VerifierKey(id core.MemberID, key ed25519.PublicKey) (string, error) {
	return note.NewEd25519VerifierKey(string(id), key)
}

// plainVerifier and cosigVerifier read the two signatures an author makes.
func verifiers(id core.MemberID, key ed25519.PublicKey) (plain note.Verifier, cosig *torchwood.CosignatureVerifier, err error) {
	vkey, err := VerifierKey(id, key)
	if err != nil {
		return nil, nil, err
	}
	if plain, err = note.NewVerifier(vkey); err != nil {
		return nil, nil, err
	}
	// The cosigner's own verifier comes from a signer: its key is the same.
	s, err := torchwood.NewCosignatureSigner(string(id), publicOnly{key})
	if err != nil {
		return nil, nil, err
	}
	return plain, s.Verifier(), nil
}

// publicOnly is a crypto.Signer that only has its public half.
type publicOnly struct{ key ed25519.PublicKey }

func (p publicOnly) Public() crypto.PublicKey { return p.key }

func (p publicOnly) Sign(io.Reader, []byte, crypto.SignerOpts) ([]byte, error) {
	return nil, fmt.Errorf("%w: no private key", io.ErrUnexpectedEOF)
}

// signHead makes the note of a tree: the author's plain signature and a second
// one with its time, which says how fresh the head is.
// spec: docs/spec/logbook.md#head
func signHead(s seal.Signer, tree tlog.Tree) ([]byte, error) {
	plain, _, err := verifiers(s.ID(), s.Public())
	if err != nil {
		return nil, err
	}
	timed, err := torchwood.NewCosignatureSigner(string(s.ID()), onlineKey{s})
	if err != nil {
		return nil, err
	}
	text := torchwood.Checkpoint{Origin: string(s.ID()), Tree: tree}.String()
	return note.Sign(&note.Note{Text: text}, noteSigner{s, plain.KeyHash()}, timed)
}

// cosign adds nothing to a head but answers the line a witness adds.
func cosign(s seal.Signer, h Head) (string, error) {
	timed, err := torchwood.NewCosignatureSigner(string(s.ID()), onlineKey{s})
	if err != nil {
		return "", err
	}
	text, _, _ := strings.Cut(string(h.Note), "\n\n")
	signed, err := note.Sign(&note.Note{Text: text + "\n"}, timed)
	if err != nil {
		return "", err
	}
	_, line, _ := strings.Cut(string(signed), "\n\n")
	return line, nil
}

// openHead verifies a note under one of a member's keys that may sign its size.
// Returns CodeDenied when none did, CodeInvalid when it is no checkpoint of its.
func openHead(id core.MemberID, keys []Key, data []byte) (Head, error) {
	if len(data) > maxHead {
		return Head{}, core.Invalid("logbook.bad_head", fmt.Errorf("head of %s: %d bytes", id, len(data)))
	}
	var lastErr error
	for _, key := range slices.Backward(keys) {
		head, err := openUnder(id, key, data)
		if err == nil {
			return head, nil
		}
		lastErr = err
	}
	return Head{}, core.Denied("logbook.bad_head", fmt.Errorf("head of %s: %w", id, lastErr)).With("Member", id)
}

func openUnder(id core.MemberID, key Key, data []byte) (Head, error) {
	plain, timed, err := verifiers(id, key.Public())
	if err != nil {
		return Head{}, err
	}
	policy := torchwood.ThresholdPolicy(2, torchwood.OriginPolicy(string(id)), torchwood.SingleVerifierPolicy(plain))
	checkpoint, _, err := torchwood.VerifyCheckpoint(data, policy)
	if err != nil {
		return Head{}, err
	}
	if !key.signs(checkpoint.N) {
		return Head{}, fmt.Errorf("key is revoked from size %d, head has %d", key.RevokedFrom, checkpoint.N)
	}
	head := Head{Origin: id, Tree: checkpoint.Tree, Note: data}
	// A head without its author's time stamp is true, but of unknown age.
	if signed, err := note.Open(data, note.VerifierList(timed)); err == nil {
		for _, sig := range signed.Sigs {
			if seconds, err := torchwood.CosignatureTimestamp(sig); err == nil {
				head.Signed = core.Moment(seconds * 1_000_000)
			}
		}
	}
	return head, nil
}
