package serve

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"filippo.io/torchwood"
	"golang.org/x/mod/sumdb/tlog"

	"entrechat/internal/core"
	"entrechat/internal/kit/logbook/format"
	"entrechat/internal/kit/logbook/members"
	"entrechat/internal/kit/logbook/mirror"
	"entrechat/internal/kit/logbook/store"
	"entrechat/internal/kit/peer"
	"entrechat/internal/kit/static"
)

// Cache-Control values: a tile, or a range of entries, never changes.
const (
	immutable = "public, max-age=31536000, immutable"
	noCache   = "no-cache"
)

// Server answers members, and whoever else reads logs.
type Server struct {
	st       *store.Store
	reg      *members.Registry
	remote   *mirror.Remote
	contacts *mirror.Contacts
	mirror   *mirror.Mirror
	exchange *mirror.Exchange
	instance string
	// noForward answers nothing about others: a bad neighbour, for simulations.
	noForward bool
}

// Needs is what a server is made of.
type Needs struct {
	Store     *store.Store
	Members   *members.Registry
	Parts     mirror.Parts
	Instance  string // a random name of this process
	NoForward bool
}

// New makes a server.
func New(n Needs) *Server {
	return &Server{
		st: n.Store, reg: n.Members, remote: n.Parts.Remote, contacts: n.Parts.Contacts, mirror: n.Parts.Mirror,
		exchange: n.Parts.Exchange, instance: n.Instance, noForward: n.NoForward,
	}
}

// Routes are the logbook's endpoints.
// spec: docs/spec/exchange.md#addresses
func (s *Server) Routes() []peer.Route {
	return []peer.Route{
		{Pattern: "GET /.well-known/entrechat.json", Public: true, Handle: s.serveWellKnown},
		{Pattern: "GET /log/{path...}", Public: true, Handle: s.serveOwn},
		{Pattern: "GET /ec/v1/mirror/{hash}/{path...}", Public: true, Handle: s.serveMirror},
		{Pattern: "GET /ec/v1/heads", Public: true, Waits: waits, Handle: s.serveHeads},
		{Pattern: "POST /ec/v1/add-checkpoint", Public: true, MaxBody: 2 * format.MaxHead, Handle: s.serveAddCheckpoint},
		{Pattern: "POST /ec/v1/keyset", Public: true, MaxBody: 64 << 10, Handle: s.serveKeySet},
		{Pattern: "POST /ec/v1/entries", Digest: true, MaxBody: format.MaxPostBody, Handle: s.serveEntries},
		{Pattern: "POST /ec/v1/inbox", Digest: true, Handle: s.serveInbox},
	}
}

