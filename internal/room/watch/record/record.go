package record

import (
	"context"
	"log/slog"
	"maps"
	"math/rand/v2"
	"sync"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/obs"
	"entrechat/internal/room/watch/look"
	"entrechat/internal/room/watch/schedule"
)

// The rules of writing.
const (
	commitEvery = time.Second
	stillHere   = 30 * time.Second // presence is written at least so often
	mostQueued  = 8192             // looks
	blockBytes  = 3800             // fills a page of SQLite; then the next block begins
	blockLasts  = 15 * time.Minute
	mostDirty   = 64        // blocks that wait for a database which does not answer
	latest      = time.Hour // a look that is written so late, or early, is not kept
)

// Needs is what the recorder is wired with; all of it is required.
type Needs struct {
	DB *db.DB
	// Fit says whether our looks can be trusted, as schedule.Scheduler.Fit does.
	Fit func() schedule.Fitness
	Now func() time.Time
	Log *slog.Logger
}

// Recorder keeps looks. Safe for concurrent use.
type Recorder struct {
	Needs
	store  store
	codec  codec
	queue  chan entry
	writer int64 // names this process among those that use the database

	mu     sync.Mutex
	newest map[seriesKey]look.Result
	count  counts
	ids    map[seriesKey]int64

	// What follows belongs to Run alone.
	carry   []entry  // looks whose series have no number yet
	open    *block   // the last of dirty, or written and not full
	last    int64    // the time of the last look in open
	dirty   []*block // not written, or with more looks than were
	here    presence
	old     []presence // ended, and not written yet
	saved   core.Moment
	flushed core.Moment    // when flush ran last
	reopen  map[int64]bool // hours whose chunks lack a look
	trouble bool
}

// entry is one look on its way.
type entry struct {
	key seriesKey
	raw raw
}

type counts struct{ kept, dropped, stale, writes, failures int64 }

// New makes a recorder and reads what was found in the last minutes. Codes as for db.One.
func New(ctx context.Context, n Needs) (*Recorder, error) {
	codec := newCodec()
	r := &Recorder{
		Needs: n, store: store{n.DB, codec}, codec: codec, queue: make(chan entry, mostQueued), writer: rand.Int64N(1 << 31), //nolint:gosec // a name
		newest: map[seriesKey]look.Result{}, ids: map[seriesKey]int64{}, reopen: map[int64]bool{},
	}
	now := core.At(n.Now())
	r.here = fitness(n.Fit(), now, r.writer)
	names := map[int64]seriesKey{}
	for after := int64(0); ; {
		page, err := r.store.series(ctx, after, 1000)
		if err != nil {
			return nil, err
		}
		if len(page) == 0 {
			break
		}
		for _, one := range page {
			names[one.id], r.ids[one.seriesKey], after = one.seriesKey, one.id, one.id
		}
	}
	err := r.scan(ctx, now.Add(-blockLasts), now, func(one raw) {
		key := names[one.series]
		if at := core.Moment(one.ms * 1000); r.newest[key].At < at {
			r.newest[key] = result(r.codec.point(one))
		}
	})
	return r, err
}

// Add keeps what a look of ours found. It never waits: false, and a count in the metrics,
// when the database is so late that there is no room.
func (r *Recorder) Add(owner core.MemberID, id string, found look.Result) bool {
	e := entry{key: seriesKey{owner, id}, raw: r.codec.raw(0, found)}
	kept := true
	select {
	case r.queue <- e:
	default:
		kept = false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if !kept {
		r.count.dropped++
	}
	// One that a clock dated ahead does not stay the newest.
	if old := r.newest[e.key].At; old <= found.At || old > core.At(r.Now()).Add(latest) {
		r.newest[e.key] = found
	}
	return kept
}

// Run writes once a second until the context ends, and then what is left.
func (r *Recorder) Run(ctx context.Context) error {
	tick := time.NewTicker(commitEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
			defer cancel()
			return r.flush(last)
		case <-tick.C:
		}
		err := r.flush(ctx)
		if err != nil && !r.trouble && ctx.Err() == nil {
			r.Log.Warn("looks cannot be written now; they wait", "err", err)
		}
		r.trouble = err != nil
	}
}

