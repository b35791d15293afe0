-- Since when a member gives us nothing new, so that what it has is made again at others.
-- +goose Up
ALTER TABLE vault_lender ADD COLUMN leaves_us BIGINT NOT NULL DEFAULT 0; -- 0 = it lends

-- +goose Down
ALTER TABLE vault_lender DROP COLUMN leaves_us;
