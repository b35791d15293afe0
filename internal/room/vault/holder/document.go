package holder

import (
	"crypto/ed25519"
	"fmt"
	"slices"

	"entrechat/internal/core"
	"entrechat/internal/kit/seal"
	"entrechat/internal/kit/wire"
	"entrechat/internal/room/vault/shard"
)

// The types of the three documents, as DSSE payload types.
const (
	receiptType   = "entrechat/vault-receipt/1"
	tombstoneType = "entrechat/vault-tombstone/1"
	readersType   = "entrechat/vault-readers/1"
)

const (
	// MaxObjects is the largest number of objects in one tombstone.
	MaxObjects = 1000
	// maxReaders bounds a list of readers.
	maxReaders = 64
	// MaxDocument bounds the payload of a document in bytes; a full tombstone has 68 kB.
	MaxDocument = 128 << 10
)

// BadDocument is CodeInvalid (vault.bad_document): what came cannot be read as what it should be.
func BadDocument(format string, args ...any) error {
	return core.Invalid("vault.bad_document", fmt.Errorf(format, args...))
}

// receiptBody is the signed text of a receipt.
//
// spec: docs/spec/holder.md#receipt
type receiptBody struct {
	Holder   core.MemberID `json:"holder"`
	Owner    core.MemberID `json:"owner"`
	Object   shard.Hash    `json:"object"`
	Index    int           `json:"index"`
	Root     shard.Hash    `json:"root"`
	Length   int64         `json:"length"`
	Received core.Moment   `json:"received_us"`
	Until    core.Moment   `json:"keep_until_us,omitzero"`
	Nonce    string        `json:"nonce"`
}

// SignReceipt signs what r says, and fills in Holder and Document.
func SignReceipt(r Receipt, s seal.Signer) (Receipt, error) {
	r.Holder = s.ID()
	body, err := wire.Encode(receiptBody{
		r.Holder, r.Owner, r.Object, r.Index, r.Root, r.Length, r.Received, r.Until, r.Nonce,
	})
	if err != nil {
		return Receipt{}, err
	}
	r.Document, err = seal.SignDoc(receiptType, body, s)
	return r, err
}

// ReadReceipt reads a receipt that holder signed with one of keys. It says
// nothing about what the receipt is for; see Receipt.Answers. Returns
// CodeInvalid, CodeDenied.
func ReadReceipt(e seal.Envelope, holder core.MemberID, keys []ed25519.PublicKey) (Receipt, error) {
	var b receiptBody
	if err := open(e, receiptType, holder, keys, &b); err != nil {
		return Receipt{}, err
	}
	if b.Holder != holder {
		return Receipt{}, BadDocument("receipt of %.80q signed by %s", b.Holder, holder)
	}
	return Receipt{b.Holder, b.Owner, b.Object, b.Index, b.Root, b.Length, b.Received, b.Until, b.Nonce, e}, nil
}

// Answers says whether the receipt is for this shard and this request. Returns
// CodeInvalid with the key that names the lie: vault.peer_other_owner,
// vault.peer_wrong_bytes, vault.peer_old_receipt.
func (r Receipt) Answers(h shard.Header, nonce string) error {
	switch {
	case r.Owner != h.Owner:
		return lie("vault.peer_other_owner", r.Holder, "receipt for %s, not %s", r.Owner, h.Owner)
	case r.Object != h.Object || r.Index != h.Index || r.Root != h.Root || r.Length != h.Length:
		return lie("vault.peer_wrong_bytes", r.Holder, "receipt for %s.%d, not %s", r.Object, r.Index, h.Name())
	case r.Nonce != nonce:
		return lie("vault.peer_old_receipt", r.Holder, "receipt for another request")
	}
	return nil
}

// lie is an answer that honest holders do not give.
func lie(key string, who core.MemberID, format string, args ...any) error {
	return core.Invalid(key, fmt.Errorf(format, args...)).With("Member", who)
}

// open checks a document of one signer and reads its payload strictly.
func open(e seal.Envelope, typ string, who core.MemberID, keys []ed25519.PublicKey, into any) error {
	body, signers, err := e.Verify(typ, map[core.MemberID][]ed25519.PublicKey{who: keys})
	if err != nil {
		return err
	}
	if !slices.Contains(signers, who) || len(body) > MaxDocument {
		return BadDocument("%s not signed by %s, or too long", typ, who)
	}
	return wire.Decode(body, into)
}

// Tombstone is what the prune key says: delete the shards of these objects.
// Document is what travels; make one with SignTombstone or ReadTombstone.
type Tombstone struct {
	Owner    core.MemberID
	Prune    shard.PruneKey
	Objects  []shard.Hash
	Made     core.Moment // by the owner's clock; orders tombstones of one owner
	Document seal.Envelope
}