// flush writes what is queued, in one transaction.
func (r *Recorder) flush(ctx context.Context) error {
	now := core.At(r.Now())
	r.noteFitness(now)
	if err := r.drain(ctx, now); err != nil {
		r.failed()
		return err
	}
	if len(r.dirty) == 0 && len(r.old) == 0 && r.saved != 0 && now.Sub(r.saved) < stillHere {
		return nil
	}
	r.here.to = now
	hours := make([]int64, 0, len(r.reopen))
	for h := range r.reopen {
		hours = append(hours, h)
	}
	if err := r.store.write(ctx, r.dirty, append(r.old, r.here), hours); err != nil {
		r.failed()
		return err
	}
	r.dirty, r.old, r.saved = nil, nil, now
	clear(r.reopen)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.count.writes++
	return nil
}

// noteFitness begins a new presence when our fitness changed, and when the clock or the machine
// leapt: between two flushes so far apart we were not there.
func (r *Recorder) noteFitness(now core.Moment) {
	leapt := r.flushed != 0 && now.Sub(r.flushed).Abs() > latest
	if f := r.Fit(); f.Fit != r.here.fit || leapt {
		if r.here.to = now; leapt {
			r.here.to = max(r.flushed, r.here.from)
		}
		r.old = append(r.old, r.here)
		r.here = fitness(f, now, r.writer)
	}
	r.flushed = now
}

func (r *Recorder) failed() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.count.failures++
}

// drain puts queued looks into blocks, unless too many wait already.
func (r *Recorder) drain(ctx context.Context, now core.Moment) error {
	batch := r.carry
	for n := len(r.queue); n > 0 && len(r.dirty) < mostDirty && len(batch) < mostQueued; n-- {
		batch = append(batch, <-r.queue)
	}
	r.carry = batch
	if err := r.number(ctx, batch); err != nil {
		return err
	}
	r.carry = batch[:0]
	kept, stale := int64(0), int64(0)
	for _, e := range batch {
		e.raw.series = r.ids[e.key]
		if off := now.Sub(core.Moment(e.raw.ms * 1000)); off > latest || off < -latest {
			stale++
			continue
		}
		r.add(e.raw, now)
		kept++
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.count.kept += kept
	r.count.stale += stale
	return nil
}

// number learns the numbers of the series in a batch.
func (r *Recorder) number(ctx context.Context, batch []entry) error {
	var unknown []seriesKey
	seen := map[seriesKey]bool{}
	for _, e := range batch {
		if r.ids[e.key] == 0 && !seen[e.key] {
			seen[e.key] = true
			unknown = append(unknown, e.key)
		}
	}
	if len(unknown) == 0 {
		return nil
	}
	ids, err := r.store.number(ctx, unknown, true)
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	maps.Copy(r.ids, ids)
	return nil
}

// add puts one look into the open block, or begins the next one.
func (r *Recorder) add(one raw, now core.Moment) {
	at := core.Moment(one.ms * 1000)
	b := r.open
	if b != nil && b.made > now.Add(blockLasts) {
		b = nil // our clock went back; nobody would look for what is of now in a block of then
	}
	if b == nil || len(b.looks) >= blockBytes || now.Sub(b.made) >= blockLasts {
		made := now
		if b != nil {
			made = max(made, b.made+1)
		}
		r.open = &block{made: made, writer: r.writer, from: at, to: at}
		r.last = int64(made) / 1000
	}
	b = r.open
	if len(r.dirty) == 0 || r.dirty[len(r.dirty)-1] != b {
		r.dirty = append(r.dirty, b)
	}
	b.looks = appendRaw(b.looks, r.last, one)
	b.from, b.to, r.last = min(b.from, at), max(b.to, at), one.ms
	if hour := one.ms / hourMS; now >= hourEnd(hour).Add(settled) {
		r.reopen[hour] = true
	}
}

// Metrics answers the counts for /metrics.
func (r *Recorder) Metrics(context.Context) ([]obs.Metric, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return []obs.Metric{
		{Name: "entrechat_watch_recorded_total", Help: "Looks that were put down.", Value: float64(r.count.kept)},
		{Name: "entrechat_watch_record_dropped_total", Help: "Looks lost because the database was late and the queue full.", Value: float64(r.count.dropped)},
		{Name: "entrechat_watch_record_stale_total", Help: "Looks not kept because they came an hour late or early.", Value: float64(r.count.stale)},
		{Name: "entrechat_watch_record_writes_total", Help: "Transactions that put looks down.", Value: float64(r.count.writes)},
		{Name: "entrechat_watch_record_failures_total", Help: "Transactions that failed; their looks waited.", Value: float64(r.count.failures)},
		{Name: "entrechat_watch_record_queue", Help: "Looks that wait to be put down.", Value: float64(len(r.queue))},
	}, nil
}
