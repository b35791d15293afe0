package federation_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"testing"

	"entrechat/internal/room/identity/home"
)

// FuzzQuery: whatever stands in an address, a statement comes for the one member that is
// named exactly, and nothing fails.
func FuzzQuery(f *testing.F) {
	w := newWorld(f)
	w.homes.below = []home.Home{member(f, "chaton-b.test", "https://chaton-b.test")}
	for _, query := range []string{"sub=https%3A%2F%2Fchaton-b.test", "sub=a&sub=b", "sub=%zz", ";", "entity_type=openid_provider", "intermediate"} {
		f.Add(query)
	}
	f.Fuzz(func(t *testing.T, query string) {
		values, err := url.ParseQuery(query)
		named := err == nil && slices.Equal(values["sub"], []string{"https://chaton-b.test"}) && len(query) <= 2<<10
		for _, path := range []string{"/federation/fetch", "/federation/list"} {
			r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
			r.URL.RawQuery = query
			answer := httptest.NewRecorder()
			w.mux.ServeHTTP(answer, r)
			if answer.Code >= http.StatusInternalServerError || path == "/federation/fetch" && (answer.Code == http.StatusOK) != named {
				t.Errorf("%s?%q: %d %s", path, query, answer.Code, answer.Body)
			}
		}
	})
}
