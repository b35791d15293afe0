package vault

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path"
	"strings"
	"sync"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/blob"
	"entrechat/internal/room/vault/catalogue"
	"entrechat/internal/room/vault/keyring"
	"entrechat/internal/room/vault/local"
	"entrechat/internal/room/vault/rest"
)

const (
	// maxLocks is how many locks the bearers of one token may hold in one repository:
	// each running restic has one, and two for a moment while it writes it anew.
	maxLocks = 32
	// lockLife is how old a lock may be. restic writes its lock anew every five
	// minutes, and takes one of half an hour for that of a process that died.
	lockLife = 2 * time.Hour
	// runLife is for how long after its last sign a run whose locks died of age may still
	// go on: its machine slept, or the clock was set.
	runLife = 24 * time.Hour
)

// locks are restic's locks. They stay on this disk, as restic wrote them: a restore
// begins with one, and must work with every member away. Only what can be a lock is
// shown: restic itself trips over other files.
type locks struct {
	disk  *blob.Dir
	store catalogue.Store
	now   func() time.Time
	log   *slog.Logger
	// sealed says whether restic made a file of a repository, as far as that can be told.
	sealed func(repo string, file []byte) bool

	mu    sync.Mutex
	start map[string]int64     // by repository, while there are locks: see began
	loose map[string]bool      // a client without a lock brought files
	sign  map[string]time.Time // by repository: when a lock or a file last came
}

// lock is one file: its name ends in the right of who wrote it.
type lock struct {
	rest.Item
	file  string
	right keyring.Right
}

func lockName(repo, name string, right keyring.Right) string {
	return repo + "/" + name + "." + string(right)
}

// all lists the locks of a repository. What is too old, or no lock, is removed.
func (l *locks) all(repo string) ([]lock, error) {
	var out []lock
	var dead []string
	err := l.disk.Walk(repo, func(file string) error {
		name, right, _ := strings.Cut(path.Base(file), ".")
		size, err := l.check(repo, file, name)
		switch {
		case local.IsMissing(err): // removed meanwhile
		case core.CodeOf(err) == core.CodeInvalid:
			l.log.Warn("a lock that is none, or too old, was removed", "repo", repo, "lock", name, "error", err)
			dead = append(dead, file)
		case err != nil:
			return err
		default:
			out = append(out, lock{rest.Item{Name: name, Size: size}, file, keyring.Right(right)})
		}
		return nil
	})
	for _, file := range dead {
		err = errors.Join(err, local.Removed(l.disk.Remove(file)))
	}
	return out, err
}

// check answers the size of a lock. Returns CodeInvalid for one that is too old, is not
// what its name says, or was not made by restic: one alone would keep every restic since
// 0.17 out.
func (l *locks) check(repo, file, name string) (int64, error) {
	f, err := l.disk.Open(file)
	if err != nil {
		return 0, err
	}
	defer f.Close() //nolint:errcheck // only read
	info, err := l.disk.Stat(file)
	if err != nil {
		return 0, err
	}
	data, err := io.ReadAll(io.LimitReader(f, rest.MaxLock+1))
	if err != nil {
		return 0, fmt.Errorf("read a lock: %w", err)
	}
	sum := sha256.Sum256(data)
	switch {
	case len(data) < rest.MinLock || len(data) > rest.MaxLock:
		return 0, core.Invalid("vault.bad_lock", fmt.Errorf("%d bytes", len(data)))
	case hex.EncodeToString(sum[:]) != name:
		return 0, core.Invalid("vault.bad_lock", errors.New("not what its name says"))
	case l.now().Sub(info.ModTime()) > lockLife:
		return 0, core.Invalid("vault.bad_lock", fmt.Errorf("of %s", info.ModTime().UTC().Format(time.DateTime)))
	case !l.sealed(repo, data):
		return 0, core.Invalid("vault.bad_lock", errors.New("not sealed with the key of its repository"))
	}
	return int64(len(data)), nil
}

