package broker_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/dbtest"
	"entrechat/internal/kit/seal"
	"entrechat/internal/kit/wire"
	"entrechat/internal/room/identity/move"
)

// TestAHomeThatInventsMoves: a member that B lets in says in its ID tokens that alice of A
// moved to it. B takes none of it, and makes nobody of it.
func TestAHomeThatInventsMoves(t *testing.T) {
	all := village(t, 2, dbtest.SQLite)
	a, b, e := all[0], all[1], newEvil(t)
	b.letsEvil(e)
	alice := a.add("alice", "")
	secret := b.service("nuage", "")
	before := b.told(t, "nuage", secret, a, "alice")
	now := core.At(time.Now())
	release := func(alter func(r *move.Release), by ...seal.Signer) string {
		r := move.Release{Home: a.id, Sub: string(alice.ID), To: e.id, Made: now, Until: now.Add(time.Hour), Nonce: strings.Repeat("A", 26)}
		alter(&r)
		payload, err := wire.Encode(r)
		b.must(err)
		env, err := seal.SignDoc(move.TypeRelease, payload, by[0])
		b.must(err)
		for _, s := range by[1:] {
			b.must(env.AddSignature(s))
		}
		text, err := env.Encode()
		b.must(err)
		return string(text)
	}
	same := func(*move.Release) {}
	own, asA := newSigner(t, e.id), newSigner(t, a.id)
	good := release(same, asA, own)
	for what, claim := range map[string]any{
		"by a key that is not A's": []string{good},
		"by itself":                []string{release(same, own)},
		"by A, and by nobody else": []string{release(same, a.signer)},
		"by A, never in its log":   []string{release(same, a.signer, own)},
		"to another member":        []string{release(func(r *move.Release) { r.To = b.id }, a.signer, own)},
		"from nobody":              []string{release(func(r *move.Release) { r.Home = "" }, a.signer, own)},
		"nine of them":             slices.Repeat([]string{good}, move.MaxChain+1),
		"twice":                    []string{good, good},
		"no envelope":              []string{"{}"},
		"no list":                  good,
		"numbers":                  []int{1},
		"much":                     []string{strings.Repeat("a", 50_000)},
	} {
		e.alter = func(c map[string]any) { c["moved_from"] = claim }
		who := newBrowser(t)
		if p := who.goes(who.opens(b, "nuage"), "home", string(e.id)); p.arrived() || p.status < 400 {
			t.Errorf("%s: %d %s", what, p.status, p.at)
		}
	}
	if here, err := b.homes.Visitors(t.Context(), e.id); err != nil || len(here) != 0 {
		t.Errorf("%v, %v", here, err)
	}
	if after := b.told(t, "nuage", secret, a, "alice"); after["sub"] != before["sub"] {
		t.Errorf("%v, was %v", after, before)
	}
}
