package directory

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"maps"
	"net/http"
	"slices"

	"entrechat/internal/core"
	"entrechat/internal/kit/fit"
	"entrechat/internal/kit/wire"
	"entrechat/internal/room/directory/catalogue"
)

// openAPI describes every address of the API.
//
//go:embed openapi.yaml
var openAPI []byte

const apiPath = "/api/v1/"

// api is what programs ask: our own sheets, and the catalogue. All of it is public
// and only read.
// spec: docs/spec/api.md
func (r *Room) api() []fit.Route {
	answer := func(pattern string, read func(req *http.Request) (any, error)) fit.Route {
		return fit.Route{Pattern: "GET " + apiPath + pattern, Handler: http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			v, err := read(req)
			sendJSON(w, req, v, err)
		})}
	}
	return []fit.Route{
		answer("hoster", func(req *http.Request) (any, error) {
			h, _, err := r.ownSheets(req.Context())
			return h, err
		}),
		answer("services", func(req *http.Request) (any, error) {
			_, all, err := r.ownSheets(req.Context())
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
			sendKept(w, req, "application/yaml; charset=utf-8", openAPI)
		})},
		{Pattern: apiPath, Handler: http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			sendJSON(w, req, nil, core.NotFound("directory.no_service", errNothingSaid))
		})},
	}
}

func (r *Room) apiService(req *http.Request) (any, error) {
	_, all, err := r.ownSheets(req.Context())
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

// today are our own sheets without what their files said too long ago.
func (r *Room) today(all []catalogue.Service) []catalogue.Service {
	out := make([]catalogue.Service, 0, len(all))
	for _, s := range all {
		s.Level = s.LevelAt(r.now())
		out = append(out, s)
	}
	return out
}

func (r *Room) apiSearch(req *http.Request) (any, error) {
	q := queryOf(req.URL.Query())
	q.Page, q.Day = pageOf(req), r.n.Now()
	found, err := r.Catalogue.Find(req.Context(), q)
	return map[string]any{"total": found.Total, "page": q.Page, "services": r.hitsOf(found.Services)}, err
}

func (r *Room) hitsOf(found []catalogue.Found) []hit {
	hits := make([]hit, 0, len(found))
	for _, f := range found {
		hits = append(hits, hitOf(f.Service, f.Hoster, r.now()))
	}
	return hits
}

func (r *Room) apiHosters(req *http.Request) (any, error) {
	v := req.URL.Query()
	q := catalogue.HosterQuery{Text: bounded(v.Get("q")), Country: bounded(v.Get("country")), Page: pageOf(req), Day: r.n.Now()}
	found, err := r.Catalogue.Hosters(req.Context(), q)
	all := make([]listedHoster, 0, len(found.Hosters))
	for _, h := range found.Hosters {
		all = append(all, listed(h))
	}
	return map[string]any{"total": found.Total, "page": q.Page, "hosters": all}, err
}

func (r *Room) apiHoster(req *http.Request) (any, error) {
	h, all, err := r.Catalogue.Hoster(req.Context(), req.URL.Query().Get("key"))
	if err != nil {
		return nil, err
	}
	l := listed(h)
	for _, s := range all {
		l.Services = append(l.Services, hitOf(s, h, r.now()))
	}
	return l, nil
}

// apiElsewhere is where we send people, in the order in which to offer it.
// spec: docs/spec/directory.md#elsewhere
func (r *Room) apiElsewhere(req *http.Request) (any, error) {
	kind, err := kindAsked(req.PathValue("kind"))
	if err != nil {
		return nil, err
	}
	found, err := r.Elsewhere(req.Context(), kind)
	return map[string]any{"kind": kind, "services": r.hitsOf(found)}, err
}

// patterns of the routes, for the description to be held against.
func patterns(routes []fit.Route) []string {
	all := map[string]bool{}
	for _, route := range routes {
		all[route.Pattern] = true
	}
	return slices.Sorted(maps.Keys(all))
}

// sendJSON answers a program anywhere; an error as its code and nothing else.
func sendJSON(w http.ResponseWriter, req *http.Request, v any, err error) {
	const kind = "application/json; charset=utf-8"
	if err == nil {
		var data []byte
		if data, err = wire.Encode(v); err == nil {
			sendKept(w, req, kind, data)
			return
		}
	}
	code := core.CodeOf(err)
	openToAll(w, kind)
	w.WriteHeader(code.HTTPStatus())
	w.Write([]byte(`{"code":"` + string(code) + `"}`))
}

func openToAll(w http.ResponseWriter, kind string) {
	h := w.Header()
	h.Set("Content-Type", kind)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Access-Control-Allow-Origin", "*")
}

// sendKept answers with what anybody may keep for a minute.
func sendKept(w http.ResponseWriter, req *http.Request, kind string, data []byte) {
	openToAll(w, kind)
	h, sum := w.Header(), sha256.Sum256(data)
	h.Set("Cache-Control", "public, max-age=60")
	h.Set("ETag", `"`+base64.RawURLEncoding.EncodeToString(sum[:12])+`"`)
	if req.Header.Get("If-None-Match") == h.Get("ETag") {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	w.Write(data)
}
