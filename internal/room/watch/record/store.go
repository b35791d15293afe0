package record

import (
	"context"
	"errors"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/room/watch/schedule"
)

// store is the SQL of what was found.
type store struct {
	db    *db.DB
	codec codec
}

// seriesKey names a series as members do.
type seriesKey struct {
	owner  core.MemberID
	target string
}

// number gives the numbers of series; who has none yet gets the next one when create says so.
func (s store) number(ctx context.Context, keys []seriesKey, create bool) (map[seriesKey]int64, error) {
	var out map[seriesKey]int64
	err := s.db.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		out = map[seriesKey]int64{}
		for _, k := range keys {
			id, err := db.One(ctx, q, db.Int64, `SELECT id FROM watch_series WHERE owner = $1 AND target = $2`, k.owner, k.target)
			if errors.Is(err, db.ErrNoRow) && create {
				id, err = db.One(ctx, q, db.Int64, `INSERT INTO watch_series (id, owner, target)
					SELECT COALESCE(MAX(id), 0) + 1, $1, $2 FROM watch_series RETURNING id`, k.owner, k.target)
			}
			if errors.Is(err, db.ErrNoRow) {
				continue
			}
			if err != nil {
				return err
			}
			out[k] = id
		}
		return nil
	})
	return out, err
}

// named is a series with its number.
type named struct {
	seriesKey
	id int64
}

// series lists the series after a number, in order.
func (s store) series(ctx context.Context, after int64, limit int) ([]named, error) {
	return db.All(ctx, s.db, func(r db.Row) (n named, err error) {
		err = r.Scan(&n.id, &n.owner, &n.target)
		return n, err
	}, `SELECT id, owner, target FROM watch_series WHERE id > $1 ORDER BY id LIMIT $2`, after, limit)
}

// find gives the number of one series; 0 = nothing was ever found of it.
func (s store) find(ctx context.Context, k seriesKey) (int64, error) {
	id, err := db.One(ctx, s.db, db.Int64, `SELECT id FROM watch_series WHERE owner = $1 AND target = $2`, k.owner, k.target)
	if errors.Is(err, db.ErrNoRow) {
		return 0, nil
	}
	return id, err
}

// block is raw looks of some seconds, of all targets.
type block struct {
	made     core.Moment
	writer   int64
	from, to core.Moment
	looks    []byte
}

// presence is a time in which a process of ours ran.
type presence struct {
	from, to core.Moment
	writer   int64
	fit      bool
	reason   string
}

// write puts down blocks, which may be there already with fewer looks, and until when we
// were present. The hours get their chunks anew.
func (s store) write(ctx context.Context, blocks []*block, here []presence, hours []int64) error {
	return s.db.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		for _, b := range blocks {
			if _, err := db.Exec(ctx, q, `INSERT INTO watch_look (made_us, writer, from_us, to_us, looks) VALUES ($1, $2, $3, $4, $5)
				ON CONFLICT (made_us, writer) DO UPDATE SET from_us = excluded.from_us, to_us = excluded.to_us, looks = excluded.looks`,
				b.made, b.writer, b.from, b.to, seal(b.looks)); err != nil {
				return err
			}
		}
		for _, p := range here {
			if _, err := db.Exec(ctx, q, `INSERT INTO watch_presence (from_us, writer, to_us, fit, reason) VALUES ($1, $2, $3, $4, $5)
				ON CONFLICT (from_us, writer) DO UPDATE SET to_us = excluded.to_us`,
				p.from, p.writer, p.to, p.fit, p.reason); err != nil {
				return err
			}
		}
		for _, h := range hours {
			if _, err := db.Exec(ctx, q, `DELETE FROM watch_archived WHERE hour = $1`, h); err != nil {
				return err
			}
		}
		return nil
	})
}

// blocks lists blocks that were begun in [begun, end) and have looks in [from, to), after
// a place, in order.
func (s store) blocks(ctx context.Context, from, to core.Moment, after block, limit int) ([]block, error) {
	return db.All(ctx, s.db, func(r db.Row) (b block, err error) {
		err = r.Scan(&b.made, &b.writer, &b.from, &b.to, &b.looks)
		return b, err
	}, `SELECT made_us, writer, from_us, to_us, looks FROM watch_look
		WHERE made_us >= $1 AND made_us < $2 AND to_us >= $3 AND from_us < $4 AND (made_us, writer) > ($5, $6)
		ORDER BY made_us, writer LIMIT $7`,
		max(from.Add(-blockLasts-latest), after.made), to.Add(2*latest), from, to, after.made, after.writer, limit)
}

// firstBlock is when the oldest block was begun; 0 = there is none.
func (s store) firstBlock(ctx context.Context) (core.Moment, error) {
	n, err := db.One(ctx, s.db, db.Int64, `SELECT MIN(made_us) FROM watch_look`)
	return core.Moment(n), err
}

