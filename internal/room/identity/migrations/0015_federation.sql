-- +goose Up
-- Keys of what a member says to other federations, from its card.
ALTER TABLE identity_home ADD COLUMN federation TEXT NOT NULL DEFAULT '{"keys":[]}'; -- JWKS, public halves
