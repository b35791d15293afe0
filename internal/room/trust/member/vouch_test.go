package member

import (
	"testing"

	"entrechat/internal/core"
	"entrechat/internal/room/trust/trusttest"
)

func TestMeetings(t *testing.T) {
	vouch := func(by, to core.MemberID, since core.Moment) Vouch {
		return Vouch{By: by, For: addressOf(to), Since: since}
	}
	forged := vouch("b.test", "c.test", 1)
	forged.For.Root = trusttest.RootOf("other")
	trusted := func(id core.MemberID) bool { return id == "a.test" || id == "b.test" || id == "d.test" }
	for _, c := range []struct {
		name    string
		vouches []Vouch
		limit   int
		want    string
	}{
		{"by somebody we trust", []Vouch{vouch("a.test", "c.test", 1)}, 9, "c"},
		{"by a stranger", []Vouch{vouch("x.test", "c.test", 1)}, 9, ""},
		{"for itself", []Vouch{vouch("a.test", "a.test", 1)}, 9, ""},
		{"two keys, one each", []Vouch{vouch("a.test", "c.test", 1), forged}, 9, ""},
		{"two keys, one has more", []Vouch{vouch("a.test", "c.test", 1), vouch("d.test", "c.test", 1), forged}, 9, "c"},
		{"a flood pushes nobody out", []Vouch{vouch("a.test", "e.test", 9), vouch("a.test", "f.test", 8), vouch("b.test", "g.test", 1)}, 2, "gf"},
	} {
		var got string
		for _, a := range Meetings(c.vouches, trusted, c.limit) {
			got += string(a.Member[0])
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}
