package logbook

import (
	"cmp"
	"context"
	"crypto/ed25519"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/peer"
	"entrechat/internal/kit/seal"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Words are this kit's sentences.
//
//go:embed words/*.toml
var Words embed.FS

// Migrations are the kit's tables, for db.Migrate under the name "logbook".
func Migrations() fs.FS {
	sub, err := fs.Sub(migrations, "migrations")
	if err != nil {
		panic("an embedded folder is there: " + err.Error())
	}
	return sub
}

// Calls is what the exchange needs of kit/peer.
type Calls interface {
	// Get is a public, bounded GET; see peer.Client.
	Get(ctx context.Context, address, etag string, limit int64) (*http.Response, error)
	JSON(ctx context.Context, to core.MemberID, method, path string, in, out any) error
}

// Needs is what a book is made of.
type Needs struct {
	DB     *db.DB
	Signer seal.Signer // nil for a book that only reads
	Now    func() time.Time
	Log    *slog.Logger
	// Boot names this machine's boot and data directory; a guard passed under
	// another name does not count.
	Boot string
	// Tuning changes the exchange's pace; zero is the design's.
	Tuning Tuning
}

// Book is every log this node holds: its own and its mirrors. Safe for concurrent
// use, also by several processes on one database.
type Book struct {
	n     Needs
	calls Calls
	// changed wakes long polls of this process; other processes are noticed by
	// looking at the database.
	mu        sync.Mutex
	changed   chan struct{}
	delivered map[string]int64 // by reader, the seq up to which it was told everything
	store     string
}

// New makes a book on migrated tables. Connect it before its jobs run.
func New(n Needs) *Book {
	return &Book{n: n, changed: make(chan struct{}), delivered: map[string]int64{}}
}

// Connect gives the book the client it exchanges with; the client needs the book
// as keyring, so one comes first.
func (b *Book) Connect(calls Calls) { b.calls = calls }

func (b *Book) self() core.MemberID { return b.n.Signer.ID() }

func (b *Book) now() core.Moment { return core.At(b.n.Now()) }

// storeID is read once: it never changes while a process lives.
func (b *Book) storeID(ctx context.Context) (string, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.store != "" {
		return b.store, nil
	}
	id, err := storeID(ctx, b.n.DB)
	b.store = id
	return id, err
}

func (b *Book) wake() {
	b.mu.Lock()
	defer b.mu.Unlock()
	close(b.changed)
	b.changed = make(chan struct{})
}

// Init opens our own log with its key set as entry 0. Returns CodeConflict when
// there is one already.
func (b *Book) Init(ctx context.Context, doc seal.Envelope, root core.RootKey) error {
	keys, err := OpenKeySet(doc, b.self(), root)
	if err != nil {
		return err
	}
	text, err := doc.Encode()
	if err != nil {
		return err
	}
	first, err := encodeLeaf(Entry{Typ: TypKeySet, Log: b.self(), Iat: b.now()}, doc)
	if err != nil {
		return err
	}
	err = b.n.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		l := row{Origin: b.self(), URL: keys.URL, Root: root, Doc: text, Version: keys.Version}
		if err := insertRow(ctx, q, l); err != nil {
			return err
		}
		_, err := b.grow(ctx, q, l, stored{typ: TypKeySet, data: first, received: b.now()})
		return err
	})
	if db.IsDuplicate(err) {
		return core.Conflict("logbook.exists", err)
	}
	return err
}

// Append adds an entry to our own log: typ is "entrechat/<kind>/<version>", aud
// whom it concerns (empty: everybody), exp when it ends (zero: never). Returns
// CodeUnsure while the guard against forking ourselves is not passed, CodeFull when the
// disk is full.
func (b *Book) Append(ctx context.Context, typ string, aud []core.MemberID, exp core.Moment, body any) (Entry, error) {
	if err := b.guard(ctx); err != nil {
		return Entry{}, err
	}
	e := Entry{Log: b.self(), Typ: typ, Iat: b.now(), Exp: exp, Aud: aud}
	data, err := encodeLeaf(e, body)
	if err != nil {
		return Entry{}, err
	}
	err = b.n.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		l, err := getRow(ctx, q, b.self())
		if err != nil {
			return err
		}
		if err := soundEdge(ctx, q, l); err != nil {
			return err
		}
		e, err = b.grow(ctx, q, l, stored{typ: typ, data: data, received: e.Iat})
		return err
	})
	if db.IsFull(err) {
		return Entry{}, core.Full("logbook.disk_full", err)
	}
	if err == nil {
		b.wake()
	}
	return e, err
}

// grow adds one leaf to our own log and signs the new head, all in q.
func (b *Book) grow(ctx context.Context, q db.Querier, l row, s stored) (Entry, error) {
	index := l.Tree.N
	if err := putEntry(ctx, q, l.Origin, index, s); err != nil {
		return Entry{}, err
	}
	root, err := tlog.TreeHash(index+1, hashes(ctx, q, l.Origin))
	if err != nil {
		return Entry{}, fmt.Errorf("hash own log: %w", err)
	}
	l.Tree = tlog.Tree{N: index + 1, Hash: root}
	if l.Note, err = signHead(b.n.Signer, l.Tree); err != nil {
		return Entry{}, fmt.Errorf("sign own head: %w", err)
	}
	l.Signed = b.now()
	if err := updateRow(ctx, q, l); err != nil {
		return Entry{}, err
	}
	return parseLeaf(l.Origin, index, s.data)
}

