package readonly

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httputil"
	"net/url"
	"path"
	"slices"
	"strings"

	"entrechat/internal/core"
)

// SignIn is one POST that passes: a path, parameters that its address has, and fields that its form
// has, each once.
type SignIn struct {
	Path  string
	Query url.Values
	Form  url.Values
}

// ParseSignIn reads "/index.php?title=Special:UserLogin" or "/doku.php#do=login": what stands behind
// the # are fields of the form. Returns CodeInvalid "succession.readonly.sign_in".
func ParseSignIn(text string) (SignIn, error) {
	u, err := url.Parse(text)
	if err != nil || u.Host != "" || !strings.HasPrefix(u.Path, "/") || path.Clean(u.Path) != u.Path {
		return SignIn{}, core.Invalid("succession.readonly.sign_in", errors.New("not a path")).With("Text", text)
	}
	query, err := url.ParseQuery(u.RawQuery)
	form, err2 := url.ParseQuery(u.Fragment)
	if err := errors.Join(err, err2); err != nil {
		return SignIn{}, core.Invalid("succession.readonly.sign_in", err).With("Text", text)
	}
	return SignIn{u.Path, query, form}, nil
}

// maxForm is how large the form of a sign-in may be.
const maxForm = 64 << 10

// Proxy passes requests that read to a program.
type Proxy struct {
	signIns []SignIn
	behind  *httputil.ReverseProxy
	refuse  func(w http.ResponseWriter, r *http.Request)
}

// New makes a proxy in front of the program at an address; refuse answers what does not pass.
func New(upstream *url.URL, signIns []SignIn, refuse func(http.ResponseWriter, *http.Request)) *Proxy {
	return &Proxy{signIns: signIns, refuse: refuse, behind: &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(upstream)
		r.Out.Host = r.In.Host
		r.SetXForwarded()
		for name := range r.Out.Header {
			if strings.Contains(strings.ToLower(name), "method") { // X-HTTP-Method-Override and its like
				r.Out.Header.Del(name)
			}
		}
	}}}
}

func reading() []string {
	return []string{http.MethodGet, http.MethodHead, http.MethodOptions, "PROPFIND", "REPORT"}
}

// ServeHTTP passes a request, or refuses it.
func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.Header.Get("Upgrade") != "" || overridden(r.URL.RawQuery):
		p.refuse(w, r)
	case slices.Contains(reading(), r.Method):
		p.behind.ServeHTTP(w, r)
	case r.Method == http.MethodPost && p.signsIn(w, r):
		p.behind.ServeHTTP(w, r)
	default:
		p.refuse(w, r)
	}
}

// overridden says whether parameters name another method, as some programs read them.
func overridden(query string) bool {
	values, err := url.ParseQuery(query)
	return err != nil || values.Has("_method")
}

// signsIn says whether a POST is a named sign-in. Its form is read, and given on as it was.
func (p *Proxy) signsIn(w http.ResponseWriter, r *http.Request) bool {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxForm))
	if err != nil || !strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		return false
	}
	form, err := url.ParseQuery(string(body))
	if err != nil || form.Has("_method") {
		return false
	}
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	query := r.URL.Query()
	return slices.ContainsFunc(p.signIns, func(s SignIn) bool {
		return r.URL.Path == s.Path && once(query, s.Query) && once(form, s.Form) && absent(query, s.Form) && absent(form, s.Query)
	})
}

// once says whether values have what is wanted, each name once in any spelling that PHP takes for
// it: "do" is also "do[save]".
func once(values, wanted url.Values) bool {
	for name, want := range wanted {
		n := 0
		for key, got := range values {
			if base(key) == base(name) {
				n += len(got)
			}
		}
		if n != 1 || values.Get(name) != want[0] {
			return false
		}
	}
	return true
}

func absent(values, names url.Values) bool {
	for key := range values {
		for name := range names {
			if base(key) == base(name) {
				return false
			}
		}
	}
	return true
}

// base is the variable that PHP makes of a name.
func base(key string) string {
	key, _, _ = strings.Cut(strings.TrimLeft(key, " "), "[")
	key, _, _ = strings.Cut(key, "\x00")
	return strings.NewReplacer(".", "_", " ", "_").Replace(key)
}
