package recipe

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"

	"entrechat/internal/core"
)

// Tree is what is in a folder.
type Tree struct {
	Files int64 // regular files and links
	Bytes int64 // of the regular files
	Sum   string
}

// Counts are the three numbers of two trees: files, and bytes with the hash of everything.
func Counts(of string, from, to Tree) []Count {
	return []Count{
		{What: "files", Of: of, From: from.Files, To: to.Files},
		{What: "bytes", Of: of, From: from.Bytes, To: to.Bytes, FromSum: from.Sum, ToSum: to.Sum},
	}
}

// CountTree counts a folder of a side (its path as the settings name it): Sum is the SHA-256 over the
// sorted list of names, contents of files and targets of links. Owners, modes and times are not in
// it. without are patterns of find -path below the folder, whose * also matches a slash: "cache",
// "*.lock". A folder that is not there counts as empty. Needs find and sha256sum of GNU.
func CountTree(ctx context.Context, s Side, dir string, without ...string) (Tree, error) {
	entries, err := list(ctx, s, dir, without, true)
	if err != nil {
		return Tree{}, err
	}
	var t Tree
	sum := sha256.New()
	for _, e := range entries {
		if e.kind == 'd' {
			continue
		}
		t.Files++
		if e.kind == 'f' {
			t.Bytes += e.size
		}
		sum.Write([]byte(e.name + "\x00" + string(e.kind) + e.hash + e.link + "\x00"))
	}
	t.Sum = hex.EncodeToString(sum.Sum(nil))
	return t, nil
}

// entry is one file, link or folder of a tree.
type entry struct {
	name string // "./pages/start.txt"
	kind byte   // f, l, d
	size int64
	mode string
	time string // seconds since 1970 with a fraction, as find prints them
	link string
	hash string // of a file's content when asked for
}

// listing prints what is below a folder; nothing when there is none.
const listing = `test -d "$1" || exit 0; cd "$1" || exit 1; shift; exec find . -mindepth 1 "$@" -printf '%y %s %m %T@\0%p\0%l\0'`

const hashing = `test -d "$1" || exit 0; cd "$1" || exit 1; shift; exec find . -mindepth 1 "$@" -type f -exec sha256sum -z -- {} +`

// list lists a tree by name. Sockets, pipes and devices are passed over.
func list(ctx context.Context, s Side, dir string, without []string, hashes bool) ([]entry, error) {
	prune := make([]string, 0, 4*len(without))
	for _, pattern := range without {
		prune = append(prune, "-path", "./"+pattern, "-prune", "-o")
	}
	words := append([]string{s.Path(dir)}, prune...)
	text, err := Output(ctx, s, Shell(listing, words...))
	if err != nil {
		return nil, err
	}
	fields := strings.Split(text, "\x00")
	all := make([]entry, 0, len(fields)/3)
	for ; len(fields) > 3; fields = fields[3:] {
		about := strings.Fields(fields[0])
		if len(about) != 4 || !strings.Contains("fld", about[0]) {
			continue
		}
		size, err := strconv.ParseInt(about[1], 10, 64)
		if err != nil {
			return nil, core.Unsure("succession.recipe.command", err).With("Side", s.Name()).With("Program", "find").With("Said", about[1])
		}
		all = append(all, entry{name: fields[1], kind: about[0][0], size: size, mode: about[2], time: about[3], link: fields[2]})
	}
	slices.SortFunc(all, func(a, b entry) int { return strings.Compare(a.name, b.name) })
	if !hashes {
		return all, nil
	}
	text, err = Output(ctx, s, Shell(hashing, words...))
	if err != nil {
		return nil, err
	}
	of := map[string]string{}
	for line := range strings.SplitSeq(text, "\x00") {
		if hash, name, ok := strings.Cut(line, "  "); ok {
			of[name] = hash
		}
	}
	for i := range all {
		all[i].hash = of[all[i].name]
	}
	return all, nil
}
