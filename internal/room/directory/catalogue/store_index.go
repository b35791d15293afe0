package catalogue

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
)

// IndexPause is how long an author whose services were just indexed waits for the next
// time, however often it changes its name.
const IndexPause = 5 * time.Minute

// indexAtOnce bounds how many hosters one run of Index takes on.
const indexAtOnce = 20

// sameIndex says that nothing changed by which a hoster's services are found or shown.
func sameIndex(a, b Hoster) bool {
	return a.Name == b.Name && a.Town == b.Town && a.Country == b.Country && fileOf(a) == fileOf(b) && a.Author.Source == b.Author.Source
}

// Index does what had to wait: the last word of each author is the one that counts. An author
// that cannot be indexed keeps nobody waiting: it is tried again after its pause, and the error
// is that of all such authors.
func (s *Store) Index(ctx context.Context, now core.Moment) error {
	keys, err := db.All(ctx, s.db, db.Text, `SELECT key FROM directory_hoster
		WHERE stale = 1 AND (indexed_us <= $1 OR indexed_us > $2) ORDER BY indexed_us LIMIT $3`, int64(now.Add(-IndexPause)), int64(now), indexAtOnce)
	if err != nil {
		return err
	}
	var failed []error
	for _, key := range keys {
		err := s.db.Tx(ctx, func(ctx context.Context, q db.Querier) error { return indexOne(ctx, q, key, now) })
		if ctx.Err() != nil {
			return errors.Join(append(failed, err)...)
		}
		if err == nil {
			continue
		}
		failed = append(failed, fmt.Errorf("index %.80q: %w", key, err))
		if _, err := db.Exec(ctx, s.db, `UPDATE directory_hoster SET indexed_us = $2 WHERE key = $1`, key, int64(now)); err != nil {
			failed = append(failed, err)
		}
	}
	return errors.Join(failed...)
}

// indexSoon indexes a hoster's services now, or marks them for Index when that was done a
// moment ago. "" is nobody, and so is a hoster that is not there.
func indexSoon(ctx context.Context, q db.Querier, key string, now core.Moment) error {
	if key == "" {
		return nil
	}
	last, err := db.All(ctx, q, db.Int64, `SELECT indexed_us FROM directory_hoster WHERE key = $1`, key)
	if err != nil || len(last) == 0 {
		return err
	}
	if at := core.Moment(last[0]); at == 0 || now > at.Add(IndexPause) || now < at && now != 0 {
		return indexOne(ctx, q, key, now)
	}
	_, err = db.Exec(ctx, q, `UPDATE directory_hoster SET stale = 1 WHERE key = $1`, key)
	return err
}

// indexAll indexes a hoster's services, and those of the file that it calls its own.
func indexAll(ctx context.Context, q db.Querier, key string, now core.Moment) error {
	h, err := hosterOf(ctx, q, key)
	if err != nil {
		return err
	}
	if file := fileOf(h); file != "" && file != key {
		if err := indexSoon(ctx, q, file, now); err != nil {
			return err
		}
	}
	return indexOne(ctx, q, key, now)
}

// indexOne brings what is derived from a hoster and its services in line: who is shown,
// and by which words each is found.
func indexOne(ctx context.Context, q db.Querier, key string, now core.Moment) error {
	h, err := hosterOf(ctx, q, key)
	if core.CodeOf(err) == core.CodeNotFound {
		return nil // services may come before their hoster
	}
	if err != nil {
		return err
	}
	shadow, err := speaksElsewhere(ctx, q, h)
	if err != nil {
		return err
	}
	if _, err := db.Exec(ctx, q, `UPDATE directory_hoster SET shadow = $2, stale = 0, indexed_us = $3 WHERE key = $1`, key, flag(shadow), int64(now)); err != nil {
		return err
	}
	all, err := servicesOf(ctx, q, h)
	if err != nil {
		return err
	}
	for _, s := range all {
		if err := index(ctx, q, s, h, !shadow && !s.Ended); err != nil {
			return err
		}
	}
	return nil
}

// speaksElsewhere says whether a hoster known by its file speaks in a logbook too.
func speaksElsewhere(ctx context.Context, q db.Querier, h Hoster) (bool, error) {
	if h.Author.Source != FromFile {
		return false, nil
	}
	n, err := db.One(ctx, q, number, `SELECT count(*) FROM directory_hoster WHERE source = 'log' AND file = $1`, h.Author.Key)
	return n > 0, err
}

func index(ctx context.Context, q db.Querier, s Service, h Hoster, shown bool) error {
	id, country := numberOf(s.Author.Key, s.Slug), s.Country
	if country == "" {
		country = h.Country
	}
	if _, err := db.Exec(ctx, q, `UPDATE directory_service SET shown = $2, country = $3 WHERE id = $1`, id, flag(shown), country); err != nil {
		return err
	}
	if _, err := db.Exec(ctx, q, `DELETE FROM directory_word WHERE service = $1`, id); err != nil || !shown {
		return err
	}
	return putWords(ctx, q, id, wordsOf(s, h))
}

// atOnce is how many words go into one statement.
const atOnce = 200

func putWords(ctx context.Context, q db.Querier, id int64, words []string) error {
	for part := range slices.Chunk(words, atOnce) {
		args, rows := make([]any, 1, 1+len(part)), make([]string, len(part))
		args[0] = id
		for i, word := range part {
			args = append(args, word)
			rows[i] = fmt.Sprintf("($%d, $1)", i+2)
		}
		if _, err := db.Exec(ctx, q, `INSERT INTO directory_word (word, service) VALUES `+strings.Join(rows, ", "), args...); err != nil {
			return err
		}
	}
	return nil
}
