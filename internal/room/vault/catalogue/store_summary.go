package catalogue

import (
	"context"
	"slices"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/room/vault/rest"
	"entrechat/internal/room/vault/shard"
)

// Summary is a number of objects of one repository that stand alike.
type Summary struct {
	Repo    string
	Kind    rest.Type
	K, N    int
	Stored  int // distinct shards at distinct members
	Reached int // the same at members that are well
	Objects int64
	Size    int64 // plain bytes
	sealed  int64
	Pending bool // never off-site yet
}

// oneEach counts distinct shards p; -1 where a member has two of them.
const oneEach = `SELECT CASE WHEN count(*) > count(DISTINCT p.member) THEN -1 ELSE count(DISTINCT ` + whichShard + `) END`

// MemberSummary is what one member holds of one repository.
type MemberSummary struct {
	Repo   string
	Member core.MemberID
	Shards int64
	Bytes  int64
	Seen   core.Moment // the oldest sight of any of its shards
}

// Growth is how large a repository was and is, in sealed bytes.
type Growth struct {
	Repo        string
	Before, Now int64
}

// All sums the live objects by how they stand. Two shards at one member go with it: they
// count as one, as two members with the same one do.
func (s Summaries) All(ctx context.Context) ([]Summary, error) {
	all, err := db.All(ctx, s.db, func(r db.Row) (h Summary, err error) {
		err = r.Scan(&h.Repo, &h.Kind, &h.K, &h.N, &h.Stored, &h.Reached, &h.Objects, &h.Size, &h.sealed, &h.Pending)
		return h, err
	}, `SELECT repo, kind, k, n, held, reached, count(*), CAST(sum(size) AS BIGINT), CAST(sum(sealed) AS BIGINT), pending
		FROM (SELECT repo, kind, k, n, size, sealed, safe_us = 0 AS pending,
			(`+oneEach+` FROM vault_placement p WHERE p.object = vault_object.object AND p.state = 'stored') AS held,
			(SELECT count(DISTINCT `+whichShard+`) FROM vault_placement p LEFT JOIN vault_lender l ON l.member = p.member
				WHERE p.object = vault_object.object AND p.state = 'stored' AND coalesce(l.bad_us, 0) = 0) AS reached
			FROM vault_object WHERE deleted_us = 0) AS standing
		GROUP BY repo, kind, k, n, held, reached, pending`)
	plain := slices.DeleteFunc(slices.Clone(all), func(h Summary) bool { return h.Stored < 0 })
	if err != nil || len(plain) == len(all) {
		return all, err
	}
	doubled, err := s.doubled(ctx)
	return append(plain, doubled...), err
}

// doubled answers the objects of which a member has two shards, a summary each.
func (s Summaries) doubled(ctx context.Context) (out []Summary, err error) {
	type row struct {
		object string
		Summary
		Placement
		well bool
	}
	rows, err := db.All(ctx, s.db, func(r db.Row) (p row, err error) {
		err = r.Scan(&p.object, &p.Repo, &p.Kind, &p.K, &p.N, &p.Size, &p.sealed, &p.Pending, &p.Index, &p.Member, &p.well)
		if p.K == 1 {
			p.Object, p.Root = shard.Hash{1}, shard.Hash{1} // a copy, whatever its name
		}
		return p, err
	}, `SELECT o.object, o.repo, o.kind, o.k, o.n, o.size, o.sealed, o.safe_us = 0, p.idx, p.member, coalesce(l.bad_us, 0) = 0
		FROM vault_object o JOIN vault_placement p ON p.object = o.object LEFT JOIN vault_lender l ON l.member = p.member
		WHERE o.deleted_us = 0 AND p.state = 'stored' AND o.object IN (SELECT object FROM vault_placement
			WHERE state = 'stored' GROUP BY object HAVING count(*) > count(DISTINCT member)) ORDER BY o.object, p.idx, p.member`)
	for len(rows) > 0 {
		first := rows[0]
		var held, well []Placement
		for len(rows) > 0 && rows[0].object == first.object {
			held = append(held, rows[0].Placement)
			if rows[0].well {
				well = append(well, rows[0].Placement)
			}
			rows = rows[1:]
		}
		h := first.Summary
		h.Objects, h.Stored, h.Reached = 1, Effective(held), Effective(well)
		out = append(out, h)
	}
	return out, err
}

