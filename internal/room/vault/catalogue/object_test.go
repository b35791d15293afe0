package catalogue

import (
	"testing"

	"entrechat/internal/room/vault/rest"
	"entrechat/internal/room/vault/shard"
)

func TestCodesFollowTheDomains(t *testing.T) {
	for _, c := range []struct {
		typ     rest.Type
		domains int
		want    shard.Code
	}{
		{rest.Data, 0, shard.Code{K: 1, N: 1}},
		{rest.Data, 6, shard.Code{K: 4, N: 6}},
		{rest.Index, 1, shard.Code{K: 1, N: 1}},
		{rest.Index, 2, shard.Code{K: 1, N: 2}},
		{rest.Index, 6, shard.Code{K: 1, N: 3}},
		{rest.Index, 12, shard.Code{K: 1, N: 4}},
		{rest.Keys, 6, shard.Code{K: 1, N: 6}},
		{rest.Snapshots, 20, shard.Code{K: 1, N: 9}},
		{Meta, 3, shard.Code{K: 1, N: 3}},
	} {
		if got := CodeFor(c.typ, c.domains); got != c.want {
			t.Errorf("%s over %d domains: %v, want %v", c.typ, c.domains, got, c.want)
		}
	}
	for held, want := range []State{Waiting, Waiting, Waiting, Waiting, Waiting, Safe, Placed} {
		if got := StateOf(shard.Code{K: 4, N: 6}, held); got != want {
			t.Errorf("4-of-6 with %d held: %s, want %s", held, got, want)
		}
	}
	if got := StateOf(shard.Code{K: 1, N: 1}, 1); got != Placed {
		t.Errorf("a lone lender: %s", got)
	}
	if got := StateOf(shard.Code{}, 3); got != Waiting {
		t.Errorf("no code yet: %s", got)
	}
}
