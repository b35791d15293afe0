package draft

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"entrechat/internal/core"
	"entrechat/internal/room/directory/statool"
)

// Drafted is a draft with the files made from it.
type Drafted struct {
	Draft
	Charter []Criterion
	Files   []File
}

// File is the beginning of a StatoolInfos file: facts only.
type File struct {
	Name   string // "peertube.properties"
	Text   []byte
	Report statool.Report // what is missing
}

// Files asks a domain what it says of itself. Returns CodeInvalid for what is no
// domain, CodeUnsure when it did not answer in time.
func (r *Reader) Files(ctx context.Context, domain string) (Drafted, error) {
	d, err := r.Draft(ctx, domain)
	if err != nil {
		return Drafted{}, err
	}
	now := core.At(r.n.Now())
	out := Drafted{Draft: d, Charter: d.Charter(now)}
	hoster, err := fileOf("organization", d.View(statool.Generator, now))
	if err != nil {
		return Drafted{}, err
	}
	out.Files = append(out.Files, hoster)
	for _, s := range d.Services {
		file, err := fileOf(statool.FileName(s.Kind), s.View(statool.Generator, now))
		if err != nil {
			return Drafted{}, err
		}
		out.Files = append(out.Files, file)
	}
	return out, nil
}

func fileOf[V statool.View](name string, view V) (File, error) {
	doc := &statool.Document{}
	if err := statool.Put(doc, view); err != nil {
		return File{}, err
	}
	return File{Name: name + ".properties", Text: doc.Bytes(), Report: statool.Validate(doc)}, nil
}

// WriteTo puts the files into a folder, which it makes, and answers their paths; an
// empty folder is none. Returns CodeConflict, and writes nothing over it, when one
// of them is there.
func (d Drafted) WriteTo(dir string) (written []string, err error) {
	if dir == "" {
		return nil, nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // what is published may be read
		return nil, fmt.Errorf("make %s: %w", dir, err)
	}
	for _, file := range d.Files {
		path := filepath.Join(dir, file.Name)
		f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644) //nolint:gosec // the folder that its owner typed
		if errors.Is(err, fs.ErrExist) {
			return written, core.Conflict("directory.file_there", err).With("File", path)
		}
		if err != nil {
			return written, fmt.Errorf("write draft: %w", err)
		}
		_, err = f.Write(file.Text)
		if err = errors.Join(err, f.Close()); err != nil {
			return written, fmt.Errorf("write %s: %w", path, err)
		}
		written = append(written, path)
	}
	return written, nil
}
