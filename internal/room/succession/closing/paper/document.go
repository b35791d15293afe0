package paper

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"entrechat/internal/core"
	"entrechat/internal/kit/seal"
	"entrechat/internal/kit/wire"
	"entrechat/internal/room/succession/closing/stage"
	"entrechat/internal/room/succession/promise"
	"entrechat/internal/room/succession/recipe"
)

// Payload types.
const (
	TypeOffer    = "application/vnd.entrechat.handover-offer.v1+json"
	TypeHandover = "application/vnd.entrechat.handover.v1+json"
	TypeNotice   = "application/vnd.entrechat.succession-notice.v1+json"
)

// Bounds of documents.
const (
	maxPayload = 64 << 10 // bytes
	maxRows    = 64
	maxLine    = 200   // bytes of one line that a person wrote
	maxText    = 20000 // bytes of a contract in one language
	maxNotice  = 2000  // bytes of a notice in one language
)

// Document is what all of them have. ID is the hash of the payload, and no part of it.
type Document struct {
	V       int64         `json:"v"` // 1
	Owner   core.MemberID `json:"owner"`
	Service string        `json:"service"`
	ID      string        `json:"-"`
}

// Offer is a member's word that it would take a service over.
type Offer struct {
	Document

	By       core.MemberID `json:"by"`
	Salt     string        `json:"salt"`
	Programs []string      `json:"programs"`   // that it runs
	Free     int64         `json:"free_bytes"` // on the disk the service would be on
	Load     int64         `json:"load"`       // of its processors, in percent; 0 = not measured
	Already  int64         `json:"already"`    // services of others promised on that disk
	Costs    Costs         `json:"costs"`
	Said     core.Moment   `json:"said_us"`
}

// Costs are what the service would cost the member.
type Costs struct {
	Month    int64  `json:"month_cents"`
	Currency string `json:"currency"`     // "EUR"
	Aside    int64  `json:"months_aside"` // that are paid for already
	Due      []Due  `json:"due"`
}

// Due is a payment that comes.
type Due struct {
	What string    `json:"what"`
	Day  stage.Day `json:"day"`
}

// Handover is the contract by which a member takes a service over.
type Handover struct {
	Document

	To             core.MemberID `json:"to"`
	Salt           string        `json:"salt"`
	Pack           string        `json:"pack"` // id of the pack it was signed over
	Day            stage.Day     `json:"day"`  // from which the adopter's copy is the service
	KeepsDomain    bool          `json:"keeps_domain"`
	Table          []recipe.Row  `json:"table"`
	ControllerFrom stage.Day     `json:"controller_from"`
	EraseBy        stage.Day     `json:"erase_by"`
	TextFR         string        `json:"text_fr"`
	TextEN         string        `json:"text_en"`
}

// Notice is an owner's short text for the users of a service.
type Notice struct {
	Document

	Made   core.Moment `json:"made_us"`
	TextFR string      `json:"text_fr"`
	TextEN string      `json:"text_en"`
}

// Text is the notice in a language.
func (n Notice) Text(lang string) string {
	if lang == "en" {
		return n.TextEN
	}
	return n.TextFR
}

// signed is any of the three.
type signed interface {
	Offer | Handover | Notice
	check() error
}

// Doc finds what all documents have.
func (d *Document) common() *Document { return d }

// NewSalt draws what makes two equal documents two.
func NewSalt() string { return rand.Text() }

func bad(why string) error { return core.Invalid("succession.paper.bad", errors.New(why)) }

func (d Document) check() error {
	if d.V != 1 || !d.Owner.Valid() || !promise.ValidService(d.Service) {
		return bad("no version 1, owner or service")
	}
	return nil
}

func (o Offer) check() error {
	switch {
	case !o.By.Valid() || o.By == o.Owner || !salted(o.Salt):
		return bad("an offer of nobody")
	case len(o.Programs) > 64 || slices.ContainsFunc(o.Programs, func(p string) bool { return !line(p, true) }):
		return bad("programs")
	case min(o.Free, o.Load, o.Already, o.Costs.Month, o.Costs.Aside) < 0 || o.Said <= 0:
		return bad("a number below zero")
	case !line(o.Costs.Currency, o.Costs.Month > 0) || len(o.Costs.Currency) > 3 || len(o.Costs.Due) > 32:
		return bad("costs")
	case slices.ContainsFunc(o.Costs.Due, func(d Due) bool { return !line(d.What, true) || !d.Day.Valid() }):
		return bad("a payment")
	}
	return o.Document.check()
}

