package directory

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"entrechat/internal/core"
	"entrechat/internal/room/directory/statool"
)

// Validated is what the validator says of one file.
type Validated struct {
	File   string
	Report statool.Report
}

// Validate reads a file, of this machine or by its address, and says everything
// there is to say about it. Returns CodeInvalid for what is no such file at all,
// CodeNotFound, CodeUnsure when an address does not answer.
func (r *Room) Validate(ctx context.Context, from string) (Validated, error) {
	data, err := r.load(ctx, from)
	if err != nil {
		return Validated{}, err
	}
	doc, err := statool.Parse(data)
	if err != nil {
		return Validated{}, err
	}
	return Validated{File: from, Report: statool.Validate(doc)}, nil
}

func (r *Room) load(ctx context.Context, from string) ([]byte, error) {
	if strings.HasPrefix(from, "https://") || strings.HasPrefix(from, "http://") {
		data, _, err := r.n.Fetch.Fetch(ctx, from, statool.MaxBytes+1)
		return data, err
	}
	return readFile(from)
}

// readFile reads a file that its owner typed. Returns CodeNotFound, CodeDenied.
func readFile(from string) ([]byte, error) {
	f, err := os.Open(from)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, core.NotFound("directory.no_file", err).With("File", from)
	}
	if err != nil {
		return nil, core.Denied("directory.unreadable", err).With("File", from)
	}
	defer f.Close() //nolint:errcheck // only read
	data, err := io.ReadAll(io.LimitReader(f, statool.MaxBytes+1))
	if err != nil {
		return nil, core.Denied("directory.unreadable", fmt.Errorf("read: %w", err)).With("File", from)
	}
	return data, nil
}
