-- +goose Up
-- How often members, vouches, joins or charters changed: who computed something from them
-- knows whether it still holds. One row.
CREATE TABLE trust_revision (
    id BIGINT PRIMARY KEY,
    n  BIGINT NOT NULL
);
-- +goose Down
DROP TABLE trust_revision;
