package format

import (
	"fmt"
	"regexp"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"golang.org/x/mod/sumdb/tlog"

	"entrechat/internal/core"
	"entrechat/internal/kit/wire"
)

// MaxEntry bounds one leaf, in bytes.
const MaxEntry = 16 << 10

// maxAudience bounds how many members one entry can name.
const maxAudience = 64

// The kinds of entry this kit writes itself; rooms have their own.
const (
	TypKeySet = "entrechat/keyset/1"
	TypFork   = "entrechat/fork/1"
)

// tolerance is how far two honest clocks may lie apart.
const tolerance = 10 * time.Minute

// Entry is one verified leaf of a member's log.
type Entry struct {
	Log core.MemberID // whose log it stands in, and who says it
	// Index counts from 0 over the member's whole history: where a member opened
	// a new epoch, its first entry goes on behind the last good one before.
	Index int64
	Typ   string          // "entrechat/<kind>/<version>"
	Iat   core.Moment     // when the author says it wrote it
	Exp   core.Moment     // zero = does not expire
	Aud   []core.MemberID // whom it concerns, empty = everybody
	Body  []byte          // JSON; read it with wire.Decode
	Hash  tlog.Hash       // leaf hash, the entry's name
}

// InForce says whether the entry counts now: not expired, and not from a future
// beyond what clocks excuse.
func (e Entry) InForce(now core.Moment) bool {
	return e.Iat <= now.Add(tolerance) && (e.Exp == 0 || now.Add(-tolerance) < e.Exp)
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

func (l leaf) check(id core.MemberID, size int) error {
	bad := func(why string) error {
		return core.Invalid("logbook.bad_entry", fmt.Errorf("entry %.60q of %s: %s", l.Typ, id, why))
	}
	switch {
	case size > MaxEntry:
		return bad(fmt.Sprintf("%d bytes, at most %d", size, MaxEntry))
	case l.Iss != id:
		return bad(fmt.Sprintf("speaks for %.80q", l.Iss))
	case !entryTyp.MatchString(l.Typ):
		return bad("no such form of type")
	case l.Iat <= 0 || l.Exp < 0 || l.Exp != 0 && l.Exp <= l.Iat:
		return bad("times are out of order")
	case len(l.Body) == 0:
		return bad("no body")
	case len(l.Aud) > maxAudience:
		return bad("names too many members")
	}
	for _, to := range l.Aud {
		if !to.Valid() {
			return bad("names what is no member")
		}
	}
	return nil
}

// HasEntryForm says whether a leaf is an object with the type and the author of an
// entry, whatever else stands in it.
// spec: docs/spec/logbook.md#entry
func HasEntryForm(id core.MemberID, data []byte) bool {
	var l struct {
		Typ string        `json:"typ"`
		Iss core.MemberID `json:"iss"`
	}
	return len(data) <= MaxEntry && wire.Peek(data, &l) == nil && l.Iss == id && entryTyp.MatchString(l.Typ)
}

// EncodeLeaf makes the bytes of a leaf. Returns CodeInvalid when they would not be
// accepted by others.
func EncodeLeaf(e Entry, body any) ([]byte, error) {
	text, err := wire.Encode(body)
	if err != nil {
		return nil, err
	}
	l := leaf{Typ: e.Typ, Iss: e.Log, Iat: e.Iat, Exp: e.Exp, Aud: e.Aud, Body: text}
	data, err := wire.Encode(l)
	if err != nil {
		return nil, err
	}
	if err := l.check(e.Log, len(data)); err != nil {
		return nil, err
	}
	// What we could not read back, nobody could.
	_, err = ParseLeaf(e.Log, e.Index, data)
	return data, err
}

// ParseLeaf reads a leaf whose head was verified. Returns CodeInvalid; the bytes
// stay in the tree all the same.
func ParseLeaf(id core.MemberID, index int64, data []byte) (Entry, error) {
	var l leaf
	if len(data) > MaxEntry {
		return Entry{}, core.Invalid("logbook.bad_entry", fmt.Errorf("entry %d of %s: %d bytes", index, id, len(data)))
	}
	if err := wire.Decode(data, &l); err != nil {
		return Entry{}, err
	}
	if err := l.check(id, len(data)); err != nil {
		return Entry{}, err
	}
	return Entry{
		Log: id, Index: index, Typ: l.Typ, Iat: l.Iat, Exp: l.Exp, Aud: l.Aud, Body: l.Body,
		Hash: tlog.RecordHash(data),
	}, nil
}
