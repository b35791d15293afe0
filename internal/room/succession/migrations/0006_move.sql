-- +goose Up
-- Moves that a recipe does. The settings hold secrets: only where they are and their hash is kept.
CREATE TABLE succession_move (
  id         TEXT PRIMARY KEY,
  recipe     TEXT NOT NULL,
  file       TEXT NOT NULL, -- absolute path of the settings
  sum        TEXT NOT NULL, -- SHA-256 of the settings, hex
  state      TEXT NOT NULL,
  begun_us   BIGINT NOT NULL,
  changed_us BIGINT NOT NULL
);
-- Each step of each unit, from just before it begins for the first time.
CREATE TABLE succession_move_step (
  move_id  TEXT NOT NULL,
  step     TEXT NOT NULL,
  unit     TEXT NOT NULL, -- empty = the whole
  state    TEXT NOT NULL, -- begun, done, undone
  tries    BIGINT NOT NULL,
  at_us    BIGINT NOT NULL, -- of the last change
  done_n   BIGINT NOT NULL, -- how far it is, of total_n; 0 of 0 = unknown
  total_n  BIGINT NOT NULL,
  error    TEXT NOT NULL, -- key of the sentence of what broke it off; empty = nothing did
  PRIMARY KEY (move_id, step, unit)
);
-- What was counted last on both sides.
CREATE TABLE succession_move_count (
  move_id  TEXT NOT NULL,
  unit     TEXT NOT NULL,
  number   BIGINT NOT NULL,
  what     TEXT NOT NULL,
  part     TEXT NOT NULL,
  from_n   BIGINT NOT NULL,
  to_n     BIGINT NOT NULL,
  from_sum TEXT NOT NULL,
  to_sum   TEXT NOT NULL,
  PRIMARY KEY (move_id, unit, number)
);
-- What a move that is not ended moves: nothing is moved twice at once.
CREATE TABLE succession_move_claim (
  claim   TEXT PRIMARY KEY, -- SHA-256 of scope and unit, hex
  move_id TEXT NOT NULL
);
CREATE INDEX succession_move_claim_move ON succession_move_claim (move_id);
-- +goose Down
DROP TABLE succession_move_claim;
DROP TABLE succession_move_count;
DROP TABLE succession_move_step;
DROP TABLE succession_move;
