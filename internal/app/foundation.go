package app

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"entrechat/internal/core"
	"entrechat/internal/kit/seal"
)

// unfinishedName is the file that lies in a data directory while a node is being made
// there: its text is the file the words were written to, if any. As long as it is
// there, what else lies there belongs to no node and may be removed.
const unfinishedName = "init.unfinished"

// foundation is a data directory in which a node is being made.
type foundation struct {
	data    string
	made    bool   // the directory itself is ours to remove
	words   string // the file that holds the words, if it was written
	release func()
}

// begin makes a data directory ready for a node to be made in, and clears away what an
// earlier try left. wordsTo is the file the words will be written to, or empty. Nothing
// is changed by a refusal: CodeConflict where a node is or wordsTo exists, CodeDenied
// for parts of a node whose configuration is missing, CodeInvalid for words that would lie
// in the directory itself.
func begin(data, wordsTo string) (*foundation, error) {
	if err := vacant(data); err != nil {
		return nil, err
	}
	if wordsTo != "" && within(data, wordsTo) {
		return nil, core.Invalid("app.words_inside", fmt.Errorf("%s is in %s", wordsTo, data)).With("Path", wordsTo).With("Data", data)
	}
	if wordsTo != "" && exists(wordsTo) {
		key := "app.words_file_exists"
		if leftBy(data) == wordsTo {
			key = "app.words_file_void"
		}
		return nil, core.Conflict(key, fs.ErrExist).With("Path", wordsTo)
	}
	f := &foundation{data: data}
	_, err := os.Stat(data)
	f.made = errors.Is(err, fs.ErrNotExist)
	if err := os.MkdirAll(data, 0o700); err != nil {
		return nil, core.Denied("app.data_unmade", err).With("Data", data).With("Detail", err.Error())
	}
	if f.release, err = lock(data); err != nil {
		return nil, err
	}
	// Another process may have made a node since we looked.
	if err := errors.Join(vacant(data), f.clear()); err != nil {
		f.release()
		return nil, err
	}
	if err := seal.WriteSecret(filepath.Join(data, unfinishedName), []byte(wordsTo+"\n")); err != nil {
		return nil, f.undo(err)
	}
	return f, nil
}

// vacant says whether a node may be made in a directory.
func vacant(data string) error {
	if exists(filepath.Join(data, unfinishedName)) {
		return nil
	}
	if _, err := os.Stat(filepath.Join(data, configName)); err == nil {
		return core.Conflict("app.already", errors.New("already initialised")).With("Data", data)
	} else if errors.Is(err, syscall.ENOTDIR) {
		return core.Invalid("app.data_no_folder", err).With("Data", data)
	} else if !errors.Is(err, fs.ErrNotExist) {
		return core.Denied("app.data_unreadable", err).With("Data", data)
	}
	for _, name := range []string{filepath.Join(secretsDir, logKeyName), databaseName} {
		if exists(filepath.Join(data, name)) {
			return core.Denied("app.no_config", fmt.Errorf("%s is there, %s is not", name, configName)).With("Data", data).With("Name", name)
		}
	}
	return nil
}

// unfinished refuses a directory in which the making of a node broke off. Returns
// CodeConflict with what to do.
func unfinished(data string) error {
	if !exists(filepath.Join(data, unfinishedName)) {
		return nil
	}
	return core.Conflict("app.init_unfinished", errors.New("the making of this node broke off")).With("Data", data)
}

// within says that a path lies in a folder: who copies the one has the other.
func within(folder, path string) bool {
	rel, err := filepath.Rel(folder, path)
	return err == nil && filepath.IsLocal(rel)
}

// exists says that a name is taken, by whatever it be.
func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// leftBy is the file that the words of a broken-off try were written to.
func leftBy(data string) string {
	text, err := seal.ReadSecret(filepath.Join(data, unfinishedName))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(text))
}

// write puts the words into the file they were asked for, before there is a node.
func (f *foundation) write(path, words string) error {
	err := seal.WriteSecret(path, []byte(words+"\n"))
	if at, ok := errors.AsType[*fs.PathError](err); ok && core.CodeOf(err) == core.CodeInternal {
		return core.Denied("app.words_unwritten", err).With("Path", path).With("Detail", at.Err.Error())
	}
	if err != nil {
		return err
	}
	f.words = path
	return nil
}

// settle ends the making: from here on there is a node.
func (f *foundation) settle() error {
	defer f.release()
	if err := os.Remove(filepath.Join(f.data, unfinishedName)); err != nil {
		return fmt.Errorf("end the making of the node: %w", err)
	}
	return syncFolder(f.data)
}

// undo removes what was made, as nobody has its words; it returns why with what could
// not be removed.
func (f *foundation) undo(why error) error {
	defer f.release()
	if f.words != "" {
		why = errors.Join(why, os.Remove(f.words))
	}
	if err := f.clear(); err != nil {
		return errors.Join(why, err)
	}
	if f.made {
		_ = os.Remove(filepath.Join(f.data, lockName))
		_ = os.Remove(f.data) // stays when somebody else put something there
	}
	return why
}

// clear removes every file that the making of a node makes, the mark that it is
// unfinished last.
func (f *foundation) clear() error {
	mark := filepath.Join(f.data, unfinishedName)
	if !exists(mark) {
		return nil
	}
	names := []string{configName, databaseName + "-wal", databaseName + "-shm", databaseName + ".lock", databaseName}
	for _, name := range []string{logKeyName, sharedKeyName, recoveryName, recoveringName, rehearsalName} {
		names = append(names, filepath.Join(secretsDir, name))
	}
	for _, name := range names {
		if err := os.Remove(filepath.Join(f.data, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("clear an unfinished node away: %w", err)
		}
	}
	// Drafts of secrets, of a process that was killed while it wrote one.
	for _, folder := range []string{f.data, filepath.Join(f.data, secretsDir)} {
		drafts, _ := filepath.Glob(filepath.Join(folder, ".tmp-*"))
		for _, name := range drafts {
			_ = os.Remove(name)
		}
	}
	_ = os.Remove(filepath.Join(f.data, secretsDir)) // stays when something else is in it
	if err := syncFolder(f.data); err != nil {
		return err
	}
	return os.Remove(mark)
}
