package demo

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"entrechat/internal/app/lab"
)

// vaultName is the backup of the story.
const vaultName = "files"

// errDiffers is what a comparison that does not hold ends the story with.
var errDiffers = errors.New("what came back is not what was saved")

// backUp makes the vault and runs stock restic on the data.
func (s *story) backUp(ctx context.Context) error {
	if err := s.do("demo.vault", nil, func(func(string)) (string, error) {
		return "", s.openVault(ctx)
	}); err != nil {
		return err
	}
	if err := s.do("demo.backup", args{"Dir": s.data}, func(progress func(string)) (string, error) {
		return s.resticBackup(ctx, progress)
	}); err != nil {
		return err
	}
	return s.showWhere(ctx)
}

func (s *story) openVault(ctx context.Context) error {
	if _, err := s.owner().Run(ctx, "vault", "create", vaultName); err != nil {
		return err
	}
	return s.readEnv(ctx, s.owner())
}

// readEnv takes the variables that `vault env` prints for a shell.
func (s *story) readEnv(ctx context.Context, n *lab.Node) error {
	vars, err := n.Env(ctx, vaultName)
	s.env = append(append(os.Environ(), "RESTIC_CACHE_DIR="+filepath.Join(s.dir, "restic-cache")), vars...)
	return err
}

func (s *story) resticCommand(ctx context.Context, words ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, s.restic, words...) //nolint:gosec // the restic we found, fixed words
	cmd.Env = s.env
	return cmd
}

// resticRun runs restic to its end.
func (s *story) resticRun(ctx context.Context, words ...string) error {
	out, err := s.resticCommand(ctx, words...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("restic %s: %w\n%s", words[0], err, out)
	}
	return nil
}

// resticBackup initialises the repository and saves the data, showing how far it is.
func (s *story) resticBackup(ctx context.Context, progress func(string)) (string, error) {
	if err := s.resticRun(ctx, "init"); err != nil {
		return "", err
	}
	cmd := s.resticCommand(ctx, "backup", "--json", s.data)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		return "", err
	}
	if err := cmd.Start(); err != nil {
		return "", fmt.Errorf("start restic: %w", err)
	}
	var last resticMessage
	lines := bufio.NewScanner(pipe)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var m resticMessage
		if json.Unmarshal(lines.Bytes(), &m) == nil {
			progress(fmt.Sprintf("%3.0f %%", m.Percent*100))
			last = m
		}
	}
	if err := cmd.Wait(); err != nil {
		return "", fmt.Errorf("restic backup: %w\n%s", err, errs.String())
	}
	return s.words.T("demo.backup_note", args{
		"Files": last.Files, "Bytes": fmt.Sprintf("%.1f MB", float64(last.Bytes)/1e6),
		"Snapshot": last.Snapshot,
	}), nil
}

// resticMessage is the part of restic's --json output we read.
type resticMessage struct {
	Percent  float64 `json:"percent_done"`
	Files    int64   `json:"total_files_processed"`
	Bytes    int64   `json:"total_bytes_processed"`
	Snapshot string  `json:"snapshot_id"`
}

// showWhere says what lies where, as `vault status` answers it.
func (s *story) showWhere(ctx context.Context) error {
	out, err := s.owner().Run(ctx, "vault", "status", vaultName, "--lang", s.opt.Lang)
	if err != nil {
		return err
	}
	s.title("demo.status", nil)
	for line := range strings.Lines(out) {
		s.line("  " + strings.TrimRight(line, "\n"))
	}
	return nil
}

// loseMembers kills one member and wipes the disk of another.
func (s *story) loseMembers(ctx context.Context) error {
	s.title("demo.disaster", nil)
	dead, wiped := s.nodes[2], s.nodes[4]
	s.lost = []string{dead.Name, wiped.Name}
	if err := s.do("demo.kill", args{"Name": dead.Name}, func(func(string)) (string, error) {
		dead.Kill()
		return "", nil
	}); err != nil {
		return err
	}
	if err := s.do("demo.wipe", args{"Name": wiped.Name}, func(func(string)) (string, error) {
		wiped.Kill()
		return "", os.RemoveAll(wiped.Dir)
	}); err != nil {
		return err
	}
	return s.do("demo.restore_two_lost", nil, func(func(string)) (string, error) {
		return s.restoreAndCompare(ctx, "restored-with-two-lost")
	})
}

// loseEverything kills the owner and wipes its whole disk, restic's cache too.
func (s *story) loseEverything(context.Context) error {
	return s.do("demo.wipe_owner", args{"Name": s.owner().Name}, func(func(string)) (string, error) {
		s.owner().Kill()
		return "", errors.Join(os.RemoveAll(s.owner().Dir), os.RemoveAll(filepath.Join(s.dir, "restic-cache")))
	})
}

// comeBack recovers from the seed words and the members that are left, and
// compares what both ways of getting the data out give.
func (s *story) comeBack(ctx context.Context) error {
	owner := s.owner()
	steps := []struct {
		key string
		run func() (string, error)
	}{
		{"demo.recover", func() (string, error) {
			words := append([]string{"vault", "recover", "--yes", "--seed-file", owner.SeedFile()}, owner.Place()...)
			for _, n := range s.others() {
				words = append(words, "--from", n.URL())
			}
			_, err := owner.Run(ctx, words...)
			return "", err
		}},
		{"demo.export", func() (string, error) { return s.exportAndCompare(ctx) }},
		{"demo.up_again", func() (string, error) {
			if err := owner.Up(ctx); err != nil {
				return "", err
			}
			if err := s.readEnv(ctx, owner); err != nil {
				return "", err
			}
			return s.restoreAndCompare(ctx, "restored-from-nothing")
		}},
	}
	for _, step := range steps {
		if err := s.do(step.key, nil, func(func(string)) (string, error) { return step.run() }); err != nil {
			return err
		}
	}
	return nil
}

// exportAndCompare writes a plain restic repository and restores it with no node
// of ours in between.
func (s *story) exportAndCompare(ctx context.Context) (string, error) {
	plain := filepath.Join(s.dir, "plain-restic-repository")
	if _, err := s.owner().Run(ctx, "vault", "export", vaultName, plain); err != nil {
		return "", err
	}
	if err := s.readEnv(ctx, s.owner()); err != nil {
		return "", err
	}
	s.env = append(s.env, "RESTIC_REPOSITORY="+plain)
	return s.restoreAndCompare(ctx, "restored-from-export")
}

// restoreAndCompare restores the newest snapshot and compares it byte for byte
// with what was saved.
func (s *story) restoreAndCompare(ctx context.Context, name string) (string, error) {
	target := filepath.Join(s.dir, name)
	defer os.RemoveAll(target) //nolint:errcheck // the demo's folder goes at the end anyway
	if err := s.resticRun(ctx, "restore", "latest", "--target", target); err != nil {
		return "", err
	}
	got, err := lab.ReadTree(filepath.Join(target, s.data))
	if err != nil {
		return "", err
	}
	if diff := s.tree.Differences(got); len(diff) > 0 {
		return strings.Join(diff, "\n"), errDiffers
	}
	return s.words.T("demo.same", args{"Files": len(got)}), nil
}
