package rest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/wire"
	"entrechat/internal/room/vault/shard"
)

// The media types of the two versions; they differ in what a list holds.
const (
	mediaV1 = "application/vnd.x.restic.rest.v1"
	mediaV2 = "application/vnd.x.restic.rest.v2"
)

// MaxFile is the largest file taken, in bytes. restic's packs have at most 128
// MiB; an index or a snapshot of a very large repository may be larger.
const MaxFile = shard.MaxPlain

// MinLock and MaxLock are the smallest and the largest lock, in bytes: restic's are a
// quarter of a kilobyte, of which a nonce and a MAC take 32. Who may only read may
// write them, and restic 0.19 panics over one that is shorter than these two.
const (
	MinLock = 33
	MaxLock = 4 << 10
)

// Item is one file in a list.
type Item struct {
	Name string `json:"name"`
	Size int64  `json:"size"`
}

// Repository is one repository as the bearer of one token may use it. What the
// token does not allow comes back as CodeDenied, what is surely not there as
// CodeNotFound, everything that cannot be told now as CodeUnsure.
type Repository interface {
	// Stat answers the size in bytes.
	Stat(ctx context.Context, h Handle) (int64, error)
	// Open opens the file for reading; the caller closes it.
	Open(ctx context.Context, h Handle) (io.ReadSeekCloser, error)
	// Save keeps body, which has size bytes and ends in an error when it is not
	// what its name says. The same file again is no error; other content under a
	// taken name is CodeConflict.
	Save(ctx context.Context, h Handle, body io.Reader, size int64) error
	// List answers all files of a type, in any order.
	List(ctx context.Context, t Type) ([]Item, error)
	// Remove takes the file away; one that is not there is no error.
	Remove(ctx context.Context, h Handle) error
}

// Authenticator lets the bearer of a token in.
type Authenticator interface {
	// Enter answers the repository of that name, as it was on the date asOf when
	// that is not empty. Returns CodeDenied when name and token do not belong
	// together, whichever of them is wrong.
	Enter(ctx context.Context, name, token, asOf string) (Repository, error)
}

// Needs is what a handler is made of.
type Needs struct {
	Authenticator Authenticator
	// Text is the sentence a person reads for an error.
	Text func(error) string
	Log  *slog.Logger
}

type handler struct{ Needs }

// NewHandler serves every repository behind the authenticator below "/".
func NewHandler(n Needs) http.Handler { return handler{n} }

// ServeHTTP checks who asks before it says what exists.
func (h handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	target, err := ParsePath(r.URL.Path)
	if err != nil {
		h.refuse(w, r, err)
		return
	}
	user, token, ok := r.BasicAuth()
	if !ok || user != target.Repo {
		h.askWho(w)
		return
	}
	repo, err := h.Authenticator.Enter(r.Context(), target.Repo, token, target.AsOf)
	if core.CodeOf(err) == core.CodeDenied {
		h.askWho(w)
		return
	}
	if err == nil {
		err = h.serve(w, r, repo, target)
	}
	if err != nil {
		h.refuse(w, r, err)
	}
}

func (h handler) askWho(w http.ResponseWriter) {
	w.Header().Set("WWW-Authenticate", `Basic realm="entrechat vault"`)
	http.Error(w, "401 Unauthorized", http.StatusUnauthorized)
}

// serve picks the verb.
func (h handler) serve(w http.ResponseWriter, r *http.Request, repo Repository, t Target) error {
	read := r.Method == http.MethodGet || r.Method == http.MethodHead
	switch {
	case t.Type == "":
		if r.Method == http.MethodPost && r.URL.Query().Get("create") == "true" {
			return nil // the repository was made by `vault create`; restic only wants to hear 200
		}
	case t.List && r.Method == http.MethodGet:
		return list(w, r, repo, t.Type)
	case t.List:
	case r.Method == http.MethodHead:
		return stat(w, r, repo, t.Handle)
	case read:
		return h.open(w, r, repo, t.Handle)
	case r.Method == http.MethodPost:
		return save(w, r, repo, t.Handle)
	case r.Method == http.MethodDelete:
		return repo.Remove(r.Context(), t.Handle)
	}
	return errMethod
}

