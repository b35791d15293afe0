package catalogue

import (
	"context"
	"fmt"
	"strings"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
)

// conditions is a WHERE under construction.
type conditions struct {
	parts []string
	args  []any
}

// add takes a condition whose %s stand for the arguments, in order.
func (c *conditions) add(condition string, args ...any) {
	marks := make([]any, len(args))
	for i := range args {
		c.args = append(c.args, args[i])
		marks[i] = fmt.Sprintf("$%d", len(c.args))
	}
	c.parts = append(c.parts, fmt.Sprintf(condition, marks...))
}

func (c *conditions) where() string { return strings.Join(c.parts, " AND ") }

func (q Query) conditions() *conditions {
	c := &conditions{}
	c.add("shown = 1")
	for column, value := range map[string]string{"kind": string(q.Kind), "software": program(q.Software), "country": strings.ToUpper(q.Country)} {
		if value != "" {
			c.add(column+" = %s", value)
		}
	}
	if q.Open {
		c.add("newcomer = 1")
	}
	if q.WithoutAccount {
		c.add("without = 1")
	}
	if q.Hosters != nil {
		args := make([]any, len(q.Hosters))
		for i, key := range q.Hosters {
			args[i] = key
		}
		c.add("hoster IN (''"+strings.Repeat(", %s", len(args))+")", args...)
	}
	for _, t := range q.terms() {
		if t.prefix {
			c.add("id IN (SELECT service FROM directory_word WHERE word >= %s AND word < %s)", t.word, t.word+"\U0010FFFF")
		} else {
			c.add("EXISTS (SELECT 1 FROM directory_word w WHERE w.word = %s AND w.service = directory_service.id)", t.word)
		}
	}
	return c
}

// Find looks for services. The order ranks nobody: neither size nor age nor who
// wrote last counts, and every day it is another one, so that nobody is always
// first.
func (s *Store) Find(ctx context.Context, q Query) (Result, error) {
	c := q.conditions()
	type hit struct{ id, total int64 }
	c.args = append(c.args, turnOf(q.Day), PageSize, max(q.Page, 0)*PageSize)
	n := len(c.args)
	hits, err := db.All(ctx, s.db, func(r db.Row) (h hit, err error) { return h, r.Scan(&h.id, &h.total) },
		fmt.Sprintf(`SELECT id, count(*) OVER () FROM directory_service WHERE %s ORDER BY id %% $%d, id LIMIT $%d OFFSET $%d`,
			c.where(), n-2, n-1, n), c.args...)
	if err != nil || len(hits) == 0 {
		return Result{}, err
	}
	result := Result{Total: int(hits[0].total)}
	for _, h := range hits {
		found, err := s.found(ctx, h.id)
		if core.CodeOf(err) == core.CodeNotFound {
			continue // it went away just now
		}
		if err != nil {
			return Result{}, err
		}
		result.Services = append(result.Services, found)
	}
	return result, nil
}

func (s *Store) found(ctx context.Context, id int64) (f Found, err error) {
	type row struct {
		hoster string
		Service
	}
	got, err := db.All(ctx, s.db, func(r db.Row) (w row, err error) {
		err = scanInto(r, &w.Author, &w.Service)
		w.hoster = w.Author.Key
		return w, err
	}, `SELECT hoster, 'log', said_us, heard_us, sheet FROM directory_service WHERE id = $1`, id)
	if err != nil {
		return f, err
	}
	if len(got) == 0 {
		return f, core.NotFound("directory.no_service", fmt.Errorf("no service %d", id))
	}
	f.Service = got[0].Service
	f.Hoster, err = hosterOf(ctx, s.db, got[0].hoster)
	f.Service.Author = f.Hoster.Author.of(f.Service.Author)
	return f, err
}
