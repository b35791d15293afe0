package imports

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"entrechat/internal/core"
	"entrechat/internal/room/directory/catalogue"
	"entrechat/internal/room/directory/statool"
)

// Broken is one address that did not give a good file, or one entry of subs that
// leads nowhere.
type Broken struct {
	URL      string  // of the file that the trouble is about
	From     string  // the file that leads to it; empty for a root
	Trouble  Trouble // its line is in URL
	Retained bool    // its last good version stays; false for an entry of subs, too
}

// Report is what a walk did. Counts are of files.
type Report struct {
	Root      string
	Class     statool.Class
	Good      int // new, or changed
	Unchanged int
	NotAsked  int // not due, or at rest after three strikes
	Broken    []Broken
	Hosters   int // listings that the catalogue got
	Services  int
	Stopped   string // words key: why the walk ended early; the next one goes on
}

// Why a walk ended early. After the last two it goes on within the hour; more files
// than it may ask for, it leaves.
const (
	stopFiles = "directory.import.cut_files"
	stopBytes = "directory.import.cut_bytes"
	stopTime  = "directory.import.cut_time"
)

// outcome is what came of one file in one walk.
type outcome int

const (
	isGood outcome = iota
	isUnchanged
	isBroken
	notAsked
	notReached // the walk ended before
)

// walk is one walk from one root.
type walk struct {
	m     *Importer
	root  string
	asked bool // by a person, now: what is not due is asked too

	atOnce  chan struct{}
	mu      sync.Mutex // guards what follows
	files   map[string]File
	done    map[string]outcome
	bytes   int64
	stopped string
}

func (m *Importer) walk(ctx context.Context, root string, asked bool) (Report, error) {
	outside := ctx
	ctx, cancel := context.WithTimeout(ctx, m.n.Limits.Whole)
	defer cancel()
	w := &walk{
		m: m, root: root, asked: asked, atOnce: make(chan struct{}, m.n.Limits.AtOnce),
		files: map[string]File{}, done: map[string]outcome{},
	}
	r, err := w.run(ctx)
	if outside.Err() != nil {
		return Report{}, outside.Err()
	}
	return r, err
}

// run asks level by level: a root, what it leads to, what that leads to.
func (w *walk) run(ctx context.Context) (Report, error) {
	if err := w.turn(ctx, w.root, statool.ClassNone); err != nil {
		return Report{}, err
	}
	root := w.files[w.root]
	r := Report{Root: w.root, Class: root.Class}
	if w.done[w.root] == isBroken {
		if root.Class == statool.ClassNone {
			return r, refused(root)
		}
		r.Broken = append(r.Broken, Broken{URL: w.root, Trouble: root.Trouble, Retained: true})
	}
	hosters := []string{w.root}
	var err error
	if root.Class == statool.ClassFederation {
		hosters, err = w.descend(ctx, hosters, statool.ClassOrganization, &r)
	}
	if err == nil && root.Class != statool.ClassService {
		_, err = w.descend(ctx, hosters, statool.ClassService, &r)
	}
	if err != nil {
		return r, err
	}
	return r, w.finish(context.WithoutCancel(ctx), hosters, &r)
}

// refused is the error of a root that never gave a good file; its cause is the
// trouble, for the place Why of the sentence.
func refused(root File) error {
	t := root.Trouble
	cause := &core.Error{Code: core.CodeInvalid, Key: t.Key, Args: t.Args, Err: fmt.Errorf("%s:%d: %s", root.URL, t.Line, t.Key)}
	return core.Invalid("directory.import.refused", cause).With("URL", root.URL).With("Line", t.Line)
}

// arrival is one link of one parent.
type arrival struct {
	link
	parent string
	place  int // among its parent's links
}

