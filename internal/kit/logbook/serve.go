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
	"entrechat/internal/kit/wire"
)

// Cache-Control values: a tile, or a range of entries, never changes.
const (
	forEver = "public, max-age=31536000, immutable"
	ask     = "no-cache"
)

// Routes are the logbook's endpoints.
// spec: docs/spec/exchange.md#addresses
func (b *Book) Routes() []peer.Route {
	return []peer.Route{
		{Pattern: "GET /.well-known/entrechat.json", Public: true, Handle: b.serveWellKnown},
		{Pattern: "GET /log/{path...}", Public: true, Handle: b.serveOwn},
		{Pattern: "GET /ec/v1/mirror/{hash}/{path...}", Public: true, Handle: b.serveMirror},
		{Pattern: "GET /ec/v1/heads", Public: true, Waits: waits, Handle: b.serveHeads},
		{Pattern: "POST /ec/v1/add-checkpoint", Public: true, MaxBody: 2 * maxHead, Handle: b.serveAddCheckpoint},
		{Pattern: "POST /ec/v1/keyset", Public: true, MaxBody: 64 << 10, Handle: b.serveKeySet},
		{Pattern: "POST /ec/v1/entries", Digest: true, MaxBody: maxPostBody, Handle: b.serveEntries},
		{Pattern: "POST /ec/v1/inbox", Digest: true, Handle: b.serveInbox},
	}
}

func (b *Book) serveWellKnown(w http.ResponseWriter, r *http.Request, _ core.MemberID) error {
	keys, doc, err := b.KeySet(r.Context(), b.self())
	if err != nil {
		return err
	}
	out := WellKnown{
		Origin: b.self(), URL: keys.URL, Root: keys.Root, KeySet: doc, Log: logPath(keys.Epoch()),
		Versions: []string{"1"}, Instance: b.instance,
	}
	if key := keys.Current(); key != nil {
		if out.Verifier, err = LogVerifier(b.self(), keys.Epoch(), key); err != nil {
			return err
		}
		witness, err := WitnessVerifier(b.self(), key)
		if err != nil {
			return err
		}
		out.Witness = witness.String()
	}
	return peer.WriteJSON(w, out)
}

// logPath is where a member serves its own log of an epoch.
func logPath(epoch int64) string {
	if epoch <= 1 {
		return "/log"
	}
	return "/log/" + strconv.FormatInt(epoch, 10)
}

// serveOwn serves our own logs at the addresses other programs expect: /log/... is
// the first, /log/2/... the second.
func (b *Book) serveOwn(w http.ResponseWriter, r *http.Request, _ core.MemberID) error {
	path, epoch := r.PathValue("path"), int64(1)
	if first, rest, ok := strings.Cut(path, "/"); ok {
		if n, err := strconv.ParseInt(first, 10, 64); err == nil && n > 1 && first == strconv.FormatInt(n, 10) {
			path, epoch = rest, n
		}
	}
	l, err := getLog(r.Context(), b.n.DB, b.self(), epoch)
	if err != nil {
		return err
	}
	return b.serveLog(w, r, l, path)
}

func (b *Book) serveMirror(w http.ResponseWriter, r *http.Request, _ core.MemberID) error {
	l, err := logByHash(r.Context(), b.n.DB, r.PathValue("hash"))
	if err != nil {
		return err
	}
	if b.n.Tuning.NoForward && l.member != b.self() {
		return core.NotFound("logbook.unknown_member", errors.New("not forwarding")).With("Member", l.member)
	}
	return b.serveLog(w, r, l, r.PathValue("path"))
}

// serveLog serves one file of a log.
func (b *Book) serveLog(w http.ResponseWriter, r *http.Request, l logRow, path string) error {
	switch {
	case path == "checkpoint":
		return b.serveHead(w, r, l)
	case path == "keyset":
		return b.serveKeys(w, r, l.member)
	case strings.HasPrefix(path, "tile/"):
		return b.serveTile(w, r, l, path)
	case strings.HasPrefix(path, "entries/"):
		return b.serveRange(w, r, l, strings.TrimPrefix(path, "entries/"))
	}
	return core.NotFound("logbook.no_tile", fmt.Errorf("no file %.80q in a log", path))
}

