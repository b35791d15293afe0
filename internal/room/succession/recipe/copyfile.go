package recipe

import (
	"context"
	"strconv"
	"strings"
)

// sending prints how long a file is, and the file.
const sending = `wc -c < "$1" && cat "$1"`

// receiving writes a file whose length comes first beside its place, and puts it there only when it is
// whole; files after the first are removed just before.
const receiving = `IFS= read -r n || exit 1; mkdir -p "$(dirname "$1")" && cat > "$1.entrechat-new" && test "$(wc -c < "$1.entrechat-new")" -eq "$n" || { echo "the file broke off" >&2; exit 1; }
if test -e "$1"; then chmod --reference="$1" "$1.entrechat-new" && chown --reference="$1" "$1.entrechat-new"; fi; f=$1; sync "$f.entrechat-new"; shift; for x in "$@"; do rm -f "$x"; done; exec mv -f "$f.entrechat-new" "$f"`

// CopyFile makes one file the same at the target; half of it is never there.
func CopyFile(ctx context.Context, from Side, name string, to Side, as string) error {
	if err := Receive(ctx, from, Shell(sending, from.Path(name)), to, File{Name: as}); err != nil {
		return err
	}
	mode, err := Output(ctx, from, Command{Args: []string{"stat", "-c", "%a", "--", from.Path(name)}})
	if err != nil {
		return err
	}
	return to.Run(ctx, Command{Args: []string{"chmod", strings.TrimSpace(mode), "--", to.Path(as)}})
}

// File is one file that is written whole.
type File struct {
	Name  string
	Stale []string // files that go just before it is there, such as a log of the old one
}

// Receive has a program print a length, a line feed and as many bytes, and makes a file of them when
// they are whole.
func Receive(ctx context.Context, from Side, sender Command, to Side, f File) error {
	words := make([]string, 1, 1+len(f.Stale))
	words[0] = to.Path(f.Name)
	for _, name := range f.Stale {
		words = append(words, to.Path(name))
	}
	return Pipe(ctx, from, sender, to, Shell(receiving, words...))
}

// CountFile is the length and the SHA-256 of a file; 0 and "" when there is none.
func CountFile(ctx context.Context, s Side, name string) (bytes int64, sum string, err error) {
	text, err := Output(ctx, s, Shell(`test -e "$1" || exit 0; wc -c < "$1" && sha256sum < "$1"`, s.Path(name)))
	fields := strings.Fields(text)
	if err != nil || len(fields) < 2 {
		return 0, "", err
	}
	bytes, err = strconv.ParseInt(fields[0], 10, 64)
	return bytes, fields[1], err
}
