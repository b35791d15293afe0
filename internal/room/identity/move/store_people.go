package move

import (
	"context"
	"errors"
	"slices"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/seal"
	"entrechat/internal/room/identity/person"
)

// out is a release of one of our people.
type out struct {
	id       string
	person   person.ID
	home     core.MemberID // the new one
	state    string
	code     string // hash; empty = it stands in a list
	document string
	until    core.Moment
}

const outColumns = `id, person, home, state, code, document, until_us`

func scanOut(r db.Row) (o out, err error) {
	return o, r.Scan(&o.id, &o.person, &o.home, &o.state, &o.code, &o.document, &o.until)
}

func insertOut(ctx context.Context, q db.Querier, o out) error {
	_, err := db.Exec(ctx, q, `INSERT INTO identity_move_out (`+outColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		o.id, string(o.person), string(o.home), o.state, o.code, o.document, int64(o.until))
	return err
}

// dropOpen forgets releases of a person that no new home took.
func dropOpen(ctx context.Context, q db.Querier, who person.ID) error {
	_, err := db.Exec(ctx, q, `DELETE FROM identity_move_out WHERE person = $1 AND state = $2`, string(who), open)
	return err
}

// waits says whether a person has a good release that they asked for themselves, or that is
// in the list of this home.
func waits(ctx context.Context, q db.Querier, who person.ID, to core.MemberID, now core.Moment) (bool, error) {
	n, err := db.One(ctx, q, db.Int64, `SELECT count(*) FROM identity_move_out WHERE person = $1 AND state = $2 AND (code <> '' OR home = $3) AND until_us >= $4`,
		string(who), open, string(to), int64(now))
	return n > 0, err
}

// listed is how many stand in the list of a home.
func listed(ctx context.Context, q db.Querier, to core.MemberID, now core.Moment) (int, error) {
	n, err := db.One(ctx, q, db.Int64, `SELECT count(*) FROM identity_move_out WHERE home = $1 AND state = $2 AND code = '' AND until_us >= $3`, string(to), open, int64(now))
	return int(n), err
}

// outOf finds a release to a home. Returns CodeNotFound "identity.move.no_code".
func outOf(ctx context.Context, q db.Querier, id string, to core.MemberID) (out, error) {
	o, err := db.One(ctx, q, scanOut, `SELECT `+outColumns+` FROM identity_move_out WHERE id = $1 AND home = $2`, id, string(to))
	if errors.Is(err, db.ErrNoRow) {
		err = noCode("no such release")
	}
	return o, err
}

// outByCode finds it by what opens it.
func outByCode(ctx context.Context, q db.Querier, code string, to core.MemberID, now core.Moment) (out, error) {
	if !nonceForm.MatchString(code) {
		return out{}, noCode("not the form of one")
	}
	o, err := db.One(ctx, q, scanOut, `SELECT `+outColumns+` FROM identity_move_out WHERE code = $1 AND home = $2 AND until_us >= $3`,
		seal.TokenHash(code), string(to), int64(now))
	if errors.Is(err, db.ErrNoRow) {
		err = noCode("no such code")
	}
	return o, err
}

// outList lists those of a list, after one of them.
func outList(ctx context.Context, q db.Querier, to core.MemberID, after string, now core.Moment) ([]out, error) {
	return db.All(ctx, q, scanOut, `SELECT `+outColumns+` FROM identity_move_out
		WHERE home = $1 AND state = $2 AND code = '' AND until_us >= $3 AND id > $4 ORDER BY id LIMIT $5`, string(to), open, int64(now), after, page)
}

func putOut(ctx context.Context, q db.Querier, id, state, document string) error {
	_, err := db.Exec(ctx, q, `UPDATE identity_move_out SET state = $2, document = $3 WHERE id = $1`, id, state, document)
	return err
}

// handedOver are our people who chose to be handed over when we close.
func handedOver(ctx context.Context, q db.Querier) ([]person.ID, error) {
	texts, err := db.All(ctx, q, db.Text, `SELECT id FROM identity_person WHERE kind = $1 AND status = $2 AND choice = $3 AND roles = '' ORDER BY handle`,
		string(person.Local), string(person.Active), string(person.HandOver))
	ids := make([]person.ID, 0, len(texts))
	for _, id := range texts {
		ids = append(ids, person.ID(id))
	}
	return ids, err
}

