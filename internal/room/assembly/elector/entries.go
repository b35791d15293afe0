package elector

import (
	"context"
	"encoding/hex"
	"net/url"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/logbook"
	"entrechat/internal/kit/wire"
)

// The entries that are read here. The room trust writes them.
//
// spec: docs/spec/trust.md#entries
const (
	typeVouch   = "entrechat/vouch/1"
	typeUnvouch = "entrechat/unvouch/1"
	typeCharter = "entrechat/charter/1"
	typeJoin    = "entrechat/join/1"
	typeLeave   = "entrechat/leave/1"
)

// The bodies of these entries.
type (
	vouchBody struct {
		Member core.MemberID `json:"member"`
		URL    string        `json:"url"`
		Root   core.RootKey  `json:"root"`
	}
	unvouchBody struct {
		Member core.MemberID `json:"member"`
	}
	charterBody struct {
		Charter string       `json:"charter"`
		Admit   int64        `json:"admit_vouches"`
		Grants  []core.Grant `json:"grants"`
	}
	joinBody struct {
		Charter string `json:"charter"`
	}
)

var charterID = regexp.MustCompile(`^[0-9a-f]{64}$`)

// Read is what an entry says about ties, whether or not it changes anything; false for one that
// cannot be read.
func Read(e logbook.Entry) (Tie, bool) {
	t := Tie{Log: e.Log, Index: e.Index, At: e.Iat}
	ok := false
	switch e.Typ {
	case typeVouch:
		var b vouchBody
		ok = wire.Decode(e.Body, &b) == nil && b.Member.Valid() && b.Member != e.Log && !b.Root.IsZero() && usable(b.URL)
		t.Kind, t.Member, t.Root = Vouched, b.Member, b.Root
	case typeUnvouch:
		var b unvouchBody
		ok = wire.Decode(e.Body, &b) == nil && b.Member.Valid()
		t.Kind, t.Member = Unvouched, b.Member
	case typeCharter:
		var b charterBody
		ok = wire.Decode(e.Body, &b) == nil && charterID.MatchString(b.Charter)
		t.Kind, t.Charter = Joined, b.Charter
	case typeJoin, typeLeave:
		var b joinBody
		ok = wire.Decode(e.Body, &b) == nil && charterID.MatchString(b.Charter)
		t.Kind, t.Charter = Joined, b.Charter
		if e.Typ == typeLeave {
			t.Kind = Left
		}
	}
	return t, ok
}

// maxURL is the longest address of a node, in bytes.
const maxURL = 200

// usable says whether a vouch has an address that the room trust takes: it counts no other.
func usable(s string) bool {
	u, err := url.Parse(s)
	return err == nil && len(s) <= maxURL && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" &&
		u.User == nil && u.RawQuery == "" && u.Fragment == "" && !u.ForceQuery &&
		utf8.ValidString(s) && s == strings.TrimSpace(s) && !strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsGraphic(r) })
}

// Readers take in what logbooks say about ties.
func (s *Service) Readers() []logbook.Reader {
	return []logbook.Reader{{
		Name: "assembly_tie", Types: []string{typeVouch, typeUnvouch, typeCharter, typeJoin, typeLeave}, Read: s.read,
		Truncated: func(ctx context.Context, log core.MemberID, index int64) error {
			return takeBack(ctx, s.n.DB, log, index)
		},
	}}
}

// read takes one entry in. What a stranger wrote wrongly says nothing.
func (s *Service) read(ctx context.Context, e logbook.Entry) error {
	t, ok := Read(e)
	if !ok {
		return nil
	}
	of, err := s.n.Book.Member(ctx, e.Log)
	if core.CodeOf(err) == core.CodeNotFound {
		return nil // not followed any more
	}
	if err != nil {
		return err
	}
	return s.n.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		return put(ctx, q, row{t, hex.EncodeToString(e.Hash[:])}, of.Root)
	})
}
