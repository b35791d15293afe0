-- What one author says of a hoster or of a service is a listing, here as in the code.
-- +goose Up
ALTER TABLE directory_hoster RENAME COLUMN sheet TO listing;
ALTER TABLE directory_service RENAME COLUMN sheet TO listing;
