package signin

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// Whatever an address says to go on to, a browser stays at this node.
func FuzzTargets(f *testing.F) {
	for _, seed := range []string{"/account", "//evil.test", `/\evil.test`, "https://evil.test", "/a/../..//evil.test", "/\t/evil.test", "/%2f/evil.test", "/a?b=c#d"} {
		f.Add(seed, seed)
	}
	f.Fuzz(func(t *testing.T, flow, next string) {
		page := parseTarget(url.Values{"flow": {flow}, "next": {next}}).page()
		base, err := url.Parse("https://chaton-a.test/sign-in")
		if err != nil {
			t.Fatal(err)
		}
		// As browsers read it: `\` as `/`, and signs of control left out.
		read := strings.NewReplacer(`\`, "/", "\t", "", "\r", "", "\n", "").Replace(page)
		to, err := base.Parse(read)
		if err != nil || to.Host != "chaton-a.test" || to.Scheme != "https" || strings.HasPrefix(read, "//") {
			t.Errorf("%q leads to %q, %v", next, page, err)
		}
		rec := httptest.NewRecorder()
		http.Redirect(rec, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/sign-in", nil), page, http.StatusSeeOther)
		if at := rec.Header().Get("Location"); strings.HasPrefix(at, "//") || !strings.HasPrefix(at, "/") {
			t.Errorf("%q redirects to %q", next, at)
		}
	})
}
