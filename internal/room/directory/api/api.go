// Package api is what programs ask of the directory: our own listings, the catalogue,
// and the formats of other networks. All of it is public and only read.
//
// Sources: docs/spec/api.md.
package api

import (
	_ "embed"
	"errors"
	"net/http"
	"slices"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/fit"
	"entrechat/internal/kit/wire"
	"entrechat/internal/room/directory/catalogue"
	"entrechat/internal/room/directory/own"
	"entrechat/internal/room/directory/referral"
	"entrechat/internal/room/directory/site"
)

// openAPI describes every address of the API.
//
//go:embed openapi.yaml
var openAPI []byte

// Needs is what the answers are made of; all of it is required.
type Needs struct {
	Own       *own.Files
	Catalogue *catalogue.Store
	Referral  *referral.Referral
	URL       string // where this node is reached, without a slash at its end
	Self      core.MemberID
	Now       func() time.Time
}

// API answers programs.
type API struct{ n Needs }

// New makes it.
func New(n Needs) *API { return &API{n} }

// Routes are all its addresses.
func (r *API) Routes() []fit.Route { return slices.Concat(r.formats(), r.queries()) }

func (r *API) now() core.Moment { return core.At(r.n.Now()) }

var errNothingSaid = errors.New("nothing is said of us yet")

const apiPath = "/api/v1/"

// queries are what programs ask: our own listings, and the catalogue. All of it is public
// and only read.
// spec: docs/spec/api.md
func (r *API) queries() []fit.Route {
	answer := func(pattern string, read func(req *http.Request) (any, error)) fit.Route {
		return fit.Route{Pattern: "GET " + apiPath + pattern, Handler: http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			v, err := read(req)
			sendJSON(w, req, v, err)
		})}
	}
	return []fit.Route{
		answer("hoster", func(req *http.Request) (any, error) {
			h, _, err := r.n.Own.Listings(req.Context())
			return h, err
		}),
		answer("services", func(req *http.Request) (any, error) {
			_, all, err := r.n.Own.Listings(req.Context())
			if core.CodeOf(err) == core.CodeNotFound {
				err = nil
			}
			return map[string]any{"services": r.today(all)}, err
		}),
		answer("services/{name}", r.apiService),
		answer("search", r.apiSearch),
		answer("hosters", r.apiHosters),
		answer("hosters/one", r.apiHoster),
		answer("elsewhere/{kind}", r.apiElsewhere),
		{Pattern: "GET " + apiPath + "openapi.yaml", Handler: http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			site.Send(w, req, "application/yaml; charset=utf-8", openAPI)
		})},
		{Pattern: apiPath, Handler: http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			sendJSON(w, req, nil, core.NotFound("directory.no_service", errNothingSaid))
		})},
	}
}

func (r *API) apiService(req *http.Request) (any, error) {
	_, all, err := r.n.Own.Listings(req.Context())
	for _, s := range r.today(all) {
		if s.Slug == req.PathValue("name") {
			return s, nil
		}
	}
	if err == nil {
		err = core.NotFound("directory.no_service", errNothingSaid)
	}
	return nil, err
}

// today are our own listings without what their files said too long ago.
func (r *API) today(all []catalogue.Service) []catalogue.Service {
	out := make([]catalogue.Service, 0, len(all))
	for _, s := range all {
		s.Level = s.LevelAt(r.now())
		out = append(out, s)
	}
	return out
}

func (r *API) apiSearch(req *http.Request) (any, error) {
	q := site.QueryOf(req.URL.Query())
	q.Page, q.Day = site.PageOf(req), r.n.Now()
	found, err := r.n.Catalogue.Find(req.Context(), q)
	return map[string]any{"total": found.Total, "page": q.Page, "services": r.hitsOf(found.Services)}, err
}

func (r *API) hitsOf(found []catalogue.Found) []Hit {
	hits := make([]Hit, 0, len(found))
	for _, f := range found {
		hits = append(hits, HitOf(f.Service, f.Hoster, r.now()))
	}
	return hits
}

func (r *API) apiHosters(req *http.Request) (any, error) {
	v := req.URL.Query()
	q := catalogue.HosterQuery{Text: site.Bounded(v.Get("q")), Country: site.Bounded(v.Get("country")), Page: site.PageOf(req), Day: r.n.Now()}
	found, err := r.n.Catalogue.Hosters(req.Context(), q)
	all := make([]Hoster, 0, len(found.Hosters))
	for _, h := range found.Hosters {
		all = append(all, HosterOf(h))
	}
	return map[string]any{"total": found.Total, "page": q.Page, "hosters": all}, err
}

func (r *API) apiHoster(req *http.Request) (any, error) {
	h, all, err := r.n.Catalogue.Hoster(req.Context(), req.URL.Query().Get("key"))
	if err != nil {
		return nil, err
	}
	l := HosterOf(h)
	for _, s := range all {
		l.Services = append(l.Services, HitOf(s, h, r.now()))
	}
	return l, nil
}

// apiElsewhere is where we send people, in the order in which to offer it.
// spec: docs/spec/directory.md#elsewhere
func (r *API) apiElsewhere(req *http.Request) (any, error) {
	kind, err := site.KindAsked(req.PathValue("kind"))
	if err != nil {
		return nil, err
	}
	offer, err := r.n.Referral.Recent(req.Context())
	return map[string]any{"kind": kind, "services": r.hitsOf(offer.Of(kind))}, err
}

// sendJSON answers a program anywhere; an error as its code and nothing else.
func sendJSON(w http.ResponseWriter, req *http.Request, v any, err error) {
	const kind = "application/json; charset=utf-8"
	if err == nil {
		var data []byte
		if data, err = wire.Encode(v); err == nil {
			site.Send(w, req, kind, data)
			return
		}
	}
	code := core.CodeOf(err)
	site.OpenToAll(w, kind)
	w.WriteHeader(code.HTTPStatus())
	w.Write([]byte(`{"code":"` + string(code) + `"}`))
}
