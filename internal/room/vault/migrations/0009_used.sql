-- What ours takes at each member is summed every few seconds: from the index alone.
-- +goose Up
CREATE INDEX vault_placement_used ON vault_placement (member, length) WHERE state = 'held';

-- +goose Down
DROP INDEX vault_placement_used;
