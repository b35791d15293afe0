-- +goose Up
-- What went wrong with a member, since when; '' = nothing.
ALTER TABLE logbook_contact ADD COLUMN trouble TEXT NOT NULL DEFAULT '';       -- words key
ALTER TABLE logbook_contact ADD COLUMN trouble_status BIGINT NOT NULL DEFAULT 0; -- HTTP status of its answer, 0 = none came
ALTER TABLE logbook_contact ADD COLUMN trouble_us BIGINT NOT NULL DEFAULT 0;
-- +goose Down
ALTER TABLE logbook_contact DROP COLUMN trouble_us;
ALTER TABLE logbook_contact DROP COLUMN trouble_status;
ALTER TABLE logbook_contact DROP COLUMN trouble;
