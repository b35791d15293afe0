package format

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"
	"pgregory.net/rapid"

	"entrechat/internal/core"
)

// history is one story an author tells, as leaves.
type history []string

// hashes are its stored hashes, from memory.
func (h history) hashes() tlog.HashReaderFunc {
	var all []tlog.Hash
	read := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		out := make([]tlog.Hash, len(indexes))
		for i, x := range indexes {
			if x >= int64(len(all)) {
				return nil, errors.New("not stored")
			}
			out[i] = all[x]
		}
		return out, nil
	})
	for i, leaf := range h {
		added, err := tlog.StoredHashes(int64(i), []byte(leaf), read)
		if err != nil {
			panic(err)
		}
		all = append(all, added...)
	}
	return read
}

func (h history) tree(size int64) tlog.Tree {
	root, err := tlog.TreeHash(size, h.hashes())
	if err != nil {
		panic(err)
	}
	return tlog.Tree{N: size, Hash: root}
}

func (h history) prefixOf(o history) bool {
	return len(h) <= len(o) && fmt.Sprint(h) == fmt.Sprint(o[:len(h)])
}

// world is one author that may tell several stories, and one mirror's view.
type world struct {
	stories []history
	held    history
	view    LogView
	clock   core.Moment
}

// consistent says whether a state of one story can be true beside what is held.
func (w *world) consistent(told history) bool { return told.prefixOf(w.held) || w.held.prefixOf(told) }

func (w *world) rootAt(size int64) (tlog.Hash, error) { return w.held.tree(size).Hash, nil }

// offer shows the mirror any signed state of any story, old or new, and checks
// every promise of the view.
func (w *world) offer(t *rapid.T) {
	story := rapid.SampledFrom(w.stories).Draw(t, "story")
	size := rapid.IntRange(1, len(story)).Draw(t, "size")
	told := story[:size]
	h := Head{Tree: told.tree(int64(size)), Signed: core.Moment(rapid.Int64Range(1, int64(w.clock)).Draw(t, "signed"))}
	before := w.view
	v, err := w.view.Compare(h, w.rootAt)
	if err != nil {
		t.Fatal(err)
	}
	switch {
	case v == Longer && size <= len(w.held):
		t.Fatalf("longer, but %d is not above %d", size, len(w.held))
	case v != Longer && size > len(w.held):
		t.Fatalf("%s for a larger head", v)
	case (v == Older || v == Refreshed) && !w.consistent(told):
		t.Fatalf("%s for a head that contradicts ours", v)
	case v == Conflict && w.consistent(told):
		t.Fatal("an honest head was called a conflict")
	case v == Refreshed && before.Attested && h.Signed <= before.Signed:
		t.Fatal("refreshed by what is not later")
	}
	switch v {
	case Longer:
		w.fetch(t, told, h)
	case Refreshed:
		w.view.Signed, w.view.Attested = max(w.view.Signed, h.Signed), true
	case Conflict:
		w.prove(t, told)
	case Older:
	}
	if w.view.Tree.N < before.Tree.N || w.view.Signed < before.Signed {
		t.Fatal("the view went back")
	}
	if w.view.Tree != w.held.tree(int64(len(w.held))) {
		t.Fatal("the view is not over what is held")
	}
}

// fetch is what take does with a larger head: its entries must lead to it.
func (w *world) fetch(t *rapid.T, told history, h Head) {
	grown := append(append(history(nil), w.held...), told[len(w.held):]...)
	if grown.tree(int64(len(grown))) == h.Tree {
		if !w.held.prefixOf(told) {
			t.Fatal("another history led to the same root")
		}
		w.held, w.view = grown, LogView{Tree: h.Tree, Signed: max(h.Signed, w.view.Signed), Attested: true}
		return
	}
	w.prove(t, told)
}

// prove builds the proof from the larger tree's hashes, as dispute does, and
// checks it as a stranger would; the same proof must not hold for honest heads.
func (w *world) prove(t *rapid.T, told history) {
	a, b := w.held, told
	if len(a) > len(b) {
		a, b = b, a
	}
	f := Fork{}
	if len(a) < len(b) {
		root, err := tlog.TreeHash(int64(len(a)), b.hashes())
		if err != nil {
			t.Fatal(err)
		}
		proof, err := tlog.ProveTree(int64(len(b)), int64(len(a)), b.hashes())
		if err != nil {
			t.Fatal(err)
		}
		f.RootAtA = HashText(root)
		for _, h := range proof {
			f.Proof = append(f.Proof, HashText(h))
		}
	}
	if err := f.contradict(a.tree(int64(len(a))), b.tree(int64(len(b)))); err != nil {
		t.Fatalf("a true fork is not proved: %v", err)
	}
	if honest := b[:len(a)]; f.contradict(honest.tree(int64(len(a))), b.tree(int64(len(b)))) == nil {
		t.Fatal("an honest author is convicted")
	}
}

// A mirror is shown every state of every story an author ever told, in any order:
// it never goes back, never takes what contradicts what it holds, proves every
// contradiction, and never accuses an author of one story.
func TestViewHoldsUnderAnyAuthor(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := &world{stories: []history{{"key set"}}, clock: 1}
		w.view = LogView{Tree: history{}.tree(0)}
		t.Repeat(map[string]func(*rapid.T){
			"append": func(t *rapid.T) {
				i := rapid.IntRange(0, len(w.stories)-1).Draw(t, "story")
				w.clock++
				w.stories[i] = append(w.stories[i], fmt.Sprintf("entry %d", w.clock))
			},
			"fork": func(t *rapid.T) {
				if len(w.stories) > 3 {
					return // enough
				}
				story := rapid.SampledFrom(w.stories).Draw(t, "story")
				at := rapid.IntRange(1, len(story)).Draw(t, "at")
				w.clock++
				w.stories = append(w.stories, append(append(history(nil), story[:at]...), fmt.Sprintf("lie %d", w.clock)))
			},
			"offer":  w.offer,
			"offer2": w.offer,
			"revoke": func(*rapid.T) { w.view.Attested = false },
		})
	})
}

func TestStateOf(t *testing.T) {
	now := core.At(time.Now())
	for _, tt := range []struct {
		age    time.Duration
		forked bool
		want   State
	}{
		{0, false, Fresh},
		{48 * time.Hour, false, Fresh},
		{48*time.Hour + time.Microsecond, false, NotHeard},
		{7 * 24 * time.Hour, false, NotHeard},
		{7*24*time.Hour + time.Microsecond, false, Stale},
		{-time.Hour, false, Fresh},
		{30 * 24 * time.Hour, true, Suspended},
		{0, true, Suspended},
	} {
		if got := StateOf(now.Add(-tt.age), tt.forked, now); got != tt.want {
			t.Errorf("age %s, forked %t: %s, want %s", tt.age, tt.forked, got, tt.want)
		}
	}
	if got := StateOf(0, false, now); got != Unknown {
		t.Errorf("never heard: %s", got)
	}
}
