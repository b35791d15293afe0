package runbook

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
)

func putSource(ctx context.Context, q db.Querier, s Source) error {
	_, err := db.Exec(ctx, q, `INSERT INTO custody_runbook_source (id, address, added_us, pulled_us, trouble) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (id) DO UPDATE SET pulled_us = excluded.pulled_us, trouble = excluded.trouble`,
		s.ID, s.Address, int64(s.Added), int64(s.Pulled), s.Trouble)
	return err
}

func allSources(ctx context.Context, q db.Querier) ([]Source, error) {
	return db.All(ctx, q, func(r db.Row) (s Source, err error) {
		return s, r.Scan(&s.ID, &s.Address, &s.Added, &s.Pulled, &s.Trouble)
	}, `SELECT id, address, added_us, pulled_us, trouble FROM custody_runbook_source ORDER BY address`)
}

// dropSource removes a source and its texts; what was rehearsed stays.
func dropSource(ctx context.Context, q db.Querier, id string) (bool, error) {
	if _, err := db.Exec(ctx, q, `DELETE FROM custody_runbook WHERE source = $1`, id); err != nil {
		return false, err
	}
	n, err := db.Exec(ctx, q, `DELETE FROM custody_runbook_source WHERE id = $1`, id)
	return n > 0, err
}

// putRunbooks replaces the texts of a source.
func putRunbooks(ctx context.Context, q db.Querier, source string, all []Runbook) error {
	if _, err := db.Exec(ctx, q, `DELETE FROM custody_runbook WHERE source = $1`, source); err != nil {
		return err
	}
	for _, r := range all {
		authors, err := json.Marshal(r.Authors)
		if err != nil {
			return err
		}
		if _, err := db.Exec(ctx, q, `INSERT INTO custody_runbook (id, source, path, title, text, commit_hash, changed_us, authors) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
			string(r.ID), r.Source, r.Path, r.Title, r.Text, r.Commit, int64(r.Changed), string(authors)); err != nil {
			return err
		}
	}
	return nil
}

const runbookColumns = `id, source, path, title, text, commit_hash, changed_us, authors`

func scanRunbook(r db.Row) (b Runbook, err error) {
	var authors string
	if err = r.Scan(&b.ID, &b.Source, &b.Path, &b.Title, &b.Text, &b.Commit, &b.Changed, &authors); err != nil {
		return b, err
	}
	return b, json.Unmarshal([]byte(authors), &b.Authors)
}

func allRunbooks(ctx context.Context, q db.Querier) ([]Runbook, error) {
	return db.All(ctx, q, scanRunbook, `SELECT `+runbookColumns+` FROM custody_runbook ORDER BY path, source`)
}

func getRunbook(ctx context.Context, q db.Querier, id ID) (Runbook, error) {
	b, err := db.One(ctx, q, scanRunbook, `SELECT `+runbookColumns+` FROM custody_runbook WHERE id = $1`, string(id))
	if errors.Is(err, db.ErrNoRow) {
		return b, unknown(err)
	}
	return b, err
}

func putRehearsal(ctx context.Context, q db.Querier, r Rehearsal) error {
	_, err := db.Exec(ctx, q, `INSERT INTO custody_rehearsal (id, runbook, commit_hash, text, reader, led_by, scenario, state, started_us, done_us)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT (id) DO UPDATE SET text = excluded.text, state = excluded.state, done_us = excluded.done_us`,
		r.ID, string(r.Runbook), r.Commit, r.Text, r.Reader, r.LedBy, r.Scenario, string(r.Outcome), int64(r.Started), int64(r.Ended))
	return err
}

// putStep notes one step; false when it was noted before.
func putStep(ctx context.Context, q db.Querier, rehearsal string, number int, d Done) (bool, error) {
	n, err := db.Exec(ctx, q, `INSERT INTO custody_rehearsal_step (rehearsal, number, heading, defect, at_us) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING`,
		rehearsal, number, d.Heading, d.Defect, int64(d.At))
	return n == 1, err
}

const rehearsalColumns = `id, runbook, commit_hash, text, reader, led_by, scenario, state, started_us, done_us`

func scanRehearsal(r db.Row) (h Rehearsal, err error) {
	return h, r.Scan(&h.ID, &h.Runbook, &h.Commit, &h.Text, &h.Reader, &h.LedBy, &h.Scenario, &h.Outcome, &h.Started, &h.Ended)
}

func withSteps(ctx context.Context, q db.Querier, h Rehearsal) (Rehearsal, error) {
	done, err := db.All(ctx, q, func(r db.Row) (d Done, err error) { return d, r.Scan(&d.Heading, &d.Defect, &d.At) },
		`SELECT heading, defect, at_us FROM custody_rehearsal_step WHERE rehearsal = $1 ORDER BY number`, h.ID)
	h.Done = done
	return h, err
}

func getRehearsal(ctx context.Context, q db.Querier, id string) (Rehearsal, error) {
	h, err := db.One(ctx, q, scanRehearsal, `SELECT `+rehearsalColumns+` FROM custody_rehearsal WHERE id = $1`, id)
	if errors.Is(err, db.ErrNoRow) {
		return h, core.NotFound("custody.runbook.no_rehearsal", err)
	}
	if err != nil {
		return h, err
	}
	return withSteps(ctx, q, h)
}

// openRehearsals are those that run.
func openRehearsals(ctx context.Context, q db.Querier) ([]Rehearsal, error) {
	return db.All(ctx, q, scanRehearsal, `SELECT `+rehearsalColumns+` FROM custody_rehearsal WHERE state = 'open' ORDER BY started_us LIMIT 1000`)
}

// rehearsalsOf are the last ones of a runbook, the newest first.
func rehearsalsOf(ctx context.Context, q db.Querier, id ID, limit int) ([]Rehearsal, error) {
	all, err := db.All(ctx, q, scanRehearsal, `SELECT `+rehearsalColumns+` FROM custody_rehearsal WHERE runbook = $1 AND state IN ('reached', 'missed')
		ORDER BY done_us DESC, id LIMIT $2`, string(id), limit)
	for i := range all {
		if all[i], err = withSteps(ctx, q, all[i]); err != nil {
			return nil, err
		}
	}
	return all, err
}

func putDrill(ctx context.Context, q db.Querier, id string, d Drill) error {
	defects, err := json.Marshal(d.Defects)
	if err != nil {
		return err
	}
	_, err = db.Exec(ctx, q, `INSERT INTO custody_drill (id, at_us, minutes, defects) VALUES ($1, $2, $3, $4)`, id, int64(d.At), d.Minutes, string(defects))
	return err
}

// lastDrills are those played last, the newest first.
func lastDrills(ctx context.Context, q db.Querier, limit int) ([]Drill, error) {
	return db.All(ctx, q, func(r db.Row) (d Drill, err error) {
		var defects string
		if err = r.Scan(&d.At, &d.Minutes, &defects); err != nil {
			return d, err
		}
		d.Took = time.Duration(d.Minutes) * time.Minute
		return d, json.Unmarshal([]byte(defects), &d.Defects)
	}, `SELECT at_us, minutes, defects FROM custody_drill ORDER BY at_us DESC, id LIMIT $1`, limit)
}
