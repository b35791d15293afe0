package datadir

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"entrechat/internal/core"
	"entrechat/internal/kit/disk"
)

// LockName is the file in the data directory that the running node holds a lock on;
// its text is the process number. Commands beside the node do not take it.
const LockName = "up.lock"

// Lock makes this process the only node of a data directory, until release or the end
// of the process, however it ends. A disk without locks is taken for free. Returns
// CodeConflict while another process is.
func Lock(data string) (release func(), err error) {
	f, err := os.OpenFile(filepath.Join(data, LockName), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, Unreadable(data, err)
	}
	if errors.Is(disk.TryLock(f), disk.ErrLocked) {
		text, _ := io.ReadAll(io.LimitReader(f, 20)) // only to name it
		_ = f.Close()
		return nil, core.Conflict("app.runs_already", fmt.Errorf("%s is locked", f.Name())).
			With("Data", data).With("Pid", cmp.Or(strings.TrimSpace(string(text)), "?"))
	}
	// What the number is for is a sentence; the lock holds without it.
	if f.Truncate(0) == nil {
		_, _ = f.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	}
	return func() { _ = f.Close() }, nil
}