// soundEdge checks the tree's right edge and the last leaf against the head we
// signed, before anything is signed on top: a flipped bit must not end the log.
func soundEdge(ctx context.Context, q db.Querier, l row) error {
	if l.Tree.N == 0 {
		return nil
	}
	read := hashes(ctx, q, l.Origin)
	root, err := tlog.TreeHash(l.Tree.N, read)
	if err != nil {
		return damaged(l.Origin, err)
	}
	last, err := getEntries(ctx, q, l.Origin, l.Tree.N-1, 2)
	if err != nil {
		return err
	}
	leaf, err := read([]int64{tlog.StoredHashIndex(0, l.Tree.N-1)})
	if err != nil || len(last) != 1 || root != l.Tree.Hash || leaf[0] != tlog.RecordHash(last[0].data) {
		return damaged(l.Origin, errors.Join(errors.New("stored entries do not match the signed head"), err))
	}
	return nil
}

func damaged(id core.MemberID, err error) error {
	return core.Internal("logbook.damaged", fmt.Errorf("log of %s: %w", id, err)).With("Member", id)
}

// Resign signs our head again with the present time, so that others see we live.
func (b *Book) Resign(ctx context.Context) error {
	if err := b.guard(ctx); err != nil {
		return err
	}
	return b.n.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		l, err := getRow(ctx, q, b.self())
		if err != nil {
			return err
		}
		if err := soundEdge(ctx, q, l); err != nil {
			return err
		}
		if l.Note, err = signHead(b.n.Signer, l.Tree); err != nil {
			return err
		}
		l.Signed = b.now()
		return updateRow(ctx, q, l)
	})
}

// Follow starts mirroring a member's log under a pinned root key. Following again
// updates the address while no key set tells a better one. Returns CodeConflict when
// the member is known under another root key.
func (b *Book) Follow(ctx context.Context, id core.MemberID, url string, root core.RootKey) error {
	return b.n.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		l, err := getRow(ctx, q, id)
		if core.CodeOf(err) == core.CodeNotFound {
			// Heads of this log that went by are wanted now: ask everybody anew.
			if err := askAnew(ctx, q); err != nil {
				return err
			}
			return insertRow(ctx, q, row{Origin: id, URL: url, Root: root})
		}
		if err != nil {
			return err
		}
		if l.Root != root {
			return core.Conflict("logbook.other_root", fmt.Errorf("%s is known under root key %s", id, l.Root)).With("Member", id)
		}
		if l.Doc == nil && l.URL != url {
			l.URL = url
			return updateRow(ctx, q, l)
		}
		return nil
	})
}

// Learn takes a newer key set of a followed member, wherever it came from: the
// root key's signature is what counts. An older or equal one changes nothing.
func (b *Book) Learn(ctx context.Context, id core.MemberID, doc seal.Envelope) error {
	return b.n.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		l, err := getRow(ctx, q, id)
		if err != nil {
			return err
		}
		_, err = b.learn(ctx, q, l, doc)
		return err
	})
}

func (b *Book) learn(ctx context.Context, q db.Querier, l row, doc seal.Envelope) (row, error) {
	keys, err := OpenKeySet(doc, l.Origin, l.Root)
	if err != nil || keys.Version <= l.Version {
		return l, err
	}
	text, err := doc.Encode()
	if err != nil {
		return l, err
	}
	l.Doc, l.Version, l.URL = text, keys.Version, keys.URL
	// Entries that only a revoked key vouches for leave the log.
	if l.Note != nil {
		if _, err := openHead(l.Origin, keys.Keys, l.Note); err != nil {
			if l, err = b.cut(ctx, q, l, keys); err != nil {
				return l, err
			}
		}
	}
	return l, updateRow(ctx, q, l)
}

// cut takes a log back to the largest size that a revoked key could still vouch
// for; the next head of the new key goes on from there.
func (b *Book) cut(ctx context.Context, q db.Querier, l row, keys KeySet) (row, error) {
	var size int64
	for _, k := range keys.Keys {
		size = max(size, k.RevokedFrom)
	}
	size = min(size, l.Tree.N)
	if err := cutBack(ctx, q, l.Origin, size, b.now()); err != nil {
		return l, err
	}
	root, err := tlog.TreeHash(size, hashes(ctx, q, l.Origin))
	if err != nil {
		return l, damaged(l.Origin, err)
	}
	l.Tree, l.Note = tlog.Tree{N: size, Hash: root}, nil
	return l, nil
}

// Unfollow forgets a mirror and everything read from it. Our own log stays.
func (b *Book) Unfollow(ctx context.Context, id core.MemberID) error {
	if id == b.self() {
		return core.Invalid("logbook.own", errors.New("own log"))
	}
	return b.n.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error { return deleteLog(ctx, q, id) })
}