// archived lists the hours from one on whose chunks are made.
func (s store) archived(ctx context.Context, from int64) (map[int64]bool, error) {
	all, err := db.All(ctx, s.db, db.Int64, `SELECT hour FROM watch_archived WHERE hour >= $1`, from)
	out := make(map[int64]bool, len(all))
	for _, h := range all {
		out[h] = true
	}
	return out, err
}

func (s store) setArchived(ctx context.Context, hour int64) error {
	_, err := db.Exec(ctx, s.db, `INSERT INTO watch_archived (hour) VALUES ($1) ON CONFLICT (hour) DO NOTHING`, hour)
	return err
}

// archive writes the hour's chunks and sums of some series, and makes the sums of its day
// anew.
func (s store) archive(ctx context.Context, hour int64, all [][]raw) error {
	return s.db.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		for _, looks := range all {
			id := looks[0].series
			if _, err := db.Exec(ctx, q, `INSERT INTO watch_chunk (series, hour, vantage, looks) VALUES ($1, $2, 0, $3)
				ON CONFLICT (series, hour, vantage) DO UPDATE SET looks = excluded.looks`, id, hour, packChunk(hour, looks)); err != nil {
				return err
			}
			if err := s.putSum(ctx, q, slot{id, hour}, looks, `INSERT INTO watch_hour (series, hour, vantage, ms50, ms95, classes) VALUES ($1, $2, 0, $3, $4, $5)
				ON CONFLICT (series, hour, vantage) DO UPDATE SET ms50 = excluded.ms50, ms95 = excluded.ms95, classes = excluded.classes`); err != nil {
				return err
			}
			day, err := chunks(ctx, q, id, hour/24*24, hour/24*24+24)
			if err != nil {
				return err
			}
			if err := s.putSum(ctx, q, slot{id, hour / 24}, day, `INSERT INTO watch_day (series, day, vantage, ms50, ms95, classes) VALUES ($1, $2, 0, $3, $4, $5)
				ON CONFLICT (series, day, vantage) DO UPDATE SET ms50 = excluded.ms50, ms95 = excluded.ms95, classes = excluded.classes`); err != nil {
				return err
			}
		}
		return nil
	})
}

// slot is an hour or a day of a series.
type slot struct{ series, when int64 }

func (s store) putSum(ctx context.Context, q db.Querier, at slot, looks []raw, statement string) error {
	sum := s.codec.sum(looks)
	_, err := db.Exec(ctx, q, statement, at.series, at.when, sum.P50.Milliseconds(), sum.P95.Milliseconds(), s.codec.packClasses(sum))
	return err
}

// chunk is the looks of a series from an hour on.
type chunk struct {
	hour  int64
	looks []byte
}

// chunksOf reads the chunks that begin in some hours.
func chunksOf(ctx context.Context, q db.Querier, series, from, to int64) ([]chunk, error) {
	return db.All(ctx, q, func(r db.Row) (c chunk, err error) {
		err = r.Scan(&c.hour, &c.looks)
		return c, err
	}, `SELECT hour, looks FROM watch_chunk WHERE series = $1 AND hour >= $2 AND hour < $3 AND vantage = 0 ORDER BY hour`, series, from, to)
}

// chunks reads the looks of a series in some hours, in order. A chunk that is damaged is
// left out: its hour shows as one in which we did not look.
func chunks(ctx context.Context, q db.Querier, series, from, to int64) ([]raw, error) {
	rows, err := chunksOf(ctx, q, series, from/24*24, to) // the first of a day may hold all of it
	if err != nil {
		return nil, err
	}
	var out []raw
	for _, c := range rows {
		looks, err := openChunk(series, c.hour, c.looks)
		if err != nil {
			continue
		}
		for _, one := range looks {
			if hour := one.ms / hourMS; hour >= from && hour < to {
				out = append(out, one)
			}
		}
	}
	return out, nil
}

// toMerge is the first day whose chunks were not joined yet; 0 = nothing is archived. What was
// noted of days to come does not count.
func (s store) toMerge(ctx context.Context, today int64) (int64, error) {
	last, err := db.One(ctx, s.db, db.Int64, `SELECT MAX(day) FROM watch_merged WHERE day <= $1`, today)
	if err != nil || last > 0 {
		return last + 1, err
	}
	first, err := db.One(ctx, s.db, db.Int64, `SELECT MIN(hour) FROM watch_archived`)
	return first / 24, err
}

func (s store) setMerged(ctx context.Context, day int64) error {
	_, err := db.Exec(ctx, s.db, `INSERT INTO watch_merged (day) VALUES ($1) ON CONFLICT (day) DO NOTHING`, day)
	return err
}

// few are the looks of several chunks; none when they are not few or one is damaged.
func few(series int64, rows []chunk) []raw {
	if len(rows) < 2 {
		return nil
	}
	var all []raw
	for _, c := range rows {
		looks, err := openChunk(series, c.hour, c.looks)
		if err != nil || len(all)+len(looks) > mostMerged {
			return nil
		}
		all = append(all, looks...)
	}
	return all
}