func (l *locks) find(repo, name string) (lock, error) {
	all, err := l.all(repo)
	if err != nil {
		return lock{}, err
	}
	for _, one := range all {
		if one.Name == name {
			return one, nil
		}
	}
	return lock{}, core.NotFound("vault.no_file", fmt.Errorf("%s has no lock %s", repo, name))
}

func (l *locks) stat(repo, name string) (int64, error) {
	one, err := l.find(repo, name)
	return one.Size, err
}

func (l *locks) open(repo, name string) (io.ReadSeekCloser, error) {
	one, err := l.find(repo, name)
	if err != nil {
		return nil, err
	}
	f, err := l.disk.Open(one.file)
	if local.IsMissing(err) {
		return nil, core.NotFound("vault.no_file", fmt.Errorf("%s has no lock %s: %w", repo, name, err))
	}
	if err != nil {
		return nil, fmt.Errorf("lock %s of %s: %w", name, repo, err)
	}
	return f, nil
}

func (l *locks) list(repo string) ([]rest.Item, error) {
	all, err := l.all(repo)
	out := make([]rest.Item, 0, len(all))
	for _, one := range all {
		out = append(out, one.Item)
	}
	return out, err
}

// save writes a lock; the same lock again is no error. Returns CodeFull when there
// are too many by this token, or the disk is.
func (l *locks) save(ctx context.Context, repo string, right keyring.Right, name string, body io.Reader) error {
	data, err := io.ReadAll(body)
	if err != nil {
		return err
	}
	if !l.sealed(repo, data) {
		return core.Invalid("vault.bad_lock", errors.New("not sealed with the key of its repository"))
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	all, err := l.all(repo)
	if err != nil {
		return err
	}
	mine := 0
	for _, one := range all {
		if one.Name == name {
			return nil
		}
		if one.right == right {
			mine++
		}
	}
	if mine >= maxLocks {
		return core.Full("vault.too_many_locks", fmt.Errorf("%d locks by the %s token", mine, right)).With("Count", mine)
	}
	if err := l.begin(ctx, repo, len(all)); err != nil {
		return err
	}
	if err := l.disk.Room(core.Size(len(data))); err != nil {
		return err
	}
	// Put looks far ahead where there is a floor: too far for so small a file.
	_, err = l.disk.WithFloor(0).Put(ctx, lockName(repo, name, right), bytes.NewReader(data))
	if core.CodeOf(err) == core.CodeConflict {
		return nil
	}
	return err
}

// begin notes where a run of restic begins: with the first lock. A lock of before this
// process began leaves it unknown.
func (l *locks) begin(ctx context.Context, repo string, locks int) error {
	now, last := l.now(), l.sign[repo]
	l.sign[repo] = now
	// Without a lock and still known: they died of age, and its restic may not have.
	if _, known := l.start[repo]; known && (locks > 0 || now.Sub(last) < runLife) {
		return nil
	}
	l.start[repo] = 0
	if locks > 0 {
		return nil
	}
	tail, pending, err := l.store.Queue.Tail(ctx, repo)
	if err != nil || l.loose[repo] && pending {
		return err // what a client without a lock brought may still be needed
	}
	delete(l.loose, repo)
	l.start[repo] = tail
	return nil
}

// began is the place in a repository behind which the files of the restic runs lie that
// hold a lock now; 0 = everything may be theirs. Each run writes a lock before its
// first file, and removes it after its last.
func (l *locks) began(repo string) int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.start[repo]
}

// came notes that a file came; without any lock it is a client's that writes none.
func (l *locks) came(repo string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sign[repo] = l.now()
	if _, locked := l.start[repo]; !locked {
		l.loose[repo] = true
	}
}

// remove takes a lock away. The run of a lock that a lesser token takes away may go on:
// what it brought stays needed.
func (l *locks) remove(repo string, right keyring.Right, name string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	all, err := l.all(repo)
	left := 0
	for _, one := range all {
		if one.Name != name {
			left++
			continue
		}
		err = errors.Join(err, local.Removed(l.disk.Remove(one.file)))
		if right.Rank() < one.right.Rank() {
			l.loose[repo] = true
		}
	}
	if left == 0 && err == nil {
		delete(l.start, repo)
	}
	return err
}
