package datadir

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"entrechat/internal/core"
	"entrechat/internal/kit/disk"
	"entrechat/internal/kit/seal"
)

// UnfinishedName is the file that lies in a data directory while a node is being made
// there: its text is the file the words were written to, if any. As long as it is
// there, what else lies there belongs to no node and may be removed.
const UnfinishedName = "init.unfinished"

// Foundation is a data directory in which a node is being made.
type Foundation struct {
	data    string
	made    bool   // the directory itself is ours to remove
	words   string // the file that holds the words, if it was written
	release func()
}

// Begin makes a data directory ready for a node to be made in, and clears away what an
// earlier try left. wordsTo is the file the words will be written to, or empty. Nothing
// is changed by a refusal: CodeConflict where a node is or wordsTo exists, CodeDenied
// for parts of a node whose configuration is missing, CodeInvalid for words that would lie
// in the directory itself.
func Begin(data, wordsTo string) (*Foundation, error) {
	if err := Vacant(data); err != nil {
		return nil, err
	}
	if wordsTo != "" && Within(data, wordsTo) {
		return nil, core.Invalid("app.words_inside", fmt.Errorf("%s is in %s", wordsTo, data)).With("Path", wordsTo).With("Data", data)
	}
	if wordsTo != "" && Exists(wordsTo) {
		key := "app.words_file_exists"
		if leftBy(data) == wordsTo {
			key = "app.words_file_void"
		}
		return nil, core.Conflict(key, fs.ErrExist).With("Path", wordsTo)
	}
	f := &Foundation{data: data}
	_, err := os.Stat(data)
	f.made = errors.Is(err, fs.ErrNotExist)
	if err := os.MkdirAll(data, 0o700); err != nil {
		return nil, core.Denied("app.data_unmade", err).With("Data", data).With("Detail", err.Error())
	}
	if f.release, err = Lock(data); err != nil {
		return nil, err
	}
	// Another process may have made a node since we looked.
	if err := errors.Join(Vacant(data), f.clear()); err != nil {
		f.release()
		return nil, err
	}
	if err := seal.WriteSecret(filepath.Join(data, UnfinishedName), []byte(wordsTo+"\n")); err != nil {
		return nil, f.Undo(err)
	}
	return f, nil
}

// Vacant says whether a node may be made in a directory.
func Vacant(data string) error {
	if Exists(filepath.Join(data, UnfinishedName)) {
		return nil
	}
	if _, err := os.Stat(filepath.Join(data, ConfigName)); err == nil {
		return core.Conflict("app.already", errors.New("already initialised")).With("Data", data)
	} else if errors.Is(err, syscall.ENOTDIR) {
		return core.Invalid("app.data_no_folder", err).With("Data", data)
	} else if !errors.Is(err, fs.ErrNotExist) {
		return core.Denied("app.data_unreadable", err).With("Data", data)
	}
	for _, name := range []string{filepath.Join(SecretsDir, LogKeyName), DatabaseName} {
		if Exists(filepath.Join(data, name)) {
			return core.Denied("app.no_config", fmt.Errorf("%s is there, %s is not", name, ConfigName)).With("Data", data).With("Name", name)
		}
	}
	return nil
}

// Unfinished refuses a directory in which the making of a node broke off. Returns
// CodeConflict with what to do.
func Unfinished(data string) error {
	if !Exists(filepath.Join(data, UnfinishedName)) {
		return nil
	}
	return core.Conflict("app.init_unfinished", errors.New("the making of this node broke off")).With("Data", data)
}

// Within says that a path lies in a folder: who copies the one has the other.
func Within(folder, path string) bool {
	rel, err := filepath.Rel(folder, path)
	return err == nil && filepath.IsLocal(rel)
}

// Exists says that a name is taken, by whatever it be.
func Exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// leftBy is the file that the words of a broken-off try were written to.
func leftBy(data string) string {
	text, err := seal.ReadSecret(filepath.Join(data, UnfinishedName))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(text))
}

// Write puts the words into the file they were asked for, before there is a node.
func (f *Foundation) Write(path, words string) error {
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

// Settle ends the making: from here on there is a node.
func (f *Foundation) Settle() error {
	defer f.release()
	if err := os.Remove(filepath.Join(f.data, UnfinishedName)); err != nil {
		return fmt.Errorf("end the making of the node: %w", err)
	}
	return disk.SyncFolder(f.data)
}

// Undo removes what was made, as nobody has its words; it returns why with what could
// not be removed.
func (f *Foundation) Undo(why error) error {
	defer f.release()
	if f.words != "" {
		why = errors.Join(why, os.Remove(f.words))
	}
	if err := f.clear(); err != nil {
		return errors.Join(why, err)
	}
	if f.made {
		_ = os.Remove(filepath.Join(f.data, LockName))
		_ = os.Remove(f.data) // stays when somebody else put something there
	}
	return why
}

// clear removes every file that the making of a node makes, the mark that it is
// Unfinished last.
func (f *Foundation) clear() error {
	mark := filepath.Join(f.data, UnfinishedName)
	if !Exists(mark) {
		return nil
	}
	names := []string{ConfigName, DatabaseName + "-wal", DatabaseName + "-shm", DatabaseName + ".lock", DatabaseName}
	for _, name := range []string{LogKeyName, SharedKeyName, RecoveryName, RecoveringName, RehearsalName} {
		names = append(names, filepath.Join(SecretsDir, name))
	}
	for _, name := range names {
		if err := os.Remove(filepath.Join(f.data, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("clear an unfinished node away: %w", err)
		}
	}
	// Drafts of secrets, of a process that was killed while it wrote one.
	for _, folder := range []string{f.data, filepath.Join(f.data, SecretsDir)} {
		drafts, _ := filepath.Glob(filepath.Join(folder, disk.DraftPrefix+"*"))
		for _, name := range drafts {
			_ = os.Remove(name)
		}
	}
	_ = os.Remove(filepath.Join(f.data, SecretsDir)) // stays when something else is in it
	if err := disk.SyncFolder(f.data); err != nil {
		return err
	}
	return os.Remove(mark)
}
