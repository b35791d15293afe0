-- +goose Up
-- What follows our incidents until the last action is done.
CREATE TABLE assembly_debate (
  id        TEXT PRIMARY KEY,             -- 26 letters and digits
  origin    TEXT NOT NULL UNIQUE,         -- what called for it: 'incident ID', 'custody HASH', or 'hand ID'
  incident  TEXT NOT NULL,                -- of the watch; empty = none
  reason    TEXT NOT NULL,                -- downtime, data, privacy, custody, drill, other
  state     TEXT NOT NULL,                -- draft, public, closed, dropped
  lang      TEXT NOT NULL,                -- fr or en
  title     TEXT NOT NULL,
  story     TEXT NOT NULL,                -- JSON; empty once it stands in a postmortem or was withdrawn
  question  TEXT NOT NULL,
  from_us   BIGINT NOT NULL,
  until_us  BIGINT NOT NULL,
  down_us   BIGINT NOT NULL,              -- length; 0 = not measured
  reader    TEXT NOT NULL,                -- the member that was asked to read it; empty = nobody
  report    TEXT NOT NULL,                -- the envelope that it was asked with
  asked_us  BIGINT NOT NULL,
  reading   TEXT NOT NULL,                -- the envelope of its answer; empty = none yet
  note      TEXT NOT NULL,                -- what it said beside
  read_us   BIGINT NOT NULL,
  doc       TEXT NOT NULL,                -- id of the question; empty = not public
  made_us   BIGINT NOT NULL,
  public_us BIGINT NOT NULL,
  closed_us BIGINT NOT NULL
);

CREATE TABLE assembly_debate_action (
  id      TEXT PRIMARY KEY,
  debate  TEXT NOT NULL,
  what    TEXT NOT NULL,
  role    TEXT NOT NULL,
  due     TEXT NOT NULL,                  -- 2026-12-24
  link    TEXT NOT NULL,
  made_us BIGINT NOT NULL,
  done_us BIGINT NOT NULL                 -- 0 = open
);
CREATE INDEX assembly_debate_action_debate ON assembly_debate_action (debate);

-- Questions and remarks, ours and the other members'.
CREATE TABLE assembly_debate_paper (
  id       TEXT NOT NULL,                 -- hex SHA-256 of the payload
  owner    TEXT NOT NULL,
  kind     TEXT NOT NULL,                 -- question, remark
  about    TEXT NOT NULL,                 -- of a remark: the id of the question
  body     TEXT NOT NULL,                 -- the envelope
  state    TEXT NOT NULL,                 -- empty = to be fetched; held, withdrawn, broken
  standing TEXT NOT NULL,                 -- of a remark on ours: empty = waits; shown, refused
  became   TEXT NOT NULL,                 -- of a remark: need, action, proposal; empty = nothing yet
  place    BIGINT NOT NULL,               -- index of its entry in the owner's logbook; -1 = no entry yet
  tries    BIGINT NOT NULL,
  next_us  BIGINT NOT NULL,
  made_us  BIGINT NOT NULL,
  PRIMARY KEY (id, owner)
);
CREATE INDEX assembly_debate_paper_about ON assembly_debate_paper (about);
CREATE INDEX assembly_debate_paper_next ON assembly_debate_paper (state, next_us);

-- Drafts that other members asked us to read.
CREATE TABLE assembly_debate_reading (
  report  TEXT NOT NULL,                  -- id of the document
  owner   TEXT NOT NULL,
  body    TEXT NOT NULL,                  -- its envelope; empty once it was read long ago
  reading TEXT NOT NULL,                  -- the envelope of our answer; empty = none yet
  came_us BIGINT NOT NULL,
  read_us BIGINT NOT NULL,
  PRIMARY KEY (report, owner)
);

-- The month of the last entry of counts: one row.
CREATE TABLE assembly_debate_said (
  id    TEXT PRIMARY KEY,                 -- 'own'
  month TEXT NOT NULL
);
