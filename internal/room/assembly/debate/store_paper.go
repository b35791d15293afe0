package debate

import (
	"context"
	"errors"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/room/assembly/debate/document"
)

// The kinds and states of papers.
const (
	kindQuestion = "question"
	kindRemark   = "remark"

	wanted    = ""
	held      = "held"
	withdrawn = "withdrawn"
	broken    = "broken"
)

// paper is a row of assembly_debate_paper: a question or a remark, ours or another member's.
type paper struct {
	ID       string
	Owner    core.MemberID
	Kind     string
	About    string
	Body     string
	State    string
	Standing Standing
	Became   string
	Place    int64
	Tries    int64
	Next     core.Moment
	Made     core.Moment
}

const paperColumns = `id, owner, kind, about, body, state, standing, became, place, tries, next_us, made_us`

func scanPaper(r db.Row) (p paper, err error) {
	return p, r.Scan(&p.ID, &p.Owner, &p.Kind, &p.About, &p.Body, &p.State, &p.Standing, &p.Became, &p.Place, &p.Tries, &p.Next, &p.Made)
}

// insertPaper adds one that is not known yet; of a known one only the place of its entry is
// new.
func insertPaper(ctx context.Context, q db.Querier, p paper) error {
	_, err := db.Exec(ctx, q, `INSERT INTO assembly_debate_paper (`+paperColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
		ON CONFLICT (id, owner) DO UPDATE SET place = excluded.place WHERE assembly_debate_paper.place < 0`,
		p.ID, string(p.Owner), p.Kind, p.About, p.Body, p.State, string(p.Standing), p.Became, p.Place, p.Tries, int64(p.Next), int64(p.Made))
	return err
}

func savePaper(ctx context.Context, q db.Querier, p paper) error {
	_, err := db.Exec(ctx, q, `UPDATE assembly_debate_paper SET body = $3, state = $4, standing = $5, became = $6, tries = $7, next_us = $8 WHERE id = $1 AND owner = $2`,
		p.ID, string(p.Owner), p.Body, p.State, string(p.Standing), p.Became, p.Tries, int64(p.Next))
	return err
}

// getPaper finds one by its id or the beginning of it; owner empty: anybody's.
func getPaper(ctx context.Context, q db.Querier, id, kind string, owner core.MemberID) (paper, error) {
	unknown := core.NotFound("assembly.debate.no_paper", errors.New("no such text"))
	if len(id) < 4 || len(id) > 64 {
		return paper{}, unknown
	}
	where, at := `id = $1`, []any{id, kind, string(owner)}
	if !document.IsID(id) { // what a person types reads the table through
		where, at = `substr(id, 1, $4) = $1`, append(at, len(id))
	}
	found, err := db.All(ctx, q, scanPaper, `SELECT `+paperColumns+` FROM assembly_debate_paper WHERE `+where+` AND kind = $2 AND (owner = $3 OR $3 = '') ORDER BY id, owner LIMIT 2`, at...)
	switch {
	case err != nil:
		return paper{}, err
	case len(found) == 0:
		return paper{}, unknown
	case len(found) > 1:
		return paper{}, core.Invalid("assembly.debate.ambiguous", errors.New("several"))
	}
	return found[0], nil
}

// papersOf are the remarks on a question, the oldest first.
func papersOf(ctx context.Context, q db.Querier, about string) ([]paper, error) {
	return db.All(ctx, q, scanPaper, `SELECT `+paperColumns+` FROM assembly_debate_paper WHERE about = $1 AND kind = 'remark' ORDER BY made_us, id LIMIT 500`, about)
}

// questions are those of the other members, the newest first.
func questions(ctx context.Context, q db.Querier, self core.MemberID, limit int) ([]paper, error) {
	return db.All(ctx, q, scanPaper, `SELECT `+paperColumns+` FROM assembly_debate_paper WHERE kind = 'question' AND owner <> $1 AND state = 'held' ORDER BY made_us DESC, id LIMIT $2`, string(self), limit)
}

// countPapers is how many papers of a member are here: in all, and about one question.
func countPapers(ctx context.Context, q db.Querier, owner core.MemberID, about string) (all, same int64, err error) {
	type two struct{ all, same int64 }
	n, err := db.One(ctx, q, func(r db.Row) (t two, err error) { return t, r.Scan(&t.all, &t.same) },
		`SELECT count(*), count(*) FILTER (WHERE kind = 'remark' AND about = $2) FROM assembly_debate_paper WHERE owner = $1`, string(owner), about)
	return n.all, n.same, err
}

// ownQuestion says whether a document is a question of ours.
func ownQuestion(ctx context.Context, q db.Querier, self core.MemberID, id string) (bool, error) {
	n, err := db.One(ctx, q, db.Int64, `SELECT count(*) FROM assembly_debate_paper WHERE id = $1 AND owner = $2 AND kind = 'question'`, id, string(self))
	return n > 0, err
}

// withdraw forgets a text and keeps its id.
func withdraw(ctx context.Context, q db.Querier, id string, owner core.MemberID) error {
	_, err := db.Exec(ctx, q, `UPDATE assembly_debate_paper SET body = '', state = 'withdrawn' WHERE id = $1 AND owner = $2`, id, string(owner))
	return err
}

// forgetPapers drops what a logbook took back from an index on.
func forgetPapers(ctx context.Context, q db.Querier, owner core.MemberID, from int64) error {
	_, err := db.Exec(ctx, q, `DELETE FROM assembly_debate_paper WHERE owner = $1 AND place >= $2`, string(owner), from)
	return err
}

func duePapers(ctx context.Context, q db.Querier, now core.Moment, limit int) ([]paper, error) {
	return db.All(ctx, q, scanPaper, `SELECT `+paperColumns+` FROM assembly_debate_paper WHERE state = '' AND next_us <= $1 AND tries < 30 ORDER BY next_us, id LIMIT $2`, int64(now), limit)
}

// asked is a row of assembly_debate_reading: a draft that another member asks us to read.
type asked struct {
	Report  string
	Owner   core.MemberID
	Body    string
	Reading string
	Came    core.Moment
	Read    core.Moment
}

const askedColumns = `report, owner, body, reading, came_us, read_us`

func scanAsked(r db.Row) (a asked, err error) {
	return a, r.Scan(&a.Report, &a.Owner, &a.Body, &a.Reading, &a.Came, &a.Read)
}

func insertAsked(ctx context.Context, q db.Querier, a asked) error {
	_, err := db.Exec(ctx, q, `INSERT INTO assembly_debate_reading (`+askedColumns+`) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (report, owner) DO NOTHING`,
		a.Report, string(a.Owner), a.Body, a.Reading, int64(a.Came), int64(a.Read))
	return err
}

func saveAsked(ctx context.Context, q db.Querier, a asked) error {
	_, err := db.Exec(ctx, q, `UPDATE assembly_debate_reading SET body = $3, reading = $4, read_us = $5 WHERE report = $1 AND owner = $2`, a.Report, string(a.Owner), a.Body, a.Reading, int64(a.Read))
	return err
}

func getAsked(ctx context.Context, q db.Querier, id string) (asked, error) {
	unknown := core.NotFound("assembly.debate.no_paper", errors.New("nobody asked us to read it"))
	if len(id) < 4 || len(id) > 64 {
		return asked{}, unknown
	}
	found, err := db.All(ctx, q, scanAsked, `SELECT `+askedColumns+` FROM assembly_debate_reading WHERE substr(report, 1, $2) = $1 ORDER BY report LIMIT 2`, id, len(id))
	switch {
	case err != nil:
		return asked{}, err
	case len(found) == 0:
		return asked{}, unknown
	case len(found) > 1:
		return asked{}, core.Invalid("assembly.debate.ambiguous", errors.New("several"))
	}
	return found[0], nil
}

func toRead(ctx context.Context, q db.Querier, owner core.MemberID) ([]asked, error) {
	return db.All(ctx, q, scanAsked, `SELECT `+askedColumns+` FROM assembly_debate_reading WHERE read_us = 0 AND (owner = $1 OR $1 = '') ORDER BY came_us, report LIMIT 500`, string(owner))
}

// forgetAsked drops the texts of drafts that were read, or left unread, long ago.
func forgetAsked(ctx context.Context, q db.Querier, before core.Moment) error {
	_, err := db.Exec(ctx, q, `DELETE FROM assembly_debate_reading WHERE came_us < $1`, int64(before))
	return err
}

// forgetPaper drops one that no entry names.
func forgetPaper(ctx context.Context, q db.Querier, id string, owner core.MemberID) error {
	_, err := db.Exec(ctx, q, `DELETE FROM assembly_debate_paper WHERE id = $1 AND owner = $2 AND place < 0`, id, string(owner))
	return err
}
