package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
)

// ForkRow is a fork proof as stored.
type ForkRow struct {
	Member    core.MemberID
	Proof     []byte
	Found     core.Moment
	Pardoned  core.Moment
	Published bool
}

func scanFork(r db.Row) (k ForkRow, err error) {
	var told int64
	err = r.Scan(&k.Member, &k.Proof, &k.Found, &k.Pardoned, &told)
	k.Published = told != 0
	return k, err
}

// PutFork stores a proof once; fresh says that it was new.
func PutFork(ctx context.Context, q db.Querier, id core.MemberID, proof []byte, now core.Moment) (fresh bool, err error) {
	sum := sha256.Sum256(proof)
	n, err := db.Exec(ctx, q, `INSERT INTO logbook_fork (id, member, proof, found_us, pardoned_us, told) VALUES ($1,$2,$3,$4,0,0)
		ON CONFLICT (id) DO NOTHING`, hex.EncodeToString(sum[:]), string(id), proof, int64(now))
	return n > 0, err
}

// AllForks lists the proofs, oldest first.
func AllForks(ctx context.Context, q db.Querier) ([]ForkRow, error) {
	return db.All(ctx, q, scanFork, `SELECT member, proof, found_us, pardoned_us, told FROM logbook_fork ORDER BY found_us, id`)
}

// MarkPublished notes that the proofs against a member stand in our own log.
func MarkPublished(ctx context.Context, q db.Querier, id core.MemberID) error {
	_, err := db.Exec(ctx, q, `UPDATE logbook_fork SET told = 1 WHERE member = $1`, string(id))
	return err
}

// PardonForks notes when people pardoned what was proved of a member; it answers how many
// proofs were not pardoned before.
func PardonForks(ctx context.Context, q db.Querier, id core.MemberID, now core.Moment) (int64, error) {
	return db.Exec(ctx, q, `UPDATE logbook_fork SET pardoned_us = $2 WHERE member = $1 AND pardoned_us = 0`, string(id), int64(now))
}

// Cosignature is a witness's line under one of our heads.
type Cosignature struct {
	Log     string
	Witness core.MemberID
	Size    int64
	Line    string
}

// PutCosignature stores a witness's line, if it is for no smaller a tree.
func PutCosignature(ctx context.Context, q db.Querier, c Cosignature) error {
	_, err := db.Exec(ctx, q, `INSERT INTO logbook_cosignature (log, witness, size, line) VALUES ($1,$2,$3,$4)
		ON CONFLICT (log, witness) DO UPDATE SET size=excluded.size, line=excluded.line WHERE logbook_cosignature.size <= excluded.size`,
		c.Log, string(c.Witness), c.Size, c.Line)
	return err
}

// GetCosignatures lists the witnesses' lines under the head of one size, by witness.
func GetCosignatures(ctx context.Context, q db.Querier, origin string, size int64) ([]string, error) {
	return db.All(ctx, q, db.Text, `SELECT line FROM logbook_cosignature WHERE log = $1 AND size = $2 ORDER BY witness`, origin, size)
}

// WitnessedSize is the largest size of a log that at least some witnesses
// cosigned.
func WitnessedSize(ctx context.Context, q db.Querier, origin string) (int64, error) {
	return db.One(ctx, q, db.Int64, `SELECT COALESCE(MAX(size), 0) FROM logbook_cosignature WHERE log = $1`, origin)
}
