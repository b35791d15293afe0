package directory

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"entrechat/internal/core"
	"entrechat/internal/room/directory/draft"
	"entrechat/internal/room/directory/statool"
)

// generator is what our files name as their maker.
const generator = "entrechat"

// Drafted is a draft with the files made from it.
type Drafted struct {
	draft.Draft
	Charter []draft.Criterion
	Files   []DraftFile
}

// DraftFile is the beginning of a StatoolInfos file: facts only.
type DraftFile struct {
	Name   string // "peertube.properties"
	Text   []byte
	Report statool.Report // what is missing
}

// Draft asks a domain what it says of itself. Returns CodeInvalid for what is no
// domain, CodeUnsure when it did not answer in time.
func (r *Room) Draft(ctx context.Context, domain string) (Drafted, error) {
	d, err := r.draft.Draft(ctx, domain)
	if err != nil {
		return Drafted{}, err
	}
	now := core.At(r.n.Now())
	out := Drafted{Draft: d, Charter: d.Charter(now)}
	hoster, err := fileOf("organization", d.View(generator, now))
	if err != nil {
		return Drafted{}, err
	}
	out.Files = append(out.Files, hoster)
	for _, s := range d.Services {
		file, err := fileOf(plainName(s.Kind), s.View(generator, now))
		if err != nil {
			return Drafted{}, err
		}
		out.Files = append(out.Files, file)
	}
	return out, nil
}

func fileOf[V statool.View](name string, view V) (DraftFile, error) {
	doc := &statool.Document{}
	if err := statool.Put(doc, view); err != nil {
		return DraftFile{}, err
	}
	return DraftFile{Name: name + ".properties", Text: doc.Bytes(), Report: statool.Validate(doc)}, nil
}

var notPlain = regexp.MustCompile(`[^a-z0-9]+`)

// plainName makes a file's name of a word that a stranger chose.
func plainName(word string) string {
	name := strings.Trim(notPlain.ReplaceAllString(strings.ToLower(word), "-"), "-")
	if name == "" || name == "organization" {
		return "service"
	}
	return name[:min(len(name), 40)]
}

// writeTo puts the files into a folder, which it makes, and answers their paths; an
// empty folder is none. Returns CodeConflict, and writes nothing over it, when one
// of them is there.
func (d Drafted) writeTo(dir string) (written []string, err error) {
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
