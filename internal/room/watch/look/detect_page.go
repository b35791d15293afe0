package look

import (
	"bytes"
	"context"
	"fmt"
	"html"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"entrechat/internal/core"
	"entrechat/internal/room/watch/target"
)

// service is the kind of the service that answers by its own interface at a web address;
// none when nobody does. A server of the fediverse that none of the kinds knows is looked
// at by its NodeInfo, beside its page.
func (l *Looker) service(ctx context.Context, t target.Target, u *url.URL, page *Answer) []target.Target {
	base := *u
	base.RawQuery, base.Fragment, base.RawFragment = "", "", ""
	t.Address = base.String()
	var list []target.Target
	for _, k := range []target.Kind{target.Nextcloud, target.PeerTube, target.Forgejo, target.Mastodon, target.S3} {
		if k == target.S3 && !bytes.Contains(page.Body, []byte("<?xml")) {
			continue // it has nothing but its own words
		}
		one := t
		one.Kind = k
		list = append(list, one)
	}
	if _, err := netip.ParseAddr(u.Hostname()); err != nil && u.Port() == "" && strings.Trim(u.Path, "/") == "" {
		list = append(list, target.Target{Kind: target.NodeInfo, Service: t.Service, Address: strings.ToLower(u.Hostname())})
	}
	all := l.well(ctx, list)
	if len(all) == 0 || all[0].Kind != target.NodeInfo {
		return all[:min(len(all), 1)]
	}
	t.Address = u.String()
	if e, err := l.expect(ctx, t.Address, page); err == nil {
		t.Expect = e
		all = slices.Insert(all, 0, t)
	}
	return all
}

// expect is what to expect of a page from now on: what it shows, as far as it is the same
// when it is asked for a second time.
func (l *Looker) expect(ctx context.Context, address string, page *Answer) (target.Expect, error) {
	switch {
	case page.Status == http.StatusUnauthorized:
		return target.Expect{Status: []string{"401"}}, nil // it asks who we are: it works
	case page.Status >= 400:
		return target.Expect{}, core.Unsure("watch.look.bad_status", fmt.Errorf("status %d", page.Status)).With("Address", address).With("Status", page.Status)
	case page.Status >= 300:
		return target.Expect{}, nil
	}
	again, err := l.page(ctx, address)
	if err != nil {
		return target.Expect{}, noAnswer(address, err)
	}
	if e, ok := stateOf(page); ok {
		return e, nil
	}
	if title := titleOf(page); title == titleOf(again) {
		return target.Expect{Text: title}, nil
	}
	return target.Expect{}, nil
}

// stateOf finds where a document for monitoring says that all is well.
func stateOf(page *Answer) (target.Expect, bool) {
	var doc map[string]any
	if page.JSON(&doc) != nil {
		return target.Expect{}, false
	}
	for _, name := range []string{"status", "state", "health", "ok", "healthy"} {
		value, ok := At(doc, "/"+name)
		if good := []string{"ok", "pass", "up", "healthy", "green", "operational", "running", "true"}; ok && slices.Contains(good, strings.ToLower(value)) {
			return target.Expect{Pointer: "/" + name, Value: value}, true
		}
	}
	return target.Expect{}, false
}

var (
	titleTag = regexp.MustCompile(`(?is)<title[^<>]{0,200}>([^<>]{1,400})</title>`)
	// notTheService are titles of pages that stand in for a service.
	notTheService = regexp.MustCompile(`(?i)error|erreur|maintenance|just a moment|attention required|not found|bad gateway|unavailable|forbidden|welcome to nginx|default page|it works`)
	// changing are parts of titles that change by themselves: numbers, times.
	changing = regexp.MustCompile(`[0-9]`)
)

// titleOf is the title of a page as it stands there; empty where there is none that one
// could rely on.
func titleOf(page *Answer) string {
	m := titleTag.FindSubmatch(page.Body)
	if m == nil {
		return ""
	}
	title := strings.TrimSpace(string(m[1]))
	shown := strings.TrimSpace(html.UnescapeString(title))
	if len(shown) < 3 || len(title) > 120 || clip(title, 500) != title || notTheService.MatchString(shown) || changing.MatchString(shown) {
		return ""
	}
	return title
}
