package web

import (
	"net/http"
	"strings"
)

// CookieName is the whole name of a cookie of ours. It begins with __Host- where browsers
// reach the node, at url, by https: they then take it from no other host and no plain
// connection.
func CookieName(url, name string) string {
	if https(url) {
		return "__Host-" + name
	}
	return name
}

// Cookie is a cookie of ours, for the browsers that reach the node at url: no script reads
// it, and a form of another site does not send it. age is in seconds; below 0 ends it.
func Cookie(url, name, value string, age int) *http.Cookie {
	return &http.Cookie{ //nolint:gosec // Secure where there is https
		Name: CookieName(url, name), Value: value, Path: "/", MaxAge: age,
		HttpOnly: true, Secure: https(url), SameSite: http.SameSiteLaxMode,
	}
}

func https(url string) bool { return strings.HasPrefix(url, "https://") }
