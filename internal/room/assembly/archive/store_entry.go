package archive

import (
	"context"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/room/assembly/tally"
)

// Entry is what a logbook says of a decision.
type Entry struct {
	tally.Entry
	Proposal string
	Doc      string // the document it names, the version that a proposal replaces, the origin of a fork
}

const entryColumns = `log, entry, typ, proposal, doc, iat_us, body`

func scanEntry(r db.Row) (e Entry, err error) {
	return e, r.Scan(&e.Member, &e.Index, &e.Typ, &e.Proposal, &e.Doc, &e.Iat, &e.Body)
}

func putEntry(ctx context.Context, q db.Querier, e Entry) error {
	_, err := db.Exec(ctx, q, `INSERT INTO assembly_decision_entry (`+entryColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (log, entry) DO NOTHING`,
		string(e.Member), e.Index, e.Typ, e.Proposal, e.Doc, int64(e.Iat), e.Body)
	return err
}

func takeBack(ctx context.Context, q db.Querier, log core.MemberID, from int64) error {
	_, err := db.Exec(ctx, q, `DELETE FROM assembly_decision_entry WHERE log = $1 AND entry >= $2`, string(log), from)
	return err
}

// EntriesOf lists what logbooks say of one version of a proposal, by logbook and index.
func EntriesOf(ctx context.Context, q db.Querier, proposal string) ([]Entry, error) {
	return db.All(ctx, q, scanEntry, `SELECT `+entryColumns+` FROM assembly_decision_entry WHERE proposal = $1 ORDER BY log, entry LIMIT 200000`, proposal)
}

// EntriesNaming lists the entries of a type that name a document, or an origin.
func EntriesNaming(ctx context.Context, q db.Querier, typ, doc string) ([]Entry, error) {
	return db.All(ctx, q, scanEntry, `SELECT `+entryColumns+` FROM assembly_decision_entry WHERE doc = $1 AND typ = $2 ORDER BY log, entry LIMIT 10000`, doc, typ)
}

// Forks lists what logbooks say of forked ones.
func Forks(ctx context.Context, q db.Querier) ([]Entry, error) {
	return db.All(ctx, q, scanEntry, `SELECT `+entryColumns+` FROM assembly_decision_entry WHERE proposal = '' AND typ = $1 ORDER BY log, entry LIMIT 100000`, typeFork)
}

// stamp changes with everything that logbooks say of a chain.
func stamp(ctx context.Context, q db.Querier, chain string) (string, error) {
	return db.One(ctx, q, db.Text, `SELECT CAST(count(*) AS TEXT) || '/' || CAST(coalesce(sum(entry), 0) AS TEXT) || '/' || CAST(coalesce(sum(iat_us / 1000), 0) AS TEXT)
		FROM assembly_decision_entry WHERE proposal = '' AND typ = $2 OR proposal IN (SELECT id FROM assembly_decision_proposal WHERE chain = $1)
		OR doc IN (SELECT id FROM assembly_decision_proposal WHERE chain = $1)`, chain, typeFork)
}
