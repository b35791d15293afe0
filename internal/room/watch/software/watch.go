package software

import (
	"context"
	"embed"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/logbook"
	"entrechat/internal/kit/wire"
	"entrechat/internal/room/watch/look"
	"entrechat/internal/room/watch/target"
)

// Words are the sentences about versions.
//
//go:embed words/*.toml
var Words embed.FS

// Quiet is how long only the hoster knows that a service of its is behind: a public list
// of what is not patched is a list of whom to attack.
const Quiet = 14 * 24 * time.Hour

// Book is the logbook as we write into it.
type Book interface {
	Append(ctx context.Context, typ string, aud []core.MemberID, exp core.Moment, body any) (logbook.Entry, error)
}

// Needs is what watching versions is made of; all but Curator and Own is required.
type Needs struct {
	DB   *db.DB // with the room's migrations applied
	Book Book
	Self core.MemberID
	// Curator is whose table counts; empty = nobody's.
	Curator core.MemberID
	// Own is our own table, as ParseFile read it: what it says of a program goes before the
	// curator's.
	Own Table
	// Told is called once when a target of ours turns out to be behind.
	Told func(ctx context.Context, r Running, j Judgement)
	Now  func() time.Time
}

// Running is what a target says that it runs.
type Running struct {
	Owner   core.MemberID
	Target  string // its ID
	Service string
	// Software and Version are as the server names them, cut to what can be shown.
	Software, Version string
	Seen              core.Moment // when this version was seen first
	Behind            core.Moment // when it was first known to be behind; zero = it is not
}

// Public says whether everybody may be shown that it is behind.
func (r Running) Public(now core.Moment) bool { return r.Behind > 0 && now.Sub(r.Behind) >= Quiet }

// Watch watches versions. Safe for concurrent use.
type Watch struct {
	n Needs

	mu    sync.Mutex
	table *Table             // nil = to be read
	last  map[string]Running // by owner and target: what needs no row
}

// New makes it.
func New(n Needs) *Watch { return &Watch{n: n, last: map[string]Running{}} }

// Entries are the kinds of entries that are written here, with the words key of each.
func Entries() map[string]string { return map[string]string{TypSafe: "watch.software.entry_safe"} }

// Readers hear the tables that members publish.
func (w *Watch) Readers() []logbook.Reader {
	return []logbook.Reader{{Name: "watch-safe", Types: []string{TypSafe}, Read: w.read, Truncated: func(ctx context.Context, log core.MemberID, index int64) error {
		w.changed()
		return unpublish(ctx, w.n.DB, log, index)
	}}}
}

// read keeps the table of the curator, and ours; one that makes no sense is passed over.
func (w *Watch) read(ctx context.Context, e logbook.Entry) error {
	if e.Log != w.n.Curator && e.Log != w.n.Self {
		return nil
	}
	if _, err := DecodeTable(e.Body); err != nil {
		return nil // a stranger's mistake must not stop its logbook
	}
	defer w.changed()
	return publish(ctx, w.n.DB, e, e.Body)
}

func (w *Watch) changed() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.table = nil
	clear(w.last)
}

// Publish makes a table of ours known to all who chose us. Returns CodeInvalid and the
// codes of the logbook, CodeInvalid for one that is too large among them.
func (w *Watch) Publish(ctx context.Context, t Table) error {
	if err := t.Check(); err != nil {
		return err
	}
	e, err := w.n.Book.Append(ctx, TypSafe, nil, 0, t)
	if err != nil {
		return err
	}
	body, err := wire.Encode(t)
	if err != nil {
		return err
	}
	defer w.changed()
	return publish(ctx, w.n.DB, e, body)
}

