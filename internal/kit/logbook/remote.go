package logbook

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"filippo.io/torchwood"
	"golang.org/x/mod/sumdb/tlog"

	"entrechat/internal/core"
	"entrechat/internal/kit/peer"
	"entrechat/internal/kit/seal"
	"entrechat/internal/kit/wire"
)

// Bounds of what one fetch may bring.
const (
	// fetchTime bounds one fetch, and fetchRate, in bytes a second, gives a large
	// answer on a slow line the time it needs.
	fetchTime = time.Minute
	fetchRate = 8 << 10
	// rangeEntries and rangeBytes bound one answer of entries.
	rangeEntries = 256
	rangeBytes   = 1 << 20
	// piece is how many entries of a long backlog are stored at a time, and
	// maxPieces how many pieces one pull takes; the next goes on from there.
	piece     = 2048
	maxPieces = 8
)

// source is somebody who serves a log: its author or any mirror. Nothing it says
// is believed.
type source struct {
	b      *Book
	holder holder
	path   string // of one log, without a slash at the end
}

// holder is a member that serves logs, ours or others'.
type holder struct {
	member  core.MemberID // empty: nobody we know the keys of, so nothing is signed
	address string
}

// sourceAt is the mirror of a log at a member's. Authors serve their own log the same
// way.
func (b *Book) sourceAt(at holder, origin string) source {
	return source{b, at, "/ec/v1/mirror/" + core.MemberID(origin).Hash()}
}

// String says where, for errors.
func (s source) String() string { return s.holder.address + s.path }

func (s source) fetch(ctx context.Context, path string, limit int64) ([]byte, error) {
	return s.b.fetch(ctx, s.holder, peer.Request{Path: s.path + path, Limit: limit})
}

// fetch reads a public document whole. It is signed when the member is known: a
// stranger waits where strangers wait.
func (b *Book) fetch(ctx context.Context, at holder, r peer.Request) ([]byte, error) {
	if b.calls == nil {
		return nil, core.Unsure("peer.unreachable", errors.New("not connected")).With("Member", at.address)
	}
	ctx, cancel := context.WithTimeout(ctx, fetchTime+time.Duration(r.Limit/fetchRate)*time.Second)
	defer cancel()
	res, err := b.call(ctx, at, r)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close() //nolint:errcheck // read to its end below
	data, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, core.Unsure("peer.unreachable", fmt.Errorf("read %s%s: %w", at.address, r.Path, err)).With("Member", at.address)
	}
	return data, nil
}

func (b *Book) call(ctx context.Context, at holder, r peer.Request) (*http.Response, error) {
	if at.member != "" {
		r.Method = http.MethodGet
		return b.calls.Do(ctx, at.member, r)
	}
	address := strings.TrimSuffix(at.address, "/") + r.Path
	return b.calls.Get(ctx, address, "", r.Limit)
}

// keySet fetches the newest key set the source has of the log's member.
func (s source) keySet(ctx context.Context) (seal.Envelope, error) {
	data, err := s.fetch(ctx, "/keyset", seal.MaxDocument)
	if err != nil {
		return seal.Envelope{}, err
	}
	return seal.DecodeEnvelope(data)
}

// entries fetches leaves [from, to) in as many answers as it takes.
func (s source) entries(ctx context.Context, from, to int64) ([][]byte, error) {
	var out [][]byte
	for from < to {
		path := "/entries/" + strconv.FormatInt(from, 10) + "/" + strconv.FormatInt(min(to, from+rangeEntries), 10)
		data, err := s.fetch(ctx, path, rangeBytes+MaxEntry)
		if err != nil {
			return nil, err
		}
		before := from
		for len(data) > 0 && from < to {
			entry, rest, err := torchwood.ReadTileEntry(data)
			if err != nil {
				return nil, core.Invalid("logbook.bad_bundle", fmt.Errorf("entries from %d at %s: %w", before, s, err))
			}
			out, data, from = append(out, entry), rest, from+1
		}
		if from == before || len(data) > 0 {
			return nil, core.Invalid("logbook.bad_bundle", fmt.Errorf("entries from %d at %s: %d too many or none", before, s, len(data)))
		}
	}
	return out, nil
}

// hashes reads hashes of a tree at the source, each proved to belong to it.
func (s source) hashes(ctx context.Context, tree tlog.Tree) tlog.HashReader {
	return torchwood.TileHashReaderWithContext(ctx, tree, s)
}

// ReadTiles makes a source a torchwood.TileReader.
func (s source) ReadTiles(ctx context.Context, tiles []tlog.Tile) ([][]byte, error) {
	out := make([][]byte, len(tiles))
	for i, tile := range tiles {
		data, err := s.fetch(ctx, "/"+torchwood.TilePath(tile), torchwood.TileWidth*tlog.HashSize)
		if err != nil {
			return nil, err
		}
		out[i] = data
	}
	return out, nil
}

// SaveTiles keeps nothing: proofs over foreign trees are rare.
func (s source) SaveTiles([]tlog.Tile, [][]byte) {}

// ReadEndpoint reads another file of the log.
func (s source) ReadEndpoint(ctx context.Context, path string) ([]byte, error) {
	return s.fetch(ctx, "/"+path, maxHead)
}

var _ torchwood.TileReader = source{}

