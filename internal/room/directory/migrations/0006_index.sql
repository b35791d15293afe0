-- When a hoster's services were last indexed, and whether that is to be done anew: who
-- changes its name all day makes no work all day.
-- +goose Up
ALTER TABLE directory_hoster ADD COLUMN indexed_us BIGINT NOT NULL DEFAULT 0; -- our clock; 0 = not known
ALTER TABLE directory_hoster ADD COLUMN stale BIGINT NOT NULL DEFAULT 0;      -- 1 = to be indexed anew
CREATE INDEX directory_hoster_stale ON directory_hoster (indexed_us) WHERE stale = 1;