// untold are releases of which our logbook does not say yet what became of them.
func untold(ctx context.Context, q db.Querier, most int) (b entryBody, err error) {
	rows, err := db.All(ctx, q, scanOut, `SELECT `+outColumns+` FROM identity_move_out WHERE state = $1 OR state = $2 ORDER BY id LIMIT $3`, moved, back, most)
	for _, o := range rows {
		if o.state == moved {
			b.Moved = append(b.Moved, o.id)
		} else {
			b.Back = append(b.Back, o.id)
		}
	}
	return b, err
}

// wasTold notes that our logbook says it.
func wasTold(ctx context.Context, q db.Querier, b entryBody) error {
	for was, ids := range map[string][]string{moved: b.Moved, back: b.Back} {
		is := told
		if was == back {
			is = backTold
		}
		for _, id := range ids {
			if _, err := db.Exec(ctx, q, `UPDATE identity_move_out SET state = $3 WHERE id = $1 AND state = $2`, id, was, is); err != nil {
				return err
			}
		}
	}
	return nil
}

// cameBack ends the releases of a person who is at home here again.
func cameBack(ctx context.Context, q db.Querier, who person.ID) error {
	_, err := db.Exec(ctx, q, `UPDATE identity_move_out SET state = $2 WHERE person = $1 AND (state = $3 OR state = $4)`, string(who), back, moved, told)
	return err
}

// arrived is a release by which one of our people came.
type arrived struct {
	id       string
	person   person.ID
	home     core.MemberID // the old one
	sub      string        // there
	state    string
	document string
	until    core.Moment
	handle   string
	way      string
	number   int64
}

const inColumns = `id, person, home, sub, state, document, until_us, handle, way`

// scanIn takes a time that is none as 0: such a row is damaged, and costs nobody else.
func scanIn(r db.Row) (a arrived, err error) {
	err = r.Scan(&a.id, &a.person, &a.home, &a.sub, &a.state, &a.document, (*number)(&a.until), &a.handle, &a.way, &a.number)
	return a, err
}

// number reads what should be one; anything else is 0.
type number int64

// Scan implements sql.Scanner.
func (n *number) Scan(v any) error {
	i, _ := v.(int64)
	*n = number(i)
	return nil
}

// inOf finds one that was signed here.
func inOf(ctx context.Context, q db.Querier, id string) (arrived, bool, error) {
	a, err := db.One(ctx, q, scanIn, `SELECT `+inColumns+`, number FROM identity_move_in WHERE id = $1 AND way <> ''`, id)
	if errors.Is(err, db.ErrNoRow) {
		return a, false, nil
	}
	return a, err == nil, err
}

// askedIn lists, a hundred at most, whose old home was not heard yet, after one of them.
func askedIn(ctx context.Context, q db.Querier, after string) ([]arrived, error) {
	return db.All(ctx, q, scanIn, `SELECT `+inColumns+`, number FROM identity_move_in WHERE state = $1 AND id > $2 ORDER BY id LIMIT 100`, asked, after)
}

// putChain keeps the releases by which a person comes in the place of those known before.
func putChain(ctx context.Context, q db.Querier, last arrived, earlier Chain) error {
	if _, err := db.Exec(ctx, q, `DELETE FROM identity_move_in WHERE person = $1`, string(last.person)); err != nil {
		return err
	}
	all := make([]arrived, 0, len(earlier)+1)
	for _, s := range earlier {
		text, err := s.text()
		if err != nil {
			return err
		}
		all = append(all, arrived{id: s.ID, person: last.person, home: s.Home, sub: s.Sub, state: finished, document: text, until: s.Until})
	}
	for i, a := range append(all, last) {
		_, err := db.Exec(ctx, q, `INSERT INTO identity_move_in (number, `+inColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
			i, a.id, string(a.person), string(a.home), a.sub, a.state, a.document, int64(a.until), a.handle, a.way)
		if err != nil {
			return err
		}
	}
	return nil
}

