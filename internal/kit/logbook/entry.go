package logbook

import (
	"fmt"
	"regexp"

	"github.com/go-json-experiment/json/jsontext"
	"golang.org/x/mod/sumdb/tlog"

	"entrechat/internal/core"
	"entrechat/internal/kit/wire"
)

// MaxEntry bounds one leaf, in bytes.
const MaxEntry = 16 << 10

// The kinds of entry this kit writes itself; rooms have their own.
const (
	TypKeySet = "entrechat/keyset/1"
	TypFork   = "entrechat/fork/1"
)

// Entry is one verified leaf of a member's log.
type Entry struct {
	Log   core.MemberID // whose log it stands in, and who says it
	Index int64
	Typ   string // "entrechat/<kind>/<version>"
	Iat   core.Moment
	Exp   core.Moment     // zero = does not expire
	Aud   []core.MemberID // whom it concerns, empty = everybody
	Body  []byte          // JSON; read it with wire.Decode
	Hash  tlog.Hash       // leaf hash, the entry's name
}

// leaf is the JSON of an entry.
// spec: docs/spec/logbook.md#entry
type leaf struct {
	Typ  string          `json:"typ"`
	Iss  core.MemberID   `json:"iss"`
	Iat  core.Moment     `json:"iat"`
	Exp  core.Moment     `json:"exp,omitzero"`
	Aud  []core.MemberID `json:"aud,omitempty"`
	Body jsontext.Value  `json:"body"`
}

var entryTyp = regexp.MustCompile(`^entrechat/[a-z][a-z-]{0,40}/[1-9][0-9]{0,3}$`)

// encodeLeaf makes the bytes of a leaf. Returns CodeInvalid for a bad type or one
// that is too long.
func encodeLeaf(e Entry, body any) ([]byte, error) {
	text, err := wire.Encode(body)
	if err != nil {
		return nil, err
	}
	data, err := wire.Encode(leaf{Typ: e.Typ, Iss: e.Log, Iat: e.Iat, Exp: e.Exp, Aud: e.Aud, Body: text})
	if err != nil {
		return nil, err
	}
	if !entryTyp.MatchString(e.Typ) || len(data) > MaxEntry {
		return nil, core.Invalid("logbook.bad_entry", fmt.Errorf("%q, %d bytes", e.Typ, len(data)))
	}
	return data, nil
}

// parseLeaf reads a leaf whose head was verified. An entry in another's name, or
// with a type we cannot read, is CodeInvalid; its bytes stay in the tree.
func parseLeaf(log core.MemberID, index int64, data []byte) (Entry, error) {
	var l leaf
	if len(data) > MaxEntry {
		return Entry{}, core.Invalid("logbook.bad_entry", fmt.Errorf("%d bytes", len(data)))
	}
	if err := wire.Decode(data, &l); err != nil {
		return Entry{}, err
	}
	if l.Iss != log || !entryTyp.MatchString(l.Typ) || len(l.Body) == 0 || len(l.Aud) > 64 {
		return Entry{}, core.Invalid("logbook.bad_entry", fmt.Errorf("entry %d of %s says %.80q by %.80q", index, log, l.Typ, l.Iss))
	}
	return Entry{
		Log: log, Index: index, Typ: l.Typ, Iat: l.Iat, Exp: l.Exp, Aud: l.Aud, Body: l.Body, Hash: tlog.RecordHash(data),
	}, nil
}
