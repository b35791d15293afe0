package record

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/room/watch/look"
)

const mostSeries = 31 * 24 * time.Hour // what Series and Gaps read at once

var errLong = errors.New("more than 31 days of single looks at once")

func milliseconds(n int64) time.Duration { return time.Duration(n) * time.Millisecond }

// result is what is left of a look's result.
func result(p Point) look.Result {
	r := look.Result{At: p.At, Class: p.Class, Latency: p.Latency, Family: p.Family}
	if p.Half {
		r.Half = other
	}
	return r
}

// Latest is the newest look of ours at a target; false = there was none. Since the start
// of the program it is whole; from before it has what a Point has, and is the newest of
// the last quarter of an hour or of the last hour that is archived.
func (r *Recorder) Latest(ctx context.Context, owner core.MemberID, id string) (look.Result, bool, error) {
	key := seriesKey{owner, id}
	r.mu.Lock()
	found, ok := r.newest[key]
	r.mu.Unlock()
	if ok {
		return found, true, nil
	}
	series, err := r.id(ctx, key)
	if err != nil || series == 0 {
		return look.Result{}, false, err
	}
	hour, ok, err := r.store.lastChunk(ctx, series)
	if err != nil || !ok {
		return look.Result{}, false, err
	}
	looks, err := chunks(ctx, r.DB, series, hour, hour+24)
	if err != nil || len(looks) == 0 {
		return look.Result{}, false, err
	}
	return result(r.codec.point(looks[len(looks)-1])), true, nil
}

func (r *Recorder) id(ctx context.Context, key seriesKey) (int64, error) {
	r.mu.Lock()
	id := r.ids[key]
	r.mu.Unlock()
	if id != 0 {
		return id, nil
	}
	return r.store.find(ctx, key)
}

// Series lists our looks at a target in [from, to), in order; those of the last second may
// be missing. Returns CodeInvalid for more than 31 days: Hours is for these.
func (r *Recorder) Series(ctx context.Context, owner core.MemberID, id string, from, to core.Moment) ([]Point, error) {
	if to.Sub(from) > mostSeries {
		return nil, core.Invalid("watch.record.long", errLong)
	}
	series, err := r.id(ctx, seriesKey{owner, id})
	if err != nil || series == 0 || to <= from {
		return nil, err
	}
	all, err := r.looks(ctx, series, from, to)
	if err != nil {
		return nil, err
	}
	var out []Point
	for _, one := range all {
		if p := r.codec.point(one); p.At >= from && p.At < to {
			out = append(out, p)
		}
	}
	return out, nil
}

// looks reads the chunks of the hours that have them, and raw looks of the others.
func (r *Recorder) looks(ctx context.Context, series int64, from, to core.Moment) ([]raw, error) {
	first, last := hourOf(from), hourOf(to-1)
	done, err := r.store.archived(ctx, first)
	if err != nil {
		return nil, err
	}
	all, err := chunks(ctx, r.DB, series, first, last+1)
	if err != nil {
		return nil, err
	}
	oldest, err := r.store.firstBlock(ctx)
	if err != nil || oldest == 0 {
		return all, err
	}
	for hour := max(first, hourOf(oldest.Add(-latest))); hour <= min(last, hourOf(core.At(r.Now()).Add(latest))); hour++ {
		if done[hour] {
			continue
		}
		// An hour that is to be archived again, or was cut in the middle, may have a chunk.
		all = slices.DeleteFunc(all, func(one raw) bool { return one.ms/hourMS == hour })
		if err := r.scan(ctx, max(from, hourEnd(hour-1)), min(to, hourEnd(hour)), func(one raw) {
			if one.series == series {
				all = append(all, one)
			}
		}); err != nil {
			return nil, err
		}
	}
	slices.SortStableFunc(all, func(a, b raw) int { return cmp.Compare(a.ms, b.ms) })
	return all, nil
}

// Hours lists the sums of the hours that begin in [from, to) and in which we looked; that
// of an hour comes two minutes after its end. They are kept 13 months.
func (r *Recorder) Hours(ctx context.Context, owner core.MemberID, id string, from, to core.Moment) ([]Sum, error) {
	return r.sums(ctx, seriesKey{owner, id}, level{selectHours, time.Hour}, from, to)
}

// Days lists the sums of the days, in UTC, that begin in [from, to) and on which we
// looked. Today's is that of the hours that are over. They are kept for ever.
func (r *Recorder) Days(ctx context.Context, owner core.MemberID, id string, from, to core.Moment) ([]Sum, error) {
	return r.sums(ctx, seriesKey{owner, id}, level{selectDays, 24 * time.Hour}, from, to)
}

// level is one of the tables of sums.
type level struct {
	statement string
	length    time.Duration
}

func (r *Recorder) sums(ctx context.Context, key seriesKey, of level, from, to core.Moment) ([]Sum, error) {
	series, err := r.id(ctx, key)
	if err != nil || series == 0 {
		return nil, err
	}
	n := core.Moment(of.length / time.Microsecond)
	all, whens, err := r.store.sums(ctx, of.statement, series, int64((from+n-1)/n), int64((to+n-1)/n))
	for i, when := range whens[:len(all)] {
		all[i].From = core.Moment(when) * n
	}
	return all, err
}