// finishIn notes that a person is here; false when it was noted before.
func finishIn(ctx context.Context, q db.Querier, id string) (bool, error) {
	n, err := db.Exec(ctx, q, `UPDATE identity_move_in SET state = $2 WHERE id = $1 AND state = $3`, id, finished, asked)
	return n == 1, err
}

// dropIn forgets a release that came to nothing.
func dropIn(ctx context.Context, q db.Querier, id string) (bool, error) {
	n, err := db.Exec(ctx, q, `DELETE FROM identity_move_in WHERE id = $1 AND state = $2`, id, asked)
	return n == 1, err
}

// cameRows are the newest releases by which a person came here, the oldest of them first.
func cameRows(ctx context.Context, q db.Querier, who person.ID, most int) ([]arrived, error) {
	rows, err := db.All(ctx, q, scanIn, `SELECT `+inColumns+`, number FROM identity_move_in WHERE person = $1 AND state = $2 ORDER BY number DESC LIMIT $3`,
		string(who), finished, most)
	slices.Reverse(rows)
	return rows, err
}

// cameTexts are cameRows as they travel.
func cameTexts(ctx context.Context, q db.Querier, who person.ID, most int) ([]string, error) {
	rows, err := cameRows(ctx, q, who, most)
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	texts := make([]string, len(rows))
	for i, a := range rows {
		if texts[i], err = a.shown(); err != nil {
			return nil, err
		}
	}
	return texts, nil
}

// cameBy is cameRows, read. Returns CodeInternal "identity.move.damaged".
func cameBy(ctx context.Context, q db.Querier, who person.ID, most int) (Chain, error) {
	rows, err := cameRows(ctx, q, who, most)
	if err != nil {
		return nil, err
	}
	chain := make(Chain, len(rows))
	for i, a := range rows {
		if err := a.damage(); err != nil {
			return nil, err
		}
		if chain[i], err = Read(a.document); err != nil {
			return nil, err
		}
	}
	return chain, nil
}

// allIn lists who came, by person, after one of them.
func allIn(ctx context.Context, q db.Querier, after arrived, limit int) ([]arrived, error) {
	return db.All(ctx, q, scanIn, `SELECT `+inColumns+`, number FROM identity_move_in WHERE person > $1 OR (person = $1 AND number > $2) ORDER BY person, number LIMIT $3`,
		string(after.person), after.number, limit)
}

// allViews lists who came and who goes.
func allViews(ctx context.Context, q db.Querier) ([]View, error) {
	views, err := db.All(ctx, q, func(r db.Row) (v View, err error) {
		return v, r.Scan(&v.Handle, &v.Member, &v.Way, &v.State, (*number)(&v.Until))
	},
		`SELECT p.handle, o.home, 'out' AS way, o.state, o.until_us FROM identity_move_out o JOIN identity_person p ON p.id = o.person
		UNION ALL SELECT p.handle, i.home, 'in', i.state, i.until_us FROM identity_move_in i JOIN identity_person p ON p.id = i.person WHERE i.way <> ''
		ORDER BY 1, 5`)
	return append([]View{}, views...), err
}

// Arriving refuses to end an account to which its owner is moving now: the old home may have
// let them go already, and they would have none. Returns CodeConflict "identity.move.arriving".
func Arriving(ctx context.Context, q db.Querier, who person.ID) error {
	n, err := db.One(ctx, q, db.Int64, `SELECT count(*) FROM identity_move_in WHERE person = $1 AND state = $2`, string(who), asked)
	if err == nil && n > 0 {
		err = core.Conflict("identity.move.arriving", errors.New("waits for the old home"))
	}
	return err
}

// cameFrom is the account here of somebody who came from a home by an earlier release; empty =
// nobody did.
func cameFrom(ctx context.Context, q db.Querier, home core.MemberID, sub string) (person.ID, error) {
	id, err := db.One(ctx, q, db.Text, `SELECT i.person FROM identity_move_in i JOIN identity_person p ON p.id = i.person
		WHERE i.home = $1 AND i.sub = $2 AND i.way <> '' AND i.state = $3 AND p.kind = $4 AND p.status = $5 ORDER BY i.person LIMIT 1`,
		string(home), sub, finished, string(person.Local), string(person.Active))
	if errors.Is(err, db.ErrNoRow) {
		return "", nil
	}
	return person.ID(id), err
}
