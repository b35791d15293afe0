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
		{"rate, none is most", core.Grant{Kind: "store", Amounts: map[string]int64{"bytes": 1, "rate_bits_s": 9}}, store(1)},
		{"watch oftener", core.Grant{Kind: "watch", Amounts: map[string]int64{"every_s": 300}}, core.Grant{Kind: "watch", Amounts: map[string]int64{"every_s": 60}}},
		{"login, all", core.Grant{Kind: "login", Names: map[string][]string{"services": {"a", "b"}}}, core.Grant{Kind: "login"}},
		{"login, more", core.Grant{Kind: "login", Names: map[string][]string{"services": {"z"}}}, core.Grant{Kind: "login", Names: map[string][]string{"services": {"a", "b"}}}},
	} {
		for _, got := range []core.Grant{types().Larger(c.less, c.more), types().Larger(c.more, c.less)} {
			if !cmp.Equal(got, c.more) {
				t.Errorf("%s: %+v", c.name, got)
			}
		}
	}
}

func store(bytes int64) core.Grant {
	return core.Grant{Kind: "store", Amounts: map[string]int64{"bytes": bytes}}
}

// types are the planned ones and three more.
func types() Types {
	return append(Types{{
		Kind: "store", Words: "test.grant.store.", Fetchable: true,
		Fields: []core.GrantField{
			{Name: "bytes", Unit: core.UnitBytes, Least: 1, Most: MaxAmount, Place: "Size"},
			{Name: "rate_bits_s", Unit: core.UnitRate, Most: MaxAmount, Place: "Rate", Suffix: "_rate"},
		},
	}, {
		Kind: "watch", Words: "watch.grant.watch.", Light: true, InForm: true,
		Fields: []core.GrantField{{Name: "every_s", Unit: core.UnitSeconds, Least: 10, Most: 86400, Place: "Every"}},
	}, {
		Kind: "login", Words: "identity.grant.login.", Light: true,
		Fields: []core.GrantField{{Name: "services", Unit: core.UnitNames, Most: 100, Place: "Services", Suffix: "_some"}},
	}, {
		Kind: "custody", Words: "custody.grant.custody.", Fetchable: true,
	}}, Planned()...)
}
