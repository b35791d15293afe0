package web

import (
	"context"
	"net/url"
	"strings"

	"entrechat/internal/room/watch/look"
)

// below is the web address of a path below the address of a service, which may itself be a
// path ("https://chaton-a.test/cloud/").
func below(address, path string) (string, error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return "", look.Fail(look.Blocked, "%.80q is no web address", address)
	}
	u.Path = strings.TrimSuffix(u.Path, "/") + path
	u.RawPath, u.RawQuery, u.Fragment = "", "", ""
	return u.String(), nil
}

// fetch asks for a JSON document below the address of a service; any status but 2xx is an
// error.
func fetch(ctx context.Context, a *look.Attempt, address, path string) (*look.Answer, error) {
	w, err := ask(ctx, a, address, path)
	if err != nil {
		return nil, err
	}
	return w, w.OK()
}

// ask is fetch with any status.
func ask(ctx context.Context, a *look.Attempt, address, path string) (*look.Answer, error) {
	u, err := below(address, path)
	if err != nil {
		return nil, err
	}
	return a.Get(ctx, look.Ask{URL: u, Accept: "application/json"})
}
