// Package access says who may not read a file, and the line that changes it: a command
// run once as root leaves files that the node cannot read.
package access

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"entrechat/internal/core"
)

// Foreign is the folder that the system keeps in the root of every ext file system,
// for itself: nothing of ours is in it, and only root may read it.
const Foreign = "lost+found"

// Denied says whether an error is that this user may not.
func Denied(err error) bool { return errors.Is(err, fs.ErrPermission) }

// Explain gives an error that this user may not its sentence and cure; base is the folder
// its path is relative to, unless it is absolute.
func Explain(base string, err error) *core.Error {
	name := "."
	if at, ok := errors.AsType[*fs.PathError](err); ok {
		if filepath.IsAbs(at.Path) {
			base, name = filepath.Dir(at.Path), filepath.Base(at.Path)
		} else if filepath.IsLocal(at.Path) {
			name = at.Path
		}
	}
	path, line := Cure(base, name)
	return core.Internal("access.not_ours", fmt.Errorf("%w; as root: %s", err, line)).With("Path", path).With("Line", line)
}

// Cure answers the first path from base down to base/name that belongs to somebody else
// (the path itself when none does), and the line that root types to give it to the user
// this process runs as.
func Cure(base, name string) (path, line string) {
	me := os.Geteuid()
	path = base
	for _, part := range append([]string{"."}, strings.Split(filepath.ToSlash(name), "/")...) {
		path = filepath.Join(path, part)
		if owner, ok := owner(path); ok && owner != me {
			return path, "chown -R " + UserName(me) + ": " + Word(path)
		}
	}
	return path, "chmod -R u+rwX " + Word(path)
}

// owner is the number of the user that a file belongs to.
func owner(path string) (uid int, ok bool) {
	info, err := os.Lstat(path)
	if err != nil {
		return 0, false
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, false
	}
	return int(st.Uid), true
}

// Others lists paths below base that belong to another user than uid, at most limit of
// them: a folder stands for all that is in it. Below the folders of deep, which may hold
// millions of files, only folders are looked at.
func Others(base string, uid, limit int, deep ...string) (found []string, err error) {
	err = filepath.WalkDir(base, func(path string, entry fs.DirEntry, err error) error {
		rel, _ := filepath.Rel(base, path) // of a path below it: never fails
		first, rest, _ := strings.Cut(filepath.ToSlash(rel), "/")
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil // went while we looked
		case Denied(err):
			found = append(found, path)
			return until(found, limit)
		case err != nil:
			return err
		case entry.Name() == Foreign:
			return fs.SkipDir
		case rest != "" && !entry.IsDir() && slices.Contains(deep, first):
			return nil
		}
		of, ok := owner(path)
		if !ok || of == uid {
			return nil
		}
		found = append(found, path)
		if err := until(found, limit); err != nil || !entry.IsDir() {
			return err
		}
		return fs.SkipDir
	})
	return found, err
}

func until(found []string, limit int) error {
	if len(found) >= limit {
		return fs.SkipAll
	}
	return nil
}

// UserName is the name of a user, or its number where it has none.
func UserName(uid int) string {
	if u, err := user.LookupId(strconv.Itoa(uid)); err == nil {
		return u.Username
	}
	return strconv.Itoa(uid)
}

// Word writes a text as one word of a POSIX shell, quoted only where it must be.
func Word(s string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_./:=@,+%", r)
	}
	if s != "" && strings.IndexFunc(s, func(r rune) bool { return !plain(r) }) < 0 {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