func (b *Book) serveHead(w http.ResponseWriter, r *http.Request, l logRow) error {
	if l.note == nil {
		return core.NotFound("logbook.no_head", fmt.Errorf("no head of %s", l.origin)).With("Member", l.member)
	}
	lines, err := getCosignatures(r.Context(), b.n.DB, l.origin, l.tree.N)
	if err != nil {
		return err
	}
	text := string(l.note)
	if l.member != b.self() {
		text += l.cosig // a mirror says that it holds what is under the head
	}
	for _, line := range lines {
		if !strings.Contains(text, line) && len(text)+len(line) < maxHead {
			text += line
		}
	}
	return answer(w, r, "text/plain; charset=utf-8", ask, []byte(text))
}

func (b *Book) serveKeys(w http.ResponseWriter, r *http.Request, id core.MemberID) error {
	m, err := getMember(r.Context(), b.n.DB, id)
	if err != nil {
		return err
	}
	if len(m.doc) == 0 {
		return core.NotFound("logbook.no_keyset", fmt.Errorf("no key set of %s", id)).With("Member", id)
	}
	return answer(w, r, "application/json", ask, m.doc)
}

func (b *Book) serveTile(w http.ResponseWriter, r *http.Request, l logRow, path string) error {
	t, err := torchwood.ParseTilePath(path)
	if err != nil {
		return core.NotFound("logbook.no_tile", err)
	}
	// Compared by shifting down: a tile number far out must not overflow.
	below := max(t.L, 0) * torchwood.TileHeight
	if below > 40 || t.N > l.tree.N || t.N<<torchwood.TileHeight+int64(t.W) > l.tree.N>>below {
		return core.NotFound("logbook.no_tile", fmt.Errorf("tile %s of %s is not there yet", path, l.origin))
	}
	if t.L < 0 {
		from := t.N * torchwood.TileWidth
		page, err := b.leaves(r.Context(), l, from, from+int64(t.W))
		if err != nil {
			return err
		}
		return serveBundle(w, r, page)
	}
	data, err := tlog.ReadTileData(t, hashes(r.Context(), b.n.DB, l.origin, l.tree))
	if err != nil {
		return b.suspect(damaged(l.origin, err))
	}
	return answer(w, r, "application/octet-stream", forEver, data)
}

// serveRange serves entries [from, to) in the form of an entry bundle, or the
// first of them when they would be too much.
func (b *Book) serveRange(w http.ResponseWriter, r *http.Request, l logRow, path string) error {
	first, last, ok := strings.Cut(path, "/")
	from, err1 := strconv.ParseInt(first, 10, 64)
	to, err2 := strconv.ParseInt(last, 10, 64)
	if !ok || err1 != nil || err2 != nil || from < 0 || to <= from || to > l.tree.N {
		return core.NotFound("logbook.no_tile", fmt.Errorf("no entries %.40q in %s", path, l.origin))
	}
	page, err := b.leaves(r.Context(), l, from, min(to, from+rangeEntries))
	if err != nil {
		return err
	}
	size := 0
	for i, s := range page {
		if size += len(s.data); size > rangeBytes && i > 0 {
			page = page[:i]
			break
		}
	}
	return serveBundle(w, r, page)
}

// leaves reads the leaves [from, to) of a log, every one, as they were signed: who
// asks must not take our disk's fault for a lie.
func (b *Book) leaves(ctx context.Context, l logRow, from, to int64) ([]stored, error) {
	page, err := b.page(ctx, l, from, int(to-from))
	if err == nil && int64(len(page)) != to-from {
		err = b.suspect(damaged(l.origin, fmt.Errorf("entry %d is missing", from+int64(len(page)))))
	}
	return page, err
}

// serveBundle serves leaves as an entry bundle of c2sp.org/tlog-tiles.
func serveBundle(w http.ResponseWriter, r *http.Request, page []stored) error {
	var out []byte
	var err error
	for _, s := range page {
		if out, err = torchwood.AppendTileEntry(out, s.data); err != nil {
			return err
		}
	}
	return answer(w, r, "application/octet-stream", forEver, out)
}

