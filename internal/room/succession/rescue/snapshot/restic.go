package snapshot

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"

	"entrechat/internal/core"
)

// Repository is a restic repository in a folder, and who reads it.
type Repository struct {
	Program  string // restic's path
	Dir      string
	Password string
}

// Find is the path of the stock program. Returns CodeNotFound "succession.rescue.no_restic".
func Find() (string, error) {
	path, err := exec.LookPath("restic")
	if err != nil {
		return "", core.NotFound("succession.rescue.no_restic", err)
	}
	return path, nil
}

// Snapshot is one saved state.
type Snapshot struct {
	ID    string // 64 hexadecimal signs
	At    core.Moment
	Bytes int64 // of all files, as they are restored
	Files int64
}

// said is the end of what a program said wrong: enough for a person, never all of it.
func said(err error, stderr []byte) error {
	lines := strings.Split(strings.TrimSpace(string(stderr)), "\n")
	return fmt.Errorf("restic: %w: %s", err, strings.Join(lines[max(0, len(lines)-5):], "; "))
}

// run runs restic without a cache and without taking a lock: the repository is only read. The
// password goes by the environment, which no other user sees.
func (r Repository) run(ctx context.Context, words ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, r.Program, append([]string{"-r", r.Dir, "--no-cache", "--no-lock"}, words...)...) //nolint:gosec // fixed words and our own paths
	cmd.Env = []string{"RESTIC_PASSWORD=" + r.Password, "PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"), "TMPDIR=" + os.Getenv("TMPDIR")}
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGINT) }
	cmd.WaitDelay = 20 * time.Second
	var out, wrong bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &wrong
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, said(err, append(out.Bytes(), wrong.Bytes()...))
	}
	return out.Bytes(), nil
}

// Newest is the newest snapshot; the one whose id begins with id where that is not empty. Returns
// CodeNotFound "succession.rescue.no_snapshot".
func (r Repository) Newest(ctx context.Context, id string) (s Snapshot, err error) {
	out, err := r.run(ctx, "snapshots", "--json")
	if err != nil {
		return s, err
	}
	var all []struct {
		ID   string    `json:"id"`
		Time time.Time `json:"time"`
	}
	if err := json.Unmarshal(out, &all); err != nil {
		return s, fmt.Errorf("read restic's list: %w", err)
	}
	for _, one := range all {
		if strings.HasPrefix(one.ID, id) && (s.ID == "" || core.At(one.Time) >= s.At) {
			s = Snapshot{ID: one.ID, At: core.At(one.Time)}
		}
	}
	if s.ID == "" {
		return s, core.NotFound("succession.rescue.no_snapshot", errors.New("none fits"))
	}
	s.Files, s.Bytes, err = r.count(ctx, s.ID)
	return s, err
}

// count is how many files a snapshot has and how long they are, by restic's own list.
func (r Repository) count(ctx context.Context, id string) (files, size int64, err error) {
	out, err := r.run(ctx, "ls", "--json", id)
	if err != nil {
		return 0, 0, err
	}
	for line := range bytes.Lines(out) {
		var node struct {
			Type string `json:"type"`
			Size int64  `json:"size"`
		}
		if err := json.Unmarshal(line, &node); err != nil {
			return 0, 0, fmt.Errorf("read restic's list: %w", err)
		}
		if node.Type == "file" {
			files, size = files+1, size+node.Size
		}
	}
	return files, size, nil
}

var version = regexp.MustCompile(`^restic (\d+)\.(\d+)`)

// skips says whether this restic leaves alone what an earlier try restored whole (0.17 and later).
func (r Repository) skips(ctx context.Context) bool {
	out, err := r.run(ctx, "version")
	m := version.FindSubmatch(out)
	if err != nil || m == nil {
		return false
	}
	major, _ := strconv.Atoi(string(m[1]))
	minor, _ := strconv.Atoi(string(m[2]))
	return major > 0 || minor >= 17
}

// Restore restores a snapshot into a folder and has restic read all of it again. It may be done
// again after it was cut off at any moment. Returns CodeFull "succession.rescue.disk_full".
func (r Repository) Restore(ctx context.Context, s Snapshot, target string) error {
	// Links of an earlier try are in restic's way, and what is sealed is.
	if _, err := settle(target, 0o600, 0o700); err != nil {
		return err
	}
	words := []string{"restore", "--verify", "--target", target}
	if r.skips(ctx) {
		words = append(words, "--overwrite", "if-changed")
	}
	_, err := r.run(ctx, append(words, s.ID)...)
	if err != nil && strings.Contains(err.Error(), syscall.ENOSPC.Error()) {
		return core.Full("succession.rescue.disk_full", err)
	}
	return err
}
