package incident

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
)

// EventKind says what happened to an incident.
type EventKind string

// The kinds of events.
const (
	Opened  EventKind = "opened"
	Changed EventKind = "changed" // a service more, unstable, no longer weak, or open again
	Closed  EventKind = "closed"
	Merged  EventKind = "merged" // it is a part of the incident Into from now on
	Void    EventKind = "void"   // the verdict that made it was taken back
	// Renamed: it goes on as Into, because another case proved the same outage before; people
	// who know of the one know of the other. It comes before what is said of Into.
	Renamed EventKind = "renamed"
	Noted   EventKind = "noted" // its hoster said something
	// Lasts: it is open, and nothing else waits to be told. It is said again and again, for
	// who held back what was told before, and never stored.
	Lasts EventKind = "lasts"
)

// Event is one thing to be told, at least once: to alerts, to subscribers.
type Event struct {
	ID   string      `json:"id"` // the same each time it is told
	Kind EventKind   `json:"kind"`
	At   core.Moment `json:"at_us"`
	// Incident is how it is since; of a merged one, how it was.
	Incident Incident `json:"incident"`
	Into     string   `json:"into,omitempty"`
	// Note is what its hoster said, for Noted; its text may not have come yet.
	Note *Line `json:"note,omitempty"`
}

// news is how long after something happened it is still told: a node that reads years of
// logbooks wakes nobody for them.
const news = 24 * time.Hour

// named gives an event its name, from what it says.
func (e Event) named() (Event, error) {
	e.ID = ""
	text, err := json.Marshal(e)
	sum := sha256.Sum256(text)
	e.ID = hex.EncodeToString(sum[:16])
	return e, err
}

// tell puts an event in line in the transaction that makes it true, unless it is no news.
func (s *Reporter) tell(ctx context.Context, q db.Querier, e Event) error {
	if !e.Incident.Open() && e.At < s.now().Add(-news) {
		return nil
	}
	e, err := e.named()
	if err != nil {
		return err
	}
	return addEvent(ctx, q, e)
}

// perRound is how many events one round tells.
const perRound = 200

// maxWaiting is how many events wait where nobody is there to be told.
const maxWaiting = 10_000

// Deliver tells what waits, in order, and forgets what was told. An event that nobody takes
// stays, and those behind it.
func (s *Reporter) Deliver(ctx context.Context) error {
	if s.n.Tell == nil {
		return dropOldEvents(ctx, s.n.DB, maxWaiting)
	}
	s.telling.Lock()
	defer s.telling.Unlock()
	all, err := events(ctx, s.n.DB, perRound)
	if err != nil {
		return err
	}
	for _, e := range all {
		if err := s.n.Tell(ctx, e); err != nil {
			return err
		}
		if err := dropEvent(ctx, s.n.DB, e.ID); err != nil {
			return err
		}
	}
	return nil
}

// Remind tells of each open incident that verdicts made, as Lasts. While an event waits it
// tells nothing: that one may say that the incident has another name, or is over.
func (s *Reporter) Remind(ctx context.Context) error {
	if s.n.Tell == nil {
		return nil
	}
	s.telling.Lock()
	defer s.telling.Unlock()
	waiting, err := events(ctx, s.n.DB, 1)
	if err != nil || len(waiting) > 0 {
		return err
	}
	all, err := lasting(ctx, s.n.DB, maxListed)
	for _, i := range all {
		if err != nil {
			return err
		}
		if i, err = s.settled(ctx, i); err == nil && i.Open() {
			err = s.n.Tell(ctx, Event{Kind: Lasts, At: s.now(), Incident: i})
		}
	}
	return err
}

// dispatch is the job: what waits is told, then what lasts.
func (s *Reporter) dispatch(ctx context.Context) error {
	if err := s.Deliver(ctx); err != nil {
		return err
	}
	return s.Remind(ctx)
}

// changes compares the incidents before and after, and says what is to be told; into has the
// incident of each step.
func changes(before, after []Incident, into map[string]string, now core.Moment) (out []Event) {
	old := map[string]Incident{}
	for _, i := range before {
		old[i.ID] = i
	}
	renamed := renames(before, after)
	for _, was := range before {
		if i, ok := renamed[was.ID]; ok {
			out = append(out, Event{Kind: Renamed, Incident: was, Into: i, At: now})
			was.ID, was.Opened = i, 0 // so that it differs: what stands of it is told under its name
			old[i] = was
		}
	}
	for _, i := range after {
		was, known := old[i.ID]
		delete(old, i.ID)
		e := Event{Incident: i, At: i.Opened}
		switch {
		case !known:
			e.Kind = Opened
			out = append(out, e)
			if !i.Open() {
				out = append(out, Event{Kind: Closed, Incident: i, At: i.Closed})
			}
			continue
		case was.Open() == i.Open() && was.Closed == i.Closed && same(was, i):
			continue
		case was.Open() && !i.Open():
			e.Kind, e.At = Closed, i.Closed
		default:
			e.Kind, e.At = Changed, now
		}
		out = append(out, e)
	}
	for _, was := range before {
		if _, gone := old[was.ID]; gone && renamed[was.ID] == "" {
			e := Event{Kind: Merged, Incident: was, Into: into[was.ID], At: now}
			if e.Into == "" {
				e.Kind = Void
			}
			out = append(out, e)
		}
	}
	return out
}

// renames are the open incidents that stand under another name now, by the one they had:
// about the same services, or fewer, at the same time.
func renames(before, after []Incident) map[string]string {
	known := func(list []Incident, id string) bool {
		return slices.ContainsFunc(list, func(i Incident) bool { return i.ID == id })
	}
	meet := func(a, b Incident) bool {
		return b.Open() && (a.Open() || a.Closed > b.Opened) &&
			!slices.ContainsFunc(b.Services, func(s string) bool { return !slices.Contains(a.Services, s) })
	}
	out, taken := map[string]string{}, map[string]bool{}
	for _, was := range before {
		if known(after, was.ID) {
			continue
		}
		for _, i := range after {
			if !known(before, i.ID) && !taken[i.ID] && meet(was, i) {
				out[was.ID], taken[i.ID] = i.ID, true
				break
			}
		}
	}
	return out
}

// same says that people were told all of it: that a service is partial now instead of down
// is for the page, and wakes nobody.
func same(a, b Incident) bool {
	a.Down, a.Unsure, a.Targets = b.Down, b.Unsure, b.Targets
	one, err := json.Marshal(a)
	other, err2 := json.Marshal(b)
	return err == nil && err2 == nil && string(one) == string(other)
}
