-- +goose Up
ALTER TABLE watch_notice ADD COLUMN ends_us BIGINT NOT NULL DEFAULT 0; -- when what it warns of happens; 0 = it has no such time
CREATE INDEX watch_notice_kind ON watch_notice (kind, over_us);
