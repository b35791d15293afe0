-- +goose Up
-- What we last told the other members about needs: one row.
CREATE TABLE assembly_need_said (
  id    TEXT PRIMARY KEY, -- 'own'
  month TEXT NOT NULL,    -- 2026-11, of the last entry; empty = none
  drawn TEXT NOT NULL,    -- the month the salt was drawn in
  salt  TEXT NOT NULL
);
