package document

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"

	"entrechat/internal/core"
	"entrechat/internal/kit/seal"
	"entrechat/internal/kit/wire"
	"entrechat/internal/room/assembly/stranger"
)

// The payload types of documents.
// spec: docs/spec/debate.md#reading
const (
	TypeReport   = "application/vnd.entrechat.report.v1+json"
	TypeReading  = "application/vnd.entrechat.report-reading.v1+json"
	TypeQuestion = "application/vnd.entrechat.question.v1+json"
	TypeRemark   = "application/vnd.entrechat.debate-remark.v1+json"
)

const (
	// Max bounds an envelope, in bytes.
	Max       = 64 << 10
	saltBytes = 16
)

// Common stands at the beginning of every payload.
type Common struct {
	V    int           `json:"v"`
	Salt string        `json:"salt"` // 32 hex digits
	By   core.MemberID `json:"by"`
}

// NewCommon begins a payload with a salt of its own.
func NewCommon(by core.MemberID) Common {
	salt := make([]byte, saltBytes)
	_, _ = rand.Read(salt) // never fails
	return Common{V: 1, Salt: hex.EncodeToString(salt), By: by}
}

func (c Common) check(by core.MemberID) error {
	salt, err := hex.DecodeString(c.Salt)
	if err != nil || len(salt) != saltBytes || c.V != 1 || c.By != by {
		return Bad("another form, or somebody else's")
	}
	return nil
}

// Bad is what is said of a document of another form; CodeInvalid.
func Bad(why string) error {
	return core.Invalid("assembly.debate.bad_document", errors.New(why))
}

// Report is a draft for a reader.
type Report struct {
	Common
	To     core.MemberID `json:"to"`
	Reason Reason        `json:"reason"`
	Texts
	From  core.Moment `json:"from_us"`
	Until core.Moment `json:"until_us"`
}

func (r Report) check(by core.MemberID) error {
	if !Known(r.Reason) || r.From < 0 || r.Until < r.From || !r.To.Valid() {
		return Bad("no such report")
	}
	return errors.Join(r.Common.check(by), r.Check(true))
}

// Reading is what a reader signs.
type Reading struct {
	Common
	Report string `json:"report"`
	Note   string `json:"note"`
}

func (r Reading) check(by core.MemberID) error {
	if !IsID(r.Report) {
		return Bad("it names no report")
	}
	return errors.Join(r.Common.check(by), stranger.Check(r.Note, MaxNote))
}

// Question is what is public of a debate; Story is nil where the watch has it as a postmortem.
type Question struct {
	Common
	Incident string        `json:"incident"`
	Reason   Reason        `json:"reason"`
	Lang     string        `json:"lang"`
	Title    string        `json:"title"`
	From     core.Moment   `json:"from_us"`
	Until    core.Moment   `json:"until_us"`
	Story    *Story        `json:"story,omitempty"`
	Question string        `json:"question"`
	Reading  seal.Envelope `json:"reading"`
}

func (q Question) check(by core.MemberID) error {
	if !Known(q.Reason) || q.From < 0 || q.Until < q.From || q.Incident != "" && !IsID(q.Incident) || (q.Incident == "") != (q.Story != nil) {
		return Bad("no such question")
	}
	t := Texts{Lang: q.Lang, Title: q.Title, Question: q.Question, Story: Story{What: "-"}}
	if q.Story != nil {
		t.Story = *q.Story
	}
	return errors.Join(q.Common.check(by), t.Check(true))
}

// Remark is what a member answers.
type Remark struct {
	Common
	Debate string `json:"debate"`
	Lang   string `json:"lang"`
	Text   string `json:"text"`
}

func (r Remark) check(by core.MemberID) error {
	if !IsID(r.Debate) || r.Text == "" || r.Lang != "fr" && r.Lang != "en" {
		return Bad("no such remark")
	}
	return errors.Join(r.Common.check(by), stranger.Check(r.Text, MaxRemark))
}

// IsID says that a text has the form of a document's id.
func IsID(s string) bool {
	b, err := hex.DecodeString(s)
	return err == nil && len(b) == sha256.Size && hex.EncodeToString(b) == s
}

// IDOf is the id of a document: the lower-case hex SHA-256 of its payload.
func IDOf(payload []byte) string {
	sum := sha256.Sum256(payload)
	return hex.EncodeToString(sum[:])
}

// Sign makes a document, its id and its bytes.
func Sign(typ string, payload any, by seal.Signer) (id, text string, err error) {
	data, err := wire.Encode(payload)
	if err != nil {
		return "", "", err
	}
	doc, err := seal.SignDoc(typ, data, by)
	if err != nil {
		return "", "", err
	}
	body, err := doc.Encode()
	if err == nil && len(body) > Max {
		err = core.Invalid("assembly.debate.bad_long", errors.New("the document is too long")).With("Limit", Max)
	}
	return IDOf(data), string(body), err
}

// checked is a payload that says whether it holds.
type checked interface {
	Report | Reading | Question | Remark
	check(by core.MemberID) error
}

// Open verifies a document of a member, then reads it. Returns CodeInvalid, CodeDenied.
func Open[T checked](doc seal.Envelope, typ string, by core.MemberID, keys []ed25519.PublicKey) (payload T, id string, err error) {
	data, _, err := doc.Verify(typ, map[core.MemberID][]ed25519.PublicKey{by: keys})
	if err != nil {
		return payload, "", err
	}
	if err := wire.Decode(data, &payload); err != nil {
		return payload, "", err
	}
	return payload, IDOf(data), payload.check(by)
}

// Read reads a document that was verified when it came.
func Read[T checked](body string) (payload T, err error) {
	doc, err := seal.DecodeEnvelope([]byte(body))
	if err != nil {
		return payload, err
	}
	data, err := doc.Unverified()
	if err != nil {
		return payload, err
	}
	return payload, wire.Decode(data, &payload)
}
