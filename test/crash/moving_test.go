package crash

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/room/succession/recipe"
	"entrechat/internal/room/succession/recipe/recipetest"
)

// moving is a program whose files and database move from beyond ssh to this machine, by commands
// that are killed.
type moving struct {
	*world
	sshd     *recipetest.SSHD
	old, new string // folders
	file     string
	kills    int
}

func newMoving(t *testing.T) *moving {
	t.Helper()
	m := &moving{world: newWorld(t, 1, 6*time.Minute), sshd: recipetest.NewSSHD(t), old: t.TempDir(), new: t.TempDir()}
	m.must(m.owner().Init(m.ctx))
	for n := range 300 {
		m.put(fmt.Sprintf("data/d%d/f%d", n%9, n), strings.Repeat(fmt.Sprint(n), 3000))
	}
	m.sql("PRAGMA journal_mode=WAL; CREATE TABLE t (x); WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 20000) INSERT INTO t SELECT n || ' row' FROM c;")
	m.file = filepath.Join(m.dir, "move.toml")
	frozen := filepath.Join(m.old, "frozen")
	p := m.sshd.Place
	m.must(os.WriteFile(m.file, fmt.Appendf(nil, `recipe = "generic"
freeze = ["touch", %[1]q]
thaw = ["rm", "-f", %[1]q]
login = ["test", "-f", "%[3]s/data/d1/f1"]
[from]
host = %[4]q
port = %[5]d
key = %[6]q
options = [%[7]q, %[8]q, %[9]q]
[[folder]]
name = "files"
from = "%[2]s/data"
to = "%[3]s/data"
[[database]]
name = "small"
kind = "sqlite"
from.file = "%[2]s/app.db"
to.file = "%[3]s/app.db"
`, frozen, m.old, m.new, p.Host, p.Port, p.Key, p.Options[0], p.Options[1], p.Options[2]), 0o600))
	return m
}

func (m *moving) put(name, text string) {
	m.t.Helper()
	path := filepath.Join(m.old, name)
	m.must(os.MkdirAll(filepath.Dir(path), 0o700))
	m.must(os.WriteFile(path, []byte(text), 0o600))
}

func (m *moving) sql(text string) string {
	m.t.Helper()
	out, err := exec.CommandContext(m.ctx, "sqlite3", filepath.Join(m.old, "app.db"), text).CombinedOutput()
	if err != nil {
		m.t.Fatalf("sqlite3: %v\n%s", err, out)
	}
	return string(out)
}

// tree tells all files of a folder and their contents, and what the database holds; not whether it is
// frozen.
func (m *moving) tree(dir string) string {
	m.t.Helper()
	out, err := exec.CommandContext(m.ctx, "sh", "-c", `cd "$1" && find . -type f ! -name 'app.db*' ! -name frozen -exec sha256sum {} + | sort; ls -d app.db.*; if test -e app.db; then sqlite3 app.db 'SELECT count(*), sum(length(x)) FROM t'; fi; true`, "sh", dir).Output()
	m.must(err)
	return string(out)
}

// last is the newest move.
func (m *moving) last() (id, state string) {
	m.t.Helper()
	var all []struct {
		ID    string `json:"id"`
		State string `json:"state"`
	}
	m.must(m.owner().RunJSON(m.ctx, &all, "succession", "move", "list"))
	if len(all) == 0 {
		return "", ""
	}
	return all[len(all)-1].ID, all[len(all)-1].State
}

// verb runs a command of a move, killed after a random time while kills are wanted. It says whether
// it came to its end.
func (m *moving) verb(wanted int, words ...string) bool {
	m.t.Helper()
	ctx, cancel := m.ctx, context.CancelFunc(func() {})
	if m.kills < wanted {
		ctx, cancel = context.WithTimeout(m.ctx, 150*time.Millisecond+time.Duration(m.rng.Int64N(int64(2500*time.Millisecond))))
	}
	defer cancel()
	_, err := m.owner().Run(ctx, append([]string{"succession", "move"}, words...)...)
	if err == nil {
		return true
	}
	if !errors.Is(ctx.Err(), context.DeadlineExceeded) || m.ctx.Err() != nil {
		m.t.Fatal(err)
	}
	m.kills++
	return false
}

