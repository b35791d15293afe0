-- The field's words: deleted, tombstone and stored, where these columns said buried, grave
-- and held.
-- +goose Up
ALTER TABLE vault_object RENAME COLUMN buried_us TO deleted_us; -- 0 = alive

ALTER TABLE vault_placement RENAME COLUMN held_us TO since_us; -- by the receipt, the holder's clock

ALTER TABLE vault_placement RENAME COLUMN bury_us TO tombstone_next_us; -- a tombstone is not sent before; our clock

ALTER TABLE vault_placement RENAME COLUMN grave_us TO deleted_us; -- when the member said it is deleted; 0 = it has not

DROP INDEX vault_placement_used;

UPDATE vault_placement SET state = 'stored' WHERE state = 'held';

CREATE INDEX vault_placement_used ON vault_placement (member, length) WHERE state = 'stored';

-- +goose Down
DROP INDEX vault_placement_used;

UPDATE vault_placement SET state = 'held' WHERE state = 'stored';

CREATE INDEX vault_placement_used ON vault_placement (member, length) WHERE state = 'held';

ALTER TABLE vault_placement RENAME COLUMN deleted_us TO grave_us;

ALTER TABLE vault_placement RENAME COLUMN tombstone_next_us TO bury_us;

ALTER TABLE vault_placement RENAME COLUMN since_us TO held_us;

ALTER TABLE vault_object RENAME COLUMN deleted_us TO buried_us;
