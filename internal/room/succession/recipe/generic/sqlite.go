package generic

import (
	"context"
	"strings"

	"entrechat/internal/room/succession/recipe"
)

// sqlite is a database file of SQLite.
type sqlite struct {
	database

	old, new recipe.Side
}

// The copy that SQLite makes of a file in use lies beside it for as long as it is read. In a
// snapshot nobody uses the file, and nothing is written: the file with its log is copied elsewhere.
const backing = `c="$1.entrechat-copy"; rm -f "$c"; trap 'rm -f "$c" "$c-journal"' EXIT; sqlite3 "$1" '.timeout 60000' ".backup '$c'" || exit 1
wc -c < "$c"; cat "$c"`

const reading = `d=$(mktemp -d) || exit 1; trap 'rm -rf "$d"' EXIT; cp -- "$1" "$d/db" || exit 1; if test -e "$1-wal"; then cp -- "$1-wal" "$d/db-wal"; fi
sqlite3 "$d/db" ".backup '$d/copy'" || exit 1; wc -c < "$d/copy"; cat "$d/copy"`

// hash prints the number of tables, and one hash of all their contents.
const hash = `test -e "$1" || { echo '0|'; exit 0; }; f=$1; if test "$2" = snapshot; then d=$(mktemp -d) || exit 1; trap 'rm -rf "$d"' EXIT; cp -- "$1" "$d/db" || exit 1
if test -e "$1-wal"; then cp -- "$1-wal" "$d/db-wal"; fi; f=$d/db; fi
n=$(sqlite3 "$f" '.timeout 60000' "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'") && s=$(sqlite3 "$f" '.timeout 60000' '.sha3sum --schema') && echo "$n|$s"`

// lines prints "table|rows|" for each table.
const lines = `test -e "$1" || exit 0; f=$1; if test "$2" = snapshot; then d=$(mktemp -d) || exit 1; trap 'rm -rf "$d"' EXIT; cp -- "$1" "$d/db" || exit 1
if test -e "$1-wal"; then cp -- "$1-wal" "$d/db-wal"; fi; f=$d/db; fi
q=$(sqlite3 "$f" '.timeout 60000' "SELECT 'SELECT ' || quote(name) || '||''|''||count(*)||''|'' FROM \"' || replace(name, '\"', '\"\"') || '\";' FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name") && printf '%s\n' "$q" | sqlite3 "$f"`

func (s sqlite) bytes(ctx context.Context) (int64, error) { return fileBytes(ctx, s.old, s.From.File) }

func (s sqlite) empty(ctx context.Context) (bool, error) { return missing(ctx, s.new, s.To.File) }

func (s sqlite) copy(ctx context.Context, _ bool, _ func(done, total int64)) error {
	script := backing
	if !s.old.Lives() {
		script = reading
	}
	return recipe.Receive(ctx, s.old, recipe.Shell(script, s.old.Path(s.From.File)), s.new, recipe.File{Name: s.To.File, Stale: []string{s.To.File + "-wal", s.To.File + "-shm"}})
}

func (s sqlite) count(ctx context.Context) ([]recipe.Count, error) {
	ask := func(script string) (texts [2]string, err error) {
		for i, at := range []struct {
			side recipe.Side
			file string
		}{{s.old, s.From.File}, {s.new, s.To.File}} {
			kind := "live"
			if !at.side.Lives() {
				kind = "snapshot"
			}
			if texts[i], err = recipe.Output(ctx, at.side, recipe.Shell(script, at.side.Path(at.file), kind)); err != nil {
				return texts, err
			}
		}
		return texts, nil
	}
	sums, err := ask(hash)
	if err != nil {
		return nil, err
	}
	of, err := ask(lines)
	if err != nil {
		return nil, err
	}
	counts, err := rows(s.Name, of[0], of[1], false)
	if err != nil {
		return nil, err
	}
	counts[0].FromSum, counts[0].ToSum = strings.TrimSpace(sums[0]), strings.TrimSpace(sums[1])
	return counts, nil
}

func (s sqlite) remove(ctx context.Context) error {
	f := s.new.Path(s.To.File)
	if err := s.new.Run(ctx, recipe.Command{Args: []string{"rm", "-f", "--", f, f + "-wal", f + "-shm", f + ".entrechat-new"}}); err != nil || !s.old.Lives() {
		return err
	}
	f = s.old.Path(s.From.File) + ".entrechat-copy" // of a copy that was killed
	return s.old.Run(ctx, recipe.Command{Args: []string{"rm", "-f", "--", f, f + "-journal"}})
}
