-- +goose Up
-- Up to when members have signed ahead of our clock, for the next start.
CREATE TABLE peer_ahead (
    member   TEXT PRIMARY KEY,
    until_us BIGINT NOT NULL
);

-- +goose Down
DROP TABLE peer_ahead;