// ByMember sums what each member holds of each repository.
func (s Summaries) ByMember(ctx context.Context) ([]MemberSummary, error) {
	return db.All(ctx, s.db, func(r db.Row) (k MemberSummary, err error) {
		err = r.Scan(&k.Repo, &k.Member, &k.Shards, &k.Bytes, &k.Seen)
		return k, err
	}, `SELECT o.repo, p.member, count(*), CAST(sum(p.length) AS BIGINT), CAST(min(p.seen_us) AS BIGINT)
		FROM vault_placement p JOIN vault_object o ON o.object = p.object
		WHERE p.state = 'stored' AND o.deleted_us = 0 GROUP BY o.repo, p.member ORDER BY o.repo, p.member`)
}

// NewestSnapshots is when the last snapshot of each repository came and when it was
// off-site.
func (s Summaries) NewestSnapshots(ctx context.Context) (map[string][2]core.Moment, error) {
	type row struct {
		repo        string
		made, saved core.Moment
	}
	rows, err := db.All(ctx, s.db, func(r db.Row) (n row, err error) {
		err = r.Scan(&n.repo, &n.made, &n.saved)
		return n, err
	}, `SELECT repo, max(made_us), max(CASE WHEN safe_us > 0 THEN made_us ELSE 0 END) FROM vault_object
		WHERE kind = 'snapshots' AND deleted_us = 0 GROUP BY repo`)
	out := make(map[string][2]core.Moment, len(rows))
	for _, n := range rows {
		out[n.repo] = [2]core.Moment{n.made, n.saved}
	}
	return out, err
}

// OnTheWay sums what waits on our disk for the members, by repository.
func (s Summaries) OnTheWay(ctx context.Context) (map[string][2]int64, error) {
	type row struct {
		repo           string
		objects, bytes int64
	}
	rows, err := db.All(ctx, s.db, func(r db.Row) (w row, err error) {
		err = r.Scan(&w.repo, &w.objects, &w.bytes)
		return w, err
	}, `SELECT repo, count(*), CAST(sum(sealed) AS BIGINT) FROM vault_object
		WHERE state <> 'placed' AND deleted_us = 0 GROUP BY repo`)
	out := make(map[string][2]int64, len(rows))
	for _, w := range rows {
		out[w.repo] = [2]int64{w.objects, w.bytes}
	}
	return out, err
}

// Removed is how many removed files of each repository the members still keep.
func (s Summaries) Removed(ctx context.Context) (map[string]int64, error) {
	return s.counts(ctx, `SELECT repo, count(*) FROM vault_object WHERE deleted_us > 0 AND state <> 'gone' GROUP BY repo`)
}

// SharedKey counts the restic files of each repository that are still sealed to the
// key all repositories shared.
func (s Summaries) SharedKey(ctx context.Context) (map[string]int64, error) {
	return s.counts(ctx, `SELECT repo, count(*) FROM vault_object
		WHERE sealed_to = '' AND deleted_us = 0 AND kind <> $1 GROUP BY repo`, string(Meta))
}

// counts reads a number for each repository.
func (s Summaries) counts(ctx context.Context, query string, places ...any) (map[string]int64, error) {
	out := map[string]int64{}
	_, err := db.All(ctx, s.db, func(r db.Row) (none struct{}, err error) {
		var repo string
		var n int64
		err = r.Scan(&repo, &n)
		out[repo] = n
		return none, err
	}, query, places...)
	return out, err
}

// Stuck counts files accepted before a moment that were never off-site.
func (s Summaries) Stuck(ctx context.Context, before core.Moment) (int64, error) {
	return db.One(ctx, s.db, db.Int64, `SELECT count(*) FROM vault_object
		WHERE safe_us = 0 AND deleted_us = 0 AND made_us < $1`, int64(before))
}

// Growth compares each repository with what it was at a moment.
func (s Summaries) Growth(ctx context.Context, then core.Moment) ([]Growth, error) {
	return db.All(ctx, s.db, func(r db.Row) (g Growth, err error) {
		err = r.Scan(&g.Repo, &g.Before, &g.Now)
		return g, err
	}, `SELECT repo, CAST(sum(CASE WHEN made_us <= $1 AND (deleted_us = 0 OR deleted_us > $1) THEN sealed ELSE 0 END) AS BIGINT),
			CAST(sum(CASE WHEN deleted_us = 0 THEN sealed ELSE 0 END) AS BIGINT)
		FROM vault_object GROUP BY repo ORDER BY repo`, int64(then))
}
