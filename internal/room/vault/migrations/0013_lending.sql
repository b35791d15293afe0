-- What we store for others, in the field's words: stored, deleted and tombstone, where the
-- table and its columns said held, buried and tomb.
-- +goose Up
DROP INDEX vault_held_buried;

DROP INDEX vault_held_checked;

DROP INDEX vault_held_received;

ALTER TABLE vault_held RENAME TO vault_stored;

ALTER TABLE vault_stored RENAME COLUMN keep_us TO until_us; -- promised until; 0 = no end known

ALTER TABLE vault_stored RENAME COLUMN buried_us TO deleted_us; -- 0 = alive; our clock

ALTER TABLE vault_stored RENAME COLUMN tomb_us TO tombstone_us; -- newest tombstone seen; the owner's clock

UPDATE vault_stored SET state = 'stored' WHERE state = 'held';

CREATE INDEX vault_stored_deleted ON vault_stored (deleted_us) WHERE deleted_us > 0;

CREATE INDEX vault_stored_checked ON vault_stored (state, checked_us);

CREATE INDEX vault_stored_received ON vault_stored (state, received_us);

-- +goose Down
DROP INDEX vault_stored_received;

DROP INDEX vault_stored_checked;

DROP INDEX vault_stored_deleted;

UPDATE vault_stored SET state = 'held' WHERE state = 'stored';

ALTER TABLE vault_stored RENAME COLUMN tombstone_us TO tomb_us;

ALTER TABLE vault_stored RENAME COLUMN deleted_us TO buried_us;

ALTER TABLE vault_stored RENAME COLUMN until_us TO keep_us;

ALTER TABLE vault_stored RENAME TO vault_held;

CREATE INDEX vault_held_received ON vault_held (state, received_us);

CREATE INDEX vault_held_checked ON vault_held (state, checked_us);

CREATE INDEX vault_held_buried ON vault_held (buried_us) WHERE buried_us > 0;
