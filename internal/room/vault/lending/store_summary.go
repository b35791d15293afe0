package lending

import (
	"context"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/room/vault/holder"
	"entrechat/internal/room/vault/shard"
)

// alive lists an owner's stored shards that are not deleted and whose object begins with
// prefix.
func (s records) alive(ctx context.Context, owner core.MemberID, prefix string) ([]holder.Ref, error) {
	return db.All(ctx, s.db, func(r db.Row) (ref holder.Ref, err error) {
		var object string
		if err := r.Scan(&object, &ref.Index); err != nil {
			return ref, err
		}
		ref.Object, err = shard.ParseHash(object)
		return ref, err
	}, `SELECT object, idx FROM vault_stored WHERE owner = $1 AND object >= $2 AND object < $3 AND state = $4 AND deleted_us = 0`,
		owner, prefix, prefix+"g", stateStored) // "g" comes after every hex digit
}
