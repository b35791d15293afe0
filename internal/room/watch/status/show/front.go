package show

import (
	"net"
	"net/http"
	"net/url"
	"strings"
)

// Front answers for names like status.chaton-b.test, which may point at several members:
// what is asked under a name of a hoster we vote for is that hoster's page. Nothing but
// status pages is served under such a name; all else leads to this node's own address, so
// that nobody signs in, or trusts a page of ours, under somebody else's name.
func (s *Show) Front(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		hoster, ok := s.n.Board.At(hostOf(r.Host))
		switch {
		case !ok || strings.HasPrefix(r.URL.Path, "/ec/") || strings.HasPrefix(r.URL.Path, "/.well-known/") || strings.HasPrefix(r.URL.Path, "/log/"):
			next.ServeHTTP(w, r)
		case r.Method != http.MethodGet && r.Method != http.MethodHead:
			http.Error(w, http.StatusText(http.StatusMisdirectedRequest), http.StatusMisdirectedRequest)
		case r.URL.Path == "/":
			there := *r
			there.URL = &url.URL{Path: address(hoster), RawQuery: r.URL.RawQuery}
			next.ServeHTTP(w, &there)
		case r.URL.Path == Path || strings.HasPrefix(r.URL.Path, Path+"/") || strings.HasPrefix(r.URL.Path, "/site/") || r.URL.Path == "/favicon.ico":
			next.ServeHTTP(w, r)
		default:
			own := url.URL{Path: "/" + strings.TrimLeft(r.URL.Path, "/"), RawQuery: r.URL.RawQuery}
			http.Redirect(w, r, s.n.URL+own.String(), http.StatusFound)
		}
	})
}

// hostOf is the name in a Host header, without its port, in lower case.
func hostOf(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	return strings.ToLower(strings.TrimSuffix(host, "."))
}