// Member is a log as others may see it.
type Member struct {
	ID        core.MemberID
	URL       string
	Root      core.RootKey
	Size      int64
	Heard     core.Moment // time stamp on its newest head
	State     State
	Suspended core.Moment // when a fork was proved, zero = never
}

func (b *Book) member(l row) Member {
	return Member{
		ID: l.Origin, URL: l.URL, Root: l.Root, Size: l.Tree.N, Heard: l.Signed, Suspended: l.Suspended,
		State: StateOf(l.Signed, l.Suspended != 0, b.n.Now()),
	}
}

// Member is one log we hold. Returns CodeNotFound.
func (b *Book) Member(ctx context.Context, id core.MemberID) (Member, error) {
	l, err := getRow(ctx, b.n.DB, id)
	if err != nil {
		return Member{}, err
	}
	return b.member(l), nil
}

// Known lists all logs we hold, our own among them, by name.
func (b *Book) Known(ctx context.Context) ([]Member, error) {
	rows, err := allRows(ctx, b.n.DB, -1)
	if err != nil {
		return nil, err
	}
	out := make([]Member, 0, len(rows))
	for _, l := range rows {
		out = append(out, b.member(l))
	}
	slices.SortFunc(out, func(x, y Member) int { return cmp.Compare(x.ID, y.ID) })
	return out, nil
}

// Keys are the keys a member signs requests and documents with now: the last of
// its key set, unless it is revoked. Returns CodeNotFound.
func (b *Book) Keys(ctx context.Context, id core.MemberID) ([]ed25519.PublicKey, error) {
	l, err := getRow(ctx, b.n.DB, id)
	if err != nil {
		return nil, err
	}
	keys, err := l.keySet()
	if err != nil {
		return nil, err
	}
	var out []ed25519.PublicKey
	for _, k := range keys.Keys {
		if k.RevokedFrom == 0 {
			out = append(out, k.Public())
		}
	}
	return out, nil
}

// KeySet is a member's newest key set and its document. Returns CodeNotFound.
func (b *Book) KeySet(ctx context.Context, id core.MemberID) (KeySet, seal.Envelope, error) {
	l, err := getRow(ctx, b.n.DB, id)
	if err != nil {
		return KeySet{}, seal.Envelope{}, err
	}
	keys, err := l.keySet()
	if err != nil {
		return keys, seal.Envelope{}, err
	}
	doc, err := seal.DecodeEnvelope(l.Doc)
	return keys, doc, err
}

// URL is where a member says it is. Returns CodeNotFound.
func (b *Book) URL(ctx context.Context, id core.MemberID) (string, error) {
	l, err := getRow(ctx, b.n.DB, id)
	return l.URL, err
}

var _ peer.Keyring = (*Book)(nil)

// Entries reads at most limit verified entries of a log from index on; leaves
// nobody can read are passed over.
func (b *Book) Entries(ctx context.Context, id core.MemberID, from int64, limit int) ([]Entry, error) {
	rows, err := getEntries(ctx, b.n.DB, id, from, limit)
	if err != nil {
		return nil, err
	}
	var out []Entry
	for _, s := range rows {
		if e, err := parseLeaf(id, s.index, s.data); err == nil {
			out = append(out, e)
		}
	}
	return out, nil
}

// Verify recomputes a log's whole tree from its entries and compares it with the
// signed head. Returns the size, or CodeInternal naming what does not match.
func (b *Book) Verify(ctx context.Context, id core.MemberID) (int64, error) {
	l, err := getRow(ctx, b.n.DB, id)
	if err != nil {
		return 0, err
	}
	keys, err := l.keySet()
	if err != nil {
		return 0, err
	}
	if l.Note == nil {
		return 0, core.NotFound("logbook.no_head", fmt.Errorf("no head of %s", id)).With("Member", id)
	}
	if _, err := openHead(id, keys.Keys, l.Note); err != nil {
		return 0, err
	}
	var tree []tlog.Hash
	memory := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		out := make([]tlog.Hash, len(indexes))
		for i, index := range indexes {
			out[i] = tree[index]
		}
		return out, nil
	})
	for next := int64(0); next < l.Tree.N; {
		page, err := getEntries(ctx, b.n.DB, id, next, 256)
		if err != nil {
			return 0, err
		}
		if len(page) == 0 || page[0].index != next {
			return 0, damaged(id, fmt.Errorf("entry %d is missing", next))
		}
		for _, s := range page {
			added, err := tlog.StoredHashes(s.index, s.data, memory)
			if err != nil {
				return 0, err
			}
			tree = append(tree, added...)
		}
		next += int64(len(page))
	}
	root, err := tlog.TreeHash(l.Tree.N, memory)
	if err != nil || root != l.Tree.Hash {
		return 0, damaged(id, errors.Join(errors.New("entries do not hash to the signed head"), err))
	}
	return l.Tree.N, nil
}

// Forks lists the proofs we keep, by member.
func (b *Book) Forks(ctx context.Context) (map[core.MemberID][]byte, error) {
	return getForks(ctx, b.n.DB)
}
