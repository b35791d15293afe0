-- +goose Up
-- What people told us they need. Nothing here names them: the address is sealed, the link hashed.
CREATE TABLE assembly_need (
  id           TEXT PRIMARY KEY,
  link         TEXT NOT NULL UNIQUE,          -- hash of the token of the private link
  lang         TEXT NOT NULL,                 -- fr or en: how the author read the form
  service      TEXT NOT NULL,                 -- as our catalogue names it; empty = none of them
  goal         TEXT NOT NULL,                 -- as it was typed
  obstacle     TEXT NOT NULL,
  shown_goal   TEXT NOT NULL,                 -- as it is published
  shown_obstacle TEXT NOT NULL,
  standing     TEXT NOT NULL,                 -- waiting, published, refused
  reason       TEXT NOT NULL,                 -- of a refusal
  state        TEXT NOT NULL,                 -- of the last answer; empty = none yet
  merged_into  TEXT NOT NULL,                 -- id of the need it was merged into; empty = none
  address      BYTEA NOT NULL,                -- sealed; empty = none
  confirmed_us BIGINT NOT NULL,               -- when its owner confirmed the address; 0 = not
  made_us      BIGINT NOT NULL,
  decided_us   BIGINT NOT NULL,               -- published or refused; 0 = waiting
  heard_us     BIGINT NOT NULL,               -- first answer; 0 = none
  changed_us   BIGINT NOT NULL                -- last change of standing or state
);
CREATE INDEX assembly_need_standing ON assembly_need (standing, decided_us);

CREATE TABLE assembly_need_answer (
  need   TEXT NOT NULL,
  number BIGINT NOT NULL,                     -- from 1
  state  TEXT NOT NULL,
  text   TEXT NOT NULL,
  month  TEXT NOT NULL,                       -- 2027-03, of planned
  link   TEXT NOT NULL,                       -- of done
  member TEXT NOT NULL,                       -- of elsewhere
  at_us  BIGINT NOT NULL,
  PRIMARY KEY (need, number)
);

-- Who else needs it: a keyed hash of the account or address. It stays at the need it was
-- given to, so that a merge is undone exactly.
CREATE TABLE assembly_need_voice (
  need  TEXT NOT NULL,
  voice TEXT NOT NULL,
  PRIMARY KEY (need, voice)
);

-- Mails on their way; what is in them is sealed.
CREATE TABLE assembly_need_mail (
  id      TEXT PRIMARY KEY,
  need    TEXT NOT NULL,
  sealed  BYTEA NOT NULL,                     -- address, title and text
  made_us BIGINT NOT NULL,
  due_us  BIGINT NOT NULL,
  failed  BIGINT NOT NULL
);
CREATE INDEX assembly_need_mail_due ON assembly_need_mail (due_us);
