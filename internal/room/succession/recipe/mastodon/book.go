package mastodon

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"cmp"
	"compress/gzip"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"entrechat/internal/core"
	"entrechat/internal/kit/disk"
)

// The parts of what an account has.
const (
	domainBlocks = "domain_blocks"
	blocks       = "blocks"
	mutes        = "mutes"
	follows      = "follows"
	lists        = "lists"
	bookmarks    = "bookmarks"
)

// kinds are all of them, in the order in which the new account gets them.
func kinds() []string { return []string{domainBlocks, blocks, mutes, follows, lists, bookmarks} }

// entry is one: an account, a domain or a post; of a list, with its title.
type entry struct {
	List  string `json:"list,omitempty"`
	Value string `json:"value"`
}

// book is what an account has, by kind.
type book map[string]map[entry]bool

// add takes an entry; an empty one is passed over.
func (b book) add(kind string, e entry) {
	if e.Value == "" || strings.ContainsAny(e.Value+e.List, "\x00\r\n") {
		return
	}
	if b[kind] == nil {
		b[kind] = map[entry]bool{}
	}
	b[kind][e] = true
}

// sorted are the entries of a kind.
func (b book) sorted(kind string) []entry {
	all := make([]entry, 0, len(b[kind]))
	for e := range b[kind] {
		all = append(all, e)
	}
	slices.SortFunc(all, func(x, y entry) int { return cmp.Or(cmp.Compare(x.List, y.List), cmp.Compare(x.Value, y.Value)) })
	return all
}

// sum is a hash of the entries of a kind that keep has too; nil = all.
func (b book) sum(kind string, keep book) (n int64, sum string) {
	h := sha256.New()
	for _, e := range b.sorted(kind) {
		if keep == nil || keep[kind][e] {
			n++
			fmt.Fprintf(h, "%s\x00%s\n", e.List, e.Value)
		}
	}
	if n == 0 {
		return 0, ""
	}
	return n, hex.EncodeToString(h.Sum(nil))
}

// without takes entries out whose value somebody names.
func (b book) without(values ...string) {
	for _, all := range b {
		for e := range all {
			if slices.Contains(values, e.Value) {
				delete(all, e)
			}
		}
	}
}

// listing is one CSV file, as Mastodon writes and both programs read it.
type listing struct {
	kind, file string
	header     []string // nil = none
	rest       []string // columns after the first, as the program's own defaults
}

func listings() []listing {
	return []listing{
		{follows, "following_accounts.csv", []string{"Account address", "Show boosts", "Notify on new posts", "Languages"}, []string{"true", "false", ""}},
		{lists, "lists.csv", nil, nil},
		{blocks, "blocked_accounts.csv", nil, nil},
		{mutes, "muted_accounts.csv", []string{"Account address", "Hide notifications"}, []string{"true"}},
		{domainBlocks, "blocked_domains.csv", nil, nil},
		{bookmarks, "bookmarks.csv", nil, nil},
	}
}

// write writes the CSV files into a folder.
func (b book) write(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("write CSV files: %w", err)
	}
	for _, s := range listings() {
		if err := disk.Replace(filepath.Join(dir, s.file), b.text(s)); err != nil {
			return err
		}
	}
	return nil
}

// text is one CSV file.
func (b book) text(s listing) []byte {
	var text bytes.Buffer
	w := csv.NewWriter(&text)
	if s.header != nil {
		_ = w.Write(s.header) // into memory
	}
	for _, e := range b.sorted(s.kind) {
		first := []string{e.Value}
		if s.kind == lists {
			first = []string{e.List, e.Value}
		}
		_ = w.Write(slices.Concat(first, s.rest))
	}
	w.Flush()
	return text.Bytes()
}

// unwrite removes the CSV files, and the folder when nothing else is in it.
func unwrite(dir string) error {
	for _, s := range append(listings(), listing{file: missingFile}) {
		if err := os.Remove(filepath.Join(dir, s.file)); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	_ = os.Remove(dir) // somebody's own files stay in it
	return nil
}

const maxCSV = 16 << 20

var addressForm = regexp.MustCompile(`^[^@\s\x00]+@[^@\s\x00]+$`)

// load reads the CSV files of a folder; one that is not there is empty, but not all of them.
func (s Server) load(dir string) (book, error) {
	b, found := book{}, 0
	for _, sh := range listings() {
		f, err := os.Open(filepath.Join(dir, sh.file))
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err == nil {
			found++
			err = errors.Join(s.parse(b, sh, f), f.Close())
		}
		if err != nil {
			return nil, core.Invalid("succession.recipe.mastodon.csv", err).With("File", filepath.Join(dir, sh.file))
		}
	}
	if found == 0 {
		return nil, core.NotFound("succession.recipe.mastodon.csv", errors.New("no CSV file is there")).With("File", dir)
	}
	return b, nil
}

// parse reads one CSV file. A first line that is a header is passed over.
func (s Server) parse(b book, sh listing, r io.Reader) error {
	text, err := io.ReadAll(io.LimitReader(r, maxCSV+1))
	if err != nil {
		return err
	}
	if len(text) > maxCSV {
		return errors.New("more than is read")
	}
	c := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))))
	c.FieldsPerRecord = -1
	rows, err := c.ReadAll()
	if err != nil {
		return err
	}
	if len(rows) > maxEntries {
		return errors.New("more lines than are read")
	}
	for i, row := range rows {
		e := entry{Value: strings.TrimSpace(row[0])}
		if i == 0 && sh.kind != lists && (strings.HasPrefix(e.Value, "Account address") || strings.HasPrefix(e.Value, "#domain")) {
			continue
		}
		if sh.kind == lists {
			if len(row) < 2 {
				return errors.New("a list without an account")
			}
			e = entry{row[0], strings.TrimSpace(row[1])}
		}
		switch sh.kind {
		case domainBlocks:
			e.Value = strings.ToLower(e.Value)
		case follows, lists, blocks, mutes:
			if e.Value = s.address(e.Value); !addressForm.MatchString(e.Value) {
				return errors.New("a line without the address of an account")
			}
		}
		b.add(sh.kind, e)
	}
	return nil
}

// readable refuses a file that is no archive of posts: a zip (or, of older versions, a tar.gz) with outbox.json.
func readable(name string) error {
	f, err := os.Open(name)
	if err != nil {
		return core.NotFound("succession.recipe.mastodon.archive", err).With("File", name)
	}
	defer f.Close() //nolint:errcheck // only read
	info, err := f.Stat()
	if err == nil {
		err = outbox(f, info.Size())
	}
	if err != nil {
		return core.Invalid("succession.recipe.mastodon.archive", err).With("File", name)
	}
	return nil
}

func outbox(f interface {
	io.ReaderAt
	io.Reader
}, size int64,
) error {
	if z, err := zip.NewReader(f, size); err == nil {
		inner, err := z.Open("outbox.json")
		if err != nil {
			return err
		}
		_, err = io.Copy(io.Discard, io.LimitReader(inner, maxOutbox)) // reads its checksum
		return errors.Join(err, inner.Close())
	}
	g, err := gzip.NewReader(f)
	if err != nil {
		return errors.New("neither zip nor tar.gz")
	}
	for t := tar.NewReader(io.LimitReader(g, maxTar)); ; {
		h, err := t.Next()
		if err != nil {
			return fmt.Errorf("no outbox.json: %w", err)
		}
		if path.Base(h.Name) == "outbox.json" {
			_, err = io.Copy(io.Discard, io.LimitReader(t, maxOutbox))
			return err
		}
	}
}

const (
	maxOutbox = 4 << 30
	maxTar    = 64 << 30
)
