package need

import (
	"context"
	"net/http"
	"strings"
	"testing"
)

// TestAskTheCollective: an admin is led from a need to a proposal, and everybody from the need to
// what was proposed.
func TestAskTheCollective(t *testing.T) {
	v := newVisitor(t)
	n := v.published("A calendar")
	proposals := map[string]string{}
	v.n.Propose = func(id string) string { return "/propose?need=" + id }
	v.n.Proposals = func(context.Context) (map[string]string, error) { return proposals, nil }
	v.admin = true
	see := func(path, want string, there bool) {
		t.Helper()
		if page, _, _ := v.do(http.MethodGet, path, http.StatusOK, nil); strings.Contains(page, want) != there {
			t.Errorf("%s has %q: %v\n%s", path, want, !there, page)
		}
	}
	here := AdminPath + "/" + n.ID
	see(here, `href="/propose?need=`+n.ID, true)
	see(Path, "/decisions/", false)
	proposals[n.ID] = "/decisions/abc"
	see(here, `href="/propose`, false)
	see(here, `href="/decisions/abc"`, true)
	see(Path, `href="/decisions/abc"`, true)
}
