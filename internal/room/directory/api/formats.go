package api

import (
	"context"
	"net/http"
	"runtime/debug"
	"strings"

	"entrechat/internal/core"
	"entrechat/internal/kit/fit"
	"entrechat/internal/room/directory/own"
	"entrechat/internal/room/directory/statool"
)

// formats are what programs that know no StatoolInfos ask for.
// spec: docs/spec/api.md
func (r *API) formats() []fit.Route {
	answer := func(pattern string, read func(ctx context.Context) (any, error)) fit.Route {
		return fit.Route{Pattern: "GET " + pattern, Handler: http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			v, err := read(req.Context())
			sendJSON(w, req, v, err)
		})}
	}
	return []fit.Route{
		answer("/.well-known/nodeinfo", r.nodeInfoLinks),
		answer("/nodeinfo/2.0", func(ctx context.Context) (any, error) { return r.nodeInfo(ctx, "2.0") }),
		answer("/nodeinfo/2.1", func(ctx context.Context) (any, error) { return r.nodeInfo(ctx, "2.1") }),
		answer("/librehost.json", r.librehost),
	}
}

const nodeInfoSchema = "http://nodeinfo.diaspora.software/ns/schema/"

func (r *API) nodeInfoLinks(context.Context) (any, error) {
	type link struct {
		Rel  string `json:"rel"`
		Href string `json:"href"`
	}
	return map[string][]link{"links": {
		{nodeInfoSchema + "2.1", r.n.URL + "/nodeinfo/2.1"},
		{nodeInfoSchema + "2.0", r.n.URL + "/nodeinfo/2.0"},
	}}, nil
}

// nodeInfo describes this node, not the hoster's services: these have their own. It
// speaks none of the protocols that the schema lists, and says so.
func (r *API) nodeInfo(ctx context.Context, version string) (any, error) {
	h, services, err := r.n.Own.Listings(ctx)
	if err != nil && core.CodeOf(err) != core.CodeNotFound {
		return nil, err
	}
	open := false
	for _, s := range services {
		open = open || !s.Ended && s.Access.Newcomers()
	}
	name := h.Name
	if name == "" {
		name = string(r.n.Self)
	}
	return map[string]any{
		"version":           version,
		"software":          map[string]string{"name": "entrechat", "version": programVersion()},
		"protocols":         []string{},
		"services":          map[string][]string{"inbound": {}, "outbound": {"atom1.0"}},
		"openRegistrations": open,
		"usage":             map[string]any{"users": map[string]int{}},
		"metadata":          map[string]string{"nodeName": name, "nodeDescription": h.About},
	}, nil
}

// programVersion is the release this program was built from, or "0" where nobody
// stamped it.
func programVersion() string {
	info, ok := debug.ReadBuildInfo()
	if ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
		return strings.TrimPrefix(info.Main.Version, "v")
	}
	return "0"
}

// librehost is the file of the librehosters network, as far as our own file says
// what it asks for.
func (r *API) librehost(context.Context) (any, error) {
	o, known, err := r.n.Own.Hoster()
	if err != nil {
		return nil, err
	}
	if !known {
		return nil, core.NotFound("directory.no_own_file", errNothingSaid).With("Name", own.HosterName)
	}
	out := map[string]any{"version": "0.0.1", "name": o.Name, "isServiceProvider": true}
	for key, value := range map[string]string{
		"organizationType": strings.ToLower(o.Type), "description": o.Description, "homeUrl": o.Website, "logo": o.Logo,
		"contactUrl": contactURL(o.Contact), "termsOfServiceUrl": o.Legal, "foundingDate": o.StartDate, "dateModified": o.Head.DateTime,
	} {
		if value != "" {
			out[key] = value
		}
	}
	return out, nil
}

func contactURL(c statool.Contact) string {
	if c.URL == "" && c.Email != "" {
		return "mailto:" + c.Email
	}
	return c.URL
}
