package tally

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"entrechat/internal/core"
	"entrechat/internal/kit/wire"
)

// The types of the entries that a count reads, and of the one that says its outcome.
// spec: docs/spec/decision.md#ballot
const (
	TypeProposal  = "entrechat/proposal/1"
	TypeObjection = "entrechat/objection/1"
	TypeLifted    = "entrechat/objection-lifted/1"
	TypeBallot    = "entrechat/ballot/1"
	TypeOpening   = "entrechat/ballot-open/1"
	TypeSeen      = "entrechat/seen/1"
	TypeOutcome   = "entrechat/outcome/1"
	typeFork      = "entrechat/fork/1" // of kit/logbook
)

// Entry is what a member's logbook holds at an index, counted over its whole history.
type Entry struct {
	Member core.MemberID
	Index  int64
	Typ    string
	Iat    core.Moment
	Body   []byte // JSON that a stranger wrote
}

// ProposalBody says that its author put a proposal to the vote.
type ProposalBody struct {
	Proposal string `json:"proposal"`
	Charter  string `json:"charter"`
	Replaces string `json:"replaces"` // the version before, "" for a first one
}

// WordBody is the body of an objection, and of its lifting.
type WordBody struct {
	Proposal string `json:"proposal"`
	Doc      string `json:"doc"` // the objection's id
}

// BallotBody is a sealed ballot.
type BallotBody struct {
	Proposal string `json:"proposal"`
	Commit   string `json:"commit"` // as Commit makes it
	Sealed   []byte `json:"sealed"` // the opening, for the member's own words; at most MaxSealed bytes
}

// MaxSealed bounds BallotBody.Sealed, in bytes.
const MaxSealed = 2 << 10

// OpeningBody opens a ballot.
type OpeningBody struct {
	Proposal string `json:"proposal"`
	Opening  []byte `json:"opening"` // as Opening.Bytes makes them
}

// SeenBody says which entries its author had read of a phase's.
type SeenBody struct {
	Proposal string     `json:"proposal"`
	Phase    Phase      `json:"phase"`
	Seen     []Sighting `json:"seen"`
}

// Sighting names an entry: of the member with the ordinal in the electorate, at the index of
// its logbook. In JSON it is [ordinal,index].
type Sighting struct {
	Ordinal int64
	Index   int64
}

// MarshalJSON writes the pair.
func (s Sighting) MarshalJSON() ([]byte, error) { return json.Marshal([]int64{s.Ordinal, s.Index}) }

// UnmarshalJSON reads a list of two whole numbers. There are thousands in a count.
func (s *Sighting) UnmarshalJSON(text []byte) error {
	inner, opens := strings.CutPrefix(string(text), "[")
	inner, closes := strings.CutSuffix(inner, "]")
	first, second, two := strings.Cut(inner, ",")
	if !opens || !closes || !two {
		return errors.New("a sighting is two whole numbers")
	}
	var err error
	if s.Ordinal, err = strconv.ParseInt(strings.TrimSpace(first), 10, 64); err != nil {
		return fmt.Errorf("a sighting's ordinal: %w", err)
	}
	if s.Index, err = strconv.ParseInt(strings.TrimSpace(second), 10, 64); err != nil {
		return fmt.Errorf("a sighting's index: %w", err)
	}
	return nil
}

// OutcomeBody is what a node counted.
type OutcomeBody struct {
	Proposal string `json:"proposal"`
	Result   Result `json:"result"`
	Tally    string `json:"tally"` // Tally.Hash
}

// Opening is a ballot in clear.
type Opening struct {
	Proposal string        `json:"proposal"`
	Member   core.MemberID `json:"member"`
	Nonce    string        `json:"nonce"` // 32 random bytes in lower-case hex
	Choice   Choice        `json:"choice"`
}

// Bytes are what is committed to, and what goes into OpeningBody.
func (o Opening) Bytes() ([]byte, error) { return wire.Encode(o) }

// Commit is what a sealed ballot says of the bytes of its opening.
// spec: docs/spec/decision.md#ballot
func Commit(opening []byte) string {
	sum := sha256.Sum256(append([]byte(TypeBallot+"\n"), opening...))
	return hex.EncodeToString(sum[:])
}

// opened is an Opening as it is read: its choice is looked at when the rest holds.
type opened struct {
	Proposal string         `json:"proposal"`
	Member   core.MemberID  `json:"member"`
	Nonce    string         `json:"nonce"`
	Choice   jsontext.Value `json:"choice"`
}

// hash64 says whether a text is a SHA-256, or a nonce, as it is written here.
func hash64(text string) bool {
	if len(text) != 2*sha256.Size {
		return false
	}
	for i := range len(text) {
		if c := text[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}
