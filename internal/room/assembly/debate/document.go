package debate

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"

	"entrechat/internal/core"
	"entrechat/internal/kit/seal"
	"entrechat/internal/kit/wire"
	"entrechat/internal/room/assembly/need"
)

// The payload types of documents.
// spec: docs/spec/debate.md#reading
const (
	typeReport   = "application/vnd.entrechat.report.v1+json"
	typeReading  = "application/vnd.entrechat.report-reading.v1+json"
	typeQuestion = "application/vnd.entrechat.question.v1+json"
	typeRemark   = "application/vnd.entrechat.debate-remark.v1+json"
)

// The entries that name documents, and that counts.
// spec: docs/spec/debate.md#question
const (
	TypeDebate    = "entrechat/debate/1"
	TypeRemark    = "entrechat/debate-remark/1"
	TypeWithdrawn = "entrechat/debate-withdrawn/1"
	TypeCount     = "entrechat/debate-count/1"
)

const (
	saltBytes   = 16
	maxDocument = 64 << 10 // bytes of an envelope
)

// common stands at the beginning of every payload.
type common struct {
	V    int           `json:"v"`
	Salt string        `json:"salt"` // 32 hex digits
	By   core.MemberID `json:"by"`
}

func newCommon(by core.MemberID) common {
	salt := make([]byte, saltBytes)
	_, _ = rand.Read(salt) // never fails
	return common{V: 1, Salt: hex.EncodeToString(salt), By: by}
}

func (c common) check(by core.MemberID) error {
	salt, err := hex.DecodeString(c.Salt)
	if err != nil || len(salt) != saltBytes || c.V != 1 || c.By != by {
		return badDocument("another form, or somebody else's")
	}
	return nil
}

func badDocument(why string) error {
	return core.Invalid("assembly.debate.bad_document", errors.New(why))
}

// report is a draft for a reader.
type report struct {
	common
	To     core.MemberID `json:"to"`
	Reason Reason        `json:"reason"`
	Texts
	From  core.Moment `json:"from_us"`
	Until core.Moment `json:"until_us"`
}

func (r report) check(by core.MemberID) error {
	if !known(r.Reason) || r.From < 0 || r.Until < r.From || !r.To.Valid() {
		return badDocument("no such report")
	}
	return errors.Join(r.common.check(by), r.Texts.check(true))
}

// reading is what a reader signs.
type reading struct {
	common
	Report string `json:"report"`
	Note   string `json:"note"`
}

func (r reading) check(by core.MemberID) error {
	if !isID(r.Report) {
		return badDocument("it names no report")
	}
	return errors.Join(r.common.check(by), need.CheckText(r.Note, maxNote))
}

// question is what is public of a debate; Story is nil where the watch has it as a postmortem.
type question struct {
	common
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

func (q question) check(by core.MemberID) error {
	if !known(q.Reason) || q.From < 0 || q.Until < q.From || q.Incident != "" && !isID(q.Incident) || (q.Incident == "") != (q.Story != nil) {
		return badDocument("no such question")
	}
	t := Texts{Lang: q.Lang, Title: q.Title, Question: q.Question, Story: Story{What: "-"}}
	if q.Story != nil {
		t.Story = *q.Story
	}
	return errors.Join(q.common.check(by), t.check(true))
}

// remark is what a member answers.
type remark struct {
	common
	Debate string `json:"debate"`
	Lang   string `json:"lang"`
	Text   string `json:"text"`
}

func (r remark) check(by core.MemberID) error {
	if !isID(r.Debate) || r.Text == "" || r.Lang != "fr" && r.Lang != "en" {
		return badDocument("no such remark")
	}
	return errors.Join(r.common.check(by), need.CheckText(r.Text, maxRemark))
}

// isID says that a text has the form of a document's id.
func isID(s string) bool {
	b, err := hex.DecodeString(s)
	return err == nil && len(b) == sha256.Size && hex.EncodeToString(b) == s
}

func idOf(payload []byte) string {
	sum := sha256.Sum256(payload)
	return hex.EncodeToString(sum[:])
}

// sign makes a document, its id and its bytes.
func sign(typ string, payload any, by seal.Signer) (id, text string, err error) {
	data, err := wire.Encode(payload)
	if err != nil {
		return "", "", err
	}
	doc, err := seal.SignDoc(typ, data, by)
	if err != nil {
		return "", "", err
	}
	body, err := doc.Encode()
	if err == nil && len(body) > maxDocument {
		err = core.Invalid("assembly.debate.bad_long", errors.New("the document is too long")).With("Limit", maxDocument)
	}
	return idOf(data), string(body), err
}

// checked is a payload that says whether it holds.
type checked interface {
	report | reading | question | remark
	check(by core.MemberID) error
}

// open verifies a document of a member, then reads it. Returns CodeInvalid, CodeDenied.
func open[T checked](doc seal.Envelope, typ string, by core.MemberID, keys []ed25519.PublicKey) (payload T, id string, err error) {
	data, _, err := doc.Verify(typ, map[core.MemberID][]ed25519.PublicKey{by: keys})
	if err != nil {
		return payload, "", err
	}
	if err := wire.Decode(data, &payload); err != nil {
		return payload, "", err
	}
	return payload, idOf(data), payload.check(by)
}

// read reads a document that was verified when it came.
func read[T checked](body string) (payload T, err error) {
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