func (s *Server) serveWellKnown(w http.ResponseWriter, r *http.Request, _ core.MemberID) error {
	keys, doc, err := s.reg.KeySet(r.Context(), s.st.Self())
	if err != nil {
		return err
	}
	out := format.WellKnown{
		Origin: s.st.Self(), URL: keys.URL, Root: keys.Root, KeySet: doc, Log: logPath(keys.Epoch()),
		Versions: []string{"1"}, Instance: s.instance,
	}
	if key := keys.Current(); key != nil {
		if out.Verifier, err = format.LogVerifier(s.st.Self(), keys.Epoch(), key); err != nil {
			return err
		}
		witness, err := format.WitnessVerifier(s.st.Self(), key)
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
func (s *Server) serveOwn(w http.ResponseWriter, r *http.Request, _ core.MemberID) error {
	path, epoch := r.PathValue("path"), int64(1)
	if first, rest, ok := strings.Cut(path, "/"); ok {
		if n, err := strconv.ParseInt(first, 10, 64); err == nil && n > 1 && first == strconv.FormatInt(n, 10) {
			path, epoch = rest, n
		}
	}
	l, err := store.GetLog(r.Context(), s.st.DB, s.st.Self(), epoch)
	if err != nil {
		return err
	}
	return s.serveLog(w, r, l, path)
}

func (s *Server) serveMirror(w http.ResponseWriter, r *http.Request, _ core.MemberID) error {
	l, err := store.LogByHash(r.Context(), s.st.DB, r.PathValue("hash"))
	if err != nil {
		return err
	}
	if s.noForward && l.Member != s.st.Self() {
		return core.NotFound("logbook.unknown_member", errors.New("not forwarding")).With("Member", l.Member)
	}
	return s.serveLog(w, r, l, r.PathValue("path"))
}

// serveLog serves one file of a log.
func (s *Server) serveLog(w http.ResponseWriter, r *http.Request, l store.LogRow, path string) error {
	switch {
	case path == "checkpoint":
		return s.serveHead(w, r, l)
	case path == "keyset":
		return s.serveKeys(w, r, l.Member)
	case strings.HasPrefix(path, "tile/"):
		return s.serveTile(w, r, l, path)
	case strings.HasPrefix(path, "entries/"):
		return s.serveRange(w, r, l, strings.TrimPrefix(path, "entries/"))
	}
	return core.NotFound("logbook.no_tile", fmt.Errorf("no file %.80q in a log", path))
}

func (s *Server) serveHead(w http.ResponseWriter, r *http.Request, l store.LogRow) error {
	if l.Note == nil {
		return core.NotFound("logbook.no_head", fmt.Errorf("no head of %s", l.Origin)).With("Member", l.Member)
	}
	lines, err := store.GetCosignatures(r.Context(), s.st.DB, l.Origin, l.Tree.N)
	if err != nil {
		return err
	}
	text := string(l.Note)
	if l.Member != s.st.Self() {
		text += l.Cosig // a mirror says that it holds what is under the head
	}
	for _, line := range lines {
		if !strings.Contains(text, line) && len(text)+len(line) < format.MaxHead {
			text += line
		}
	}
	return answer(w, r, "text/plain; charset=utf-8", noCache, []byte(text))
}

func (s *Server) serveKeys(w http.ResponseWriter, r *http.Request, id core.MemberID) error {
	m, err := store.GetMember(r.Context(), s.st.DB, id)
	if err != nil {
		return err
	}
	if len(m.Doc) == 0 {
		return core.NotFound("logbook.no_keyset", fmt.Errorf("no key set of %s", id)).With("Member", id)
	}
	return answer(w, r, "application/json", noCache, m.Doc)
}

func (s *Server) serveTile(w http.ResponseWriter, r *http.Request, l store.LogRow, path string) error {
	t, err := torchwood.ParseTilePath(path)
	if err != nil {
		return core.NotFound("logbook.no_tile", err)
	}
	// Compared by shifting down: a tile number far out must not overflow.
	below := max(t.L, 0) * torchwood.TileHeight
	if below > 40 || t.N > l.Tree.N || t.N<<torchwood.TileHeight+int64(t.W) > l.Tree.N>>below {
		return core.NotFound("logbook.no_tile", fmt.Errorf("tile %s of %s is not there yet", path, l.Origin))
	}
	if t.L < 0 {
		from := t.N * torchwood.TileWidth
		page, err := s.st.Leaves(r.Context(), l, from, from+int64(t.W))
		if err != nil {
			return err
		}
		return serveBundle(w, r, page)
	}
	data, err := tlog.ReadTileData(t, store.Hashes(r.Context(), s.st.DB, l.Origin, l.Tree))
	if err != nil {
		return s.st.Suspect(store.Damaged(l.Origin, err))
	}
	return answer(w, r, "application/octet-stream", immutable, data)
}

// serveRange serves entries [from, to) in the form of an entry bundle, or the
// first of them when they would be too much.
func (s *Server) serveRange(w http.ResponseWriter, r *http.Request, l store.LogRow, path string) error {
	first, last, ok := strings.Cut(path, "/")
	from, err1 := strconv.ParseInt(first, 10, 64)
	to, err2 := strconv.ParseInt(last, 10, 64)
	if !ok || err1 != nil || err2 != nil || from < 0 || to <= from || to > l.Tree.N {
		return core.NotFound("logbook.no_tile", fmt.Errorf("no entries %.40q in %s", path, l.Origin))
	}
	page, err := s.st.Leaves(r.Context(), l, from, min(to, from+mirror.RangeEntries))
	if err != nil {
		return err
	}
	size := 0
	for i, s := range page {
		if size += len(s.Data); size > mirror.RangeBytes && i > 0 {
			page = page[:i]
			break
		}
	}
	return serveBundle(w, r, page)
}

// serveBundle serves leaves as an entry bundle of c2sp.org/tlog-tiles.
func serveBundle(w http.ResponseWriter, r *http.Request, page []store.LeafRow) error {
	var out []byte
	var err error
	for _, s := range page {
		if out, err = torchwood.AppendTileEntry(out, s.Data); err != nil {
			return err
		}
	}
	return answer(w, r, "application/octet-stream", immutable, out)
}

// answer writes a document that is named by its content.
func answer(w http.ResponseWriter, r *http.Request, kind, cache string, data []byte) error {
	static.Serve(w, r, kind, cache, data)
	return nil
}
