-- One age identity for each repository, in place of one for all.
-- +goose Up
ALTER TABLE vault_repo ADD COLUMN recipient TEXT NOT NULL DEFAULT ''; -- age, public; empty = drawn at the next start

ALTER TABLE vault_object ADD COLUMN sealed_to TEXT NOT NULL DEFAULT ''; -- the repository's recipient then; empty = the shared one

-- +goose Down
ALTER TABLE vault_object DROP COLUMN sealed_to;

ALTER TABLE vault_repo DROP COLUMN recipient;
