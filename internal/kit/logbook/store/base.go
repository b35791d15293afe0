package store

import (
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/seal"
)

// Store is every log this node has on its database, and what its parts tell each
// other in memory: that a log changed, and which were found damaged in passing. Safe
// for concurrent use.
type Store struct {
	DB     *db.DB
	Signer seal.Signer
	Log    *slog.Logger
	clock  func() time.Time

	mu      sync.Mutex
	changed chan struct{} // closed when a log of this process changed, for long polls
	// suspects are members whose logs were found damaged, with when to look again.
	suspects map[core.MemberID]core.Moment
}

// New makes a store on migrated tables.
func New(d *db.DB, signer seal.Signer, clock func() time.Time, log *slog.Logger) *Store {
	return &Store{
		DB: d, Signer: signer, Log: log, clock: clock,
		changed: make(chan struct{}), suspects: map[core.MemberID]core.Moment{},
	}
}

// Self is the member that this node is.
func (st *Store) Self() core.MemberID { return st.Signer.ID() }

// Now is the node's clock.
func (st *Store) Now() core.Moment { return core.At(st.clock()) }

// Wake tells waiting long polls of this process that something changed.
func (st *Store) Wake() {
	st.mu.Lock()
	defer st.mu.Unlock()
	close(st.changed)
	st.changed = make(chan struct{})
}

// Changes is closed when a log of this process changes next.
func (st *Store) Changes() <-chan struct{} {
	st.mu.Lock()
	defer st.mu.Unlock()
	return st.changed
}

// Suspect remembers that a log was found damaged in passing, so that the check job
// looks at it soon. It returns err.
func (st *Store) Suspect(err error) error {
	e, ok := errors.AsType[*core.Error](err)
	if !ok || e.Key != damageKey {
		return err
	}
	origin, _ := e.Args["Log"].(string)
	name, _, _ := strings.Cut(origin, "/")
	st.mu.Lock()
	defer st.mu.Unlock()
	if _, known := st.suspects[core.MemberID(name)]; !known {
		st.suspects[core.MemberID(name)] = 0
	}
	return err
}

// IsDamage says whether an error is about bytes on this disk that are not those
// that were signed.
func IsDamage(err error) bool {
	e, ok := errors.AsType[*core.Error](err)
	return ok && e.Key == damageKey
}

// Suspects are the members whose logs were found damaged and are to be looked at by
// now, by name.
func (st *Store) Suspects() []core.MemberID {
	st.mu.Lock()
	defer st.mu.Unlock()
	var ids []core.MemberID
	for id, at := range st.suspects {
		if at <= st.Now() {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

// Checked takes a member off the list of suspects; again, when not zero, puts it on
// for later.
func (st *Store) Checked(id core.MemberID, again core.Moment) {
	st.mu.Lock()
	defer st.mu.Unlock()
	delete(st.suspects, id)
	if again != 0 {
		st.suspects[id] = again
	}
}
