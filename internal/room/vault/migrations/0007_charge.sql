-- What a shard counts in its owner's pact is what it costs: whole blocks, and a block for
-- its row. Until here it was the size of its file.
-- +goose Up
UPDATE vault_held SET bytes = ((bytes + 4095) / 4096 + 1) * 4096;

UPDATE vault_tenant SET bytes = (SELECT CAST(COALESCE(SUM(h.bytes), 0) AS BIGINT) FROM vault_held h WHERE h.owner = vault_tenant.owner);

-- The BLAKE3 hashes of a shard's subtrees of 256 KiB, so that an audit reads one of them;
-- empty = not known yet, or no larger than one.
ALTER TABLE vault_held ADD COLUMN tree BYTEA NOT NULL DEFAULT '';

-- +goose Down
ALTER TABLE vault_held DROP COLUMN tree;

UPDATE vault_held SET bytes = length(head) + length;

UPDATE vault_tenant SET bytes = (SELECT CAST(COALESCE(SUM(h.bytes), 0) AS BIGINT) FROM vault_held h WHERE h.owner = vault_tenant.owner);
