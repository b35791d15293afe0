package own

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/room/directory/statool"
)

// Needs is what the files are made of.
type Needs struct {
	Dir  string        // where they lie; made with the first file
	URL  string        // where this node is reached, without a slash at its end
	Self core.MemberID // "" where there is no node
	Now  func() time.Time
	// Changed is told when a file was published, changed or withdrawn; nil = nobody is.
	Changed func(ctx context.Context)
}

// Files are what this hoster publishes. Safe for concurrent use.
type Files struct {
	n    Needs
	read memory
}

// New takes a folder; it may be missing.
func New(n Needs) *Files { return &Files{n: n} }

// HosterName is the name of the file about the hoster itself; every other one is about
// a service.
const HosterName = "organization"

// Suffix ends the name of every file.
const Suffix = ".properties"

// Where files are served; the second path is what a common package uses.
const (
	WellKnown       = "/.well-known/chatonsinfos/"
	underscoreKnown = "/.well_known/chatonsinfos/"
)

// File is one file that this hoster publishes. It lies in the data directory as
// it is served, and any editor may change it there.
type File struct {
	Name   string // "organization", "pad"
	URL    string // where it is served
	Text   []byte
	Report statool.Report
}

// IsName says whether a file may have this name.
func IsName(name string) bool { return ownName.MatchString(name) }

var ownName = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,39}$`)

// List is all files, the hoster's first. Their texts and reports are shared: they are
// not to be changed.
func (o *Files) List(ctx context.Context) ([]File, error) {
	s, err := o.snapshot(ctx)
	return slices.Clone(s.files), err
}

// Address is where a file is served.
func (o *Files) Address(name string) string { return o.n.URL + WellKnown + name + Suffix }

// Text reads a file as it is served. Returns CodeNotFound.
func (o *Files) Text(name string) ([]byte, error) {
	if !IsName(name) {
		return nil, core.NotFound("directory.no_own_file", fmt.Errorf("%.60q is no name", name)).With("Name", fmt.Sprintf("%.60q", name))
	}
	root, err := o.root()
	if errors.Is(err, fs.ErrNotExist) {
		return nil, core.NotFound("directory.no_own_file", err).With("Name", name)
	}
	if err != nil {
		return nil, err
	}
	defer root.Close() //nolint:errcheck // only read
	text, err := root.ReadFile(name + Suffix)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, core.NotFound("directory.no_own_file", err).With("Name", name)
	}
	return text, err
}

func (o *Files) root() (*os.Root, error) {
	root, err := os.OpenRoot(o.n.Dir)
	if err != nil {
		return nil, fmt.Errorf("open own files: %w", err)
	}
	return root, nil
}
