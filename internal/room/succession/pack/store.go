package pack

import (
	"context"
	"errors"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/seal"
)

// row is a pack as it lies here.
type row struct {
	Pack

	content string
	kept    core.Moment // since when the sealed file is here; 0 = it is not
}

func scanRow(r db.Row) (out row, err error) {
	var document string
	if err := r.Scan(&document, &out.content, &out.kept); err != nil {
		return out, err
	}
	env, err := seal.DecodeEnvelope([]byte(document))
	if err != nil {
		return out, err
	}
	out.Pack, err = Read(env)
	return out, err
}

const rowColumns = `document, content, kept_us`

func putPack(ctx context.Context, q db.Querier, r row) error {
	document, err := r.Document.Encode()
	if err != nil {
		return err
	}
	_, err = db.Exec(ctx, q, `INSERT INTO succession_pack (owner, service, number, id, document, content, made_us, kept_us) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		string(r.Owner), r.Service, r.Number, r.ID, string(document), r.content, int64(r.Made), int64(r.kept))
	return err
}

// packsOf lists the packs of a service, the newest first.
func packsOf(ctx context.Context, q db.Querier, owner core.MemberID, service string) ([]row, error) {
	return db.All(ctx, q, scanRow, `SELECT `+rowColumns+` FROM succession_pack WHERE owner = $1 AND service = $2 ORDER BY number DESC`, string(owner), service)
}

// newest is the newest pack of each service of an owner; of every owner for "".
func newest(ctx context.Context, q db.Querier, owner core.MemberID) ([]row, error) {
	return db.All(ctx, q, scanRow, `SELECT `+rowColumns+` FROM succession_pack p WHERE (owner = $1 OR $1 = '') AND number =
		(SELECT max(number) FROM succession_pack o WHERE o.owner = p.owner AND o.service = p.service) ORDER BY owner, service`, string(owner))
}

func allPacks(ctx context.Context, q db.Querier) ([]row, error) {
	return db.All(ctx, q, scanRow, `SELECT `+rowColumns+` FROM succession_pack ORDER BY owner, service, number DESC`)
}

func setKept(ctx context.Context, q db.Querier, p Pack, at core.Moment) error {
	_, err := db.Exec(ctx, q, `UPDATE succession_pack SET kept_us = $4 WHERE owner = $1 AND service = $2 AND number = $3`, string(p.Owner), p.Service, p.Number, int64(at))
	return err
}

func dropPack(ctx context.Context, q db.Querier, p Pack) error {
	_, err := db.Exec(ctx, q, `DELETE FROM succession_pack WHERE owner = $1 AND service = $2 AND number = $3`, string(p.Owner), p.Service, p.Number)
	return err
}

// sent is how far a successor is.
type sent struct {
	Service string
	Member  core.MemberID
	Number  int64 // the last it signed for; 0 = none
	Receipt core.Moment
	Failed  int64
	Next    core.Moment
	Trouble string // words key; empty = none
}

func scanSent(r db.Row) (s sent, err error) {
	err = r.Scan(&s.Service, &s.Member, &s.Number, &s.Receipt, &s.Failed, &s.Next, &s.Trouble)
	return s, err
}

func sentTo(ctx context.Context, q db.Querier, service string, m core.MemberID) (sent, error) {
	s, err := db.One(ctx, q, scanSent, `SELECT service, member, number, receipt_us, failed, next_us, trouble FROM succession_pack_sent WHERE service = $1 AND member = $2`, service, string(m))
	if errors.Is(err, db.ErrNoRow) {
		return sent{Service: service, Member: m}, nil
	}
	return s, err
}

func putSent(ctx context.Context, q db.Querier, s sent) error {
	_, err := db.Exec(ctx, q, `INSERT INTO succession_pack_sent (service, member, number, receipt_us, failed, next_us, trouble) VALUES ($1, $2, $3, $4, $5, $6, $7)
		ON CONFLICT (service, member) DO UPDATE SET number = excluded.number, receipt_us = excluded.receipt_us, failed = excluded.failed, next_us = excluded.next_us, trouble = excluded.trouble`,
		s.Service, string(s.Member), s.Number, int64(s.Receipt), s.Failed, int64(s.Next), s.Trouble)
	return err
}

// restore is a restore with how far its owner knows of it.
type restore struct {
	Restored

	said, next core.Moment
}

func scanRestore(r db.Row) (out restore, err error) {
	var document string
	if err := r.Scan(&document, &out.said, &out.next); err != nil {
		return out, err
	}
	env, err := seal.DecodeEnvelope([]byte(document))
	if err != nil {
		return out, err
	}
	out.Restored, err = readRestored(env)
	return out, err
}

const restoreColumns = `document, said_us, next_us`

// putRestore keeps a restore unless a newer one is here.
func putRestore(ctx context.Context, q db.Querier, r restore) error {
	document, err := r.Document.Encode()
	if err != nil {
		return err
	}
	running := 0
	if r.LagS > 0 {
		running = 1
	}
	_, err = db.Exec(ctx, q, `INSERT INTO succession_pack_restored (owner, service, member, running, at_us, document, said_us, next_us) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
		ON CONFLICT (owner, service, member, running) DO UPDATE SET at_us = excluded.at_us, document = excluded.document, said_us = excluded.said_us, next_us = excluded.next_us
		WHERE succession_pack_restored.at_us < excluded.at_us`,
		string(r.Owner), r.Service, string(r.By), running, int64(r.At), string(document), int64(r.said), int64(r.next))
	return err
}

func setSaid(ctx context.Context, q db.Querier, r restore) error {
	_, err := db.Exec(ctx, q, `UPDATE succession_pack_restored SET said_us = $5, next_us = $6 WHERE owner = $1 AND service = $2 AND member = $3 AND at_us = $4`,
		string(r.Owner), r.Service, string(r.By), int64(r.At), int64(r.said), int64(r.next))
	return err
}

// restoresOf lists the restores of a service, by every member.
func restoresOf(ctx context.Context, q db.Querier, owner core.MemberID, service string) ([]restore, error) {
	return db.All(ctx, q, scanRestore, `SELECT `+restoreColumns+` FROM succession_pack_restored WHERE owner = $1 AND service = $2 ORDER BY member, at_us DESC`, string(owner), service)
}

// unsaid lists our restores that their owner does not know of yet.
func unsaid(ctx context.Context, q db.Querier, self core.MemberID, now core.Moment) ([]restore, error) {
	return db.All(ctx, q, scanRestore, `SELECT `+restoreColumns+` FROM succession_pack_restored WHERE member = $1 AND said_us = 0 AND next_us <= $2`, string(self), int64(now))
}
