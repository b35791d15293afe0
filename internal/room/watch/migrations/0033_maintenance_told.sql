-- +goose Up
ALTER TABLE watch_maintenance ADD COLUMN told TEXT NOT NULL DEFAULT ''; -- the state that was told last; '' = none
CREATE INDEX watch_maintenance_told ON watch_maintenance (told, end_us);
