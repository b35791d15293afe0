-- What a lender had no room for, so that a small thing it still takes ends nothing.
-- +goose Up
ALTER TABLE vault_lender ADD COLUMN full_bytes BIGINT NOT NULL DEFAULT 0; -- the smallest shard refused; 0 = none

-- +goose Down
ALTER TABLE vault_lender DROP COLUMN full_bytes;
