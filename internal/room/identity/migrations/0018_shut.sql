-- +goose Up
-- A home that is shut: its people here are signed out a few at a time.
ALTER TABLE identity_home_shut ADD COLUMN rest BOOLEAN NOT NULL DEFAULT FALSE; -- some may be signed in still
ALTER TABLE identity_home_shut ADD COLUMN upto TEXT NOT NULL DEFAULT ''; -- by sub, up to which they are not
