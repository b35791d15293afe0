package catalogue

import (
	"context"
	"fmt"
	"strings"
	"time"

	"entrechat/internal/kit/db"
)

// HosterQuery is which hosters somebody wants to see. The zero value is all.
type HosterQuery struct {
	Text    string // words of the name, the town or the key
	Country string // ISO 3166-1 alpha-2; "" = any
	Page    int    // from 0
	Day     time.Time
}

// Hosters is one page of hosters.
type Hosters struct {
	Total   int // on all pages
	Hosters []Hoster
}

// Hosters lists hosters, in an order that ranks nobody, as Find does.
func (s *Store) Hosters(ctx context.Context, q HosterQuery) (Hosters, error) {
	c := &conditions{}
	c.add("h.shadow = 0")
	if q.Country != "" {
		c.add("h.country = %s", strings.ToUpper(q.Country))
	}
	words := Fold(q.Text)
	for _, w := range words[:min(len(words), maxTerms)] {
		c.add("h.words LIKE %s", "% "+w+"%") // a folded word holds no sign that LIKE knows
	}
	c.args = append(c.args, turnOf(q.Day), PageSize, max(q.Page, 0)*PageSize)
	n := len(c.args)
	var out Hosters
	all, err := db.All(ctx, s.db, scanHoster, fmt.Sprintf(`SELECT %s FROM directory_hoster h WHERE %s ORDER BY h.turn %% $%d, h.key LIMIT $%d OFFSET $%d`,
		hosterColumns, c.where(), n-2, n-1, n), c.args...)
	if err != nil {
		return out, err
	}
	out.Hosters = all
	total, err := db.One(ctx, s.db, number, `SELECT count(*) FROM directory_hoster h WHERE `+c.where(), c.args[:n-3]...)
	out.Total = int(total)
	return out, err
}
