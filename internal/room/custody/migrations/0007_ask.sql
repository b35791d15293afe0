-- +goose Up
-- Asks to open a box that came here: we hold a share, or the box is ours.
CREATE TABLE custody_ask (
  id           TEXT PRIMARY KEY, -- hex of the payload's SHA-256
  deal         TEXT NOT NULL,
  owner        TEXT NOT NULL,
  asker        TEXT NOT NULL,
  nonce        TEXT NOT NULL,
  document     BYTEA NOT NULL, -- the signed ask
  held         BOOLEAN NOT NULL, -- we keep a share
  received_us  BIGINT NOT NULL,
  received_ran BIGINT NOT NULL, -- microseconds of custody_clock
  noticed_us   BIGINT NOT NULL DEFAULT 0, -- who has to know was told, or tried
  expires_us   BIGINT NOT NULL,
  declined_us  BIGINT NOT NULL DEFAULT 0,
  burnt_us     BIGINT NOT NULL DEFAULT 0, -- its box was opened
  released_us  BIGINT NOT NULL DEFAULT 0,
  share        BYTEA, -- age file to the ask's recipient, once released
  log_from     BIGINT NOT NULL DEFAULT 0, -- our logbook's size before it was written there
  logged_us    BIGINT NOT NULL DEFAULT 0, -- the logbook says it: only now is the share handed out
  UNIQUE (deal, nonce)
);
CREATE INDEX custody_ask_deal ON custody_ask (deal);
CREATE INDEX custody_ask_unlogged ON custody_ask (released_us) WHERE released_us > 0 AND logged_us = 0;

-- What was said to an ask: vetoes, and holders that agree to wait less or overrule.
CREATE TABLE custody_ask_word (
  ask      TEXT NOT NULL,
  kind     TEXT NOT NULL, -- veto, sooner, overrule
  who      TEXT NOT NULL, -- a member, "root", or the id of a card
  strength TEXT NOT NULL, -- node, card, root
  ran      BIGINT NOT NULL, -- microseconds of custody_clock when it came
  at_us    BIGINT NOT NULL,
  document BYTEA NOT NULL, -- as it came, to be handed on
  PRIMARY KEY (ask, kind, who)
);

-- Who has to be told of an ask, or of a word to it.
CREATE TABLE custody_ask_notice (
  ask     TEXT NOT NULL,
  who     TEXT NOT NULL, -- "member/<id>", "mail/<number on the contact sheet>"
  what    TEXT NOT NULL, -- "ask", or "<kind>/<who>" of a word
  tries   BIGINT NOT NULL DEFAULT 0,
  next_us BIGINT NOT NULL,
  done_us BIGINT NOT NULL DEFAULT 0,
  PRIMARY KEY (ask, who, what)
);
CREATE INDEX custody_ask_notice_due ON custody_ask_notice (next_us) WHERE done_us = 0;

-- Asks of ours, with what opens the shares that come.
CREATE TABLE custody_ask_own (
  id        TEXT PRIMARY KEY,
  document  BYTEA NOT NULL,
  identity  BYTEA NOT NULL, -- sealed: the age identity of the ask's recipient; empty once the box was opened
  made_us   BIGINT NOT NULL,
  opened_us BIGINT NOT NULL DEFAULT 0,
  log_from  BIGINT NOT NULL DEFAULT 0,
  logged_us BIGINT NOT NULL DEFAULT 0
);

-- The holder's clock: what its node ran. One row.
CREATE TABLE custody_clock (
  id        BIGINT PRIMARY KEY,
  ran       BIGINT NOT NULL, -- microseconds, as all of them
  wall_us   BIGINT NOT NULL,
  owed      BIGINT NOT NULL,
  heard_us  BIGINT NOT NULL,
  heard_ran BIGINT NOT NULL
);

-- What logbooks say of asks: a share was released, a box was opened.
CREATE TABLE custody_ask_entry (
  log   TEXT NOT NULL,
  entry BIGINT NOT NULL,
  ask   TEXT NOT NULL,
  kind  TEXT NOT NULL, -- release, opened
  at_us BIGINT NOT NULL,
  PRIMARY KEY (log, entry)
);
CREATE INDEX custody_ask_entry_ask ON custody_ask_entry (ask);

-- What has to be changed because a box was opened: one line for each thing it held.
CREATE TABLE custody_rotation (
  deal      TEXT NOT NULL,
  line      BIGINT NOT NULL,
  scope     TEXT NOT NULL,
  says      TEXT NOT NULL, -- what it is, never the secret
  opened_us BIGINT NOT NULL,
  done_us   BIGINT NOT NULL DEFAULT 0,
  PRIMARY KEY (deal, line)
);
