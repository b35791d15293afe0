package logbook

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"filippo.io/torchwood"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"entrechat/internal/core"
	"entrechat/internal/kit/peer"
	"entrechat/internal/kit/seal"
)

// WellKnown is /.well-known/entrechat.json: who a node is, for somebody who has
// only its address.
// spec: docs/spec/exchange.md#well-known
type WellKnown struct {
	Origin   core.MemberID `json:"origin"`
	URL      string        `json:"url"`
	Log      string        `json:"log"` // path of the tile log below URL
	Root     core.RootKey  `json:"root"`
	KeySet   seal.Envelope `json:"keyset"`
	Verifier string        `json:"verifier"` // c2sp.org/signed-note key of the log
	Versions []string      `json:"versions"`
}

// Routes are the logbook's endpoints.
func (b *Book) Routes() []peer.Route {
	own := func(ctx context.Context, _ *http.Request) (row, error) { return getRow(ctx, b.n.DB, b.self()) }
	mirror := func(ctx context.Context, r *http.Request) (row, error) {
		if b.n.Tuning.NoForward {
			return row{}, core.NotFound("logbook.unknown_member", errors.New("not forwarding"))
		}
		return rowByHash(ctx, b.n.DB, r.PathValue("hash"))
	}
	return []peer.Route{
		{Pattern: "GET /.well-known/entrechat.json", Public: true, Handle: b.serveWellKnown},
		{Pattern: "GET /log/checkpoint", Public: true, Handle: b.serveHead(own)},
		{Pattern: "GET /log/tile/{tile...}", Public: true, Handle: b.serveTile(own)},
		{Pattern: "GET /ec/v1/heads", Public: true, Handle: b.serveHeads},
		{Pattern: "GET /ec/v1/mirror/{hash}/checkpoint", Public: true, Handle: b.serveHead(mirror)},
		{Pattern: "GET /ec/v1/mirror/{hash}/tile/{tile...}", Public: true, Handle: b.serveTile(mirror)},
		{Pattern: "POST /ec/v1/add-checkpoint", Public: true, MaxBody: 2 * maxHead, Handle: b.serveAddCheckpoint},
		{Pattern: "POST /ec/v1/keyset", Public: true, MaxBody: MaxEntry, Handle: b.serveKeySet},
		{Pattern: "POST /ec/v1/entries", Digest: true, MaxBody: 2 << 20, Handle: b.serveEntries},
	}
}

type find func(ctx context.Context, r *http.Request) (row, error)

func (b *Book) serveWellKnown(w http.ResponseWriter, r *http.Request, _ core.MemberID) error {
	l, err := getRow(r.Context(), b.n.DB, b.self())
	if err != nil {
		return err
	}
	keys, doc, err := b.KeySet(r.Context(), b.self())
	if err != nil {
		return err
	}
	vkey, err := VerifierKey(b.self(), keys.Current())
	if err != nil {
		return err
	}
	return peer.WriteJSON(w, WellKnown{
		Origin: l.Origin, URL: l.URL, Log: "/log", Root: l.Root, KeySet: doc, Verifier: vkey, Versions: []string{"1"},
	})
}

// serveHead answers a log's head with the cosignatures of its present size.
func (b *Book) serveHead(which find) func(http.ResponseWriter, *http.Request, core.MemberID) error {
	return func(w http.ResponseWriter, r *http.Request, _ core.MemberID) error {
		l, err := which(r.Context(), r)
		if err != nil {
			return err
		}
		if l.Note == nil {
			return core.NotFound("logbook.no_head", fmt.Errorf("no head of %s yet", l.Origin)).With("Member", l.Origin)
		}
		lines, err := getCosignatures(r.Context(), b.n.DB, l.Origin, l.Tree.N)
		if err != nil {
			return err
		}
		text := string(l.Note)
		for _, line := range lines {
			if !strings.Contains(text, line) && len(text)+len(line) < maxHead {
				text += line
			}
		}
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Header().Set("Cache-Control", "no-cache")
		_, err = io.WriteString(w, text)
		return ignoreGone(err)
	}
}

// ignoreGone: the asker left; there is nobody to answer.
func ignoreGone(error) error { return nil }

