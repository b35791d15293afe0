package provider

import (
	"fmt"
	"testing"

	"entrechat/internal/core"
	"entrechat/internal/room/identity/person"
)

func waiting(code, who, session, client string, until core.Moment) waitingCode {
	return waitingCode{grantRow{code: code, person: person.ID(who), client: client}, clientSession{Session: session, Client: client}, until}
}

func TestCodesEnd(t *testing.T) {
	var c codes
	const now, later = core.Moment(1e6), core.Moment(2e6)
	for i, one := range []waitingCode{
		waiting("a", "alice", "s1", "pad", later), waiting("b", "alice", "s2", "cloud", later), waiting("c", "bob", "s3", "pad", later),
	} {
		if !c.put(one, now) {
			t.Fatal(i)
		}
	}
	there := func() (out string) {
		for _, hash := range []string{"a", "b", "c"} {
			if _, ok := c.get(hash, now); ok {
				out += hash
			}
		}
		return out
	}
	steps := []struct {
		what string
		do   func()
		left string
	}{
		{"another client of alice's", func() { c.end(ending{column: "person", value: "alice", client: "wiki"}) }, "abc"},
		{"alice at the pad", func() { c.end(ending{column: "person", value: "alice", client: "pad"}) }, "bc"},
		{"another session", func() { c.end(ending{column: "session", value: "alice"}) }, "bc"},
		{"bob's session", func() { c.end(ending{column: "session", value: "s3"}) }, "b"},
		{"the code is used", func() { c.remove("b"); c.remove("b") }, ""},
	}
	for _, s := range steps {
		if s.do(); there() != s.left {
			t.Errorf("%s: %q is left, want %q", s.what, there(), s.left)
		}
	}
	if len(c.each) != 0 {
		t.Errorf("counts are left: %v", c.each)
	}
	if _, ok := c.get("a", later); ok {
		t.Error("a code outlives its minute")
	}
}

// One person cannot take the room of all, and what ran out makes room.
func TestCodesAreBounded(t *testing.T) {
	var c codes
	now := core.Moment(1e6)
	for i := range maxCodesEach {
		if !c.put(waiting(fmt.Sprint("a", i), "alice", "s", "pad", now.Add(codeLife)), now) {
			t.Fatal(i)
		}
	}
	if c.put(waiting("more", "alice", "s", "pad", now.Add(codeLife)), now) {
		t.Error("one person has more than its part")
	}
	for i := range maxCodes - maxCodesEach {
		if !c.put(waiting(fmt.Sprint("p", i), fmt.Sprint("person", i), "s", "pad", now.Add(codeLife)), now) {
			t.Fatal(i)
		}
	}
	if c.put(waiting("last", "zoe", "s", "pad", now.Add(codeLife)), now) {
		t.Error("more codes than there is room for")
	}
	now = now.Add(codeLife)
	if !c.put(waiting("last", "zoe", "s", "pad", now.Add(codeLife)), now) || len(c.all) != 1 || len(c.line) != 1 {
		t.Errorf("%d codes and a line of %d after all ran out", len(c.all), len(c.line))
	}
}
