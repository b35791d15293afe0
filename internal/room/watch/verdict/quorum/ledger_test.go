package quorum

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/room/watch/verdict"
)

// memoryLedger is a ledger in memory, for simulations that would wait for disks.
type memoryLedger struct {
	mu   sync.Mutex
	rows map[string]map[[2]string]row // by kind, owner and ID
}

func newMemoryLedger() *memoryLedger { return &memoryLedger{rows: map[string]map[[2]string]row{}} }

func (m *memoryLedger) Put(_ context.Context, rows ...row) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, r := range rows {
		if m.rows[r.Kind] == nil {
			m.rows[r.Kind] = map[[2]string]row{}
		}
		k := [2]string{string(r.Owner), r.ID}
		if delete(m.rows[r.Kind], k); !r.gone {
			m.rows[r.Kind][k] = r
		}
	}
	return nil
}

func (m *memoryLedger) First(ctx context.Context, r row) (bool, error) {
	m.mu.Lock()
	_, ok := m.rows[r.Kind][[2]string{string(r.Owner), r.ID}]
	m.mu.Unlock()
	if ok {
		return false, nil
	}
	return true, m.Put(ctx, r)
}

func (m *memoryLedger) Load(_ context.Context, kind string, since core.Moment) (all []row, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, r := range m.rows[kind] {
		if r.At >= since {
			all = append(all, r)
		}
	}
	slices.SortFunc(all, func(a, b row) int { return int(a.At - b.At) })
	return all, nil
}

func (m *memoryLedger) Forget(_ context.Context, r row) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for kind, rows := range m.rows {
		for k, have := range rows {
			if r.Log != "" && have.Log == r.Log && have.Index >= r.Index || r.Log == "" && kind == r.Kind && have.At < r.At {
				delete(rows, k)
			}
		}
	}
	return nil
}

// mortal is the ledger of a node that may die at any write.
type mortal struct {
	ledger
	n *node
}

func (m mortal) Put(ctx context.Context, rows ...row) error {
	if m.n.dies() {
		return errDead
	}
	return m.ledger.Put(ctx, rows...)
}

func (m mortal) First(ctx context.Context, r row) (bool, error) {
	if m.n.dies() {
		return false, errDead
	}
	return m.ledger.First(ctx, r)
}

var errDead = errors.New("the process is gone")

// dies counts the writes until a node dies, which it does before the last one.
func (n *node) dies() bool {
	n.w.mu.Lock()
	defer n.w.mu.Unlock()
	if n.doom > 0 {
		n.doom--
		n.dead = n.dead || n.doom == 0
	}
	return n.dead
}

// outage is what an owner was told in a small world, and that world's clock.
type outage struct {
	verdict.Verdict
	now func() time.Time
}

// writeOutage lets a target fail in a small world, and copies what its owner stored then.
func writeOutage(ctx context.Context, t *testing.T, to store) (told outage) {
	var rows []row
	with(t, plan{nodes: 9, targets: 1}, func(ctx context.Context, w *world) {
		x := w.targets[0]
		time.Sleep(time.Minute)
		w.breaks(x)
		w.seat(x, 0).finds(ctx, x)
		time.Sleep(time.Minute)
		at := time.Now()
		told = outage{x.home.e.State(x.Owner, x.ID), func() time.Time { return at }}
		memory, _ := x.home.e.facts.(mortal)
		inside, _ := memory.ledger.(*memoryLedger)
		for _, kind := range inside.rows {
			rows = slices.AppendSeq(rows, maps.Values(kind))
		}
	})
	if err := to.Put(ctx, rows...); err != nil {
		t.Fatal(err)
	}
	return told
}
