-- +goose Up
-- Proposals of collectives that we follow. What people wrote is in the documents alone.
CREATE TABLE assembly_decision_proposal (
  id         TEXT PRIMARY KEY,          -- hex of the payload's SHA-256
  chain      TEXT NOT NULL,             -- id of the first version
  author     TEXT NOT NULL,
  charter    TEXT NOT NULL,
  version    BIGINT NOT NULL,           -- from 1
  opened_us  BIGINT NOT NULL,
  counted_us BIGINT NOT NULL,           -- when the count is due
  frame      BYTEA NOT NULL,            -- what a count needs of it: nothing that a person wrote
  settled_us BIGINT NOT NULL DEFAULT 0  -- when all that we had to do about it was done
);
CREATE INDEX assembly_decision_proposal_chain ON assembly_decision_proposal (chain);
CREATE INDEX assembly_decision_proposal_opened ON assembly_decision_proposal (opened_us);

-- Signed documents: proposals, remarks, objections.
CREATE TABLE assembly_decision_document (
  id       TEXT PRIMARY KEY,
  kind     TEXT NOT NULL,               -- proposal, remark, objection
  author   TEXT NOT NULL,
  proposal TEXT NOT NULL,               -- what it is about: itself, for a proposal
  envelope BYTEA NOT NULL,              -- empty = its author took the text back
  kept_us  BIGINT NOT NULL
);
CREATE INDEX assembly_decision_document_proposal ON assembly_decision_document (proposal, author);

-- What logbooks say of decisions.
CREATE TABLE assembly_decision_entry (
  log      TEXT NOT NULL,
  entry    BIGINT NOT NULL,
  typ      TEXT NOT NULL,
  proposal TEXT NOT NULL,               -- empty where the entry names none: a fork, a text taken back
  doc      TEXT NOT NULL,               -- the document that it names, the origin of a fork; or empty
  iat_us   BIGINT NOT NULL,
  body     BYTEA NOT NULL,
  PRIMARY KEY (log, entry)
);
CREATE INDEX assembly_decision_entry_proposal ON assembly_decision_entry (proposal);
CREATE INDEX assembly_decision_entry_doc ON assembly_decision_entry (doc);

-- Documents that a logbook names and that are not here yet.
CREATE TABLE assembly_decision_want (
  doc      TEXT PRIMARY KEY,
  log      TEXT NOT NULL,
  kind     TEXT NOT NULL,
  proposal TEXT NOT NULL,
  iat_us   BIGINT NOT NULL,
  tries    BIGINT NOT NULL DEFAULT 0,
  next_us  BIGINT NOT NULL
);
CREATE INDEX assembly_decision_want_next ON assembly_decision_want (next_us);

-- Entries of ours on their way into our logbook.
CREATE TABLE assembly_decision_saying (
  id       TEXT PRIMARY KEY,            -- what it is: no two of one
  number   BIGINT NOT NULL,             -- the order in which they are written
  proposal TEXT NOT NULL,
  typ      TEXT NOT NULL,
  body     BYTEA NOT NULL,
  log_from BIGINT NOT NULL,             -- our logbook's size before it was written there
  until_us BIGINT NOT NULL,             -- not written later than that
  entry    BIGINT NOT NULL DEFAULT -1   -- its index in our logbook; -1 = not written yet, -2 = too late
);
CREATE INDEX assembly_decision_saying_open ON assembly_decision_saying (entry, number);

-- Ballots of ours, with what opens them.
CREATE TABLE assembly_decision_ballot (
  commitment TEXT PRIMARY KEY,
  proposal   TEXT NOT NULL,
  opening    BYTEA NOT NULL,            -- sealed under the node's key
  made_us    BIGINT NOT NULL
);
CREATE INDEX assembly_decision_ballot_proposal ON assembly_decision_ballot (proposal);

-- Votes that wait for the word of a second admin.
CREATE TABLE assembly_decision_waiting (
  proposal TEXT PRIMARY KEY,
  vote     BYTEA NOT NULL,              -- sealed under the node's key
  who      TEXT NOT NULL,               -- the admin who cast it
  made_us  BIGINT NOT NULL
);

-- Mails that our admins got, and did not.
CREATE TABLE assembly_decision_notice (
  proposal TEXT NOT NULL,
  what     TEXT NOT NULL,
  done_us  BIGINT NOT NULL,
  PRIMARY KEY (proposal, what)
);
