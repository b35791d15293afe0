package format

import (
	"crypto"
	"crypto/ed25519"
	"encoding/binary"
	"errors"
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

const (
	// MaxHead bounds a signed checkpoint with its cosignatures, in bytes.
	MaxHead = 16 << 10
	// maxTree bounds the size a log can claim: sizes must stay whole numbers in
	// every JSON reader, and tile numbers far from overflow.
	maxTree = 1 << 40
)

// Head is a verified checkpoint of one log.
type Head struct {
	Origin string // of the log
	Tree   tlog.Tree
	Note   []byte      // text and the author's own signature lines, nothing else
	Signed core.Moment // the author's own time stamp, zero = none
}

// verifiers reads the two signatures an author makes: the log's own, under the
// log's origin, and the member's time stamp, under the member's name.
func verifiers(origin string, id core.MemberID, key ed25519.PublicKey) (note.Verifier, *torchwood.CosignatureVerifier, error) {
	vkey, err := note.NewEd25519VerifierKey(origin, key)
	if err != nil {
		return nil, nil, err
	}
	plain, err := note.NewVerifier(vkey)
	if err != nil {
		return nil, nil, err
	}
	timed, err := WitnessVerifier(id, key)
	return plain, timed, err
}

// LogVerifier is a log's key in the text form of c2sp.org/signed-note, for other
// programs.
func LogVerifier(id core.MemberID, epoch int64, key ed25519.PublicKey) (string, error) {
	return note.NewEd25519VerifierKey(LogOrigin(id, epoch), key)
}

// WitnessVerifier verifies what a member cosigns, others' heads and its own; its
// String is the text form for policies of other programs.
func WitnessVerifier(id core.MemberID, key ed25519.PublicKey) (*torchwood.CosignatureVerifier, error) {
	s, err := torchwood.NewCosignatureSigner(string(id), publicOnly{key})
	if err != nil {
		return nil, err
	}
	return s.Verifier(), nil
}

// publicOnly is a crypto.Signer without a private half: torchwood makes a
// cosignature's verifier from its signer.
type publicOnly struct{ key ed25519.PublicKey }

func (p publicOnly) Public() crypto.PublicKey { return p.key }

func (p publicOnly) Sign(io.Reader, []byte, crypto.SignerOpts) ([]byte, error) {
	return nil, errors.New("no private key")
}

// lineSigner makes one signature line of a note.
type lineSigner struct {
	name string
	hash uint32
	sign func(text []byte) []byte
}

func (s lineSigner) Name() string                     { return s.name }
func (s lineSigner) KeyHash() uint32                  { return s.hash }
func (s lineSigner) Sign(text []byte) ([]byte, error) { return s.sign(text), nil }

// cosigner makes timestamped cosignatures (c2sp.org/tlog-cosignature) by the
// clock it is given; torchwood's own reads the machine's.
func cosigner(s seal.Signer, now core.Moment) (lineSigner, error) {
	v, err := WitnessVerifier(s.ID(), s.Public())
	if err != nil {
		return lineSigner{}, err
	}
	seconds := now.Time().Unix()
	return lineSigner{string(s.ID()), v.KeyHash(), func(text []byte) []byte {
		message := fmt.Appendf(nil, "cosignature/v1\ntime %d\n%s", seconds, text)
		return append(binary.BigEndian.AppendUint64(nil, uint64(seconds)), s.Sign(message)...) //nolint:gosec // after 1970
	}}, nil
}

// SignHead makes the note of our own tree: the log's signature, and a cosignature
// of our own that says when, so that a head's age is known wherever it is read.
// spec: docs/spec/logbook.md#head
func SignHead(s seal.Signer, origin string, tree tlog.Tree, now core.Moment) ([]byte, error) {
	plain, _, err := verifiers(origin, s.ID(), s.Public())
	if err != nil {
		return nil, err
	}
	timed, err := cosigner(s, now)
	if err != nil {
		return nil, err
	}
	text := torchwood.Checkpoint{Origin: origin, Tree: tree}.String()
	return note.Sign(&note.Note{Text: text}, lineSigner{origin, plain.KeyHash(), s.Sign}, timed)
}

// Cosign makes the line a witness adds to a head.
func Cosign(s seal.Signer, h Head, now core.Moment) (string, error) {
	timed, err := cosigner(s, now)
	if err != nil {
		return "", err
	}
	text := noteText(h.Note)
	signed, err := note.Sign(&note.Note{Text: text}, timed)
	if err != nil {
		return "", err
	}
	return strings.TrimPrefix(string(signed), text+"\n"), nil
}

// noteText is the part of a note that is signed.
func noteText(data []byte) string {
	text, _, _ := strings.Cut(string(data), "\n\n")
	return text + "\n"
}

// Claim is what a note says before any signature was checked, to know which log
// it is about and how much to fetch.
func Claim(data []byte) (torchwood.Checkpoint, error) {
	if len(data) > MaxHead {
		return torchwood.Checkpoint{}, core.Invalid("logbook.bad_head", fmt.Errorf("head of %d bytes", len(data)))
	}
	c, err := torchwood.ParseCheckpoint(noteText(data))
	if err != nil {
		return c, core.Invalid("logbook.bad_head", fmt.Errorf("read head: %w", err))
	}
	if c.Extension != "" || c.N < 1 || c.N > maxTree {
		return c, core.Invalid("logbook.bad_head", fmt.Errorf("head of %.80q: size %d or lines beyond ours", c.Origin, c.N))
	}
	return c, nil
}

// OpenHead verifies a note as the head of one log under those of a member's keys
// that may sign its size. Returns CodeDenied when none did, CodeInvalid when it is
// no checkpoint of that log.
func OpenHead(keys KeySet, epoch int64, data []byte) (Head, error) {
	origin := LogOrigin(keys.Origin, epoch)
	c, err := Claim(data)
	if err != nil {
		return Head{}, err
	}
	if c.Origin != origin || epoch > keys.Epoch() {
		return Head{}, core.Invalid("logbook.bad_head", fmt.Errorf("head of %.80q, not %s", c.Origin, origin))
	}
	for _, key := range slices.Backward(keys.Keys) {
		if !key.signs(keys.Base(epoch) + c.N) {
			continue
		}
		if h, err := OpenUnder(origin, keys.Origin, key.Public(), data); err == nil {
			return h, nil
		}
	}
	return Head{}, core.Denied("logbook.bad_head", fmt.Errorf("head of %s: no key of the member signed it", origin)).
		With("Member", keys.Origin)
}

// OpenUnder verifies a note under one key. Lines of others are dropped: they are
// kept apart, by those who can check them.
func OpenUnder(origin string, id core.MemberID, key ed25519.PublicKey, data []byte) (Head, error) {
	plain, timed, err := verifiers(origin, id, key)
	if err != nil {
		return Head{}, err
	}
	policy := torchwood.ThresholdPolicy(2, torchwood.OriginPolicy(origin), torchwood.SingleVerifierPolicy(plain))
	c, _, err := torchwood.VerifyCheckpoint(data, policy)
	if err != nil {
		return Head{}, err
	}
	h := Head{Origin: origin, Tree: c.Tree}
	signed, err := note.Open(data, note.VerifierList(plain, timed))
	if err != nil {
		return Head{}, err
	}
	var lines strings.Builder
	for _, sig := range signed.Sigs {
		lines.WriteString("— " + sig.Name + " " + sig.Base64 + "\n")
		if sig.Hash != timed.KeyHash() || sig.Name != string(id) {
			continue
		}
		if seconds, err := torchwood.CosignatureTimestamp(sig); err == nil && seconds < 1<<40 {
			h.Signed = max(h.Signed, core.Moment(seconds*1_000_000))
		}
	}
	h.Note = []byte(signed.Text + "\n" + lines.String())
	return h, nil
}

// CheckCosignature says whether line is exactly one valid cosignature of a head
// by one of the witness's keys.
func CheckCosignature(h Head, witness core.MemberID, keys []ed25519.PublicKey, line string) error {
	bad := core.Denied("logbook.bad_cosignature", fmt.Errorf("cosignature of %s does not hold", witness)).With("Member", witness)
	if len(line) > 1000 || strings.Count(line, "\n") != 1 || !strings.HasSuffix(line, "\n") {
		return bad
	}
	for _, key := range keys {
		v, err := WitnessVerifier(witness, key)
		if err != nil {
			return err
		}
		signed, err := note.Open([]byte(noteText(h.Note)+"\n"+line), note.VerifierList(v))
		if err == nil && len(signed.Sigs) == 1 && len(signed.UnverifiedSigs) == 0 {
			return nil
		}
	}
	return bad
}

func parseProof(lines []string) (tlog.TreeProof, error) {
	proof := make(tlog.TreeProof, len(lines))
	for i, line := range lines {
		h, err := parseHash(line)
		if err != nil {
			return nil, err
		}
		proof[i] = h
	}
	return proof, nil
}
