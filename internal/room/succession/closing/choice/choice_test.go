package choice

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"entrechat/internal/core"
	"entrechat/internal/kit/wire"
)

func drawn(t *rapid.T) []Leaf {
	n := rapid.IntRange(1, 40).Draw(t, "people")
	out := make([]Leaf, 0, n)
	for range n {
		out = append(out, Leaf{NewSalt(), rapid.SampledFrom(All()).Draw(t, "choice")})
	}
	return out
}

// TestEverybodyIsIn: each slip proves its leaf, and nothing else.
func TestEverybodyIsIn(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tree, err := NewTree("mail", drawn(t))
		if err != nil {
			t.Fatal(err)
		}
		root, err := tree.Root()
		if err != nil {
			t.Fatal(err)
		}
		size := int64(len(tree.Leaves))
		i := rapid.Int64Range(0, size-1).Draw(t, "place")
		slip, err := tree.Slip("a.test", i)
		if err != nil {
			t.Fatal(err)
		}
		text, err := wire.Encode(slip)
		if err != nil {
			t.Fatal(err)
		}
		read, err := ReadSlip(text)
		if err != nil || read.Check(root, size) != nil {
			t.Fatalf("%v, %v", err, read.Check(root, size))
		}
		for _, other := range All() {
			if lie := read; other != read.Leaf.Choice {
				lie.Leaf.Choice = other
				if core.CodeOf(lie.Check(root, size)) != core.CodeDenied {
					t.Fatal("another choice is in")
				}
			}
		}
		lie := read
		lie.Service = "wiki"
		if lie.Check(root, size) == nil || read.Check(root, size+1) == nil {
			t.Fatal("another service, or another number of people, is in")
		}
	})
}

// TestWithoutEntrechat: the program of the spec counts as we do.
func TestWithoutEntrechat(t *testing.T) {
	for _, n := range []int{1, 2, 3, 7, 8, 21} {
		var leaves []Leaf
		for i := range n {
			leaves = append(leaves, Leaf{NewSalt(), All()[i%3]})
		}
		tree, err := NewTree("mail", leaves)
		if err != nil {
			t.Fatal(err)
		}
		root, err := tree.Root()
		if err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		var list strings.Builder
		for _, l := range tree.Leaves {
			list.WriteString(l.Salt + " " + l.Choice + "\n")
		}
		h, a, e := tree.Count()
		python(t, dir, list.String(), fmt.Sprintf("root %s\nhandover %d\narchive %d\nerase %d\n", root, h, a, e), "--all", "file", "mail")
		for i := range n {
			slip, err := tree.Slip("a.test", int64(i))
			if err != nil {
				t.Fatal(err)
			}
			text, err := wire.Encode(slip)
			if err != nil {
				t.Fatal(err)
			}
			python(t, dir, string(text), fmt.Sprintf("root %s\npeople %d\n", root, n), "file")
		}
	}
}

func python(t *testing.T, dir, file, want string, args ...string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, "file"), []byte(file), 0o600); err != nil {
		t.Fatal(err)
	}
	program, err := filepath.Abs("../../../../../docs/spec/choice.py")
	if err != nil {
		t.Fatal(err)
	}
	c := exec.CommandContext(t.Context(), "python3", append([]string{program}, args...)...)
	c.Dir = dir
	got, err := c.Output()
	if err != nil || !bytes.Equal(got, []byte(want)) {
		t.Fatalf("%v: %s, want %s", err, got, want)
	}
}

func FuzzSlip(f *testing.F) {
	f.Add([]byte(`{"owner":"a.test","service":"mail","leaf":{"salt":"00112233445566778899aabbccddeeff","choice":"erase"},"place":0,"size":1,"proof":[],"root":"00"}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		slip, err := ReadSlip(text)
		if err != nil {
			return
		}
		if slip.Check(strings.Repeat("00", 32), slip.Size) == nil {
			t.Error("a made-up slip leads to a made-up root")
		}
	})
}
