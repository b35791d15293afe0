-- +goose Up
-- What one member says it sent of its own takes nobody else's place.
CREATE TABLE watch_receipt_by (
    key    TEXT NOT NULL,
    person TEXT NOT NULL,
    step   TEXT NOT NULL,     -- as of a delivery, and ack
    owner  TEXT NOT NULL,
    state  TEXT NOT NULL,     -- sent, digest, ack
    by     TEXT NOT NULL,
    at_us  BIGINT NOT NULL,
    PRIMARY KEY (key, person, step, owner, by)
);
INSERT INTO watch_receipt_by (key, person, step, owner, state, by, at_us) SELECT key, person, step, owner, state, by, at_us FROM watch_receipt;
DROP TABLE watch_receipt;
ALTER TABLE watch_receipt_by RENAME TO watch_receipt;
CREATE INDEX watch_delivery_owner ON watch_delivery (owner, state, next_us);