// merge joins the chunks of a day to one, for the series that have few looks in it and no
// damaged chunk.
func (s store) merge(ctx context.Context, series []named, day int64) error {
	return s.db.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		for _, one := range series {
			rows, err := chunksOf(ctx, q, one.id, day*24, day*24+24)
			if err != nil {
				return err
			}
			all := few(one.id, rows)
			if len(all) == 0 {
				continue
			}
			if _, err := db.Exec(ctx, q, `DELETE FROM watch_chunk WHERE series = $1 AND hour >= $2 AND hour < $3 AND vantage = 0`,
				one.id, day*24, day*24+24); err != nil {
				return err
			}
			if _, err := db.Exec(ctx, q, `INSERT INTO watch_chunk (series, hour, vantage, looks) VALUES ($1, $2, 0, $3)`,
				one.id, day*24, packChunk(day*24, all)); err != nil {
				return err
			}
		}
		return nil
	})
}

// lastChunk is the hour of a series' newest chunk; false = it has none.
func (s store) lastChunk(ctx context.Context, series int64) (int64, bool, error) {
	hour, err := db.One(ctx, s.db, db.Int64, `SELECT hour FROM watch_chunk WHERE series = $1 AND vantage = 0 ORDER BY hour DESC LIMIT 1`, series)
	if errors.Is(err, db.ErrNoRow) {
		return 0, false, nil
	}
	return hour, err == nil, err
}

// sums reads hours or days of a series, and when each is.
func (s store) sums(ctx context.Context, statement string, series, from, to int64) ([]Sum, []int64, error) {
	var whens []int64
	all, err := db.All(ctx, s.db, func(r db.Row) (out Sum, err error) {
		var when, p50, p95 int64
		var packed []byte
		if err := r.Scan(&when, &p50, &p95, &packed); err != nil {
			return out, err
		}
		whens = append(whens, when)
		out.P50, out.P95 = milliseconds(p50), milliseconds(p95)
		out.Classes, err = s.codec.openClasses(packed)
		return out, err
	}, statement, series, from, to)
	return all, whens, err
}

const (
	selectHours = `SELECT hour, ms50, ms95, classes FROM watch_hour WHERE series = $1 AND hour >= $2 AND hour < $3 AND vantage = 0 ORDER BY hour`
	selectDays  = `SELECT day, ms50, ms95, classes FROM watch_day WHERE series = $1 AND day >= $2 AND day < $3 AND vantage = 0 ORDER BY day`
)

// present lists when we ran within [from, to), in order.
func (s store) present(ctx context.Context, from, to core.Moment) ([]presence, error) {
	return db.All(ctx, s.db, func(r db.Row) (p presence, err error) {
		err = r.Scan(&p.from, &p.writer, &p.to, &p.fit, &p.reason)
		return p, err
	}, `SELECT from_us, writer, to_us, fit, reason FROM watch_presence WHERE to_us >= $1 AND from_us < $2 ORDER BY from_us`, from, to)
}

// dropBlocks deletes some blocks that were begun before a time, the oldest first.
func (s store) dropBlocks(ctx context.Context, before core.Moment, limit int) (int64, error) {
	return db.Exec(ctx, s.db, `DELETE FROM watch_look WHERE (made_us, writer) IN
		(SELECT made_us, writer FROM watch_look WHERE made_us < $1 ORDER BY made_us LIMIT $2)`, before, limit)
}

// dropHours deletes the chunks and the sums of hours before one, of some series.
func (s store) dropHours(ctx context.Context, series []named, before int64) error {
	return s.db.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		for _, one := range series {
			if _, err := db.Exec(ctx, q, `DELETE FROM watch_chunk WHERE series = $1 AND hour < $2`, one.id, before); err != nil {
				return err
			}
			if _, err := db.Exec(ctx, q, `DELETE FROM watch_hour WHERE series = $1 AND hour < $2`, one.id, before); err != nil {
				return err
			}
		}
		return nil
	})
}

// dropRest deletes marks of hours, and presence, from before an hour.
func (s store) dropRest(ctx context.Context, before int64) error {
	if _, err := db.Exec(ctx, s.db, `DELETE FROM watch_archived WHERE hour < $1`, before); err != nil {
		return err
	}
	if _, err := db.Exec(ctx, s.db, `DELETE FROM watch_merged WHERE day < $1`, before/24); err != nil {
		return err
	}
	_, err := db.Exec(ctx, s.db, `DELETE FROM watch_presence WHERE to_us < $1`, core.Moment(before*hourMS*1000))
	return err
}

// fitness is what the scheduler says of us, as presence.
func fitness(f schedule.Fitness, from core.Moment, writer int64) presence {
	return presence{from: from, to: from, writer: writer, fit: f.Fit, reason: f.Reason}
}
