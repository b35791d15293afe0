package need

import (
	"context"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
)

// mailRow is a mail on its way; its text is sealed.
type mailRow struct {
	id, need  string
	sealed    []byte
	made, due core.Moment
	failed    int64
}

func insertMail(ctx context.Context, q db.Querier, m mailRow) error {
	_, err := db.Exec(ctx, q, `INSERT INTO assembly_need_mail (`+mailColumns+`) VALUES ($1, $2, $3, $4, $5, 0)`,
		m.id, m.need, m.sealed, int64(m.made), int64(m.due))
	return err
}

const mailColumns = `id, need, sealed, made_us, due_us, failed`

func scanMail(r db.Row) (m mailRow, err error) {
	return m, r.Scan(&m.id, &m.need, &m.sealed, &m.made, &m.due, &m.failed)
}

func dueMails(ctx context.Context, q db.Querier, now core.Moment, limit int) ([]mailRow, error) {
	return db.All(ctx, q, scanMail, `SELECT `+mailColumns+` FROM assembly_need_mail WHERE due_us <= $1 ORDER BY due_us, id LIMIT $2`, int64(now), limit)
}

func mailsOf(ctx context.Context, q db.Querier, need string) ([]mailRow, error) {
	return db.All(ctx, q, scanMail, `SELECT `+mailColumns+` FROM assembly_need_mail WHERE need = $1`, need)
}

// claimMail notes a try; false: another process was first.
func claimMail(ctx context.Context, q db.Querier, m mailRow, next core.Moment) (bool, error) {
	n, err := db.Exec(ctx, q, `UPDATE assembly_need_mail SET due_us = $2, failed = failed + 1 WHERE id = $1 AND due_us = $3`, m.id, int64(next), int64(m.due))
	return n == 1, err
}

func dropMail(ctx context.Context, q db.Querier, id string) error {
	_, err := db.Exec(ctx, q, `DELETE FROM assembly_need_mail WHERE id = $1`, id)
	return err
}

// dropOldMails drops what could not be sent for days, as while there is no mail server.
func dropOldMails(ctx context.Context, q db.Querier, before core.Moment) error {
	_, err := db.Exec(ctx, q, `DELETE FROM assembly_need_mail WHERE made_us < $1`, int64(before))
	return err
}
