package logbook

import (
	"context"
	"crypto/sha256"
	"encoding/hex"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
)

// forkRow is a fork proof as stored.
type forkRow struct {
	member    core.MemberID
	proof     []byte
	found     core.Moment
	pardoned  core.Moment
	published bool
}

func scanFork(r db.Row) (k forkRow, err error) {
	var told int64
	err = r.Scan(&k.member, &k.proof, &k.found, &k.pardoned, &told)
	k.published = told != 0
	return k, err
}

// putFork keeps a proof once; fresh says that it was new.
func putFork(ctx context.Context, q db.Querier, id core.MemberID, proof []byte, now core.Moment) (fresh bool, err error) {
	sum := sha256.Sum256(proof)
	n, err := db.Exec(ctx, q, `INSERT INTO logbook_fork (id, member, proof, found_us, pardoned_us, told) VALUES ($1,$2,$3,$4,0,0)
		ON CONFLICT (id) DO NOTHING`, hex.EncodeToString(sum[:]), string(id), proof, int64(now))
	return n > 0, err
}

func allForks(ctx context.Context, q db.Querier) ([]forkRow, error) {
	return db.All(ctx, q, scanFork, `SELECT member, proof, found_us, pardoned_us, told FROM logbook_fork ORDER BY found_us, id`)
}

func markPublished(ctx context.Context, q db.Querier, id core.MemberID) error {
	_, err := db.Exec(ctx, q, `UPDATE logbook_fork SET told = 1 WHERE member = $1`, string(id))
	return err
}

func pardonForks(ctx context.Context, q db.Querier, id core.MemberID, now core.Moment) (int64, error) {
	return db.Exec(ctx, q, `UPDATE logbook_fork SET pardoned_us = $2 WHERE member = $1 AND pardoned_us = 0`, string(id), int64(now))
}

// cosignature is a witness's line under one of our heads.
type cosignature struct {
	log     string
	witness core.MemberID
	size    int64
	line    string
}

// putCosignature keeps a witness's line, if it is for no smaller a tree.
func putCosignature(ctx context.Context, q db.Querier, c cosignature) error {
	_, err := db.Exec(ctx, q, `INSERT INTO logbook_cosignature (log, witness, size, line) VALUES ($1,$2,$3,$4)
		ON CONFLICT (log, witness) DO UPDATE SET size=excluded.size, line=excluded.line WHERE logbook_cosignature.size <= excluded.size`,
		c.log, string(c.witness), c.size, c.line)
	return err
}

func getCosignatures(ctx context.Context, q db.Querier, origin string, size int64) ([]string, error) {
	return db.All(ctx, q, db.Text, `SELECT line FROM logbook_cosignature WHERE log = $1 AND size = $2 ORDER BY witness`, origin, size)
}

// witnessedSize is the largest size of a log that at least some witnesses
// cosigned.
func witnessedSize(ctx context.Context, q db.Querier, origin string) (int64, error) {
	return db.One(ctx, q, db.Int64, `SELECT COALESCE(MAX(size), 0) FROM logbook_cosignature WHERE log = $1`, origin)
}