// tombstoneBody is the signed text of a tombstone.
//
// spec: docs/spec/holder.md#tombstone
type tombstoneBody struct {
	Owner   core.MemberID  `json:"owner"`
	Prune   shard.PruneKey `json:"prune"`
	Objects []shard.Hash   `json:"objects"`
	Made    core.Moment    `json:"made_us"`
}

// SignTombstone deletes 1 to MaxObjects objects of owner with the private prune
// key. Returns CodeInvalid for more or none.
func SignTombstone(owner core.MemberID, prune ed25519.PrivateKey, objects []shard.Hash, made core.Moment) (Tombstone, error) {
	signer := seal.NewSigner(owner, prune)
	t := Tombstone{Owner: owner, Objects: objects, Made: made}
	copy(t.Prune[:], signer.Public())
	if err := t.check(); err != nil {
		return Tombstone{}, err
	}
	body, err := wire.Encode(tombstoneBody{t.Owner, t.Prune, t.Objects, t.Made})
	if err != nil {
		return Tombstone{}, err
	}
	t.Document, err = seal.SignDoc(tombstoneType, body, signer)
	return t, err
}

// ReadTombstone reads a tombstone and checks that the prune key it names signed
// it. Whether that key may delete a shard, the shard's header says. Returns
// CodeInvalid, CodeDenied.
func ReadTombstone(e seal.Envelope) (Tombstone, error) {
	raw, err := e.Unverified()
	if err != nil {
		return Tombstone{}, BadDocument("tombstone: %w", err)
	}
	if len(raw) > MaxDocument {
		return Tombstone{}, BadDocument("tombstone of %d bytes", len(raw))
	}
	var b tombstoneBody
	if err := wire.Decode(raw, &b); err != nil {
		return Tombstone{}, err
	}
	if err := open(e, tombstoneType, b.Owner, []ed25519.PublicKey{b.Prune[:]}, &b); err != nil {
		return Tombstone{}, err
	}
	t := Tombstone{b.Owner, b.Prune, b.Objects, b.Made, e}
	return t, t.check()
}

func (t Tombstone) check() error {
	if !t.Owner.Valid() || t.Prune.IsZero() || t.Made <= 0 || len(t.Objects) == 0 || len(t.Objects) > MaxObjects {
		return BadDocument("tombstone of %.80q for %d objects", t.Owner, len(t.Objects))
	}
	return nil
}

// Readers is an owner's list of members that may read its shards for it.
// Document is what travels; make one with SignReaders or ReadReaders.
type Readers struct {
	Owner    core.MemberID
	Members  []core.MemberID
	Made     core.Moment // by the owner's clock; a newer list replaces an older
	Document seal.Envelope
}

// readersBody is the signed text of a list of readers.
//
// spec: docs/spec/holder.md#readers
type readersBody struct {
	Owner   core.MemberID   `json:"owner"`
	Members []core.MemberID `json:"members"`
	Made    core.Moment     `json:"made_us"`
}

// SignReaders names members, none to take all names back. Returns CodeInvalid
// for more than 64.
func SignReaders(members []core.MemberID, made core.Moment, s seal.Signer) (Readers, error) {
	r := Readers{Owner: s.ID(), Members: members, Made: made}
	if err := r.check(); err != nil {
		return Readers{}, err
	}
	body, err := wire.Encode(readersBody{r.Owner, r.Members, r.Made})
	if err != nil {
		return Readers{}, err
	}
	r.Document, err = seal.SignDoc(readersType, body, s)
	return r, err
}

// ReadReaders reads a list that owner signed with one of keys. Returns
// CodeInvalid, CodeDenied.
func ReadReaders(e seal.Envelope, owner core.MemberID, keys []ed25519.PublicKey) (Readers, error) {
	var b readersBody
	if err := open(e, readersType, owner, keys, &b); err != nil {
		return Readers{}, err
	}
	if b.Owner != owner {
		return Readers{}, BadDocument("readers of %.80q signed by %s", b.Owner, owner)
	}
	r := Readers{b.Owner, b.Members, b.Made, e}
	return r, r.check()
}

func (r Readers) check() error {
	if !r.Owner.Valid() || r.Made <= 0 || len(r.Members) > maxReaders ||
		slices.ContainsFunc(r.Members, func(m core.MemberID) bool { return !m.Valid() }) {
		return BadDocument("readers of %.80q: %d members", r.Owner, len(r.Members))
	}
	return nil
}

// StoredReaders reads a list whose signature was checked before it was stored: the key
// that made it may have been replaced since. Returns CodeInvalid.
func StoredReaders(list []byte) (Readers, error) {
	e, err := seal.DecodeEnvelope(list)
	if err != nil {
		return Readers{}, err
	}
	raw, err := e.Unverified()
	if err != nil {
		return Readers{}, BadDocument("readers: %w", err)
	}
	var b readersBody
	if err := wire.Decode(raw, &b); err != nil {
		return Readers{}, err
	}
	return Readers{b.Owner, b.Members, b.Made, e}, nil
}