// TestAMoveIsKilled: its commands are killed at 30 random moments, while the source changes until it
// is frozen. Each goes on where it was: all is equal before the cut, and after each undoing both
// sides are as before.
func TestAMoveIsKilled(t *testing.T) {
	t.Parallel()
	m := newMoving(t)
	const wanted = 30
	empty := m.tree(m.new)
	copied, changes := false, 0
	for range 40 * wanted {
		id, state := m.last()
		switch {
		case state == "" || state == "undone" || state == "copying" && !copied:
			if state == "undone" && m.kills >= wanted && changes > 3 {
				m.finished()
				return
			}
			changes++
			m.put(fmt.Sprintf("data/new/%d", changes), "while it is copied")
			m.sql("INSERT INTO t VALUES ('while it is copied')")
			copied = m.verb(wanted, "start", m.file)
		case state == "copying":
			m.verb(wanted, "freeze", id)
		case state == "frozen":
			m.verb(wanted, "finish", id)
		case state == "ready" || state == "undoing":
			before := m.tree(m.old)
			if state == "ready" {
				if got := m.tree(m.new); got != before {
					t.Fatalf("ready, and not the same:\n%s\n%s", before, got)
				}
			}
			copied = false
			if m.verb(wanted, "undo", id) {
				if got := m.tree(m.new); got != empty {
					t.Fatalf("undone, and there is left:\n%s", got)
				}
				if _, err := os.Stat(filepath.Join(m.old, "frozen")); err == nil || m.tree(m.old) != before {
					t.Fatal("undone, and the source is frozen, or not as it was")
				}
			}
		default:
			t.Fatalf("the move is %s", state)
		}
	}
	t.Fatalf("%d kills, and no end", m.kills)
}

// finished moves once more, to the cut.
func (m *moving) finished() {
	m.t.Helper()
	m.verb(0, "start", m.file)
	id, _ := m.last()
	for _, words := range [][]string{{"freeze", id}, {"finish", id}} {
		m.verb(0, words...)
	}
	if before, got := m.tree(m.old), m.tree(m.new); before != got {
		m.t.Fatalf("not the same:\n%s\n%s", before, got)
	}
	m.verb(0, "cut", id, "--yes")
	if _, state := m.last(); state != "done" {
		m.t.Fatalf("it is %s", state)
	}
	m.t.Logf("%d kills", m.kills)
}

// TestALineAndADiskFailAMove: an ssh connection that dies and a full disk stop a copy with what to do;
// run again, it goes on.
func TestALineAndADiskFailAMove(t *testing.T) {
	t.Parallel()
	m := newMoving(t)
	m.put("data/large", strings.Repeat("0123456789abcdef", 4<<20))
	done := make(chan error, 1)
	go func() {
		_, err := m.owner().Run(m.ctx, "succession", "move", "start", m.file)
		done <- err
	}()
	m.eventually("something runs beyond ssh", time.Minute, func() (bool, string) {
		running := strings.Contains(m.sshd.Seen(), "--format=posix")
		return running, ""
	})
	m.sshd.Cut()
	if err := <-done; err == nil || !strings.Contains(err.Error(), "run the same command again") {
		t.Fatalf("the line was cut: %v", err)
	}
	// The disk is large enough for the look, and something else takes the room meanwhile.
	small := filepath.Join(m.new, "data")
	m.must(os.RemoveAll(small))
	m.must(os.MkdirAll(small, 0o700))
	remount := func(options string) {
		t.Helper()
		if out, err := exec.CommandContext(m.ctx, "mount", "-t", "tmpfs", "-o", options, "crash", small).CombinedOutput(); err != nil {
			t.Fatalf("cannot mount a small disk: %v\n%s", err, out)
		}
	}
	remount("size=20m")
	t.Cleanup(func() {
		if out, err := exec.Command("umount", "-l", small).CombinedOutput(); err != nil {
			t.Errorf("umount: %v\n%s", err, out)
		}
	})
	text, status := m.says(m.owner(), "succession", "move", "start", m.file)
	if status != core.CodeFull.ExitStatus() || !strings.Contains(text, "full") {
		t.Errorf("too small for the look: %d %s", status, text)
	}
	side, err := m.sshd.Place.Side("old")
	m.must(err)
	trees := recipe.Trees{From: side, To: recipe.Local{Called: "new"}, FromDir: m.old + "/data", ToDir: small}
	if err := trees.Copy(m.ctx, nil); core.CodeOf(err) != core.CodeFull {
		t.Errorf("full in the copy: %v", err)
	}
	remount("remount,size=200m")
	m.verb(0, "start", m.file)
	id, _ := m.last()
	m.verb(0, "freeze", id)
	m.verb(0, "finish", id)
	if _, state := m.last(); state != "ready" {
		t.Errorf("it is %s", state)
	}
}
