package directory

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"

	"entrechat/internal/core"
	"entrechat/internal/room/directory/catalogue"
	"entrechat/internal/room/directory/statool"
)

// hoster is the name of the file about the hoster itself; every other one is about
// a service.
const hoster = "organization"

const suffix = ".properties"

// Where files are served; the second path is what a common package uses.
const (
	wellKnown      = "/.well-known/chatonsinfos/"
	underscoreKnow = "/.well_known/chatonsinfos/"
)

// OwnFile is one file that this hoster publishes. It lies in the data directory as
// it is served, and any editor may change it there.
type OwnFile struct {
	Name   string // "organization", "pad"
	URL    string // where it is served
	Text   []byte
	Report statool.Report
}

var ownName = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,39}$`)

// Own lists the files, the hoster's first.
func (r *Room) Own(ctx context.Context) ([]OwnFile, error) {
	entries, err := os.ReadDir(r.n.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list own files: %w", err)
	}
	var all []OwnFile
	for _, e := range entries {
		name, ok := strings.CutSuffix(e.Name(), suffix)
		if !ok || !ownName.MatchString(name) || ctx.Err() != nil {
			continue
		}
		text, err := r.ownText(name)
		if err != nil {
			return nil, err
		}
		doc, err := statool.Parse(text)
		if err != nil {
			doc = &statool.Document{} // the report of nothing says that all is missing
		}
		all = append(all, OwnFile{Name: name, URL: r.address(name), Text: text, Report: statool.Validate(doc)})
	}
	slices.SortFunc(all, func(a, b OwnFile) int {
		return cmp.Or(-cmp.Compare(rank(a.Name), rank(b.Name)), cmp.Compare(a.Name, b.Name))
	})
	return all, ctx.Err()
}

func rank(name string) int {
	if name == hoster {
		return 1
	}
	return 0
}

// ownService is one of our services: its file's view, and its sheet, which has what
// our own section says too.
type ownService struct {
	statool.Service
	sheet catalogue.Service
}

// services are ours, by their files' names.
func (r *Room) services(ctx context.Context) (map[string]ownService, error) {
	own, err := r.Own(ctx)
	if err != nil {
		return nil, err
	}
	all := map[string]ownService{}
	for _, f := range own {
		if doc, err := statool.Parse(f.Text); err == nil && f.Name != hoster {
			all[f.Name] = ownService{statool.Read[statool.Service](doc), catalogue.ServiceOf(doc, f.Name, r.n.Now())}
		}
	}
	return all, nil
}

// address is where a file is served.
func (r *Room) address(name string) string { return r.n.URL + wellKnown + name + suffix }

// ownText reads a file as it is served. Returns CodeNotFound.
func (r *Room) ownText(name string) ([]byte, error) {
	if !ownName.MatchString(name) {
		return nil, core.NotFound("directory.no_own_file", fmt.Errorf("%.60q is no name", name)).With("Name", fmt.Sprintf("%.60q", name))
	}
	root, err := os.OpenRoot(r.n.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, core.NotFound("directory.no_own_file", err).With("Name", name)
	}
	if err != nil {
		return nil, fmt.Errorf("open own files: %w", err)
	}
	defer root.Close() //nolint:errcheck // only read
	text, err := root.ReadFile(name + suffix)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, core.NotFound("directory.no_own_file", err).With("Name", name)
	}
	return text, err
}

// Publish takes a file of ours, new or changed: only its address and moment are set,
// the rest keeps its bytes. Returns CodeInvalid when it is not about a hoster or a
// service, or is not valid; nothing is changed then.
func (r *Room) Publish(ctx context.Context, name string, text []byte) (OwnFile, error) {
	doc, err := statool.Parse(text)
	if err != nil {
		return OwnFile{}, err
	}
	switch doc.Class() {
	case statool.ClassOrganization:
		name = hoster
	case statool.ClassService:
		if name == hoster || !ownName.MatchString(name) {
			return OwnFile{}, core.Invalid("directory.bad_name", fmt.Errorf("%.60q", name)).With("Name", fmt.Sprintf("%.60q", name))
		}
	case statool.ClassFederation, statool.ClassMetrics, statool.ClassDevice, statool.ClassNone:
		return OwnFile{}, core.Invalid("directory.wrong_class", fmt.Errorf("class %q", doc.Class()))
	}
	if err := r.put(name, doc); err != nil {
		return OwnFile{}, err
	}
	return r.published(ctx, name)
}

// Change sets fields of a file; an empty value takes the field away. Returns
// CodeNotFound, CodeInvalid.
func (r *Room) Change(ctx context.Context, name string, fields map[string]string) (OwnFile, error) {
	text, err := r.ownText(name)
	if err != nil {
		return OwnFile{}, err
	}
	doc, err := statool.Parse(text)
	if err != nil {
		return OwnFile{}, err
	}
	for _, key := range slices.Sorted(maps.Keys(fields)) {
		if fields[key] == "" {
			doc.Delete(key)
			continue
		}
		if err := doc.Set(key, fields[key]); err != nil {
			return OwnFile{}, err
		}
	}
	if err := r.put(name, doc); err != nil {
		return OwnFile{}, err
	}
	return r.published(ctx, name)
}

// Withdraw takes a file away. Returns CodeNotFound.
func (r *Room) Withdraw(ctx context.Context, name string) error {
	if _, err := r.ownText(name); err != nil {
		return err
	}
	root, err := os.OpenRoot(r.n.Dir)
	if err == nil {
		err = errors.Join(root.Remove(name+suffix), root.Close())
	}
	if err != nil {
		return fmt.Errorf("withdraw %s: %w", name, err)
	}
	if err := r.link(ctx); err != nil {
		return err
	}
	r.sayNow(ctx)
	return nil
}

// published is a file after it was written, and the hoster's file brought in line.
func (r *Room) published(ctx context.Context, name string) (OwnFile, error) {
	if err := r.link(ctx); err != nil {
		return OwnFile{}, err
	}
	r.sayNow(ctx)
	all, err := r.Own(ctx)
	if err != nil {
		return OwnFile{}, err
	}
	for _, f := range all {
		if f.Name == name {
			return f, nil
		}
	}
	return OwnFile{}, core.NotFound("directory.no_own_file", fmt.Errorf("%s went away", name)).With("Name", name)
}

// link has the hoster's file lead to each service's, and to no file of ours that is
// not there. Entries that lead elsewhere are somebody's own and stay.
func (r *Room) link(ctx context.Context) error {
	text, err := r.ownText(hoster)
	if core.CodeOf(err) == core.CodeNotFound {
		return nil
	}
	if err != nil {
		return err
	}
	doc, err := statool.Parse(text)
	if err != nil {
		return err
	}
	own, err := r.Own(ctx)
	if err != nil {
		return err
	}
	for _, key := range doc.Keys() {
		if target, _ := doc.Get(key); strings.HasPrefix(key, "subs.") && strings.HasPrefix(target, r.n.URL+wellKnown) {
			doc.Delete(key)
		}
	}
	for _, f := range own {
		if f.Name == hoster {
			continue
		}
		if err := doc.Set("subs."+f.Name, f.URL); err != nil {
			return err
		}
	}
	if string(doc.Bytes()) == string(text) {
		return nil
	}
	return r.put(hoster, doc)
}

// put writes a valid document, with its address and this moment in it.
func (r *Room) put(name string, doc *statool.Document) error {
	if err := doc.Set("file.url", r.address(name)); err != nil {
		return err
	}
	if err := doc.Set("file.datetime", r.n.Now().UTC().Format("2006-01-02T15:04:05")); err != nil {
		return err
	}
	if report := statool.Validate(doc); !report.OK() {
		return invalid(name, report)
	}
	if err := checkOwnKeys(doc); err != nil {
		return err
	}
	if err := os.MkdirAll(r.n.Dir, 0o700); err != nil {
		return fmt.Errorf("make the folder of own files: %w", err)
	}
	return replace(r.n.Dir, name+suffix, doc.Bytes())
}

// invalid carries the first error of a report.
func invalid(name string, report statool.Report) error {
	for _, f := range report.Findings {
		if f.Severity == statool.Error {
			return &core.Error{Code: core.CodeInvalid, Key: f.Key, Args: f.Args, Err: fmt.Errorf("%s: %s %s", name, f.Field, f.Key)}
		}
	}
	return core.Invalid("directory.not_valid", errors.New(name)).With("Count", 1)
}

// replace writes a file of the folder whole or not at all.
func replace(dir, name string, text []byte) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	defer root.Close() //nolint:errcheck // the file's own Close counts
	fresh := ".new-" + rand.Text()
	f, err := root.OpenFile(fresh, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	_, err = f.Write(text)
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = root.Rename(fresh, name)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("write %s: %w", name, err), root.Remove(fresh))
	}
	return nil
}
