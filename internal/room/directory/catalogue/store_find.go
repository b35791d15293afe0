package catalogue

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

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

// among adds that a column is one of the values; of none, nothing is.
func among[T any](c *conditions, column string, values []T) {
	if len(values) == 0 {
		c.add("1 = 0")
		return
	}
	args := make([]any, len(values))
	for i, v := range values {
		args[i] = v
	}
	c.add(column+" IN (%s"+strings.Repeat(", %s", len(args)-1)+")", args...)
}

func (c *conditions) where() string { return strings.Join(c.parts, " AND ") }

// filters are what of a query stands in columns; nil when nothing does.
func (q Query) filters() *conditions {
	c := &conditions{}
	c.add("shown = 1")
	for _, f := range [][2]string{{"kind", string(q.Kind)}, {"software", program(q.Software)}, {"country", strings.ToUpper(q.Country)}} {
		if f[1] != "" {
			c.add(f[0]+" = %s", f[1])
		}
	}
	if q.Open {
		c.add("newcomer = 1")
	}
	if q.WithoutAccount {
		c.add("without = 1")
	}
	if q.Usable {
		c.add("(newcomer = 1 OR without = 1)")
	}
	if q.Hosters != nil {
		among(c, "hoster", q.Hosters)
	}
	return c
}

// Find looks for services. The order ranks nobody: neither size nor age nor who
// wrote last counts, and every day it is another one, so that nobody is always
// first. A large result may be a minute old.
func (s *Store) Find(ctx context.Context, q Query) (Result, error) {
	ids, err := s.ordered(ctx, q)
	if err != nil {
		return Result{}, err
	}
	result := Result{Total: len(ids)}
	from := min(max(q.Page, 0)*PageSize, len(ids))
	result.Services, err = s.found(ctx, ids[from:min(from+PageSize, len(ids))])
	return result, err
}

// FindAll is Find for all pages at once.
func (s *Store) FindAll(ctx context.Context, q Query) (all []Found, err error) {
	ids, err := s.ordered(ctx, q)
	if err != nil {
		return nil, err
	}
	for part := range slices.Chunk(ids, atOnce) {
		found, err := s.found(ctx, part)
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
	}
	return all, nil
}

// ordered are the services that match, in the order of the day.
func (s *Store) ordered(ctx context.Context, q Query) ([]int64, error) {
	return s.recent.list(ctx, q.Day, keyOf(q), func() ([]int64, error) {
		ids, err := s.matches(ctx, q)
		return shuffled(ids, turnOf(q.Day)), err
	})
}

// shuffled are the same numbers in the order of a day.
func shuffled(ids []int64, turn int64) []int64 {
	type place struct{ rest, id int64 }
	places := make([]place, len(ids))
	for i, id := range ids {
		places[i] = place{id % turn, id}
	}
	slices.SortFunc(places, func(a, b place) int { return cmp.Or(cmp.Compare(a.rest, b.rest), cmp.Compare(a.id, b.id)) })
	out := make([]int64, len(ids))
	for i, p := range places {
		out[i] = p.id
	}
	return out
}

// matches are the services that have all that a query asks for.
func (s *Store) matches(ctx context.Context, q Query) ([]int64, error) {
	terms, filters := q.terms(), q.filters()
	var ids []int64
	// Words stand only for services that are shown.
	if len(terms) == 0 || len(filters.parts) > 1 {
		var err error
		if ids, err = s.numbers(ctx, q.Day, "id", "directory_service", filters); err != nil || len(ids) == 0 {
			return nil, err
		}
	}
	for i, t := range terms {
		c := &conditions{}
		if t.prefix {
			c.add("word >= %s AND word < %s", t.word, t.word+"\U0010FFFF")
		} else {
			c.add("word = %s", t.word)
		}
		having, err := s.numbers(ctx, q.Day, "service", "directory_word", c)
		if err != nil || len(having) == 0 {
			return nil, err
		}
		if i > 0 || ids != nil {
			having = both(ids, having)
		}
		if ids = having; len(ids) == 0 {
			return nil, nil
		}
	}
	return ids, nil
}

// numbers are the different values of a column of numbers, sorted; they are shared, and
// not to be changed.
func (s *Store) numbers(ctx context.Context, now time.Time, column, table string, c *conditions) ([]int64, error) {
	return s.recent.list(ctx, now, fmt.Sprintf("%s %s %s %#v", column, table, c.where(), c.args), func() ([]int64, error) {
		// They come as one text: one row is read many times faster than thousands.
		text, err := db.One(ctx, s.db, func(r db.Row) (t string, err error) { return t, r.Scan(&t) },
			`SELECT coalesce(string_agg(CAST(`+column+` AS TEXT), ' '), '') FROM `+table+` WHERE `+c.where(), c.args...)
		if err != nil {
			return nil, err
		}
		out := make([]int64, 0, strings.Count(text, " ")+1)
		for field := range strings.FieldsSeq(text) {
			n, err := strconv.ParseInt(field, 10, 64)
			if err != nil {
				return nil, err
			}
			out = append(out, n)
		}
		slices.Sort(out)
		return slices.Compact(out), nil
	})
}

// both are the numbers in two sorted lists.
func both(a, b []int64) []int64 {
	out := make([]int64, 0, min(len(a), len(b)))
	for _, n := range a {
		for len(b) > 0 && b[0] < n {
			b = b[1:]
		}
		if len(b) > 0 && b[0] == n {
			out = append(out, n)
		}
	}
	return out
}

// found reads services by their numbers, in that order. What went away meanwhile is
// left out.
func (s *Store) found(ctx context.Context, ids []int64) ([]Found, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	c := &conditions{}
	among(c, "s.id", ids)
	type row struct {
		id int64
		Found
	}
	rows, err := db.All(ctx, s.db, func(r db.Row) (w row, err error) {
		var service, hoster string
		h, a := &w.Hoster.Author, &w.Service.Author
		if err = r.Scan(&w.id, &a.Said, &a.Heard, &service, &h.Key, &h.Source, &h.Said, &h.Heard, &hoster); err != nil {
			return w, err
		}
		return w, unpack(service, &w.Service, hoster, &w.Hoster)
	}, `SELECT s.id, s.said_us, s.heard_us, s.listing, `+hosterColumns+`
		FROM directory_service s JOIN directory_hoster h ON h.key = s.hoster WHERE `+c.where(), c.args...)
	if err != nil {
		return nil, err
	}
	byID := make(map[int64]Found, len(rows))
	for _, r := range rows {
		r.Service.Author = r.Hoster.Author.of(r.Service.Author)
		byID[r.id] = r.Found
	}
	out := make([]Found, 0, len(rows))
	for _, id := range ids {
		if f, ok := byID[id]; ok {
			out = append(out, f)
		}
	}
	return out, nil
}
