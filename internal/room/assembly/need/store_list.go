package need

import (
	"context"
	"strconv"
	"strings"

	"entrechat/internal/kit/db"
)

// atOnce is how many needs one query asks for.
const atOnce = 512

// eachPart calls do with ids, at most atOnce at a time, as the places of a query and what
// fills them. A query has 8, 64 or 512 places, so that the database keeps few statements: the
// last id fills those that are left.
func eachPart(ids []string, do func(places string, args []any) error) error {
	for len(ids) > 0 {
		part := ids[:min(len(ids), atOnce)]
		ids = ids[len(part):]
		size := 8
		for size < len(part) {
			size *= 8
		}
		places, args := make([]string, size), make([]any, size)
		for i := range size {
			places[i], args[i] = "$"+strconv.Itoa(i+1), part[min(i, len(part)-1)]
		}
		if err := do(strings.Join(places, ", "), args); err != nil {
			return err
		}
	}
	return nil
}

func idsOf(list []Need) []string {
	ids := make([]string, len(list))
	for i, n := range list {
		ids[i] = n.ID
	}
	return ids
}

// fill reads the answers and voices of needs, in two queries for atOnce of them.
func fill(ctx context.Context, q db.Querier, list []Need) error {
	at := map[string]*Need{}
	for i := range list {
		at[list[i].ID] = &list[i]
	}
	return eachPart(idsOf(list), func(places string, args []any) error {
		said, err := db.All(ctx, q, func(r db.Row) (row answerRow, err error) {
			a := &row.Answer
			return row, r.Scan(&row.need, &a.Number, &a.State, &a.Text, &a.Month, &a.Link, &a.Member, &a.At)
		}, `SELECT need, number, state, text, month, link, member, at_us FROM assembly_need_answer WHERE need IN (`+places+`) ORDER BY need, number`, args...)
		if err != nil {
			return err
		}
		for _, row := range said {
			at[row.need].Answers = append(at[row.need].Answers, row.Answer)
		}
		// The voices of a need and of all that was merged into it, each once.
		counted, err := db.All(ctx, q, scanCount, `SELECT need, count(DISTINCT voice) FROM (
			SELECT need, voice FROM assembly_need_voice WHERE need IN (`+places+`)
			UNION ALL SELECT n.merged_into, v.voice FROM assembly_need n JOIN assembly_need_voice v ON v.need = n.id WHERE n.merged_into IN (`+places+`)
			) AS too GROUP BY need`, args...)
		for _, row := range counted {
			at[row.need].Voices = row.count
		}
		return err
	})
}

type answerRow struct {
	need string
	Answer
}

type countRow struct {
	need  string
	count int64
}

func scanCount(r db.Row) (c countRow, err error) { return c, r.Scan(&c.need, &c.count) }

// saidAmong says at which of some needs, or of what was merged into them, a voice counts.
func saidAmong(ctx context.Context, q db.Querier, ids []string, voice string) (map[string]bool, error) {
	said := map[string]bool{}
	err := eachPart(ids, func(places string, args []any) error {
		found, err := db.All(ctx, q, db.Text, `SELECT DISTINCT CASE WHEN n.id IN (`+places+`) THEN n.id ELSE n.merged_into END
			FROM assembly_need_voice v JOIN assembly_need n ON n.id = v.need
			WHERE v.voice = $`+strconv.Itoa(len(args)+1)+` AND (n.id IN (`+places+`) OR n.merged_into IN (`+places+`))`, append(args, voice)...)
		for _, id := range found {
			said[id] = true
		}
		return err
	})
	return said, err
}

// sameAmong is what was said to be the same as each of some needs, or as one that was merged
// into it, as far as their members still publish it.
func sameAmong(ctx context.Context, q db.Querier, ids []string) (map[string][]Their, error) {
	same := map[string][]Their{}
	err := eachPart(ids, func(places string, args []any) error {
		found, err := db.All(ctx, q, func(r db.Row) (row sameRow, err error) {
			return row, r.Scan(&row.need, &row.Member, &row.ID, &row.Goal, &row.State, &row.Offered)
		}, `SELECT DISTINCT ours.need, t.member, t.id, t.goal, t.state, t.offered FROM (
			SELECT need, member, their FROM assembly_need_same WHERE need IN (`+places+`)
			UNION ALL SELECT n.merged_into, s.member, s.their FROM assembly_need n JOIN assembly_need_same s ON s.need = n.id WHERE n.merged_into IN (`+places+`)
			) AS ours JOIN assembly_need_theirs t ON t.member = ours.member AND t.id = ours.their
			ORDER BY ours.need, t.member, t.id LIMIT 20000`, args...)
		for _, row := range found {
			same[row.need] = append(same[row.need], row.Their)
		}
		return err
	})
	return same, err
}

type sameRow struct {
	need string
	Their
}