// answer writes a document with an etag and honours If-None-Match.
func answer(w http.ResponseWriter, r *http.Request, kind, cache string, data []byte) error {
	sum := tlog.RecordHash(data)
	etag := fmt.Sprintf(`"%x"`, sum[:8])
	h := w.Header()
	h.Set("Content-Type", kind)
	h.Set("Cache-Control", cache)
	h.Set("ETag", etag)
	h.Set("X-Content-Type-Options", "nosniff")
	if r.Header.Get("If-None-Match") == etag {
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	_, _ = w.Write(data) //nolint:gosec // an error: the asker is gone; the type is said, and nosniff
	return nil
}

// headsAnswer is what /ec/v1/heads says.
// spec: docs/spec/exchange.md#heads
type headsAnswer struct {
	// Store names the numbering that Cursor belongs to: a node that was restored
	// or began again counts anew.
	Store  string     `json:"store"`
	Cursor int64      `json:"cursor"`
	Heads  []headItem `json:"heads"`
}

// headItem is one log that changed. The head is signed by its author; the rest is
// a hint.
type headItem struct {
	Member  core.MemberID `json:"member"`
	Epoch   int64         `json:"epoch"`
	Version int64         `json:"version"`        // of the member's key set
	Head    string        `json:"head,omitempty"` // signed checkpoint, absent while none counts
}

// Bounds of a heads answer.
const (
	headsLimit = 8 << 20
	maxWait    = 50 * time.Second
	// settleTime is how long a long poll waits for more once something changed, so
	// that a burst is one answer.
	settleTime = 2 * time.Second
)

// waits says that a question for heads is held open.
func waits(r *http.Request) bool {
	wait, err := strconv.Atoi(r.URL.Query().Get("wait"))
	return err == nil && wait > 0
}

func (b *Book) serveHeads(w http.ResponseWriter, r *http.Request, from core.MemberID) error {
	b.calledBy(r.Context(), from)
	after, err := strconv.ParseInt(r.URL.Query().Get("after"), 10, 64)
	if text := r.URL.Query().Get("after"); err != nil && text != "" || after < 0 {
		return core.Invalid("logbook.bad_cursor", fmt.Errorf("%.40q", text))
	}
	store, last, err := storeState(r.Context(), b.n.DB)
	if err != nil {
		return err
	}
	if r.URL.Query().Get("store") != store {
		after = 0
	}
	wait, err := strconv.Atoi(r.URL.Query().Get("wait"))
	if err == nil && wait > 0 {
		b.awaitChange(r.Context(), after, min(time.Duration(wait)*time.Second, maxWait))
	}
	out := headsAnswer{Store: store, Cursor: after, Heads: []headItem{}}
	if last > after || wait > 0 {
		if err := b.headsAfter(r.Context(), &out); err != nil {
			return err
		}
	}
	data, err := wire.Encode(out)
	if err != nil {
		return err
	}
	return answer(w, r, "application/json", ask, data)
}

// headsAfter fills in what changed after an answer's cursor, and moves it.
func (b *Book) headsAfter(ctx context.Context, out *headsAnswer) error {
	logs, err := logsAfter(ctx, b.n.DB, out.Cursor, maxLogs)
	if err != nil || len(logs) == 0 {
		return err
	}
	versions, err := versionsAfter(ctx, b.n.DB, out.Cursor)
	if err != nil {
		return err
	}
	for _, l := range logs {
		out.Cursor = l.seq
		v := versions[l.member]
		if v == 0 || b.n.Tuning.NoForward && l.member != b.self() {
			continue
		}
		out.Heads = append(out.Heads, headItem{Member: l.member, Epoch: l.epoch, Version: v, Head: string(l.note)})
	}
	return nil
}

// awaitChange returns when a log changed after the cursor, a moment later, or when
// the wait is over.
func (b *Book) awaitChange(ctx context.Context, after int64, wait time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	look := time.NewTicker(2 * time.Second) // another process of this node may write
	defer look.Stop()
	for {
		changed := b.changes()
		if seq, err := lastSeq(ctx, b.n.DB); err != nil || seq > after {
			select {
			case <-time.After(settleTime):
			case <-ctx.Done():
			}
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-changed:
		case <-look.C:
		}
	}
}

// serveInbox takes the hint that a member has news: nothing in it is believed, it
// only makes us ask that member soon.
func (b *Book) serveInbox(w http.ResponseWriter, r *http.Request, from core.MemberID) error {
	_, _ = io.Copy(io.Discard, r.Body)
	if err := updateContact(r.Context(), b.n.DB, from, func(c *contact) { c.failures, c.retry = 0, 0 }); err != nil {
		return err
	}
	select {
	case b.hints <- from:
	default: // busy: the regular round comes to it
	}
	w.WriteHeader(http.StatusAccepted)
	return nil
}
