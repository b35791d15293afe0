package pack

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"entrechat/internal/core"
	"entrechat/internal/kit/seal"
	"entrechat/internal/kit/wire"
	"entrechat/internal/room/succession/promise"
)

// TypePack is the payload type of the document.
const TypePack = "application/vnd.entrechat.pack.v1+json"

// Bounds of a pack, in bytes.
const (
	MaxDocument = 64 << 10
	MaxSealed   = 64 << 20
	maxNote     = 200
	maxClause   = 4000
)

// Pack is the signed document.
// spec: docs/spec/succession.md#pack
type Pack struct {
	V           int64         `json:"v"` // 1
	Owner       core.MemberID `json:"owner"`
	Service     string        `json:"service"`
	Number      int64         `json:"number"` // from 1; only a higher one replaces it
	Made        core.Moment   `json:"made_us"`
	Program     string        `json:"program"` // "dovecot"; empty = not said
	Version     string        `json:"version"`
	Clause      string        `json:"clause"`    // of the terms; empty = there is none
	Items       []Item        `json:"items"`     // the 12, in order
	Recipient   string        `json:"recipient"` // what the sealed file is encrypted to
	Sealed      string        `json:"sealed"`    // SHA-256 of the sealed file
	SealedBytes int64         `json:"sealed_bytes"`

	// ID is the SHA-256 of the payload; Document is what was signed. Neither stands in it.
	ID       string        `json:"-"`
	Document seal.Envelope `json:"-"`
}

var (
	hashForm      = regexp.MustCompile(`^[0-9a-f]{64}$`)
	recipientForm = regexp.MustCompile(`^age1[0-9a-z]{20,90}$`)
)

// Check returns CodeInvalid "succession.pack.bad" for what is no pack.
func (p Pack) Check() error {
	switch {
	case p.V != 1 || !p.Owner.Valid() || !promise.ValidService(p.Service) || p.Number < 1 || p.Made <= 0:
		return bad(errors.New("no owner, service, number or time"))
	case !plain(p.Program, 100) || !plain(p.Version, 100) || len(p.Clause) > maxClause || !utf8.ValidString(p.Clause):
		return bad(errors.New("a text that is too long, or not plain"))
	case !recipientForm.MatchString(p.Recipient) || !hashForm.MatchString(p.Sealed) || p.SealedBytes < 1 || p.SealedBytes > MaxSealed:
		return bad(errors.New("no sealed file, or a too large one"))
	case len(p.Items) != len(Names()):
		return bad(fmt.Errorf("%d items", len(p.Items)))
	}
	for n, name := range Names() {
		i := p.Items[n]
		if i.Name != name || i.State != There && i.State != Missing || !knownHow(i.How) || !plain(i.Note, maxNote) ||
			i.SHA256 != "" && !hashForm.MatchString(i.SHA256) || i.Bytes < 0 || i.Proved < 0 || i.TookS < 0 {
			return bad(fmt.Errorf("item %d", n+1))
		}
	}
	return nil
}

// plain says whether a text is one line that a terminal and a page may show.
func plain(text string, most int) bool {
	return len(text) <= most && utf8.ValidString(text) && !strings.ContainsFunc(text, unicode.IsControl)
}

func bad(err error) error { return core.Invalid("succession.pack.bad", err) }

// Sign makes the document. The owner is who signs.
func Sign(p Pack, by seal.Signer) (Pack, error) {
	p.V, p.Owner = 1, by.ID()
	if err := p.Check(); err != nil {
		return p, err
	}
	payload, err := wire.Encode(p)
	if err != nil {
		return p, err
	}
	if len(payload) > MaxDocument {
		return p, bad(fmt.Errorf("%d bytes", len(payload)))
	}
	p.ID = idOf(payload)
	p.Document, err = seal.SignDoc(TypePack, payload, by)
	return p, err
}

// Read reads a document without verifying who signed it. Returns CodeInvalid.
func Read(env seal.Envelope) (p Pack, err error) {
	payload, err := payloadOf(env, TypePack)
	if err != nil {
		return p, err
	}
	if err := wire.Decode(payload, &p); err != nil {
		return p, err
	}
	p.ID, p.Document = idOf(payload), env
	return p, p.Check()
}

func payloadOf(env seal.Envelope, typ string) ([]byte, error) {
	if env.PayloadType != typ {
		return nil, bad(fmt.Errorf("type %.80q", env.PayloadType))
	}
	payload, err := env.Unverified()
	if err == nil && len(payload) > MaxDocument {
		err = bad(fmt.Errorf("%d bytes", len(payload)))
	}
	return payload, err
}

func idOf(payload []byte) string {
	sum := sha256.Sum256(payload)
	return hex.EncodeToString(sum[:])
}
