-- +goose Up
-- How often targets, or what is proved of their hosts, changed: who remembers them knows
-- whether they still hold. One row.
CREATE TABLE watch_target_revision (
    id BIGINT PRIMARY KEY,
    n  BIGINT NOT NULL
);