// descend asks for all that the parents lead to and comes back with those that have
// a good version of the class.
func (w *walk) descend(ctx context.Context, parents []string, class statool.Class, r *Report) ([]string, error) {
	var all []arrival
	for _, parent := range parents {
		links, more, err := w.m.links(context.WithoutCancel(ctx), parent, class)
		if err != nil {
			return nil, err
		}
		if more > 0 {
			r.Broken = append(r.Broken, Broken{URL: parent, Trouble: trouble(more, "directory.import.many_services", map[string]any{"Limit": catalogue.MaxServices})})
		}
		for i, l := range links {
			all = append(all, arrival{l, parent, i})
		}
	}
	// One of each in turn: a list without end takes no time from the others.
	slices.SortStableFunc(all, func(a, b arrival) int { return cmp.Compare(a.place, b.place) })
	if room := w.m.n.Limits.Files - len(w.done); len(all) > room {
		all, w.stopped = all[:max(0, room)], stopFiles
	}
	if err := w.ask(ctx, all, class); err != nil {
		return nil, err
	}
	var next []string
	for _, a := range all {
		f := w.files[a.Child]
		b := Broken{URL: a.Child, From: a.parent, Trouble: f.Trouble, Retained: f.Class != statool.ClassNone}
		switch {
		case a.Child == "":
			b = Broken{URL: a.parent, Trouble: trouble(a.Line, "directory.import.bad_sub", map[string]any{"Name": a.Slug})}
		case w.done[a.Child] == notReached:
			continue
		case f.Class != statool.ClassNone && f.Class != class:
			b = Broken{URL: a.parent, Trouble: wrongLink(a, class, f.Class)}
		default:
			if f.Class == class && !slices.Contains(next, a.Child) {
				next = append(next, a.Child)
			}
		}
		if !b.Trouble.none() {
			r.Broken = append(r.Broken, b)
		}
	}
	return next, nil
}

func wrongLink(a arrival, want, class statool.Class) Trouble {
	return trouble(a.Line, "directory.import.wrong_link", map[string]any{"URL": a.Child, "Want": string(want), "Class": string(class)})
}

// ask has a few askers for each host; what one host takes long for waits for that
// host alone.
func (w *walk) ask(ctx context.Context, all []arrival, class statool.Class) error {
	queues, hosts := map[string][]string{}, []string{}
	for _, a := range all {
		h := host(a.Child)
		if _, seen := w.done[a.Child]; seen || a.Child == "" {
			continue
		}
		w.done[a.Child] = notReached
		if queues[h] == nil {
			hosts = append(hosts, h)
		}
		queues[h] = append(queues[h], a.Child)
	}
	askers, ctx := errgroup.WithContext(ctx)
	for _, h := range hosts {
		queue := make(chan string, len(queues[h]))
		for _, child := range queues[h] {
			queue <- child
		}
		close(queue)
		for range min(w.m.n.Limits.PerHost, len(queues[h])) {
			askers.Go(func() error {
				for child := range queue {
					if err := w.turn(ctx, child, class); err != nil {
						return err
					}
				}
				return nil
			})
		}
	}
	return askers.Wait()
}

// turn visits one file when it is its turn, then leaves its host in peace for a
// moment. Its error is our own database's.
func (w *walk) turn(ctx context.Context, child string, class statool.Class) error {
	select {
	case <-ctx.Done():
		w.out(File{URL: child}, notReached)
		return nil
	case w.atOnce <- struct{}{}:
	}
	f, o, err := File{URL: child}, notReached, error(nil)
	if ctx.Err() == nil && !w.spent() {
		f, o, err = w.visit(ctx, child, class)
	}
	<-w.atOnce
	if err != nil {
		return err
	}
	w.out(f, o)
	if o == notAsked || child == w.root {
		return nil
	}
	pause := time.NewTimer(w.m.n.Limits.Pause)
	defer pause.Stop()
	select {
	case <-ctx.Done():
	case <-pause.C:
	}
	return nil
}

// spent says that the walk had all the bytes it may have.
func (w *walk) spent() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.bytes >= w.m.n.Limits.Bytes {
		w.stopped = stopBytes
	}
	return w.bytes >= w.m.n.Limits.Bytes
}

func (w *walk) out(f File, o outcome) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.files[f.URL], w.done[f.URL] = f, o
	if o == notReached && w.stopped == "" {
		w.stopped = stopTime
	}
}

// finish hands over what changed and counts.
func (w *walk) finish(ctx context.Context, hosters []string, r *Report) error {
	for _, o := range w.done {
		switch o {
		case isGood:
			r.Good++
		case isUnchanged:
			r.Unchanged++
		case notAsked:
			r.NotAsked++
		case isBroken, notReached:
		}
	}
	r.Stopped = w.stopped
	var failed []error
	for _, address := range hosters {
		if err := w.listings(ctx, address, r); err != nil { // the others' come in all the same
			failed = append(failed, fmt.Errorf("listings of %s: %w", address, err))
		}
	}
	if w.stopped != "" && w.stopped != stopFiles {
		// New addresses that were not reached are in no table: the root is due at once.
		failed = append(failed, setDue(ctx, w.m.n.DB, w.root, core.At(w.m.n.Now())))
	}
	_, err := w.m.sweep(ctx)
	return errors.Join(append(failed, err)...)
}