func (b *Book) serveTile(which find) func(http.ResponseWriter, *http.Request, core.MemberID) error {
	return func(w http.ResponseWriter, r *http.Request, _ core.MemberID) error {
		tile, err := torchwood.ParseTilePath("tile/" + r.PathValue("tile"))
		if err != nil {
			return core.NotFound("logbook.no_tile", err)
		}
		l, err := which(r.Context(), r)
		if err != nil {
			return err
		}
		data, err := b.readTile(r.Context(), l, tile)
		if err != nil {
			return err
		}
		// A tile never changes: full ones are final, partial ones are named by width.
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
		w.Header().Set("Content-Type", "application/octet-stream")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		_, err = w.Write(data) //nolint:gosec // tiles are octets, never a page; nosniff
		return ignoreGone(err)
	}
}

func (b *Book) serveHeads(w http.ResponseWriter, r *http.Request, _ core.MemberID) error {
	after, err := strconv.ParseInt(r.URL.Query().Get("after"), 10, 64)
	if err != nil && r.URL.Query().Get("after") != "" {
		return core.Invalid("logbook.bad_cursor", err)
	}
	store, err := b.storeID(r.Context())
	if err != nil {
		return err
	}
	if r.URL.Query().Get("store") != store {
		after = 0
	}
	wait, _ := strconv.Atoi(r.URL.Query().Get("wait"))
	if err := b.awaitChange(r.Context(), after, time.Duration(min(max(wait, 0), 50))*time.Second); err != nil {
		return err
	}
	answer := headsAnswer{Store: store, Cursor: after, Logs: []headHint{}}
	rows, err := allRows(r.Context(), b.n.DB, after)
	if err != nil {
		return err
	}
	for _, l := range rows[:min(len(rows), maxHints)] {
		answer.Cursor = l.Seq
		if l.Note == nil || b.n.Tuning.NoForward && l.Origin != b.self() {
			continue
		}
		answer.Logs = append(answer.Logs, headHint{
			Origin: l.Origin, Size: l.Tree.N, Root: base64.StdEncoding.EncodeToString(l.Tree.Hash[:]), Signed: l.Signed,
		})
	}
	return peer.WriteJSON(w, answer)
}

// awaitChange returns when a log changed after the cursor or wait is over.
func (b *Book) awaitChange(ctx context.Context, after int64, wait time.Duration) error {
	if wait <= 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	for {
		b.mu.Lock()
		changed := b.changed
		b.mu.Unlock()
		seq, err := lastSeq(ctx, b.n.DB)
		if ctx.Err() != nil || seq > after {
			return nil
		}
		if err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-changed:
		case <-time.After(2 * time.Second): // another process of this node may have written
		}
	}
}

// serveKeySet learns the newer key set of a member we follow. Anybody may bring
// it: the root key's signature is what counts, and a member that lost its online
// key could not sign the request.
func (b *Book) serveKeySet(w http.ResponseWriter, r *http.Request, _ core.MemberID) error {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return core.Invalid("peer.bad_body", err)
	}
	doc, err := seal.DecodeEnvelope(body)
	if err != nil {
		return err
	}
	for _, id := range doc.Signers() {
		if err := b.Learn(r.Context(), id, doc); err != nil {
			return err
		}
	}
	return peer.WriteJSON(w, struct{}{})
}

// serveEntries takes what an author posts of its own log.
func (b *Book) serveEntries(w http.ResponseWriter, r *http.Request, from core.MemberID) error {
	var m entriesMessage
	if err := peer.ReadJSON(r, &m); err != nil {
		return err
	}
	if len(m.Entries) > maxPost || m.Start < 0 {
		return core.Invalid("logbook.too_long", fmt.Errorf("%d entries", len(m.Entries)))
	}
	o := offer{note: []byte(m.Head), start: m.Start}
	for _, text := range m.Entries {
		data, err := base64.StdEncoding.Strict().DecodeString(text)
		if err != nil {
			return core.Invalid("logbook.bad_entry", err)
		}
		o.entries = append(o.entries, data)
	}
	head, err := b.take(r.Context(), from, o)
	if errors.Is(err, errForked) {
		return b.forkedPost(r.Context(), from, m)
	}
	if err != nil && core.CodeOf(err) != core.CodeConflict {
		return err
	}
	l, err := getRow(r.Context(), b.n.DB, from)
	if err != nil {
		return err
	}
	answer := entriesAnswer{Size: l.Tree.N}
	if l.Tree == head.Tree && l.Note != nil {
		if answer.Cosignature, err = cosign(b.n.Signer, head); err != nil {
			return err
		}
	}
	return peer.WriteJSON(w, answer)
}

