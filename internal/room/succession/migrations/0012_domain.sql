-- +goose Up
-- How long resolvers keep the records of domains that services need, as looks saw it: a TTL that was
-- lowered holds later.
CREATE TABLE succession_domain_seen (
  zone     TEXT NOT NULL,
  name     TEXT NOT NULL,
  type     TEXT NOT NULL,   -- A, MX, DS ...
  ttl_s    BIGINT NOT NULL, -- 0 = the set was not there
  since_us BIGINT NOT NULL, -- the first look
  holds_us BIGINT NOT NULL, -- from when nobody keeps a longer one; 0 = none was seen
  at_us    BIGINT NOT NULL, -- the last look
  PRIMARY KEY (zone, name, type)
);
-- +goose Down
DROP TABLE succession_domain_seen;