// errMethod is the one refusal that no core.Code says.
var errMethod = errors.New("no such verb here")

func list(w http.ResponseWriter, r *http.Request, repo Repository, t Type) error {
	items, err := repo.List(r.Context(), t)
	if err != nil {
		return err
	}
	media, answer := mediaV1, any(names(items))
	if r.Header.Get("Accept") == mediaV2 {
		media, answer = mediaV2, items
		if items == nil {
			answer = []Item{}
		}
	}
	body, err := wire.Encode(answer)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", media)
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	_, err = w.Write(body)
	return gone(err)
}

func names(items []Item) []string {
	out := make([]string, 0, len(items))
	for _, i := range items {
		out = append(out, i.Name)
	}
	return out
}

func stat(w http.ResponseWriter, r *http.Request, repo Repository, f Handle) error {
	size, err := repo.Stat(r.Context(), f)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Length", strconv.FormatInt(size, 10))
	return nil
}

func (h handler) open(w http.ResponseWriter, r *http.Request, repo Repository, f Handle) error {
	file, err := repo.Open(r.Context(), f)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	http.ServeContent(w, r, "", time.Time{}, file)
	if err := file.Close(); err != nil {
		// The answer is on its way; only the log can be told.
		h.Log.Warn("closing a served file failed", "file", f.String(), "error", err)
	}
	return nil
}

func save(_ http.ResponseWriter, r *http.Request, repo Repository, f Handle) error {
	least, most := int64(0), int64(MaxFile)
	if f.Type == Locks {
		least, most = MinLock, MaxLock
	}
	switch {
	case r.ContentLength < 0:
		return core.Invalid("vault.no_length", errors.New("no Content-Length"))
	case r.ContentLength < least:
		return core.Invalid("vault.bad_lock", fmt.Errorf("a lock of %d bytes", r.ContentLength))
	case r.ContentLength > most:
		return core.Invalid("vault.too_large", fmt.Errorf("%d bytes, at most %d", r.ContentLength, most))
	}
	body := io.LimitReader(r.Body, r.ContentLength)
	if f.Type != Config {
		body = NewVerifier(body, f.Name)
	}
	return repo.Save(r.Context(), f, body, r.ContentLength)
}

// gone marks an error of writing an answer: the client is no longer there, and
// nothing more can be said to it.
func gone(err error) error {
	if err != nil {
		return fmt.Errorf("%w: %w", context.Canceled, err)
	}
	return nil
}

// refuse answers an error as restic understands it: 403 for a conflict, because
// restic gives up on that at once, 503 for our own faults, because it would try
// a 500 no less often but show nothing useful. What was cut off is answered too:
// silence would be a 200, and it may be this node that stops, not the client.
//
// spec: docs/spec/rest.md#answers
func (h handler) refuse(w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() != nil || errors.Is(err, context.Canceled) {
		h.Log.Debug("request broke off", "path", r.URL.Path, "error", err)
		http.Error(w, "503 Service Unavailable", http.StatusServiceUnavailable)
		return
	}
	if errors.Is(err, errMethod) {
		http.Error(w, "405 Method Not Allowed", http.StatusMethodNotAllowed)
		return
	}
	code := core.CodeOf(err)
	status := code.HTTPStatus()
	switch code {
	case core.CodeConflict:
		status = http.StatusForbidden
	case core.CodeInternal, core.CodeUnsure:
		status = http.StatusServiceUnavailable
		w.Header().Set("Retry-After", "10")
	case core.CodeInvalid, core.CodeNotFound, core.CodeDenied, core.CodeFull:
	}
	switch code {
	case core.CodeNotFound:
		h.Log.Debug("no such file", "method", r.Method, "path", r.URL.Path)
	case core.CodeInternal:
		h.Log.Error("request failed", "method", r.Method, "path", r.URL.Path, "error", err)
	default:
		h.Log.Warn("request refused", "method", r.Method, "path", r.URL.Path, "status", status, "error", err)
	}
	http.Error(w, h.Text(err), status)
}
