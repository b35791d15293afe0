package pool

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"entrechat/internal/core"
	"entrechat/internal/room/vault/catalogue"
	"entrechat/internal/room/vault/rest"
	"entrechat/internal/room/vault/shard"
)

// ageChunk is age's unit of encryption in bytes.
const ageChunk = 64 << 10

// AdmissionNeeds is what an Admission is made of.
type AdmissionNeeds struct {
	*Pool
	// Began is the place in a repository behind which the files of the runs lie that go on now.
	Began func(repo string) int64
	// RoomAgain is told that there is room after there was none.
	RoomAgain func()
}

// Admission lets a file in when there is room for it at the members. Safe for concurrent use.
type Admission struct {
	AdmissionNeeds

	mu sync.Mutex
	// arrivals are files on their way from restic that have no row yet: each was promised
	// room, so the next one may not be promised the same.
	arrivals map[*catalogue.Object]bool
}

// NewAdmission makes an Admission.
func NewAdmission(n AdmissionNeeds) *Admission {
	return &Admission{AdmissionNeeds: n, arrivals: map[*catalogue.Object]bool{}}
}

// NoRoom says that files fit nowhere at the members.
type NoRoom struct {
	Since   core.Moment  `json:"since_us"`
	Files   int64        `json:"files"` // that wait here and fit nowhere; 0 = restic was refused, nothing waits
	Bytes   int64        `json:"bytes"` // sealed
	Members []FullMember `json:"members"`
}

// FullMember is a member without room for what waits.
type FullMember struct {
	Member core.MemberID `json:"member"`
	Pledge int64         `json:"pledge_bytes"`
	Left   int64         `json:"left_bytes"` // of the pledge, by our count
	Full   bool          `json:"refused"`    // it refused a shard as large
}

// noteNoRoom is there from the moment something fits nowhere until there is room for
// it: since when, the sealed bytes of what was refused, its type.
const noteNoRoom = "no_room"

type noRoomNote struct {
	since core.Moment
	size  int64
	kind  rest.Type
}

func (a *Admission) readNoRoom(ctx context.Context) (n noRoomNote, set bool, err error) {
	text, err := a.Store.Notes.Get(ctx, noteNoRoom)
	if err != nil || text == "" {
		return n, false, err
	}
	if _, err := fmt.Sscan(text, &n.since, &n.size, &n.kind); err != nil {
		return n, false, fmt.Errorf("read the note %s: %w", noteNoRoom, err)
	}
	return n, true, nil
}

// beginNoRoom notes that there is no room, once, and says so in the log.
func (a *Admission) beginNoRoom(ctx context.Context, o catalogue.Object, f *Forecast) error {
	note, set, err := a.readNoRoom(ctx)
	if err != nil || set && note.size >= o.Sealed {
		return err
	}
	if !set {
		note.since = core.At(a.Now())
		a.Log.Warn("no room left at the members", "members", f.full(), "files_waiting", f.files, "bytes_waiting", f.bytes)
	}
	return a.Store.Notes.Set(ctx, noteNoRoom, fmt.Sprintln(int64(note.since), o.Sealed, o.File.Type))
}

// Watch begins and ends the time without room.
func (a *Admission) Watch(ctx context.Context) error {
	f, err := a.Forecast(ctx, true)
	if err != nil {
		return err
	}
	if f.files > 0 {
		return a.beginNoRoom(ctx, catalogue.Object{File: rest.Handle{Type: rest.Data}}, f)
	}
	note, set, err := a.readNoRoom(ctx)
	if err != nil || !set || note.size > 0 && !f.Take(catalogue.Object{File: rest.Handle{Type: note.kind}, Sealed: note.size}, nil) {
		return err
	}
	a.Log.Info("there is room at the members again", "without_since", note.since.Time())
	a.RoomAgain()
	return a.Store.Notes.Set(ctx, noteNoRoom, "")
}

// NoRoom answers what is known of missing room; nil when there is room.
func (a *Admission) NoRoom(ctx context.Context) (*NoRoom, error) {
	f, err := a.Forecast(ctx, true)
	if err != nil {
		return nil, err
	}
	note, set, err := a.readNoRoom(ctx)
	if err != nil || !set && f.files == 0 {
		return nil, err
	}
	if !set {
		note.since = core.At(a.Now())
	}
	if f.files == 0 {
		f.least = f.shardSize(catalogue.Object{File: rest.Handle{Type: note.kind}, Sealed: note.size})
	}
	return &NoRoom{note.since, f.files, f.bytes, a.without(f)}, nil
}

// Names lists the members without room.
func (n *NoRoom) Names() string {
	ids := make([]core.MemberID, 0, len(n.Members))
	for _, m := range n.Members {
		ids = append(ids, m.Member)
	}
	return names(ids)
}

// full names the members without room for what waits.
func (f *Forecast) full() string {
	var ids []core.MemberID
	for _, l := range RoomFor(rest.Data, f.Lenders) {
		if l.Free < max(f.least, 1) {
			ids = append(ids, l.ID)
		}
	}
	return names(ids)
}

// Admit promises a file room, or refuses what fits nowhere before a byte of it is taken,
// and an index or a snapshot that would wait for something that fits nowhere. The caller
// calls done when the file has a row, or will have none. Returns CodeFull.
func (a *Admission) Admit(ctx context.Context, o catalogue.Object) (done func(), err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	f, err := a.Forecast(ctx, false)
	if err != nil {
		return nil, err
	}
	together := int64(0)
	for other := range a.arrivals {
		f.Take(*other, nil)
		together += other.Sealed
	}
	if len(f.Lenders) > 0 {
		if err := a.hasRoom(ctx, &o, f, together); err != nil {
			return nil, err
		}
	}
	a.arrivals[&o] = true
	return func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		delete(a.arrivals, &o)
	}, nil
}

// hasRoom is Admit with a forecast. together is how many bytes came beside the file: who
// is refused breaks the others off too, and there is room again only for all of them.
func (a *Admission) hasRoom(ctx context.Context, o *catalogue.Object, f *Forecast, together int64) error {
	o.Sealed = SealedSize(o.Size)
	if !f.Take(*o, nil) {
		o.Sealed += together
		if f.least == 0 {
			f.least = f.shardSize(*o)
		}
		return a.refuseFull(ctx, *o, f)
	}
	if !catalogue.Committed(o.File.Type) {
		return nil
	}
	needed, err := a.Store.Queue.Needed(ctx, *o, a.Began(o.Repo))
	if err != nil {
		return err
	}
	return a.Fits(ctx, *o, needed, f)
}

// Fits says whether everything an object waits for has room. Returns CodeFull.
func (a *Admission) Fits(ctx context.Context, o catalogue.Object, needed []shard.Hash, f *Forecast) error {
	for _, id := range needed {
		if f.unfit[id] {
			return a.refuseFull(ctx, o, f)
		}
	}
	return nil
}

// refuseFull is what restic is told while there is no room.
func (a *Admission) refuseFull(ctx context.Context, o catalogue.Object, f *Forecast) error {
	if err := a.beginNoRoom(ctx, o, f); err != nil {
		a.Log.Warn("noting that there is no room failed", "error", err)
	}
	return core.Full("vault.pool_full", errors.New("no room at the members")).
		With("Members", f.full()).With("Size", core.Size(f.bytes))
}

// SealedSize is about what a file of so many bytes measures as an age file to two
// recipients; never less.
func SealedSize(plain int64) int64 { return plain + (plain/ageChunk+1)*16 + 512 }
