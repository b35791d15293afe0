-- +goose Up
-- Repositories that runbooks come from.
CREATE TABLE custody_runbook_source (
  id        TEXT PRIMARY KEY,
  address   TEXT NOT NULL UNIQUE, -- https address or absolute path
  added_us  BIGINT NOT NULL,
  pulled_us BIGINT NOT NULL, -- last good pull; 0 = never
  trouble   TEXT NOT NULL -- words key of why the last pull failed; empty = it did not
);

-- The texts at the head of each repository: they are here too when the repository is away.
CREATE TABLE custody_runbook (
  id          TEXT PRIMARY KEY, -- hash of source and path
  source      TEXT NOT NULL,
  path        TEXT NOT NULL,
  title       TEXT NOT NULL,
  text        TEXT NOT NULL,
  commit_hash TEXT NOT NULL, -- the last one that changed the file
  changed_us  BIGINT NOT NULL, -- when, as that commit says
  authors     TEXT NOT NULL -- JSON: whoever wrote a commit of the file
);
CREATE INDEX custody_runbook_source_of ON custody_runbook (source);

-- Readings of a runbook from its beginning to its end. reader and led_by are ids of cards.
CREATE TABLE custody_rehearsal (
  id          TEXT PRIMARY KEY,
  runbook     TEXT NOT NULL,
  commit_hash TEXT NOT NULL, -- what was read
  text        TEXT NOT NULL, -- what is being read; empty once it is over
  reader      TEXT NOT NULL,
  led_by      TEXT NOT NULL, -- who watched; empty = nobody
  scenario    TEXT NOT NULL,
  state       TEXT NOT NULL, -- open, reached, missed, dropped
  started_us  BIGINT NOT NULL,
  done_us     BIGINT NOT NULL -- 0 = it runs
);
CREATE INDEX custody_rehearsal_of ON custody_rehearsal (runbook, started_us);

CREATE TABLE custody_rehearsal_step (
  rehearsal TEXT NOT NULL,
  number    BIGINT NOT NULL, -- from 0
  heading   TEXT NOT NULL,
  defect    TEXT NOT NULL, -- empty = the text alone got the reader on
  at_us     BIGINT NOT NULL,
  PRIMARY KEY (rehearsal, number)
);

-- Role plays: when, how long, and what did not work. Nothing of who played or of the card.
CREATE TABLE custody_drill (
  id      TEXT PRIMARY KEY,
  at_us   BIGINT NOT NULL,
  minutes BIGINT NOT NULL,
  defects TEXT NOT NULL -- JSON: lines
);
