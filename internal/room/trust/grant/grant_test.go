package grant

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"entrechat/internal/core"
)

func TestLarger(t *testing.T) {
	for _, c := range []struct {
		name       string
		less, more core.Grant
	}{
		{"bytes", store(1), store(2)},
		{"rate, none is most", core.Grant{Kind: core.GrantStore, Bytes: 1, RateBits: 9}, store(1)},
		{"watch oftener", core.Grant{Kind: core.GrantWatch, EveryS: 300}, core.Grant{Kind: core.GrantWatch, EveryS: 60}},
		{"login, all", core.Grant{Kind: core.GrantLogin, Services: []string{"a", "b"}}, core.Grant{Kind: core.GrantLogin}},
		{"login, more", core.Grant{Kind: core.GrantLogin, Services: []string{"z"}}, core.Grant{Kind: core.GrantLogin, Services: []string{"a", "b"}}},
	} {
		for _, got := range []core.Grant{Larger(c.less, c.more), Larger(c.more, c.less)} {
			if !cmp.Equal(got, c.more) {
				t.Errorf("%s: %+v", c.name, got)
			}
		}
	}
}

func store(bytes int64) core.Grant { return core.Grant{Kind: core.GrantStore, Bytes: bytes} }
