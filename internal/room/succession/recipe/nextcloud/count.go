package nextcloud

import (
	"archive/zip"
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"path"
	"slices"
	"strings"

	"entrechat/internal/core"
	"entrechat/internal/room/succession/recipe"
)

// Count compares one person: files on both disks, calendars and contacts as both sides export them
// now.
func (m *move) Count(ctx context.Context, person string) (counts []recipe.Count, err error) {
	for _, what := range []string{"files", "files_versions", "files_trashbin/files"} {
		from, err := m.from.tree(ctx, person, what)
		if err != nil {
			return nil, err
		}
		to, err := m.to.tree(ctx, person, what)
		if err != nil {
			return nil, err
		}
		counts = append(counts, recipe.Counts(what, from, to)...)
	}
	from, err := m.from.papers(ctx, person)
	if err != nil {
		return nil, err
	}
	to, err := m.to.papers(ctx, person)
	if err != nil {
		return nil, err
	}
	for _, what := range []string{"calendars", "events", "address_books", "cards"} {
		a, b := from[what], to[what]
		counts = append(counts, recipe.Count{What: what, From: a.n, To: b.n, FromSum: a.sum(), ToSum: b.sum()})
	}
	return counts, nil
}

func (c cloud) tree(ctx context.Context, person, what string) (recipe.Tree, error) {
	return recipe.CountTree(ctx, c.side, path.Join(c.Data, person, what))
}

// paper is how many of something an archive has, and what tells them apart.
type paper struct {
	n   int64
	ids []string
}

func (p paper) sum() string {
	if len(p.ids) == 0 {
		return ""
	}
	slices.Sort(p.ids)
	h := sha256.Sum256([]byte(strings.Join(p.ids, "\n")))
	return hex.EncodeToString(h[:])
}

// papers exports a person's calendars and contacts, without files, and counts what is in the archive. A
// person who is not there has none.
func (c cloud) papers(ctx context.Context, person string) (all map[string]paper, err error) {
	if there, err := c.has(ctx, person); err != nil || !there {
		return nil, err
	}
	defer func() { err = errors.Join(err, c.sweep(context.WithoutCancel(ctx), person)) }()
	types, err := c.types(ctx)
	if err != nil {
		return nil, err
	}
	name, err := c.export(ctx, person, types...)
	if err != nil {
		return nil, err
	}
	f, err := os.CreateTemp("", "nextcloud-export")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close(), os.Remove(f.Name())) }()
	if err := c.side.Run(ctx, recipe.Command{Args: []string{"cat", "--", c.side.Path(name)}, Stdout: f}); err != nil {
		return nil, err
	}
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return nil, err
	}
	if all, err = counted(f, size); err != nil {
		return nil, core.Unsure("succession.recipe.nextcloud.archive", err).With("Person", person).With("Side", c.side.Name())
	}
	return all, nil
}

// Bounds of what is read of an archive: it came from a program, about data that people wrote.
const (
	maxPaper = 512 << 20 // bytes of one calendar or address book, unpacked
	maxLine  = 16 << 20
)

// counted counts calendars and address books of an archive.
func counted(archive io.ReaderAt, size int64) (map[string]paper, error) {
	z, err := zip.NewReader(archive, size)
	if err != nil {
		return nil, err
	}
	all := map[string]paper{}
	for _, f := range z.File {
		var kinds [2]string
		switch {
		case strings.HasPrefix(f.Name, "dav/calendars/") && strings.HasSuffix(f.Name, ".ics"):
			kinds = [2]string{"calendars", "events"}
		case strings.HasPrefix(f.Name, "dav/address_books/") && strings.HasSuffix(f.Name, ".vcf"):
			kinds = [2]string{"address_books", "cards"}
		default:
			continue
		}
		ids, err := entries(f)
		if err != nil {
			return nil, errors.Join(errors.New(path.Base(f.Name)), err)
		}
		book, one := all[kinds[0]], all[kinds[1]]
		book.n++
		one.n, one.ids = one.n+int64(len(ids)), append(one.ids, ids...)
		all[kinds[0]], all[kinds[1]] = book, one
	}
	return all, nil
}

// entries are the names (UID) of the events, tasks, journals or cards in a file. What has none counts too.
func entries(f *zip.File) (ids []string, err error) {
	r, err := f.Open()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	lines := bufio.NewScanner(io.LimitReader(r, maxPaper))
	lines.Buffer(nil, maxLine)
	depth, id := 0, "" // an alarm lies in its event
	for lines.Scan() {
		line := strings.TrimRight(lines.Text(), "\r")
		switch name, value, _ := strings.Cut(line, ":"); strings.ToUpper(name) {
		case "BEGIN":
			if depth == 0 && counts(value) {
				depth, id = 1, ""
			} else if depth > 0 {
				depth++
			}
		case "END":
			if depth == 1 {
				ids = append(ids, id)
			}
			depth = max(0, depth-1)
		case "UID":
			if depth == 1 {
				id = value
			}
		}
	}
	if depth != 0 {
		return nil, errors.New("it ends in the middle of an entry")
	}
	return ids, lines.Err()
}

func counts(component string) bool {
	return slices.Contains([]string{"VEVENT", "VTODO", "VJOURNAL", "VCARD"}, strings.ToUpper(strings.TrimSpace(component)))
}
