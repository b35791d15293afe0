-- Whether the restic password that is kept opens a key of its repository.
-- +goose Up
ALTER TABLE vault_repo ADD COLUMN password TEXT NOT NULL DEFAULT ''; -- opens, wrong; empty = not known

-- +goose Down
ALTER TABLE vault_repo DROP COLUMN password;
