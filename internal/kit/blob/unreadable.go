package blob

import (
	"errors"
	"io"
	"io/fs"
	"syscall"
)

// File is an object that is open for reading, as far as readers need it.
type File interface {
	io.ReadSeekCloser
	io.ReaderAt
	Stat() (fs.FileInfo, error)
}

// Unreadable says whether an error of reading means that the disk has the bytes and does
// not give them: a bad sector, or a check sum of the file system that does not stand.
func Unreadable(err error) bool {
	return errors.Is(err, syscall.EIO) || errors.Is(err, syscall.EBADMSG)
}
