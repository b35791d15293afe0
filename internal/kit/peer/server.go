package peer

import (
	"bytes"
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime/debug"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"entrechat/internal/core"
	"entrechat/internal/kit/wire"
)

// Route is one endpoint for members.
type Route struct {
	Pattern string // of http.ServeMux, "PUT /ec/v1/vault/shards/{id}"
	// Public: anybody may call, signed or not; from is empty for the unsigned.
	Public bool
	// Digest: the body must be covered by the signature; it is read whole and
	// checked before Handle.
	Digest bool
	// MaxBody bounds the body in bytes; 0 = 64 KiB.
	MaxBody int64
	// Handle answers; an error it returns becomes status and JSON.
	Handle func(w http.ResponseWriter, r *http.Request, from core.MemberID) error
}

const (
	defaultMaxBody = 64 << 10
	// progress is what a body must bring within patience, or it is cut.
	progress = 16 << 10
	patience = 30 * time.Second
	// What one member may ask: requests per second and at once.
	perSecond = 300
	burst     = 600
	atOnce    = 64
	// maxMembers bounds the books kept per member.
	maxMembers = 10_000
)

// NewServer is an http.Server with bounds on everything a stranger can stretch.
func NewServer(address string, h http.Handler) *http.Server {
	return &http.Server{
		Addr: address, Handler: h,
		ReadHeaderTimeout: 5 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    32 << 10,
	}
}

// Handler serves routes: it checks signature, replay, rate and size before a
// route's own code runs, and turns its errors into answers.
type Handler struct {
	n      Needs
	mux    *http.ServeMux
	replay replayGuard

	mu    sync.Mutex
	books map[core.MemberID]*book
}

// book is what we count for one member.
type book struct {
	rate   *rate.Limiter
	flying int
}

// NewHandler makes the handler of all routes; a pattern given twice panics at
// start, as http.ServeMux does.
func NewHandler(n Needs, routes []Route) *Handler {
	h := &Handler{n: n, mux: http.NewServeMux(), books: map[core.MemberID]*book{}}
	for _, route := range routes {
		h.mux.HandleFunc(route.Pattern, func(w http.ResponseWriter, r *http.Request) { h.serve(w, r, route) })
	}
	return h
}

func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) { h.mux.ServeHTTP(w, r) }

func (h *Handler) serve(w http.ResponseWriter, r *http.Request, route Route) {
	defer func() {
		if bug := recover(); bug != nil {
			h.n.Log.Error("handler panicked", "path", r.URL.Path, "bug", bug, "stack", string(debug.Stack()))
			WriteError(w, core.Internal("core.internal", fmt.Errorf("panic: %v", bug)))
		}
	}()
	from, err := h.identify(r, route)
	if err != nil {
		h.refuse(w, r, err)
		return
	}
	if from != "" {
		done, err := h.admit(from)
		if err != nil {
			h.refuse(w, r, err)
			return
		}
		defer done()
	}
	if err := h.prepareBody(w, r, route); err != nil {
		h.refuse(w, r, err)
		return
	}
	if err := route.Handle(w, r, from); err != nil {
		h.refuse(w, r, err)
	}
}

func (h *Handler) refuse(w http.ResponseWriter, r *http.Request, err error) {
	if core.CodeOf(err) == core.CodeInternal {
		h.n.Log.Error("request failed", "path", r.URL.Path, "error", err)
	} else {
		h.n.Log.Debug("request refused", "path", r.URL.Path, "error", err)
	}
	WriteError(w, err)
}

// identify answers who signed, "" for an unsigned request to a public route.
func (h *Handler) identify(r *http.Request, route Route) (core.MemberID, error) {
	header := r.Header.Get(headerInput)
	if header == "" && route.Public {
		return "", nil
	}
	denied := func(err error) error { return core.Denied("peer.bad_signature", err) }
	p, err := parseParams(header)
	if err != nil {
		return "", denied(err)
	}
	keys, err := h.n.Keyring.Keys(r.Context(), p.from)
	if err != nil && core.CodeOf(err) != core.CodeNotFound {
		return "", err
	}
	now := h.n.Now()
	if err := verify(r, h.n.Signer.ID(), now, keys, p); err != nil {
		if route.Public {
			return "", nil // a signature that proves nothing: anybody may ask
		}
		return "", denied(fmt.Errorf("%s: %w", p.from, err))
	}
	if route.Digest && !p.digest {
		return "", denied(errors.New("body is not covered by the signature"))
	}
	fresh, full := h.replay.first(p.from, p.nonce, now)
	if full {
		return "", core.Unsure("peer.slow_down", fmt.Errorf("%s sends too much", p.from))
	}
	if !fresh {
		return "", denied(fmt.Errorf("%s: replayed request", p.from))
	}
	return p.from, nil
}

