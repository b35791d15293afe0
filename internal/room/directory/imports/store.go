package imports

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/peer"
	"entrechat/internal/room/directory/statool"
)

// File is one foreign file, without its bytes. Times are zero for never.
type File struct {
	URL     string
	Typed   bool          // a root
	Class   statool.Class // of the last good version; ClassNone = there never was one
	Size    int64         // of the last good version, in bytes
	Hash    string        // SHA-256 of the last good version, lower-case hex
	Seen    peer.Seen
	Got     core.Moment // when the last good version came
	Heard   core.Moment // when the address last gave it, or said that it stands
	Asked   core.Moment
	Due     core.Moment
	Strikes int
	Trouble Trouble // of the last strike
}

const fileColumns = `url, typed, class, length(body), sha256, etag, modified, got_us, heard_us, asked_us, due_us, strikes, trouble`

func scanFile(r db.Row) (File, error) {
	var f File
	var said string
	if err := r.Scan(&f.URL, &f.Typed, &f.Class, &f.Size, &f.Hash, &f.Seen.ETag, &f.Seen.Modified,
		&f.Got, &f.Heard, &f.Asked, &f.Due, &f.Strikes, &said); err != nil || said == "" {
		return f, err
	}
	if err := json.Unmarshal([]byte(said), &f.Trouble); err != nil {
		return f, fmt.Errorf("trouble of %s: %w", f.URL, err)
	}
	return f, nil
}

// fileAt reads one file; of one that is not known only the address is set.
func fileAt(ctx context.Context, q db.Querier, address string) (f File, known bool, err error) {
	f, err = db.One(ctx, q, scanFile, `SELECT `+fileColumns+` FROM directory_file WHERE url = $1`, address)
	if errors.Is(err, db.ErrNoRow) {
		return File{URL: address}, false, nil
	}
	return f, err == nil, err
}

func allFiles(ctx context.Context, q db.Querier) ([]File, error) {
	return db.All(ctx, q, scanFile, `SELECT `+fileColumns+` FROM directory_file ORDER BY url`)
}

// bodyOf reads the last good version; empty when there is none.
func bodyOf(ctx context.Context, q db.Querier, address string) ([]byte, error) {
	body, err := db.One(ctx, q, func(r db.Row) (b []byte, err error) { return b, r.Scan(&b) },
		`SELECT body FROM directory_file WHERE url = $1`, address)
	if errors.Is(err, db.ErrNoRow) {
		return nil, nil
	}
	return body, err
}

// storeGood puts a good version in the place of the one before, with what it leads to.
func storeGood(ctx context.Context, d *db.DB, f File, body []byte, links []link) error {
	return d.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		_, err := db.Exec(ctx, q, `INSERT INTO directory_file
			(url, typed, class, body, sha256, etag, modified, got_us, heard_us, asked_us, due_us, strikes, trouble)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 0, '')
			ON CONFLICT (url) DO UPDATE SET class = $3, body = $4, sha256 = $5, etag = $6, modified = $7,
			got_us = $8, heard_us = $9, asked_us = $10, due_us = $11, strikes = 0, trouble = ''`,
			f.URL, f.Typed, string(f.Class), body, f.Hash, f.Seen.ETag, f.Seen.Modified, int64(f.Got), int64(f.Heard), int64(f.Asked), int64(f.Due))
		if err != nil {
			return err
		}
		if _, err := db.Exec(ctx, q, `UPDATE directory_link SET gone_us = $2 WHERE parent = $1 AND gone_us = 0`, f.URL, int64(f.Got)); err != nil {
			return err
		}
		for _, l := range links {
			if _, err := db.Exec(ctx, q, `INSERT INTO directory_link (parent, slug, child, line, gone_us) VALUES ($1, $2, $3, $4, 0)
				ON CONFLICT (parent, slug) DO UPDATE SET child = $3, line = $4, gone_us = 0`, f.URL, l.Slug, l.Child, l.Line); err != nil {
				return err
			}
		}
		return nil
	})
}

