-- Files that this disk lost before any member had them: what may rest on them is refused.
-- +goose Up
CREATE INDEX vault_object_gone ON vault_object (repo, kind) WHERE state = 'gone';

-- +goose Down
DROP INDEX vault_object_gone;