// admit counts a request of a member; done gives the place back.
func (h *Handler) admit(from core.MemberID) (done func(), err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	b := h.books[from]
	if b == nil {
		if len(h.books) >= maxMembers {
			clear(h.books)
		}
		b = &book{rate: rate.NewLimiter(perSecond, burst)}
		h.books[from] = b
	}
	if b.flying >= atOnce || !b.rate.AllowN(h.n.Now(), 1) {
		return nil, core.Unsure("peer.slow_down", fmt.Errorf("%s sends too much at once", from))
	}
	b.flying++
	return func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		b.flying--
	}, nil
}

// prepareBody bounds the body in size and slowness; a covered one is read whole
// and checked.
func (h *Handler) prepareBody(w http.ResponseWriter, r *http.Request, route Route) error {
	limit := route.MaxBody
	if limit == 0 {
		limit = defaultMaxBody
	}
	if r.ContentLength > limit {
		return core.Invalid("peer.too_large", fmt.Errorf("%d bytes, at most %d", r.ContentLength, limit))
	}
	r.Body = http.MaxBytesReader(w, &steady{body: r.Body, control: http.NewResponseController(w)}, limit)
	if !route.Digest {
		return nil
	}
	data, err := io.ReadAll(r.Body)
	if err != nil {
		return core.Invalid("peer.bad_body", fmt.Errorf("read body: %w", err))
	}
	want := r.Header.Get(headerDigest)
	if want != "" || r.Header.Get(headerInput) != "" {
		if subtle.ConstantTimeCompare([]byte(want), []byte(digestOf(data))) != 1 {
			return core.Denied("peer.bad_signature", errors.New("body does not match its digest"))
		}
	}
	r.Body = io.NopCloser(bytes.NewReader(data))
	return nil
}

// steady cuts a body that does not get on: each 16 KiB buys another 30 seconds.
type steady struct {
	body    io.ReadCloser
	control *http.ResponseController
	since   int64
	begun   bool
}

func (s *steady) Read(p []byte) (int, error) {
	if !s.begun || s.since >= progress {
		s.begun, s.since = true, 0
		// Recorders in tests and hijacked connections have no deadline to set.
		_ = s.control.SetReadDeadline(time.Now().Add(patience))
	}
	n, err := s.body.Read(p)
	s.since += int64(n)
	return n, err
}

func (s *steady) Close() error { return s.body.Close() }

// AnswerWithin bounds how long the other side may take to receive the answer, on
// the machine's own clock. Recorders in tests have no deadline to set.
func AnswerWithin(w http.ResponseWriter, d time.Duration) {
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(d))
}

// WriteError answers an error as status and JSON. The text is for the other
// side's log; internal causes stay here.
func WriteError(w http.ResponseWriter, err error) {
	f := failure{Code: core.CodeOf(err), Key: "core.internal"}
	if e, ok := errors.AsType[*core.Error](err); ok {
		f.Key = e.Key
	}
	if f.Code != core.CodeInternal {
		f.Text = fmt.Sprintf("%.300s", err.Error())
	}
	status := f.Code.HTTPStatus()
	if f.Key == "peer.slow_down" {
		status = http.StatusTooManyRequests
	}
	body, merr := wire.Encode(f)
	if merr != nil {
		body = []byte("{}")
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n'))
}

// WriteJSON answers 200 with a value.
func WriteJSON(w http.ResponseWriter, v any) error {
	body, err := wire.Encode(v)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	_, err = w.Write(append(body, '\n'))
	if err != nil {
		return fmt.Errorf("%w: %w", context.Canceled, err)
	}
	return nil
}

// ReadJSON reads a covered body strictly into v.
func ReadJSON(r *http.Request, v any) error {
	data, err := io.ReadAll(r.Body)
	if err != nil {
		return core.Invalid("peer.bad_body", err)
	}
	return wire.Decode(data, v)
}
