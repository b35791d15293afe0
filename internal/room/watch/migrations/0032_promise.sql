-- +goose Up
CREATE TABLE watch_promise (
    owner   TEXT NOT NULL,
    service TEXT NOT NULL,
    idx     BIGINT NOT NULL,
    said_us BIGINT NOT NULL,
    promise TEXT NOT NULL, -- JSON
    PRIMARY KEY (owner, service, idx)
);
