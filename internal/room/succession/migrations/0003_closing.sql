-- +goose Up
-- What logbooks say of services that end.
CREATE TABLE succession_closing (
  owner    TEXT NOT NULL,
  idx      BIGINT NOT NULL, -- of the entry in the owner's logbook
  service  TEXT NOT NULL,
  body     TEXT NOT NULL, -- JSON, as the entry has it
  said_us  BIGINT NOT NULL, -- by the owner
  PRIMARY KEY (owner, idx)
);
-- The pacts that a logbook names: their notice bounds a closing.
CREATE TABLE succession_pact (
  owner    TEXT NOT NULL, -- of the logbook
  pact     TEXT NOT NULL,
  days     BIGINT NOT NULL,
  idx      BIGINT NOT NULL,
  end_idx  BIGINT NOT NULL, -- of the entry that ends it; -1 = none does
  PRIMARY KEY (owner, pact)
);
-- Other entries about it: handovers, what was moved, erased, counted and written to users.
CREATE TABLE succession_said (
  member   TEXT NOT NULL,
  idx      BIGINT NOT NULL,
  typ      TEXT NOT NULL,
  subject  TEXT NOT NULL, -- a handover, or a service
  body     TEXT NOT NULL, -- JSON, as the entry has it
  said_us  BIGINT NOT NULL,
  PRIMARY KEY (member, idx)
);
CREATE INDEX succession_said_subject ON succession_said (typ, subject);
-- Documents that travel beside the logbooks.
CREATE TABLE succession_paper (
  id       TEXT PRIMARY KEY, -- hash of the payload
  typ      TEXT NOT NULL, -- payload type
  owner    TEXT NOT NULL,
  service  TEXT NOT NULL,
  member   TEXT NOT NULL, -- who offers, or takes over; '' for a notice
  envelope TEXT NOT NULL,
  got_us   BIGINT NOT NULL,
  refused  TEXT NOT NULL -- words key of why people here do not read it; '' = they do
);
CREATE INDEX succession_paper_of ON succession_paper (owner, service, typ);
-- A mail to a person in a wave; nobody gets one twice.
CREATE TABLE succession_wave (
  service  TEXT NOT NULL,
  wave     TEXT NOT NULL,
  person   TEXT NOT NULL,
  state    TEXT NOT NULL, -- sending, sent, failed, given-up
  tries    BIGINT NOT NULL,
  due_us   BIGINT NOT NULL, -- of the next try
  PRIMARY KEY (service, wave, person)
);
-- Waves that were begun; done once everybody had theirs.
CREATE TABLE succession_wave_begun (
  service  TEXT NOT NULL,
  wave     TEXT NOT NULL,
  begun_us BIGINT NOT NULL,
  done_us  BIGINT NOT NULL,
  PRIMARY KEY (service, wave)
);
-- What a person wants done with one service's data.
CREATE TABLE succession_choice (
  service  TEXT NOT NULL,
  person   TEXT NOT NULL,
  choice   TEXT NOT NULL, -- '' = theirs for the account counts
  salt     TEXT NOT NULL, -- 32 signs of hex
  changed_us BIGINT NOT NULL,
  PRIMARY KEY (service, person)
);
-- The choices as our logbook counted them last.
CREATE TABLE succession_leaf (
  service  TEXT NOT NULL,
  place    BIGINT NOT NULL, -- in the tree, from 0
  person   TEXT NOT NULL,
  choice   TEXT NOT NULL,
  salt     TEXT NOT NULL,
  PRIMARY KEY (service, place)
);
-- +goose Down
DROP TABLE succession_leaf;
DROP TABLE succession_choice;
DROP TABLE succession_wave_begun;
DROP TABLE succession_wave;
DROP TABLE succession_paper;
DROP TABLE succession_said;
DROP TABLE succession_pact;
DROP TABLE succession_closing;
