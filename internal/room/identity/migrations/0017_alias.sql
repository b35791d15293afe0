-- +goose Up
ALTER TABLE identity_subject ADD COLUMN alias BOOLEAN NOT NULL DEFAULT FALSE; -- mail is the service's own address for the person
