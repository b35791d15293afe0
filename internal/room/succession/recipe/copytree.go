package recipe

import (
	"context"
	"errors"
	"io"
	"strconv"
	"strings"

	"entrechat/internal/core"
)

// Trees copies a folder from one side to another: what differs goes through one tar, what the source
// has no more is removed at the target. What was whole already when it broke off is not copied
// again. Needs find, tar, xargs and sha256sum of GNU on both sides; owners are kept by number where
// the target's tar runs as root.
type Trees struct {
	From, To       Side
	FromDir, ToDir string // as the settings name them
	Without        []string
	// Thorough compares contents by their hashes. Without, sizes and times are believed, as while
	// the service lives; the last pass is thorough.
	Thorough bool
}

// unpacking writes a tar below a folder, which is made.
const unpacking = `mkdir -p "$1" && exec tar -C "$1" --delay-directory-restore --numeric-owner -xpf -`

// packing reads names of a list. A file that changed or went meanwhile is one for the next pass.
const packing = `cd "$1" || exit 1; tar --format=posix --numeric-owner --no-recursion --ignore-failed-read --null --verbatim-files-from -T - -cf -; s=$?; test $s -le 1`

const removing = `cd "$1" && exec xargs -0 -r rm -rf --`

// Copy makes the target's folder the same as the source's. say may be nil.
func (t Trees) Copy(ctx context.Context, say func(done, total int64)) error {
	from, err := list(ctx, t.From, t.FromDir, t.Without, t.Thorough)
	if err != nil {
		return err
	}
	to, err := list(ctx, t.To, t.ToDir, t.Without, t.Thorough)
	if err != nil {
		return err
	}
	there := make(map[string]entry, len(to))
	for _, e := range to {
		there[e.name] = e
	}
	var bring, gone strings.Builder
	var total int64
	for _, e := range from {
		old, ok := there[e.name]
		delete(there, e.name)
		if ok && t.same(e, old) {
			continue
		}
		if ok && e.kind != old.kind {
			gone.WriteString(e.name + "\x00")
		}
		total += e.size
		bring.WriteString(e.name + "\x00")
	}
	for name := range there {
		gone.WriteString(name + "\x00")
	}
	if gone.Len() > 0 {
		c := Shell(removing, t.To.Path(t.ToDir))
		c.Stdin = strings.NewReader(gone.String())
		if err := t.To.Run(ctx, c); err != nil {
			return err
		}
	}
	if bring.Len() == 0 {
		return nil
	}
	read, write := Shell(packing, t.From.Path(t.FromDir)), Shell(unpacking, t.To.Path(t.ToDir))
	read.Stdin = strings.NewReader(bring.String())
	return Pipe(ctx, t.From, read, saying{t.To, say, total}, write)
}

func (t Trees) same(a, b entry) bool {
	if a.kind != b.kind || a.mode != b.mode || a.link != b.link {
		return a.kind == b.kind && a.kind == 'l' && a.link == b.link
	}
	if a.kind != 'f' {
		return true
	}
	if t.Thorough {
		return a.hash == b.hash && a.hash != "" && a.size == b.size && a.time == b.time
	}
	return a.size == b.size && a.time == b.time
}

// saying is a side that tells how much a program read.
type saying struct {
	Side

	say   func(done, total int64)
	total int64
}

func (s saying) Run(ctx context.Context, c Command) error {
	if s.say != nil {
		c.Stdin = &counting{Reader: c.Stdin, side: s}
	}
	return s.Side.Run(ctx, c)
}

type counting struct {
	io.Reader

	side saying
	done int64
}

func (c *counting) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.done += int64(n)
	c.side.say(min(c.done, c.side.total), c.side.total)
	return n, err
}

// Clear removes what is in a folder of a side and keeps the folder; one that is not there is no error.
func Clear(ctx context.Context, s Side, dir string) error {
	if err := Folder("folder", dir); err != nil {
		return err
	}
	return s.Run(ctx, Shell(`test -d "$1" || exit 0; cd "$1" && exec find . -mindepth 1 -delete`, s.Path(dir)))
}

// Empty says whether a folder of a side has nothing in it, or is not there.
func Empty(ctx context.Context, s Side, dir string) (bool, error) {
	text, err := Output(ctx, s, Shell(`test -e "$1" || exit 0; exec find "$1" -mindepth 1 -maxdepth 1 -print -quit`, s.Path(dir)))
	return text == "", err
}

// Room refuses a copy that a side has no room for: it asks for a tenth more than bytes on the disk
// that a folder is on, or will be. Returns CodeFull "succession.recipe.full".
func Room(ctx context.Context, s Side, dir string, bytes int64) error {
	text, err := Output(ctx, s, Shell(`d=$1; while ! test -e "$d"; do d=$(dirname "$d"); done; exec df -B1 --output=avail "$d"`, s.Path(dir)))
	if err != nil {
		return err
	}
	_, number, _ := strings.Cut(strings.TrimSpace(text), "\n")
	free, err := strconv.ParseInt(strings.TrimSpace(number), 10, 64)
	if err != nil {
		return core.Unsure("succession.recipe.command", err).With("Side", s.Name()).With("Program", "df").With("Said", text)
	}
	if free < bytes+bytes/10 {
		said := core.Size(free).String() + " < " + core.Size(bytes+bytes/10).String()
		return core.Full("succession.recipe.full", errors.New(said)).With("Side", s.Name()).With("Program", "df").With("Said", said)
	}
	return nil
}
