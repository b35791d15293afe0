package record

import (
	"cmp"
	"context"
	"slices"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/jobs"
)

// The rules of the archive.
const (
	settled    = 2 * time.Minute      // after its end an hour's looks are all there
	rawStays   = 14 * 24 * time.Hour  // and until its chunk is made
	hoursStay  = 400 * 24 * time.Hour // thirteen months
	mergeAfter = 24 * time.Hour       // after its end a day's chunks are joined
	mostMerged = 1500                 // looks: one a minute, for a day
	atOnce     = 64                   // series in one transaction
	blocksPage = 64
	blocksPass = 512            // blocks read for one part of the series, so that memory stays small
	dropAtOnce = 100            // blocks deleted in one transaction
	mostDrops  = 100            // such transactions in one run
	mostDays   = 31             // joined in one run
	settling   = 24 * time.Hour // a clock is trusted with deleting when it was this late before
	trusted    = 4 * 24 * time.Hour
)

func hourEnd(hour int64) core.Moment { return core.Moment((hour + 1) * hourMS * 1000) }

func hourOf(m core.Moment) int64 { return int64(m) / 1000 / hourMS }

// Jobs are the archive and the deletion of what is old.
func (r *Recorder) Jobs() []jobs.Job {
	return []jobs.Job{
		{Name: "watch-archive", Every: time.Minute, Run: r.Archive},
		{Name: "watch-forget", Every: 10 * time.Minute, Jitter: time.Minute, Later: true, Run: r.Forget},
	}
}

// Archive makes the chunks and sums of the hours that are over and lack them. It may be
// stopped at any moment, and run twice at once: an hour is marked when all is there.
func (r *Recorder) Archive(ctx context.Context) error {
	now := core.At(r.Now())
	first, err := r.store.firstBlock(ctx)
	if err != nil || first == 0 {
		return err
	}
	from := hourOf(first.Add(-latest))
	done, err := r.store.archived(ctx, from)
	if err != nil {
		return err
	}
	for hour := from; hourEnd(hour).Add(settled) <= now; hour++ {
		// What was archived while its blocks stood must not be made anew from those that
		// are left.
		if done[hour] || hour < hourOf(now.Add(-rawStays)) {
			continue
		}
		if err := r.archiveHour(ctx, hour); err != nil {
			return err
		}
	}
	return r.mergeDays(ctx, now)
}

// mergeDays joins the chunks of days that are over since two: a row for each hour costs
// more than the dozen looks that it may hold.
func (r *Recorder) mergeDays(ctx context.Context, now core.Moment) error {
	day, err := r.store.toMerge(ctx, hourOf(now)/24)
	if err != nil {
		return err
	}
	for last := day + mostDays; day > 0 && day < last && hourEnd(day*24+23).Add(mergeAfter) <= now; day++ {
		for after := int64(0); ; {
			page, err := r.store.series(ctx, after, atOnce)
			if err != nil {
				return err
			}
			if len(page) == 0 {
				break
			}
			if err := r.store.merge(ctx, page, day); err != nil {
				return err
			}
			after = page[len(page)-1].id
		}
		if err := r.store.setMerged(ctx, day); err != nil {
			return err
		}
	}
	return nil
}

func (r *Recorder) archiveHour(ctx context.Context, hour int64) error {
	from, to := hourEnd(hour-1), hourEnd(hour)
	blocks := 0
	err := r.pages(ctx, from, to, func(page []block) error {
		blocks += len(page)
		return nil
	})
	if err != nil {
		return err
	}
	passes := int64(blocks/blocksPass + 1)
	for pass := range passes {
		found := map[int64][]raw{}
		if err := r.scan(ctx, from, to, func(one raw) {
			if one.series%passes == pass {
				found[one.series] = append(found[one.series], one)
			}
		}); err != nil {
			return err
		}
		all := make([][]raw, 0, len(found))
		for _, looks := range found {
			slices.SortStableFunc(looks, func(a, b raw) int { return cmp.Compare(a.ms, b.ms) })
			all = append(all, looks[:min(len(looks), mostChunk)])
		}
		slices.SortFunc(all, func(a, b []raw) int { return cmp.Compare(a[0].series, b[0].series) })
		for part := range slices.Chunk(all, atOnce) {
			if err := r.store.archive(ctx, hour, part); err != nil {
				return err
			}
		}
	}
	return r.store.setArchived(ctx, hour)
}

// pages reads the blocks with looks in [from, to).
func (r *Recorder) pages(ctx context.Context, from, to core.Moment, do func([]block) error) error {
	var after block
	for {
		page, err := r.store.blocks(ctx, from, to, after, blocksPage)
		if err != nil {
			return err
		}
		if err := do(page); err != nil {
			return err
		}
		if len(page) < blocksPage {
			return nil
		}
		after = page[len(page)-1]
	}
}

// scan calls do with the raw looks in [from, to), in no order. A damaged
// block is left out.
func (r *Recorder) scan(ctx context.Context, from, to core.Moment, do func(raw)) error {
	return r.pages(ctx, from, to, func(page []block) error {
		for _, b := range page {
			if err := eachRaw(b.looks, int64(b.made)/1000, func(one raw) {
				if at := core.Moment(one.ms * 1000); at >= from && at < to {
					do(one)
				}
			}); err != nil {
				r.Log.Warn("raw looks are damaged, and left out", "begun_us", int64(b.made), "err", err)
			}
		}
		return nil
	})
}

// Forget deletes what is older than its time, a little at once; nothing while we have not run
// for a day by this clock.
func (r *Recorder) Forget(ctx context.Context) error {
	now := core.At(r.Now())
	// A clock that is years ahead for some hours must not cost all that is older.
	if before, err := r.store.present(ctx, now.Add(-trusted), now.Add(-settling)); err != nil || len(before) == 0 {
		return err
	}
	for range mostDrops {
		n, err := r.store.dropBlocks(ctx, now.Add(-rawStays), dropAtOnce)
		if err != nil {
			return err
		}
		if n < dropAtOnce {
			break
		}
	}
	before := hourOf(now.Add(-hoursStay))
	for after := int64(0); ; {
		page, err := r.store.series(ctx, after, atOnce)
		if err != nil {
			return err
		}
		if len(page) == 0 {
			return r.store.dropRest(ctx, before)
		}
		if err := r.store.dropHours(ctx, page, before); err != nil {
			return err
		}
		after = page[len(page)-1].id
	}
}
