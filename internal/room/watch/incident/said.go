package incident

import (
	"context"
	"encoding/hex"
	"errors"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/jobs"
	"entrechat/internal/kit/logbook"
	"entrechat/internal/kit/wire"
	"entrechat/internal/room/watch/incident/note"
	"entrechat/internal/room/watch/target"
	"entrechat/internal/room/watch/verdict"
)

// TypeNote is the entry by which a hoster says something of an incident.
const TypeNote = "entrechat/watch-note/1"

// Kind is what a hoster says.
type Kind string

// The kinds of notes.
const (
	KindOpen       Kind = "open"       // opens a manual incident
	KindUpdate     Kind = "update"     //
	KindCorrection Kind = "correction" // of something that was said before
	KindClose      Kind = "close"
	KindPostmortem Kind = "postmortem"
	KindWithdraw   Kind = "withdraw" // takes the text of that name down
)

// Body is what the entry says. The text lies beside, under its hash.
// spec: docs/spec/incident.md#notes
type Body struct {
	Incident string      `json:"incident,omitempty"` // empty for open
	Kind     Kind        `json:"kind"`
	SHA256   string      `json:"sha256"`
	Bytes    int64       `json:"bytes"`
	At       core.Moment `json:"at_us"`
	Services []string    `json:"services,omitempty"` // of open
}

func (b Body) check() error {
	known := map[Kind]bool{KindOpen: true, KindUpdate: true, KindCorrection: true, KindClose: true, KindPostmortem: true, KindWithdraw: true}
	if !known[b.Kind] || !note.IsName(b.SHA256) || b.At <= 0 || b.Bytes < 0 || b.Bytes > note.MaxDocument {
		return core.Invalid("watch.incident.bad_entry", errors.New("no such note"))
	}
	if b.Kind == KindOpen && b.Incident != "" || b.Kind != KindOpen && !note.IsName(b.Incident) {
		return core.Invalid("watch.incident.bad_entry", errors.New("it names no incident"))
	}
	return note.CheckServices(b.Services)
}

// Readers hear what members say of their incidents.
func (s *Reporter) Readers() []logbook.Reader {
	return []logbook.Reader{
		{Name: "watch-note", Types: []string{TypeNote}, Read: listener{s}.read, Truncated: listener{s}.cut},
		{Name: "watch-incident-gone", Types: []string{target.TypeGone}, Read: listener{s}.readGone},
	}
}

// listener hears what logbooks say.
type listener struct{ *Reporter }

// Jobs tell what could not be told at once and what lasts, and compare what is held with the verdicts.
func (s *Reporter) Jobs() []jobs.Job {
	return []jobs.Job{
		{Name: "watch-incidents", Every: dispatchTime, Run: s.dispatch},
		{Name: "watch-incidents-sync", Every: time.Hour, Jitter: time.Minute, Run: s.syncAll},
	}
}

// readGone ends the outage of a target that its owner takes away.
func (s listener) readGone(ctx context.Context, e logbook.Entry) error {
	var gone struct {
		ID string `json:"id"`
	}
	if wire.Peek(e.Body, &gone) != nil || gone.ID == "" {
		return nil //nolint:nilerr // a stranger's mistake
	}
	if n, err := countGone(ctx, s.n.DB, e.Log); err != nil || n >= maxGone || len(gone.ID) > maxTargetID {
		return err
	}
	return s.Gone(ctx, verdict.Key{Owner: e.Log, Target: gone.ID}, hex.EncodeToString(e.Hash[:]), e.Iat)
}

// read takes one entry in. What makes no sense is passed over: it must not stop the rest of
// that logbook. A member can only write about itself, because its incidents are looked up
// under its own name.
func (s listener) read(ctx context.Context, e logbook.Entry) error {
	var b Body
	if wire.Peek(e.Body, &b) != nil || b.check() != nil {
		return nil //nolint:nilerr // a stranger's mistake
	}
	n := said{
		Hash: hex.EncodeToString(e.Hash[:]), Owner: e.Log, Index: e.Index, Incident: b.Incident, Kind: b.Kind,
		Name: b.SHA256, At: min(b.At, e.Iat, s.now()), Said: e.Iat, Services: b.Services,
	}
	err := s.n.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error { return s.hear(ctx, q, n) })
	if err != nil {
		return err
	}
	s.deliver(ctx)
	return nil
}

// hear stores what a hoster said, once.
func (s listener) hear(ctx context.Context, q db.Querier, n said) error {
	today, all, err := notesBetween(ctx, q, n.Owner, n.Said.Add(-day), n.Said)
	if err != nil || today >= maxNotes || all >= maxAllNotes {
		return err
	}
	added, err := addNote(ctx, q, n)
	if err != nil || !added {
		return err
	}
	if n.Kind == KindWithdraw {
		return s.n.Texts.Withdraw(ctx, q, n.Owner, n.Name)
	}
	if err := s.n.Texts.Want(ctx, q, n.Owner, n.Name); err != nil {
		return err
	}
	if n.Kind == KindOpen {
		i := Incident{ID: n.Hash, Owner: n.Owner, Scope: Manual, Services: n.Services, Opened: n.At}
		if err := putIncident(ctx, q, i); err != nil {
			return err
		}
		return s.tell(ctx, q, Event{Kind: Opened, At: n.At, Incident: i, Note: n.line()})
	}
	return s.effect(ctx, q, n)
}

// effect is what a note does to its incident: it closes a manual one; of any other it is
// told.
func (s listener) effect(ctx context.Context, q db.Querier, n said) error {
	i, err := byID(ctx, q, n.Incident)
	if core.CodeOf(err) == core.CodeNotFound {
		return nil // its certificate comes later
	}
	if err != nil || i.Owner != n.Owner {
		return err
	}
	e := Event{Kind: Noted, At: n.At, Incident: i, Note: n.line()}
	if n.Kind == KindClose && i.Scope == Manual && i.Open() {
		e.Kind, e.Incident.Closed = Closed, max(n.At, i.Opened+1)
		if err := putIncident(ctx, q, e.Incident); err != nil {
			return err
		}
	}
	if e.At < s.now().Add(-news) {
		return nil
	}
	return s.tell(ctx, q, e)
}

// cut forgets what a logbook said from an index on: it was taken back.
func (s listener) cut(ctx context.Context, log core.MemberID, index int64) error {
	return s.n.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		gone, err := notesFrom(ctx, q, log, index)
		if err != nil {
			return err
		}
		for _, n := range gone {
			if err := unsay(ctx, q, n); err != nil {
				return err
			}
		}
		return nil
	})
}

// unsay takes back what a note did.
func unsay(ctx context.Context, q db.Querier, n said) error {
	if err := dropNote(ctx, q, n.Hash); err != nil {
		return err
	}
	switch n.Kind {
	case KindOpen:
		return dropIncident(ctx, q, n.Hash)
	case KindClose:
		i, err := byID(ctx, q, n.Incident)
		if core.CodeOf(err) == core.CodeNotFound {
			return nil
		}
		if err != nil || i.Scope != Manual || i.Owner != n.Owner {
			return err
		}
		i.Closed = 0
		return putIncident(ctx, q, i)
	default:
		return nil
	}
}

// line is a note on a timeline, without its text.
func (n said) line() *Line {
	return &Line{At: n.At, Kind: LineKind(n.Kind), Entry: n.Hash, Name: n.Name}
}
