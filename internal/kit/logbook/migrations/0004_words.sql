-- The field's words: a lease is renewed, a log truncated, where these columns said beat and
-- cut.
-- +goose Up
ALTER TABLE logbook_lease RENAME COLUMN beat_us TO renewed_us;

ALTER TABLE logbook_cursor RENAME COLUMN cut TO truncated; -- -1 = nothing was taken back

-- +goose Down
ALTER TABLE logbook_cursor RENAME COLUMN truncated TO cut;

ALTER TABLE logbook_lease RENAME COLUMN renewed_us TO beat_us;
