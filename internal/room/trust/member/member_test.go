package member

import (
	"fmt"
	"testing"

	"entrechat/internal/core"
	"entrechat/internal/room/trust/trusttest"
)

func TestWhoGivesWay(t *testing.T) {
	var list []Member
	add := func(id string) { list = append(list, Member{Address: Address{Member: core.MemberID(id)}}) }
	for i := range maxAsked - maxSiblings {
		add(fmt.Sprintf("chaton-%d.test", i)) // the last two labels differ
	}
	for i := range maxSiblings {
		add(fmt.Sprintf("n%d.mallory.test", i))
	}
	for _, c := range []struct {
		list     []Member
		newcomer core.MemberID
		want     core.MemberID
	}{
		{list[1:], "new.test", ""},
		{list, "new.test", "chaton-0.test"},
		{list, "n9.mallory.test", "n0.mallory.test"},
		{list, "mallory.test", "n0.mallory.test"},
		{list, "chaton-5.test", ""}, // it is in the list
		{list[:3], "a.b.chaton-1.test", ""},
	} {
		if got, full := givesWay(c.list, c.newcomer); got != c.want || full != (c.want != "") {
			t.Errorf("%s: %q %v, want %q", c.newcomer, got, full, c.want)
		}
	}
}

func addressOf(id core.MemberID) Address {
	return Address{Member: id, URL: "https://" + string(id), Root: trusttest.RootOf(string(id))}
}
