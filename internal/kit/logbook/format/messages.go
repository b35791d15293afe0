package format

import (
	"encoding/base64"
	"fmt"
	"regexp"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"entrechat/internal/core"
	"entrechat/internal/kit/seal"
	"entrechat/internal/kit/wire"
)

// Bounds of messages.
const (
	// MaxLogs bounds how many changed logs one look brings.
	MaxLogs = 10_000
	// PostEntries bounds the entries of one post, maxPostBody its bytes.
	PostEntries = 256
	MaxPostBody = 1 << 20
	HeadsLimit  = 8 << 20
	MaxWait     = 50 * time.Second
)

// EntriesMessage is what an author posts to those who mirror it.
// spec: docs/spec/exchange.md#posts
type EntriesMessage struct {
	Epoch   int64          `json:"epoch"`
	Head    string         `json:"head"`
	From    int64          `json:"from"`    // leaf index of the first entry
	Entries []string       `json:"entries"` // standard base64
	KeySet  *seal.Envelope `json:"keyset,omitzero"`
}

// EntriesAnswer tells how far the mirror now holds the log, with its cosignature
// of the head it got when that is where it stands.
type EntriesAnswer struct {
	Size        int64  `json:"size"`
	Cosignature string `json:"cosignature,omitempty"`
}

// ParsePost reads an author's post. Returns CodeInvalid.
func ParsePost(data []byte) (EntriesMessage, Offer, error) {
	var m EntriesMessage
	if err := wire.Decode(data, &m); err != nil {
		return m, Offer{}, err
	}
	bad := func(err error) error { return core.Invalid("logbook.bad_bundle", err) }
	if len(m.Entries) > PostEntries || m.From < 0 || m.Epoch < 1 || m.Epoch > MaxEpochs+1 || len(m.Head) > MaxHead {
		return m, Offer{}, bad(fmt.Errorf("%d entries from %d", len(m.Entries), m.From))
	}
	o := Offer{Epoch: m.Epoch, Note: []byte(m.Head), From: m.From}
	for _, text := range m.Entries {
		entry, err := base64.StdEncoding.Strict().DecodeString(text)
		if err != nil {
			return m, Offer{}, bad(err)
		}
		o.Entries = append(o.Entries, entry)
	}
	return m, o, nil
}

// HeadsAnswer is what /ec/v1/heads says.
// spec: docs/spec/exchange.md#heads
type HeadsAnswer struct {
	// Store names the numbering that Cursor belongs to: a node that was restored
	// or began again counts anew.
	Store  string     `json:"store"`
	Cursor int64      `json:"cursor"`
	Heads  []HeadItem `json:"heads"`
}

// HeadItem is one log that changed. The head is signed by its author; the rest is
// a hint.
type HeadItem struct {
	Member  core.MemberID `json:"member"`
	Epoch   int64         `json:"epoch"`
	Version int64         `json:"version"`        // of the member's key set
	Head    string        `json:"head,omitempty"` // signed checkpoint, absent while none counts
}

var storeForm = regexp.MustCompile(`^[A-Z2-7]{1,64}$`)

// ParseHeads reads a heads answer. Returns CodeInvalid.
func ParseHeads(data []byte) (HeadsAnswer, error) {
	var heads HeadsAnswer
	if err := wire.Peek(data, &heads); err != nil {
		return HeadsAnswer{}, err
	}
	if len(heads.Heads) > MaxLogs || heads.Cursor < 0 || !storeForm.MatchString(heads.Store) {
		return HeadsAnswer{}, core.Invalid("logbook.bad_heads", fmt.Errorf("%d heads, cursor %d of %.40q", len(heads.Heads), heads.Cursor, heads.Store))
	}
	for _, item := range heads.Heads {
		if !item.Member.Valid() || item.Epoch < 1 || item.Epoch > MaxEpochs+1 || item.Version < 1 || len(item.Head) > MaxHead {
			return HeadsAnswer{}, core.Invalid("logbook.bad_heads", fmt.Errorf("item of %.80q", item.Member))
		}
	}
	return heads, nil
}

// WellKnown is /.well-known/entrechat.json: who a node is, for somebody who has
// only its address.
// spec: docs/spec/exchange.md#well-known
type WellKnown struct {
	Origin core.MemberID `json:"origin"` // the member's id
	URL    string        `json:"url"`
	Root   core.RootKey  `json:"root"`
	KeySet seal.Envelope `json:"keyset"`
	Log    string        `json:"log"` // path below URL of the tile log that goes on
	// Verifier and Witness are keys in the text form of c2sp.org/signed-note: of
	// that log, and of the cosignatures the member makes. Empty when no key is good.
	Verifier string   `json:"verifier"`
	Witness  string   `json:"witness"`
	Versions []string `json:"versions"` // of the exchange, "1"
	// Instance is a random name of the process that answers.
	Instance string `json:"instance"`
}

// ParseWellKnown reads the document and checks that it holds together: its key set
// is signed by the root key it shows. Returns CodeInvalid, CodeDenied.
func ParseWellKnown(data []byte) (WellKnown, error) {
	var w WellKnown
	if err := wire.Peek(data, &w); err != nil {
		return WellKnown{}, err
	}
	keys, err := OpenKeySet(w.KeySet, w.Origin, w.Root)
	if err != nil {
		return WellKnown{}, err
	}
	w.URL = keys.URL
	return w, nil
}

// Offer is a head with entries that follow what we hold, from anybody: the
// author's signature is what counts.
type Offer struct {
	Member  core.MemberID
	Epoch   int64
	Note    []byte
	From    int64 // leaf index of entries[0]
	Entries [][]byte
	// part, when not zero, is a smaller tree that was proved to lead to the head:
	// a long backlog is stored piece by piece.
	Part tlog.Tree
}
