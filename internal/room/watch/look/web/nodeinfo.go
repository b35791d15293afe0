package web

import (
	"context"
	"net/url"
	"slices"
	"strings"

	"entrechat/internal/room/watch/look"
	"entrechat/internal/room/watch/target"
)

// NodeInfo looks at what a server of the fediverse says of itself: the well-known document
// leads to another, which names the program and its version. It is a look.Probe.
//
// NodeInfo 2.1 (nodeinfo.diaspora.software/protocol) gives both documents.
func NodeInfo(ctx context.Context, a *look.Attempt, t target.Target) error {
	w, err := fetch(ctx, a, "https://"+t.Address, "/.well-known/nodeinfo")
	if err != nil {
		return err
	}
	var index struct {
		Links []link `json:"links"`
	}
	if err := w.JSON(&index); err != nil {
		return err
	}
	from, err := w.URL.Parse(newest(index.Links))
	if err != nil || from.Path == "" || from.Host == "" || from.Scheme != "https" {
		return look.Fail(look.Content, "the well-known document leads to no NodeInfo")
	}
	if err := a.May(t.Address, from.Hostname()); err != nil {
		return err
	}
	w, err = a.Get(ctx, look.Ask{URL: from.String(), Accept: "application/json"})
	if err != nil {
		return err
	}
	if err := w.OK(); err != nil {
		return err
	}
	m, err := members(w, "software/name", "software/version")
	if err != nil {
		return err
	}
	if m["software/name"] == "" {
		return look.Fail(look.Content, "the NodeInfo names no program")
	}
	a.Software(m["software/name"], m["software/version"])
	return nil
}

// link is one entry of the well-known document.
type link struct {
	Rel  string `json:"rel"`
	Href string `json:"href"`
}

// schemas are the versions that are read, the newest last.
var schemas = []string{"1.0", "1.1", "2.0", "2.1", "2.2"} //nolint:gochecknoglobals // a list that never changes

// newest is the address of the newest version that is read; empty = there is none.
func newest(links []link) string {
	best, href := -1, ""
	for _, l := range links {
		version, ours := strings.CutPrefix(l.Rel, "http://nodeinfo.diaspora.software/ns/schema/")
		if i := slices.Index(schemas, version); ours && i > best {
			if _, err := url.Parse(l.Href); err == nil && l.Href != "" {
				best, href = i, l.Href
			}
		}
	}
	return href
}
