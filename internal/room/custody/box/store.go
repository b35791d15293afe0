package box

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/seal"
	"entrechat/internal/room/custody/share"
)

// Kept is a box as it lies here: our own, or the copy we keep for its owner.
type Kept struct {
	Signed
	// Holds says what our own box holds, one line each, for who has to change it all after an
	// opening; empty for others' boxes.
	Holds []string
}

// Put keeps an update, unless one as new is here; it says whether it did.
func Put(ctx context.Context, q db.Querier, k Kept) (bool, error) {
	document, err := k.Document.Encode()
	if err != nil {
		return false, err
	}
	holds, err := json.Marshal(k.Holds)
	if err != nil {
		return false, err
	}
	n, err := db.Exec(ctx, q, `INSERT INTO custody_box (deal, owner, version, sealed_us, holds, document) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (deal) DO UPDATE SET version = excluded.version, sealed_us = excluded.sealed_us, holds = excluded.holds, document = excluded.document
		WHERE custody_box.version < excluded.version AND custody_box.owner = excluded.owner`,
		string(k.Deal), string(k.Owner), k.Version, int64(k.Made), string(holds), document)
	return n == 1, err
}

// Get is the newest box of a deal. Returns CodeNotFound "custody.box.none".
func Get(ctx context.Context, q db.Querier, deal share.ID) (Kept, error) {
	k, err := db.One(ctx, q, scan, `SELECT holds, document FROM custody_box WHERE deal = $1`, string(deal))
	if errors.Is(err, db.ErrNoRow) {
		return k, core.NotFound("custody.box.none", err)
	}
	return k, err
}

func scan(r db.Row) (k Kept, err error) {
	var holds string
	var document []byte
	if err := r.Scan(&holds, &document); err != nil {
		return k, err
	}
	env, err := seal.DecodeEnvelope(document)
	if err == nil {
		k.Signed, err = Read(env)
	}
	if err == nil {
		err = json.Unmarshal([]byte(holds), &k.Holds)
	}
	if err != nil {
		return k, fmt.Errorf("a kept box: %w", err)
	}
	return k, nil
}
