package export

import (
	"io/fs"
	"syscall"
	"testing"

	"entrechat/internal/core"
)

func TestWhichFolderIsFull(t *testing.T) {
	full := &fs.PathError{Op: "write", Path: "/mnt/plain/data/ab/.part-1", Err: syscall.ENOSPC}
	if err := folderTrouble("/mnt/plain", full); core.CodeOf(err) != core.CodeFull {
		t.Error(err)
	}
	// Our own disk is not the folder that was named.
	if err := folderTrouble("/mnt/other", full); core.CodeOf(err) != core.CodeInternal {
		t.Error(err)
	}
}
