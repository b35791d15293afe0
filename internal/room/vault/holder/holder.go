package holder

import (
	"context"
	"crypto/ed25519"
	"io"
	"strconv"
	"strings"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/seal"
	"entrechat/internal/room/vault/shard"
)

const (
	// MaxPage is the largest number of shards in one page of a list.
	MaxPage = 1000
	// Group is the unit of an audit in bytes: one BLAKE3 subtree of 16 chunks.
	Group = 16 << 10
	// Retention is how long a deleted shard is kept, by the holder's clock.
	Retention = 30 * 24 * time.Hour
	// MinAge is the age below which a shard cannot be deleted.
	MinAge = 7 * 24 * time.Hour
)

// Keys gives the keys a member signs with now; the logbook is one.
type Keys interface {
	Keys(ctx context.Context, id core.MemberID) ([]ed25519.PublicKey, error)
}

// Ref names one shard and says what it must be.
type Ref struct {
	Owner  core.MemberID
	Object shard.Hash
	Index  int
	// Root and Length are what the asker knows of the data from its catalogue or
	// from a head. A holder ignores them; what comes over the wire is checked
	// by them. A zero Root leaves the data unchecked.
	Root   shard.Hash
	Length int64
}

// RefOf names the shard of a header.
func RefOf(h shard.Header) Ref {
	return Ref{Owner: h.Owner, Object: h.Object, Index: h.Index, Root: h.Root, Length: h.Length}
}

// Name is "<object>.<index>", what the shard is called among its owner's.
func (r Ref) Name() string { return r.Object.String() + "." + strconv.Itoa(r.Index) }

// ParseName reads what Ref.Name writes, in its one form. Returns CodeInvalid.
func ParseName(s string) (shard.Hash, int, error) {
	object, index, _ := strings.Cut(s, ".")
	hash, err := shard.ParseHash(object)
	if err != nil {
		return shard.Hash{}, 0, err
	}
	i, err := strconv.Atoi(index)
	if err != nil || i < 0 || i >= shard.MaxShards || strconv.Itoa(i) != index {
		return shard.Hash{}, 0, BadDocument("%.80q names no shard", s)
	}
	return hash, i, nil
}

// Reader is the half of a Holder that gives back. Every method answers
// CodeDenied (vault.not_yours) to who is neither the owner nor named by it.
// Safe for concurrent use.
type Reader interface {
	// Get streams n bytes of the shard's data from off; n < 0 is up to the end.
	// The caller closes. When the whole is asked and ref has a Root, the last Read
	// answers an error instead of io.EOF for data that is not what the root says:
	// use nothing of it before io.EOF. A part is not checked; the age file around
	// it is. Returns CodeNotFound (vault.no_shard), CodeInvalid.
	Get(ctx context.Context, ref Ref, off, n int64) (io.ReadCloser, error)

	// List gives the heads of the owner's shards in the order of their names,
	// after the name `after` ("" = from the start), at most limit (0 or more than
	// MaxPage = MaxPage). Each is parsed, none is verified.
	List(ctx context.Context, owner core.MemberID, after string, limit int) (Page, error)

	// Audit proves that the group of the data in which off lies is there.
	// Returns CodeNotFound (vault.no_shard, vault.shard_broken), CodeInvalid.
	Audit(ctx context.Context, ref Ref, off int64) (Proof, error)
}

// Writer is the half of a Holder that changes what it keeps. Only the owner may.
// Safe for concurrent use.
type Writer interface {
	// Put gives a shard to the holder: the signed head and exactly Length bytes.
	// The receipt is given when the holder has verified the data and it is on disk.
	// The same shard again gives a fresh receipt. Returns CodeFull
	// (vault.quota_full, vault.disk_full), CodeDenied without a grant,
	// CodeConflict (vault.other_shard) when the name is taken by other
	// bytes, CodeInvalid (vault.bad_bytes) when the body is not what the head
	// says, CodeUnsure (vault.busy) when too much is under way.
	Put(ctx context.Context, head shard.Head, body io.Reader) (Receipt, error)

	// Delete marks the shards of a tombstone. What is too young, or more than a
	// tenth of the owner's bytes in one day, is named in Later, to be sent again
	// with the same tombstone. Returns CodeDenied (vault.bad_signature).
	Delete(ctx context.Context, t Tombstone) (Deletion, error)

	// Undelete takes back the deletion of these objects (at most MaxObjects) and says how
	// many shards that were. No key but the owner's online one is needed, and the
	// tombstone that deleted them does not work a second time.
	Undelete(ctx context.Context, objects []shard.Hash) (int, error)

	// NameReaders tells the holder who else may read the owner's shards; it replaces the
	// list before. Returns CodeConflict (vault.old_document) for an older list.
	NameReaders(ctx context.Context, r Readers) error
}

// Holder is a member that keeps shards, seen by one other member: this node's own
// store with lending.Store.For, another's with NewRemote.
type Holder interface {
	Reader
	Writer
}

// Page is a part of a list. Next is the `after` of the following page, empty at
// the end.
type Page struct {
	Shards []Entry
	Next   string
	// Used is how many bytes the holder counts in the owner's quota, files whole.
	Used int64
}

// Entry is a shard with what the holder says of it; times are the holder's.
type Entry struct {
	shard.Head
	Received core.Moment
	Deleted  core.Moment // zero = alive
}

// Deletion is the answer to a tombstone: what lies deleted now, what has to wait.
// Objects the holder has no shard of are in neither.
type Deletion struct {
	Deleted []shard.Hash `json:"buried,omitempty"`
	Later   []shard.Hash `json:"later,omitempty"`
}

// Receipt is a holder's signed word. Keep Document: it is the proof.
type Receipt struct {
	Holder   core.MemberID
	Owner    core.MemberID
	Object   shard.Hash
	Index    int
	Root     shard.Hash
	Length   int64
	Received core.Moment // since when the holder has it, its clock
	Until    core.Moment // promised until; zero = no end known
	Nonce    string      // of the request it answers
	Document seal.Envelope
}