// note keeps what was learnt of a file whose good version stays as it is.
func note(ctx context.Context, q db.Querier, f File) error {
	said := ""
	if !f.Trouble.none() {
		text, err := json.Marshal(f.Trouble)
		if err != nil {
			return fmt.Errorf("trouble of %s: %w", f.URL, err)
		}
		said = string(text)
	}
	_, err := db.Exec(ctx, q, `INSERT INTO directory_file
		(url, typed, class, body, sha256, etag, modified, got_us, heard_us, asked_us, due_us, strikes, trouble)
		VALUES ($1, $2, '', $3, '', '', '', 0, 0, $4, $5, $6, $7)
		ON CONFLICT (url) DO UPDATE SET etag = $8, modified = $9, heard_us = $10, asked_us = $4, due_us = $5, strikes = $6, trouble = $7`,
		f.URL, f.Typed, []byte{}, int64(f.Asked), int64(f.Due), f.Strikes, said, f.Seen.ETag, f.Seen.Modified, int64(f.Heard))
	return err
}

func setTyped(ctx context.Context, q db.Querier, address string, typed bool) error {
	_, err := db.Exec(ctx, q, `UPDATE directory_file SET typed = $2 WHERE url = $1`, address, typed)
	return err
}

func setDue(ctx context.Context, q db.Querier, address string, due core.Moment) error {
	_, err := db.Exec(ctx, q, `UPDATE directory_file SET due_us = $2 WHERE url = $1`, address, int64(due))
	return err
}

// linksFrom lists what a file's last good version leads to, in its order.
func linksFrom(ctx context.Context, q db.Querier, parent string) ([]link, error) {
	return db.All(ctx, q, func(r db.Row) (l link, err error) { return l, r.Scan(&l.Slug, &l.Child, &l.Line) },
		`SELECT slug, child, line FROM directory_link WHERE parent = $1 AND gone_us = 0 ORDER BY line, slug`, parent)
}

// arrow is one link between two known addresses.
type arrow struct{ Parent, Child string }

func arrows(ctx context.Context, q db.Querier) ([]arrow, error) {
	return db.All(ctx, q, func(r db.Row) (a arrow, err error) { return a, r.Scan(&a.Parent, &a.Child) },
		`SELECT parent, child FROM directory_link WHERE gone_us = 0 AND child <> '' ORDER BY parent, line`)
}

func parentsOf(ctx context.Context, q db.Querier, child string) ([]string, error) {
	return db.All(ctx, q, db.Text, `SELECT parent FROM directory_link WHERE child = $1 AND gone_us = 0 ORDER BY parent`, child)
}

// dueRoots are the roots, if anything below any of them is due.
func dueRoots(ctx context.Context, q db.Querier, now core.Moment) ([]string, error) {
	due, err := db.One(ctx, q, db.Int64, `SELECT COUNT(*) FROM directory_file WHERE due_us <= $1`, int64(now))
	if err != nil || due == 0 {
		return nil, err
	}
	return db.All(ctx, q, db.Text, `SELECT url FROM directory_file WHERE typed ORDER BY url`)
}

// sweep drops what nothing leads to any more: links gone since before a moment or
// from a file that went, files that are no root and have no link. It comes back
// with the files that went.
func sweep(ctx context.Context, d *db.DB, before core.Moment) (gone []string, err error) {
	err = d.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		gone = nil
		for {
			if _, err := db.Exec(ctx, q, `DELETE FROM directory_link WHERE gone_us > 0 AND gone_us < $1
				OR NOT EXISTS (SELECT 1 FROM directory_file WHERE url = directory_link.parent)`, int64(before)); err != nil {
				return err
			}
			lone, err := db.All(ctx, q, db.Text, `SELECT url FROM directory_file WHERE NOT typed
				AND NOT EXISTS (SELECT 1 FROM directory_link WHERE child = directory_file.url)`)
			if err != nil || len(lone) == 0 {
				return err
			}
			for _, address := range lone {
				if _, err := db.Exec(ctx, q, `DELETE FROM directory_file WHERE url = $1`, address); err != nil {
					return err
				}
			}
			gone = append(gone, lone...)
		}
	})
	return gone, err
}
