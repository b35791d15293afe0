package domain

import (
	"context"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
)

const columns = `name, type, ttl_s, since_us, holds_us, at_us`

func scanSeen(r db.Row) (s Seen, err error) {
	err = r.Scan(&s.Name, &s.Type, &s.TTL, &s.Since, &s.Holds, &s.At)
	return s, err
}

// seen lists what earlier looks knew of a zone.
func seen(ctx context.Context, q db.Querier, zone string) ([]Seen, error) {
	return db.All(ctx, q, scanSeen, `SELECT `+columns+` FROM succession_domain_seen WHERE zone = $1`, zone)
}

// see keeps what a look knows of a set.
func see(ctx context.Context, q db.Querier, zone string, s Seen) error {
	_, err := db.Exec(ctx, q, `INSERT INTO succession_domain_seen (zone, `+columns+`) VALUES ($1, $2, $3, $4, $5, $6, $7)
		ON CONFLICT (zone, name, type) DO UPDATE SET ttl_s = excluded.ttl_s, since_us = excluded.since_us, holds_us = excluded.holds_us, at_us = excluded.at_us`,
		zone, s.Name, s.Type, int64(s.TTL), int64(s.Since), int64(s.Holds), int64(s.At))
	return err
}

// forgetful is how long a set is known that nobody looks at.
const forgetful = 400 * 24 * time.Hour

func forget(ctx context.Context, q db.Querier, now core.Moment) error {
	_, err := db.Exec(ctx, q, `DELETE FROM succession_domain_seen WHERE at_us < $1`, int64(now.Add(-forgetful)))
	return err
}
