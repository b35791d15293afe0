package web

import (
	"context"
	"net/http"
	"strings"

	"entrechat/internal/room/watch/look"
	"entrechat/internal/room/watch/target"
)

// Nextcloud looks at status.php: installed, not in maintenance, no upgrade waiting. It is a
// look.Probe.
//
// Nextcloud 29 answers /status.php with the members installed, maintenance, needsDbUpgrade,
// version ("29.0.5.1"), versionstring, edition, productname, extendedSupport.
func Nextcloud(ctx context.Context, a *look.Attempt, t target.Target) error {
	w, err := fetch(ctx, a, t.Address, "/status.php")
	if err != nil {
		return err
	}
	m, err := members(w, "installed", "maintenance", "needsDbUpgrade", "version", "productname")
	if err != nil {
		return err
	}
	name := m["productname"]
	if name == "" {
		name = "Nextcloud"
	}
	switch {
	case m["installed"] == "":
		return look.Fail(look.Content, "this is not the status page of Nextcloud")
	case m["installed"] != "true":
		return look.Fail(look.Content, "%s is not installed", name)
	}
	a.Software(name, m["version"])
	switch {
	case m["maintenance"] == "true":
		return look.Fail(look.Content, "%s says that it is in maintenance mode (occ maintenance:mode --off ends it)", name)
	case m["needsDbUpgrade"] == "true":
		return look.Fail(look.Content, "%s waits for its upgrade to be finished (occ upgrade)", name)
	}
	return nil
}

// Mastodon looks at the public description of an instance, of version 2 and, where there is
// none, of version 1: Mastodon before 4.0, and most programs that speak its language. It is
// a look.Probe.
//
// Mastodon 4.3 answers /api/v2/instance with the members domain, title, version
// ("4.3.1") and more; /api/v1/instance with uri, title, version and more.
func Mastodon(ctx context.Context, a *look.Attempt, t target.Target) error {
	w, err := ask(ctx, a, t.Address, "/api/v2/instance")
	if err != nil {
		return err
	}
	host := "domain"
	if w.Status == http.StatusNotFound {
		host = "uri"
		if w, err = ask(ctx, a, t.Address, "/api/v1/instance"); err != nil {
			return err
		}
	}
	if err := w.OK(); err != nil {
		return err
	}
	m, err := members(w, host, "version", "source_url")
	if err != nil {
		return err
	}
	if m["version"] == "" || m[host] == "" {
		return look.Fail(look.Content, "this is not the interface of Mastodon: no version, or no %s", host)
	}
	a.Software(speaker(m["version"], m["source_url"]))
	return nil
}

// speaker is which program a version of Mastodon's interface belongs to: others write
// "2.7.2 (compatible; Pleroma 2.5.0)". GoToSocial gives its own version, and only the
// address of its source says so.
func speaker(version, source string) (name, own string) {
	_, inside, found := strings.Cut(version, "(compatible; ")
	switch {
	case strings.HasSuffix(strings.TrimSuffix(source, "/"), "/gotosocial"):
		return "GoToSocial", version
	case !found:
		return "Mastodon", version
	}
	name, own, _ = strings.Cut(strings.TrimSuffix(inside, ")"), " ")
	return name, own
}

// PeerTube looks at the public configuration. It is a look.Probe.
//
// PeerTube 6.3 answers /api/v1/config with the members client, defaults, webadmin,
// instance, ..., serverVersion ("6.3.2") and more.
func PeerTube(ctx context.Context, a *look.Attempt, t target.Target) error {
	w, err := fetch(ctx, a, t.Address, "/api/v1/config")
	if err != nil {
		return err
	}
	m, err := members(w, "serverVersion")
	if err != nil {
		return err
	}
	if m["serverVersion"] == "" && !w.Cut {
		return look.Fail(look.Content, "this is not the configuration of PeerTube: it has no version")
	}
	a.Software("PeerTube", m["serverVersion"])
	return nil
}

// Forgejo looks at the health of a Forgejo or Gitea, then at its version; who closes that to
// strangers is well without it. It is a look.Probe.
//
// Forgejo 11 and Gitea 1.24 answer /api/healthz with status ("pass", and 503 with "fail")
// and a list of checks, /api/v1/version with version ("11.0.1+gitea-1.22.0").
func Forgejo(ctx context.Context, a *look.Attempt, t target.Target) error {
	w, err := ask(ctx, a, t.Address, "/api/healthz")
	if err != nil {
		return err
	}
	m, err := members(w, "status")
	if err != nil {
		if failed := w.OK(); failed != nil {
			return failed
		}
		return err
	}
	switch m["status"] {
	case "":
		return look.Fail(look.Content, "status %d, and not the health of Forgejo", w.Status)
	case "fail":
		return look.Fail(look.HTTP5xx, "status %d: Forgejo says that its checks fail", w.Status)
	}
	if err := w.OK(); err != nil {
		return err
	}
	w, err = ask(ctx, a, t.Address, "/api/v1/version")
	if err != nil {
		return err
	}
	if w.Status == http.StatusForbidden || w.Status == http.StatusUnauthorized || w.Status == http.StatusNotFound {
		return nil
	}
	if err := w.OK(); err != nil {
		return err
	}
	if m, err = members(w, "version"); err != nil {
		return err
	}
	a.Software(forge(m["version"]))
	return nil
}

// forge tells Forgejo from Gitea: its version says with which Gitea it agrees.
func forge(version string) (name, own string) {
	own, _, found := strings.Cut(version, "+gitea-")
	if found {
		return "Forgejo", own
	}
	return "Gitea", version
}
