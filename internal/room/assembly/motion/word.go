package motion

import (
	"entrechat/internal/core"
	"entrechat/internal/kit/seal"
)

// Bounds of a remark, and of each part of an objection, in characters.
const (
	MaxRemark    = 4_000
	MaxObjection = 2_000
)

const leastWords = 3 // of each part of an objection

// About is what an objection is to.
type About string

// What an objection is to.
const (
	AboutText       About = "text"
	AboutElectorate About = "electorate" // good until the end of the talk
)

// Remark is what a member says to a proposal.
// spec: docs/spec/decision.md#words
type Remark struct {
	V        int64         `json:"v"` // 1
	Salt     string        `json:"salt"`
	By       core.MemberID `json:"by"`
	Proposal string        `json:"proposal"`
	Lang     string        `json:"lang"`
	Text     string        `json:"text"`
}

// Objection is the harm that a member sees, and what would lift it.
// spec: docs/spec/decision.md#words
type Objection struct {
	V        int64         `json:"v"` // 1
	Salt     string        `json:"salt"`
	By       core.MemberID `json:"by"`
	Proposal string        `json:"proposal"`
	About    About         `json:"about"`
	Lang     string        `json:"lang"`
	Harm     string        `json:"harm"`
	Whom     string        `json:"whom"`
	Lift     string        `json:"lift"`
}

// Say signs a remark of ours. Returns CodeInvalid.
func Say(r Remark, by seal.Signer) (Document, error) {
	r.V, r.Salt, r.By = 1, newSalt(), by.ID()
	if err := r.check(); err != nil {
		return Document{}, err
	}
	return sign(TypeRemark, r, by)
}

// ReadRemark reads a remark without verifying its signature. Returns CodeInvalid.
func ReadRemark(env seal.Envelope) (r Remark, d Document, err error) {
	id, by, err := open(env, TypeRemark, &r)
	if err == nil {
		err = r.check()
	}
	if err == nil && by != r.By {
		err = bad("signed by another")
	}
	return r, Document{id, env}, err
}

func (r Remark) check() error {
	if err := checkHead(r.V, r.Salt, r.By, r.Proposal, r.Lang); err != nil {
		return err
	}
	return checkProse(r.Text, MaxRemark, 1, "assembly.motion.no_remark")
}

// Object signs an objection of ours. Returns CodeInvalid.
func Object(o Objection, by seal.Signer) (Document, error) {
	o.V, o.Salt, o.By = 1, newSalt(), by.ID()
	if err := o.check(); err != nil {
		return Document{}, err
	}
	return sign(TypeObjection, o, by)
}

// ReadObjection reads an objection without verifying its signature. Returns CodeInvalid.
func ReadObjection(env seal.Envelope) (o Objection, d Document, err error) {
	id, by, err := open(env, TypeObjection, &o)
	if err == nil {
		err = o.check()
	}
	if err == nil && by != o.By {
		err = bad("signed by another")
	}
	return o, Document{id, env}, err
}

func (o Objection) check() error {
	if err := checkHead(o.V, o.Salt, o.By, o.Proposal, o.Lang); err != nil {
		return err
	}
	if o.About != AboutText && o.About != AboutElectorate {
		return invalid("assembly.motion.bad_about", "about")
	}
	for _, text := range []string{o.Harm, o.Whom, o.Lift} {
		if err := checkProse(text, MaxObjection, leastWords, "assembly.motion.no_objection"); err != nil {
			return err
		}
	}
	return nil
}

func checkHead(v int64, salt string, by core.MemberID, proposal, lang string) error {
	if v != 1 || !saltForm.MatchString(salt) || !by.Valid() || !idForm.MatchString(proposal) || !langForm.MatchString(lang) {
		return bad("no version 1, salt, author, proposal or language")
	}
	return nil
}