func (h Handover) check() error {
	switch {
	case !h.To.Valid() || h.To == h.Owner || !salted(h.Salt) || !stage.ValidID(h.Pack):
		return bad("a handover to nobody, or of no pack")
	case !h.Day.Valid() || !h.ControllerFrom.Valid() || !h.EraseBy.Valid() || h.EraseBy < h.Day:
		return bad("days")
	case len(h.Table) == 0 || len(h.Table) > maxRows || slices.ContainsFunc(h.Table, badRow):
		return bad("the table")
	case !text(h.TextFR, maxText) || !text(h.TextEN, maxText):
		return bad("the text")
	}
	return h.Document.check()
}

func badRow(r recipe.Row) bool {
	return !line(r.What, true) || !line(r.Why, false) || !slices.Contains([]recipe.Fate{recipe.Kept, recipe.Archived, recipe.Lost}, r.Fate)
}

func (n Notice) check() error {
	if n.Made <= 0 || !text(n.TextFR, maxNotice) || !text(n.TextEN, maxNotice) {
		return bad("a notice without a text in both languages")
	}
	return n.Document.check()
}

func salted(s string) bool { return len(s) == 26 && line(s, true) }

// line is one line of text; needed = it is not empty.
func line(s string, needed bool) bool {
	return (s != "" || !needed) && len(s) <= maxLine && utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f })
}

// text is several lines, at most most bytes, not empty.
func text(s string, most int) bool {
	return strings.TrimSpace(s) != "" && len(s) <= most && utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' && r != '\n' || r == 0x7f })
}

// IDOf names a payload.
func IDOf(payload []byte) string {
	sum := sha256.Sum256(payload)
	return hex.EncodeToString(sum[:])
}

// Sign makes a document. Returns CodeInvalid "succession.paper.bad" for what no reader takes.
func Sign[T signed](typ string, doc T, by seal.Signer) (seal.Envelope, string, error) {
	if err := doc.check(); err != nil {
		return seal.Envelope{}, "", err
	}
	payload, err := wire.Encode(doc)
	if err != nil {
		return seal.Envelope{}, "", err
	}
	env, err := seal.SignDoc(typ, payload, by)
	return env, IDOf(payload), err
}

// Keys answers a member's keys. Returns CodeNotFound.
type Keys func(ctx context.Context, id core.MemberID) ([]ed25519.PublicKey, error)

// Open verifies a document: all of the members signed it, and nobody else. Returns CodeInvalid,
// CodeDenied "succession.paper.other_signer", what keys does.
func Open[T signed](ctx context.Context, env seal.Envelope, typ string, keys Keys, by ...core.MemberID) (doc T, id string, err error) {
	known := map[core.MemberID][]ed25519.PublicKey{}
	for _, m := range by {
		if known[m], err = keys(ctx, m); err != nil {
			return doc, "", err
		}
	}
	payload, signers, err := env.Verify(typ, known)
	if err != nil {
		return doc, "", err
	}
	slices.Sort(signers)
	slices.Sort(by)
	if !slices.Equal(signers, by) {
		return doc, "", core.Denied("succession.paper.other_signer", fmt.Errorf("signed by %v, not %v", signers, by))
	}
	return read[T](payload)
}

// read takes a payload apart, strictly.
func read[T signed](payload []byte) (doc T, id string, err error) {
	if len(payload) > maxPayload {
		return doc, "", bad("too large")
	}
	if err := wire.Decode(payload, &doc); err != nil {
		return doc, "", err
	}
	id = IDOf(payload)
	if d, ok := any(&doc).(interface{ common() *Document }); ok {
		d.common().ID = id
	}
	return doc, id, doc.check()
}

// Peek reads a document that nobody verified, to find out who has to have signed it.
func Peek[T signed](env seal.Envelope) (doc T, err error) {
	payload, err := env.Unverified()
	if err != nil {
		return doc, err
	}
	doc, _, err = read[T](payload)
	return doc, err
}