// forkedPost: an author posted a head that contradicts what it told us before.
// A proof over different sizes needs its tiles, which we ask of it.
func (b *Book) forkedPost(ctx context.Context, from core.MemberID, m entriesMessage) error {
	base, err := b.URL(ctx, from)
	if err != nil {
		return err
	}
	if err := b.proveFrom(ctx, from, logURL(base), []byte(m.Head)); err != nil {
		return core.Conflict("logbook.forked", fmt.Errorf("%s posts another history: %w", from, err)).With("Member", from)
	}
	return core.Conflict("logbook.forked", fmt.Errorf("%s posts another history", from)).With("Member", from)
}

// serveAddCheckpoint is the witness endpoint of c2sp.org/tlog-witness. As we are
// a mirror as well, we cosign only heads whose entries we hold: they are fetched
// from the author first.
func (b *Book) serveAddCheckpoint(w http.ResponseWriter, r *http.Request, _ core.MemberID) error {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return core.Invalid("peer.bad_body", err)
	}
	old, proof, signed, err := parseAddCheckpoint(string(body))
	if err != nil {
		return core.Invalid("logbook.bad_head", err)
	}
	origin, _, _ := strings.Cut(string(signed), "\n")
	l, err := getRow(r.Context(), b.n.DB, core.MemberID(origin))
	if err != nil {
		return err
	}
	if old != l.Tree.N {
		w.Header().Set("Content-Type", "text/x.tlog.size")
		w.WriteHeader(http.StatusConflict)
		_, err := fmt.Fprintf(w, "%d\n", l.Tree.N)
		return ignoreGone(err)
	}
	claimed, err := claimedTree(signed, l.Origin)
	if err != nil {
		return err
	}
	if claimed.N != old || old > 0 && claimed.Hash != l.Tree.Hash {
		if err := tlog.CheckTree(proof, claimed.N, claimed.Hash, old, l.Tree.Hash); err != nil && old > 0 {
			w.WriteHeader(http.StatusUnprocessableEntity)
			return nil
		}
	}
	head, err := b.pullUpTo(r.Context(), l.Origin, logURL(l.URL), signed)
	if err != nil {
		return err
	}
	line, err := cosign(b.n.Signer, head)
	if err != nil {
		return err
	}
	_, err = io.WriteString(w, line)
	return ignoreGone(err)
}

// parseAddCheckpoint reads "old N", proof lines, an empty line, the checkpoint.
func parseAddCheckpoint(body string) (old int64, proof tlog.TreeProof, signed []byte, err error) {
	head, rest, ok := strings.Cut(body, "\n\n")
	lines := strings.Split(head, "\n")
	number, isOld := strings.CutPrefix(lines[0], "old ")
	if !ok || !isOld || len(lines) > 64 {
		return 0, nil, nil, errors.New("not an add-checkpoint request")
	}
	if old, err = strconv.ParseInt(number, 10, 64); err != nil || old < 0 {
		return 0, nil, nil, fmt.Errorf("old size %.20q", number)
	}
	for _, line := range lines[1:] {
		h, err := parseHash(line)
		if err != nil {
			return 0, nil, nil, err
		}
		proof = append(proof, h)
	}
	return old, proof, []byte(rest), nil
}

// keepCosignature stores a neighbour's line for our head if it verifies.
func (b *Book) keepCosignature(ctx context.Context, id core.MemberID, l row, line string) error {
	keys, err := b.Keys(ctx, id)
	if err != nil {
		return err
	}
	text, _, _ := strings.Cut(string(l.Note), "\n\n")
	valid := slices.ContainsFunc(keys, func(key ed25519.PublicKey) bool {
		_, timed, err := verifiers(id, key)
		if err != nil {
			return false
		}
		_, err = note.Open([]byte(text+"\n\n"+line), note.VerifierList(timed))
		return err == nil
	})
	if !valid || strings.Count(line, "\n") != 1 {
		return core.Denied("logbook.bad_cosignature", fmt.Errorf("cosignature of %s does not hold", id)).With("Member", id)
	}
	return putCosignature(ctx, b.n.DB, l, id, line)
}
