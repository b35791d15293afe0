package directory

import (
	"context"
	"net/http"
	"runtime/debug"
	"strings"

	"entrechat/internal/core"
	"entrechat/internal/kit/fit"
	"entrechat/internal/room/directory/statool"
)

// formats are what programs that know no StatoolInfos ask for.
// spec: docs/spec/api.md
func (r *Room) formats() []fit.Route {
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

func (r *Room) nodeInfoLinks(context.Context) (any, error) {
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
func (r *Room) nodeInfo(ctx context.Context, version string) (any, error) {
	h, services, err := r.ownSheets(ctx)
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
func (r *Room) librehost(context.Context) (any, error) {
	o, known, err := r.Hoster()
	if err != nil {
		return nil, err
	}
	if !known {
		return nil, core.NotFound("directory.no_own_file", errNothingSaid).With("Name", hoster)
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

// linked is a thing as schema.org describes it, for search engines: data in a page,
// never run.
type linked map[string]any

// organizationLD describes the hoster.
func organizationLD(o statool.Organization, address, town string) linked {
	out := linked{"@context": "https://schema.org", "@type": "Organization", "name": o.Name, "url": address}
	for key, value := range map[string]string{"description": o.Description, "logo": o.Logo, "sameAs": o.Website, "foundingDate": o.StartDate, "email": o.Contact.Email} {
		if value != "" {
			out[key] = value
		}
	}
	if town != "" || o.Country.Code != "" {
		out["address"] = linked{"@type": "PostalAddress", "addressLocality": town, "addressCountry": o.Country.Code}
	}
	return out
}

// serviceLD describes one service.
func serviceLD(s statool.Service, name string) linked {
	out := linked{"@context": "https://schema.org", "@type": "WebApplication", "name": name}
	for key, value := range map[string]string{"description": s.Description, "url": s.Website, "image": s.Logo, "softwareVersion": s.Software.Version, "license": s.Software.LicenseURL} {
		if value != "" {
			out[key] = value
		}
	}
	return out
}
