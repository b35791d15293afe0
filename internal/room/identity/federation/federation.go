package federation

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"entrechat/internal/core"
	"entrechat/internal/kit/fit"
	"entrechat/internal/room/identity/home"
	"entrechat/internal/room/identity/key"
)

const (
	pathSelf  = "/.well-known/openid-federation"
	pathList  = "/federation/list"
	pathFetch = "/federation/fetch"
)

const (
	selfLife   = 24 * time.Hour
	memberLife = 6 * time.Hour   // what is said of a member that was expelled since ends then
	keep       = time.Hour       // a statement is handed out for
	pause      = time.Minute     // between two signatures about one entity
	viewLife   = 5 * time.Second // what was read counts for
	// maxAbove bounds whom we name as saying so of us: whoever verifies us may ask each.
	maxAbove    = 16
	maxQuery    = 2 << 10 // bytes
	readTimeout = 5 * time.Second
)

// Homes answers which members are homes; home.Homes is one.
type Homes interface {
	// Letting lists those whose people may sign in here now.
	Letting(ctx context.Context) ([]home.Home, error)
	// LettingUs lists those at whose services our people may sign in now.
	LettingUs(ctx context.Context) ([]home.Home, error)
}

// Needs is what it is made of; all of it is required.
type Needs struct {
	Self core.MemberID
	// Issuer is our node's public address, without a slash at its end.
	Issuer string
	Keys   *key.Set
	Homes  Homes
	// Metadata is what our provider says of itself (OpenID Connect Discovery 1.0), as it is
	// encoded to JSON.
	Metadata func() any
	Now      func() time.Time
	Log      *slog.Logger
}

// Federation answers other federations. Safe for concurrent use.
type Federation struct {
	n       Needs
	reading singleflight.Group

	mu   sync.Mutex
	seen view
	made map[string]statement // by subject
}

// New makes it.
func New(n Needs) *Federation { return &Federation{n: n, made: map[string]statement{}} }

// Routes are for programs.
func (f *Federation) Routes() []fit.Route {
	return []fit.Route{
		{Pattern: "GET " + pathSelf, Handler: http.HandlerFunc(f.configuration)},
		{Pattern: "GET " + pathList, Handler: http.HandlerFunc(f.list)},
		{Pattern: "GET " + pathFetch, Handler: http.HandlerFunc(f.fetch)},
	}
}

// configuration is our entity configuration, section 9.
func (f *Federation) configuration(w http.ResponseWriter, r *http.Request) {
	made, err := f.stateSelf(r.Context())
	f.give(w, r, made, err)
}

// fetch is what we say of a member, section 8.1.
func (f *Federation) fetch(w http.ResponseWriter, r *http.Request) {
	query, ok := params(w, r)
	if !ok {
		return
	}
	sub := query["sub"]
	if len(sub) != 1 || sub[0] == "" || strings.TrimSuffix(sub[0], "/") == f.n.Issuer {
		refuse(w, http.StatusBadRequest, "invalid_request", "sub must name one member, not this one")
		return
	}
	made, known, err := f.stateMember(r.Context(), sub[0])
	if err == nil && !known {
		refuse(w, http.StatusNotFound, "not_found", "not a member whose people sign in here")
		return
	}
	f.give(w, r, made, err)
}

// list is all members that we say something of, section 8.2. Each of them is both kinds of
// entity that we say it is.
func (f *Federation) list(w http.ResponseWriter, r *http.Request) {
	query, ok := params(w, r)
	if !ok {
		return
	}
	for _, name := range []string{"trust_marked", "trust_mark_type", "intermediate"} {
		if query.Has(name) {
			refuse(w, http.StatusBadRequest, "unsupported_parameter", name+" is not supported")
			return
		}
	}
	v, err := f.view(r.Context())
	if err != nil {
		f.failed(w, err)
		return
	}
	list := v.list
	if slices.ContainsFunc(query["entity_type"], func(s string) bool { return s != "openid_provider" && s != "federation_entity" }) || list == nil {
		list = []string{}
	}
	text, err := json.Marshal(list)
	if err != nil {
		f.failed(w, err)
		return
	}
	public(w, "application/json", `"`+digest(string(text))+`"`)
	answer(w, r, text)
}

func (f *Federation) give(w http.ResponseWriter, r *http.Request, made statement, err error) {
	if err != nil {
		f.failed(w, err)
		return
	}
	public(w, "application/"+tokenType, made.etag)
	answer(w, r, []byte(made.text))
}

// params reads the query strictly.
func params(w http.ResponseWriter, r *http.Request) (url.Values, bool) {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil || len(r.URL.RawQuery) > maxQuery {
		refuse(w, http.StatusBadRequest, "invalid_request", "the query cannot be read")
		return nil, false
	}
	return query, true
}

// public says that everybody may read and keep an answer for a minute.
func public(w http.ResponseWriter, kind, etag string) {
	h := w.Header()
	h.Set("Content-Type", kind)
	h.Set("Cache-Control", "public, max-age=60")
	h.Set("ETag", etag)
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("X-Content-Type-Options", "nosniff")
}

func answer(w http.ResponseWriter, r *http.Request, text []byte) {
	etag := w.Header().Get("ETag")
	for one := range strings.SplitSeq(r.Header.Get("If-None-Match"), ",") {
		if one = strings.TrimPrefix(strings.TrimSpace(one), "W/"); one == etag {
			w.WriteHeader(http.StatusNotModified)
			return
		}
	}
	w.Write(text)
}

// failed answers what is our own fault.
func (f *Federation) failed(w http.ResponseWriter, err error) {
	f.n.Log.Error("a statement for other federations could not be made", "error", err)
	refuse(w, http.StatusInternalServerError, "server_error", "try again later")
}

// refuse answers an error as section 8.9 has it.
func refuse(w http.ResponseWriter, status int, problem, why string) {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	text, err := json.Marshal(map[string]string{"error": problem, "error_description": why})
	if err == nil {
		w.Write(text)
	}
}
