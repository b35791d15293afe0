package mirror

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
	"entrechat/internal/kit/logbook/format"
	"entrechat/internal/kit/logbook/store"
	"entrechat/internal/kit/peer"
	"entrechat/internal/kit/seal"
)

// Bounds of what one fetch may bring.
const (
	// fetchTime bounds one fetch, and fetchRate, in bytes a second, gives a large
	// answer on a slow line the time it needs.
	fetchTime = time.Minute
	fetchRate = 8 << 10
	// RangeEntries and rangeBytes bound one answer of entries.
	RangeEntries = 256
	RangeBytes   = 1 << 20
	// piece is how many entries of a long backlog are stored at a time, and
	// maxPieces how many pieces one pull takes; the next goes on from there.
	piece     = 2048
	maxPieces = 8
)

// Remote reads logs and documents at other members.
type Remote struct {
	st    *store.Store
	calls Calls
}

// Connect gives the client that everything is read and posted with.
func (c *Remote) Connect(calls Calls) { c.calls = calls }

// Post sends a signed document to a member and reads its answer into out, if not nil.
// Codes as for peer.Client.JSON.
func (c *Remote) Post(ctx context.Context, to core.MemberID, path string, in, out any) error {
	if c.calls == nil {
		return notConnected(string(to))
	}
	return c.calls.JSON(ctx, to, http.MethodPost, path, in, out)
}

func notConnected(to string) error {
	return core.Unsure("peer.unreachable", errors.New("not connected")).With("Member", to)
}

// Source is somebody who serves a log: its author or any mirror. Nothing it says
// is believed.
type Source struct {
	c      *Remote
	holder store.Holder
	path   string // of one log, without a slash at the end
}

// SourceAt is the mirror of a log at a member's. Authors serve their own log the same
// way.
func (c *Remote) SourceAt(at store.Holder, origin string) Source {
	return Source{c, at, "/ec/v1/mirror/" + core.MemberID(origin).Hash()}
}

// String says where, for errors.
func (s Source) String() string { return s.holder.Address + s.path }

func (s Source) fetch(ctx context.Context, path string, limit int64) ([]byte, error) {
	return s.c.fetch(ctx, s.holder, peer.Request{Path: s.path + path, Limit: limit})
}

// fetch reads a public document whole. It is signed when the member is known: a
// stranger waits where strangers wait.
func (c *Remote) fetch(ctx context.Context, at store.Holder, r peer.Request) ([]byte, error) {
	if c.calls == nil {
		return nil, notConnected(at.Address)
	}
	ctx, cancel := context.WithTimeout(ctx, fetchTime+time.Duration(r.Limit/fetchRate)*time.Second)
	defer cancel()
	res, err := c.call(ctx, at, r)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close() //nolint:errcheck // read to its end below
	data, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, core.Unsure("peer.unreachable", fmt.Errorf("read %s%s: %w", at.Address, r.Path, err)).With("Member", at.Address)
	}
	return data, nil
}

func (c *Remote) call(ctx context.Context, at store.Holder, r peer.Request) (*http.Response, error) {
	if at.Member != "" {
		r.Method = http.MethodGet
		return c.calls.Do(ctx, at.Member, r)
	}
	address := strings.TrimSuffix(at.Address, "/") + r.Path
	return c.calls.Get(ctx, address, "", r.Limit)
}

// KeySet fetches the newest key set the source has of the log's member.
func (s Source) KeySet(ctx context.Context) (seal.Envelope, error) {
	data, err := s.fetch(ctx, "/keyset", seal.MaxDocument)
	if err != nil {
		return seal.Envelope{}, err
	}
	return seal.DecodeEnvelope(data)
}

// Entries fetches leaves [from, to) in as many answers as it takes.
func (s Source) Entries(ctx context.Context, from, to int64) ([][]byte, error) {
	var out [][]byte
	for from < to {
		path := "/entries/" + strconv.FormatInt(from, 10) + "/" + strconv.FormatInt(min(to, from+RangeEntries), 10)
		data, err := s.fetch(ctx, path, RangeBytes+format.MaxEntry)
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
func (s Source) hashes(ctx context.Context, tree tlog.Tree) tlog.HashReader {
	return torchwood.TileHashReaderWithContext(ctx, tree, s)
}

// ReadTiles makes a source a torchwood.TileReader.
func (s Source) ReadTiles(ctx context.Context, tiles []tlog.Tile) ([][]byte, error) {
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
func (s Source) SaveTiles([]tlog.Tile, [][]byte) {}

// ReadEndpoint reads another file of the log.
func (s Source) ReadEndpoint(ctx context.Context, path string) ([]byte, error) {
	return s.fetch(ctx, "/"+path, format.MaxHead)
}

var _ torchwood.TileReader = Source{}

// Discover reads who a node is from its address. Nothing says yet that it is who
// you think: compare the fingerprint of Root. Returns CodeInvalid when the answer
// does not hold together, CodeUnsure when there is none.
func (c *Remote) Discover(ctx context.Context, address string) (format.WellKnown, error) {
	data, err := c.fetch(ctx, store.Holder{Address: address}, peer.Request{Path: "/.well-known/entrechat.json", Limit: seal.MaxDocument})
	if err != nil {
		return format.WellKnown{}, err
	}
	return format.ParseWellKnown(data)
}

// Calls is what the exchange needs of other members; peer.Client is one.
type Calls interface {
	// Get is a public, bounded GET that may answer 304 to an etag.
	Get(ctx context.Context, address, etag string, limit int64) (*http.Response, error)
	// Do is a signed request: a member that knows us by it does not take us for a
	// stranger.
	Do(ctx context.Context, to core.MemberID, r peer.Request) (*http.Response, error)
	// JSON is a signed request whose body the signature covers.
	JSON(ctx context.Context, to core.MemberID, method, path string, in, out any) error
}
