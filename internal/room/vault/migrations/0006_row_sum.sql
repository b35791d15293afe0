-- A check sum in each row: SQLite does not notice a flipped bit in its pages.
-- +goose Up
ALTER TABLE vault_object ADD COLUMN row_sum TEXT NOT NULL DEFAULT ''; -- of what never changes; empty = written at the next start

ALTER TABLE vault_placement ADD COLUMN row_sum TEXT NOT NULL DEFAULT '';

-- +goose Down
ALTER TABLE vault_placement DROP COLUMN row_sum;

ALTER TABLE vault_object DROP COLUMN row_sum;
