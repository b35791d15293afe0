package imports

import (
	"context"
	"fmt"

	"entrechat/internal/core"
)

// Listed is one foreign file and what leads to it.
type Listed struct {
	File
	From []string
	// Unverified: every file that leads here stands on another host, and no root
	// or federation vouches for it.
	Unverified bool
}

// Files lists all foreign files by address.
func (m *Importer) Files(ctx context.Context) ([]Listed, error) {
	files, err := allFiles(ctx, m.n.DB)
	if err != nil {
		return nil, err
	}
	links, err := arrows(ctx, m.n.DB)
	if err != nil {
		return nil, err
	}
	class, from := map[string]File{}, map[string][]string{}
	for _, f := range files {
		class[f.URL] = f
	}
	for _, a := range links {
		from[a.Child] = append(from[a.Child], a.Parent)
	}
	all := make([]Listed, 0, len(files))
	for _, f := range files {
		l := Listed{File: f, From: from[f.URL], Unverified: !f.Typed && len(from[f.URL]) > 0}
		for _, parent := range l.From {
			if vouches(class[parent].Class, parent, f.URL) {
				l.Unverified = false
			}
		}
		all = append(all, l)
	}
	return all, nil
}

// Text is the last good version of a file, byte for byte. Returns CodeNotFound.
func (m *Importer) Text(ctx context.Context, typed string) ([]byte, error) {
	at, _ := address(typed)
	body, err := bodyOf(ctx, m.n.DB, at)
	if err == nil && len(body) == 0 {
		err = unknown(typed)
	}
	return body, err
}

// Forget takes a root back, with all that nothing else leads to, and says how many
// files went. Returns CodeNotFound, or CodeConflict when a file that stays leads to
// the address.
func (m *Importer) Forget(ctx context.Context, typed string) (int, error) {
	at, _ := address(typed)
	f, known, err := fileAt(ctx, m.n.DB, at)
	if err != nil {
		return 0, err
	}
	if !known {
		return 0, unknown(typed)
	}
	parents, err := parentsOf(ctx, m.n.DB, at)
	if err != nil {
		return 0, err
	}
	if !f.Typed && len(parents) > 0 {
		return 0, core.Conflict("directory.import.listed", fmt.Errorf("%s is listed", at)).With("URL", at).With("From", parents[0])
	}
	if err := setTyped(ctx, m.n.DB, at, false); err != nil {
		return 0, err
	}
	gone, err := m.sweep(ctx)
	return len(gone), err
}

func unknown(typed string) error {
	return core.NotFound("directory.import.unknown", fmt.Errorf("%.120q", typed)).With("URL", fmt.Sprintf("%.120q", typed))
}
