-- +goose Up
-- The days of which small chunks were joined to one for each series.
CREATE TABLE watch_merged (
    day BIGINT PRIMARY KEY
);