// Table is what counts now: our own file, then the curator's table.
func (w *Watch) Table(ctx context.Context) (Table, error) {
	w.mu.Lock()
	if w.table != nil {
		defer w.mu.Unlock()
		return *w.table, nil
	}
	w.mu.Unlock()
	all := Table{Programs: append([]Program{}, w.n.Own.Programs...)}
	if w.n.Curator != "" {
		body, _, ok, err := published(ctx, w.n.DB, w.n.Curator)
		if err != nil {
			return Table{}, err
		}
		if ok {
			// Of a program in both Judge finds ours first.
			if theirs, err := DecodeTable([]byte(body)); err == nil {
				all.Programs = append(all.Programs, theirs.Programs...)
			}
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.table = &all
	return all, nil
}

// Found takes in what a look found. It is cheap while nothing changes.
func (w *Watch) Found(ctx context.Context, t target.Target, r look.Result) error {
	software, version := tidy(r.Software, maxName), tidy(r.Version, maxVersion)
	if software == "" || version == "" {
		return nil
	}
	key := string(t.Owner) + " " + t.ID
	w.mu.Lock()
	last, known := w.last[key]
	w.mu.Unlock()
	if known && last.Software == software && last.Version == version && last.Service == t.Service {
		return nil
	}
	return w.take(ctx, Running{Owner: t.Owner, Target: t.ID, Service: t.Service, Software: software, Version: version})
}

// maxLast bounds what is remembered beside the database.
const maxLast = 50_000

// take judges what a target runs and stores it, when anything is new.
func (w *Watch) take(ctx context.Context, r Running) error {
	table, err := w.Table(ctx)
	if err != nil {
		return err
	}
	now := core.At(w.n.Now())
	j := table.Judge(r.Software, r.Version)
	was, known, err := runningOf(ctx, w.n.DB, r.Owner, r.Target)
	if err != nil {
		return err
	}
	r.Seen, r.Behind = now, 0
	if known && was.Software == r.Software && was.Version == r.Version {
		r.Seen = was.Seen
	}
	if j.Behind {
		r.Behind = now
		// A newer version that is behind as well does not begin the time anew.
		if known && was.Behind > 0 && was.Software == r.Software {
			r.Behind = was.Behind
		}
	}
	if !known || was != r {
		if err := putRunning(ctx, w.n.DB, r); err != nil {
			return err
		}
	}
	w.mu.Lock()
	if len(w.last) >= maxLast {
		clear(w.last)
	}
	w.last[string(r.Owner)+" "+r.Target] = r
	w.mu.Unlock()
	if r.Owner == w.n.Self && r.Behind > 0 && (!known || was.Behind == 0 || was.Software != r.Software) {
		w.n.Told(ctx, r, j)
	}
	return nil
}

// Again judges everything anew, for a job: a table may have changed. keep says which
// targets there still are.
func (w *Watch) Again(ctx context.Context, keep func(owner core.MemberID, target string) bool) error {
	w.changed()
	var after Running
	for {
		page, err := everyRunning(ctx, w.n.DB, after, 500)
		if err != nil || len(page) == 0 {
			return err
		}
		for _, r := range page {
			if after = r; !keep(r.Owner, r.Target) {
				if err := forget(ctx, w.n.DB, r.Owner, r.Target); err != nil {
					return err
				}
				continue
			}
			if err := w.take(ctx, r); err != nil {
				return err
			}
		}
	}
}

// Of is what a hoster's targets run, for itself: those that are behind say so at once.
func (w *Watch) Of(ctx context.Context, owner core.MemberID) ([]Running, error) {
	return allRunning(ctx, w.n.DB, owner)
}

// PublicOf are the targets of a hoster of which everybody may see that they are behind: it
// has known for the time of Quiet.
func (w *Watch) PublicOf(ctx context.Context, owner core.MemberID, now core.Moment) ([]Running, error) {
	all, err := w.Of(ctx, owner)
	return slices.DeleteFunc(all, func(r Running) bool { return !r.Public(now) }), err
}

// tidy cuts a server's word to one line of printable characters.
func tidy(text string, most int) string {
	text = strings.Map(func(c rune) rune {
		if !unicode.IsPrint(c) || c == unicode.ReplacementChar {
			return -1
		}
		return c
	}, text)
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "")
	}
	return strings.TrimSpace(text)
}
