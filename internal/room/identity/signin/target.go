package signin

import (
	"net/url"
	"strings"
)

const (
	// Path is where people sign in.
	Path       = "/sign-in"
	pathSignIn = Path
	pathSecond = "/sign-in/second"
	// pathPasskey is where a device is asked for a passkey.
	pathPasskey = "/sign-in/passkey"
	pathDone    = "/sign-in/done"
	pathOut     = "/sign-out"
	// pathHome is where people go on to who came for nothing else.
	pathHome = "/account"
	// pathFlow is where a service's request goes on.
	pathFlow = "/oidc/authorize/next"
	maxNext  = 1000 // bytes
)

// target is where somebody goes on to. The zero value is their own page.
type target struct {
	Flow string // a request of a service that waits; empty = none does
	Next string // a page of this node; empty = pathHome
}

// parseTarget reads what an address or a form says. Whatever does not name a page of this
// node is left out: nobody is led elsewhere.
func parseTarget(v url.Values) (t target) {
	if flow := v.Get("flow"); flow != "" && len(flow) <= 200 && strings.IndexFunc(flow, notToken) < 0 {
		t.Flow = flow
	} else if next := v.Get("next"); ownPage(next) {
		t.Next = next
	}
	return t
}

func notToken(r rune) bool {
	return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_'
}

// ownPage says whether a text is the path of a page, with its query, and of no other host:
// browsers read `//` and `/\` as the beginning of one.
func ownPage(next string) bool {
	if len(next) > maxNext || !strings.HasPrefix(next, "/") || strings.HasPrefix(next, "//") || strings.Contains(next, `\`) {
		return false
	}
	u, err := url.Parse(next)
	return err == nil && u.Scheme == "" && u.Host == "" && u.User == nil && u.Opaque == "" && !strings.HasPrefix(u.Path, "//")
}

// query is the target as an address carries it on.
func (t target) query() string {
	v := url.Values{}
	if t.Flow != "" {
		v.Set("flow", t.Flow)
	} else if t.Next != "" {
		v.Set("next", t.Next)
	}
	if len(v) == 0 {
		return ""
	}
	return "?" + v.Encode()
}

// page is where a form leads: a service's request goes on from a page of its own, since no
// POST may end at another site.
func (t target) page() string {
	switch {
	case t.Flow != "":
		return pathDone + t.query()
	case t.Next != "":
		return t.Next
	default:
		return pathHome
	}
}