// sync takes a head somebody showed us, fetching what we lack from the source. It
// answers the log as then held. A contradiction is proved and the member
// suspended; errConflict says so.
func (b *Book) sync(ctx context.Context, s source, id core.MemberID, epoch int64, note []byte) (logRow, error) {
	keys, _, err := b.KeySet(ctx, id)
	if err != nil {
		return logRow{}, err
	}
	h, err := openHead(keys, epoch, note)
	if err != nil {
		return logRow{}, err
	}
	if err := b.stillRefused(h.origin); err != nil {
		return logRow{}, err
	}
	for range maxPieces {
		l, err := getLog(ctx, b.n.DB, id, epoch)
		if err != nil {
			return l, err
		}
		o := offer{member: id, epoch: epoch, note: note, from: l.tree.N}
		if err := b.fill(ctx, s, l, h.tree, &o); err != nil {
			return l, err
		}
		held, err := b.take(ctx, o)
		if errors.Is(err, errConflict) || errors.Is(err, errMismatch) {
			return held, b.dispute(ctx, s, id, epoch, note)
		}
		if err != nil || o.part.N == 0 && held.tree.N >= h.tree.N {
			return held, b.keepRefused(h.origin, err)
		}
	}
	return getLog(ctx, b.n.DB, id, epoch)
}

// fill fetches an offer's entries, one piece of them when there are very many.
func (b *Book) fill(ctx context.Context, s source, l logRow, tree tlog.Tree, o *offer) error {
	if tree.N <= l.tree.N {
		return nil
	}
	end := tree.N
	if end-l.tree.N > 2*piece {
		end = l.tree.N + piece
		// A piece is only stored if the whole goes through it.
		root, err := tlog.TreeHash(end, s.hashes(ctx, tree))
		if err != nil {
			return badSource(s, err)
		}
		o.part = tlog.Tree{N: end, Hash: root}
	}
	var err error
	o.entries, err = s.entries(ctx, l.tree.N, end)
	return err
}

func badSource(s source, err error) error {
	if core.CodeOf(err) != core.CodeInternal {
		return err
	}
	return core.Invalid("logbook.bad_bundle", fmt.Errorf("tiles at %s: %w", s, err))
}

// dispute finds out who lied when a head does not fit what we hold: the author,
// and then there is a proof, or the source, and then nothing happened.
func (b *Book) dispute(ctx context.Context, s source, id core.MemberID, epoch int64, note []byte) error {
	keys, doc, err := b.KeySet(ctx, id)
	if err != nil {
		return err
	}
	theirs, err := openHead(keys, epoch, note)
	if err != nil {
		return err
	}
	l, err := getLog(ctx, b.n.DB, id, epoch)
	if err != nil {
		return err
	}
	if l.note == nil {
		return core.Unsure("logbook.gap", fmt.Errorf("log %s: nothing vouches for what we hold", l.origin)).With("Member", id)
	}
	read := hashes(ctx, b.n.DB, l.origin, l.tree)
	if theirs.tree.N > l.tree.N {
		read = s.hashes(ctx, theirs.tree)
	}
	f, err := Fork{Origin: id, Epoch: epoch, KeySet: doc}.prove(l.head(), theirs, read)
	if err != nil {
		return badSource(s, err)
	}
	if err := b.accuse(ctx, f); err != nil {
		if core.CodeOf(err) == core.CodeInvalid {
			return core.Invalid("logbook.bad_bundle", fmt.Errorf("entries at %s are not the author's: %w", s, err))
		}
		return err
	}
	return errConflict
}

// syncClosed fetches what we lack of logs a member closed.
func (b *Book) syncClosed(ctx context.Context, at holder, keys KeySet) error {
	for epoch := int64(1); epoch < keys.Epoch(); epoch++ {
		l, err := getLog(ctx, b.n.DB, keys.Origin, epoch)
		if err != nil {
			return err
		}
		end, ok := keys.closed(epoch)
		if !ok || l.tree.N >= end.N {
			continue
		}
		if err := b.stillRefused(l.origin); err != nil {
			return err
		}
		o := offer{member: keys.Origin, epoch: epoch, from: l.tree.N}
		if err := b.fill(ctx, b.sourceAt(at, l.origin), l, end, &o); err != nil {
			return err
		}
		if err := b.takeClosed(ctx, o); err != nil {
			return b.keepRefused(l.origin, err)
		}
	}
	return nil
}

// Discover reads who a node is from its address. Nothing says yet that it is who
// you think: compare the fingerprint of Root. Returns CodeInvalid when the answer
// does not hold together, CodeUnsure when there is none.
func (b *Book) Discover(ctx context.Context, address string) (WellKnown, error) {
	data, err := b.fetch(ctx, holder{address: address}, peer.Request{Path: "/.well-known/entrechat.json", Limit: seal.MaxDocument})
	if err != nil {
		return WellKnown{}, err
	}
	return ParseWellKnown(data)
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

// firstPull bounds how long Adopt waits for the log itself.
const firstPull = 5 * time.Second

// Adopt follows a member whose root key people confirmed, with the key set it
// showed, and fetches its log if it answers now; otherwise the exchange will.
// Codes as for Follow and Learn.
func (b *Book) Adopt(ctx context.Context, w WellKnown) error {
	if err := b.Follow(ctx, w.Origin, w.URL, w.Root); err != nil {
		return err
	}
	if err := b.Learn(ctx, w.Origin, w.KeySet); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, firstPull)
	defer cancel()
	if err := b.pullLog(ctx, w.Origin); err != nil {
		b.n.Log.Debug("log not fetched yet", "member", w.Origin, "error", err)
	}
	return nil
}

// pullLog fetches a member's log from the member itself.
func (b *Book) pullLog(ctx context.Context, id core.MemberID) error {
	keys, _, err := b.KeySet(ctx, id)
	if err != nil {
		return err
	}
	at := holder{id, keys.URL}
	if err := b.syncClosed(ctx, at, keys); err != nil {
		return err
	}
	s := b.sourceAt(at, LogOrigin(id, keys.Epoch()))
	note, err := s.ReadEndpoint(ctx, "checkpoint")
	if err != nil {
		return err
	}
	_, err = b.sync(ctx, s, id, keys.Epoch(), note)
	return err
}
