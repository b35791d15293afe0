package directory

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"entrechat/internal/core"
	"entrechat/internal/room/directory/statool"
)

// Backup is how one of our backups stands, for everybody to read; its name stays
// ours.
type Backup struct {
	Newest core.Moment // the newest snapshot that is off-site; 0 = none
	Places int         // failure domains that hold it
	Losses int         // how many of these may be lost
	Doubt  bool        // whether it can be read back is not known now, or it cannot
}

// topics are what only the hoster can say, of what the collective's charter asks.
// Words: directory.charter.<topic> and directory.charter.<topic>_how.
func topics() []string {
	return []string{
		"hardware", "suppliers", "admins", "procedures", "log_retention", "incidents", "authority_requests", "economy", "leaving", "packages",
	}
}

// noteName is where a topic's text lies: plain text beside our files, for any editor.
func noteName(topic string) string { return "charter-" + topic + ".txt" }

// note reads a plain text of ours; "" while there is none. Returns CodeInvalid for
// one that is too long, or not plain.
func (r *Room) note(name string) (string, core.Moment, error) {
	path := filepath.Join(r.n.Dir, name)
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return "", 0, nil
	}
	var text []byte
	if err == nil {
		text, err = os.ReadFile(path)
	}
	if err != nil {
		return "", 0, fmt.Errorf("read %s: %w", name, err)
	}
	return tidy(string(text)), core.At(info.ModTime()), checkNote(tidy(string(text)))
}

func (r *Room) putNote(name, text string) error {
	if had, _, err := r.note(name); err == nil && had == text {
		return nil // its date says when it was written
	}
	if text != "" {
		text += "\n"
	}
	if err := os.MkdirAll(r.n.Dir, 0o700); err != nil {
		return fmt.Errorf("make the folder of own files: %w", err)
	}
	return replace(r.n.Dir, name, []byte(text))
}

// figure is the last number of one measure that a file of ours holds.
type figure struct {
	Service string
	What    string
	Value   string
	Period  string // "2026-03", "2026"
}

// figures are the newest numbers of our services' files, in the files' words.
func figures(own []OwnFile) (all []figure) {
	for _, f := range own {
		doc, err := statool.Parse(f.Text)
		if err != nil || f.Name == hoster {
			continue
		}
		labels, newest := doc.Labels(), map[string]statool.Series{}
		for _, s := range doc.Series() {
			if had, ok := newest[s.Path]; (!ok || s.Year > had.Year || s.Year == had.Year && s.Span == statool.Months) && lastOf(s) >= 0 {
				newest[s.Path] = s
			}
		}
		for path, s := range newest {
			at, what := lastOf(s), labels[path].Name
			if what == "" {
				what = path
			}
			period := strconv.Itoa(s.Year)
			if s.Span == statool.Months {
				period = fmt.Sprintf("%d-%02d", s.Year, at+1)
			}
			all = append(all, figure{f.Name, what, strconv.FormatFloat(s.Points[at].Value, 'f', -1, 64), period})
		}
	}
	slices.SortFunc(all, func(a, b figure) int { return slices.Compare([]string{a.Service, a.What}, []string{b.Service, b.What}) })
	return all
}

// lastOf is the place of the last number of a series, -1 for none.
func lastOf(s statool.Series) int {
	for i, p := range slices.Backward(s.Points) {
		if p.Known {
			return i
		}
	}
	return -1
}

// backups are how ours stand; none where nothing is saved through this node.
func (r *Room) backups(ctx context.Context) ([]Backup, error) {
	if r.n.Backups == nil {
		return nil, nil
	}
	return r.n.Backups(ctx)
}
