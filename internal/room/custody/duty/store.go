package duty

import (
	"context"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
)

func put(ctx context.Context, q db.Querier, s Signature) error {
	_, err := db.Exec(ctx, q, `INSERT INTO custody_duty (person, version, way, hash, signature, signed_us) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (person) DO UPDATE SET version = excluded.version, way = excluded.way, hash = excluded.hash, signature = excluded.signature, signed_us = excluded.signed_us`,
		s.Person, s.Version, string(s.Way), s.Hash, s.Signature, int64(s.Signed))
	return err
}

// all are the signatures by person.
func all(ctx context.Context, q db.Querier) (map[string]Signature, error) {
	list, err := db.All(ctx, q, func(r db.Row) (s Signature, err error) {
		return s, r.Scan(&s.Person, &s.Version, &s.Way, &s.Hash, &s.Signature, &s.Signed)
	}, `SELECT person, version, way, hash, signature, signed_us FROM custody_duty`)
	out := make(map[string]Signature, len(list))
	for _, s := range list {
		out[s.Person] = s
	}
	return out, err
}

type read struct {
	pact, hash string
	at         core.Moment
}

func putRead(ctx context.Context, q db.Querier, r read) error {
	_, err := db.Exec(ctx, q, `INSERT INTO custody_limits_read (pact, hash, read_us) VALUES ($1, $2, $3)
		ON CONFLICT (pact) DO UPDATE SET hash = excluded.hash, read_us = excluded.read_us`, r.pact, r.hash, int64(r.at))
	return err
}

// allRead are the limits that were read, by pact.
func allRead(ctx context.Context, q db.Querier) (map[string]read, error) {
	list, err := db.All(ctx, q, func(r db.Row) (one read, err error) { return one, r.Scan(&one.pact, &one.hash, &one.at) },
		`SELECT pact, hash, read_us FROM custody_limits_read`)
	out := make(map[string]read, len(list))
	for _, r := range list {
		out[r.pact] = r
	}
	return out, err
}
