-- +goose Up
CREATE TABLE logbook_damage (         -- logs that do not verify on this disk, and that nobody gave back yet
    log          TEXT PRIMARY KEY,
    member       TEXT NOT NULL,
    since_us     BIGINT NOT NULL,
    detail       TEXT NOT NULL       -- for programmers
);
-- +goose Down
DROP TABLE logbook_damage;
