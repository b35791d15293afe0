-- +goose Up
ALTER TABLE watch_incident_step ADD COLUMN certificate TEXT NOT NULL DEFAULT ''; -- leaf hash; '' = not known here
CREATE INDEX watch_incident_step_certificate ON watch_incident_step (certificate);
