-- +goose Up
-- What happened to accounts, in a chain: hash is over what stands in the row (address and
-- agent by their salted hash, so that both can be erased) and the hash of the row before.
CREATE TABLE identity_audit (
  number  BIGINT PRIMARY KEY,
  at_us   BIGINT NOT NULL,
  person  TEXT NOT NULL, -- whose account; '' = nobody's
  kind    TEXT NOT NULL,
  by      TEXT NOT NULL, -- person id of who did it; '' = the node or a stranger
  about   TEXT NOT NULL, -- a client, a hoster, a session: never a name or an address
  network TEXT NOT NULL, -- address of who asked; shortened after 30 days
  agent   TEXT NOT NULL, -- browser family
  salt    TEXT NOT NULL, -- '' once the address was shortened
  veil    TEXT NOT NULL, -- hash of salt, network and agent as they were
  hash    TEXT NOT NULL
);
CREATE INDEX identity_audit_person ON identity_audit (person, number);
CREATE INDEX identity_audit_at ON identity_audit (at_us);

-- Where the chain begins after old rows were erased.
CREATE TABLE identity_audit_root (
  name   TEXT PRIMARY KEY, -- 'root'
  number BIGINT NOT NULL,  -- the last row that was erased
  hash   TEXT NOT NULL
);
