package peer

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
)

// Route is one endpoint for members.
type Route struct {
	Pattern string // of http.ServeMux, "PUT /ec/v1/vault/shards/{id}"
	// Public: anybody may call, signed or not; from is empty for who is not proved
	// to be a member we know.
	Public bool
	// Waits says that a request is held open until there is news: a stranger's needs one
	// of few places of their own. nil = never.
	Waits func(r *http.Request) bool
	// Digest: the body must be covered by the signature; it is read whole and
	// checked before Handle. On other routes a covered body is checked while
	// Handle reads it, and fails at its end.
	Digest bool
	// MaxBody bounds the body in bytes; 0 = 64 KiB.
	MaxBody int64
	// Handle answers; an error it returns becomes status and JSON, or cuts the
	// answer off when that has begun. Errors of r.Body already have a code.
	Handle func(w http.ResponseWriter, r *http.Request, from core.MemberID) error
}

// Handler serves routes: it checks form, signature, rate, replay and size before a
// route's own code runs, and turns its errors into answers. Safe for concurrent
// use, as handlers are.
type Handler struct {
	n       Needs
	mux     *http.ServeMux
	gate    *Gate
	replay  replayGuard
	ahead   aheadGuard
	started time.Time
}

// NewHandler makes the handler of all routes; a pattern given twice panics at
// start, as http.ServeMux does.
func NewHandler(n Needs, routes []Route) *Handler {
	gate := n.Gate
	if gate == nil {
		gate = NewGate(RoomFor(math.MaxUint64).Public, nil)
	}
	// Requests carry whole seconds.
	h := &Handler{n: n, mux: http.NewServeMux(), gate: gate, ahead: aheadGuard{db: n.DB}, started: n.Now().Truncate(time.Second)}
	for _, route := range routes {
		h.mux.HandleFunc(route.Pattern, func(w http.ResponseWriter, r *http.Request) {
			a := w.(*answer) //nolint:forcetypeassert,errcheck // ServeHTTP made it
			if err := h.serve(a, r, route); err != nil {
				h.refuse(a, r, err)
			}
		})
	}
	return h
}

// ServeHTTP implements http.Handler.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a := newAnswer(w, r)
	defer a.end()
	defer h.survive(a, r)
	if !plainPath(r.URL.Path) {
		h.refuse(a, r, core.Invalid("peer.bad_path", fmt.Errorf("path %.120q", r.URL.Path)))
		return
	}
	if _, pattern := h.mux.Handler(r); pattern == "" {
		h.refuse(a, r, core.NotFound("peer.no_such_page", fmt.Errorf("%.12q %.120q", r.Method, r.URL.Path)))
		return
	}
	h.mux.ServeHTTP(a, r)
}

// plainPath refuses what http.ServeMux would redirect or a route might take for
// another folder: a path says what it means, escaped or not.
func plainPath(path string) bool {
	if !strings.HasPrefix(path, "/") || strings.ContainsFunc(path, func(r rune) bool { return r < ' ' || r == 0x7f || r == '\\' }) {
		return false
	}
	for part := range strings.SplitSeq(path, "/") {
		if part == "." || part == ".." {
			return false
		}
	}
	return !strings.Contains(path, "//")
}

// survive turns a panic into an answer, or into a cut connection when an answer
// has begun: half of one must not look whole.
func (h *Handler) survive(a *answer, r *http.Request) {
	bug := recover()
	if bug == nil {
		return
	}
	if bug == http.ErrAbortHandler { //nolint:errorlint,err113 // the value itself, as net/http compares it
		panic(bug)
	}
	h.n.Log.Error("handler panicked", "path", r.URL.Path, "bug", bug, "stack", string(debug.Stack()))
	if a.begun {
		panic(http.ErrAbortHandler)
	}
	WriteError(a, core.Internal("core.internal", fmt.Errorf("panic: %v", bug)))
}

func (h *Handler) serve(a *answer, r *http.Request, route Route) error {
	s, err := h.identify(r, route)
	if err != nil {
		return err
	}
	done, err := h.gate.admit(a, r, visitor{s.from, route.Waits != nil && route.Waits(r)}, h.n.Now())
	if err != nil {
		if s.from == "" {
			a.close()
		}
		return err
	}
	defer done()
	if s.from == "" {
		r = r.WithContext(db.Guest(r.Context()))
	} else {
		if err := h.ahead.pass(r.Context(), s.from, s.created, h.n.Now()); err != nil {
			return err
		}
		if err := h.replay.use(s.from, s.nonce, s.created, h.n.Now()); err != nil {
			return err
		}
		if route.Digest && s.digest == "" && r.ContentLength != 0 {
			return badSignature(fmt.Errorf("%s: body is not covered", s.from))
		}
	}
	r, body, err := bound(a, r, route.MaxBody, s.digest)
	if err != nil {
		return err
	}
	if route.Digest {
		if err := body.whole(r); err != nil {
			return err
		}
	}
	return route.Handle(a, r, s.from)
}

// identify answers whose a request is; nobody's, for a public route, is not an
// error. Returns CodeDenied, CodeUnsure.
func (h *Handler) identify(r *http.Request, route Route) (signed, error) {
	if !isSigned(r) && route.Public {
		return signed{}, nil
	}
	done, err := h.gate.check(r.Context())
	if err != nil {
		return signed{}, err
	}
	defer done()
	s, err := parseSigned(r)
	if err != nil {
		return signed{}, badSignature(err)
	}
	keys, err := h.keysOf(r, s.from)
	switch {
	case core.CodeOf(err) == core.CodeNotFound, err == nil && len(keys) == 0:
		if route.Public {
			// A stranger's signature proves nothing, but anybody may ask.
			return signed{}, nil
		}
		return signed{}, core.Denied("peer.unknown_member", errors.Join(fmt.Errorf("%s is unknown here", s.from), err))
	case core.CodeOf(err) == core.CodeDenied && !route.Public:
		return signed{}, err
	case core.CodeOf(err) == core.CodeDenied:
		return signed{}, nil
	case err != nil:
		return signed{}, fmt.Errorf("keys of %s: %w", s.from, err)
	}
	err = s.verify(r, keys, receiver{id: h.n.Signer.ID(), now: h.n.Now(), started: h.started})
	if err != nil && route.Public {
		// Who lost its key signs with one we do not know yet, and brings the document
		// that names it.
		return signed{}, nil
	}
	return s, err
}

// refuse answers an error, or cuts an answer off that has begun.
func (h *Handler) refuse(a *answer, r *http.Request, err error) {
	if core.CodeOf(err) == core.CodeInternal && r.Context().Err() == nil {
		h.n.Log.Error("request failed", "path", r.URL.Path, "error", err)
	} else {
		h.n.Log.Debug("request refused", "path", r.URL.Path, "error", err)
	}
	if a.begun {
		panic(http.ErrAbortHandler)
	}
	WriteError(a, err)
}
