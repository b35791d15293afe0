package own

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"entrechat/internal/room/directory/catalogue"
	"entrechat/internal/room/directory/statool"
)

// memory is what was read of the files: a page asks the disk only whether they changed.
type memory struct {
	sync.Mutex
	files map[string]*parsed
	last  *snapshot
}

// parsed is one file as it was read.
type parsed struct {
	info fs.FileInfo
	// settled: it was read so long after it was written that nobody can have written
	// again within the same tick of the disk's clock.
	settled bool
	file    File
	doc     *statool.Document // nil when it is none
	bad     error             // why it is none
	org     statool.Organization
	service statool.Service
	figures []Figure
}

// tick is longer than that of any disk's clock (FAT: two seconds).
const tick = 3 * time.Second

// snapshot is all that the files say, within one minute: an end comes by itself.
type snapshot struct {
	from     []*parsed
	minute   int64
	files    []File
	services map[string]Service
	known    bool // there is a file about us
	hoster   catalogue.Hoster
	listings []catalogue.Service
	failed   error // why there are no listings
	unread   map[string]bool
	figures  []Figure
}

// snapshot reads the folder. What did not change since it was last read is not read
// again. It is never nil.
func (o *Files) snapshot(ctx context.Context) (*snapshot, error) {
	o.read.Lock()
	defer o.read.Unlock()
	from, err := o.all(ctx)
	if err != nil {
		return &snapshot{}, err
	}
	minute := o.n.Now().Unix() / 60
	if last := o.read.last; last == nil || last.minute != minute || !slices.Equal(last.from, from) {
		o.read.last = o.derive(from)
		o.read.last.minute = minute
	}
	return o.read.last, nil
}

// all are the files of the folder, the hoster's first.
func (o *Files) all(ctx context.Context) ([]*parsed, error) {
	entries, err := os.ReadDir(o.n.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list own files: %w", err)
	}
	root, err := o.root()
	if err != nil {
		return nil, err
	}
	defer root.Close() //nolint:errcheck // only read
	there, all := map[string]*parsed{}, make([]*parsed, 0, len(entries))
	for _, e := range entries {
		name, ok := strings.CutSuffix(e.Name(), Suffix)
		if !ok || !IsName(name) {
			continue
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		p, err := o.parsed(root, name)
		if errors.Is(err, fs.ErrNotExist) {
			continue // withdrawn this moment
		}
		if err != nil {
			return nil, err
		}
		there[name], all = p, append(all, p)
	}
	o.read.files = there
	slices.SortFunc(all, func(a, b *parsed) int {
		return cmp.Or(-cmp.Compare(rank(a.file.Name), rank(b.file.Name)), cmp.Compare(a.file.Name, b.file.Name))
	})
	return all, nil
}

func rank(name string) int {
	if name == HosterName {
		return 1
	}
	return 0
}

// parsed is one file, from memory when it is the one that was read.
func (o *Files) parsed(root *os.Root, name string) (*parsed, error) {
	info, err := root.Stat(name + Suffix)
	if err != nil {
		return nil, err
	}
	if had := o.read.files[name]; had != nil && had.settled && os.SameFile(had.info, info) && had.info.Size() == info.Size() && had.info.ModTime().Equal(info.ModTime()) {
		return had, nil
	}
	text, err := root.ReadFile(name + Suffix)
	if err != nil {
		return nil, err
	}
	p := &parsed{info: info, settled: o.n.Now().Sub(info.ModTime()) > tick, file: File{Name: name, URL: o.Address(name), Text: text}}
	doc, err := statool.Parse(text)
	if err != nil {
		p.bad, p.file.Report = err, statool.Validate(&statool.Document{}) // the report of nothing says that all is missing
	} else {
		p.doc, p.file.Report = doc, statool.Validate(doc)
		if name == HosterName {
			p.org = statool.Read[statool.Organization](doc)
		} else {
			p.service, p.figures = statool.Read[statool.Service](doc), figuresOf(name, doc)
		}
	}
	if o.read.files == nil {
		o.read.files = map[string]*parsed{}
	}
	o.read.files[name] = p
	return p, nil
}

// derive makes everything that pages ask for.
func (o *Files) derive(from []*parsed) *snapshot {
	s := &snapshot{from: from, services: map[string]Service{}, unread: map[string]bool{}}
	now := o.n.Now()
	// When a file was written is when its words were said.
	author := func(a catalogue.Author) catalogue.Author {
		return catalogue.Author{Key: string(o.n.Self), Source: catalogue.FromLog, Said: a.Said}
	}
	for _, p := range from {
		s.files = append(s.files, p.file)
		switch {
		case p.doc == nil:
			s.unread[p.file.Name] = true // doctor says so; what was said of it stays
		case p.file.Name == HosterName:
			h := catalogue.HosterOf(p.doc, now)
			h.Author = author(h.Author)
			s.known, s.hoster = true, h.Tidy()
		default:
			listing := catalogue.ServiceOf(p.doc, p.file.Name, now)
			s.services[p.file.Name] = Service{p.service, listing}
			s.figures = append(s.figures, p.figures...)
			tidy, err := listing.Tidy()
			if err != nil {
				s.failed = err
				continue
			}
			tidy.Author = author(tidy.Author)
			s.listings = append(s.listings, tidy)
		}
	}
	s.listings = s.listings[:min(len(s.listings), catalogue.MaxServices)]
	return s
}
